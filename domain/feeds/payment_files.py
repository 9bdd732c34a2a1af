"""Feeds of payment files: their source is ``payments``, or ``payments:FORMAT`` where a bank sends one alone."""

from __future__ import annotations

from typing import Final

from domain.payments.record import FORMATS
from domain.refusal import BadValue

SOURCE: Final = "payments"
AUTO: Final = "auto"


def format_of(source: str) -> str | None:
    """Return the format of a feed of payment files (``auto``: known by its content); None of a feed of usage.

    Refuses with: BadValue (no such format).

    >>> format_of("payments"), format_of("payments:camt054"), format_of("asterisk")
    ('auto', 'camt054', None)
    """
    word, colon, name = source.partition(":")
    if word != SOURCE:
        return None
    if not colon:
        return AUTO
    if name not in FORMATS:
        raise BadValue("no format {name!r}; there are {listed}", name=name, listed=", ".join(FORMATS), field="source")
    return name

"""Where a page of a list ended: a key as a text, which the next page is asked for with."""

from __future__ import annotations

from domain.refusal import BadValue

DIGITS_MAX = 18


def key_after(after: str | None) -> int | None:
    """Return the key behind which a page begins; None: at the first. Refuses with: BadValue.

    >>> key_after("12"), key_after(None)
    (12, None)
    """
    if after is None:
        return None
    if not (after.isascii() and after.isdigit() and len(after) <= DIGITS_MAX):
        raise BadValue("this is not where a page ended", field="after")
    return int(after)

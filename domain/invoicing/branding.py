"""How a seller's documents look: colour, picture, foot, texts of his own, and which blocks stand where.

A brand holds from a day on, for documents issued that day and later; so what was issued looks for good as it did.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from domain.identity_numbers import check_language
from domain.ids import OperatorId, ResellerId
from domain.refusal import BadValue

NOTE_MAX: Final = 500
TEXT_MAX: Final = 1000
# The blocks of the first page that can be moved or left out, in their usual order; the sums and the lines must stand.
BLOCKS: Final = ("strip", "intro", "lines", "totals", "closing", "slip", "buckets", "calls")
NEEDED: Final = frozenset({"lines", "totals"})
LAST: Final = ("slip", "buckets", "calls")
SIZES: Final = (80, 125)
KNOWN: Final = frozenset({"number", "amount", "currency", "due", "reference", "customer", "name", "period", "seller"})
_ACCENT: Final = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)
_LOGO: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_PLACE: Final = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Branding:
    """``reseller`` None: the operator's own. ``logo`` is the SHA-256 of a picture that was put.

    ``blocks`` are those that are drawn, in their order; ``text_percent`` makes lines larger or smaller. ``intro`` and
    ``closing`` are texts by language with places such as {number}.
    """

    operator: OperatorId
    reseller: ResellerId | None = None
    valid_from: date = date.min
    accent: str | None = None
    logo: str | None = None
    note: str | None = None
    blocks: tuple[str, ...] = BLOCKS
    text_percent: int = 100
    intro: Mapping[str, str] = field(default_factory=dict)
    closing: Mapping[str, str] = field(default_factory=dict)
    version: int = 1


def check(one: Branding) -> Branding:
    """Return a brand. Refuses with: BadValue, naming the field."""
    if one.accent is not None and not _ACCENT.fullmatch(one.accent):
        raise BadValue("a colour is written as #0A5566", field="accent")
    if one.logo is not None and not _LOGO.fullmatch(one.logo):
        raise BadValue("a logo is named by the SHA-256 of a picture that was put", field="logo")
    if len(one.note or "") > NOTE_MAX:
        raise BadValue("a note has at most {most} characters", most=NOTE_MAX, field="note")
    if len(set(one.blocks)) != len(one.blocks) or not set(one.blocks) <= set(BLOCKS):
        raise BadValue("the blocks are {listed}, each at most once", listed=", ".join(BLOCKS), field="blocks")
    if not set(one.blocks) >= NEEDED:
        raise BadValue("the law wants the lines and the totals on an invoice", field="blocks")
    behind = [place for place, name in enumerate(one.blocks) if name in LAST]
    if any(one.blocks.index(name) > behind[0] for name in one.blocks if behind and name not in LAST):
        raise BadValue("the slip, the buckets and the calls come after everything else", field="blocks")
    if not SIZES[0] <= one.text_percent <= SIZES[1]:
        raise BadValue(
            "texts are {least} to {most} percent of their size", least=SIZES[0], most=SIZES[1], field="textPercent"
        )
    for name, texts in (("intro", one.intro), ("closing", one.closing)):
        for language, text in texts.items():
            check_language(language, field=name)
            if len(text) > TEXT_MAX:
                raise BadValue("a text has at most {most} characters", most=TEXT_MAX, field=name)
            for place in _PLACE.findall(text):
                if place not in KNOWN:
                    raise BadValue(
                        "{name} is no place of a template; there are {known}",
                        name=f"{{{place}}}",
                        known=", ".join(sorted(KNOWN)),
                        field=name,
                    )
    return one


def filled(text: str, known: Mapping[str, str]) -> str:
    """Return a text with what is known in its places.

    >>> filled("Invoice {number}, {nothing}", {"number": "7"})
    'Invoice 7, '
    """
    return _PLACE.sub(lambda found: known.get(found[1], ""), text)

"""The languages that explanations are told in: their sentences, and how they write numbers, money and times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from domain.refusal import BadValue
from domain.telling import danish, english, finnish, german, norwegian, swedish

_SPACE: Final = "\u00a0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language. ``point`` and ``group`` stand in numbers; ``moment`` is the form of a time (``strftime``).

    ``%e`` and ``%N`` in it are day and month without a nought before them.
    """

    code: str
    sentences: Mapping[str, str]
    point: str = ","
    group: str = _SPACE
    moment: str = "%Y-%m-%d %H:%M:%S"

    def say(self, name: str, **words: object) -> str:
        """Return a sentence with its words."""
        return self.sentences[name].format_map(words)

    def number(self, value: Decimal | int) -> str:
        """Write an exact number with its thousands apart, without needless zeros.

        >>> LANGUAGES["da"].number(Decimal("-1234567.50")), LANGUAGES["en"].number(1234)
        ('-1.234.567,5', '1,234')
        """
        text = format(value, "f") if isinstance(value, Decimal) else str(value)
        whole, _, part = text.partition(".")
        part = part.rstrip("0")
        sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
        groups = re.sub(r"(?<=[0-9])(?=([0-9]{3})+$)", self.group, digits)
        return f"{sign}{groups}{self.point + part if part else ''}"

    def money(self, value: Decimal, currency: str | None) -> str:
        """Write an amount with its currency's code behind it."""
        return f"{self.number(value)}{_SPACE}{currency}" if currency else self.number(value)

    def day(self, day: date) -> str:
        """Write a day of the calendar.

        >>> LANGUAGES["fi"].day(date(2026, 3, 1)), LANGUAGES["da"].day(date(2026, 3, 1))
        ('1.3.2026', '01.03.2026')
        """
        form = self.moment.partition(" ")[0]
        written = form.replace("%Y", f"{day.year:04d}").replace("%m", f"{day.month:02d}")
        return written.replace("%d", f"{day.day:02d}").replace("%e", str(day.day)).replace("%N", str(day.month))

    def time(self, at: datetime, zone: str = "UTC") -> str:
        """Write an instant on the clock of a zone, with its offset."""
        try:
            local = at.astimezone(ZoneInfo(zone))
        except OverflowError:  # the first or last day of the calendar, elsewhere
            local = at
        fraction = f"{self.point}{local.microsecond:06d}".rstrip("0") if local.microsecond else ""
        written = f"{self.day(local)} {local.strftime(self.moment.partition(' ')[2])}"
        offset = local.strftime("%z")
        return f"{written}{fraction} {offset[:3]}:{offset[3:5]}"


LANGUAGES: Final[Mapping[str, Language]] = MappingProxyType(
    {
        one.code: one
        for one in (
            Language(code="en", sentences=english.SENTENCES, point=".", group=","),
            Language(code="sv", sentences=swedish.SENTENCES),
            Language(code="nb", sentences=norwegian.SENTENCES, moment="%d.%m.%Y %H:%M:%S"),
            Language(code="da", sentences=danish.SENTENCES, group=".", moment="%d.%m.%Y %H.%M.%S"),
            Language(code="fi", sentences=finnish.SENTENCES, moment="%e.%N.%Y %H.%M.%S"),
            Language(code="de", sentences=german.SENTENCES, group=".", moment="%d.%m.%Y %H:%M:%S"),
        )
    }
)
_ALIKE: Final = {"no": "nb", "nn": "nb"}
_WANTED: Final = re.compile(
    r"\s*([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]{1,40})?\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?))?\s*"
)
_WANTED_MAX: Final = 20


def language(code: str, *, field: str = "language") -> Language:
    """Return a language by its code (ISO 639-1; a region is passed over). Refuses with: BadValue."""
    found = _found(code)
    if found is None:
        raise BadValue("{code!r} is not one of {listed}", code=code[:20], listed=", ".join(LANGUAGES), field=field)
    return found


def _found(code: str) -> Language | None:
    short = re.split(r"[-_]", code.casefold())[0]
    return LANGUAGES.get(_ALIKE.get(short, short))


def accepted(header: str | None, otherwise: str = "en") -> Language:
    """Return the first language of an ``Accept-Language`` header (RFC 9110 § 12.5.4) that there is.

    >>> accepted("nn-NO, sv;q=0.8").code, accepted("fr, *;q=0.1", "sv").code, accepted("x;;,", "xx").code
    ('nb', 'sv', 'en')
    """
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate((header or "").split(",")[:_WANTED_MAX]):
        match = _WANTED.fullmatch(part)
        if match is not None and float(match[2] or 1) > 0:
            wanted.append((-float(match[2] or 1), place, match[1]))
    for _, _, code in sorted(wanted):
        found = _found(code)
        if found is not None:
            return found
    return _found(otherwise) or LANGUAGES["en"]

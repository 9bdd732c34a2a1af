"""Records of fixed columns, as bank files of the card-punch age have them: lines, columns, dates, amounts.

Columns are written as the formats' own guides do: counted from 1, both ends included.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NoReturn

from domain.refusal import Unreadable

_PIVOT = 80  # a two-digit year from here on is of the last century


@dataclass(frozen=True, slots=True)
class Line:
    """One record and its number in the file, from 1."""

    number: int
    text: str
    length: int = -1  # of the record as it came, before it was padded; -1: as long as its text

    def at(self, first: int, last: int) -> str:
        """Return the columns as they are."""
        return self.text[first - 1 : last]

    def strip(self, first: int, last: int) -> str:
        """Return the columns without the blanks around them."""
        return self.text[first - 1 : last].strip()

    def _whole(self, first: int, last: int, what: str) -> str:
        """Return the columns of a number. Refuses with: Unreadable (the record ends among them: it was cut)."""
        if first <= self.length < last:
            self.refuse(f"it is cut: it ends at column {self.length}, within {what} (columns {first}-{last})")
        return self.text[first - 1 : last].strip()

    def digits(self, first: int, last: int, what: str) -> int:
        """Return the columns as a whole number; blanks are none. Refuses with: Unreadable."""
        text = self._whole(first, last, what)
        if not text:
            return 0
        if not (text.isascii() and text.isdigit()):
            self.refuse(f"{what} (columns {first}-{last}) is {text!r} and should be digits")
        return int(text)

    def hundredths(self, first: int, last: int, what: str) -> Decimal:
        """Return an amount in hundredths of the currency, exactly. Refuses with: Unreadable (also a blank one)."""
        text = self._whole(first, last, what)
        if not (text.isascii() and text.isdigit()):
            self.refuse(f"{what} (columns {first}-{last}) is {text!r} and should be digits")
        return Decimal(int(text)).scaleb(-2)

    def date(self, first: int, last: int, what: str) -> dt.date | None:
        """Return a date of ``YYYYMMDD`` or ``YYMMDD``; zeros and blanks are none. Refuses with: Unreadable."""
        text = self.text[first - 1 : last].strip()
        if not text.strip("0"):
            return None
        try:
            if not (text.isascii() and text.isdigit() and len(text) == last - first + 1):
                raise ValueError  # noqa: TRY301 (one sentence for both faults)
            if len(text) == 8:
                return dt.date(int(text[:4]), int(text[4:6]), int(text[6:]))
            return dt.date(century(int(text[:2])), int(text[2:4]), int(text[4:]))
        except ValueError:
            self.refuse(f"{what} (columns {first}-{last}) is {text!r}, which is no date")

    def day_month_year(self, first: int, last: int, what: str) -> dt.date | None:
        """Return a date of ``DDMMYY``; zeros and blanks are none. Refuses with: Unreadable."""
        text = self.text[first - 1 : last]
        return Line(self.number, text[4:] + text[2:4] + text[:2]).date(1, 6, what)

    def refuse(self, why: str) -> NoReturn:
        """Refuse the whole file because of this record."""
        raise Unreadable("record {number}: {why}; nothing was taken from the file", number=self.number, why=why)


def century(year: int) -> int:
    """Give a two-digit year its century: 80 to 99 are of the last."""
    return year + (1900 if year >= _PIVOT else 2000)


def decode(data: bytes) -> str:
    """Decode UTF-8 where the bytes are that, ISO-8859-1 as the formats say otherwise: no byte is ever lost."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("iso-8859-1")


def lines(data: bytes, *, width: int, tabs: bool = False) -> Iterator[Line]:
    """Split a file into records padded to ``width``; empty lines are none; ``tabs`` are expanded if asked."""
    for number, raw in enumerate(decode(data).replace("\r\n", "\n").split("\n"), 1):
        text = raw.rstrip("\r\x1a\x0c")
        if not text.strip():
            continue
        text = text.expandtabs(8) if tabs else text
        if text[width:].strip():
            Line(number, text).refuse(f"it has {len(text.rstrip())} characters; records of this format have {width}")
        yield Line(number, text.ljust(width), len(text))


def differ(what: str, said: object, found: object, *, line: Line | None = None) -> NoReturn:
    """Refuse a file whose own sum or count is another than that of its records."""
    place = f"record {line.number}: " if line else ""
    raise Unreadable(
        "{place}the file says {what} {said}, its records make {found}; a record is missing, "
        "changed or doubled: ask the bank for the file again; nothing was taken from it",
        place=place,
        what=what,
        said=said,
        found=found,
    )

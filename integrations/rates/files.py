"""Exchange rates as central banks publish them: told apart by their content, read whole or not at all.

- The European Central Bank's reference rates: ``eurofxref-daily.xml``, ``-hist.xml`` and ``-hist-90d.xml`` (a Cube per
  day), ``eurofxref.csv`` (a row of one day) and ``eurofxref-hist.csv`` (a row per day, ``N/A`` where there was none).
  One euro in other currencies.
- Sveriges Riksbank's "search interest and exchange rates" as CSV: ``day;group;series;value`` with decimal comma or
  point. So many kronor for the units that the series names, ``1 EUR`` or ``100 JPY``; a series by its code alone
  (``SEKJPYPMI``) does not say how many and is refused.
- One's own: a CSV with the columns ``day,base,quote,rate``.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from lxml import etree

from domain.margins.exchange import RATE_DECIMALS, DayRate
from domain.money import parse
from domain.refusal import BadValue, Unreadable

RATES_MAX: Final = 1_000_000
_ECB: Final = "ECB"
_RIKSBANK: Final = "Riksbank"
_MISSING: Final = {"", "n/a", "-"}
_SERIES: Final = re.compile(r"(1|10|100|1000) ?([A-Z]{3})(?: .*)?", re.ASCII)


class BankRates:
    """Keeps ``domain.ports.exchange.RateFiles``."""

    def read(self, content: bytes) -> Sequence[DayRate]:
        """Return the rates of a file. Refuses with: Unreadable."""
        return read_rates(content)


def read_rates(content: bytes) -> Sequence[DayRate]:
    r"""Return the rates of a file, one per pair and day. Refuses with: Unreadable, naming the line.

    >>> read_rates(b"Date,USD,JPY,\n2026-03-02,1.0842,N/A,\n")
    [DayRate(day=datetime.date(2026, 3, 2), base='EUR', quote='USD', rate=Decimal('1.0842'), source='ECB')]
    """
    found: dict[tuple[date, str, str], DayRate] = {}
    for place, one in _rates(content):
        key = (one.day, one.base, one.quote)
        if found.setdefault(key, one).rate != one.rate:
            raise Unreadable(
                "{place}: another rate of {base} on {day} stands before it", place=place, base=one.base, day=one.day
            )
        if len(found) > RATES_MAX:
            raise Unreadable("a file has at most {rates_max} rates", rates_max=RATES_MAX)
    if not found:
        raise Unreadable("no exchange rate stands in it")
    return list(found.values())


def _rates(content: bytes) -> Iterator[tuple[str, DayRate]]:
    if content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        return _ecb_xml(content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")  # only names of groups have letters beyond ASCII
    if "\0" in text:
        raise Unreadable("this is no text")
    head = text.partition("\n")[0].strip()
    names = [name.strip().lower() for name in head.split(",")]
    if names[0] == "date" and len(names) > 1:
        return _ecb_csv(text)
    if names == ["day", "base", "quote", "rate"]:
        return _own_csv(text)
    if head.count(";") >= 3 or any(line.count(";") >= 3 for line in text.splitlines()[:5]):
        return _riksbank(text)
    raise Unreadable("neither the European Central Bank's XML or CSV, nor the Riksbank's CSV, nor day,base,quote,rate")


def _ecb_xml(content: bytes) -> Iterator[tuple[str, DayRate]]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as fault:
        raise Unreadable("not well-formed XML: {fault}", fault=fault) from None
    if getattr(root.getroottree().docinfo, "doctype", ""):
        raise Unreadable("a DOCTYPE is not allowed")
    for node in root.iter("{*}Cube"):
        if node.get("currency") is None:
            continue
        place = f"line {node.sourceline}"
        above = node.getparent()
        when = above.get("time") if above is not None else None
        yield place, _rate(place, when, "EUR", node.get("currency"), node.get("rate"), source=_ECB)


def _ecb_csv(text: str) -> Iterator[tuple[str, DayRate]]:
    rows = _rows(text, ",")
    _, header = next(rows)
    for place, row in rows:
        for quote, value in zip(header[1:], row[1:], strict=False):
            if quote and value.lower() not in _MISSING:
                yield place, _rate(place, row[0], "EUR", quote, value, source=_ECB)


def _own_csv(text: str) -> Iterator[tuple[str, DayRate]]:
    rows = _rows(text, ",")
    next(rows)
    for place, row in rows:
        if len(row) != 4:
            raise Unreadable("{place}: four columns are expected", place=place)
        yield place, _rate(place, row[0], row[1], row[2], row[3], source="own")


def _riksbank(text: str) -> Iterator[tuple[str, DayRate]]:
    for place, row in _rows(text, ";"):
        if len(row) < 4 or not row[0][:1].isdigit():
            continue  # a heading
        series = _SERIES.fullmatch(row[2])
        if series is None:
            raise Unreadable("{place}: {row!r} is no series such as 1 EUR or 100 JPY", place=place, row=row[2][:40])
        if row[3].lower() in _MISSING:
            continue
        value = row[3].replace("\N{NO-BREAK SPACE}", "").replace(" ", "").replace(",", ".")
        yield place, _rate(place, row[0], series[2], "SEK", value, source=_RIKSBANK, units=int(series[1]))


def _rows(text: str, delimiter: str) -> Iterator[tuple[str, list[str]]]:
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text), delimiter=delimiter), 1):
            if any(cell.strip() for cell in row):
                yield f"line {number}", [cell.strip() for cell in row]
    except csv.Error as fault:
        raise Unreadable("not CSV: {fault}", fault=fault) from None


def _rate(
    place: str, day: str | None, base: str, quote: str | None, value: str | None, *, source: str, units: int = 1
) -> DayRate:
    try:
        exact = parse(value or "", decimals_max=RATE_DECIMALS)
        rate = Decimal(exact).scaleb(1 - len(str(units)))  # units is a power of ten
        return DayRate(_day(day or ""), base, quote or "", rate.normalize() if rate else rate, source)
    except BadValue as no:
        raise Unreadable("{place}: {message}", place=place, message=no.message) from None


def _day(text: str) -> date:
    for form in ("%Y-%m-%d", "%d %B %Y"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007  (a day of the calendar has no zone)
        except ValueError:
            continue
    raise BadValue("{text!r} is no day such as 2026-03-02", text=text[:40])

"""A supplier's rate sheet: rows of texts to prices by prefix, every fault with its row.

Columns are known by their headings, or named. A prefix cell holds digits, ranges (``1201-1203``, ``1201-3``), patterns
(``^93.*``, ``93[1-5]``), or several of them. A decimal may have a comma. A date without a time is midnight in the
sheet's zone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product
from typing import Final
from zoneinfo import ZoneInfo

from domain.catalogue.document import DIGITS_MAX
from domain.money import INT64_MAX, NANO, scaled
from domain.refusal import BadValue

ROLES: Final = {
    "prefix": "prefix prefixes code codes dialcode dialcodes dialingcode dialprefix areacode areacodes pattern",
    "country_code": "countrycode cc countrydialcode",
    "destination": "destination destinationname description name area zone route country",
    "price": "price rate rateperminute ratepermin ratepermineur rateperminusd rateminute ratemin cost priceperminute "
    "pricepermin newrate newprice peakrate rateusd rateeur",
    "setup": "setup connectfee connectionfee connectcost setupfee connect",
    "first": "first initialincrement initial minduration firstincrement minimumduration initialinterval interval1",
    "next": "next subsequentincrement increment incrementseconds subsequent billingincrement nextincrement interval2",
    "increments": "increments billingincrements billing rounding",
    "minimum": "minimum mincharge minimumcharge",
    "valid_from": "validfrom effectivefrom effective effectivedate startdate from datefrom begins",
    "valid_to": "validto effectiveto enddate expires expirydate to dateto until",
    "enabled": "enabled active status",
}
_ROLES: Final = " ".join(ROLES)
PREFIXES_MAX: Final = 10_000
_NO: Final = frozenset({"0", "no", "n", "false", "off", "disabled", "blocked", "inactive", "closed"})
_PIECES: Final = re.compile(r"\[([0-9-]+)\]|([0-9]+)")
_CLASS: Final = re.compile(r"([0-9])(?:-([0-9]))?")
_PART: Final = re.compile(r"(?:[0-9]|\[[0-9-]+\])+")
_RANGE: Final = re.compile(r"([0-9]+)-([0-9]+)")
_DAY: Final = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{2,4})(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?")


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row of a file: its number there, from 1, and its cells as texts."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How to read a sheet. ``columns``: role -> heading, for those that are not known by theirs.

    ``ignored``: headings of columns that say nothing here, ``*`` for all that have no role. ``dates``: dmy, mdy or None
    where the sheet itself tells. ``zone``: of the dates; None is UTC. ``per``: the units that a price stands for.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    dates: str | None = None
    zone: str | None = None
    per: int = 60
    first: int = 1
    next: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetPrice:
    """What one row says: nano-units of the list's currency per ``Layout.per`` units."""

    row: int
    prefixes: tuple[str, ...]
    destination: str
    price: int
    setup: int = 0
    first: int = 1
    next: int = 1
    minimum: int | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class SheetFault:
    """What is wrong in which row (0: with the sheet)."""

    row: int
    message: str


@dataclass(slots=True)
class SheetRead:
    """A sheet's prices, its faults, the headings taken for each role, and how many rows are switched off.

    ``ignored``: the headings of columns that were not read.
    """

    prices: list[SheetPrice] = field(default_factory=list)
    faults: list[SheetFault] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    disabled: int = 0
    ignored: list[str] = field(default_factory=list)


def read_sheet(rows: Sequence[SheetRow], layout: Layout) -> SheetRead:
    """Read a sheet. Refuses with: BadValue (a role or heading that is none; a zone; no row of headings)."""
    for role in layout.columns:
        if role not in ROLES:
            raise BadValue(
                "{role!r} is no role of a column; there is {listed}",
                role=role,
                listed=", ".join(ROLES),
                field="columns",
            )
    try:
        zone = ZoneInfo(layout.zone or "UTC")
    except (ValueError, OSError, KeyError):
        raise BadValue("{zone!r} is not an IANA time zone", zone=layout.zone, field="zone") from None
    if layout.dates not in {None, "dmy", "mdy"} or min(layout.per, layout.first, layout.next) < 1:
        raise BadValue("dates are dmy or mdy; per, first and next are at least 1", field="layout")
    head, columns = _headings(rows, layout)
    made = SheetRead(columns={role: rows[head].cells[place].strip() for role, place in columns.items()})
    body = [row for row in rows[head + 1 :] if any(cell.strip() for cell in row.cells)]
    _leave(rows[head], columns, body, layout, made)
    dates = layout.dates or _order(body, columns)
    seen: dict[tuple[str, datetime | None], int] = {}
    for row in body:
        cells = {role: row.cells[at].strip() for role, at in columns.items() if at < len(row.cells)}
        if cells.get("enabled", "").casefold() in _NO:
            made.disabled += 1
            continue
        try:
            price = _price(row.number, cells, layout, dates, zone)
        except BadValue as wrong:
            made.faults.append(SheetFault(row.number, f"{wrong.field}: {wrong.message}"))
            continue
        twice = [prefix for prefix in price.prefixes if (prefix, price.valid_from) in seen]
        if twice:
            first = seen[twice[0], price.valid_from]
            made.faults.append(SheetFault(row.number, f"prefix: {twice[0]} stands in row {first} too"))
            continue
        seen.update(((prefix, price.valid_from), row.number) for prefix in price.prefixes)
        made.prices.append(price)
    if not made.prices and not made.faults:
        made.faults.append(SheetFault(0, "the sheet has no row with a price"))
    return made


def _headings(rows: Sequence[SheetRow], layout: Layout) -> tuple[int, dict[str, int]]:
    """Find the row of headings: the first that names a prefix and a price."""
    for index, row in enumerate(rows):
        columns: dict[str, int] = {}
        for role, words in ROLES.items():
            wanted = [_plain(layout.columns[role])] if role in layout.columns else words.split()
            places = [(wanted.index(_plain(cell)), at) for at, cell in enumerate(row.cells) if _plain(cell) in wanted]
            if places:
                columns[role] = min(places)[1]
        if {"prefix", "price", *layout.columns} <= columns.keys():
            return index, columns
    named = ", ".join(f"{role}={heading}" for role, heading in layout.columns.items())
    sought = f"prefix and price{f' and {named}' if named else ''}"
    raise BadValue(
        "no row has headings for {sought}; name those of the sheet, as price=Tariff", sought=sought, field="columns"
    )


def _leave(
    head: SheetRow, columns: Mapping[str, int], body: Sequence[SheetRow], layout: Layout, made: SheetRead
) -> None:
    """Note the columns that are not read; one that may say something about the price is a fault of the headings' row.

    Nothing is lost by a column that is empty or all zeros, or by another name of the destination.
    """
    leave = {_plain(one) for one in layout.ignored}
    harmless = {*ROLES["destination"].split(), *ROLES["country_code"].split()}
    for at, cell in enumerate(head.cells):
        heading = cell.strip()
        if not heading or at in columns.values():
            continue
        made.ignored.append(heading)
        said = "*" in layout.ignored or _plain(heading) in leave
        empty = not any(row.cells[at].strip(" 0.,") for row in body if at < len(row.cells))
        if not (said or empty or _plain(heading) in harmless):
            made.faults.append(
                SheetFault(head.number, f"columns: {heading[:50]!r} has no role: give it one of {_ROLES}, or ignore it")
            )


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.casefold())


def _order(rows: Sequence[SheetRow], columns: Mapping[str, int]) -> str | None:
    """Tell from a sheet's dates whether the day or the month stands first; None: it cannot be told."""
    found = set()
    for role in ("valid_from", "valid_to"):
        place = columns.get(role)
        for row in rows if place is not None else ():
            match = _DAY.fullmatch(row.cells[place].strip()) if place is not None and place < len(row.cells) else None
            if match is not None and len(match[1]) <= 2:
                if int(match[1]) > 12 or match[2] == ".":
                    found.add("dmy")
                if int(match[3]) > 12:
                    found.add("mdy")
    return found.pop() if len(found) == 1 else None


def _price(number: int, cells: Mapping[str, str], layout: Layout, dates: str | None, zone: ZoneInfo) -> SheetPrice:
    prefixes = tuple(dict.fromkeys(_prefixes(cells.get("country_code", ""), cells.get("prefix", ""))))
    first, following = _increments(cells, layout)
    price = _money(cells.get("price", ""), "price")
    if price * layout.per > INT64_MAX:
        raise BadValue("is too large", field="price")
    start = _moment(cells.get("valid_from", ""), "valid_from", dates, zone)
    end = _moment(cells.get("valid_to", ""), "valid_to", dates, zone)
    if start is not None and end is not None and end <= start:
        raise BadValue("lies before valid_from", field="valid_to")
    return SheetPrice(
        row=number,
        prefixes=prefixes,
        destination=" ".join(cells.get("destination", "").split()) or prefixes[0],
        price=price,
        setup=_money(cells.get("setup", "") or "0", "setup"),
        first=first,
        next=following,
        minimum=_money(cells["minimum"], "minimum") if cells.get("minimum") else None,
        valid_from=start,
        valid_to=end,
    )


def _increments(cells: Mapping[str, str], layout: Layout) -> tuple[int, int]:
    """Read the increments: two columns, or one such as ``60/1`` or ``1/1/1`` (minimum, first, next)."""
    together = [part for part in re.split(r"[/\s;,+]+", cells.get("increments", "")) if part]
    if together:
        return _count(together[0], "increments"), _count(together[-1], "increments")
    following = _count(cells["next"], "next") if cells.get("next") else layout.next
    first = _count(cells["first"], "first") if cells.get("first") else max(layout.first, following)
    return first, following


def _count(text: str, role: str) -> int:
    whole = re.fullmatch(r"([0-9]{1,9})([.,]0+)?", text, re.ASCII)
    if whole is None or int(whole[1]) < 1:
        raise BadValue("{text!r} is not a number of seconds", text=text, field=role)
    return int(whole[1])


def _money(text: str, role: str) -> int:
    plain = re.sub(r"[\s\u00a0'€$£]|EUR|USD|SEK|GBP|DKK|NOK", "", text)
    if "," in plain and "." in plain:
        thousands = "," if plain.rindex(",") < plain.rindex(".") else "."
        plain = plain.replace(thousands, "")
    plain = plain.replace(",", ".")
    if plain.startswith("."):
        plain = f"0{plain}"
    try:
        value = scaled(plain, NANO)
    except BadValue as wrong:
        raise BadValue("{text!r}: {message}", text=text, message=wrong.message, field=role) from None
    if not 0 <= value <= INT64_MAX:
        raise BadValue("{text!r} is negative or too large", text=text, field=role)
    return value


def _moment(text: str, role: str, dates: str | None, zone: ZoneInfo) -> datetime | None:
    if not text:
        return None
    match = _DAY.fullmatch(text)
    if match is None:
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise BadValue("{text!r} is not a date", text=text, field=role) from None
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    first, middle, last = int(match[1]), int(match[3]), int(match[4])
    if len(match[1]) == 4:
        year, month, day = first, middle, last
    elif dates is None:
        raise BadValue(
            "{text!r}: say whether the day or the month stands first (dates: dmy or mdy)", text=text, field=role
        )
    else:
        day, month = (first, middle) if dates == "dmy" else (middle, first)
        year = last if last > 99 else 2000 + last
    try:
        hour, minute, second = (int(match[part] or 0) for part in (5, 6, 7))
        return datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadValue("{text!r} is not a date of the calendar", text=text, field=role) from None


def _prefixes(country: str, text: str) -> Iterator[str]:
    """Read a cell of prefixes; with a country code, which stands before each."""
    code = re.sub(r"\D", "", country)
    parts = [part for part in re.split(r"[,;|/\s]+", re.sub(r"\s*-\s*", "-", text)) if part]
    if not parts and code:
        parts = [""]
    if not parts:
        raise BadValue("is empty", field="prefix")
    count = 0
    for part in parts:
        for found in _expanded(part):
            whole = code + found
            count += 1
            if len(whole) > DIGITS_MAX or count > PREFIXES_MAX or not whole:
                raise BadValue(
                    "{part!r} is more than {digits_max} digits or {prefixes_max} prefixes",
                    part=part,
                    digits_max=DIGITS_MAX,
                    prefixes_max=PREFIXES_MAX,
                    field="prefix",
                )
            yield whole


def _expanded(part: str) -> Iterator[str]:
    bare = re.sub(r"(\.\*|\.\+|\*|[xX]+|\.0+|\$)+$", "", part.removeprefix("^").removeprefix("\\").removeprefix("+"))
    if not bare and not part:
        yield ""
        return
    between = _RANGE.fullmatch(bare)
    if between is not None:
        yield from _between(between[1], between[2], part)
        return
    if not _PART.fullmatch(bare):
        raise BadValue(
            "{part!r} is not a prefix, a range such as 1201-1203 or a pattern such as ^93.*", part=part, field="prefix"
        )
    choices: list[list[str]] = []
    size = 1
    for piece in _PIECES.finditer(bare):
        choices.append([piece[2]] if piece[2] else _class(piece[1]))
        size *= len(choices[-1])
        if size > PREFIXES_MAX:
            raise BadValue(
                "{part!r} is more than {prefixes_max} prefixes", part=part, prefixes_max=PREFIXES_MAX, field="prefix"
            )
    for chosen in product(*choices):
        yield "".join(chosen)


def _class(text: str) -> list[str]:
    found: set[int] = set()
    for one in _CLASS.finditer(text):
        found.update(range(int(one[1]), int(one[2] or one[1]) + 1))
    if not found:
        raise BadValue("[{text}] names no digit", text=text, field="prefix")
    return [str(digit) for digit in sorted(found)]


def _between(low: str, high: str, part: str) -> Iterator[str]:
    """Cover the numbers from one prefix to another by the fewest prefixes."""
    if len(high) < len(low):
        high = low[: len(low) - len(high)] + high
    if len(high) != len(low) or high < low or len(low) > DIGITS_MAX:
        raise BadValue("{part!r} is not a range of prefixes of one length, the lower first", part=part, field="prefix")
    width = len(low)
    start, end = int(low), int(high) + 1
    while start < end:
        size = 1
        while start % (size * 10) == 0 and start + size * 10 <= end and size * 10 < 10**width:
            size *= 10
        yield f"{start // size:0{width - len(str(size)) + 1}d}"
        start += size

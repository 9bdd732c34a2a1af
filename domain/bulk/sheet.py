"""What a sheet of each kind has for columns, and a row's cells as values."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from domain.contracts.contract import ContractState
from domain.contracts.identifiers import IdentifierKind
from domain.contracts.subscription import SubscriptionKind
from domain.customers.customer import CallSpecification, CustomerKind, Delivery
from domain.refusal import BadValue

CELL_MAX: Final = 2000
KEY_MAX: Final = 100
OWN: Final = "field."  # before the name of a field of the operator's own
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,15}(?:[.,][0-9]{1,6})?", re.ASCII)
_WORDS: Final = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
# A spreadsheet would take a text that begins so for a formula; it is written with an apostrophe before it, and read so.
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class SheetKind(StrEnum):
    """What the rows of a sheet are."""

    CUSTOMERS = "customers"
    CONTRACTS = "contracts"
    SUBSCRIPTIONS = "subscriptions"
    NUMBERS = "numbers"


Parse = Callable[[str, ZoneInfo], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in the header, how a cell is read, and what it is for."""

    name: str
    parse: Parse
    words: str
    needed: bool = False


def _text(cell: str, _: ZoneInfo) -> str:
    return cell


def _whole(cell: str, _: ZoneInfo) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", cell, re.ASCII):
        raise BadValue("{cell!r} is not a whole number", cell=cell[:40])
    return int(cell)


def _amount(cell: str, _: ZoneInfo) -> Decimal:
    plain = cell.replace(" ", "").replace("\u00a0", "")
    if not _DECIMAL.fullmatch(plain):
        raise BadValue("{cell!r} is not an amount such as 199.50", cell=cell[:40])
    return Decimal(plain.replace(",", "."))


def _yes(cell: str, _: ZoneInfo) -> bool:
    if cell.lower() not in _WORDS:
        raise BadValue("{cell!r} is neither yes nor no", cell=cell[:40])
    return _WORDS[cell.lower()]


def _day(cell: str, _: ZoneInfo) -> date:
    # A workbook's day comes as midnight of that day.
    try:
        return date.fromisoformat(cell.removesuffix("T00:00:00").removesuffix(" 00:00:00"))
    except ValueError:
        raise BadValue("{cell!r} is not a day such as 2026-03-01", cell=cell[:40]) from None


def _moment(cell: str, zone: ZoneInfo) -> datetime:
    try:
        at = datetime.fromisoformat(cell)
    except ValueError:
        raise BadValue("{cell!r} is not a time such as 2026-03-01T08:00:00+01:00, or a day", cell=cell[:40]) from None
    local = datetime.combine(at.date(), at.time() or time(), at.tzinfo or zone)
    return local.astimezone(UTC)


def _one_of(kind: type[Enum]) -> Parse:
    def parse(cell: str, _: ZoneInfo) -> Any:
        try:
            return kind(cell.lower())
        except ValueError:
            words = ", ".join(str(one.value) for one in kind)
            raise BadValue("{cell!r} is not one of {words}", cell=cell[:40], words=words) from None

    return parse


def _list(cell: str, _: ZoneInfo) -> tuple[str, ...]:
    return tuple(part for one in cell.split(";") if (part := one.strip()))


_KEY: Final = Column("externalId", _text, "your own name for the row, by which it is known again", needed=True)
_CUSTOMERS: Final = (
    _KEY,
    Column("name", _text, "", needed=True),
    Column("kind", _one_of(CustomerKind), "person or organisation", needed=True),
    Column("street", _text, "", needed=True),
    Column("street2", _text, ""),
    Column("postcode", _text, "", needed=True),
    Column("city", _text, "", needed=True),
    Column("country", _text, "two letters, ISO 3166-1", needed=True),
    Column("number", _text, "drawn from the series where it is left out"),
    Column("identityNumber", _text, ""),
    Column("vatId", _text, ""),
    Column("email", _text, ""),
    Column("phone", _text, ""),
    Column("language", _text, "sv, en, nb, da, fi, de"),
    Column("paymentTermsDays", _whole, ""),
    Column("delivery", _one_of(Delivery), "pdf, email, print, peppol, finvoice, oioubl, erp"),
    Column("endpoint", _text, "Peppol participant, scheme:id"),
    Column("callSpecification", _one_of(CallSpecification), "none, summary, itemised"),
    Column("maskDigits", _whole, "0 to 4"),
    Column("priceList", _text, ""),
    Column("creditLimit", _amount, "in the operator's currency"),
    Column("buyerReference", _text, ""),
    Column("orderReference", _text, ""),
    Column("costCentre", _text, ""),
    Column("billingDay", _whole, "1 to 28; empty: the 1st"),
    Column("directDebit", _yes, "whether it pays by direct debit"),
    Column("parent", _text, "externalId or number of the customer above"),
    Column("throughParent", _yes, "whether the one above gets the invoice"),
    Column("reseller", _text, "a reseller's code"),
)
_CONTRACTS: Final = (
    _KEY,
    Column("customer", _text, "externalId or number of the customer", needed=True),
    Column("start", _day, "", needed=True),
    Column("end", _day, "the first day after it"),
    Column("number", _text, "drawn from the series where it is left out"),
    Column("state", _one_of(ContractState), "draft, or active (where it is left out)"),
    Column("priceList", _text, ""),
    Column("services", _list, "codes with semicolons between; CODE*3 for a quantity"),
    Column("bindingMonths", _whole, ""),
    Column("noticeMonths", _whole, ""),
    Column("seller", _text, ""),
)
_SUBSCRIPTIONS: Final = (
    _KEY,
    Column("contract", _text, "externalId or number of the contract", needed=True),
    Column("kind", _one_of(SubscriptionKind), "mobile, fixed, sip, trunk", needed=True),
    Column("label", _text, ""),
    Column("numbers", _list, "with semicolons between; imsi:, iccid:, sip:, trunk:, ip: before what is none"),
    Column("validFrom", _moment, "from when the numbers are its; needed with numbers"),
    Column("pending", _yes, "whether it waits for its activation"),
)
_NUMBERS: Final = (
    _KEY,
    Column("subscription", _text, "externalId of the subscription", needed=True),
    Column("number", _text, "", needed=True),
    Column("kind", _one_of(IdentifierKind), "number where it is left out; msisdn, fixed, imsi, iccid, sip, trunk, ip"),
    Column("validFrom", _moment, "a time with its offset, or a day in the operator's zone", needed=True),
    Column("validTo", _moment, "until when; without end where it is left out"),
)
COLUMNS: Final[Mapping[SheetKind, tuple[Column, ...]]] = {
    SheetKind.CUSTOMERS: _CUSTOMERS,
    SheetKind.CONTRACTS: _CONTRACTS,
    SheetKind.SUBSCRIPTIONS: _SUBSCRIPTIONS,
    SheetKind.NUMBERS: _NUMBERS,
}
WITH_FIELDS: Final = frozenset({SheetKind.CUSTOMERS, SheetKind.CONTRACTS, SheetKind.SUBSCRIPTIONS})


@dataclass(frozen=True, slots=True)
class Row:
    """A row's values by column, and its fields of the operator's own. ``number`` counts the header as row 1."""

    number: int
    key: str
    values: Mapping[str, Any]
    own: tuple[tuple[str, str | None], ...]
    content: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a sheet in their order; a name where the column is a field of the operator's own."""

    columns: tuple[Column | str, ...]


def read_header(kind: SheetKind, cells: Sequence[str]) -> Header:
    """Read a header: names as the API writes them, in any case, with or without blanks, - and _.

    Refuses with: BadValue (a column that is not known, that is there twice, or that is needed and missing).
    """
    known = {_plain(one.name): one for one in COLUMNS[kind]}
    columns: list[Column | str] = []
    for cell in cells:
        name = cell.strip()
        if kind in WITH_FIELDS and name.lower().startswith(OWN):
            columns.append(name[len(OWN) :])
        elif (found := known.get(_plain(name))) is not None:
            columns.append(found)
        else:
            raise BadValue(
                "{column!r} is no column of {kind}; there are {columns}",
                column=name[:60],
                kind=kind.value,
                columns=", ".join(one.name for one in COLUMNS[kind]) + (", field.NAME" if kind in WITH_FIELDS else ""),
                field="columns",
            )
    for one in columns:
        if columns.count(one) > 1:
            name = one if isinstance(one, str) else one.name
            raise BadValue("the column {column} is there twice", column=name, field="columns")
    for wanted in COLUMNS[kind]:
        if wanted.needed and wanted not in columns:
            raise BadValue("the column {column} is missing", column=wanted.name, field="columns")
    return Header(tuple(columns))


def read_row(header: Header, number: int, cells: Sequence[str], zone: ZoneInfo) -> tuple[Row, list[BadValue]]:
    """Read a row, and its faults, by column; of a faulty cell there is no value, and of an empty one neither."""
    faults: list[BadValue] = []
    values: dict[str, Any] = {}
    own: list[tuple[str, str | None]] = []
    told: dict[str, str] = {}
    if any(cell.strip() for cell in cells[len(header.columns) :]):
        faults.append(BadValue("the row has more cells than the header", field="columns"))
    for column, raw in zip(header.columns, cells, strict=False):
        cell = unarmoured(raw.strip())
        if not cell:
            continue
        name = column if isinstance(column, str) else column.name
        told[f"{OWN}{name}" if isinstance(column, str) else name] = cell
        if len(cell) > CELL_MAX:
            faults.append(BadValue("a cell has at most {most} characters", most=CELL_MAX, field=name))
        elif isinstance(column, str):
            own.append((column, cell))
        else:
            try:
                values[name] = column.parse(cell, zone)
            except BadValue as no:
                no.field = name
                faults.append(no)
    faults += [
        BadValue("this cannot be empty", field=column.name)
        for column in header.columns
        if not isinstance(column, str) and column.needed and column.name not in told
    ]
    key = told.get("externalId", "")
    if len(key) > KEY_MAX:
        faults.append(BadValue("an external id has at most {most} characters", most=KEY_MAX, field="externalId"))
    content = hashlib.sha256(json.dumps(told, ensure_ascii=False, sort_keys=True).encode()).digest()
    return Row(number, key, values, tuple(own), content), faults


def armoured(text: str) -> str:
    """Return a text as a cell that no spreadsheet takes for a formula (attack F10).

    >>> armoured("=1+1"), armoured("Åsa"), unarmoured(armoured("+46701234567"))
    ("'=1+1", 'Åsa', '+46701234567')
    """
    return f"'{text}" if text.startswith(FORMULA) else text


def unarmoured(cell: str) -> str:
    """Return the text of a cell."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()

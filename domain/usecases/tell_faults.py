"""Tell every fault of a row of a sheet: what a use case refuses is put aside, and the rest is tried, until nothing is.

A use case names the first fault that it meets. So the cell at fault is left out, or where there must be one, another
that is good takes its place; the row is tried again without keeping anything of it, and the next fault is met. What
cannot be told without the cell at fault, such as a number's check without its kind, is left out with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from domain.bulk.sheet import COLUMNS, Row, SheetKind
from domain.contracts.subscription import SubscriptionKind
from domain.customers.customer import CustomerKind
from domain.ports.unit import Unit
from domain.refusal import Refusal
from domain.usecases.take_rows import Faulty, Taking

TRIES_MAX: Final = 20
_OWN: Final = "fields"
# What stands in for a cell that there must be, while the others are looked at.
_STAND_INS: Final[Mapping[SheetKind, Mapping[str, Any]]] = {
    SheetKind.CUSTOMERS: {
        "name": "-",
        "kind": CustomerKind.ORGANISATION,
        "street": "-",
        "postcode": "111 22",
        "city": "-",
        "country": "SE",
    },
    SheetKind.CONTRACTS: {},
    SheetKind.SUBSCRIPTIONS: {"kind": SubscriptionKind.MOBILE},
    SheetKind.NUMBERS: {},
}
# What means nothing without another cell.
_HANGS_ON: Final[Mapping[str, tuple[str, ...]]] = {
    "kind": ("identityNumber", "vatId", "numbers"),
    "country": ("postcode", "identityNumber", "vatId"),
    "parent": ("throughParent",),
    "reseller": ("parent", "throughParent", "priceList"),
    "start": ("end",),
    "validFrom": ("numbers", "validTo"),
    "numbers": ("validFrom",),
}


class _Undo(Exception):  # noqa: N818  (ends an attempt whose work is not wanted; nobody else sees it)
    """The attempt is not to be kept."""


async def all_faults(
    unit: Unit, taking: Taking, kind: SheetKind, row: Row, known: Sequence[Refusal]
) -> Sequence[Refusal]:
    """Return the faults that are known of a row and those that come to light without them; nothing is kept."""
    told, seen, present = list(known), {_column(no, kind) for no in known}, _without(row, kind, known)
    for _ in range(TRIES_MAX):
        if present is None:
            break
        fresh = [no for no in await _tried(unit, taking, kind, present) if _column(no, kind) not in seen]
        if not fresh:
            break
        told += fresh
        seen |= {_column(no, kind) for no in fresh}
        present = _without(present, kind, fresh)
    return told


async def _tried(unit: Unit, taking: Taking, kind: SheetKind, row: Row) -> Sequence[Refusal]:
    try:
        async with unit.attempt():
            await taking.row(kind, row)
            raise _Undo  # noqa: TRY301  (leaving the attempt is what undoes it)
    except _Undo:
        return []
    except Faulty as several:
        return several.faults
    except Refusal as no:
        return [no]


def _without(row: Row, kind: SheetKind, faults: Sequence[Refusal]) -> Row | None:
    """Return a row without the cells that these faults are about; None where it cannot be tried without them."""
    values, own = dict(row.values), row.own
    needed = {one.name for one in COLUMNS[kind] if one.needed} - {"externalId"}
    for no in faults:
        column = _column(no, kind)
        if column is None:
            return None
        if column == _OWN:
            own = tuple(one for one in own if one[0] != (no.field or "").rpartition(".")[2])
            continue
        for name in (column, *_HANGS_ON.get(column, ())):
            values.pop(name, None)
    for name in needed - values.keys():
        if name not in _STAND_INS[kind]:
            return None
        values[name] = _STAND_INS[kind][name]
    return replace(row, values=values, own=own)


def _column(no: Refusal, kind: SheetKind) -> str | None:
    """Return the column that a fault is about; None: it is about none."""
    parts = (no.field or "").split(".")
    if parts[0] == _OWN or (no.field or "").startswith("field."):
        return _OWN
    names = {one.name for one in COLUMNS[kind]}
    return next((part for part in (parts[0], *reversed(parts)) if part in names), None)

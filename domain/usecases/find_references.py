"""Find what rows of a sheet refer to: customers, contracts, lines, resellers, services and price lists, by their words.

Each look-up tells its fault by the column, so that a row can tell all of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from domain.bulk.sheet import Row, SheetKind
from domain.contracts.contract import ContractService
from domain.ids import ResellerId
from domain.ports.unit import Unit
from domain.refusal import BadValue, NotFound, Refusal


class Places:
    """What rows of a chunk refer to, by the words they use."""

    def __init__(self) -> None:
        self._found: dict[tuple[SheetKind, str], int] = {}
        self.resellers: dict[str, ResellerId] = {}
        self.services: dict[str, Any] = {}

    def learn(self, kind: SheetKind, key: str, one: int) -> None:
        """Remember a row's own id, for rows below it."""
        self._found[kind, key] = one

    def forget(self, kind: SheetKind, keys: Iterable[str]) -> None:
        """Forget rows that were undone."""
        for key in keys:
            self._found.pop((kind, key), None)

    def known(self, kind: SheetKind, key: str) -> int | None:
        """Return what an external id stands for."""
        return self._found.get((kind, key))


_REFERS: Final = {
    SheetKind.CUSTOMERS: ("parent", SheetKind.CUSTOMERS),
    SheetKind.CONTRACTS: ("customer", SheetKind.CUSTOMERS),
    SheetKind.SUBSCRIPTIONS: ("contract", SheetKind.CONTRACTS),
    SheetKind.NUMBERS: ("subscription", SheetKind.SUBSCRIPTIONS),
}


async def places_of(unit: Unit, kind: SheetKind, rows: Sequence[Row]) -> Places:
    """Look up, all at once, what rows of a kind refer to."""
    found = Places()
    column, of = _REFERS[kind]
    wanted = list(dict.fromkeys(row.values[column] for row in rows if column in row.values))
    for name, (key, _) in (await unit.bulk.keys(of, wanted)).items():
        found.learn(of, name, key)
    if any("reseller" in row.values for row in rows):
        found.resellers = {one.code: one.id for one in (await unit.resellers.tree()).values()}
    listed = {one for row in rows for one in row.values.get("services", ())}
    if codes := {one.rpartition("*")[0].strip() if "*" in one else one for one in listed}:
        found.services = dict(await unit.services.by_codes(sorted(codes)))
    return found


class References:
    """Looks up what the rows of a chunk refer to, within its unit."""

    def __init__(self, unit: Unit, places: Places) -> None:
        self._unit = unit
        self.places = places

    async def priced(self, values: Mapping[str, Any], faults: list[Refusal]) -> None:
        """Look whether the price list is there, which is asked once of a chunk."""
        if "priceList" in values:
            try:
                await self._unit.catalogue.named(values["priceList"], field="priceList")
            except Refusal as no:
                faults.append(no)

    async def customer(self, name: str, field: str) -> int:
        """Return the customer of an external id or a number. Refuses with: NotFound, by the field."""
        known = self.places.known(SheetKind.CUSTOMERS, name)
        if known is None:
            try:
                known = (await self._unit.customers.by_number(name)).id
            except NotFound:
                raise NotFound("no customer {name}", name=name, field=field) from None
            self.places.learn(SheetKind.CUSTOMERS, name, known)
        return known

    async def contract(self, name: str) -> int:
        """Return the contract of an external id or a number. Refuses with: NotFound."""
        known = self.places.known(SheetKind.CONTRACTS, name)
        if known is None:
            try:
                known = (await self._unit.contracts.by_number(name)).id
            except NotFound:
                raise NotFound("no contract {name}", name=name, field="contract") from None
            self.places.learn(SheetKind.CONTRACTS, name, known)
        return known

    def service(self, text: str, start: date) -> ContractService:
        """Return a service with its quantity, as ``CODE*3``. Refuses with: NotFound, BadValue."""
        code, quantity = code_of(text)
        service = self.places.services.get(code)
        if service is None:
            raise NotFound("no service {code}", code=code, field="services")
        return ContractService(service=service.id, start=start, quantity=quantity)


async def found(wanted: Awaitable[int], faults: list[Refusal]) -> int:
    """Return a key; 0, and the fault among the others, where there is none."""
    try:
        return await wanted
    except Refusal as no:
        faults.append(no)
        return 0


async def is_there(wanted: Awaitable[object]) -> bool:
    """Tell whether something is found."""
    try:
        await wanted
    except NotFound:
        return False
    return True


def code_of(text: str) -> tuple[str, int]:
    """Return a code and a quantity. Refuses with: BadValue.

    >>> code_of("SIM*3"), code_of("SIM")
    (('SIM', 3), ('SIM', 1))
    """
    code, star, count = text.rpartition("*")
    if not star:
        return text, 1
    if not (count.isascii() and count.isdecimal() and len(count) < 8):
        raise BadValue("{text!r} is not a code, or a code and a quantity such as SIM*3", text=text, field="services")
    return code.strip(), int(count)

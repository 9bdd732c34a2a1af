"""Get one contract, as it is, or as it looked on a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.contracts.changes import ContractChange, projected
from domain.contracts.contract import Contract
from domain.ids import ContractId
from domain.period import utc
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin
from domain.refusal import NotFound
from domain.usecases.fit_contract import services_of


@operation(Action.READ_CONTRACTS)
async def get_contract(
    key: ContractId | str,
    *,
    as_of: date | None = None,
    known_at: datetime | None = None,
    actor: Actor,
    begin: Begin,
) -> Contract:
    """Return a contract by its id or, given a text, by its contract number.

    ``as_of``: as it looked or will look on a day, by what is known and planned. ``known_at``: as it had been recorded
    by an instant; planned changes are then not looked at.
    Refuses with: NotAllowed, NotFound (also: it had not been recorded), BadValue (no offset).
    """
    async with begin(actor) as unit:
        found = await (unit.contracts.by_number(key) if isinstance(key, str) else unit.contracts.get(key))
        if known_at is not None:
            kept = await unit.contract_changes.known_at(found.id, utc(known_at, field="knownAt"))
            if kept is None:
                raise NotFound("nothing of the contract was recorded by then", field="knownAt")
            found = replace(kept, customer=found.customer, reseller=found.reseller)
        elif as_of is not None:
            planned = await unit.contract_changes.planned_of(found.id)
            if planned:
                new = [one.new.service for one in planned if one.new is not None]
                services = await services_of(unit, found.services, *new)
                found = projected(found, planned, services, date.fromordinal(as_of.toordinal() + 1))
        return found if as_of is None else found.as_of(as_of)


@operation(Action.READ_CONTRACTS)
async def list_contract_changes(
    key: ContractId, request: PageRequest, *, actor: Actor, begin: Begin
) -> Page[ContractChange]:
    """Return what was changed of a contract and what is planned, in the order of recording.

    Refuses with: NotAllowed, NotFound.
    """
    async with begin(actor) as unit:
        await unit.contracts.get(key)
        return await unit.contract_changes.page(request, contract=key)

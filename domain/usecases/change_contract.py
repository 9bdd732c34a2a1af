"""Change a contract."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from domain.access.actor import Action, Actor, allow
from domain.commands import UNCHANGED, Change, camel, check_texts, given
from domain.contracts.contract import Contract, ContractService, ContractState, check, check_step
from domain.ids import ContractId
from domain.ports.unit import Begin
from domain.refusal import BadValue, Stale
from domain.usecases.create_contract import check_services


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeContract:
    """A change of the fields that are given. ``version`` is the one the caller has read; ``services`` replaces all."""

    contract: ContractId
    version: int
    state: Change[ContractState] = UNCHANGED
    start: Change[date] = UNCHANGED
    end: Change[date | None] = UNCHANGED
    price_list: Change[str | None] = UNCHANGED
    services: Change[tuple[ContractService, ...]] = UNCHANGED


_FIELDS: Final = ("state", "start", "end", "price_list", "services")


async def change_contract(cmd: ChangeContract, *, actor: Actor, begin: Begin) -> Contract:
    """Change what is given and leave the rest; nothing given, or nothing different, changes nothing.

    Refuses with: NotAllowed, NotFound (contract, service, price list), Stale, BadValue, WrongState.
    """
    allow(actor, Action.WRITE_CONTRACTS)
    check_texts(cmd)
    changes = given(cmd, *_FIELDS)
    async with begin(actor) as unit:
        contract = await unit.contracts.claim(cmd.contract)
        if contract.version != cmd.version:
            raise Stale(f"the contract is at version {contract.version}; read it again", field="version")
        changed = check(replace(contract, **changes))
        different = [name for name in changes if getattr(changed, name) != getattr(contract, name)]
        if not different:
            return contract
        check_step(contract.state, changed.state)
        if changed.state is ContractState.ENDED and changed.end is None:
            raise BadValue("an ended contract needs the date of its end", field="end")
        if "price_list" in different and changed.price_list is not None:
            await unit.catalogue.named(changed.price_list, field="priceList")
        if "services" in different:
            await check_services(unit, changed.services)
        kept = await unit.contracts.keep(changed)
        detail = {"version": kept.version, "changed": [camel(name) for name in different], "state": kept.state.value}
        await unit.audit.write("change_contract", f"contract:{contract.id}", detail)
    return kept

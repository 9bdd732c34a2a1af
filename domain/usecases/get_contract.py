"""Get one contract."""

from __future__ import annotations

from domain.access.actor import Action, Actor, allow
from domain.contracts.contract import Contract
from domain.ids import ContractId
from domain.ports.unit import Begin


async def get_contract(key: ContractId | str, *, actor: Actor, begin: Begin) -> Contract:
    """Return a contract by its id or, given a text, by its contract number. Refuses with: NotAllowed, NotFound."""
    allow(actor, Action.READ_CONTRACTS)
    async with begin(actor) as unit:
        return await (unit.contracts.by_number(key) if isinstance(key, str) else unit.contracts.get(key))

"""List contracts."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.contracts.contract import Contract
from domain.ids import CustomerId
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin


@dataclass(frozen=True, slots=True, kw_only=True)
class ListContracts:
    """A page of contracts, of one customer where it is named."""

    page: PageRequest = field(default_factory=PageRequest)
    customer: CustomerId | None = None


@operation(Action.READ_CONTRACTS)
async def list_contracts(query: ListContracts, *, actor: Actor, begin: Begin) -> Page[Contract]:
    """Return the contracts the caller may see, by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.contracts.page(query.page, customer=query.customer)

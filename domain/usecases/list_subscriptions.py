"""List subscriptions."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.contracts.dialled import as_kept, dialling
from domain.contracts.subscription import Subscription
from domain.ids import ContractId, CustomerId
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSubscriptions:
    """A page of subscriptions, of one customer or contract where it is named, or that have or had a number."""

    page: PageRequest = field(default_factory=PageRequest)
    customer: CustomerId | None = None
    contract: ContractId | None = None
    number: str | None = None


@operation(Action.READ_CONTRACTS)
async def list_subscriptions(query: ListSubscriptions, *, actor: Actor, begin: Begin) -> Page[Subscription]:
    """Return the subscriptions the caller may see, by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        number = query.number
        if number is not None:
            number = as_kept([number], dialling(await unit.operators.own()))[0]
        return await unit.subscriptions.page(
            query.page, customer=query.customer, contract=query.contract, number=number
        )

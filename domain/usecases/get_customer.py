"""Get one customer."""

from __future__ import annotations

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.customers.customer import Customer
from domain.ids import CustomerId
from domain.ports.unit import Begin


@operation(Action.READ_CUSTOMERS)
async def get_customer(key: CustomerId | str, *, actor: Actor, begin: Begin) -> Customer:
    """Return a customer by its id or, given a text, by its customer number. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        return await (unit.customers.by_number(key) if isinstance(key, str) else unit.customers.get(key))

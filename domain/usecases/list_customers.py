"""List customers."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.access.actor import Action, Actor, allow
from domain.commands import check_texts
from domain.customers.customer import Customer
from domain.ids import CustomerId
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCustomers:
    """A page of customers. ``text``: the start of words of name, number, identity number or e-mail."""

    page: PageRequest = field(default_factory=PageRequest)
    text: str | None = None
    parent: CustomerId | None = None


async def list_customers(query: ListCustomers, *, actor: Actor, begin: Begin) -> Page[Customer]:
    """Return the customers the caller may see, by key. Refuses with: NotAllowed, BadValue."""
    allow(actor, Action.READ_CUSTOMERS)
    check_texts(query)
    async with begin(actor) as unit:
        return await unit.customers.page(query.page, text=query.text, parent=query.parent)

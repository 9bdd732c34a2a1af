"""List customers."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import check_texts
from domain.customers.customer import Customer
from domain.ids import CustomerId
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCustomers:
    """A page of customers. ``text``: the beginnings of words, as one types.

    Of names (contacts' too), customer numbers, identity numbers, VAT ids, e-mail addresses, telephone numbers,
    references, searchable fields of the operator's own, and the numbers of contracts, lines and invoices.
    """

    page: PageRequest = field(default_factory=PageRequest)
    text: str | None = None
    parent: CustomerId | None = None


@operation(Action.READ_CUSTOMERS)
async def list_customers(query: ListCustomers, *, actor: Actor, begin: Begin) -> Page[Customer]:
    """Return the customers the caller may see, by key, or with a text by the word that was found.

    Refuses with: NotAllowed, BadValue.
    """
    check_texts(query)
    async with begin(actor) as unit:
        # Only a text with digits may be a number as people of the operator's country write it.
        numbers = query.text is not None and any(each.isdigit() for each in query.text)
        country = (await unit.operators.own()).country if numbers else None
        return await unit.customers.page(query.page, text=query.text, parent=query.parent, country=country)

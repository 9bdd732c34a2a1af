"""List invoices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import BillRunId, CustomerId
from domain.invoicing.invoice import Invoice
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin


@dataclass(frozen=True, slots=True, kw_only=True)
class ListInvoices:
    """A page of invoices and credit notes of a payer with its doubles, of a bill run, or of everybody."""

    page: PageRequest = field(default_factory=PageRequest)
    customer: CustomerId | None = None
    run: BillRunId | None = None


@operation(Action.READ_INVOICES)
async def list_invoices(query: ListInvoices, *, actor: Actor, begin: Begin) -> Page[Invoice]:
    """Return the invoices the caller may see, with their lines, by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        payer = query.customer
        doubles = [] if payer is None else (await unit.persons.doubles([payer]))[payer]
        return await unit.invoices.page(query.page, customer=payer, run=query.run, doubles=doubles)


@operation(Action.READ_INVOICES)
async def invoices_of_customers(
    keys: Sequence[CustomerId], *, actor: Actor, begin: Begin, first: int = 50
) -> Mapping[CustomerId, Sequence[Invoice]]:
    """Return the latest invoices of each payer at once. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.invoices.of_customers(keys, first=first)

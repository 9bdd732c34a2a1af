"""List invoices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import BillRunId, CustomerId, InvoiceId
from domain.invoicing.invoice import DocumentKind, Invoice
from domain.ports.invoices import Chosen
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin


@dataclass(frozen=True, slots=True, kw_only=True)
class ListInvoices:
    """A page of invoices and credit notes of a payer with its doubles, of a bill run, or of everybody.

    ``kind``: those alone; issued on the day ``since`` or later, and before the day ``until``.
    """

    page: PageRequest = field(default_factory=PageRequest)
    customer: CustomerId | None = None
    run: BillRunId | None = None
    kind: DocumentKind | None = None
    since: date | None = None
    until: date | None = None


@operation(Action.READ_INVOICES)
async def list_invoices(query: ListInvoices, *, actor: Actor, begin: Begin) -> Page[Invoice]:
    """Return the invoices the caller may see, with their lines, by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        payer = query.customer
        doubles = [] if payer is None else (await unit.persons.doubles([payer]))[payer]
        chosen = Chosen(kind=query.kind, since=query.since, until=query.until)
        return await unit.invoices.page(query.page, customer=payer, run=query.run, doubles=doubles, chosen=chosen)


@operation(Action.READ_INVOICES)
async def invoices_by_ids(keys: Sequence[InvoiceId], *, actor: Actor, begin: Begin) -> Mapping[InvoiceId, Invoice]:
    """Return the invoices that exist and may be seen. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.invoices.many(keys)


@operation(Action.READ_INVOICES)
async def credit_notes_of(numbers: Sequence[str], *, actor: Actor, begin: Begin) -> Mapping[str, Sequence[Invoice]]:
    """Return the credit notes that name each invoice, by its number. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.invoices.credit_notes(numbers)


@operation(Action.READ_INVOICES)
async def invoices_of_customers(
    keys: Sequence[CustomerId], *, actor: Actor, begin: Begin, first: int = 50
) -> Mapping[CustomerId, Sequence[Invoice]]:
    """Return the latest invoices of each payer at once. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.invoices.of_customers(keys, first=first)

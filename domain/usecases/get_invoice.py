"""Get one invoice."""

from __future__ import annotations

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import InvoiceId
from domain.invoicing.invoice import DocumentKind, Invoice
from domain.ports.unit import Begin
from domain.usecases.receive_invoices import as_received, reader_of


@operation(Action.READ_INVOICES)
async def get_invoice(
    key: InvoiceId | str, *, actor: Actor, begin: Begin, kind: DocumentKind = DocumentKind.INVOICE
) -> Invoice:
    """Return an invoice by its id or, given a text, by its number; ``kind`` tells whose series a number is of.

    A reseller's client reads those that it received as well.

    Refuses with: NotAllowed, NotFound.
    """
    reader = await reader_of(key, actor=actor, begin=begin, kind=kind)
    async with begin(reader) as unit:
        found = await (unit.invoices.by_number(key, kind) if isinstance(key, str) else unit.invoices.get(key))
    return found if reader is actor else as_received(found)

"""Get one invoice."""

from __future__ import annotations

from domain.access.actor import Action, Actor, allow
from domain.ids import InvoiceId
from domain.invoicing.invoice import DocumentKind, Invoice
from domain.ports.unit import Begin


async def get_invoice(
    key: InvoiceId | str, *, actor: Actor, begin: Begin, kind: DocumentKind = DocumentKind.INVOICE
) -> Invoice:
    """Return an invoice by its id or, given a text, by its number; ``kind`` tells whose series a number is of.

    Refuses with: NotAllowed, NotFound.
    """
    allow(actor, Action.READ_INVOICES)
    async with begin(actor) as unit:
        return await (unit.invoices.by_number(key, kind) if isinstance(key, str) else unit.invoices.get(key))

"""Make the documents of an issued invoice: its PDF, and its e-invoice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.customers.customer import CallSpecification
from domain.delivery.dispatch import Form, leaves
from domain.ids import InvoiceId
from domain.invoicing.branding import Branding
from domain.invoicing.invoice import CallRow, Invoice
from domain.ports.documents import Documents
from domain.ports.unit import Begin, Unit
from domain.refusal import LimitExceeded
from domain.usecases.receive_invoices import as_received, reader_of

CALLS_MAX: Final = 500_000


@operation(Action.READ_INVOICES)
async def print_invoice(key: InvoiceId, *, actor: Actor, begin: Begin, documents: Documents) -> tuple[Invoice, bytes]:
    """Return an invoice and its PDF, made anew. Refuses with: NotAllowed, NotFound, LimitExceeded (calls)."""
    async with begin(await reader_of(key, actor=actor, begin=begin)) as unit:
        material = await material_of(unit, await unit.invoices.get(key))
    return material.invoice, await asyncio.to_thread(material.printed, documents)


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that an invoice's PDF is made of."""

    invoice: Invoice
    blocks: Sequence[Sequence[CallRow]]
    zone: str
    logo: bytes | None
    branding: Branding | None = None

    def printed(self, documents: Documents) -> bytes:
        """Return the PDF."""
        return documents.pdf(self.invoice, self.blocks, zone=self.zone, logo=self.logo, branding=self.branding)


async def material_of(unit: Unit, invoice: Invoice) -> Material:
    """Read what an invoice's PDF is made of. Refuses with: LimitExceeded (calls)."""
    zone = (await unit.operators.own()).zone
    branding = await unit.brands.at(invoice.sold_by, invoice.issued_on)
    logo = invoice.look.logo if invoice.look is not None else None
    if branding is not None:
        logo = branding.logo or logo
    picture = None if logo is None else await unit.resellers.logo(logo)
    blocks: list[list[CallRow]] = []
    if invoice.call_specification is CallSpecification.ITEMISED:
        async for block in unit.invoices.calls(invoice):
            blocks.append(list(block))
            if sum(map(len, blocks)) > CALLS_MAX:
                raise LimitExceeded(
                    "invoice {number} has more than {calls_max} calls to print",
                    number=invoice.number,
                    calls_max=CALLS_MAX,
                )
    return Material(invoice, blocks, zone, picture, branding)


@operation(Action.READ_INVOICES)
async def write_einvoice(key: InvoiceId, *, actor: Actor, begin: Begin, documents: Documents) -> tuple[Invoice, bytes]:
    """Return an invoice and its e-invoice in the payer's form, Peppol's where he gets none.

    Refuses with: NotAllowed, NotFound, BadValue (what the form needs is not there, such as a Peppol id).
    """
    async with begin(await reader_of(key, actor=actor, begin=begin)) as unit:
        invoice = await unit.invoices.get(key)
    way = leaves(invoice.delivery)
    form = Form.PEPPOL if way is None or way[0] is Form.PDF else way[0]
    return invoice, await asyncio.to_thread(documents.written, invoice, form)


@operation(Action.READ_INVOICES)
async def write_data(
    key: InvoiceId, *, actor: Actor, begin: Begin, documents: Documents, suffix: str
) -> tuple[Invoice, bytes]:
    """Return an invoice and all that it says as ``json`` or ``csv``. Refuses with: NotAllowed, NotFound."""
    reader = await reader_of(key, actor=actor, begin=begin)
    async with begin(reader) as unit:
        invoice = await unit.invoices.get(key)
    told = invoice if reader is actor else as_received(invoice)
    return invoice, await asyncio.to_thread(documents.data, told, suffix)

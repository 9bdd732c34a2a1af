"""One invoice of the demo's month as PDF and as e-invoice: a company's that is reached over Peppol."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from api.wiring import Wiring
from domain.access.actor import Actor
from domain.customers.customer import Delivery
from domain.demo.size import ZONE as DEMO_ZONE
from domain.ids import InvoiceId
from domain.invoicing.bill_run import BillRun
from domain.invoicing.invoice import Invoice
from domain.ports.page import PageRequest
from domain.rating.rated_event import EventRef
from domain.usecases.list_invoices import ListInvoices, list_invoices
from domain.usecases.list_usage import ListUsage, list_usage
from domain.usecases.print_invoice import print_invoice, write_einvoice


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The invoice to look at, where its documents lie, and the dearest of the payer's first calls."""

    id: InvoiceId
    number: str
    payer: str
    total: Decimal
    currency: str
    pdf: Path
    xml: Path
    event: EventRef


async def ensure(place: Path, run: BillRun, wiring: Wiring, actor: Actor, *, anew: bool) -> Sample:
    """Return the sample, writing its documents where they are not there; ``anew``: whatever is there."""
    first = await list_invoices(ListInvoices(page=PageRequest(first=100), run=run.id), actor=actor, begin=wiring.begin)
    invoice = next(one for one in first.items if one.delivery is Delivery.PEPPOL)
    sample = _sample(place, invoice, await _event(invoice, wiring, actor))
    if anew or not sample.pdf.exists():
        _, data = await print_invoice(invoice.id, actor=actor, begin=wiring.begin, documents=wiring.documents)
        _write(sample.pdf, data)
    if anew or not sample.xml.exists():
        _, data = await write_einvoice(invoice.id, actor=actor, begin=wiring.begin, documents=wiring.documents)
        _write(sample.xml, data)
    return sample


async def _event(invoice: Invoice, wiring: Wiring, actor: Actor) -> EventRef:
    """Return an event whose price is worth explaining."""
    since, until = invoice.period.instants(DEMO_ZONE)
    query = ListUsage(since=since, until=until, customer=invoice.customer, first=200)
    events = (await list_usage(query, actor=actor, begin=wiring.begin)).items
    return max(events, key=lambda event: (event.retail.amount.value, -event.ref.start_us)).ref


def _sample(place: Path, invoice: Invoice, event: EventRef) -> Sample:
    """Return what is shown of an invoice."""
    return Sample(
        id=invoice.id,
        number=invoice.number,
        payer=invoice.payer.name,
        total=invoice.total,
        currency=invoice.currency,
        pdf=place / f"invoice-{invoice.number}.pdf",
        xml=place / f"invoice-{invoice.number}.xml",
        event=event,
    )


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    new = path.with_suffix(".new")
    new.write_bytes(data)
    new.replace(path)

"""Keeps ``domain.ports.documents.Documents``: PDF by ReportLab and pikepdf, e-invoice as Peppol BIS Billing 3."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from domain.customers.customer import Delivery
from domain.delivery.dispatch import Form
from domain.delivery.printing import BatchSums, Sheaf
from domain.invoicing.branding import Branding
from domain.invoicing.invoice import CallRow, Invoice
from domain.quotes.offer import Offer
from domain.refusal import BadValue
from integrations.einvoice import finvoice, oioubl, peppol
from integrations.printing import basis, printhouse
from integrations.printing.archive import UBL, Embedded, archived
from integrations.printing.invoice_pdf import draw
from integrations.printing.quote_pdf import draw_quote
from integrations.printing.sheet import Brand, branded


def _within(invoice: Invoice) -> Embedded:
    """Return what a PDF carries: what the payer gets, where that can be written; else EN 16931's UBL."""
    writers: dict[Delivery, tuple[str, Callable[[Invoice], bytes]]] = {
        Delivery.FINVOICE: ("finvoice.xml", finvoice.encode),
        Delivery.OIOUBL: ("oioubl.xml", oioubl.encode),
    }
    name, write = writers.get(invoice.delivery, (UBL, peppol.encode))
    try:
        return Embedded(name, write(invoice))
    except BadValue:
        return Embedded(UBL, peppol.encode_core(invoice))


class InvoiceDocuments:
    """Documents in one brand."""

    def __init__(self, brand: Brand | None = None) -> None:
        self._brand = brand

    def pdf(
        self,
        invoice: Invoice,
        calls: Iterable[Sequence[CallRow]],
        *,
        zone: str,
        logo: bytes | None = None,
        branding: Branding | None = None,
    ) -> bytes:
        """Return the PDF, as PDF/A-3 with the same as an e-invoice inside."""
        made = draw(invoice, calls, zone=zone, brand=branded(branding, invoice.look, logo) or self._brand)
        return archived(made, _within(invoice), invoice)

    def quote(self, offer: Offer, *, logo: bytes | None = None, branding: Branding | None = None) -> bytes:
        """Return the PDF of a quote."""
        return draw_quote(offer, brand=branded(branding, offer.look, logo) or self._brand)

    def pages(self, pdf: bytes) -> int:
        """Return how many pages a PDF has."""
        return printhouse.pages_of(pdf)

    def bundle(
        self, name: str, seller: str, sheaves: Sequence[Sheaf], sums: BatchSums, pdfs: Sequence[bytes]
    ) -> Mapping[str, bytes]:
        """Return what a printhouse gets of a batch, by kind of file."""
        made = printhouse.bundle(name, seller, sheaves, sums, pdfs)
        return {"pdf": made.pdf, "xml": made.xml, "csv": made.csv}

    def written(self, invoice: Invoice, form: Form, *, route: tuple[str, str] | None = None) -> bytes:
        """Return the e-invoice in a form. Refuses with: BadValue (what the form needs and is not there)."""
        match form:
            case Form.FINVOICE:
                return finvoice.encode(invoice, None if route is None else finvoice.Route(*route))
            case Form.OIOUBL:
                return oioubl.encode(invoice)
        return peppol.encode(invoice)

    def einvoice(self, invoice: Invoice) -> bytes:
        """Return the Peppol document. Refuses with: BadValue (no Peppol id)."""
        return peppol.encode(invoice)

    def data(self, invoice: Invoice, suffix: str) -> bytes:
        """Return everything that it says, as ``json`` or as ``csv`` with a row per line; UTF-8."""
        text = basis.encode(invoice) if suffix == "json" else "".join(basis.rows([invoice]))
        return text.encode()

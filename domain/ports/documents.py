"""What turns issued invoices and quotes into the documents that leave; made again at any time, and changing nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from domain.invoicing.invoice import CallRow, Invoice
from domain.quotes.offer import Offer


class Documents(Protocol):
    """Makes documents. Pure and slow: a server calls them in a thread."""

    def pdf(
        self, invoice: Invoice, calls: Iterable[Sequence[CallRow]], *, zone: str, logo: bytes | None = None
    ) -> bytes:
        """Return the PDF with its call specification; where the payer gets e-invoices, PDF/A-3 with the UBL inside.

        ``logo`` is the picture of the seller's look, a PNG.
        """
        ...

    def quote(self, offer: Offer, *, logo: bytes | None = None) -> bytes:
        """Return the PDF of a quote."""
        ...

    def einvoice(self, invoice: Invoice) -> bytes:
        """Return the Peppol BIS Billing 3 document. Refuses with: BadValue (no Peppol id)."""
        ...

    def data(self, invoice: Invoice, suffix: str) -> bytes:
        """Return everything that it says, as ``json`` or as ``csv`` with a row per line; UTF-8."""
        ...

"""What turns an issued invoice into the documents that leave; made again at any time, and never changing the books."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from domain.invoicing.invoice import CallRow, Invoice


class Documents(Protocol):
    """Makes documents of an invoice. Pure and slow: a server calls them in a thread."""

    def pdf(
        self, invoice: Invoice, calls: Iterable[Sequence[CallRow]], *, zone: str, logo: bytes | None = None
    ) -> bytes:
        """Return the PDF with its call specification; where the payer gets e-invoices, PDF/A-3 with the UBL inside.

        ``logo`` is the picture of the seller's look, a PNG.
        """
        ...

    def einvoice(self, invoice: Invoice) -> bytes:
        """Return the Peppol BIS Billing 3 document. Refuses with: BadValue (no Peppol id)."""
        ...

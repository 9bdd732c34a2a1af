"""What turns issued invoices and quotes into the documents that leave; made again at any time, and changing nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from domain.delivery.dispatch import Form
from domain.delivery.printing import BatchSums, Sheaf
from domain.invoicing.branding import Branding
from domain.invoicing.invoice import CallRow, Invoice
from domain.quotes.offer import Offer


class RulesAway(Exception):  # noqa: N818  (read as an answer: the rules could not be run)
    """The rules could not be run: the worker process ended, took too long, or could not read a rule file."""


class EinvoiceRules(Protocol):
    """Reads e-invoices by the rules of their formats. Slow: a server calls it in a thread."""

    def broken(self, content: bytes) -> tuple[str, str] | None:
        """Return the first rule that forbids the document to leave, and its cause with what to do; None: it may.

        Refuses with: Unreadable, LimitExceeded. Raises RulesAway.
        """
        ...


class Documents(Protocol):
    """Makes documents. Pure and slow: a server calls them in a thread."""

    def pdf(
        self,
        invoice: Invoice,
        calls: Iterable[Sequence[CallRow]],
        *,
        zone: str,
        logo: bytes | None = None,
        branding: Branding | None = None,
    ) -> bytes:
        """Return the PDF with its call specification; where the payer gets e-invoices, PDF/A-3 with the UBL inside.

        ``logo`` is the picture of the seller's brand, a PNG; ``branding`` the brand of the day of issue.
        """
        ...

    def quote(self, offer: Offer, *, logo: bytes | None = None, branding: Branding | None = None) -> bytes:
        """Return the PDF of a quote."""
        ...

    def pages(self, pdf: bytes) -> int:
        """Return how many pages a PDF has."""
        ...

    def bundle(
        self, name: str, seller: str, sheaves: Sequence[Sheaf], sums: BatchSums, pdfs: Sequence[bytes]
    ) -> Mapping[str, bytes]:
        """Return what a printhouse gets of a batch, by kind of file: pdf, xml and csv."""
        ...

    def written(self, invoice: Invoice, form: Form, *, route: tuple[str, str] | None = None) -> bytes:
        """Return the e-invoice in a form; ``route`` are seller's and payer's intermediaries in Finvoice.

        Refuses with: BadValue (what the form needs and is not there).
        """
        ...

    def einvoice(self, invoice: Invoice) -> bytes:
        """Return the Peppol BIS Billing 3 document. Refuses with: BadValue (no Peppol id)."""
        ...

    def data(self, invoice: Invoice, suffix: str) -> bytes:
        """Return everything that it says, as ``json`` or as ``csv`` with a row per line; UTF-8."""
        ...

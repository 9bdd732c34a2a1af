"""What is open of invoices and credit notes.

An invoice and the credit notes that name it stand together: what they come to, less what was applied to any of them, is
open of the invoice while the payer owes it, and of the latest credit note once he is owed it.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from domain.ids import CustomerId, InvoiceId
from domain.invoicing.invoice import DocumentKind
from domain.payments.payment import OpenItem


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What of an invoice or credit note concerns payments; ``original`` is the invoice that a credit note names."""

    invoice: InvoiceId
    kind: DocumentKind
    number: str
    original: str | None
    reference: str
    customer: CustomerId
    currency: str
    issued_on: dt.date
    due_on: dt.date
    total_minor: int

    @property
    def group(self) -> str:
        """The number of the invoice that it belongs to."""
        return self.original or self.number


def items_of(documents: Iterable[Document], applied: Mapping[InvoiceId, int]) -> dict[InvoiceId, OpenItem]:
    """Return each document with what is open of it; ``documents`` are whole groups, ``applied`` is in minor units."""
    groups: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        groups[document.group].append(document)
    found = {}
    for group in groups.values():
        left = sum(document.total_minor - applied.get(document.invoice, 0) for document in group)
        ordered = sorted(group, key=lambda one: (one.kind is DocumentKind.CREDIT_NOTE, one.invoice))
        owner = ordered[0] if left >= 0 else ordered[-1]
        for document in ordered:
            found[document.invoice] = OpenItem(
                invoice=document.invoice,
                kind=document.kind.value,
                number=document.number,
                reference=document.reference,
                customer=document.customer,
                currency=document.currency,
                issued_on=document.issued_on,
                due_on=document.due_on,
                total_minor=document.total_minor,
                open_minor=left if document is owner else 0,
            )
    return found


def by_name(names: Iterable[str], items: Iterable[OpenItem]) -> dict[str, OpenItem]:
    """Return the document of each name: its payment reference first, then an invoice's number, then a credit note's."""
    references: dict[str, OpenItem] = {}
    invoices: dict[str, OpenItem] = {}
    notes: dict[str, OpenItem] = {}
    for item in items:
        if item.kind == DocumentKind.INVOICE.value:
            references[item.reference] = item
            invoices[item.number] = item
        else:
            references.setdefault(item.reference, item)
            notes[item.number] = item
    found = {}
    for name in names:
        meant = references.get(name) or invoices.get(name) or notes.get(name)
        if meant is not None:
            found[name] = meant
    return found

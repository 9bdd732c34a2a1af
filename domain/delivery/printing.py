"""What a printhouse needs to know of a batch: the order, sheets, weights, envelopes, and what all of it comes to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.ids import InvoiceId, OperatorId, PrintBatchId
from domain.invoicing.invoice import Invoice, Party
from domain.refusal import BadValue

DOCUMENTS_MAX: Final = 20_000
SHEET_GRAMS: Final = Decimal("4.99")  # A4 of 80 g/m²
# Envelopes by the sheets they hold, with their own weight.
C5_SHEETS: Final = 6
_ENVELOPES: Final = {"C5": Decimal("6.7"), "C4": Decimal("17.0")}
# Steps of letter post, grams (PostNord, Posti and Posten weigh by these or by some of them).
WEIGHT_CLASSES: Final = (20, 50, 100, 250, 500, 1000, 2000)
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}", re.ASCII)


class BatchState(StrEnum):
    """Made → dropped (it lies where the printhouse fetches) → answered (a receipt tells of every document)."""

    MADE = "made"
    DROPPED = "dropped"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintBatch:
    """A batch as it is kept. ``number`` counts an operator's batches from 1; ``digest`` is the PDF's SHA-256.

    ``totals`` are by currency; ``files`` name the stored PDF, XML and CSV by their SHA-256.
    """

    id: PrintBatchId
    operator: OperatorId
    number: int
    state: BatchState
    documents: int
    pages: int
    sheets: int
    totals: tuple[tuple[str, Decimal], ...]
    duplex: bool
    digest: bytes
    files: tuple[tuple[str, bytes], ...]
    made_at: datetime
    made_by: str
    dropped_to: str | None = None
    dropped_at: datetime | None = None
    accepted: int = 0
    rejected: int = 0
    version: int = 1

    @property
    def name(self) -> str:
        """What its files are called.

        >>> PrintBatch.name.fget.__name__
        'name'
        """
        return f"print-{self.number:06d}"


@dataclass(frozen=True, slots=True)
class Sheaf:
    """One document in a batch: where its pages are, what it weighs, and in which envelope."""

    sequence: int
    invoice: Invoice
    first_page: int
    pages: int
    sheets: int
    grams: Decimal
    envelope: str

    @property
    def last_page(self) -> int:
        """The last page that is its own."""
        return self.first_page + self.pages - 1

    @property
    def weight_class(self) -> int:
        """The step of letter post that it falls in, in grams."""
        return next((step for step in WEIGHT_CLASSES if self.grams <= step), WEIGHT_CLASSES[-1])

    @property
    def to(self) -> Party:
        """Whose address stands in the window."""
        return self.invoice.recipient or self.invoice.payer


@dataclass(frozen=True, slots=True)
class BatchSums:
    """What a batch comes to; ``envelopes`` by envelope and weight class."""

    documents: int
    pages: int
    sheets: int
    envelopes: tuple[tuple[str, int, int], ...]
    totals: tuple[tuple[str, Decimal], ...]


def post_order(invoice: Invoice, *, country: str) -> tuple[bool, str, str, str, str, InvoiceId]:
    """Return what a batch is sorted by: the own country first, then country, postcode, town and number."""
    place = (invoice.recipient or invoice.payer).address
    postcode = re.sub(r"[\s-]", "", place.postcode).upper()
    return (place.country != country, place.country, postcode, place.city.upper(), invoice.number, invoice.id)


def sheaves(invoices: Sequence[Invoice], pages: Sequence[int], *, duplex: bool) -> list[Sheaf]:
    """Return where each document lies in the batch's PDF, in which it begins on a new sheet."""
    found: list[Sheaf] = []
    page = 1
    for sequence, (invoice, count) in enumerate(zip(invoices, pages, strict=True), 1):
        sheets = (count + 1) // 2 if duplex else count
        envelope = "C5" if sheets <= C5_SHEETS else "C4"
        grams = sheets * SHEET_GRAMS + _ENVELOPES[envelope]
        found.append(Sheaf(sequence, invoice, page, count, sheets, grams, envelope))
        page += sheets * 2 if duplex else count
    return found


def sums_of(found: Iterable[Sheaf], *, duplex: bool) -> BatchSums:
    """Add a batch up; blank backs count as pages of the file."""
    kept = list(found)
    envelopes: dict[tuple[str, int], int] = {}
    totals: dict[str, Decimal] = {}
    for one in kept:
        key = (one.envelope, one.weight_class)
        envelopes[key] = envelopes.get(key, 0) + 1
        currency = one.invoice.currency
        totals[currency] = totals.get(currency, Decimal(0)) + one.invoice.total
    sheets = sum(one.sheets for one in kept)
    return BatchSums(
        documents=len(kept),
        pages=sheets * 2 if duplex else sheets,
        sheets=sheets,
        envelopes=tuple((name, step, count) for (name, step), count in sorted(envelopes.items())),
        totals=tuple(sorted(totals.items())),
    )


def check_count(count: int) -> int:
    """Return how many documents go into a batch. Refuses with: BadValue."""
    if not 1 <= count <= DOCUMENTS_MAX:
        raise BadValue("a batch has 1 to {most} documents", most=DOCUMENTS_MAX, field="limit")
    return count

"""A direct debit of an invoice, and the file in which orders go to a bank.

An order is on its way (``sent``) until a file says that it was paid, rejected or cancelled; a paid one may come back
later. While it is on its way its amount stands on the account of what is in transit, and the invoice is open still.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from domain.ids import CustomerId, DebitId, InvoiceId, MandateId, OperatorId, OrderFileId, PaymentId


class DebitState(StrEnum):
    """Where an order is."""

    SENT = "sent"
    PAID = "paid"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class DebitOrder:
    """An order to take what is open of an invoice; ``attempt`` counts from 1. Amounts are minor units."""

    id: DebitId
    operator: OperatorId
    file: OrderFileId
    mandate: MandateId
    customer: CustomerId
    invoice: InvoiceId
    currency: str
    amount_minor: int
    due_on: dt.date
    attempt: int
    state: DebitState
    entry: str
    reason: str | None = None
    payment: PaymentId | None = None
    released: str | None = None
    version: int = 1

    @property
    def key(self) -> str:
        """Our own name for it, which banks give back."""
        return f"D{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFile:
    """A file that was written once, as ``number`` of its format. ``taken_at``: when it was given to the bank.

    ``target``: the place that it goes to by itself; None: somebody takes it.
    """

    id: OrderFileId
    operator: OperatorId
    format: str
    number: int
    name: str
    content: bytes
    sha256: bytes
    orders: int
    total_minor: int
    made_at: dt.datetime
    client: str
    currency: str | None = None
    taken_at: dt.datetime | None = None
    taken_by: str | None = None
    target: str | None = None
    version: int = 1

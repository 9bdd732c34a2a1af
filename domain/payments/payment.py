"""A payment as it is kept, what it was applied to, and what is open.

Amounts are minor units (öre, cent) of the currency; what customers owe is positive, what they are owed negative.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from domain.ids import (
    AllocationId,
    ClaimId,
    CustomerId,
    InvoiceId,
    OperatorId,
    PaymentFileId,
    PaymentId,
    SettlementId,
)
from domain.payments.record import Kind


class PaymentState(StrEnum):
    """Where the money is.

    ``allocated``: a customer's, all of it applied. ``credit``: a customer's, with a rest that waits for his next
    invoice. ``unallocated``: nobody's yet. ``held``: not posted, a person must look. ``noted``: moved no money that is
    the ledger's business. ``returned``: taken back by a later one.
    """

    ALLOCATED = "allocated"
    CREDIT = "credit"
    UNALLOCATED = "unallocated"
    HELD = "held"
    NOTED = "noted"
    RETURNED = "returned"


class Reason(StrEnum):
    """Why a payment is nobody's, held, or only partly applied."""

    NO_REFERENCE = "no_reference"
    UNKNOWN_REFERENCE = "unknown_reference"
    OTHER_CURRENCY = "other_currency"
    SUM_DIFFERS = "sum_differs"
    SEVERAL_CUSTOMERS = "several_customers"
    NOTHING_OPEN = "nothing_open"
    OVERPAID = "overpaid"
    OLDEST_FIRST = "oldest_first"
    ROUNDED = "rounded"
    EXCHANGED = "exchanged"
    NO_RATE = "no_rate"
    REFUND = "refund"
    DUPLICATE = "duplicate"
    BY_CUSTOMER = "by_customer"
    POSSIBLE_DUPLICATE = "possible_duplicate"
    UNKNOWN_ORIGINAL = "unknown_original"
    UNKNOWN_AMOUNT = "unknown_amount"
    NOT_BOOKED = "not_booked"
    LUMP_SUM = "lump_sum"
    TOLD_IN_DETAIL = "told_in_detail"
    NO_MONEY = "no_money"
    NOT_OURS = "not_ours"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A payment file that was taken in. ``told`` is what it said of itself."""

    id: PaymentFileId
    operator: OperatorId
    name: str
    format: str
    key: str
    sha256: bytes
    imported_at: dt.datetime
    client: str
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One record of a file. ``record`` is its neutral form, ``entry`` the key of what was booked, if anything was.

    One that was exchanged has its amount in the currency of what it pays, and in ``paid_minor`` and ``paid_currency``
    what moved on the bank's account; one unit of that is worth ``rate``. One that the bank took a charge off has in
    ``paid_minor`` what was left of it, in the same currency.
    """

    id: PaymentId
    operator: OperatorId
    file: PaymentFileId
    position: int
    identity: str
    kind: Kind
    state: PaymentState
    reason: Reason | None
    amount_minor: int
    currency: str
    booked_on: dt.date
    record: Mapping[str, Any]
    customer: CustomerId | None = None
    entry: str | None = None
    original: PaymentId | None = None
    paid_minor: int | None = None
    paid_currency: str | None = None
    rate: Decimal | None = None

    @property
    def exchanged(self) -> bool:
        """Whether it is in another currency than it was paid in."""
        return self.paid_currency not in {None, self.currency}

    @property
    def bank_minor(self) -> int:
        """What moved on the bank's account."""
        return self.amount_minor if self.paid_minor is None else self.paid_minor

    @property
    def bank_currency(self) -> str:
        """The currency that it moved in."""
        return self.currency if self.paid_currency is None else self.paid_currency


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """A part of a payment or of a settlement, applied to an invoice or a claim (positive) or a credit note (negative).

    ``booked_on`` and ``undone_on`` are the days of the ledger entries that go with it.
    """

    id: AllocationId
    operator: OperatorId
    payment: PaymentId | None
    invoice: InvoiceId | None
    customer: CustomerId
    amount_minor: int
    made_at: dt.datetime
    client: str
    booked_on: dt.date
    settlement: SettlementId | None = None
    claim: ClaimId | None = None
    undone_at: dt.datetime | None = None
    undone_by: str | None = None
    undone_on: dt.date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenItem:
    """An invoice or credit note with what is left of it: ``open_minor`` has the sign of ``total_minor``, or is 0."""

    invoice: InvoiceId
    kind: str
    number: str
    reference: str
    customer: CustomerId
    currency: str
    issued_on: dt.date
    due_on: dt.date
    total_minor: int
    open_minor: int

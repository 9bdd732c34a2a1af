"""What was done about an invoice, what holds it up, the letters that went out, and the case that was handed over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from domain.collection.rules import Channel, StepKind
from domain.ids import (
    CollectionAgencyId,
    CollectionCaseId,
    CollectionHoldId,
    CollectionLetterId,
    CollectionMessageId,
    CollectionRuleId,
    CollectionStepId,
    CustomerId,
    InvoiceId,
    OperatorId,
    OrderId,
)

AGENCIES_MAX: Final = 50  # of an operator
# Looks whether a customer has paid what something is being done about.
PAID_JOB: Final = "collection_paid"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneStep:
    """A step of a rule that was done for an invoice, once for good; a bar again after it was lifted.

    Amounts are what it claimed, in minor units.
    """

    id: CollectionStepId
    operator: OperatorId
    customer: CustomerId
    invoice: InvoiceId
    rule: CollectionRuleId
    position: int
    kind: StepKind
    done_on: date
    at: datetime
    client: str
    currency: str
    open_minor: int
    fee_minor: int = 0
    compensation_minor: int = 0
    interest_minor: int = 0
    interest_until: date | None = None
    letter: CollectionLetterId | None = None
    orders: tuple[OrderId, ...] = ()
    ended_at: datetime | None = None
    version: int = 1


class LetterState(StrEnum):
    """A letter waits to be sent, was sent, or cannot be."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What a payer was told on a day; ``content`` is all that stands in it, so that it is printed the same for ever."""

    id: CollectionLetterId
    operator: OperatorId
    customer: CustomerId
    kind: StepKind
    channel: Channel
    made_on: date
    currency: str
    content: Mapping[str, Any]
    state: LetterState = LetterState.WAITING
    sent_at: datetime | None = None
    fault: str | None = None
    version: int = 1


class HoldKind(StrEnum):
    """Why nothing is done: the payer promised to pay, or somebody said so."""

    PROMISE = "promise"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Nothing is done about an invoice, or (None) about any of a customer's, through ``until`` (None: no end)."""

    id: CollectionHoldId
    operator: OperatorId
    customer: CustomerId
    kind: HoldKind
    made_at: datetime
    client: str
    invoice: InvoiceId | None = None
    until: date | None = None
    amount: Decimal | None = None
    reason: str = ""
    ended_at: datetime | None = None
    version: int = 1

    def stops(self, invoice: InvoiceId, on: date) -> bool:
        """Tell whether it holds up an invoice on a day."""
        mine = self.invoice in {None, invoice}
        return mine and self.ended_at is None and (self.until is None or on <= self.until)


class CaseState(StrEnum):
    """A case is with the agency, was called back, or is over."""

    OPEN = "open"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"


class MessageKind(StrEnum):
    """What is told to or by the agency. ``receipt`` is the agency's; all others are ours."""

    NEW = "new"
    PAYMENT = "payment"
    CREDIT = "credit"
    DISPUTE = "dispute"
    WITHDRAWAL = "withdrawal"
    CLOSED = "closed"
    RECEIPT = "receipt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What was handed over of a customer to an agency; ``claimed_minor`` is left of it as the agency was last told."""

    id: CollectionCaseId
    operator: OperatorId
    customer: CustomerId
    agency: str
    currency: str
    invoices: tuple[InvoiceId, ...]
    opened_on: date
    claimed_minor: int
    state: CaseState = CaseState.OPEN
    reference: str | None = None
    closed_at: datetime | None = None
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a case, in the order of ``number``; ``content`` is what the file holds of it."""

    id: CollectionMessageId
    operator: OperatorId
    customer: CustomerId
    of_case: CollectionCaseId
    number: int
    kind: MessageKind
    at: datetime
    content: Mapping[str, Any]
    sent_at: datetime | None = None
    version: int = 1


class CaseFormat(StrEnum):
    """How a case is written for an agency."""

    JSON = "json"
    XML = "xml"
    CSV = "csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """A collection agency: where its files are put, by a place and secrets that are references (``env:NAME``)."""

    id: CollectionAgencyId
    operator: OperatorId
    name: str
    format: CaseFormat
    address: str
    host_keys: tuple[str, ...] = ()
    credentials: Mapping[str, str] = field(default_factory=dict)
    active: bool = True
    version: int = 1

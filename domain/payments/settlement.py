"""What closes a document without a payment in: a credit note set off or paid back, a write-off, rounding, exchange."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from domain.ids import CustomerId, OperatorId, PaymentId, SettlementId


class SettlementKind(StrEnum):
    """``offset`` sets documents of one customer off against one another and books nothing."""

    OFFSET = "offset"
    WRITE_OFF = "write_off"
    ROUNDING = "rounding"
    REFUND = "refund"
    EXCHANGE = "exchange"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """A settlement; its allocations say of what. ``amount_minor`` is what they come to, 0 of an offset.

    ``entry`` is the key of what it booked; undone, a reversal of that stands beside it.
    """

    id: SettlementId
    operator: OperatorId
    customer: CustomerId
    kind: SettlementKind
    currency: str
    amount_minor: int
    booked_on: dt.date
    made_at: dt.datetime
    client: str
    entry: str | None = None
    text: str = ""
    payment: PaymentId | None = None
    undone_on: dt.date | None = None
    undone_at: dt.datetime | None = None
    undone_by: str | None = None
    version: int = 1

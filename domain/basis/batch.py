"""A batch of priced lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from domain.ids import CustomerId, OperatorId, SubscriptionId


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisBatch:
    """What was rated in the chunks after ``after`` up to ``horizon``. ``id`` is the marker that is acknowledged."""

    id: int
    operator: OperatorId
    after: int
    horizon: int
    made_at: datetime
    acknowledged_at: datetime | None = None
    lines: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisLine:
    """The exact sum of the events of one kind, of one line and local month. Keys are empty for what has none.

    A correction of events that were rated again stands here with its difference, so an amount may be below zero.
    """

    position: int
    customer: CustomerId
    customer_key: str
    subscription: SubscriptionId
    subscription_key: str
    period_start: date
    mode: str
    direction: str
    group: str
    currency: str
    events: int
    used: int
    amount_micro: int

    @property
    def amount(self) -> Decimal:
        """Return the sum as an exact decimal."""
        return Decimal(self.amount_micro).scaleb(-6)

"""A batch of priced lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from domain.basis.fee import BasisFee, BasisKind
from domain.ids import CustomerId, OperatorId, SubscriptionId
from domain.invoicing.invoice import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisBatch:
    """What was rated in the chunks after ``after`` up to ``horizon``, and what runs have charged beside it by then.

    ``id`` is the marker that is acknowledged. ``everybody``: it holds everybody's usage, as of the rating-only edition.
    """

    id: int
    operator: OperatorId
    after: int
    horizon: int
    made_at: datetime
    acknowledged_at: datetime | None = None
    lines: int = 0
    everybody: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisLine:
    """The exact sum of the events of one kind, of one line and local month. Keys are empty for what has none.

    A correction of events that were rated again stands here with its difference, so an amount may be below zero.
    With ``fee`` it is what a bill run charged beside usage: its amount is without VAT, and of events it tells nothing.
    ``payer_number`` is empty where lines were made before payers were told.
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
    customer_number: str = ""
    payer_number: str = ""
    fee: BasisFee | None = None

    @property
    def kind(self) -> BasisKind:
        """What it is for: usage, or what a bill run charged."""
        return BasisKind.USAGE if self.fee is None else self.fee.kind

    @property
    def charged(self) -> Line | None:
        """What a bill run charged; None: usage as it was rated, or what became of a bucket."""
        return None if self.fee is None else self.fee.line

    @property
    def amount(self) -> Decimal:
        """Return the sum as an exact decimal."""
        if self.charged is not None:
            return self.charged.net
        return Decimal(self.amount_micro).scaleb(-6)

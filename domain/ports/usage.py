"""The store of rated events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from domain.ids import ContractId, CustomerId, SubscriptionId
from domain.intake.subscribers import Pricing
from domain.money import Amount
from domain.rating.rated_event import EventRef, RatedEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageFilter:
    """Events with ``since <= start < until`` of a customer, contract or subscription; None: any."""

    since: datetime
    until: datetime
    customer: CustomerId | None = None
    contract: ContractId | None = None
    subscription: SubscriptionId | None = None


@dataclass(frozen=True, slots=True)
class UsageTotals:
    """What the events of one destination and mode add up to. ``used``, ``billed``: seconds, messages or kB."""

    destination: str
    mode: str
    events: int
    used: int
    billed: int
    retail: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelTotals:
    """What events come to on the three levels, in one currency. ``wholesale`` is the outermost tier's.

    ``margin``: over events with a cost in this currency, what the operator gets (of a reseller's customer the
    outermost tier's price, else the retail price) less that cost.
    """

    currency: str
    events: int
    retail: Decimal
    wholesale: Decimal
    cost: Decimal
    margin: Decimal


@dataclass(frozen=True, slots=True)
class Background:
    """What an event was rated with: the catalogue as of an instant, and the lists of its subscription then."""

    believed_at: datetime
    pricing: Pricing


class UsageStore(Protocol):
    """Rated events, partitioned by the month of their start; immutable once written.

    What the import pipeline writes in bulk goes over a port of its own (``domain.ports.intake``).
    """

    async def get(self, ref: EventRef) -> RatedEvent:
        """Return the present version of one. Refuses with: NotFound."""
        ...

    async def named(self, start_us: int, keys: Sequence[int]) -> EventRef | None:
        """Return the event of any source that starts then and has one of these keys."""
        ...

    async def page(
        self, chosen: UsageFilter, *, first: int, after: EventRef | None = None
    ) -> tuple[Sequence[RatedEvent], bool]:
        """List by (start, source, key); the second tells whether more follow."""
        ...

    async def background(self, ref: EventRef) -> Background:
        """Return what the present version of an event was rated with. Refuses with: NotFound."""
        ...

    async def totals(self, chosen: UsageFilter) -> Sequence[UsageTotals]:
        """Add up per destination, mode and currency of the retail price, the largest amount first."""
        ...

    async def levels(self, chosen: UsageFilter) -> Sequence[LevelTotals]:
        """Add up per currency on the three levels, by currency; ``events`` are those with a retail price in it."""
        ...

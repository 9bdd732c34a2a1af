"""What is promised to a call that is going on, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.credit.kinds import Kind
from domain.ids import CreditReservationId, CustomerId, OperatorId, ResellerId, SubscriptionId

REFERENCE_MAX: Final = 200
# How far apart the start that was asked for and that of the record may be, where no reference tells.
NEAR: Final = timedelta(minutes=2)
# How long the record of a call that is over is awaited.
AWAITED: Final = timedelta(days=7)
SECONDS_DEFAULT: Final = 600
SECONDS_MAX: Final = 7 * 86_400


class ReservationState(StrEnum):
    """Open → committed → settled. Released: the call never came about; expired: nobody said how it ended."""

    OPEN = "open"
    COMMITTED = "committed"
    SETTLED = "settled"
    RELEASED = "released"
    EXPIRED = "expired"


LIVE: Final = frozenset({ReservationState.OPEN, ReservationState.COMMITTED})


@dataclass(frozen=True, slots=True)
class Draw:
    """What a call that is going on is to get of a bucket: units, or micro-units of a bucket of money."""

    bucket: str
    owner: str
    since: int  # µs
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """``granted`` units of a call from ``start`` on, for which ``amount`` micro-units are set aside.

    ``used``: how long it was, once it is over. ``reference``: the call's, as its record will have it.
    """

    id: CreditReservationId
    operator: OperatorId
    customer: CustomerId
    subscription: SubscriptionId
    reseller: ResellerId | None = None
    reference: str = ""
    number: str
    mode: str
    direction: str
    visited: str | None = None
    start: datetime
    state: ReservationState = ReservationState.OPEN
    granted: int
    used: int | None = None
    amount: int
    kinds: frozenset[Kind]
    draws: tuple[Draw, ...] = ()
    expires_at: datetime
    client: str
    changed_at: datetime
    version: int = 1

    @property
    def live(self) -> bool:
        """Tell whether something is set aside for it."""
        return self.state in LIVE


@dataclass(frozen=True, slots=True)
class Record:
    """What tells of a call's record whose reservation it is; ``other``: the number at the other side."""

    subscription: int
    reference: str
    other: str
    outward: bool
    start: datetime


def settles(record: Record, one: Reservation) -> bool:
    """Tell whether a record is of the call that something was set aside for."""
    if not one.live or record.subscription != one.subscription:
        return False
    if one.reference and record.reference:
        return one.reference == record.reference
    same = record.other == one.number.lstrip("+") and record.outward == (one.direction == "out")
    return same and abs(record.start - one.start) <= NEAR

"""A number of the stock: its status at an instant, and what may be done with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.ids import CustomerId, NumberReservationId, NumberSeriesId, OperatorId, ResellerId
from domain.numbers.series import NumberKind
from domain.period import utc
from domain.refusal import BadValue, Conflict

RESERVATION_DAYS_MAX: Final = 365
NUMBERS_MAX: Final = 1000
CLASS_MAX: Final = 40
REASON_MAX: Final = 200
STANDARD: Final = "standard"


class NumberStatus(StrEnum):
    """Free → reserved → assigned → quarantine → free; ported out, blocked; returned: gone back to its holder."""

    FREE = "free"
    RESERVED = "reserved"
    ASSIGNED = "assigned"
    QUARANTINE = "quarantine"
    PORTED_OUT = "ported_out"
    BLOCKED = "blocked"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class StockNumber:
    """One number. ``status`` is what was last written; what it is at an instant, ``status_at`` says.

    ``until``: the end of an assignment, a reservation or a quarantine. ``free_from``: from when it is free; None: not
    before something happens. ``other``: the operator it was ported in from or out to; ``holder``: whose block it is,
    None: ours. ``number_class``: as golden, with a ``price`` for having it, in the operator's currency.
    """

    operator: OperatorId
    number: str
    kind: NumberKind
    series: NumberSeriesId | None = None
    reseller: ResellerId | None = None
    status: NumberStatus = NumberStatus.FREE
    since: datetime | None = None
    until: datetime | None = None
    free_from: datetime | None = None
    number_class: str = STANDARD
    price: Decimal | None = None
    quarantine_days: int = 0
    reservation: NumberReservationId | None = None
    reserved_for: CustomerId | None = None
    other: str | None = None
    holder: str | None = None
    reason: str | None = None
    version: int = 1

    @property
    def key(self) -> int:
        """Its digits as a number, which pages go by."""
        return int(self.number)

    def status_at(self, now: datetime) -> NumberStatus:
        """Return what it is at an instant."""
        if self.status is NumberStatus.FREE or (self.free_from is not None and self.free_from <= now):
            return NumberStatus.FREE
        if self.status is NumberStatus.ASSIGNED and self.until is not None and self.until <= now:
            return NumberStatus.QUARANTINE if self.holder is None else NumberStatus.RETURNED
        if self.status is NumberStatus.PORTED_OUT and self.since is not None and self.since > now:
            return NumberStatus.ASSIGNED
        return self.status


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Numbers that are kept for somebody (a customer, or whoever holds the reservation) until an instant."""

    id: NumberReservationId
    operator: OperatorId
    numbers: tuple[str, ...]
    until: datetime
    reseller: ResellerId | None = None
    customer: CustomerId | None = None


def follow(one: StockNumber, held_from: datetime | None, held_to: datetime | None, *, held: bool) -> StockNumber:
    """Return a number after its last assignment has become ``[held_from, held_to)``, or it has none any more.

    The twin in SQL is ``number_follow`` (migration 0038).
    """
    if not held:
        if one.status is not NumberStatus.ASSIGNED:
            return one
        return _loose(one, NumberStatus.FREE if one.holder is None else NumberStatus.RETURNED)
    if one.status in {NumberStatus.PORTED_OUT, NumberStatus.BLOCKED}:
        return one
    if (one.status, one.since, one.until) == (NumberStatus.ASSIGNED, held_from, held_to):
        return one
    ours = held_to is not None and one.holder is None
    return replace(
        one,
        status=NumberStatus.ASSIGNED,
        since=held_from,
        until=held_to,
        free_from=held_to + timedelta(days=one.quarantine_days) if ours and held_to is not None else None,
        reservation=None,
        reserved_for=None,
        version=one.version + 1,
    )


def _loose(one: StockNumber, status: NumberStatus) -> StockNumber:
    return replace(
        one,
        status=status,
        since=None,
        until=None,
        free_from=None,
        reservation=None,
        reserved_for=None,
        version=one.version + 1,
    )


def reserve(one: StockNumber, reservation: Reservation, *, now: datetime) -> StockNumber:
    """Return a free number kept for somebody. Refuses with: Conflict (it is not free)."""
    _free(one, now)
    return replace(
        one,
        status=NumberStatus.RESERVED,
        since=now,
        until=reservation.until,
        free_from=reservation.until,
        reservation=reservation.id,
        reserved_for=reservation.customer,
    )


def let_go(one: StockNumber) -> StockNumber:
    """Return a number free again that was reserved, blocked or rested."""
    return replace(_loose(one, NumberStatus.FREE), version=one.version, reason=None)


def block(one: StockNumber, reason: str, *, now: datetime) -> StockNumber:
    """Return a number that is given to nobody. Refuses with: Conflict (it is not free)."""
    if not 1 <= len(reason.strip()) <= REASON_MAX:
        raise BadValue("a reason has 1 to {most} characters", most=REASON_MAX, field="reason")
    if one.status_at(now) not in {NumberStatus.FREE, NumberStatus.QUARANTINE, NumberStatus.RESERVED}:
        raise _taken(one, now)
    return replace(_loose(one, NumberStatus.BLOCKED), version=one.version, reason=reason, since=now)


def check_until(until: datetime, *, now: datetime) -> datetime:
    """Return the end of a reservation. Refuses with: BadValue."""
    until = utc(until, field="until")
    if not now < until <= now + timedelta(days=RESERVATION_DAYS_MAX):
        raise BadValue("a reservation ends ahead, within {most} days", most=RESERVATION_DAYS_MAX, field="until")
    return until


def check_class(number_class: str, price: Decimal | None) -> None:
    """Check a class and its price. Refuses with: BadValue."""
    if not 1 <= len(number_class.strip()) <= CLASS_MAX:
        raise BadValue("a class has 1 to {most} characters", most=CLASS_MAX, field="numberClass")
    if price is not None and (not price.is_finite() or not 0 <= price <= 10**9 or price != round(price, 2)):
        raise BadValue("a price is 0 to 10⁹ with at most two decimals", field="price")


def _free(one: StockNumber, now: datetime) -> None:
    if one.status_at(now) is not NumberStatus.FREE:
        raise _taken(one, now)


def _taken(one: StockNumber, now: datetime) -> Conflict:
    return Conflict(
        "the number {number} is {status}", number=one.number, status=one.status_at(now).value, field="numbers"
    )

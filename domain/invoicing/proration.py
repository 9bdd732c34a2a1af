"""Periodic fees by days: fee periods on the calendar or the contract's anniversary, and covers inside one.

Part periods cost ``fee * days / days of the period``, start inclusive and end exclusive, actual days, rounded half up
to the currency once; a whole period is the fee itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from domain.money import Rounding, divide, round_to
from domain.period import Period, later

FEE_PERIODS_MAX = 1200
Exact = Decimal | Fraction


@dataclass(frozen=True, slots=True)
class Cover:
    """The part of a fee period that one price covers, what it costs, and the fee it is a part of."""

    fee_period: Period
    period: Period
    amount: Decimal
    fee: Exact

    @property
    def whole(self) -> bool:
        """Whether it covers the fee period altogether."""
        return self.period == self.fee_period


@dataclass(frozen=True, slots=True)
class Priced:
    """A fee per period that holds in ``[start, end)``; an open end is None. A third of a fee is no decimal."""

    start: date
    end: date | None
    fee: Exact


def prorate(fee: Exact, *, days: int, of_days: int, decimals: int = 2) -> Decimal:
    """Return the fee of ``days`` out of ``of_days``, rounded half up once.

    >>> prorate(Decimal("199.00"), days=19, of_days=28)
    Decimal('135.04')
    """
    assert 0 <= days <= of_days
    assert of_days > 0
    if days == of_days:
        return round_to(fee, decimals)
    numerator, denominator = fee.as_integer_ratio()
    return Decimal(divide(numerator * days * 10**decimals, denominator * of_days, Rounding.HALF_UP)).scaleb(-decimals)


def covers(fee_period: Period, prices: Sequence[Priced], *, decimals: int = 2) -> tuple[Cover, ...]:
    """Split a fee period by the prices that hold in it: one cover per interval, in order of time.

    The prices must not overlap; days that none covers cost nothing. Where one follows another that is as high, nothing
    has changed: they are one interval, rounded once.
    """
    found: list[Cover] = []
    ordered = prices if len(prices) == 1 else _joined(sorted(prices, key=lambda price: price.start))
    for price in ordered:
        part = fee_period.overlap(price.start, price.end)
        if part is None:
            continue
        assert not found or found[-1].period.end <= part.start, f"two prices hold on {part.start}"
        amount = prorate(price.fee, days=part.days, of_days=fee_period.days, decimals=decimals)
        found.append(Cover(fee_period, part, amount, price.fee))
    return tuple(found)


def _joined(prices: Sequence[Priced]) -> Iterator[Priced]:
    """Yield prices in order of time, those that follow each other at the same height as one."""
    held: Priced | None = None
    for price in prices:
        if held is not None and held.end == price.start and held.fee == price.fee:
            held = Priced(held.start, price.end, held.fee)
            continue
        if held is not None:
            yield held
        held = price
    if held is not None:
        yield held


def fee_periods(anchor: date, months: int, window: Period) -> Iterator[Period]:
    """Yield the fee periods of ``months`` months counted from ``anchor`` that touch ``window``, in order.

    The calendar's own are counted from the first of January of any year (months divides 12), an anniversary's from the
    contract's first day. A start on a day that a month lacks falls on that month's last day, and comes back later.

    >>> [str(p) for p in fee_periods(date(2026, 1, 31), 1, Period(date(2026, 2, 1), date(2026, 4, 1)))]
    ['2026-01-31..2026-02-28', '2026-02-28..2026-03-31', '2026-03-31..2026-04-30']
    """
    assert months > 0
    first = ((window.start.year - anchor.year) * 12 + window.start.month - anchor.month) // months - 1
    for index in range(first, first + FEE_PERIODS_MAX):
        period = Period(later(anchor, index * months), later(anchor, (index + 1) * months))
        if period.start >= window.end:
            return
        if period.end > window.start:
            yield period
    raise AssertionError(f"more than {FEE_PERIODS_MAX} fee periods in {window}")

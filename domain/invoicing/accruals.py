"""Accruals (periodisering) by day, and what a set of contracts is worth in a year."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.money import Rounding, divide, round_to
from domain.period import Period


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a net amount that belongs to one calendar month."""

    period: Period
    amount: Decimal


def accrue(net: Decimal, service: Period, *, decimals: int = 2) -> tuple[Share, ...]:
    """Spread a net amount over the calendar months of its service period, by days.

    What has accrued by the end of each month is rounded half up, so that the shares sum to the amount exactly.
    """
    shares: list[Share] = []
    before = Decimal(0)
    numerator, denominator = net.as_integer_ratio()
    start = service.start
    while start < service.end:
        end = min(service.end, date(start.year + start.month // 12, start.month % 12 + 1, 1))
        days = (end - service.start).days
        total = divide(numerator * days * 10**decimals, denominator * service.days, Rounding.HALF_UP)
        accrued = Decimal(total).scaleb(-decimals) if end < service.end else net
        shares.append(Share(Period(start, end), accrued - before))
        before, start = accrued, end
    return tuple(shares)


def annual_value(fees: Iterable[tuple[Decimal, int]], *, decimals: int = 2) -> Decimal:
    """Return twelve months' worth of periodic fees, given as (fee after discount, interval in months).

    >>> annual_value([(Decimal("179.10"), 1), (Decimal("300.00"), 3), (Decimal("1200.00"), 12)])
    Decimal('4549.20')
    """
    total = Decimal(0)
    for fee, months in fees:
        assert months in {1, 2, 3, 4, 6, 12}, "twelve months are a whole number of intervals"
        total += fee * (12 // months)
    return round_to(total, decimals)

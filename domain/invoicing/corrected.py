"""Which days a correction is about: those whose fee is another now than what was charged for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise

from domain.invoicing.bill_run import BilledPart
from domain.period import Period


def corrected_days(due: Sequence[BilledPart], billed: Sequence[BilledPart], *, decimals: int = 2) -> Period | None:
    """Return the days from the first to the last that cost something else per day now; None where none does.

    ``billed`` are the lines of earlier invoices, corrections among them. What rounding alone explains is no
    difference: each amount may be off by a unit of the currency's last decimal.

    >>> from decimal import Decimal
    >>> whole = BilledPart(Period(date(2026, 10, 1), date(2026, 11, 1)), Decimal("199.00"))
    >>> left = BilledPart(Period(date(2026, 10, 1), date(2026, 10, 20)), Decimal("121.97"))
    >>> str(corrected_days([left], [whole]))
    '2026-10-20..2026-11-01'
    """
    cuts = sorted({day for part in (*due, *billed) for day in (part.period.start, part.period.end)})
    unit = Fraction(1, 10**decimals)
    found = [
        Period(start, end)
        for start, end in pairwise(cuts)
        if abs(_per_day(due, start) - _per_day(billed, start)) > unit * _slack((*due, *billed), start)
    ]
    return Period(found[0].start, found[-1].end) if found else None


def _covering(parts: Iterable[BilledPart], day: date) -> list[BilledPart]:
    return [one for one in parts if one.period.start <= day < one.period.end]


def _per_day(parts: Iterable[BilledPart], day: date) -> Fraction:
    return sum((Fraction(one.net) / one.period.days for one in _covering(parts, day)), Fraction(0))


def _slack(parts: Iterable[BilledPart], day: date) -> Fraction:
    return sum((Fraction(1, one.period.days) for one in _covering(parts, day)), Fraction(0))

"""Late interest: simple, per day, on what was left of the principal that day; never on fees or on interest.

A year is 365 days. The time runs from the due date up to, and without, the day it is counted on: who pays a day late
pays a day's interest. It is split where the rate changes (1 January and 1 July) and where the principal does; each part
is rounded half up to the currency's minor unit, and what is asked for is their sum, so that a reader can check it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final

from domain.collection.limits import InterestTerm, ReferenceRate, half_year, rate_of, term_of
from domain.customers.customer import CustomerKind
from domain.money import divide

DAYS_A_YEAR: Final = 365
_BASIS_POINTS: Final = 10_000  # rates have at most four decimals of a per cent


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """From a day on so much more (or less) of the principal is left, in minor units."""

    day: date
    change_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestLine:
    """Interest of days ``[start, end)`` on one principal at one rate, in minor units; the rate in per cent a year."""

    start: date
    end: date
    principal_minor: int
    percent: Decimal
    amount_minor: int

    @property
    def days(self) -> int:
        """Return how many days it is for."""
        return (self.end - self.start).days


@dataclass(frozen=True, slots=True, kw_only=True)
class Accrued:
    """The lines by day, and the first day whose rate nobody has entered (nothing is counted from then on)."""

    lines: tuple[InterestLine, ...] = ()
    unknown_from: date | None = None

    @property
    def amount_minor(self) -> int:
        """Return what they come to."""
        return sum(line.amount_minor for line in self.lines)

    @property
    def until(self) -> date | None:
        """Return the day up to which interest is counted; None where none is."""
        return self.lines[-1].end if self.lines else None


def accrue(
    steps: Iterable[Step],
    *,
    since: date,
    until: date,
    country: str,
    customer: CustomerKind,
    rates: Sequence[ReferenceRate],
    terms: Sequence[InterestTerm],
) -> Accrued:
    """Count interest of days ``[since, until)``; ``since`` is the due date, or up to where it was charged before."""
    term = term_of(terms, country=country, customer=customer, on=since)
    if term is not None and term.years is not None:
        since = max(since, _years_before(until, term.years))
    history = sorted(steps)
    lines: list[InterestLine] = []
    for start, end in _parts(history, since, until):
        term = term_of(terms, country=country, customer=customer, on=start)
        rate = rate_of(rates, country=country, on=start)
        principal = max(sum(step.change_minor for step in history if step.day <= start), 0)
        if not principal:
            continue
        if term is None or rate is None:
            return Accrued(lines=tuple(lines), unknown_from=start)
        percent = rate.percent + term.points
        lines.append(
            InterestLine(
                start=start,
                end=end,
                principal_minor=principal,
                percent=percent,
                amount_minor=interest(principal, percent, (end - start).days),
            )
        )
    return Accrued(lines=tuple(lines))


def interest(principal_minor: int, percent: Decimal, days: int) -> int:
    """Return simple interest in minor units, half up.

    >>> interest(100_000, Decimal(10), 365), interest(100_000, Decimal("12.25"), 1)
    (10000, 34)
    """
    points = int(percent * _BASIS_POINTS)
    return divide(principal_minor * points * days, 100 * _BASIS_POINTS * DAYS_A_YEAR)


def _parts(history: Sequence[Step], since: date, until: date) -> list[tuple[date, date]]:
    """Return the stretches of days in which neither the half-year nor the principal changes."""
    if until <= since:
        return []
    cuts = {since, until, *(step.day for step in history if since < step.day < until)}
    turn = _next_half_year(since)
    while turn < until:
        cuts.add(turn)
        turn = _next_half_year(turn)
    ordered = sorted(cuts)
    return list(pairwise(ordered))


def _next_half_year(day: date) -> date:
    return half_year(half_year(day) + timedelta(days=190))


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)

"""Exchange rates of days, and converting by them."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

from domain.money import currency, divide
from domain.refusal import BadValue, WrongState

RATE_DECIMALS: Final = 12
RATE_MAX: Final = 1_000_000_000
AGE_DEFAULT_DAYS: Final = 7  # over the longest run of bank holidays
AGE_MAX_DAYS: Final = 3660


@dataclass(frozen=True, slots=True)
class DayRate:
    """On a day one unit of ``base`` was worth ``rate`` units of ``quote``. Refuses with: BadValue."""

    day: date
    base: str
    quote: str
    rate: Decimal
    source: str

    def __post_init__(self) -> None:
        if currency(self.base) == currency(self.quote):
            raise BadValue("{day}: {base} has no rate against itself", day=self.day, base=self.base, field="rate")
        exponent = self.rate.as_tuple().exponent
        if not isinstance(exponent, int) or not 0 < self.rate < RATE_MAX or exponent < -RATE_DECIMALS:
            raise BadValue(
                "{day}: {rate} is no rate of {base}: over 0, at most {rate_decimals} decimals",
                day=self.day,
                rate=self.rate,
                base=self.base,
                rate_decimals=RATE_DECIMALS,
                field="rate",
            )


@dataclass(frozen=True, slots=True)
class MarginRules:
    """How margins are watched. ``loss_min``: the loss of one chunk on one destination, list and trunk from which an
    alarm is raised, in the operator's currency (0: any loss); None: never. ``rate_max_age_days``: how old an exchange
    rate may be, where the day itself has none. Refuses with: BadValue.
    """  # noqa: D205  (the fields are the summary)

    loss_min: Decimal | None = Decimal(0)
    rate_max_age_days: int = AGE_DEFAULT_DAYS

    def __post_init__(self) -> None:
        if self.loss_min is not None and not (self.loss_min.is_finite() and 0 <= self.loss_min < 10**12):
            raise BadValue("a loss is an amount from 0", field="lossMin")
        if not 0 <= self.rate_max_age_days <= AGE_MAX_DAYS:
            raise BadValue("an age is from 0 to {age_max_days} days", age_max_days=AGE_MAX_DAYS, field="rateMaxAgeDays")


class NoRate(WrongState):
    """An amount cannot be told in another currency, since no rate of its day says so."""


def no_rate(source: str, target: str, day: date) -> NoRate:
    """Return the refusal of an amount that cannot be converted."""
    return NoRate(
        "there is no rate between {currency} and {currency_2} on {day}",
        currency=target,
        currency_2=source,
        day=day.isoformat(),
        field="currency",
    )


class Exchange:
    """Converts between currencies on a day.

    A day without a rate takes the last earlier one, at most ``max_age_days`` old; a pair without rates of its own the
    reverse of the other way round, and else the product of two over one third currency, the first in the alphabet.
    """

    def __init__(self, rates: Iterable[DayRate], *, max_age_days: int = AGE_DEFAULT_DAYS) -> None:
        self._age = timedelta(days=max_age_days)
        found: dict[tuple[str, str], dict[date, Fraction]] = defaultdict(dict)
        for one in rates:
            found[one.base, one.quote][one.day] = Fraction(one.rate)
        self._days = {pair: sorted(days) for pair, days in found.items()}
        self._rates = dict(found)
        self._currencies = sorted({code for pair in found for code in pair})
        self._known: dict[tuple[str, str, date], Fraction | None] = {}

    def factor(self, source: str, target: str, day: date) -> Fraction | None:
        """Return how many units of ``target`` one of ``source`` is worth on a day; None where no rate says."""
        if source == target:
            return Fraction(1)
        key = (source, target, day)
        if key not in self._known:
            self._known[key] = self._find(source, target, day)
        return self._known[key]

    def convert(self, micro: int, source: str, target: str, day: date) -> int | None:
        """Return an amount in another currency, in micro-units rounded half away from zero; None without a rate."""
        factor = self.factor(source, target, day)
        return None if factor is None else divide(micro * factor.numerator, factor.denominator)

    def _find(self, source: str, target: str, day: date) -> Fraction | None:
        direct = self._either(source, target, day)
        if direct is not None:
            return direct
        for third in self._currencies:
            first = self._either(source, third, day)
            second = None if first is None else self._either(third, target, day)
            if first is not None and second is not None:
                return first * second
        return None

    def _either(self, source: str, target: str, day: date) -> Fraction | None:
        found = self._last(source, target, day)
        if found is not None:
            return found
        other = self._last(target, source, day)
        return None if other is None else 1 / other

    def _last(self, base: str, quote: str, day: date) -> Fraction | None:
        days = self._days.get((base, quote))
        if not days:
            return None
        place = bisect_right(days, day)
        if not place or day - days[place - 1] > self._age:
            return None
        return self._rates[base, quote][days[place - 1]]

"""On which days banks clear direct debits: by calendar of a scheme's country, and TARGET for the euro's.

Holidays move with Easter or stand on a date; each is a row with the years it holds in, so that what a parliament or a
bank changes is a row and no code.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from typing import Final

from domain.payments.orders import Scheme

SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class Easter:
    """A day so many days from Easter Sunday, in the years ``since`` to ``until``, both included."""

    days: int
    since: int = 1
    until: int = 9999

    def on(self, year: int) -> dt.date:
        """Return the day in a year."""
        return easter(year) + dt.timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A day of each year; ``weekday`` (0 is Monday): the first such day from it on."""

    month: int
    day: int
    weekday: int | None = None
    since: int = 1
    until: int = 9999

    def on(self, year: int) -> dt.date:
        """Return the day in a year."""
        first = dt.date(year, self.month, self.day)
        return first if self.weekday is None else first + dt.timedelta(days=(self.weekday - first.weekday()) % 7)


_GOOD_FRIDAY, _EASTER_MONDAY, _ASCENSION, _WHIT_MONDAY = Easter(-2), Easter(1), Easter(39), Easter(50)
_MAUNDY_THURSDAY = Easter(-3)
_NEW_YEAR, _MAY_DAY, _CHRISTMAS, _SECOND = Fixed(1, 1), Fixed(5, 1), Fixed(12, 25), Fixed(12, 26)
_CHRISTMAS_EVE, _LAST_DAY = Fixed(12, 24), Fixed(12, 31)

CLOSED: Final[dict[str, tuple[Easter | Fixed, ...]]] = {
    # Bankgirot: Epiphany, the national day, Midsummer Eve and the eves of the turn of the year too.
    "SE": (
        *(_NEW_YEAR, Fixed(1, 6), _GOOD_FRIDAY, _EASTER_MONDAY, _MAY_DAY, _ASCENSION, Fixed(6, 6)),
        *(Fixed(6, 19, weekday=4), _CHRISTMAS_EVE, _CHRISTMAS, _SECOND, _LAST_DAY),
    ),
    "NO": (
        *(_NEW_YEAR, _MAUNDY_THURSDAY, _GOOD_FRIDAY, _EASTER_MONDAY, _MAY_DAY, Fixed(5, 17), _ASCENSION),
        *(_WHIT_MONDAY, _CHRISTMAS, _SECOND),
    ),
    # The great prayer day was abolished from 2024 on (lov 214 of 2023); banks are closed the day after Ascension too.
    "DK": (
        *(_NEW_YEAR, _MAUNDY_THURSDAY, _GOOD_FRIDAY, _EASTER_MONDAY, Easter(26, until=2023), _ASCENSION, Easter(40)),
        *(_WHIT_MONDAY, Fixed(6, 5), _CHRISTMAS_EVE, _CHRISTMAS, _SECOND, _LAST_DAY),
    ),
    # T2, the settlement of the euro.
    "TARGET": (_NEW_YEAR, _GOOD_FRIDAY, _EASTER_MONDAY, _MAY_DAY, _CHRISTMAS, _SECOND),
}
CALENDARS: Final = {
    Scheme.AUTOGIRO: "SE",
    Scheme.AVTALEGIRO: "NO",
    Scheme.BETALINGSSERVICE: "DK",
    Scheme.SEPA_CORE: "TARGET",
    Scheme.SEPA_B2B: "TARGET",
}


def easter(year: int) -> dt.date:
    """Return Easter Sunday of a year of the Gregorian calendar (the algorithm of Meeus, Jones and Butcher).

    >>> easter(2026), easter(2027)
    (datetime.date(2026, 4, 5), datetime.date(2027, 3, 28))
    """
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (b - (b + 8) // 25 + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    offset = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * offset) // 451
    month, day = divmod(h + offset - 7 * m + 114, 31)
    return dt.date(year, month, day + 1)


@cache
def _closed(calendar: str, year: int) -> frozenset[dt.date]:
    return frozenset(one.on(year) for one in CLOSED[calendar] if one.since <= year <= one.until)


def is_banking_day(scheme: Scheme, day: dt.date) -> bool:
    """Tell whether a scheme clears on a day."""
    return day.weekday() < SATURDAY and day not in _closed(CALENDARS[scheme], day.year)


def banking_day(scheme: Scheme, day: dt.date) -> dt.date:
    """Return the day, or the first banking day after it."""
    while not is_banking_day(scheme, day):
        day += dt.timedelta(days=1)
    return day


def ahead(scheme: Scheme, day: dt.date, count: int) -> dt.date:
    """Return the day that is so many banking days after another.

    >>> ahead(Scheme.AUTOGIRO, dt.date(2026, 12, 22), 2)  # the 24th to the 27th are none
    datetime.date(2026, 12, 28)
    """
    for _ in range(count):
        day = banking_day(scheme, day + dt.timedelta(days=1))
    return day

"""A time zone as UTC transitions, so that "what time is it there" is a search in an integer array.

The tables run from 1900 to 2500. The rules of a zone do not change after the last year the time zone database knows,
and the Gregorian calendar repeats after 400 years, weekdays included: a later instant is looked up 400·n years before.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from domain.rating.layout import DAY_US, SECOND_US

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
CYCLE_US: Final = 146_097 * DAY_US  # 400 Gregorian years, a whole number of weeks
TABLE_END_US: Final = (datetime(2500, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
CALENDAR_END_US: Final = (datetime(9999, 12, 31, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
_STEP_DAYS: Final = 2  # no zone has changed its clock and back within two days


def micros(moment: datetime) -> int:
    """Return µs since 1970, exactly."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment_of(us: int) -> datetime:
    """Return the instant that is so many µs after 1970."""
    return EPOCH + timedelta(microseconds=us)


@cache
def transitions(name: str) -> tuple[tuple[int, int], ...]:
    """Return (µs since 1970 UTC, UTC offset in µs from then on) of a zone, the first at 1900."""
    zone = ZoneInfo(name)

    def offset_at(seconds: int) -> int:
        delta = (EPOCH + timedelta(seconds=seconds)).astimezone(zone).utcoffset()
        assert delta is not None
        return delta // timedelta(microseconds=1)

    at = int((datetime(1900, 1, 1, tzinfo=UTC) - EPOCH).total_seconds())
    offset = offset_at(at)
    found = [(at * SECOND_US, offset)]
    while at * SECOND_US < TABLE_END_US:
        later = at + _STEP_DAYS * 86_400
        if offset_at(later) != offset:
            low, high = at, later
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset_at(middle) == offset else (low, middle)
            at, offset = high, offset_at(high)
            found.append((at * SECOND_US, offset))
        else:
            at = later
    return tuple(found)

"""What looks wrong about a feed: a gap in what it numbers, an hour with unusually many or few events, silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Final
from zoneinfo import ZoneInfo

GAPS_MAX: Final = 20
LATE_MAX: Final = 100
WEEKS: Final = 8
WEEKS_MIN: Final = 3
_DEVIATIONS: Final = 5
_SHARE: Final = 0.5
_FEW: Final = 20


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers that are missing, both inclusive."""

    first: int
    last: int

    def without(self, number: int) -> list[Gap]:
        """Return what is missing still when a number has come late."""
        if not self.first <= number <= self.last:
            return [self]
        parts = [Gap(self.first, number - 1), Gap(number + 1, self.last)]
        return [part for part in parts if part.first <= part.last]

    def __str__(self) -> str:
        """Return them as people write them."""
        return str(self.first) if self.first == self.last else f"{self.first}–{self.last}"


def gaps(numbers: Sequence[int], last: int | None, *, begins_again_after: int | None = None) -> list[Gap]:
    """Return what is missing between numbers in the order they came, behind ``last`` of the time before.

    A number that is a little smaller than the last one is late, and no longer missing; 0, 1 and one that is much
    smaller are a new beginning.

    >>> [str(gap) for gap in gaps([5, 6, 9, 10], 2)]
    ['3–4', '7–8']
    >>> [str(gap) for gap in gaps([5, 9, 7, 10], 4)]
    ['6', '8']
    >>> [str(gap) for gap in gaps([998, 999, 2], 997, begins_again_after=999)]
    ['0–1']
    >>> gaps([0, 1, 2], 900)
    []
    """
    found: list[Gap] = []
    for number in numbers:
        if last is None or number == last:
            last = number
        elif number > last:
            if number > last + 1:
                found.append(Gap(last + 1, number - 1))
            last = number
        elif begins_again_after is not None and last - number > begins_again_after // 2:
            if last < begins_again_after:
                found.append(Gap(last + 1, begins_again_after))
            elif number > 1:  # whether it begins again with 0 or 1 is not known until one has been seen
                found.append(Gap(0, number - 1))
            last = number
        elif number <= 1 or last - number > LATE_MAX:
            last = number
        else:
            found = [part for gap in found for part in gap.without(number)]
    return list(dict.fromkeys(found))[:GAPS_MAX]


def newest(numbers: Sequence[int], last: int | None) -> int:
    """Return the number that the next one is expected behind: late ones are not it.

    >>> newest([8, 9, 7], 6), newest([5], 9), newest([0, 1], 900), newest([998, 999, 0], 997)
    (9, 9, 1, 0)
    """
    for number in numbers:
        late = last is not None and 1 < number < last and last - number <= LATE_MAX
        last = last if late else number
    assert last is not None
    return last


def same_hours(hour: datetime, zone: str) -> list[datetime]:
    """Return the same hour of the local week in the weeks before, in UTC, nearest first.

    >>> [one.isoformat() for one in same_hours(datetime(2026, 3, 30, 6, tzinfo=UTC), "Europe/Stockholm")[:2]]
    ['2026-03-23T07:00:00+00:00', '2026-03-16T07:00:00+00:00']
    """
    local = hour.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return [
        (local - timedelta(weeks=back)).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for back in range(1, WEEKS + 1)
    ]


def unusual(count: int, before: Sequence[int]) -> tuple[float, float] | None:
    """Return between which counts an hour would be usual, where ``count`` is not; None: it is, or nobody can tell.

    Usual is the median of the same hour in earlier weeks, give or take the largest of: five times the median absolute
    deviation (times 1.4826, as of a normal distribution), half the median, five times the median's root, and 20 events.
    Median and deviation are not moved by one holiday or one outage among the weeks. Weeks without any event at
    all (before the source began) do not count, and three must be left.

    >>> unusual(1000, [980, 1010, 995, 0]) is None
    True
    >>> unusual(100, [980, 1010, 995, 1005])
    (500.0, 1500.0)
    """
    weeks = [one for one in before if one]
    if len(weeks) < WEEKS_MIN:
        return None
    middle = float(median(weeks))
    spread = 1.4826 * median([abs(one - middle) for one in weeks])
    reach = max(_DEVIATIONS * spread, _SHARE * middle, _DEVIATIONS * middle**0.5, _FEW)
    low, high = max(0.0, middle - reach), middle + reach
    return None if low <= count <= high else (low, high)


def silent_since(
    last_file_at: datetime | None, created_at: datetime, minutes: int | None, at: datetime
) -> datetime | None:
    """Return since when a feed has brought nothing, where that is longer than it may."""
    since = last_file_at or created_at
    return since if minutes is not None and at - since > timedelta(minutes=minutes) else None

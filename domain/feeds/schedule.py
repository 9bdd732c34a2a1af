"""When a feed is polled: a cron expression in the operator's zone, and sooner or later where something waits or failed.

As Debian's cron has it when clocks change: what would fall in the missing hour runs right after it, what falls in the
hour that comes twice runs once; expressions that run every hour or oftener keep their rhythm.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from domain.refusal import BadValue

EXPRESSION_MAX: Final = 200
RETRY_SECONDS: Final = 30
RETRY_SECONDS_MAX: Final = 3600
_LETTERS: Final = re.compile(r"[A-Za-z0-9*,/#? -]+", re.ASCII)


def check_schedule(expression: str) -> str:
    """Return a cron expression of five fields. Refuses with: BadValue."""
    if len(expression) <= EXPRESSION_MAX and _LETTERS.fullmatch(expression) and len(expression.split()) == 5:
        try:
            next(CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC)))
        except (CronSimError, StopIteration):
            pass
        else:
            return expression
    raise BadValue("a schedule is minute hour day month weekday, such as */5 * * * * (cron)", field="schedule")


def following(expression: str, zone: str, after: datetime) -> datetime:
    """Return the first moment after ``after`` that fits, in UTC.

    >>> following("30 2 * * *", "Europe/Stockholm", datetime(2026, 3, 28, 12, tzinfo=UTC)).isoformat()
    '2026-03-29T01:00:00+00:00'
    >>> following("30 2 * * *", "Europe/Stockholm", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)).isoformat()
    '2026-10-26T01:30:00+00:00'
    """
    local = after.astimezone(ZoneInfo(zone))
    for moment in CronSim(expression, local):
        found: datetime = moment.astimezone(UTC)
        if found > after:
            return found
    raise AssertionError("a schedule that was checked comes again")


def retry(failures: int, *, jitter: float) -> timedelta:
    """Return how long a feed rests after so many failures in a row: twice as long each time, an hour at most.

    ``jitter`` from 0 to 1 takes up to half away, so that feeds of one server do not come back together.

    >>> [retry(n, jitter=0).seconds for n in (1, 2, 3, 8, 100)]
    [30, 60, 120, 3600, 3600]
    """
    seconds = min(RETRY_SECONDS * 2 ** min(failures - 1, 20), RETRY_SECONDS_MAX)
    return timedelta(seconds=seconds * (1 - jitter / 2))

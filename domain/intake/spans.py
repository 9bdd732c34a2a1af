"""Spans of time that hold some instants, cut at the widest gaps: what to read to meet all of them and little else."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.rating.clock import EPOCH

SPANS_MAX: Final = 16
DAY_US: Final = 86_400_000_000


def spans(
    starts: NDArray[np.int64], *, spans_max: int = SPANS_MAX, gap_us: int = 3_600_000_000
) -> list[tuple[int, int]]:
    """Return at most ``spans_max`` closed intervals, in order, that hold every instant; gaps under ``gap_us`` stay.

    >>> spans(np.array([5, 1, 900, 2]), gap_us=100)
    [(1, 5), (900, 900)]
    """
    if not len(starts):
        return []
    ordered = np.sort(starts)
    gaps = np.diff(ordered)
    cuts = np.flatnonzero(gaps >= gap_us)
    if len(cuts) >= spans_max:
        cuts = np.sort(cuts[np.argsort(-gaps[cuts], kind="stable")[: spans_max - 1]])
    firsts = ordered[np.concatenate([[0], cuts + 1])]
    lasts = ordered[np.concatenate([cuts, [len(ordered) - 1]])]
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))


def ends_of(starts: NDArray[np.int64]) -> tuple[datetime | None, datetime | None]:
    """Return the first and the last instant (µs), None where there is none."""
    if not len(starts):
        return None, None
    first, last = (EPOCH + timedelta(microseconds=int(one)) for one in (starts.min(), starts.max()))
    return first, last


def months_of(starts: NDArray[np.int64]) -> set[date]:
    """Return the first day of every month (UTC) that an instant (µs) is in. Events go by time, so few days are met.

    >>> sorted(str(month) for month in months_of(np.array([1_772_323_199_000_000, 1_772_323_200_000_000])))
    ['2026-02-01', '2026-03-01']
    """
    if not len(starts):
        return set()
    days = starts // DAY_US
    heads = days[np.flatnonzero(np.diff(days, prepend=days[0] - 1))]
    return {(EPOCH + timedelta(days=day)).date().replace(day=1) for day in np.unique(heads).tolist()}

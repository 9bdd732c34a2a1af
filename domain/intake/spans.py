"""Spans of time that hold some instants, cut at the widest gaps: what to read to meet all of them and little else."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

SPANS_MAX: Final = 16


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

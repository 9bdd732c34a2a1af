"""Rating across the beginnings of months at which what passes a rollover's cap is taken away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from domain.rating.columns import Events
from domain.rating.layout import Int64s
from domain.rating.parties import Parties, State

if TYPE_CHECKING:
    from domain.rating.rate import Rated

SIDES: Final = ("shares", "draws", "counts")  # the tables of a rated run that have rows of their own
Run = Callable[[Events], "Rated"]


def rate_rolling(parties: Parties, events: Events, order: Int64s, state: State, run: Run) -> Rated:
    """Rate events in their order, with a cut where a roll lies between two of them.

    ``order``: their places in it; empty where they stand in it already. ``run`` rates a part; what rolls take away is
    noted in ``state.lost``.
    """
    places = order if len(order) else np.arange(len(events), dtype=np.int64)
    starts = events.start[places]
    parts: list[tuple[Int64s, Rated]] = []
    begin = 0
    for number, (at, cap, buckets) in enumerate(parties.rolls[state.rolled :], state.rolled):
        cut = int(np.searchsorted(starts, at))
        if cut == len(starts):
            break
        if cut > begin:
            parts.append((places[begin:cut], run(taken(events, places[begin:cut]))))
            begin = cut
        _roll(number, cap, buckets, state)
        state.rolled = number + 1
    parts.append((places[begin:], run(taken(events, places[begin:]))))
    return joined(parts, len(events))


def _roll(number: int, cap: int, buckets: tuple[int, ...], state: State) -> None:
    """Leave at most ``cap`` of what these have left; those that end first lose first."""
    excess = sum(int(state.left[bucket]) for bucket in buckets) - cap
    for bucket in buckets:
        lost = min(max(excess, 0), int(state.left[bucket]))
        if lost:
            state.left[bucket] -= lost
            state.lost.append((number, bucket, lost))
        excess -= lost


def taken(events: Events, places: Int64s) -> Events:
    """Return the events at these places."""
    return Events(**{column.name: getattr(events, column.name)[places] for column in fields(Events)})


def joined(parts: Sequence[tuple[Int64s, Rated]], count: int) -> Rated:
    """Put the parts together, each event in its place."""
    if len(parts) == 1 and len(parts[0][0]) == count and not np.any(np.diff(parts[0][0]) < 0):
        return parts[0][1]
    columns: dict[str, Any] = {}
    for column in fields(parts[0][1]):
        arrays = [getattr(rated, column.name) for _, rated in parts]
        if column.name in SIDES:
            sides = []
            for (places, _), rows in zip(parts, arrays, strict=True):
                own = rows.copy()
                own[:, 0] = places[own[:, 0]]
                sides.append(own)
            columns[column.name] = np.concatenate(sides)
            continue
        whole = np.empty((*arrays[0].shape[:-1], count), arrays[0].dtype)
        for (places, _), array in zip(parts, arrays, strict=True):
            whole[..., places] = array
        columns[column.name] = whole
    return replace(parts[0][1], **columns)

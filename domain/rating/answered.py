"""Chunks of a stream of events, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import polars as pl

from domain.rating.columns import Events
from domain.rating.rate import Rated
from domain.rating.rolling import SIDES


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some events with their ids; ``reasons`` says of a bad one (by its place here) what is wrong."""

    events: Events
    ids: pl.Series
    reasons: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answered:
    """A chunk and what its events cost."""

    chunk: Chunk
    rated: Rated


def by_event(rated: Rated) -> Rated:
    """Sort the side tables by event, so that a part is a slice."""
    sides = {name: getattr(rated, name) for name in SIDES}
    return replace(rated, **{name: rows[np.argsort(rows[:, 0], kind="stable")] for name, rows in sides.items()})


def slice_of(rated: Rated, start: int, end: int) -> Rated:
    """Return the events ``[start, end)``; the side tables must be sorted by event."""
    parts: dict[str, Any] = {}
    for column in fields(Rated):
        array = getattr(rated, column.name)
        if column.name in SIDES:
            first, last = np.searchsorted(array[:, 0], (start, end))
            made = array[first:last].copy()
            made[:, 0] -= start
            parts[column.name] = made
        else:
            parts[column.name] = array[..., start:end]
    return Rated(**parts)

"""Rating a stream of events in bounded memory.

Events that share no state are rated chunk by chunk. Where a bucket or a counted ring may act, the order of all events
decides, so their columns alone are held until the end and rated then; the answers come out in chunks again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl

from domain.catalogue.tariff import Tariff
from domain.rating.allowances import granted
from domain.rating.book import Book, compile_book
from domain.rating.clock import EPOCH
from domain.rating.columns import Events, key_ranks
from domain.rating.parties import Parties, compile_parties
from domain.rating.rate import Rated, rate
from domain.rating.rolling import SIDES

CHUNK_MAX = 50_000  # events per answered chunk


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


class RateRun:
    """One run of a tariff over a stream. Feed chunks, then finish; both yield what is rated so far."""

    def __init__(self, tariff: Tariff) -> None:
        self.book: Book = compile_book(tariff)
        self.parties: Parties = compile_parties(self.book, tuple(tariff.parties.values()))
        self.plans = any(bucket.is_plan for bucket in tariff.buckets)  # what they grant depends on the events' times
        self.held: list[Chunk] = []

    def feed(self, chunk: Chunk) -> Iterator[Answered]:
        """Take a chunk; yield it rated at once where its order does not matter."""
        if self.parties.any_stateful or self.plans:
            self.held.append(chunk)
        elif len(chunk.events):
            yield Answered(chunk, rate(self.book, self.parties, chunk.events))

    def finish(self) -> Iterator[Answered]:
        """Rate what was held, and yield it in the order in which it came."""
        if not self.held:
            return
        ids = pl.concat([chunk.ids for chunk in self.held])
        columns = {
            column.name: np.concatenate([getattr(chunk.events, column.name) for chunk in self.held])
            for column in fields(Events)
        }
        events = Events(**{**columns, "rank": key_ranks(ids)})
        reasons, first = {}, 0
        for chunk in self.held:
            reasons.update({first + place: reason for place, reason in chunk.reasons.items()})
            first += len(chunk.events)
        self.held = []
        if self.plans:
            self.parties = self._with_plans(events)
        rated = _by_event(rate(self.book, self.parties, events))
        for start in range(0, len(events), CHUNK_MAX):
            end = min(start + CHUNK_MAX, len(events))
            here = {place - start: reasons[place] for place in range(start, end) if place in reasons}
            part = Events(**{column.name: getattr(events, column.name)[start:end] for column in fields(Events)})
            yield Answered(Chunk(part, ids[start:end], here), _part(rated, start, end))

    def _with_plans(self, events: Events) -> Parties:
        """Compile the parties with what every bucket grants while these events happen."""
        parties, good = tuple(self.book.tariff.parties.values()), events.start[events.bad == 0]
        times = (good.min(), good.max()) if len(good) else (0, 0)
        span = (EPOCH + timedelta(microseconds=int(moment)) for moment in times)
        buckets, rolls = granted(self.book.tariff.buckets, parties, *span)
        return compile_parties(self.book, parties, buckets, rolls=rolls)


def _by_event(rated: Rated) -> Rated:
    """Sort the side tables by event, so that a part is a slice."""
    sides = {name: getattr(rated, name) for name in SIDES}
    return replace(rated, **{name: rows[np.argsort(rows[:, 0], kind="stable")] for name, rows in sides.items()})


def _part(rated: Rated, start: int, end: int) -> Rated:
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

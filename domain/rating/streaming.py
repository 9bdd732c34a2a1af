"""Rating a stream of events in bounded memory.

Events that share no state are rated chunk by chunk. Where a bucket or a counted ring may act, the order of all events
decides: they are held until the end and rated then, and where they are many they wait on a spool (``spilling``); the
answers come out in chunks again, in the order in which the events came.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from typing import Final

import numpy as np
import polars as pl

from domain.catalogue.tariff import Tariff
from domain.ports.spool import Spool
from domain.rating.allowances import granted
from domain.rating.answered import Answered, Chunk, by_event, slice_of
from domain.rating.book import Book, compile_book
from domain.rating.clock import EPOCH
from domain.rating.columns import Events, key_ranks
from domain.rating.parties import Parties, State, compile_parties
from domain.rating.rate import rate
from domain.rating.spilling import Spilled

CHUNK_MAX: Final = 50_000  # events per answered chunk
HELD_MAX: Final = 500_000  # events whose order decides that are held; beyond, they go to the spool


class RateRun:
    """One run of a tariff over a stream. Feed chunks, then finish; both yield what is rated so far."""

    def __init__(self, tariff: Tariff, spool: Spool | None = None, *, held_max: int = HELD_MAX) -> None:
        """``spool``: where events go beyond ``held_max`` whose order decides; without one all of them are held."""
        self.book: Book = compile_book(tariff)
        self.parties: Parties = compile_parties(self.book, tuple(tariff.parties.values()))
        self.plans = any(bucket.is_plan for bucket in tariff.buckets)  # what they grant depends on the events' times
        self.held: list[Chunk] = []
        self.spilled = Spilled(spool, held_max) if spool is not None else None
        self.held_max = held_max
        self.span: tuple[int, int] | None = None

    def feed(self, chunk: Chunk) -> Iterator[Answered]:
        """Take a chunk; yield it rated at once where its order does not matter."""
        if self.parties.any_stateful or self.plans:
            self._hold(chunk)
        elif len(chunk.events):
            yield Answered(chunk, rate(self.book, self.parties, chunk.events))

    def _hold(self, chunk: Chunk) -> None:
        """Hold a chunk until all are there; put what is held away where it becomes too much."""
        good = chunk.events.start[chunk.events.bad == 0]
        if len(good):
            first, last = self.span or (int(good[0]), int(good[0]))
            self.span = min(first, int(good.min())), max(last, int(good.max()))
        self.held.append(chunk)
        spilled = self.spilled
        if spilled is not None and (spilled.starts or sum(len(one.events) for one in self.held) > self.held_max):
            for one in self.held:
                spilled.add(one)
            self.held = []

    def finish(self) -> Iterator[Answered]:
        """Rate what was held, and yield it in the order in which it came."""
        if self.plans and self.span is not None:
            self.parties = self._with_plans(self.span)
        if self.spilled is not None and self.spilled.starts:
            state = State.fresh(self.parties)
            yield from self.spilled.answers(lambda events: rate(self.book, self.parties, events, state))
            return
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
        rated = by_event(rate(self.book, self.parties, events))
        for start in range(0, len(events), CHUNK_MAX):
            end = min(start + CHUNK_MAX, len(events))
            here = {place - start: reasons[place] for place in range(start, end) if place in reasons}
            part = Events(**{column.name: getattr(events, column.name)[start:end] for column in fields(Events)})
            yield Answered(Chunk(part, ids[start:end], here), slice_of(rated, start, end))

    def _with_plans(self, times: tuple[int, int]) -> Parties:
        """Compile the parties with what every bucket grants between the first event and the last."""
        parties = tuple(self.book.tariff.parties.values())
        span = (EPOCH + timedelta(microseconds=moment) for moment in times)
        buckets, rolls = granted(self.book.tariff.buckets, parties, *span)
        return compile_parties(self.book, parties, buckets, rolls=rolls)

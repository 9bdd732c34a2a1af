"""Rating more events in one order than memory holds: by parts of time, with everything else put away.

Chunks come in any order. Their events are dealt to parts of time, none larger than asked (events of one instant stay
together); the parts are rated one after another with one state; the answers are dealt back to the chunks. Memory holds
one chunk, one part, and eight bytes for each event: when it started.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields

import numpy as np
import polars as pl

from domain.ports.spool import Spool
from domain.rating.answered import Answered, Chunk, by_event, slice_of
from domain.rating.columns import Events, key_ranks
from domain.rating.layout import Int64s
from domain.rating.rate import Rated
from domain.rating.rolling import joined, taken


@dataclass(slots=True)
class Spilled:
    """The chunks of a run that were put away."""

    spool: Spool
    part_max: int
    starts: list[Int64s] = field(default_factory=list)

    def add(self, chunk: Chunk) -> None:
        """Put a chunk away."""
        self.spool.put(f"chunk {len(self.starts)}", chunk)
        self.starts.append(chunk.events.start)

    def answers(self, run: Callable[[Events], Rated]) -> Iterator[Answered]:
        """Rate all events in order; yield the chunks in the order in which they came. ``run`` keeps the state."""
        pieces = self._dealt()
        by_chunk: dict[int, list[int]] = defaultdict(list)
        for part in sorted(pieces):
            self._rated(part, pieces[part], run)
            for number in pieces[part]:
                by_chunk[number].append(part)
        for number in range(len(self.starts)):
            chunk: Chunk = self.spool.take(f"chunk {number}")
            if len(chunk.events):
                found = [self.spool.take(f"answer {number} {part}") for part in by_chunk[number]]
                yield Answered(chunk, by_event(joined(found, len(chunk.events))))

    def _dealt(self) -> dict[int, list[int]]:
        """Deal every chunk's events to parts of time; return the chunks that each part has events of."""
        edges = self._edges()
        pieces: dict[int, list[int]] = defaultdict(list)
        for number in range(len(self.starts)):
            chunk: Chunk = self.spool.get(f"chunk {number}")
            parts = np.searchsorted(edges, chunk.events.start, side="right")
            for part in np.unique(parts).tolist():
                places = np.flatnonzero(parts == part).astype(np.int64)
                piece = (places, taken(chunk.events, places), chunk.ids.gather(places))
                self.spool.put(f"piece {number} {part}", piece)
                pieces[part].append(number)
        return pieces

    def _edges(self) -> Int64s:
        """Return the instants at which parts begin, but the first."""
        starts = np.concatenate(self.starts)
        places = np.arange(self.part_max, len(starts), self.part_max)
        return np.unique(np.partition(starts, places)[places]) if len(places) else np.empty(0, np.int64)

    def _rated(self, part: int, chunks: list[int], run: Callable[[Events], Rated]) -> None:
        """Rate one part and deal its answers back to the chunks."""
        found = [self.spool.take(f"piece {number} {part}") for number in chunks]
        ids = pl.concat([ids for _, _, ids in found])
        columns = {
            column.name: np.concatenate([getattr(events, column.name) for _, events, _ in found])
            for column in fields(Events)
        }
        rated = by_event(run(Events(**{**columns, "rank": key_ranks(ids)})))
        first = 0
        for number, (places, _, _) in zip(chunks, found, strict=True):
            self.spool.put(f"answer {number} {part}", (places, slice_of(rated, first, first + len(places))))
            first += len(places)

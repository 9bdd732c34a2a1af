"""Stores of what is held of sessions whose parts come in several files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import polars as pl

from domain.ids import FileId, SourceId
from domain.intake.joining import Identity
from domain.mediation.held import Held


@dataclass(frozen=True, slots=True, eq=False)
class Undone:
    """Events that do not hold any more: what takes the rated ones back, and what each was.

    ``rows``: reversals, of ``domain.rerating.columns.STORED``. ``statuses``: ``rated`` or ``unrated``; those that are
    neither in usage nor in suspense are not in it.
    """

    rows: pl.DataFrame
    statuses: Mapping[Identity, str]


class Sessions(Protocol):
    """Sessions of one operator's sources, in a bulk unit."""

    async def lock(self, source: SourceId) -> None:
        """Let no other unit change the source's sessions, or counts of its files, until this one ends.

        It comes before any file is claimed, so that two who do never wait for each other.
        """
        ...

    async def load(self, source: SourceId, names: Collection[str]) -> dict[str, Held]:
        """Return those that are there."""
        ...

    async def due(
        self,
        source: SourceId,
        *,
        touched_before: datetime,
        touched_since: datetime,
        ended_before: datetime,
        first: int,
        after: str = "",
    ) -> Sequence[str]:
        """Return open ones, by name after ``after``, that are due.

        Those whose last part came in before ``touched_before``, or since ``touched_since`` where what the parts
        themselves tell is before ``ended_before``. Those that a restart of their device ended are due at once.
        """
        ...

    async def of_file(self, source: SourceId, file: FileId) -> Sequence[str]:
        """Return those with a part of a file."""
        ...

    async def keep(self, source: SourceId, held: Collection[Held], touched_at: datetime) -> None:
        """Write them; one without parts goes."""
        ...

    async def undo(self, source: SourceId, identities: Collection[Identity]) -> Undone:
        """Return what takes events back that are rated, and resolve those in suspense as superseded."""
        ...

    async def drop(self, source: SourceId, places: Collection[tuple[int, int]]) -> Collection[tuple[int, int]]:
        """Resolve rejects as superseded, by file and record; return those that were open."""
        ...

    async def forget(self, source: SourceId, *, touched_before: datetime) -> int:
        """Remove those of which nothing is expected any more; return how many."""
        ...

"""What a file has brought, in memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.ids import SourceId
from domain.mediation.files import CdrFile, FileState, SuspenseKind
from domain.ports.withdrawals import Place
from domain.rating.clock import micros
from domain.rerating.columns import STORED
from persistence.memory import Draft


class MemoryWithdrawals:
    """Keeps ``domain.ports.withdrawals.Withdrawals``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def events(self, file: CdrFile, after: Place | None, *, first: int) -> tuple[pl.DataFrame, Place | None]:
        """Return what the next events that hold of a file are now, as ``domain.rerating.columns.STORED``."""
        usage, kept = self._draft.table("usage"), self._draft.table("usage_kept")
        places = sorted(
            (place[0], place[2])
            for place, row in usage.items()
            if row.event.file == file.id and self._draft.sees(row) and (after is None or (place[0], place[2]) > after)
        )
        rows = [
            kept[start, int(file.source), key].row | {"start": start, "source": int(file.source)}
            for start, key in places[:first]
        ]
        frame = pl.DataFrame([[row[name] for name in STORED.names()] for row in rows], schema=STORED, orient="row")
        return frame, places[first - 1] if len(places) > first else None

    async def billed(self, rows: pl.DataFrame) -> int:
        """Return how many of such events stand on an invoice."""
        billed = 0
        for start, source, key in rows.select("start", "source", "key").iter_rows():
            row = self._draft.table("usage")[start, source, key]
            billed += any(mark.covers(row.event) for mark in self._draft.table("billed_through").values())
        return billed

    async def restorable(
        self,
        file: CdrFile,
        starts: NDArray[np.int64],
        keys: NDArray[np.int64],
        records: NDArray[np.int64],
        twins: Sequence[SourceId] = (),
    ) -> Sequence[int]:
        """Return which of a file's events, by their rows, are nowhere since who brought them was withdrawn."""
        sources, draft = {file.source, *twins}, self._draft
        gone = list(draft.table("suspense_gone").values())
        mine = {one.record for one in draft.table("suspense").values() if one.file == file.id}
        mine |= {one.record for one, _ in gone if one.file == file.id}
        told = draft.table("suspense_told")
        back = {(start, key) for start, of, key, _ in draft.table("usage_past") if of in sources}
        back |= {
            (micros(one.start), told[one.id]["key"])
            for one, why in gone
            if why == "withdrawn" and one.source in sources and one.kind is SuspenseKind.UNRATED and one.start
        }
        there = {(place[0], place[2]) for place in draft.table("usage") if place[1] in sources}
        there |= {(place[0], place[2]) for place in draft.table("suspense_kept") if place[1] in sources}
        wanted = zip(starts.tolist(), keys.tolist(), records.tolist(), strict=True)
        return [
            row
            for row, (start, key, record) in enumerate(wanted)
            if record not in mine and (start, key) in back and (start, key) not in there
        ]

    async def overlapping(self, file: CdrFile, twins: Sequence[SourceId] = ()) -> Sequence[CdrFile]:
        """Return other files of the source and its twins that had duplicates, perhaps of this one."""
        files = self._draft.table("cdr_file").values()
        return [
            one
            for one in files
            if one.operator == file.operator
            and one.source in {file.source, *twins}
            and one.id != file.id
            and one.duplicates
            and one.state is not FileState.WITHDRAWN
        ]

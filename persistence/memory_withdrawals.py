"""What a file has brought, in memory."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from domain.mediation.files import CdrFile, FileState
from domain.ports.withdrawals import Place
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

    async def overlapping(self, file: CdrFile) -> Sequence[CdrFile]:
        """Return other files of the source that had duplicates, perhaps of this one."""
        files = self._draft.table("cdr_file").values()
        return [
            one
            for one in files
            if (one.operator, one.source) == (file.operator, file.source)
            and one.id != file.id
            and one.duplicates
            and one.state is not FileState.WITHDRAWN
        ]

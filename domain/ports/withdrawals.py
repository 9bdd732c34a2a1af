"""What a file has brought, to take it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.ids import SourceId
from domain.mediation.files import CdrFile

# Start (µs) and key of the last event that was looked at.
Place = tuple[int, int]


class Withdrawals(Protocol):
    """Events by the file that brought them, in a bulk unit."""

    async def events(self, file: CdrFile, after: Place | None, *, first: int) -> tuple[pl.DataFrame, Place | None]:
        """Return what the next events that hold of a file are now, as ``domain.rerating.columns.STORED``.

        Also those that were rated again, or released from suspense, since. The second is where to go on, None at the
        end.
        """
        ...

    async def billed(self, rows: pl.DataFrame) -> int:
        """Return how many of such events stand on an invoice."""
        ...

    async def overlapping(self, file: CdrFile, twins: Sequence[SourceId] = ()) -> Sequence[CdrFile]:
        """Return other files of the source and the same time that had duplicates, perhaps of this one.

        Also those of ``twins``: other sources whose events may be the same.
        """
        ...

    async def restorable(
        self,
        file: CdrFile,
        starts: NDArray[np.int64],
        keys: NDArray[np.int64],
        records: NDArray[np.int64],
        twins: Sequence[SourceId] = (),
    ) -> Sequence[int]:
        """Return which of a file's events, by their rows, are nowhere since the file that brought them was withdrawn.

        Only those that were nothing but duplicates here: no record that is, or ever was, in suspense.
        Nowhere is not in the file's source and not in its ``twins``; withdrawn may be in any of them.
        """
        ...

"""What the import pipeline needs of the world: bulk reads and writes, and the formats it reads."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, BinaryIO, Final, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.ids import ChunkId, FileId, SourceId
from domain.intake.rows import FLAG_ROWS, SHARE_ROWS
from domain.intake.subscribers import Revision, Subscribers
from domain.mediation.checking import Suggestion
from domain.mediation.profile import Profile
from domain.ports.reader import Reader

# What of an event is kept already. ``start`` is µs since the epoch. An even version took the event back.
KNOWN: Final = pl.Schema({"start": pl.Int64, "key": pl.Int64, "content": pl.Int64, "version": pl.Int64})
IN_SUSPENSE: Final = 32_767  # the version of what is in suspense: it is there, whatever was taken back before
ELSEWHERE: Final = 32_767  # the version of what another export of the switch has brought: so is that


class Collision(Exception):  # noqa: N818  (an outcome, not an error: somebody else was quicker)
    """Another worker committed one of these events, or a chunk of this file, since it was read.

    The unit is rolled back; read again and decide again.
    """


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chunk:
    """What one transaction of an import writes, besides the counts of its file.

    ``usage`` is an Arrow table with the columns of the table ``usage`` but ``operator``, ``source`` and ``chunk``;
    ``suspended``, ``shares`` and ``flags`` frames of ``domain.intake.rows``: ``SUSPENDED``, ``SHARE_ROWS`` and
    ``FLAG_ROWS``. ``number`` counts the
    chunks of the file from 0.
    """

    file: FileId
    source: SourceId
    number: int
    position: int
    first_start: datetime | None
    last_start: datetime | None
    believed_at: datetime
    usage: Any
    suspended: pl.DataFrame
    shares: pl.DataFrame = field(default_factory=SHARE_ROWS.to_frame)
    flags: pl.DataFrame = field(default_factory=FLAG_ROWS.to_frame)


class Intake(Protocol):
    """Bulk reads and writes of one operator. ``known``, ``partitions`` and ``store`` ask for a bulk unit."""

    async def revision(self) -> Revision:
        """Return what changes whenever the catalogue or a subscriber has changed."""
        ...

    async def subscribers(self) -> Subscribers:
        """Return every subscriber at the present revision."""
        ...

    async def partitions(self, months: Collection[date]) -> None:
        """Make room for usage of these months; in a unit of its own, since it locks the table for a moment."""
        ...

    async def known(self, source: SourceId, starts: NDArray[np.int64], keys: NDArray[np.int64]) -> pl.DataFrame:
        """Return what is kept of a source around these events, as ``KNOWN``: a superset of those with the same key."""
        ...

    async def store(self, chunk: Chunk, *, patience: float | None = None, turn: asyncio.Lock | None = None) -> ChunkId:
        """Write a chunk and compare what arrived with what was sent. Raises ``Collision``.

        ``patience``: seconds to wait for the row of another import at most, which is a collision too; None: as long as
        for any lock. ``turn`` is held while the rows of usage are sent.
        The unit's commit does not wait for the disk: a crash may undo it, with all that followed.
        """
        ...


class Formats(Protocol):
    """Every format that can be read, plain or packed (gzip, zip, zstd)."""

    def packed(self, head: bytes) -> bool:
        """Tell whether a file that begins with these bytes is packed."""
        ...

    def check(self, file: BinaryIO) -> None:
        """Read a packed file through once. Refuses with: Unreadable (cut, damaged), LimitExceeded (a bomb)."""
        ...

    def blocks(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield a seekable file's bytes from its beginning, unpacked. Refuses with: Unreadable, LimitExceeded."""
        ...

    def profile(self, name_or_text: str) -> Profile:
        """Return a shipped profile by name, or the one a TOML text describes. Refuses with: BadValue, NotFound."""
        ...

    def reader(self, profile: Profile) -> Reader:
        """Return the reader of a profile's format."""
        ...

    def advise(self, head: bytes, profile: Profile) -> Sequence[Suggestion]:
        """Return what to change so that the profile reads a file that begins with ``head``."""
        ...

    def names(self) -> Sequence[str]:
        """Return the names of the shipped profiles, and of those that installed packages bring."""
        ...

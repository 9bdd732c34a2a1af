"""Bytes kept once by their SHA-256 in the database, so that every machine that reaches it can read them.

A stream is spooled on this machine, as by ``FileBlobs``, and goes into ``stored_piece`` in pieces of 1 MiB, each packed
by zstd, in one transaction that waits for the disk. Who opens them gets them unpacked into a file without a name, their
SHA-256 compared. What lies in the local folder, from before the database kept them, is read there.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

import pyarrow as pa

from domain.ports.files import Arrival, Kept
from domain.refusal import NotFound
from persistence.away import DatabaseAway
from persistence.blobs import FileBlobs
from persistence.engine import INGEST, Database

Result = TypeVar("Result")

PIECE_BYTES: Final = 1 << 20
PIECES_AT_ONCE: Final = 8
PACKER: Final = pa.Codec("zstd", compression_level=1)
STATEMENT_SECONDS: Final = 600.0
_CLAIM: Final = """insert into stored_file (sha256, size, pieces) values ($1, $2, $3)
    on conflict (sha256) do update set kept_at = now() returning (xmax = 0)"""

_SOME: Final = "select content from stored_piece where sha256 = $1 and number >= $2 and number < $3 order by number"


class StoredBlobs:
    """The keeper of bytes in PostgreSQL; ``root`` is where this machine spools them."""

    def __init__(self, database: Database, root: Path) -> None:
        self._database = database
        self._local = FileBlobs(root)
        self._root = root

    @asynccontextmanager
    async def receive(self, blocks: AsyncIterator[bytes], *, size_max: int) -> AsyncIterator[StoredArrival]:
        """Take a stream in, to be kept or, where the context ends before, forgotten. Refuses with: LimitExceeded."""
        async with self._local.receive(blocks, size_max=size_max) as arrival:
            known = await _apart(self._known(arrival.kept.sha256))
            yield StoredArrival(self, arrival, replace(arrival.kept, new=not known))

    async def keep(self, blocks: AsyncIterator[bytes], *, size_max: int) -> Kept:
        """Keep a stream. Refuses with: LimitExceeded; nothing is left behind then."""
        async with self.receive(blocks, size_max=size_max) as arrival:
            await arrival.keep()
            return arrival.kept

    async def open(self, sha256: bytes) -> BinaryIO:
        """Return the bytes as a file that can seek; the caller closes it. Refuses with: NotFound."""
        if self._local.place(sha256).exists():
            return await self._local.open(sha256)
        return await _apart(self._fetched(sha256))

    async def put(self, kept: Kept, content: BinaryIO) -> None:
        """Write bytes that nobody has kept; where somebody has, say that they were wanted again."""
        pieces = -(-kept.size // PIECE_BYTES)
        async with self._database.transaction(role=INGEST, statement_seconds=STATEMENT_SECONDS) as transaction:
            connection = transaction.connection
            if not await connection.fetchval(_CLAIM, kept.sha256, kept.size, pieces):
                return
            for first in range(0, pieces, PIECES_AT_ONCE):
                numbers = range(first, min(first + PIECES_AT_ONCE, pieces))
                packed = await asyncio.to_thread(_pack, content, len(numbers))
                rows = [(kept.sha256, number, piece) for number, piece in zip(numbers, packed, strict=True)]
                await connection.executemany(
                    "insert into stored_piece (sha256, number, content) values ($1, $2, $3)", rows
                )

    async def _known(self, sha256: bytes) -> bool:
        async with self._database.transaction(role=INGEST, readonly=True) as transaction:
            found = await transaction.connection.fetchval("select true from stored_file where sha256 = $1", sha256)
        return bool(found)

    async def _fetched(self, sha256: bytes) -> BinaryIO:
        """Return the bytes in a file of this machine that is gone when it is closed. Refuses with: NotFound."""
        file = await asyncio.to_thread(self._fresh)
        try:
            await self._fill(file, sha256)
        except OSError as trouble:
            file.close()
            raise self._full(trouble) from None
        except BaseException:
            file.close()
            raise
        return file

    async def _fill(self, file: BinaryIO, sha256: bytes) -> None:
        digest = hashlib.sha256()
        async with self._database.transaction(role=INGEST, readonly=True) as transaction:
            connection = transaction.connection
            there = await connection.fetchrow("select size, pieces from stored_file where sha256 = $1", sha256)
            if there is None:
                raise NotFound("the content {sha256} is not in the database", sha256=sha256.hex())
            left = there["size"]
            for first in range(0, there["pieces"], PIECES_AT_ONCE):
                rows = await connection.fetch(_SOME, sha256, first, first + PIECES_AT_ONCE)
                try:
                    left -= await asyncio.to_thread(_unpack, [row["content"] for row in rows], left, digest, file)
                except _Damaged:
                    raise _damaged(sha256) from None
        if left or digest.digest() != sha256:
            raise _damaged(sha256)
        file.seek(0)

    def _fresh(self) -> BinaryIO:
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            return tempfile.TemporaryFile(dir=self._root)
        except OSError as trouble:
            raise self._full(trouble) from None

    def _full(self, trouble: OSError) -> DatabaseAway:
        return DatabaseAway(f"{self._root} cannot be written ({trouble.strerror}): make room or mend it")


class StoredArrival:
    """Keeps ``domain.ports.files.Arrival``."""

    def __init__(self, blobs: StoredBlobs, spooled: Arrival, kept: Kept) -> None:
        self._blobs = blobs
        self._spooled = spooled
        self.kept = kept

    async def keep(self) -> None:
        """Put them into the database for good."""

        async def put() -> None:
            with self._spooled.open() as content:
                await self._blobs.put(self.kept, content)

        await _apart(put())

    def open(self) -> BinaryIO:
        """Return them as a file that can seek, kept already or not; the caller closes it."""
        return self._spooled.open()


class _Damaged(Exception):  # noqa: N818  (an outcome: what is told names the content)
    """A piece is not what was packed."""


def _damaged(sha256: bytes) -> DatabaseAway:
    return DatabaseAway(f"the content {sha256.hex()} in the database is damaged: restore a backup")


async def _apart(work: Coroutine[Any, Any, Result]) -> Result:
    """Do work in a task of its own, whose transaction is none of the caller's."""
    return await asyncio.create_task(work)


def _pack(content: BinaryIO, pieces: int) -> list[bytes]:
    return [PACKER.compress(content.read(PIECE_BYTES), asbytes=True) for _ in range(pieces)]


def _unpack(pieces: list[bytes], left: int, digest: Any, file: BinaryIO) -> int:
    """Write pieces, unpacked; ``left`` bytes are to come. Return how many came. Raises ``_Damaged``."""
    came = 0
    for piece in pieces:
        try:
            content = PACKER.decompress(piece, min(PIECE_BYTES, left - came), asbytes=True)
        except (OSError, pa.ArrowException):  # which is how the codec tells it: no trouble of the disk
            raise _Damaged from None
        digest.update(content)
        file.write(content)
        came += len(content)
    return came

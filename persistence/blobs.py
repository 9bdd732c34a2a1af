"""Bytes kept once by their SHA-256, as files ``<root>/ab/cdef…``: on disk for good before their name is.

A stream is written to ``<root>/incoming`` and renamed into place when it is whole and flushed, so that a crash leaves
nothing under a name; what it left in ``incoming`` is swept when nobody has touched it for a day.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, Final

from domain.ports.files import Kept
from domain.refusal import LimitExceeded, NotFound
from persistence.away import DatabaseAway

BLOCK_BYTES: Final = 1 << 20
FORGOTTEN_SECONDS: Final = 86_400


class FileBlobs:
    """The keeper of bytes on the local disk."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / "incoming"
        self._swept = False

    @asynccontextmanager
    async def receive(self, blocks: AsyncIterator[bytes], *, size_max: int) -> AsyncIterator[FileArrival]:
        """Take a stream in, to be kept or, where the context ends before, forgotten. Refuses with: LimitExceeded."""
        with self._writing():
            self._incoming.mkdir(parents=True, exist_ok=True)
            self._sweep()
            fresh = self._incoming / secrets.token_hex(16)
            handle = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            digest, size = await self._received(blocks, handle, size_max)
            yield FileArrival(self, fresh, handle, Kept(digest, size, new=not self.place(digest).exists()))
        finally:
            os.close(handle)
            fresh.unlink(missing_ok=True)

    async def keep(self, blocks: AsyncIterator[bytes], *, size_max: int) -> Kept:
        """Keep a stream. Refuses with: LimitExceeded; nothing is left behind then."""
        async with self.receive(blocks, size_max=size_max) as arrival:
            await arrival.keep()
            return arrival.kept

    def settle(self, fresh: Path, handle: int, place: Path) -> None:
        """Flush what was received and give it its name, and flush the name. The handle is closed."""
        with self._writing():
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
            if not place.parent.exists():
                place.parent.mkdir(exist_ok=True)
                _flush_folder(self._root)
            fresh.rename(place)
            _flush_folder(place.parent)

    async def _received(self, blocks: AsyncIterator[bytes], handle: int, size_max: int) -> tuple[bytes, int]:
        """Write a stream; return its SHA-256 and its number of bytes. Refuses with: LimitExceeded.

        What breaks on the stream's side, such as a connection, is raised as it is.
        """
        digest, size = hashlib.sha256(), 0

        def take(block: bytes) -> None:
            digest.update(block)
            _write(handle, block)

        async for block in blocks:
            size += len(block)
            if size > size_max:
                raise LimitExceeded("a file may have at most {size_max} bytes", size_max=size_max)
            with self._writing():
                await asyncio.to_thread(take, block)
        return digest.digest(), size

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Tell of a disk that is full or away in one sentence."""
        try:
            yield
        except OSError as trouble:
            raise DatabaseAway(f"{self._root} cannot be written ({trouble.strerror}): make room or mend it") from None

    async def open(self, sha256: bytes) -> BinaryIO:
        """Return the bytes as a file that can seek; the caller closes it. Refuses with: NotFound."""
        try:
            return self.place(sha256).open("rb")
        except FileNotFoundError:
            raise NotFound("the content {sha256} is not in {place}", sha256=sha256.hex(), place=self._root) from None

    def place(self, sha256: bytes) -> Path:
        """Return where bytes are, or would be."""
        name = sha256.hex()
        return self._root / name[:2] / name[2:]

    def _sweep(self) -> None:
        """Remove what crashed writers left behind, once per process."""
        if self._swept:
            return
        self._swept = True
        for left in self._incoming.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > FORGOTTEN_SECONDS:
                    left.unlink()


class FileArrival:
    """Keeps ``domain.ports.files.Arrival``."""

    def __init__(self, blobs: FileBlobs, fresh: Path, handle: int, kept: Kept) -> None:
        self._blobs = blobs
        self._fresh = fresh
        self._handle = handle
        self.kept = kept

    async def keep(self) -> None:
        """Put them on disk for good."""
        place = self._blobs.place(self.kept.sha256)
        if place.exists():
            place.touch()  # wanted again: what is old may be let go (``persistence.forgetting``)
        else:
            # A thread outlives a caller that is cancelled, so it has a handle of its own.
            await asyncio.to_thread(self._blobs.settle, self._fresh, os.dup(self._handle), place)

    def open(self) -> BinaryIO:
        """Return them as a file that can seek, kept already or not; the caller closes it."""
        # By the number and not by the name, which changes meanwhile. A place in a file of its own: dup would share it.
        return open(f"/proc/self/fd/{self._handle}", "rb")  # noqa: PTH123  (a number has no Path)


def _write(handle: int, block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[os.write(handle, view) :]


def _flush_folder(folder: Path) -> None:
    """Flush a directory, so that a new name in it survives a power failure."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


async def file_blocks(path: Path) -> AsyncIterator[bytes]:
    """Return the bytes of a file in blocks, for ``keep``."""
    with path.open("rb") as file:
        while block := await asyncio.to_thread(file.read, BLOCK_BYTES):
            yield block

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

    async def keep(self, blocks: AsyncIterator[bytes], *, size_max: int) -> Kept:
        """Keep a stream. Refuses with: LimitExceeded; nothing is left behind then."""
        try:
            return await self._keep(blocks, size_max)
        except OSError as trouble:
            raise DatabaseAway(f"{self._root} cannot be written ({trouble.strerror}): make room or mend it") from None

    async def _keep(self, blocks: AsyncIterator[bytes], size_max: int) -> Kept:
        self._incoming.mkdir(parents=True, exist_ok=True)
        self._sweep()
        fresh = self._incoming / secrets.token_hex(16)
        digest, size = hashlib.sha256(), 0
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            async for block in blocks:
                size += len(block)
                if size > size_max:
                    raise LimitExceeded(f"a file may have at most {size_max} bytes")
                digest.update(block)
                await asyncio.to_thread(_write, handle, block)
            place = self._place(digest.digest())
            if place.exists():
                return Kept(digest.digest(), size, new=False)
            await asyncio.to_thread(os.fsync, handle)
            if not place.parent.exists():
                place.parent.mkdir(exist_ok=True)
                _flush_folder(self._root)
            fresh.rename(place)
            await asyncio.to_thread(_flush_folder, place.parent)
            return Kept(digest.digest(), size, new=True)
        finally:
            os.close(handle)
            fresh.unlink(missing_ok=True)

    def read(self, sha256: bytes) -> Iterator[bytes]:
        """Return the bytes in blocks. Refuses with: NotFound."""
        return _blocks(self.open(sha256))

    def open(self, sha256: bytes) -> BinaryIO:
        """Return the bytes as a file that can seek; the caller closes it. Refuses with: NotFound."""
        try:
            return self._place(sha256).open("rb")
        except FileNotFoundError:
            raise NotFound(f"the content {sha256.hex()} is not in {self._root}") from None

    def _place(self, sha256: bytes) -> Path:
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


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while block := file.read(BLOCK_BYTES):
            yield block


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

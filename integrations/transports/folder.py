"""A folder of this machine, or one mounted on it.

It lies below one of the installation's own roots, whatever links there are on the way: everything is done relative to
one opened directory, and links are neither listed nor followed.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import stat
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from domain.ports.transports import Found, Missing, TransportFault
from domain.transports.place import Place

BLOCK_BYTES: Final = 1 << 20
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def inside(path: str, roots: Sequence[Path]) -> Path:
    """Return a folder with its links resolved. Raises TransportFault, lasting, where it lies below no root."""
    try:
        real = Path(path).resolve()
        allowed = any(real.is_relative_to(root.resolve()) for root in roots)
    except (OSError, ValueError, RuntimeError):
        allowed = False
    if not allowed:
        shown = ", ".join(str(root) for root in roots) or "none"
        raise TransportFault(
            f"{path} is not below a folder that feeds may use ({shown}): the setting feed_folders names them",
            lasting=True,
        )
    return real


@asynccontextmanager
async def opened(place: Place, roots: Sequence[Path]) -> AsyncIterator[FolderTransport]:
    """Open the folder of a place."""
    real = inside(place.path, roots)
    with _faults(place.path):
        handle = await asyncio.to_thread(os.open, real, _FOLDER)
    try:
        yield FolderTransport(handle)
    finally:
        os.close(handle)


@contextmanager
def _faults(what: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise Missing(f"{what} is not there") from None
    except PermissionError:
        raise TransportFault(f"{what}: not allowed for this user", lasting=True) from None
    except OSError as trouble:
        raise TransportFault(f"{what}: {trouble.strerror}") from None


class FolderTransport:
    """Keeps ``domain.ports.transports.Transport`` on one opened directory."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    async def listing(self) -> AsyncIterator[Found]:
        """Yield the regular files; links, folders and devices are none."""
        with _faults("the folder"):
            found = await asyncio.to_thread(self._read)
        for one in found:
            yield one

    def _read(self) -> list[Found]:
        found = []
        with os.scandir(self._handle) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # gone since the directory was read
                    state = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(state.st_mode):
                        modified = datetime.fromtimestamp(state.st_mtime_ns // 1000 / 1e6, UTC)
                        found.append(Found(entry.name, state.st_size, modified, str(state.st_ino)))
        return sorted(found, key=lambda one: one.name)

    async def fetch(self, name: str, *, offset: int = 0) -> AsyncIterator[bytes]:
        """Yield the bytes from an offset."""
        with _faults(name):
            handle = await asyncio.to_thread(
                os.open, name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=self._handle
            )
            try:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise Missing(f"{name} is no file any more")
                at = offset
                while block := await asyncio.to_thread(os.pread, handle, BLOCK_BYTES, at):
                    at += len(block)
                    yield block
            finally:
                os.close(handle)

    async def move(self, name: str, folder: str, names: Sequence[str]) -> str:
        """Move by hard link and unlink, so that nothing is ever overwritten but by the last name."""
        with _faults(name):
            return await asyncio.to_thread(self._move, name, folder, names)

    def _move(self, name: str, folder: str, names: Sequence[str]) -> str:
        with suppress(FileExistsError):
            os.mkdir(folder, dir_fd=self._handle)
        there = os.open(folder, _FOLDER, dir_fd=self._handle)
        try:
            for free in names[:-1]:
                with suppress(FileExistsError):
                    os.link(name, free, src_dir_fd=self._handle, dst_dir_fd=there, follow_symlinks=False)
                    os.unlink(name, dir_fd=self._handle)
                    return free
            os.rename(name, names[-1], src_dir_fd=self._handle, dst_dir_fd=there)
            return names[-1]
        finally:
            os.close(there)

    async def delete(self, name: str) -> None:
        """Remove a file."""
        with _faults(name), suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._handle)

    async def put(self, name: str, blocks: AsyncIterator[bytes]) -> int:
        """Write under a name that begins with a dot, flush, rename."""
        fresh, size = f".{secrets.token_hex(8)}.part", 0
        with _faults(name):
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640, dir_fd=self._handle)
            try:
                async for block in blocks:
                    view = memoryview(block)
                    while view:
                        view = view[await asyncio.to_thread(os.write, handle, view) :]
                    size += len(block)
                await asyncio.to_thread(os.fsync, handle)
                os.rename(fresh, name, src_dir_fd=self._handle, dst_dir_fd=self._handle)
                await asyncio.to_thread(os.fsync, self._handle)
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(fresh, dir_fd=self._handle)
                raise
            finally:
                os.close(handle)
        return size

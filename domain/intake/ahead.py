"""Chunks prepared ahead of those that are being written, in a thread of their own; the first while the file arrives.

    thread  read, rate 1 | read, rate 2 | read, rate 3 | waits for room | …
    run         takes 1, writes it …       | takes 2, writes it …

One thread reads a file from its beginning to its end, so that it finds again the memory that its last chunk has freed.
Nothing of what it does depends on what the database has, but for the rater: a chunk whose rater is not the present one
any more is rated again when it is taken.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO, Final

from domain.intake.chunks import Prepared, prepare
from domain.intake.rater import Rater
from domain.mediation.events import Batch
from domain.ports.intake import Formats

# How many chunks wait at the most. More would only take memory: they are prepared faster than they are written.
WAITING_MAX: Final = 3
HELD_BYTES: Final = 32 << 20
BLOCK_BYTES: Final = 1 << 20
HEAD_BYTES: Final = 4
# How many files of a process are read while they come: each holds ``HELD_BYTES`` and the chunks that wait. Further ones
# are read when all of them has come, from the disk.
EARLY_MAX: Final = 4
EARLY: Final = threading.BoundedSemaphore(EARLY_MAX)

PresentRater = Callable[[], Awaitable[Rater]]


class Ahead:
    """The chunks of one file in their order, prepared ahead. ``rater`` returns the present one whenever it is asked.

    It begins at once; who makes one closes it. ``stop`` lets the thread go where it waits for bytes.
    """

    def __init__(
        self, batches: Iterator[Batch], rater: PresentRater, *, stop: Callable[[], None] = lambda: None
    ) -> None:
        self._batches = batches
        self._present = rater
        self._stop = stop
        self._thread = ThreadPoolExecutor(1, "ahead")
        self._room = asyncio.Semaphore(WAITING_MAX)
        self._ready: asyncio.Queue[Prepared | BaseException | None] = asyncio.Queue()
        self._last: Rater | None = None
        self._task = asyncio.create_task(self._produce())

    async def take(self) -> Prepared | None:
        """Return the next chunk, rated by the present rater; None behind the last. Raises what reading it raises."""
        made = await self._ready.get()
        self._room.release()
        if made is None:
            return None
        if isinstance(made, BaseException):
            raise made
        self._last = rater = await self._present()
        if made.rater is not rater:
            made = await asyncio.get_running_loop().run_in_executor(self._thread, prepare, made.batch, rater)
        return made

    async def close(self) -> None:
        """Let go what was prepared, and wait for the thread, which cannot be stopped within a chunk."""
        self._stop()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.to_thread(self._thread.shutdown)

    async def _produce(self) -> None:
        try:
            self._last = await self._present()
            while True:
                await self._room.acquire()
                made = await asyncio.get_running_loop().run_in_executor(self._thread, self._next)
                self._ready.put_nowait(made)
                if made is None:
                    return
        except asyncio.CancelledError:
            raise
        except BaseException as fault:  # noqa: BLE001  (whoever takes it raises it; a panic of polars is no Exception)
            self._ready.put_nowait(fault)

    def _next(self) -> Prepared | None:
        rater = self._last
        assert rater is not None
        batch = next(self._batches, None)
        return None if batch is None else prepare(batch, rater)


class Stopped(Exception):  # noqa: N818  (an outcome: nobody wants the rest of the file)
    """The file that was being read while it came is not wanted any more."""


class HeadStart:
    """A file that is read while it comes: its first bytes are held, the rest is read from where it has been put."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0
        self._changed = threading.Condition()
        self._file: BinaryIO | None = None
        self._stopped = False

    async def passing(self, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield the content as it comes, and hold the first of it."""
        async for block in content:
            if self._size < HELD_BYTES:
                with self._changed:
                    self._size += len(block)
                    self._held.append(block)
                    self._changed.notify()
            yield block

    def go_on(self, file: BinaryIO) -> None:
        """Tell the reader that all of it has come: the rest is read from the file, which it then has for itself."""
        with self._changed:
            self._file = file
            self._changed.notify()

    def stop(self) -> None:
        """Tell the reader that nobody wants the rest."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def blocks(self, formats: Formats) -> Iterator[bytes]:
        """Yield the bytes from the beginning, unpacked; what is packed waits until all of it has come, to be checked.

        Raises ``Stopped``. Refuses with: Unreadable, LimitExceeded.
        """
        head, place = b"", 0
        while len(head) < HEAD_BYTES and (block := self._wait(place)) is not None:
            head += block
            place += 1
        if formats.packed(head):
            file = self._whole()
            formats.check(file)
            yield from formats.blocks(file)
            return
        if head:
            yield head
        read = len(head)
        while (block := self._wait(place)) is not None:
            yield block
            place += 1
            read += len(block)
        file = self._whole()
        file.seek(read)
        while block := file.read(BLOCK_BYTES):
            yield block

    def _wait(self, place: int) -> bytes | None:
        """Return the held block at a place, when it has come; None where it is not held."""
        with self._changed:
            while not self._stopped:
                if place < len(self._held):
                    block, self._held[place] = self._held[place], b""
                    return block
                if self._file is not None or self._size >= HELD_BYTES:
                    return None
                self._changed.wait()
        raise Stopped

    def _whole(self) -> BinaryIO:
        with self._changed:
            while self._file is None and not self._stopped:
                self._changed.wait()
            if self._file is None or self._stopped:
                raise Stopped
            return self._file

"""The new whole lines of a file that is appended to for ever, such as a PBX's Master.csv.

What was taken is known by its length and by the SHA-256 of the bytes just before that place. Where these differ the
file was rotated, and is read from its beginning: what of it was here before is told by its events' keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Final

from domain.feeds.sightings import Sighting
from domain.ports.transports import Found, Transport

GUARD_BYTES: Final = 4096
HEADER_BYTES_MAX: Final = 1 << 16
LINE_BYTES_MAX: Final = 1 << 24


class Growth:
    """What a file has grown by. ``start`` holds after ``open``; ``offset`` and ``guard`` when ``lines`` has ended."""

    def __init__(self, transport: Transport, found: Found, known: Sighting, *, header: bool) -> None:
        self._transport = transport
        self._found = found
        self._known = known
        self._header = header
        self.start = 0
        self.offset = 0
        self.guard: bytes | None = None
        self._tail = b""

    async def open(self) -> bool:
        """Find where to go on, and tell whether there may be anything new."""
        known, size = self._known, self._found.size
        grown = bool(known.offset) and known.guard is not None and (size is None or size >= known.offset)
        if grown and await self._before(known.offset) == known.guard:
            self.start = known.offset
        self.offset, self.guard = self.start, self._known.guard if self.start else None
        return size is None or size > self.start

    async def _before(self, offset: int) -> bytes:
        """Return the SHA-256 of the bytes before an offset; they are also how the next guard begins."""
        length = min(offset, GUARD_BYTES)
        read = b""
        blocks = self._transport.fetch(self._found.name, offset=offset - length)
        async for block in blocks:
            read += block
            if len(read) >= length:
                break
        await blocks.aclose()  # type: ignore[attr-defined]  # every transport's is a generator
        self._tail = read[:length]
        return hashlib.sha256(self._tail).digest()

    async def lines(self) -> AsyncIterator[bytes]:
        """Yield the whole lines behind ``start``; a last one without its end is left for the next time."""
        if self.start and self._header:
            yield await self._first_line()
        if not self.start:
            self._tail = b""
        held = b""
        async for block in self._transport.fetch(self._found.name, offset=self.start):
            whole, end, rest = block.rpartition(b"\n")
            if not end:
                held += block
                if len(held) > LINE_BYTES_MAX:
                    break  # no line is as long: it waits until somebody looks
                continue
            ready = held + whole + end
            held = rest
            self._took(ready)
            yield ready

    async def _first_line(self) -> bytes:
        read = b""
        blocks = self._transport.fetch(self._found.name)
        async for block in blocks:
            read += block
            if b"\n" in read or len(read) > HEADER_BYTES_MAX:
                break
        await blocks.aclose()  # type: ignore[attr-defined]  # every transport's is a generator
        return read.partition(b"\n")[0] + b"\n"

    def _took(self, block: bytes) -> None:
        self.offset += len(block)
        self._tail = (self._tail + block)[-GUARD_BYTES:] if len(block) < GUARD_BYTES else block[-GUARD_BYTES:]
        self.guard = hashlib.sha256(self._tail).digest()

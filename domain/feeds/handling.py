"""One file of a feed: fetched, handed on, put away after its commit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Final

from domain.feeds.feed import After, Completeness, Rules
from domain.feeds.growth import Growth
from domain.feeds.sightings import Seen, Sighting
from domain.ports.clock import Clock
from domain.ports.files import Blobs
from domain.ports.taking import Archives, Take, TakenFile
from domain.ports.transports import Found, Missing, Transport, TransportFault
from domain.refusal import BadValue, Conflict, LimitExceeded, Refusal, Unreadable

BLOCK_BYTES: Final = 1 << 20
ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")


class Unfinished(TransportFault):
    """Another number of bytes came than the listing said: it is still being written, or the server cut it."""


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of a file. ``numbers``: of its counting column, in its order; ``remark``: though it is in."""

    sighting: Sighting
    taken: bool = False
    again: bool = False
    numbers: tuple[int, ...] = ()
    remark: str | None = None


@dataclass(slots=True, kw_only=True)
class Handling:
    """What the files of one run have in common. ``fetched`` counts bytes; ``present`` are the listing's names."""

    transport: Transport
    rules: Rules
    source: str
    header: bool
    take: Take
    blobs: Blobs
    archives: Archives
    clock: Clock
    size_max: int
    present: Collection[str]
    fetched: int = field(default=0)

    async def fetch(self, found: Found, one: Sighting) -> Handled:
        """Fetch a file that is ready and hand it on; it returns after the commit.

        Raises TransportFault where the other side broke off (Missing: the file is gone).
        Refuses with what nobody can mend at the file itself: NotAllowed, NotFound (source), WrongState.
        """
        try:
            if self.rules.grows:
                return await self._grown(found, one)
            taken = await self._whole(found)
        except Unfinished as fault:
            now = self.clock.now()
            return Handled(replace(one, since=now, fault=fault.message, changed_at=now))
        except (Unreadable, LimitExceeded, BadValue, Conflict) as no:
            return Handled(self._held(one, no))
        done = replace(one, seen=Seen.TAKEN, sha256=taken.sha256, fault=None, changed_at=self.clock.now())
        return Handled(done, taken=True, again=taken.again, numbers=tuple(taken.numbers), remark=taken.remark)

    def _held(self, one: Sighting, no: Refusal) -> Sighting:
        """Keep why a file was not taken. One that may still be on its way, cut short, waits; a bomb does not."""
        seen = Seen.HELD if isinstance(no, Unreadable) else Seen.REFUSED
        return replace(one, seen=seen, fault=no.message[:500], changed_at=self.clock.now())

    async def _whole(self, found: Found) -> TakenFile:
        blocks = self._counted(self.transport.fetch(found.name), found.size)
        head = await anext(blocks, b"")
        whole = _after(head, blocks)
        if not head.startswith(ZIP):
            return await self.take(self.source, found.name, whole, column=self.rules.sequence_column)
        kept = await self.blobs.keep(whole, size_max=self.size_max)
        with await self.blobs.open(kept.sha256) as file:
            parts = await asyncio.to_thread(self.archives.parts, file)
            if parts is None:
                file.seek(0)
                content = _blocks(iter(lambda: file.read(BLOCK_BYTES), b""))
                return await self.take(self.source, found.name, content, column=self.rules.sequence_column)
            return await self._parts(found.name, kept.sha256, file, list(parts))

    async def _parts(self, name: str, sha256: bytes, file: BinaryIO, parts: list[str]) -> TakenFile:
        """Take every file of an archive; where one cannot be read, the others are in and the archive is held."""
        again, numbers, wrong, remark = True, list[int](), list[str](), None
        for part in parts:
            content = _blocks(self.archives.part(file, part))
            try:
                within = part.replace("\\", "/").replace("/", ":")
                taken = await self.take(self.source, f"{name}:{within}", content, column=self.rules.sequence_column)
            except (Unreadable, BadValue, Conflict) as no:
                wrong.append(f"{part}: {no.message}")
                continue
            again = again and taken.again
            numbers += taken.numbers
            remark = taken.remark or remark
        if wrong:
            raise Unreadable("; ".join(wrong)[:450])
        return TakenFile(sha256, again, numbers, remark)

    async def _grown(self, found: Found, one: Sighting) -> Handled:
        growth = Growth(self.transport, found, one, header=self.header)
        now = self.clock.now()
        if not await growth.open():
            return Handled(replace(one, seen=Seen.DONE, changed_at=now))
        lines = self._counted(growth.lines(), None)
        head = await anext(lines, b"")
        if self.header and growth.start and head:
            head += await anext(lines, b"")
            if growth.offset == growth.start:
                head = b""  # the names alone: no line is whole yet
        if not head:
            return Handled(replace(one, seen=Seen.DONE, changed_at=now))
        name = f"{found.name}@{growth.start}"
        taken = await self.take(self.source, name, _after(head, lines), column=self.rules.sequence_column)
        done = replace(
            one,
            seen=Seen.DONE,
            sha256=taken.sha256,
            offset=growth.offset,
            guard=growth.guard,
            fault=None,
            changed_at=self.clock.now(),
        )
        return Handled(done, taken=True, again=taken.again, numbers=tuple(taken.numbers), remark=taken.remark)

    async def _counted(self, blocks: AsyncIterator[bytes], size: int | None) -> AsyncIterator[bytes]:
        """Yield the blocks; raise at their end where they are not as many bytes as the listing said."""
        taken = 0
        async for block in blocks:
            taken += len(block)
            self.fetched += len(block)
            yield block
        if size is not None and taken != size:
            raise Unfinished(f"{taken} bytes came where the listing says {size}: it is taken when it is whole")

    async def put_away(self, one: Sighting) -> Sighting:
        """Move, delete or leave a file that is committed. Raises TransportFault; it is put away the next time then."""
        names = [one.name]
        if self.rules.complete is Completeness.END_MARKER:
            stem = one.name.rpartition(".")[0] or one.name
            marks = {f"{one.name}{self.rules.marker}", f"{stem}{self.rules.marker}"}
            names += [mark for mark in sorted(marks) if mark in self.present]
        if self.rules.after is not After.LEAVE:
            for name in names:
                if self.rules.after is After.MOVE:
                    await self._move(name, self.rules.done_folder, one)
                else:
                    await self.transport.delete(name)
        return replace(one, seen=Seen.DONE, changed_at=self.clock.now())

    async def put_aside(self, one: Sighting) -> Sighting:
        """Move a file that cannot be taken out of the way; where files are left, it is left."""
        if self.rules.after is not After.LEAVE:
            await self._move(one.name, self.rules.refused_folder, one)
        return replace(one, seen=Seen.REFUSED, changed_at=self.clock.now())

    async def _move(self, name: str, folder: str, one: Sighting) -> None:
        mark = one.sha256.hex()[:12] if one.sha256 else one.since.strftime("%Y%m%dT%H%M%S")
        try:
            await self.transport.move(name, folder, [name, f"{name}.{mark}"])
        except Missing:
            return  # somebody has moved it, or we had before a crash


async def _after(head: bytes, blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if head:
        yield head
    async for block in blocks:
        yield block


async def _blocks(content: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (block := await asyncio.to_thread(next, content, None)) is not None:
        yield block

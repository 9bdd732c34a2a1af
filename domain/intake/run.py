"""One import going on: chunks prepared ahead in a thread, written in transactions that overlap, committed in order.

    thread       read, rate 3 | read, rate 4 | read, rate 5 | …        (domain.intake.ahead)
    connection 1  … COPY 1, check, commit | begin, encode | COPY 3, check, commit | …
    connection 2      begin, encode | COPY 2, check, commit | begin, encode | COPY 4 …

Rows of usage are sent by one connection at a time, in the order of their chunks: a file goes forward in time, and so do
the rows that come to the index on time, whose pages are then filled one after the other. With two streams at once it
was a third larger, and PostgreSQL took a sixth more of the processor.

Chunks of one run never hold the same event (``domain.mediation.duplicates.Seen``), so the second need not see the first
to be written; it waits for the first one's commit before it moves the file on and commits itself. Whatever stops a
chunk rolls back those behind it. So the file's position always lies behind whole chunks, in order.

Where a chunk depends on what the chunk before has written (stored buckets and counters, sessions that are joined), a
run is ``alone``: one transaction at a time, and what depends on state is done in it after the file was claimed.

The commits of chunks do not wait for the disk (``synchronous_commit``): the server writes its log in order, so that
what was lost by a crash is the end of the run, whole chunks, and the file's position goes back with them. What says
that a file is in, waits: once it is told, everything before it is on disk.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final

from domain.access.actor import Actor
from domain.buckets.claiming import draw_chunk
from domain.credit.counting import count_chunk
from domain.ids import SourceId
from domain.intake.ahead import Ahead
from domain.intake.chunks import Prepared, Settled, advanced, settle
from domain.intake.raters import Raters
from domain.intake.spans import ends_of, months_of
from domain.intake.telling import Around, sweep_job, tell_names, tell_sessions
from domain.intake.twins import known_to, lock_with
from domain.intake.writing import Wrote, write_chunk
from domain.mediation.events import Balance
from domain.mediation.files import CdrFile, FileState, Source
from domain.mediation.profile import Profile
from domain.ports.clock import Clock
from domain.ports.intake import Chunk, Collision
from domain.ports.unit import Begin, Unit
from domain.refusal import Refusal, WrongState

ATTEMPTS_MAX: Final = 10
# How many chunks are written at a time. More would only wait for the same disk.
FLIGHTS: Final = 2
# While two are written, one that waits so long for another import's row may be waiting for its own companion.
PATIENCE_SECONDS: Final = 2.0

Progress = Callable[[CdrFile], None]


class _Overtaken(Exception):  # noqa: N818  (an outcome: the chunk before was not written)
    """The chunk before this one was not committed; this one is rolled back and written again later."""


@dataclass(slots=True, eq=False)
class _Flight:
    """A chunk that is being written. ``landed`` tells the one behind: True when it is committed."""

    made: Prepared
    number: int
    landed: asyncio.Future[bool]
    task: asyncio.Task[CdrFile] | None = None


@dataclass(slots=True, kw_only=True)
class Run:
    """One import going on: ``file`` as it was last committed, and what this run has added.

    ``kept`` ends when the file's bytes are on disk for good; nothing is committed before. ``profile`` is given where
    records are parts of sessions, and ``twins`` where other sources' events may be the same; either run is ``alone``.
    ``reasons``: why how many records went to suspense.
    """

    file: CdrFile
    source: Source
    actor: Actor
    begin: Begin
    clock: Clock
    raters: Raters
    progress: Progress | None
    kept: Awaitable[None] | None = None
    alone: bool = False
    twins: tuple[SourceId, ...] = ()
    profile: Profile | None = None
    balance: Balance = field(default_factory=Balance)
    rated: int = 0
    unrated: int = 0
    months: set[date] = field(default_factory=set)
    reasons: dict[str, int] = field(default_factory=dict)
    later: set[str] = field(default_factory=set)
    _turn: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)
    began: datetime = field(init=False)

    async def all(self, ahead: Ahead) -> CdrFile:
        """Write every chunk, the next ones being prepared meanwhile; then end the file, and return it."""
        self.began = self.clock.now()
        flying: deque[_Flight] = deque()
        try:
            while (made := await ahead.take()) is not None:
                await self._make_room(made)
                if self.alone or made.rater.draws.any():
                    while flying:
                        await self._arrive(flying)
                    await self._by_itself(made)
                    continue
                self._depart(made, flying)
                if len(flying) >= FLIGHTS:
                    await self._arrive(flying)
            while flying:
                await self._arrive(flying)
        except BaseException:
            for flight in flying:
                await _stop(flight)
            raise
        if self.profile is not None:
            await self._end_sessions(self.profile)
        return await self._end()

    def _depart(self, made: Prepared, flying: deque[_Flight]) -> None:
        """Begin to write a chunk behind those that are on their way."""
        before = flying[-1] if flying else None
        number = self.file.chunks if before is None else before.number + 1
        flight = _Flight(made, number, asyncio.get_running_loop().create_future())
        flight.task = asyncio.create_task(self._fly(flight, before))
        flying.append(flight)

    async def _arrive(self, flying: deque[_Flight]) -> None:
        """Wait for the oldest; where another import was quicker, write it and its companions one by one."""
        flight = flying[0]
        assert flight.task is not None
        try:
            file = await flight.task
        except Collision:
            again = [one.made for one in flying]
            while len(flying) > 1:
                await _stop(flying.pop())
            flying.clear()
            for made in again:
                await self._by_itself(made)
            return
        flying.popleft()
        self._tell(file)

    async def _fly(self, flight: _Flight, before: _Flight | None) -> CdrFile:
        """Write one chunk, and commit it when the one before it is committed."""
        done = False
        try:
            async with self.begin(self.actor, bulk=True) as unit:
                settled = await self._store(unit, flight.made, flight.number, patience=PATIENCE_SECONDS)
                if before is not None and not await asyncio.shield(before.landed):
                    raise _Overtaken
                file = await self._advance(unit, settled, flight.made)
            self._count(Wrote.of(settled, file))
            done = True
            return file
        finally:
            if not flight.landed.done():
                flight.landed.set_result(done)

    async def _by_itself(self, made: Prepared) -> None:
        """Commit one chunk. Where another import was quicker with one of its events, look again and settle anew."""
        for attempt in range(ATTEMPTS_MAX):
            try:
                async with self.begin(self.actor, bulk=True) as unit:
                    if made.batch.parts:
                        wrote = await self._join(unit, made)
                    else:
                        if self.twins:
                            await unit.sessions.lock(min(self.source.id, *self.twins))
                        number = (await self._claim(unit)).chunks
                        settled = await self._store(unit, made, number, patience=None)
                        wrote = Wrote.of(settled, await self._advance(unit, settled, made))
            except Collision:
                # Two that keep meeting part: each waits for a while of its own.
                await asyncio.sleep(0.01 * 2**attempt * random.random())  # noqa: S311  (no secret)
                continue
            self._count(wrote)
            self._tell(self.file)
            return
        raise WrongState("other imports keep bringing the same events; try again when they are done")

    async def _store(self, unit: Unit, made: Prepared, number: int, *, patience: float | None) -> Settled:
        """Write what is new of a chunk. Raises Collision."""
        priced = made.priced
        known = await known_to(unit, self.source.id, self.twins, made)
        made, _ = await draw_chunk(unit, made, known, self.source.name, at=self.clock.now())
        settled = await asyncio.to_thread(settle, made, known) if known.height else settle(made, known)
        first, last = ends_of(priced.events.start)
        await unit.intake.store(
            Chunk(
                file=self.file.id,
                source=self.source.id,
                number=number,
                position=settled.position,
                first_start=first,
                last_start=last,
                believed_at=made.rater.subscribers.believed_at,
                usage=settled.usage,
                suspended=settled.suspended,
                shares=settled.shares,
                flags=settled.flags,
            ),
            patience=patience,
            turn=self._turn,
        )
        return settled

    async def _join(self, unit: Unit, made: Prepared) -> Wrote:
        """Write a chunk with parts of sessions, joined with those of other files. Raises Collision."""
        await lock_with(unit, self.source.id, self.twins)
        present = await self._claim(unit)
        await self._on_disk()
        assert self.profile is not None, "who has parts of sessions says how they are joined"
        wrote = await write_chunk(unit, made, present, self.profile, at=self.clock.now(), twins=self.twins)
        assert wrote is not None, "a chunk with parts moves the file on"
        return wrote

    async def _on_disk(self) -> None:
        if self.kept is not None:
            await self.kept
            self.kept = None

    async def _claim(self, unit: Unit) -> CdrFile:
        """Lock the file's row where it was left. Refuses with: WrongState (another process is at this very file)."""
        present = await unit.files.claim(self.file.id)
        if present.position != self.file.position or present.state is not FileState.IMPORTING:
            raise WrongState("{name} is being imported by another process", name=self.file.name, field="file")
        return present

    async def _advance(self, unit: Unit, settled: Settled, made: Prepared) -> CdrFile:
        """Move the file on behind a chunk, and count it against limits; the last thing before its commit."""
        await self._on_disk()
        file = advanced(await self._claim(unit), settled)
        await unit.files.keep(file)
        await count_chunk(unit, settled.usage, made.rater, at=self.clock.now())
        if settled.alarms:
            await unit.alarms.raise_all(settled.alarms, at=self.clock.now())
        return file

    def _count(self, wrote: Wrote) -> None:
        self.file = wrote.file if wrote.file.id == self.file.id else self.file
        self.balance += wrote.balance
        self.rated += wrote.rated
        self.unrated += wrote.unrated
        for reason, count in wrote.settled.suspended["reason"].value_counts().iter_rows():
            self.reasons[reason] = self.reasons.get(reason, 0) + count
        self.later |= set(wrote.later)

    async def _end_sessions(self, profile: Profile) -> None:
        """Tell of sessions that this file has ended without completing them."""
        around = Around(self.actor, self.begin, self.clock, self.raters)
        for wrote in await tell_sessions(self.source, profile, around, since=self.began):
            self._count(wrote)
        if self.later:
            for wrote in await tell_names(self.source, profile, around, sorted(self.later)):
                self._count(wrote)

    def _tell(self, file: CdrFile) -> None:
        if self.progress is not None:
            self.progress(file)

    async def _make_room(self, made: Prepared) -> None:
        """Make the partitions of months that this run meets for the first time."""
        months = months_of(made.priced.events.start[made.priced.billed]) - self.months
        if months:
            async with self.begin(self.actor, bulk=True) as unit:
                await unit.intake.partitions(months)
            self.months |= months

    async def _end(self) -> CdrFile:
        """Close the file and promise to tell of it."""
        await self._on_disk()
        async with self.begin(self.actor) as unit:
            present = await self._claim(unit)
            state = FileState.DONE if present.records else FileState.EMPTY
            done = replace(present, state=state, finished_at=self.clock.now())
            await unit.files.keep(done)
            counts = {name: getattr(done, name) for name in ("records", "events", "rated", "unrated", "rejects")}
            await unit.audit.write("import_cdr", f"file:{done.id}", {"state": done.state.value, **counts})
            if self.profile is not None:
                await unit.jobs.add(sweep_job(self.source, self.profile, self.clock.now()))
            await unit.outbox.promise(
                "file.imported", {"source": self.source.name, **counts}, subject=f"file:{done.id}"
            )
        return done

    async def refuse(self, no: Refusal) -> None:
        """Record that the file cannot be read."""
        async with self.begin(self.actor) as unit:
            present = await unit.files.claim(self.file.id)
            refused = replace(present, state=FileState.REFUSED, finished_at=self.clock.now(), fault=no.message)
            await unit.files.keep(refused)
            await unit.audit.write("import_cdr", f"file:{refused.id}", {"state": "refused", "fault": no.message})


async def _stop(flight: _Flight) -> None:
    """Roll a chunk back that is on its way, and wait until it is."""
    assert flight.task is not None
    flight.task.cancel()
    await asyncio.gather(flight.task, return_exceptions=True)

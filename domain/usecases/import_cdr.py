"""Take a CDR file in, exactly once: keep its bytes, mediate, rate and store it, one transaction per chunk.

A crash anywhere leaves whole chunks; calling it again with the same content goes on behind the last one. While a chunk
is written, the next one is read and rated in a thread, so that the database is what one waits for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

import polars as pl

from domain.access.actor import Action, Actor, allow
from domain.ids import FileId, SourceId
from domain.intake.chunks import Prepared, Settled, advanced, prepare, settle
from domain.intake.raters import Raters
from domain.mediation.duplicates import Seen
from domain.mediation.events import Balance, Batch
from domain.mediation.files import CdrFile, FileState, Source
from domain.ports.clock import Clock
from domain.ports.files import Blobs, Kept
from domain.ports.intake import Chunk, Collision, Formats
from domain.ports.unit import Begin, Unit
from domain.rating.clock import micros
from domain.refusal import BadValue, Conflict, LimitExceeded, NotFound, Refusal, Unreadable, WrongState
from domain.usecases.mediate import mediate

RECORDS_PER_CHUNK: Final = 50_000
ATTEMPTS_MAX: Final = 10
NAME_MAX: Final = 255
FINISHED: Final = frozenset({FileState.DONE, FileState.EMPTY})

Progress = Callable[[CdrFile], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportCdr:
    """``source`` names a source of the operator, or a shipped profile that becomes one. ``content``: the file's bytes.

    ``name`` is what the file is called where it came from; it is shown, never opened.
    """

    source: str
    name: str
    content: AsyncIterator[bytes]
    size_max: int


@dataclass(frozen=True, slots=True)
class Imported:
    """The file with all its counts, what this call added to them, and whether there was nothing to do.

    Of this call: ``balance.events = rated + unrated``.
    """

    file: CdrFile
    balance: Balance
    rated: int
    unrated: int
    again: bool


async def import_cdr(
    cmd: ImportCdr,
    *,
    actor: Actor,
    begin: Begin,
    clock: Clock,
    blobs: Blobs,
    formats: Formats,
    raters: Raters,
    progress: Progress | None = None,
    passed: Seen | None = None,
    records_per_chunk: int = RECORDS_PER_CHUNK,
) -> Imported:
    """Import a file. The same content of the same source again changes nothing; an interrupted one goes on.

    ``passed`` is memory that the files of one call share: a record that is in several of them and that the profile
    leaves out counts as left out once. Events are told from the database alone.
    Refuses with: NotAllowed, BadValue, NotFound (source), Conflict (the bytes are charged under another source),
    LimitExceeded (size, a packed bomb), Unreadable (the file is then recorded as refused), WrongState (another process
    is importing this very file; what the catalogue holds cannot be rated in chunks).
    """
    allow(actor, Action.IMPORT_CDR)
    name = shown_name(cmd.name)
    async with begin(actor) as unit:
        source = await source_named(cmd.source, unit, actor, formats)
    kept = await blobs.keep(cmd.content, size_max=cmd.size_max)
    async with begin(actor) as unit:
        file = await registered(source, name, kept, FileState.IMPORTING, unit=unit, actor=actor, clock=clock)
        if file.state in FINISHED:
            return Imported(file, Balance(), rated=0, unrated=0, again=True)
        file = await _begun(file, unit)
    run = _Run(file=file, source=source, actor=actor, begin=begin, clock=clock, raters=raters, progress=progress)
    return await run.whole(blobs, formats, passed=passed, records_per_chunk=records_per_chunk)


async def import_file(
    key: FileId,
    *,
    actor: Actor,
    begin: Begin,
    clock: Clock,
    blobs: Blobs,
    formats: Formats,
    raters: Raters,
    progress: Progress | None = None,
    records_per_chunk: int = RECORDS_PER_CHUNK,
) -> Imported:
    """Import a file whose bytes are kept already (``take_cdr``), or go on with it where it was interrupted.

    Refuses with: NotAllowed, NotFound (file, its bytes), and as ``import_cdr`` from Conflict on.
    """
    allow(actor, Action.IMPORT_CDR)
    async with begin(actor) as unit:
        file = await unit.files.claim(key)
        source = (await unit.sources.many([file.source]))[file.source]
        if file.state in FINISHED:
            return Imported(file, Balance(), rated=0, unrated=0, again=True)
        await _once(file, source, unit)
        file = await _begun(file, unit)
    run = _Run(file=file, source=source, actor=actor, begin=begin, clock=clock, raters=raters, progress=progress)
    return await run.whole(blobs, formats, passed=None, records_per_chunk=records_per_chunk)


async def registered(
    source: Source, name: str, kept: Kept, state: FileState, *, unit: Unit, actor: Actor, clock: Clock
) -> CdrFile:
    """Return the row of a file of this source with this content, locked; a new one, in ``state``, where there is none.

    Refuses with: Conflict (the bytes are charged under another source).
    """
    file = await unit.files.claim_content(
        CdrFile(
            id=FileId(0),
            operator=actor.operator,
            source=source.id,
            name=name,
            sha256=kept.sha256,
            size=kept.size,
            state=state,
            received_at=clock.now(),
        )
    )
    if file.state not in FINISHED:
        await _once(file, source, unit)
    return file


async def _begun(file: CdrFile, unit: Unit) -> CdrFile:
    """Write that the import begins, or goes on."""
    file = replace(file, state=FileState.IMPORTING, fault=None)
    await unit.files.keep(file)
    await unit.audit.write("import_cdr", f"file:{file.id}", {"name": file.name, "from": file.position})
    return file


async def _once(file: CdrFile, source: Source, unit: Unit) -> None:
    """Refuse bytes whose calls are charged already under another source: they would be charged again. Conflict."""
    other = await unit.files.charged_elsewhere(file)
    if other is not None:
        there = (await unit.sources.many([other.source]))[other.source].name
        raise Conflict(
            f"the same bytes came as {other.name} from source {there} and are charged; "
            f"as a file of {source.name} every call would be charged twice",
            field="source",
        )


def shown_name(name: str) -> str:
    r"""Return a file's name for people: its last part, without control characters. Refuses with: BadValue.

    >>> shown_name("../etc/Master\r\n.csv")
    'Master.csv'
    """
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    shown = "".join(letter for letter in last if letter.isprintable())[:NAME_MAX]
    if not shown.strip():
        raise BadValue("a file needs a name", field="name")
    return shown


async def source_named(name: str, unit: Unit, actor: Actor, formats: Formats) -> Source:
    """Return the operator's source; a shipped profile's name makes one on its first use. Refuses with: NotFound."""
    with suppress(NotFound):
        return await unit.sources.by_name(name)
    formats.profile(name)
    kept = await unit.sources.put(Source(id=SourceId(0), operator=actor.operator, name=name, profile=name))
    await unit.audit.write("put_source", f"source:{kept.id}", {"name": kept.name, "version": kept.version})
    return kept


@dataclass(slots=True, kw_only=True)
class _Run:
    """One import going on: ``file`` as it was last committed, and what this run has added."""

    file: CdrFile
    source: Source
    actor: Actor
    begin: Begin
    clock: Clock
    raters: Raters
    progress: Progress | None
    balance: Balance = field(default_factory=Balance)
    rated: int = 0
    unrated: int = 0
    months: set[date] = field(default_factory=set)

    async def whole(self, blobs: Blobs, formats: Formats, *, passed: Seen | None, records_per_chunk: int) -> Imported:
        """Import what the file holds behind its position; record the file as refused where it cannot be read."""
        with blobs.open(self.file.sha256) as content:
            try:
                profile = formats.profile(self.source.profile)
                await asyncio.to_thread(formats.check, content)
                batches = mediate(
                    formats.blocks(content),
                    profile,
                    formats.reader(profile),
                    records_per_batch=records_per_chunk,
                    start_at=self.file.position,
                    now_us=micros(self.file.received_at),
                    passed=passed,
                )
                return await self.all(batches)
            except (Unreadable, LimitExceeded, BadValue) as no:
                await self.refuse(no)
                raise

    async def all(self, batches: Iterator[Batch]) -> Imported:
        """Write every chunk, preparing the next one meanwhile; then end the file."""
        coming = asyncio.create_task(self._next(batches))
        try:
            while (made := await coming) is not None:
                coming = asyncio.create_task(self._next(batches))
                await self._write(made)
                if self.progress is not None:
                    self.progress(self.file)
        except BaseException:
            # The thread cannot be stopped; its batch is let go, and the file is not closed under it.
            await asyncio.gather(coming, return_exceptions=True)
            raise
        return await self._end()

    async def _next(self, batches: Iterator[Batch]) -> Prepared | None:
        rater = await self.raters.present(self.actor, self.begin)

        def work() -> Prepared | None:
            batch = next(batches, None)
            return None if batch is None else prepare(batch, rater)

        return await asyncio.to_thread(work)

    async def _write(self, made: Prepared) -> None:
        """Commit one chunk. Where another worker was quicker with one of its events, look again and settle anew."""
        await self._make_room(made)
        for _ in range(ATTEMPTS_MAX):
            try:
                async with self.begin(self.actor, bulk=True) as unit:
                    settled, file = await self._store(unit, made)
            except Collision:
                continue
            self.file = file
            self.balance += settled.balance
            self.rated += settled.rated
            self.unrated += settled.unrated
            return
        raise WrongState("other imports keep bringing the same events; try again when they are done")

    async def _store(self, unit: Unit, made: Prepared) -> tuple[Settled, CdrFile]:
        present = await unit.files.claim(self.file.id)
        if present.position != self.file.position or present.state is not FileState.IMPORTING:
            raise WrongState(f"{self.file.name} is being imported by another process", field="file")
        known = await unit.intake.known(self.source.id, made.priced.events.start, made.priced.keys)
        settled = settle(made, known)
        file = advanced(self.file, settled)
        usage, suspended = settled.usage, settled.suspended
        moments = pl.from_epoch(
            pl.Series(made.priced.events.start, dtype=pl.Int64), time_unit="us"
        ).dt.replace_time_zone("UTC")
        await unit.intake.store(
            Chunk(
                file=self.file.id,
                source=self.source.id,
                number=self.file.chunks,
                position=settled.position,
                first_start=moments.min(),  # type: ignore[arg-type]  # a datetime, or None without events
                last_start=moments.max(),  # type: ignore[arg-type]
                believed_at=made.rater.subscribers.believed_at,
                usage=usage,
                suspended=suspended,
                shares=settled.shares,
            )
        )
        await unit.files.keep(file)
        return settled, file

    async def _make_room(self, made: Prepared) -> None:
        """Make the partitions of months that this run meets for the first time."""
        starts = pl.from_epoch(pl.Series(made.priced.events.start[made.priced.billed], dtype=pl.Int64), time_unit="us")
        months = set(starts.dt.date().dt.month_start().unique().to_list()) - self.months
        if months:
            async with self.begin(self.actor, bulk=True) as unit:
                await unit.intake.partitions(months)
            self.months |= months

    async def _end(self) -> Imported:
        """Close the file and promise to tell of it."""
        state = FileState.DONE if self.file.records else FileState.EMPTY
        done = replace(self.file, state=state, finished_at=self.clock.now())
        async with self.begin(self.actor) as unit:
            present = await unit.files.claim(done.id)
            if present.position != done.position or present.state is not FileState.IMPORTING:
                raise WrongState(f"{done.name} is being imported by another process", field="file")
            await unit.files.keep(done)
            counts = {name: getattr(done, name) for name in ("records", "events", "rated", "unrated", "rejects")}
            await unit.audit.write("import_cdr", f"file:{done.id}", {"state": done.state.value, **counts})
            await unit.outbox.promise("cdr_imported", {"file": done.id, "source": self.source.name, **counts})
        return Imported(done, self.balance, rated=self.rated, unrated=self.unrated, again=False)

    async def refuse(self, no: Refusal) -> None:
        """Record that the file cannot be read."""
        refused = replace(self.file, state=FileState.REFUSED, finished_at=self.clock.now(), fault=no.message)
        async with self.begin(self.actor) as unit:
            await unit.files.claim(refused.id)
            await unit.files.keep(refused)
            await unit.audit.write("import_cdr", f"file:{refused.id}", {"state": "refused", "fault": no.message})

"""Take a CDR file in, exactly once: keep its bytes, mediate, rate and store it, one transaction per chunk.

A crash anywhere leaves whole chunks; calling it again with the same content goes on behind the last one. How chunks
are prepared and written side by side is ``domain.intake.run``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import BinaryIO, Final
from unicodedata import category

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import FileId, SourceId
from domain.intake.ahead import EARLY, Ahead, HeadStart
from domain.intake.raters import Raters
from domain.intake.run import Progress, Run
from domain.intake.twins import twins_of
from domain.mediation.duplicates import Seen
from domain.mediation.events import Balance, Batch
from domain.mediation.files import CdrFile, FileState, Source
from domain.ports.clock import Clock
from domain.ports.files import Blobs, Kept
from domain.ports.intake import Formats
from domain.ports.unit import Begin, Unit
from domain.rating.clock import micros
from domain.refusal import BadValue, Conflict, LimitExceeded, NotFound, Unreadable
from domain.usecases.mediate import mediate

RECORDS_PER_CHUNK: Final = 50_000
NAME_MAX: Final = 255
FINISHED: Final = frozenset({FileState.DONE, FileState.EMPTY})


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

    Of this call: ``balance.events = rated + unrated``. ``reasons``: why how many records went to suspense.
    """

    file: CdrFile
    balance: Balance
    rated: int
    unrated: int
    again: bool
    reasons: Mapping[str, int] = field(default_factory=dict)


@operation(Action.IMPORT_CDR)
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
    name = await checked_name(cmd.name, actor=actor, begin=begin)
    async with begin(actor) as unit:
        source = await source_named(cmd.source, unit, actor, formats)
    start, early, content = HeadStart(), None, cmd.content
    if passed is None and EARLY.acquire(blocking=False):
        # The first chunks are read while the rest comes. Nothing is written before it is known what the file is.
        early = Ahead(
            _batches(start.blocks(formats), source, formats, now_us=micros(clock.now()), records_max=records_per_chunk),
            partial(raters.present, actor, begin),
            stop=start.stop,
        )
        content = start.passing(content)
    try:
        async with blobs.receive(content, size_max=cmd.size_max) as arrival:
            async with begin(actor) as unit:
                kept = arrival.kept
                file = await registered(source, name, kept, FileState.IMPORTING, unit=unit, actor=actor, clock=clock)
                if file.state in FINISHED:
                    return Imported(file, Balance(), rated=0, unrated=0, again=True)
                file = await _begun(file, unit)
            # The bytes go to the disk while the first chunk is read; nothing is committed before they are there.
            keeping = asyncio.create_task(arrival.keep())
            run = Run(
                file=file,
                source=source,
                actor=actor,
                begin=begin,
                clock=clock,
                raters=raters,
                progress=progress,
                kept=keeping,
            )
            try:
                with arrival.open() as whole:
                    begun = early if file.position == 0 else None
                    if begun is not None:
                        start.go_on(whole)
                    elif early is not None:
                        # What goes on behind a position reads the file itself: two would move each other in it.
                        await early.close()
                    return await _whole(run, whole, formats, early=begun, passed=passed, records_max=records_per_chunk)
            finally:
                await keeping
    finally:
        if early is not None:
            try:
                await early.close()
            finally:
                EARLY.release()


@operation(Action.IMPORT_CDR)
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
    async with begin(actor) as unit:
        file = await unit.files.claim(key)
        source = (await unit.sources.many([file.source]))[file.source]
        if file.state in FINISHED:
            return Imported(file, Balance(), rated=0, unrated=0, again=True)
        await _once(file, source, unit)
        file = await _begun(file, unit)
    run = Run(file=file, source=source, actor=actor, begin=begin, clock=clock, raters=raters, progress=progress)
    with await blobs.open(file.sha256) as content:
        return await _whole(run, content, formats, early=None, passed=None, records_max=records_per_chunk)


async def _whole(
    run: Run, content: BinaryIO, formats: Formats, *, early: Ahead | None, passed: Seen | None, records_max: int
) -> Imported:
    """Import what the file holds behind its position; record the file as refused where it cannot be read.

    ``early``: its chunks, where they are being read already.
    """
    ahead = early
    try:
        profile = formats.profile(run.source.profile)
        if ahead is None:
            await asyncio.to_thread(formats.check, content)
            now, begun = micros(run.file.received_at), run.file.position
            batches = _batches(
                formats.blocks(content),
                run.source,
                formats,
                now_us=now,
                records_max=records_max,
                start_at=begun,
                passed=passed,
            )
            ahead = Ahead(batches, partial(run.raters.present, run.actor, run.begin))
        async with run.begin(run.actor) as unit:
            run.twins = twins_of(run.source, await unit.sources.all())
        if profile.correlate_by:
            run.profile = profile
        run.alone = bool(run.profile is not None or run.twins)
        done = await run.all(ahead)
    except (Unreadable, LimitExceeded, BadValue) as no:
        await run.refuse(no)
        raise
    finally:
        # Before the file is closed under it.
        if ahead is not None:
            await ahead.close()
    return Imported(done, run.balance, rated=run.rated, unrated=run.unrated, again=False, reasons=run.reasons)


def _batches(
    blocks: Iterable[bytes],
    source: Source,
    formats: Formats,
    *,
    now_us: int,
    records_max: int,
    start_at: int = 0,
    passed: Seen | None = None,
) -> Iterator[Batch]:
    """Yield what ``mediate`` makes of a source's file. Refuses as it does, and where the profile is none any more."""
    profile = formats.profile(source.profile)
    yield from mediate(
        blocks,
        profile,
        formats.reader(profile),
        records_per_batch=records_max,
        start_at=start_at,
        now_us=now_us,
        passed=passed,
        apart=True,
    )


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
    source = (await unit.sources.many([file.source]))[file.source]
    file = replace(file, state=FileState.IMPORTING, fault=None, profile_version=source.version)
    await unit.files.keep(file)
    await unit.audit.write("import_cdr", f"file:{file.id}", {"name": file.name, "from": file.position})
    return file


async def _once(file: CdrFile, source: Source, unit: Unit) -> None:
    """Refuse bytes whose calls are charged already under another source: they would be charged again. Conflict."""
    other = await unit.files.charged_elsewhere(file)
    if other is not None:
        there = (await unit.sources.many([other.source]))[other.source].name
        raise Conflict(
            "the same bytes came as {name} from source {there} and are charged; as a file of "
            "{name_2} every call would be charged twice",
            name=other.name,
            there=there,
            name_2=source.name,
            field="source",
        )


async def checked_name(name: str, *, actor: Actor, begin: Begin) -> str:
    """Return a file's name for people; one that leads elsewhere is noted as an attempt. Refuses with: BadValue.

    Nothing is ever opened by such a name; but who sends one does not mean a file's name.
    """
    if leads_elsewhere(name):
        async with begin(actor) as unit:
            await unit.audit.write("refuse_file_name", "file", {"name": ascii(name[:NAME_MAX])})
        raise BadValue("a file's name has no slashes, no control characters and is not .. or .", field="name")
    return shown_name(name)


def leads_elsewhere(name: str) -> bool:
    r"""Tell whether a name is a path, or holds control characters.

    >>> [leads_elsewhere(one) for one in ("../x", "..", r"\\host\x", "a\0.csv", "a..b.csv")]
    [True, True, True, True, False]
    """
    return name in {".", ".."} or any(letter in "/\\" or category(letter) == "Cc" for letter in name)


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

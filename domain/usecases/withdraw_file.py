"""Withdraw a file: what it was charged for is taken back, and its bytes may come again, read by another profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import FileId, SourceId
from domain.intake.raters import Raters
from domain.intake.telling import tell_held
from domain.intake.twins import lock_with, twins_of
from domain.intake.writing import take_back
from domain.mediation.files import CdrFile, FileState, Source
from domain.mediation.held import COUNTED, Held
from domain.mediation.profile import Profile
from domain.mediation.suspense import SuspenseAction
from domain.ports.clock import Clock
from domain.ports.intake import Collision, Formats
from domain.ports.unit import Begin, Unit
from domain.ports.withdrawals import Place
from domain.refusal import BadValue, Conflict, WrongState
from domain.rerating.comparing import reversals

AT_ONCE: Final = 50_000
ATTEMPTS_MAX: Final = 10
WHY_MAX: Final = 1000
WITHDRAWN: Final = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawFile:
    """``corrections``: also what is invoiced is taken back, on the next invoices. ``preview`` only counts."""

    file: FileId
    why: str
    corrections: bool = False
    preview: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """What a withdrawal came to, or a preview.

    ``events`` were taken back, ``billed`` of them are invoiced; ``suspended`` records left suspense. ``overlapping``:
    other files, also of other exports of the switch, whose duplicates may have been this file's: what only this one was
    charged for, they are not.
    ``redone``: those of them that were read again (``redo_duplicates``).
    """

    file: CdrFile
    events: int
    billed: int
    suspended: int
    overlapping: Sequence[CdrFile]
    redone: Sequence[Redone] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Redone:
    """A file with its counts, how many of its duplicates became events now, and why it could not be read again."""

    file: CdrFile
    rated: int = 0
    unrated: int = 0
    fault: str | None = None


@operation(Action.MANAGE_SUSPENSE)
async def withdraw_file(
    cmd: WithdrawFile, *, actor: Actor, begin: Begin, clock: Clock, formats: Formats, raters: Raters
) -> Withdrawn:
    """Take back what a file has brought: reversals of its events, its records in suspense, its parts of sessions.

    The file stays, marked and counting for nothing; the same bytes may then be imported again. One transaction per
    50 000 events; an interrupted withdrawal is continued by the same command. Doing it twice changes nothing.
    Refuses with: NotAllowed, BadValue (no reason), NotFound (file), WrongState (it is being imported; others keep
    rating the same events), Conflict (something of it is invoiced and no corrections are asked for).
    """
    if not cmd.why.strip() or len(cmd.why) > WHY_MAX:
        raise BadValue("say why, in at most {why_max} characters", why_max=WHY_MAX, field="why")
    async with begin(actor, bulk=True) as unit:
        file = await unit.files.get(cmd.file)
        source = (await unit.sources.many([file.source]))[file.source]
        twins = twins_of(source, await unit.sources.all())
        overlapping = await unit.withdrawals.overlapping(file, twins)
        if file.state is FileState.WITHDRAWN:
            return Withdrawn(file=file, events=0, billed=0, suspended=0, overlapping=overlapping)
        if file.state in {FileState.IMPORTING, FileState.WAITING}:
            raise WrongState("{name} is being imported; withdraw it when it is in", name=file.name, field="file")
        events, billed = await _counted(unit, file)
        held = len(await unit.desk.open_of(file.id))
    if billed and not cmd.corrections:
        raise Conflict(
            "{billed} of the {events} events of {name} are invoiced; ask for corrections, which go "
            "to the next invoices, or credit the invoices first",
            billed=billed,
            events=events,
            name=file.name,
            field="corrections",
        )
    if cmd.preview:
        return Withdrawn(file=file, events=events, billed=billed, suspended=held, overlapping=overlapping)
    around = _Around(cmd, source, twins, formats.profile(source.profile), actor, begin, clock, raters)
    taken, after, more = 0, None, True
    while more:
        count, after = await _some(around, after)
        taken, more = taken + count, after is not None
    done, gone = await _end(around)
    async with begin(actor) as unit:  # it waits for the disk, and so for all before it
        told = {"name": done.name, "why": cmd.why, "events": taken, "billed": billed, "suspended": gone}
        await unit.audit.write("withdraw_file", f"file:{done.id}", told)
        await unit.outbox.promise("file.withdrawn", {"source": source.name, "events": taken}, subject=f"file:{done.id}")
    return Withdrawn(file=done, events=taken, billed=billed, suspended=gone, overlapping=overlapping)


@dataclass(frozen=True, slots=True)
class _Around:
    """What every transaction of one withdrawal has in common."""

    cmd: WithdrawFile
    source: Source
    twins: Sequence[SourceId]
    profile: Profile
    actor: Actor
    begin: Begin
    clock: Clock
    raters: Raters


async def _counted(unit: Unit, file: CdrFile) -> tuple[int, int]:
    """Return how many events a file has brought that hold, and how many of them are invoiced."""
    events = billed = 0
    after: Place | None = None
    while True:
        rows, after = await unit.withdrawals.events(file, after, first=AT_ONCE)
        events += rows.height
        billed += await unit.withdrawals.billed(rows)
        if after is None:
            return events, billed


async def _some(around: _Around, after: Place | None) -> tuple[int, Place | None]:
    """Take the next events back in one transaction; return how many, and where to go on."""
    for _ in range(ATTEMPTS_MAX):
        rater = await around.raters.present(around.actor, around.begin)
        try:
            async with around.begin(around.actor, bulk=True) as unit:
                await lock_with(unit, around.source.id, around.twins)
                file = await unit.files.claim(around.cmd.file)
                rows, following = await unit.withdrawals.events(file, after, first=AT_ONCE)
                if not around.cmd.corrections and await unit.withdrawals.billed(rows):
                    raise Conflict("a bill run has invoiced events of this file meanwhile", field="corrections")
                if rows.height:
                    await take_back(unit, file, reversals(rows), rater, at=around.clock.now())
                return rows.height, following
        except Collision:
            continue
    raise WrongState("others keep rating the same events; try again when they are done")


async def _end(around: _Around) -> tuple[CdrFile, int]:
    """Take back all but events, and mark the file; return it, and how many records left suspense."""
    for _ in range(ATTEMPTS_MAX):
        rater = await around.raters.present(around.actor, around.begin)
        try:
            async with around.begin(around.actor, bulk=True) as unit:
                await lock_with(unit, around.source.id, around.twins)
                file = await unit.files.claim(around.cmd.file)
                open_ones = await unit.desk.claim(await unit.desk.open_of(file.id))
                await unit.desk.leave([one.record.id for one in open_ones], WITHDRAWN)
                await unit.desk.note(open_ones, SuspenseAction.WITHDRAW, around.cmd.why, {})
                done = _blank(file, around)
                await unit.files.keep(done)
                names = await unit.sessions.of_file(file.source, file.id)
                held = await unit.sessions.load(file.source, names)
                await _without(unit, file, held, around)
                await tell_held(unit, held, around.profile, rater, at=around.clock.now())
                return done, len(open_ones)
        except Collision:
            continue
    raise WrongState("others keep rating the same events; try again when they are done")


def _blank(file: CdrFile, around: _Around) -> CdrFile:
    """Return a file that counts for nothing: all its records are withdrawn."""
    none = dict.fromkeys((*COUNTED.values(), "rated", "unrated"), 0)
    ignored = {WITHDRAWN: file.records} if file.records else {}
    blank = replace(
        file,
        **none,  # type: ignore[arg-type]  # the counts are numbers
        ignored=ignored,
        warnings={},
        state=FileState.WITHDRAWN,
        finished_at=around.clock.now(),
        fault=around.cmd.why,
    )
    assert blank.balances(), f"the balance of {file.name} does not hold: {blank}"
    return blank


async def _without(unit: Unit, file: CdrFile, held: dict[str, Held], around: _Around) -> None:
    """Take a file's parts out of their sessions; what is left of these is told anew, or waits again."""
    for one in held.values():
        one.told = [told for told in one.told if told.file != file.id]
        one.parts = [part for part in one.parts if part["_file"] != file.id]
    await unit.sessions.keep(file.source, held.values(), around.clock.now())

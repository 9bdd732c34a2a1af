"""Correct, release and discard records in suspense: one by its key, or all that a filter chooses."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import FileId, SourceId, SuspenseId
from domain.intake.chunks import prepare, shifted
from domain.intake.raters import Raters
from domain.intake.rereading import corrected_event, needs_file, reread
from domain.intake.twins import lock_with, twins_of
from domain.intake.writing import Wrote, write_chunk
from domain.mediation.events import Batch
from domain.mediation.files import CdrFile, SuspenseKind
from domain.mediation.profile import Profile
from domain.mediation.suspense import Correction, OnDesk, SuspenseAction, SuspenseChange, SuspenseFilter
from domain.period import utc
from domain.ports.clock import Clock
from domain.ports.files import Blobs
from domain.ports.intake import Collision, Formats
from domain.ports.page import PageRequest
from domain.ports.unit import Begin, Unit
from domain.rating.clock import micros
from domain.refusal import BadValue, LimitExceeded, NotFound, Unreadable, WrongState

AT_ONCE: Final = 1000
ATTEMPTS_MAX: Final = 10
RAW_MAX: Final = 65_536
FIELDS_MAX: Final = 100
WHY_MAX: Final = 1000
TEXT_MAX: Final = 200
UNREADABLE: Final = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectSuspense:
    """With what the chosen records are to be released: another raw text (of one alone), or other fields.

    ``preview`` checks the correction against every record that is chosen, and keeps nothing.
    """

    chosen: SuspenseFilter
    correction: Correction
    why: str
    preview: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseSuspense:
    """Let the chosen records take their way again. ``preview`` does everything and keeps nothing of it."""

    chosen: SuspenseFilter
    why: str = ""
    preview: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscardSuspense:
    """Give the chosen records up: they stay there, counted as discarded. ``preview`` only counts."""

    chosen: SuspenseFilter
    why: str
    preview: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What became of the chosen records.

    ``rated``: events that are charged now. ``joined``: parts that belong to a session or wait for its others.
    ``still``: those that stay in suspense, by reason.
    """

    chosen: int = 0
    rated: int = 0
    duplicates: int = 0
    ignored: int = 0
    joined: int = 0
    still: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Released) -> Released:
        """Add up two parts of one release."""
        return Released(
            chosen=self.chosen + other.chosen,
            rated=self.rated + other.rated,
            duplicates=self.duplicates + other.duplicates,
            ignored=self.ignored + other.ignored,
            joined=self.joined + other.joined,
            still=dict(sorted((Counter(self.still) + Counter(other.still)).items())),
        )


class _Preview(Exception):  # noqa: N818  (an outcome: what was done is rolled back)
    def __init__(self, released: Released) -> None:
        super().__init__()
        self.released = released


@operation(Action.MANAGE_SUSPENSE)
async def correct_suspense(cmd: CorrectSuspense, *, actor: Actor, begin: Begin, formats: Formats) -> int:
    """Keep with what records are to be released; the originals stay. Return how many were corrected.

    A second correction takes the place of the first; both stay in the history. Of a preview: how many would be.
    Refuses with: NotAllowed, BadValue (nothing chosen, nothing corrected, no such field or column, too long), NotFound
    (a record that is not open).
    """
    chosen, why, correction = checked(cmd.chosen), _why(cmd.why, needed=True), cmd.correction
    if correction.raw is None and not correction.fields:
        raise BadValue("give another raw text, or fields", field="correction")
    if correction.raw is not None and (len(correction.raw) > RAW_MAX or not correction.raw.strip()):
        raise BadValue("a raw text has between 1 and {raw_max} characters", raw_max=RAW_MAX, field="raw")
    if len(correction.fields) > FIELDS_MAX or any(len(text) > TEXT_MAX for text in correction.fields.values()):
        raise BadValue(
            "at most {fields_max} fields of at most {text_max} characters",
            fields_max=FIELDS_MAX,
            text_max=TEXT_MAX,
            field="fields",
        )
    if correction.raw is not None and (chosen.ids is None or len(chosen.ids) != 1):
        raise BadValue("another raw text is for one record", field="raw")
    total, profiles = 0, dict[SourceId, Profile]()
    async for keys in _pages(chosen, actor, begin):
        async with begin(actor) as unit:
            found = await unit.desk.claim(keys)
            sources = await unit.sources.many(list({one.record.source for one in found} - profiles.keys()))
            profiles |= {key: formats.profile(one.profile) for key, one in sources.items()}
            for one in found:
                if one.record.kind is SuspenseKind.UNRATED and correction.raw is None:
                    corrected_event(one.record.event or {}, correction.fields)
                else:
                    _known(correction.fields, profiles[one.record.source])
                if not cmd.preview:
                    await unit.desk.correct(one.record.id, correction)
            if not cmd.preview:
                await unit.desk.note(found, SuspenseAction.CORRECT, why, {})
                await _audited(unit, "correct_suspense", found, why, {})
            total += len(found)
    _all_there(chosen, total)
    return total


@operation(Action.MANAGE_SUSPENSE)
async def release_suspense(
    cmd: ReleaseSuspense,
    *,
    actor: Actor,
    begin: Begin,
    clock: Clock,
    blobs: Blobs,
    formats: Formats,
    raters: Raters,
) -> Released:
    """Release records: they are read, joined, met with what is known, rated and stored as when they came in.

    Each is read by the profile that its source has now, with its correction. What fails again stays, with the new
    reason and its history. Doing it twice changes nothing the second time. One transaction per file and page.
    Refuses with: NotAllowed, BadValue (nothing chosen), NotFound (a record that is not open), WrongState (others keep
    bringing the same events; what the catalogue holds cannot be rated so).
    """
    chosen, why = checked(cmd.chosen), _why(cmd.why)
    around = _Around(actor, begin, clock, blobs, formats, raters, why, cmd.preview)
    total, found = Released(), 0
    async for keys in _pages(chosen, actor, begin):
        async with begin(actor) as unit:
            files: dict[FileId, list[SuspenseId]] = {}
            page = await unit.desk.page(PageRequest(first=AT_ONCE), SuspenseFilter(ids=tuple(keys)))
            for one in page.items:
                files.setdefault(one.file, []).append(one.id)
        for file, ids in sorted(files.items()):
            done = await _release(file, ids, around)
            total, found = total + done, found + done.chosen
    _all_there(chosen, found)
    if not cmd.preview and total.chosen:
        async with begin(actor) as unit:  # it waits for the disk, and so for all before it
            counts = {"chosen": total.chosen, "rated": total.rated, "still": dict(total.still)}
            await unit.audit.write("release_suspense", "suspense", {"why": why, **counts})
    return total


@operation(Action.MANAGE_SUSPENSE)
async def discard_suspense(cmd: DiscardSuspense, *, actor: Actor, begin: Begin) -> int:
    """Give records up, with a reason. They stay, counted as ignored ``discarded`` on their files. Return how many.

    Refuses with: NotAllowed, BadValue (nothing chosen, no reason), NotFound (a record that is not open).
    """
    chosen, why = checked(cmd.chosen), _why(cmd.why, needed=True)
    if cmd.preview:
        async with begin(actor) as unit:
            return sum((await unit.desk.counts(chosen)).values())
    total = 0
    async for keys in _pages(chosen, actor, begin):
        async with begin(actor, bulk=True) as unit:
            files: dict[FileId, list[OnDesk]] = {}
            page = await unit.desk.page(PageRequest(first=AT_ONCE), SuspenseFilter(ids=tuple(keys)))
            for source in sorted({one.source for one in page.items}):
                await unit.sessions.lock(source)
            for each in await unit.desk.claim(keys):
                files.setdefault(each.record.file, []).append(each)
            for key, found in sorted(files.items()):
                file = await unit.files.claim(key)
                await unit.desk.leave([one.record.id for one in found], "discarded")
                await unit.desk.note(found, SuspenseAction.DISCARD, why, {})
                await unit.files.keep(shifted(file, {**_out(found), "discarded": len(found)}))
                await _audited(unit, "discard_suspense", found, why, {})
                total += len(found)
    _all_there(chosen, total)
    return total


@operation(Action.IMPORT_CDR)
async def suspense_history(key: SuspenseId, *, actor: Actor, begin: Begin) -> Sequence[SuspenseChange]:
    """Return what was done to a record, oldest first; also of one that has left. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.desk.history(key)


def _known(fields: Mapping[str, str], profile: Profile) -> None:
    """Refuse columns that the present profile does not read: they would change nothing. Refuses with: BadValue."""
    unknown = sorted(fields.keys() - profile.columns - profile.map.keys())
    if unknown:
        raise BadValue(
            "the profile {profile} reads no column {unknown}; it reads {known}",
            profile=profile.name,
            unknown=", ".join(name[:50] for name in unknown),
            known=" ".join(sorted(profile.columns))[:1000],
            field="fields",
        )


def checked(chosen: SuspenseFilter) -> SuspenseFilter:
    """Return a filter that chooses something. Refuses with: BadValue."""
    if chosen.empty:
        raise BadValue("say which records: by their ids or by a filter", field="filter")
    if chosen.ids is not None and not 0 < len(chosen.ids) <= AT_ONCE:
        raise BadValue("between 1 and {at_once} ids at a time", at_once=AT_ONCE, field="ids")
    if chosen.text is not None and not 0 < len(chosen.text) <= TEXT_MAX:
        raise BadValue("a text to look for has 1 to {text_max} characters", text_max=TEXT_MAX, field="text")
    since = None if chosen.since is None else utc(chosen.since, field="since")
    until = None if chosen.until is None else utc(chosen.until, field="until")
    return replace(chosen, since=since, until=until)


@dataclass(frozen=True, slots=True)
class _Around:
    """What every transaction of one release has in common."""

    actor: Actor
    begin: Begin
    clock: Clock
    blobs: Blobs
    formats: Formats
    raters: Raters
    why: str
    preview: bool


async def _release(file: FileId, keys: Sequence[SuspenseId], around: _Around) -> Released:
    """Release records of one file in one transaction; where another was quicker with an event of them, once more."""
    for _ in range(ATTEMPTS_MAX):
        try:
            async with around.begin(around.actor) as unit:
                of = (await unit.files.get(file)).source
                source = (await unit.sources.many([of]))[of]
            rater = await around.raters.present(around.actor, around.begin)
            async with around.begin(around.actor, bulk=True) as unit:
                twins = twins_of(source, await unit.sources.all())
                await lock_with(unit, source.id, twins)
                present = await unit.files.claim(file)
                found = await unit.desk.claim(keys)
                if not found:
                    return Released()
                profile = around.formats.profile(source.profile)
                try:
                    batch = await _read(present, found, profile, around)
                except (Unreadable, LimitExceeded, BadValue, NotFound):
                    return Released(chosen=len(found), still={UNREADABLE: len(found)})
                await unit.desk.leave([one.record.id for one in found], "released")
                before = shifted(present, {**_out(found), "pending": len(found)})
                again = {one.record.record: one.record.id for one in found}
                wrote = await write_chunk(
                    unit, prepare(batch, rater), before, profile, at=around.clock.now(), again=again, twins=twins
                )
                assert wrote is not None, "what was pending is somewhere now"
                await unit.desk.note(found, SuspenseAction.RELEASE, around.why, wrote.stayed)
                released = _came_to(found, wrote)
                if around.preview:
                    raise _Preview(released)  # noqa: TRY301  (leaving by an error is what rolls back)
                return released
        except Collision:
            continue
        except _Preview as only:
            return only.released
    raise WrongState("other imports keep bringing the same events; try again when they are done")


async def _read(file: CdrFile, found: Sequence[OnDesk], profile: Profile, around: _Around) -> Batch:
    """Read records again, those of them from their file that are no events."""
    reader = around.formats.reader(profile)
    now_us = micros(file.received_at)

    def read(blocks: Iterable[bytes]) -> Batch:
        return reread(blocks, found, profile, reader, now_us=now_us, position=file.position)

    if not any(needs_file(one) for one in found):
        return await asyncio.to_thread(read, ())
    with await around.blobs.open(file.sha256) as content:
        return await asyncio.to_thread(read, around.formats.blocks(content))


def _came_to(found: Sequence[OnDesk], wrote: Wrote) -> Released:
    balance = wrote.settled.balance
    still = Counter(wrote.stayed.values())
    told = wrote.settled.rated + balance.duplicates + sum(balance.ignored.values()) + still.total()
    return Released(
        chosen=len(found),
        rated=wrote.settled.rated,
        duplicates=balance.duplicates,
        ignored=sum(balance.ignored.values()),
        joined=max(0, len(found) - told),
        still=still,
    )


def _out(found: Sequence[OnDesk]) -> dict[str, int]:
    """Return how the counts of a file move when records leave suspense."""
    unrated = sum(one.record.kind is SuspenseKind.UNRATED for one in found)
    return {"rejects": unrated - len(found), "events": -unrated, "unrated": -unrated}


async def _pages(chosen: SuspenseFilter, actor: Actor, begin: Begin) -> AsyncIterator[list[SuspenseId]]:
    """Yield the keys of the open records that are chosen, page by page; what is done to a page does not matter."""
    after: int | None = None
    more = True
    while more:
        async with begin(actor) as unit:
            page = await unit.desk.page(PageRequest(first=AT_ONCE, after=after), chosen)
        more = page.more
        if page.items:
            after = page.items[-1].id
            yield [one.id for one in page.items]


def _all_there(chosen: SuspenseFilter, found: int) -> None:
    if chosen.ids is not None and found == 0:
        raise NotFound("no record with this id is in suspense", field="ids")


def _why(text: str, *, needed: bool = False) -> str:
    if len(text) > WHY_MAX or (needed and not text.strip()):
        raise BadValue("say why, in at most {why_max} characters", why_max=WHY_MAX, field="why")
    return text.strip()


async def _audited(unit: Unit, action: str, found: Sequence[OnDesk], why: str, more: Mapping[str, object]) -> None:
    if found:
        ids = [one.record.id for one in found]
        target = f"suspense:{ids[0]}" if len(ids) == 1 else "suspense"
        await unit.audit.write(action, target, {"why": why, "records": len(ids), "first": ids[0], **more})

"""Sessions that nothing completes, told of as far as they are known: what was used is an event flagged ``incomplete``.

An import tells at its end of those that are over by their own times and used something; the others wait, from when
their last part came in, for as long as the profile says. What comes later still is joined, and corrects what was told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.access.actor import Actor
from domain.ids import FileId
from domain.intake.chunks import prepare
from domain.intake.rater import Rater
from domain.intake.raters import Raters
from domain.intake.twins import lock_with, twins_of
from domain.intake.writing import Wrote, nothing, write_chunk
from domain.jobs.job import NewJob
from domain.mediation.files import Source
from domain.mediation.held import Held, charged, divided, give_up, timeout_us
from domain.mediation.profile import Profile
from domain.mediation.session import fold
from domain.ports.clock import Clock
from domain.ports.intake import Collision
from domain.ports.unit import Begin, Unit
from domain.rating.clock import EPOCH, micros
from domain.refusal import WrongState

AT_ONCE: Final = 500
ATTEMPTS_MAX: Final = 10


SWEEP: Final = "sweep_sessions"


def sweep_job(source: Source, profile: Profile, now: datetime) -> NewJob:
    """Return what tells of a source's sessions once their time is out, at most once an hour."""
    at = now + timedelta(hours=profile.timeout_hours, minutes=5)
    return NewJob(kind=SWEEP, payload={"source": source.name}, dedupe=f"{source.id}/{at:%Y-%m-%dT%H}", run_at=at)


@dataclass(frozen=True, slots=True)
class Around:
    """Who does it, with what."""

    actor: Actor
    begin: Begin
    clock: Clock
    raters: Raters


@dataclass(frozen=True, slots=True)
class Limits:
    """Until when a session is waited for: since its last part came in, and by its own times; ``now`` is the present.

    ``since``: by their own times only those are over that had a part from then on.
    """

    now: datetime
    touched: datetime
    ended: datetime
    since: datetime


async def tell_sessions(
    source: Source, profile: Profile, around: Around, *, since: datetime | None = None
) -> Sequence[Wrote]:
    """Tell of a source's sessions that are due, some hundred per transaction; return the chunks that were written.

    Of all whose last part came in longer ago than the time-out; with ``since`` of those that had a part from then on,
    used something and by their own times are older. Those that their device's restart has ended are told of either way.
    Refuses with: WrongState (others keep rating the same events).
    """
    now = around.clock.now()
    over = now - timedelta(hours=profile.timeout_hours)
    limits = Limits(now, over, EPOCH, EPOCH) if since is None else Limits(now, EPOCH, over, since)
    found: list[Wrote] = []
    after: str | None = ""
    while after is not None:
        wrote, after = await _again(source, profile, around, limits, after)
        found += wrote
    return found


async def tell_names(source: Source, profile: Profile, around: Around, names: Collection[str]) -> Sequence[Wrote]:
    """Tell of some sessions of which something must be told under another file than the one that changed them."""
    for _ in range(ATTEMPTS_MAX):
        rater = await around.raters.present(around.actor, around.begin)
        try:
            async with around.begin(around.actor, bulk=True) as unit:
                await lock_with(unit, source.id, twins_of(source, await unit.sources.all()))
                held = await unit.sessions.load(source.id, names)
                return await tell_held(unit, held, profile, rater, at=around.clock.now())
        except Collision:
            continue
    raise WrongState("others keep rating the same events; try again when they are done")


async def _again(
    source: Source, profile: Profile, around: Around, limits: Limits, after: str
) -> tuple[list[Wrote], str | None]:
    """Tell of the next sessions in a transaction; where another was quicker with an event of them, once more."""
    for _ in range(ATTEMPTS_MAX):
        rater = await around.raters.present(around.actor, around.begin)
        try:
            async with around.begin(around.actor, bulk=True) as unit:
                await lock_with(unit, source.id, twins_of(source, await unit.sources.all()))
                return await _some(unit, source, profile, limits, after, rater=rater)
        except Collision:
            continue
    raise WrongState("others keep rating the same events; try again when they are done")


async def _some(
    unit: Unit, source: Source, profile: Profile, limits: Limits, after: str, *, rater: Rater
) -> tuple[list[Wrote], str | None]:
    """Tell of the next sessions; the second is where to go on, None at the end."""
    names = await unit.sessions.due(
        source.id,
        touched_before=limits.touched,
        touched_since=limits.since,
        ended_before=limits.ended,
        first=AT_ONCE,
        after=after,
    )
    held = await unit.sessions.load(source.id, names)
    for one in held.values():
        for parts in divided(one.parts, timeout_us(profile)):
            if limits.touched > EPOCH or (charged(parts) and fold(parts).latest < micros(limits.ended)):
                give_up(parts)
    wrote = await tell_held(unit, held, profile, rater, at=limits.now)
    return wrote, names[-1] if len(names) == AT_ONCE else None


async def tell_held(
    unit: Unit, held: Mapping[str, Held], profile: Profile, rater: Rater, *, at: datetime
) -> list[Wrote]:
    """Write what sessions come to now: a chunk for each file that brought the last part of one. Raises ``Collision``.

    The caller holds the lock of their source (``lock_with``).
    """
    wrote = []
    files: dict[int, set[str]] = {}
    for name, one in held.items():
        for parts in divided(one.parts, timeout_us(profile)):
            files.setdefault(max(part["_file"] for part in parts), set()).add(name)
    for key in sorted(files):
        file = await unit.files.claim(FileId(key))
        chosen = {name: held[name] for name in files[key]}
        done = await write_chunk(unit, prepare(nothing(file), rater), file, profile, at=at, held=chosen)
        wrote += [done] if done is not None else []
    return wrote

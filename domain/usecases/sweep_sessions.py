"""Tell of sessions whose time is out, and forget those of which nothing more is expected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.intake.raters import Raters
from domain.intake.telling import SWEEP, Around, tell_sessions
from domain.ports.clock import Clock
from domain.ports.intake import Formats
from domain.ports.unit import Begin

# How long sessions that are told of are remembered after their time-out, to know their parts when they come again.
REMEMBERED: Final = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a sweep came to: events and rejects it told of, and finished sessions that it forgot."""

    events: int = 0
    rejects: int = 0
    forgotten: int = 0


@operation(Action.IMPORT_CDR)
async def sweep_sessions(
    *, actor: Actor, begin: Begin, clock: Clock, raters: Raters, formats: Formats, source: str | None = None
) -> Swept:
    """Tell of every session whose time is out, of one source or all. Doing it twice changes nothing the second time.

    Refuses with: NotAllowed, NotFound (source), WrongState (others keep rating the same events).
    """
    async with begin(actor) as unit:
        sources = await unit.sources.all() if source is None else [await unit.sources.by_name(source)]
    around, total = Around(actor, begin, clock, raters), Swept()
    for one in sources:
        profile = formats.profile(one.profile)
        if not profile.correlate_by:
            continue
        wrote = await tell_sessions(one, profile, around)
        events, rejects = (sum(getattr(each.settled.balance, name) for each in wrote) for name in ("events", "rejects"))
        limit = clock.now() - timedelta(hours=profile.timeout_hours) - REMEMBERED
        async with begin(actor, bulk=True) as unit:
            await unit.sessions.lock(one.id)
            gone = await unit.sessions.forget(one.id, touched_before=limit)
            if wrote or gone:
                detail = {"source": one.name, "events": events, "rejects": rejects, "forgotten": gone}
                await unit.audit.write(SWEEP, f"source:{one.id}", detail)
        total = Swept(events=total.events + events, rejects=total.rejects + rejects, forgotten=total.forgotten + gone)
    return total

"""List alarms."""

from __future__ import annotations

from domain.access.actor import Action, Actor, allow
from domain.alarms.alarm import Alarm, AlarmState
from domain.ids import AlarmId
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin


async def list_alarms(
    request: PageRequest, *, state: AlarmState | None = None, kind: str | None = None, actor: Actor, begin: Begin
) -> Page[Alarm]:
    """List alarms by key, in a state and of a kind; None: any. Refuses with: NotAllowed."""
    allow(actor, Action.READ_ALARMS)
    async with begin(actor) as unit:
        return await unit.alarms.page(request, state=state, kind=kind)


async def get_alarm(key: AlarmId, *, actor: Actor, begin: Begin) -> Alarm:
    """Return one. Refuses with: NotAllowed, NotFound."""
    allow(actor, Action.READ_ALARMS)
    async with begin(actor) as unit:
        return await unit.alarms.get(key)

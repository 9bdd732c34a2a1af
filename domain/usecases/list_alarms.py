"""List alarms."""

from __future__ import annotations

from domain.access.actor import Action, Actor
from domain.access.charges import sees_costs
from domain.access.operations import operation
from domain.alarms.alarm import Alarm, AlarmState
from domain.ids import AlarmId
from domain.margins.below_cost import without_amounts
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin


@operation(Action.READ_ALARMS)
async def list_alarms(
    request: PageRequest, *, state: AlarmState | None = None, kind: str | None = None, actor: Actor, begin: Begin
) -> Page[Alarm]:
    """List alarms by key, in a state and of a kind; None: any. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return (await unit.alarms.page(request, state=state, kind=kind)).map(lambda alarm: alarm_seen(alarm, actor))


@operation(Action.READ_ALARMS)
async def get_alarm(key: AlarmId, *, actor: Actor, begin: Begin) -> Alarm:
    """Return one. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        return alarm_seen(await unit.alarms.get(key), actor)


def alarm_seen(alarm: Alarm, actor: Actor) -> Alarm:
    """Return an alarm as the caller may see it: without what events cost, where he may not see costs."""
    return alarm if sees_costs(actor) else without_amounts(alarm)

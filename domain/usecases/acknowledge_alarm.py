"""Say that somebody looks at an alarm, or that it is dealt with."""

from __future__ import annotations

from dataclasses import replace

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.alarms.alarm import Alarm, AlarmState
from domain.ids import AlarmId
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.refusal import WrongState
from domain.usecases.list_alarms import alarm_seen


@operation(Action.MANAGE_ALARMS)
async def acknowledge_alarm(key: AlarmId, *, actor: Actor, begin: Begin, clock: Clock) -> Alarm:
    """Acknowledge an alarm; again changes nothing. Refuses with: NotAllowed, NotFound, WrongState (closed)."""
    async with begin(actor) as unit:
        alarm = await unit.alarms.claim(key)
        if alarm.state is AlarmState.CLOSED:
            raise WrongState("the alarm is closed", field="alarm")
        if alarm.state is AlarmState.ACKNOWLEDGED:
            return alarm_seen(alarm, actor)
        now = clock.now()
        done = replace(alarm, state=AlarmState.ACKNOWLEDGED, acknowledged_by=actor.client, acknowledged_at=now)
        await unit.alarms.keep(done)
        await unit.audit.write("acknowledge_alarm", f"alarm:{key}")
    return alarm_seen(done, actor)


@operation(Action.MANAGE_ALARMS)
async def close_alarm(key: AlarmId, *, actor: Actor, begin: Begin, clock: Clock) -> Alarm:
    """Close an alarm; again changes nothing. Raised once more, it is a new one. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        alarm = await unit.alarms.claim(key)
        if alarm.state is AlarmState.CLOSED:
            return alarm_seen(alarm, actor)
        done = replace(alarm, state=AlarmState.CLOSED, closed_by=actor.client, closed_at=clock.now())
        await unit.alarms.keep(done)
        await unit.audit.write("close_alarm", f"alarm:{key}")
    return alarm_seen(done, actor)

"""Raise an alarm, or say that its reason is gone. The system does both; nobody raises one over an API."""

from __future__ import annotations

from dataclasses import replace

from domain.access.actor import Actor
from domain.alarms.alarm import Alarm, AlarmState, Raised
from domain.ports.clock import Clock
from domain.ports.unit import Begin


async def raise_alarm(found: Raised, *, actor: Actor, begin: Begin, clock: Clock) -> Alarm:
    """Raise an alarm: a new one, or the one of this kind and subject that is not closed counts up."""
    async with begin(actor) as unit:
        (alarm,) = await unit.alarms.raise_all([found], at=clock.now())
        if alarm.count == found.times:
            await unit.audit.write("raise_alarm", f"alarm:{alarm.id}", {"kind": alarm.kind, "subject": alarm.subject})
    return alarm


async def end_alarm(kind: str, subject: str, *, actor: Actor, begin: Begin, clock: Clock) -> Alarm | None:
    """Close the alarm of a kind and subject, whose reason is gone; None where there is none that is not closed."""
    async with begin(actor) as unit:
        alarm = await unit.alarms.claim_open(kind, subject)
        if alarm is None:
            return None
        closed = replace(alarm, state=AlarmState.CLOSED, closed_by=actor.client, closed_at=clock.now())
        await unit.alarms.keep(closed)
        await unit.audit.write("end_alarm", f"alarm:{alarm.id}", {"kind": kind, "subject": subject})
    return closed

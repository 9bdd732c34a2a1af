"""Read the operator's meter."""

from __future__ import annotations

from collections.abc import Sequence

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.metering.meter import DAYS_MAX, MeterDay
from domain.period import Period
from domain.ports.unit import Begin
from domain.refusal import BadValue


@operation(Action.READ_METER)
async def read_meter(period: Period, *, actor: Actor, begin: Begin) -> Sequence[MeterDay]:
    """Return every day of a period with what was counted on it. Refuses with: NotAllowed, BadValue (too long)."""
    if period.days > DAYS_MAX:
        raise BadValue("at most {most} days can be asked for at a time", most=DAYS_MAX, field="until")
    async with begin(actor) as unit:
        zone = (await unit.operators.own()).zone
        return await unit.meter.days(period.start, period.end, zone=zone)

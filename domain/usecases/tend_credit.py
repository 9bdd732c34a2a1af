"""What is done about credit as time goes by: what is set aside expires, and who has come under a limit is watched."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.credit.reservation import ReservationState
from domain.ids import CustomerId
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.usecases.limit_credit import watch_covered

EXPIRED_MAX: Final = 500


@operation(Action.MANAGE_CREDIT)
async def tend_credit(*, actor: Actor, begin: Begin, clock: Clock) -> int:
    """Free what is set aside and over its time, and watch whom limits cover; return how many reservations expired.

    Any number of processes may: a reservation expires once, under its customer's account. Refuses with: NotAllowed.
    """
    await watch_covered(actor=actor, begin=begin, clock=clock)
    now, count = clock.now(), 0
    async with begin(actor) as unit:
        due = await unit.credit.due(now, first=EXPIRED_MAX)
    for customer in sorted({one.customer for one in due}):
        count += await _expire(customer, actor=actor, begin=begin, clock=clock)
    return count


async def _expire(customer: CustomerId, *, actor: Actor, begin: Begin, clock: Clock) -> int:
    now, count = clock.now(), 0
    async with begin(actor) as unit:
        await unit.credit.claim([customer])
        for one in await unit.credit.due(now, first=EXPIRED_MAX, customer=customer):
            await unit.credit.change(one, replace(one, state=ReservationState.EXPIRED, changed_at=now))
            count += 1
    return count

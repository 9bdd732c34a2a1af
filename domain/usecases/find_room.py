"""Find out how much a line may use: by prices, buckets and what its limits leave, in one unit of work.

Prices that have changed, and a customer who is not watched yet, end the unit; it is begun anew with what was missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

import numpy as np

from domain.access.actor import Actor, system
from domain.buckets.standing import Standing
from domain.credit.asking import Asking, Use, less_held
from domain.credit.capacity import POINTS, largest
from domain.credit.counting import exchange_of, owed_of, recount
from domain.credit.kinds import Kind
from domain.credit.reservation import Reservation
from domain.credit.room import Unwatched, hard, room, shut
from domain.ids import SubscriptionId
from domain.intake.raters import Raters
from domain.margins.exchange import NoRate, no_rate
from domain.ports.clock import Clock
from domain.ports.credit import CreditStanding
from domain.ports.unit import Begin, Unit
from domain.refusal import NotFound, WrongState

T = TypeVar("T")
ATTEMPTS_MAX: Final = 5


class _Unpriced(Exception):  # noqa: N818  (prices are loaded, and the question asked again)
    """The prices at hand are older than the catalogue."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A unit of work at an instant, with who asks and the prices at hand."""

    unit: Unit
    actor: Actor
    raters: Raters
    now: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """``units`` may be used, for ``amount`` micro-units of the operator's currency; of 0 ``reason`` says why.

    ``left``: what the tightest hard limit had left, that of ``kind``; None: there is none. ``kinds``: what it is.
    """

    units: int
    amount: int
    left: int | None
    kind: Kind | None
    reason: str | None
    asking: Asking | None
    kinds: frozenset[Kind] = frozenset()


async def attempt(
    step: Callable[[Moment], Awaitable[T]], *, actor: Actor, begin: Begin, clock: Clock, raters: Raters
) -> T:
    """Do a step in a unit; where it lacks something, get that and begin anew. Refuses with: WrongState."""
    for _ in range(ATTEMPTS_MAX):
        try:
            async with begin(actor) as unit:
                return await step(Moment(unit, actor, raters, clock.now()))
        except _Unpriced:
            await raters.present(system(actor.operator, actor.client, edition=actor.edition), begin)
        except Unwatched as lacks:
            await watch_line(lacks.standing, actor=actor, begin=begin, clock=clock)
    raise WrongState("prices keep changing; try again")


async def watch_line(standing: CreditStanding, *, actor: Actor, begin: Begin, clock: Clock) -> None:
    """Begin to watch a customer and a line of his, with what they have used so far."""
    async with begin(system(actor.operator, actor.client, edition=actor.edition), bulk=True) as unit:
        await unit.credit.fence()
        if await unit.credit.open(standing.customer, [standing.subscription]):
            await recount(unit, [standing.customer], at=clock.now())


async def standing_of(unit: Unit, subscription: SubscriptionId, now: datetime, *, lock: bool = False) -> CreditStanding:
    """Return how a line stands, with ``lock`` its customer's account locked. Refuses with: NotFound."""
    found = await unit.credit.standing(subscription, at=now, lock=lock)
    if found is None:
        raise NotFound("no subscription {subscription}", subscription=subscription, field="subscription")
    return found


async def find(
    use: Use, wanted: int, standing: CreditStanding, moment: Moment, *, own: Reservation | None = None
) -> Found:
    """Return how much of what is wanted may be used. ``own``: what is set aside for this very use, which goes on."""
    unit, now = moment.unit, moment.now
    if (why := shut(standing, use, now)) is not None:
        return Found(0, 0, None, None, why, None)
    asking = await asked(use, standing, moment, own=own)
    whole = await _priced(asking, wanted)
    if whole < 0:
        return Found(0, 0, None, None, asking.reason, asking)
    kinds = asking.kinds(standing.home)
    code = asking.rater.book.currencies[asking.currency]
    try:
        await _in(unit, whole, code, standing.currency, now)
        owed = 0
        if Kind.ALL in hard(standing, None, kinds, now):
            owed = await owed_of(unit, standing.owed, standing.currency, now.date())
        left, kind = room(standing, kinds, owed, now, own)
        spend = None if left is None else await _in(unit, max(left, 0), standing.currency, code, now)
    except NoRate:
        return Found(0, 0, None, None, "no_exchange_rate", asking)
    if spend is None or whole <= spend:
        units, cost = wanted, whole
    elif asking.standing is not None:
        units, cost = await asyncio.to_thread(largest, asking.charges, spend, wanted, points=1)
    else:
        units, cost = largest(asking.charges, spend, wanted, points=POINTS)
    amount = await _in(unit, cost, code, standing.currency, now, up=True)
    if left is not None:
        amount = min(amount, max(left, 0))
    return Found(units, amount, left, kind, None if units else "limit", asking, kinds)


async def asked(use: Use, standing: CreditStanding, moment: Moment, *, own: Reservation | None) -> Asking:
    """Return a use with what prices it, and what its customer's buckets have for it. Refuses with: NotFound."""
    rater = moment.raters.known(moment.actor.operator, standing.revision)
    if rater is None:
        raise _Unpriced
    asking = Asking.of(use, rater)
    if asking is None:
        raise NotFound("no subscription {subscription}", subscription=use.subscription, field="subscription")
    asking.standing = await _buckets(asking, standing, moment, own)
    return asking


async def cost_of(asking: Asking, used: int, currency: str, unit: Unit) -> int | None:
    """Return what a use costs in the operator's currency; None where it has no price, or that no rate, any more."""
    if not used:
        return 0
    cost = await _priced(asking, used)
    if cost < 0:
        return None
    try:
        return await _in(unit, cost, asking.rater.book.currencies[asking.currency], currency, asking.use.at, up=True)
    except NoRate:
        return None


async def _priced(asking: Asking, units: int) -> int:
    one = np.array([units], np.int64)
    found = await asyncio.to_thread(asking.charges, one) if asking.standing is not None else asking.charges(one)
    return int(found[0])


async def _buckets(
    asking: Asking, standing: CreditStanding, moment: Moment, own: Reservation | None
) -> Standing | None:
    """Return what the customer's buckets have left, less what other calls are to get of them; None: he has none."""
    if not asking.rater.book.tariff.draws:
        return None
    there = await moment.unit.draws.standing([standing.customer])
    if not asking.draws and not there.grants.height:
        return None
    others = [one for one in standing.live if own is None or one.id != own.id]
    held = [draw for one in others if one.expires_at > moment.now for draw in one.draws]
    return less_held(there, int(standing.customer), held)


async def _in(unit: Unit, micro: int, source: str, target: str, at: datetime, *, up: bool = False) -> int:
    """Return an amount in another currency; never more than it is worth, or with ``up`` never less. Raises NoRate."""
    if source == target or not micro:
        return micro
    factor = (await exchange_of(unit)).factor(source, target, at.date())
    if factor is None:
        raise no_rate(source, target, at.date())
    exact = micro * factor
    return -(-exact.numerator // exact.denominator) if up else exact.numerator // exact.denominator

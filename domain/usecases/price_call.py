"""Say what a call would cost a subscription, on the levels the caller may see."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import numpy as np
import polars as pl

from domain.access.actor import Action, Actor
from domain.access.charges import sees_costs, tiers_seen
from domain.access.operations import operation
from domain.buckets.drawing import Drawers, Drawn, draw
from domain.buckets.standing import GRANTS, Standing
from domain.ids import ResellerId, SubscriptionId
from domain.intake.rater import Rater
from domain.intake.raters import Raters
from domain.intake.rows import unrated_reason
from domain.mediation.events import EVENT_SCHEMA
from domain.money import Amount
from domain.period import utc
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.rating.clock import micros
from domain.rating.columns import from_frame
from domain.rating.layout import PRICED, RATED
from domain.rating.rate import Rated, rate
from domain.rating.rated_event import Charge
from domain.refusal import BadValue, NotFound

NUMBER: Final = re.compile(r"\+?[0-9]{1,32}", re.ASCII)
USED_MAX: Final = 10**12
DIRECTIONS: Final = ("out", "in")


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceCall:
    """A call from the subscription to ``number`` (``in``: from it) at an instant, now where none is given.

    ``number`` is E.164, with or without plus. ``used``: seconds, messages or kB. ``trunk``: the way out, which decides
    what the operator pays. ``visited``: the country where the subscription roams, None at home. ``believed_at``: by the
    catalogue as it was believed then.
    """

    subscription: SubscriptionId
    number: str
    at: datetime | None = None
    used: int = 60
    mode: str = "voice"
    direction: str = "out"
    trunk: str | None = None
    visited: str | None = None
    believed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The price. A level is None where there is none, or the caller may not see it; ``reason``: why not even retail.

    ``wholesale`` has one charge for each of the resellers ``tiers``, the outermost first.
    """

    at: datetime
    destination: str | None
    billed: int
    reason: str | None
    retail: Charge | None
    tiers: tuple[ResellerId, ...]
    wholesale: tuple[Charge, ...]
    cost: Charge | None


@operation(Action.READ_PRICES)
async def price_call(cmd: PriceCall, *, actor: Actor, begin: Begin, clock: Clock, raters: Raters) -> Quote:
    """Price one call by the catalogue as it is, and by what its buckets have left now; nothing is kept.

    Refuses with: NotAllowed, BadValue (number, amount, direction, time), NotFound (subscription).
    """
    call, rater = await called(cmd, actor=actor, begin=begin, clock=clock, raters=raters)
    return await asyncio.to_thread(_quote, call, rater, actor)


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A call as an event (``EVENT_SCHEMA``), and the place of its subscription among the rater's.

    ``drawn``: the call rated by what its buckets and counters have now; None where it draws on none. ``grants``: what
    its customer was granted beside plans (``GRANTS``).
    """

    at: datetime
    frame: pl.DataFrame
    owner: int
    drawn: Drawn | None = None
    grants: pl.DataFrame = field(default_factory=GRANTS.to_frame)


async def called(cmd: PriceCall, *, actor: Actor, begin: Begin, clock: Clock, raters: Raters) -> tuple[Call, Rater]:
    """Make the event of a call, with the subscription's own number then, and what it is rated with.

    Refuses with: NotAllowed, BadValue, NotFound.
    """
    at = clock.now() if cmd.at is None else utc(cmd.at, field="at")
    frame = _frame(cmd, at)
    async with begin(actor) as unit:
        found = await unit.subscriptions.many([cmd.subscription])
        if cmd.subscription not in found:
            raise NotFound("no subscription {subscription}", subscription=cmd.subscription, field="subscription")
        standing = await unit.draws.standing([found[cmd.subscription].customer])
    rater = await raters.present(actor, begin)
    if cmd.believed_at is not None:
        rater = await raters.then(actor, begin, utc(cmd.believed_at, field="believedAt"))
    owner = int(np.searchsorted(rater.subscribers.subscription, cmd.subscription))
    mine = pl.lit(_own_number(rater, owner, micros(at)))
    side = "a" if cmd.direction == "out" else "b"
    call = Call(at, frame.with_columns(mine.alias(side)), owner, grants=standing.grants)
    if rater.draws[owner] or standing.grants.height:
        call = replace(call, drawn=await asyncio.to_thread(_drawn, call, rater, standing))
    return call, rater


def _drawn(call: Call, rater: Rater, standing: Standing) -> Drawn:
    who, owner = rater.subscribers, np.array([call.owner], np.int32)
    drawers = Drawers(
        frame=call.frame,
        subscription=who.subscription[owner],
        contract=who.contract[owner],
        customer=who.customer[owner],
        pricing=rater.pricing(owner, call.frame["start"].to_numpy()).astype(np.int64),
        pricings=who.pricings,
        terms={int(who.contract[call.owner]): who.term[call.owner]},
        slots=rater.parties.slots,
        on_plan=who.on_plan,
        active=who.active_days(who.subscription[owner].tolist()),
    )
    return draw(rater.book, drawers, standing)


def _own_number(rater: Rater, owner: int, at: int) -> str:
    """Return a number that the subscription has at an instant (µs); any that it ever has, where it has none then."""
    held = rater.subscribers.numbers.filter(pl.col("owner") == owner)
    then = held.filter((pl.col("valid_from") <= at) & (pl.col("valid_to") > at))
    found = sorted((then if then.height else held)["number"].to_list())
    return found[0] if found else ""


def _frame(cmd: PriceCall, at: datetime) -> pl.DataFrame:
    if not NUMBER.fullmatch(cmd.number):
        raise BadValue("a number is 1 to 32 digits, with or without a plus", field="number")
    if not 0 <= cmd.used <= USED_MAX:
        raise BadValue("an amount is 0 to {used_max}", used_max=USED_MAX, field="used")
    if cmd.direction not in DIRECTIONS:
        raise BadValue("a direction is out or in", field="direction")
    if not 1 <= len(cmd.mode) <= 40:
        raise BadValue("a mode is voice, sms, mms, data or another word", field="mode")
    outward, digits = cmd.direction == "out", cmd.number.lstrip("+")
    event = dict.fromkeys(EVENT_SCHEMA.names()) | {
        "start": micros(at),
        "used": cmd.used,
        "answered": True,
        "a": "" if outward else digits,
        "b": digits if outward else "",
        "mode": cmd.mode,
        "direction": cmd.direction,
        "trunk_out" if outward else "trunk_in": cmd.trunk,
        "visited": cmd.visited,
        "offset": 0,
    }
    return pl.DataFrame([event], schema=EVENT_SCHEMA)


def _quote(call: Call, rater: Rater, actor: Actor) -> Quote:
    frame, owner = call.frame, np.array([call.owner], np.int32)
    priced = rater.pricing(owner, frame["start"].to_numpy())
    pricing, party = rater.subscribers.pricings[int(priced[0])], rater.party(owner, priced)
    if call.drawn is not None:
        rated = call.drawn.rated
    else:
        rated = rate(rater.book, rater.parties, from_frame(rater.book, frame, party, rank=np.zeros(1, np.int64)))
    slots = rater.tier_slots[int(priced[0])].tolist()[: len(pricing.tiers)]
    charges = [None if slot < 0 else _charge(rater, rated, slot) for slot in slots]
    seen = [(pricing.tiers[tier], charge) for tier in tiers_seen(actor, pricing.tiers) if (charge := charges[tier])]
    to, retail = int(rated.destination[0]), _charge(rater, rated, 0)
    return Quote(
        at=call.at,
        destination=rater.book.destinations[to] if to >= 0 else None,
        billed=int(rated.billed[0, 0]),
        reason=None if retail else unrated_reason(rated, 0),
        retail=retail,
        tiers=tuple(tier for tier, _ in seen),
        wholesale=tuple(charge for _, charge in seen),
        cost=_charge(rater, rated, rated.slots - 1) if sees_costs(actor) else None,
    )


def _charge(rater: Rater, rated: Rated, slot: int) -> Charge | None:
    """Return what a level comes to, None where it has no price."""
    if int(rated.status[0]) != RATED or int(rated.level_status[slot, 0]) != PRICED:
        return None
    book = rater.book
    currency = book.currencies[int(rated.currency[slot, 0])]
    chosen = int(rated.rate[slot, 0])
    return Charge(
        amount=Amount.of_micro(int(rated.amount[slot, 0]), currency),
        price_list=book.lists[int(rated.plist[slot, 0])],
        rate=int(book.rate_ids[chosen]),
    )

"""Say why a call would cost a subscription what it would: the explanation of a quote."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np

from domain.access.actor import Action, Actor
from domain.access.charges import sees_costs, tiers_seen
from domain.access.operations import operation
from domain.buckets.explaining import as_it_stood
from domain.intake.rater import Rater, drawing_party
from domain.intake.raters import Raters
from domain.intake.rows import SHARES
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.rating.explain import Explainer
from domain.rating.explanation import Asked, Explanation
from domain.usecases.explain_usage import with_lists_seen
from domain.usecases.load_exchange import with_margins
from domain.usecases.price_call import Call, PriceCall, called


@operation(Action.READ_PRICES)
async def explain_call(cmd: PriceCall, *, actor: Actor, begin: Begin, clock: Clock, raters: Raters) -> Explanation:
    """Explain what ``price_call`` would say, on the levels that the caller may see; nothing is kept.

    Refuses with: NotAllowed, BadValue, NotFound.
    """
    call, rater = await called(cmd, actor=actor, begin=begin, clock=clock, raters=raters)
    explained = await asyncio.to_thread(_explained, cmd, call, rater, actor)
    seen = await with_lists_seen(explained, actor=actor, begin=begin)
    return await with_margins(seen, actor=actor, begin=begin)


def _explained(cmd: PriceCall, call: Call, rater: Rater, actor: Actor) -> Explanation:
    who, place = rater.subscribers, call.owner
    row = call.frame.row(0, named=True)
    owner = np.array([place], np.int32)
    pricing = who.pricings[int(rater.pricing(owner, np.array([row["start"]], np.int64))[0])]
    keys = (int(who.subscription[place]), int(who.contract[place]), int(who.customer[place]))
    party = drawing_party(*keys, pricing)
    event = Asked(
        id="",
        party=party.name,
        mode=cmd.mode,
        direction=cmd.direction,
        a=row["a"] or None,
        b=row["b"] or None,
        trunk=cmd.trunk,
        visited=cmd.visited,
        start=call.at,
        used=cmd.used,
        offset=0,
    )
    kept = SHARES.to_frame() if call.drawn is None else call.drawn.shares
    explained = Explainer(*as_it_stood(rater.book.tariff, party, call.at, kept, call.grants)).explain(event)
    listed = [tier for tier, name in zip(pricing.tiers, pricing.wholesale, strict=True) if name is not None]
    seen = {place + 1 for place in tiers_seen(actor, listed)}
    levels = tuple(
        level
        for level in explained.levels
        if (level.level != "wholesale" or level.tier in seen) and (level.level != "cost" or sees_costs(actor))
    )
    return replace(explained, levels=levels)

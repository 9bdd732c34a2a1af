"""Say why a stored event costs what it costs: by the catalogue and the lists that it was rated with."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime

from domain.access.actor import Action, Actor
from domain.access.charges import sees_cost_lists, sees_costs, shown, tiers_seen, within_lists
from domain.access.operations import operation
from domain.buckets.explaining import as_it_stood, identity
from domain.catalogue.tariff import Tariff
from domain.ids import ResellerId
from domain.intake.rater import drawing_party
from domain.intake.raters import Raters
from domain.intake.subscribers import Pricing
from domain.period import utc
from domain.ports.unit import Begin
from domain.rating.explain import Explainer
from domain.rating.explanation import Asked, Explanation, LevelExplained
from domain.rating.rated_event import EventRef, RatedEvent
from domain.rating.standing import Standing
from domain.usecases.load_exchange import with_margins

RATED = "rated"


@dataclass(frozen=True, slots=True)
class ExplainedUsage:
    """An event and why it costs that, both with the levels that the caller may see.

    A wholesale level's ``tier`` counts, from 1, the resellers with a list of their own; ``tiers`` names them.
    """

    event: RatedEvent
    explanation: Explanation
    tiers: tuple[ResellerId, ...]


@operation(Action.READ_USAGE)
async def explain_usage(
    ref: EventRef, *, actor: Actor, begin: Begin, raters: Raters, believed_at: datetime | None = None
) -> ExplainedUsage:
    """Explain a stored event as it was rated, whatever has changed since; it adds up to what is stored.

    With ``believed_at``: what it would have cost by the catalogue as it was believed at that instant instead, by the
    lists that its subscription had when it was rated. Refuses with: NotAllowed, NotFound, BadValue.
    """
    async with begin(actor) as unit:
        event = await unit.usage.get(ref)
        background = await unit.usage.background(ref)
        kept = await unit.draws.shares(identity(event.ref, event.version))
        grants = (await unit.draws.standing([event.customer])).grants
    then = background.believed_at if believed_at is None else utc(believed_at, field="believedAt")
    tariff = await raters.believed(actor, begin, then)
    checked = believed_at is None
    party = drawing_party(event.subscription, event.contract, event.customer, background.pricing)
    then_left = await asyncio.to_thread(as_it_stood, tariff, party, event.start, kept, grants)
    made = await asyncio.to_thread(_explained, event, background.pricing, *then_left, actor, checked=checked)
    seen = await with_lists_seen(made.explanation, actor=actor, begin=begin)
    return replace(made, explanation=await with_margins(seen, actor=actor, begin=begin))


async def with_lists_seen(explained: Explanation, *, actor: Actor, begin: Begin) -> Explanation:
    """Return an explanation without the price lists that the caller may not see.

    The first list of a level is the one that is, or was, agreed with him or with his customer.
    """
    if actor.reseller is None and sees_cost_lists(actor):
        return explained
    names = {one.price_list for level in explained.levels for one in level.considered}
    async with begin(actor) as unit:
        known = {*await unit.catalogue.lists_by_name(sorted(names))}
    known |= {level.considered[0].price_list for level in explained.levels if level.considered}
    return replace(explained, levels=tuple(within_lists(level, known) for level in explained.levels))


def _explained(
    event: RatedEvent, pricing: Pricing, tariff: Tariff, standing: Standing, actor: Actor, *, checked: bool
) -> ExplainedUsage:
    (name,) = tariff.parties
    explanation = Explainer(tariff, standing).explain(_asked(event, name))
    listed = [tier for tier, name in zip(pricing.tiers, pricing.wholesale, strict=True) if name is not None]
    if checked:
        _check(event, explanation, listed)
    seen = {place + 1 for place in tiers_seen(actor, listed)}

    def visible(level: LevelExplained) -> bool:
        if level.level == "wholesale":
            return level.tier in seen
        return level.level != "cost" or sees_costs(actor)

    levels = tuple(level for level in explanation.levels if visible(level))
    return ExplainedUsage(
        shown(event, actor),
        replace(explanation, levels=levels),
        tuple(tier for place, tier in enumerate(listed, 1) if place in seen),
    )


def _asked(event: RatedEvent, party: str) -> Asked:
    return Asked(
        id=str(event.ref),
        party=party,
        mode=event.mode,
        direction=event.direction,
        a=event.a,
        b=event.b,
        trunk=event.trunk,
        visited=event.visited,
        start=event.start,
        used=event.used,
        offset=event.offset,
    )


def _check(event: RatedEvent, explanation: Explanation, listed: list[ResellerId]) -> None:
    """Hold the explanation against what is stored: another amount, list or rate is a bug, and no explanation."""
    stored = {("retail", 0): event.retail}
    if event.cost is not None:
        stored["cost", 0] = event.cost
    for tier, charge in zip(event.tiers, event.wholesale, strict=True):
        stored["wholesale", listed.index(tier) + 1] = charge
    told = {(level.level, level.tier): level for level in explanation.levels if level.status == RATED}
    assert stored.keys() == told.keys(), f"{event.ref}: stored {stored.keys()}, explained {told.keys()}"
    for place, charge in stored.items():
        level = told[place]
        rate = level.rate.id if level.rate is not None else 0
        said = (level.amount, level.currency, rate)
        kept = (int(charge.amount.value.scaleb(6)), charge.amount.currency, charge.rate)
        assert said == kept, f"{event.ref}: {place} is stored as {kept} and explained as {said}"

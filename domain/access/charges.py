"""Which charges of an event a caller may see: what it cost the operator, and what each reseller paid."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from domain.access.actor import Action, Actor
from domain.catalogue.tariff import Rate
from domain.ids import ResellerId
from domain.rating.explanation import Considered, LevelExplained, Verdict
from domain.rating.rated_event import RatedEvent


def sees_costs(actor: Actor) -> bool:
    """Tell whether the caller may see what the operator pays; a reseller never may."""
    return actor.may(Action.READ_COSTS)


def sees_cost_lists(actor: Actor) -> bool:
    """Tell whether the caller may see the lists that say what the operator pays, where he may see lists at all.

    Who writes the operator's prices sees them too. A reseller sees the lists that he may use, whatever they are.
    """
    return actor.reseller is not None or sees_costs(actor) or actor.may(Action.WRITE_PRICES)


def tiers_seen(actor: Actor, tiers: Sequence[ResellerId]) -> list[int]:
    """Return the places of the tiers whose price the caller may see: a reseller his own and those below him."""
    return [place for place, tier in enumerate(tiers) if actor.reaches(tier)]


def shown(event: RatedEvent, actor: Actor) -> RatedEvent:
    """Return the event with the charges that the caller may see, and no trace of the others."""
    places = tiers_seen(actor, event.tiers)
    if len(places) == len(event.tiers) and (event.cost is None or sees_costs(actor)):
        return event
    return replace(
        event,
        tiers=tuple(event.tiers[place] for place in places),
        wholesale=tuple(event.wholesale[place] for place in places),
        cost=event.cost if sees_costs(actor) else None,
    )


def within_lists(level: LevelExplained, known: Collection[str]) -> LevelExplained:
    """Return a level without the lists that are not ``known``, which are those of whom a reseller buys from.

    What they decide is his price by the last list he knows, which inherits it; how it came about there, such as by a
    markup, is not told, since that gives away what lies under it.
    """
    kept = [one for one in level.considered if not one.price_list or one.price_list in known]
    beyond = [one for one in level.considered if one not in kept and one.decided]
    nearest, rate = kept[-1].price_list if kept else None, level.rate
    if beyond:
        rate = None
        if kept:
            found = kept[-1].rate if kept[-1].decided else beyond[0].rate
            told = None if found is None else Rate(to=found.to, mode=found.mode, direction=found.direction)
            kept[-1] = Considered(kept[-1].price_list, Verdict.DECIDES, told, 1)
    pieces = [
        one if one.price_list is None or one.price_list in known else replace(one, price_list=nearest)
        for one in level.segments
    ]
    name = level.price_list if level.price_list is None or level.price_list in known else nearest
    return replace(level, considered=kept, segments=pieces, price_list=name, rate=rate)

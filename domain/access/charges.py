"""Which charges of an event a caller may see: what it cost the operator, and what each reseller paid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from domain.access.actor import Action, Actor
from domain.ids import ResellerId
from domain.rating.rated_event import RatedEvent


def sees_costs(actor: Actor) -> bool:
    """Tell whether the caller may see what the operator pays; a reseller never may."""
    return actor.may(Action.READ_COSTS)


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

"""Rate events against the operator's own catalogue and subscribers; nothing is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import polars as pl

from domain.access.actor import Action, Actor
from domain.access.charges import sees_costs, tiers_seen
from domain.access.operations import operation
from domain.intake.rater import Places, Rater, drawing_party
from domain.intake.raters import Raters
from domain.ports.unit import Begin
from domain.rating.allowances import granted
from domain.rating.answers import Answers
from domain.rating.clock import EPOCH
from domain.rating.columns import Events
from domain.rating.parties import Parties, compile_parties
from domain.rating.rate import rate
from domain.rating.requests import Directory, Request, read_event, to_events
from domain.refusal import LimitExceeded

EVENTS_MAX: Final = 10_000
_PARTY = "party: the number decides whose event it is; leave party out, or send a tariff"


@operation(Action.READ_PRICES)
async def rate_events(
    events: Sequence[object],
    *,
    actor: Actor,
    begin: Begin,
    raters: Raters,
    believed_at: datetime | None = None,
) -> Sequence[dict[str, Any]]:
    """Return the answer to each event, in the form of the rating vectors, on the levels the caller may see.

    An event goes to whoever has its number at its start; what is nobody's, or not the caller's, is ``no_party``.
    ``believed_at``: by the catalogue as it was believed then. The events draw on full buckets, in the order of time.
    Refuses with: NotAllowed, LimitExceeded.
    """
    if len(events) > EVENTS_MAX:
        raise LimitExceeded("at most {events_max} events at a time", events_max=EVENTS_MAX, field="events")
    rater = await raters.present(actor, begin)
    if believed_at is not None:
        rater = await raters.then(actor, begin, believed_at)
    return await asyncio.to_thread(_rated, events, rater, actor)


def _rated(events: Sequence[object], rater: Rater, actor: Actor) -> list[dict[str, Any]]:
    requests = [_unnamed(read_event(event)) for event in events]
    if not requests:
        return []
    owners = _owners(requests, rater, actor)
    places = np.array(owners, np.int32)
    pricing = rater.pricing(places, np.array([one.start for one in requests], np.int64))
    parties, party = rater.parties, rater.party(places, pricing)
    made = to_events(rater.book, Directory({}, {}), requests)
    if np.append(rater.draws, False)[places].any():
        parties, party = _with_buckets(rater, places, pricing, made)
    answers = Answers(rater.book, parties, rate(rater.book, parties, replace(made, party=party)))
    told = answers.all([one.id for one in requests], [one.bad for one in requests])
    return [_visible(answer, owner, rater, actor) for answer, owner in zip(told, owners, strict=True)]


def _with_buckets(rater: Rater, owners: Places, pricing: Places, events: Events) -> tuple[Parties, Places]:
    """Return the events' subscribers with full buckets and nothing counted, and the party of each event."""
    who = rater.subscribers
    found = [(owner, price) for owner, price in zip(owners.tolist(), pricing.tolist(), strict=True) if owner >= 0]
    index = {one: place for place, one in enumerate(dict.fromkeys(found))}
    parties = [
        drawing_party(
            int(who.subscription[owner]), int(who.contract[owner]), int(who.customer[owner]), who.pricings[price]
        )
        for owner, price in index
    ]
    good = events.start[(owners >= 0) & (events.bad == 0)]
    times = (good.min(), good.max()) if len(good) else (0, 0)
    span = [EPOCH + timedelta(microseconds=int(moment)) for moment in times]
    buckets, rolls = granted(rater.book.tariff.buckets, parties, span[0], span[1])
    made = compile_parties(rater.book, parties, buckets, rolls=rolls, slots=rater.parties.slots)
    places = [index.get(one, -1) for one in zip(owners.tolist(), pricing.tolist(), strict=True)]
    return made, np.array(places, np.int32)


def _unnamed(request: Request) -> Request:
    return request if request.party is None or request.bad is not None else replace(request, bad=_PARTY)


def _owners(requests: Sequence[Request], rater: Rater, actor: Actor) -> list[int]:
    """Return the position of each event's subscriber, -1 where it is nobody's or not the caller's to see."""
    frame = pl.DataFrame(
        {
            "direction": [one.direction for one in requests],
            "a": [one.a for one in requests],
            "b": [one.b for one in requests],
            "start": [one.start for one in requests],
        },
        schema={"direction": pl.String, "a": pl.String, "b": pl.String, "start": pl.Int64},
    )
    found: list[int] = rater.owners(frame).tolist()
    if actor.reseller is None:
        return found
    resellers = rater.subscribers.reseller
    reached = frozenset(actor.resellers)
    return [owner if owner >= 0 and int(resellers[owner]) in reached else -1 for owner in found]


def _visible(answer: dict[str, Any], owner: int, rater: Rater, actor: Actor) -> dict[str, Any]:
    if "unrated" in answer:
        return answer
    pricing = int(rater.subscribers.pricing[owner])
    tiers = rater.subscribers.pricings[pricing].tiers
    slots = rater.tier_slots[pricing].tolist()
    paid = answer["wholesale"] or []
    seen = [paid[slot - 1] for tier in tiers_seen(actor, tiers) if 0 < (slot := slots[tier]) <= len(paid)]
    return answer | {"wholesale": seen or None, "cost": answer["cost"] if sees_costs(actor) else None}

"""Say why a record in suspense is not rated, and what would have to be done, by the catalogue as it is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl

from domain.access.actor import Action, Actor
from domain.access.charges import sees_costs
from domain.access.operations import operation
from domain.catalogue.tariff import Tariff
from domain.ids import SuspenseId
from domain.intake.naming import keys_of
from domain.intake.rater import Rater, drawing_party
from domain.intake.raters import Raters
from domain.mediation.files import Suspended
from domain.ports.unit import Begin
from domain.rating.explain import Explainer
from domain.rating.explanation import Asked, Explanation, How, Located
from domain.rating.requests import Request, asked, read_event
from domain.refusal import BadValue, NotFound
from domain.usecases.load_exchange import with_margins

_KEY_MAX = 18  # digits of a database key


@operation(Action.IMPORT_CDR)
async def explain_held(
    name: str, *, actor: Actor, begin: Begin, raters: Raters, believed_at: datetime | None = None
) -> Explanation:
    """Explain a record in suspense, by its key or as ``source/ref/leg/start/offset``.

    A reject tells what is wrong with it; an event that is good tells whose it would be and what each list says of it.
    ``believed_at``: by the catalogue as it was believed then. Refuses with: NotAllowed, BadValue, NotFound.
    """
    async with begin(actor) as unit:
        if "/" in name:
            found = await unit.suspense.named(*keys_of(name))
        elif name.isascii() and name.isdigit() and len(name) <= _KEY_MAX:
            found = await unit.suspense.get(SuspenseId(int(name)))
        else:
            raise BadValue("{name!r} names no record", name=name[:80], field="event")
    if found is None:
        raise NotFound("no event {name}", name=name[:80], field="event")
    rater = await raters.present(actor, begin)
    tariff = None if believed_at is None else await raters.believed(actor, begin, believed_at)
    explained = await asyncio.to_thread(_explained, found, rater, tariff, actor)
    return await with_margins(explained, actor=actor, begin=begin)


def _explained(held: Suspended, rater: Rater, tariff: Tariff | None, actor: Actor) -> Explanation:
    request = read_event(dict(held.event)) if held.event is not None else Request(id="", bad=held.detail)
    if request.bad is not None:
        return bad(held, request)
    event = asked(request)
    frame = pl.DataFrame(
        {"direction": [event.direction], "a": [event.a], "b": [event.b], "start": [request.start]},
        schema={"direction": pl.String, "a": pl.String, "b": pl.String, "start": pl.Int64},
    )
    owners = rater.owners(frame)
    catalogue = rater.book.tariff if tariff is None else tariff
    if owners[0] < 0:
        return Explainer(replace(catalogue, parties={})).explain(event)
    who, place = rater.subscribers, int(owners[0])
    pricing = who.pricings[int(rater.pricing(owners, np.array([request.start], np.int64))[0])]
    keys = (int(who.subscription[place]), int(who.contract[place]), int(who.customer[place]))
    party = drawing_party(*keys, pricing)
    explained = Explainer(replace(catalogue, parties={party.name: party})).explain(replace(event, party=party.name))
    levels = tuple(level for level in explained.levels if level.level != "cost" or sees_costs(actor))
    return replace(explained, levels=levels)


def bad(held: Suspended, request: Request) -> Explanation:
    """Return the explanation of a record that is not good."""
    event = Asked(
        id=request.id or str(held.id),
        party=None,
        mode=request.mode or "–",
        direction=request.direction,
        a=request.a,
        b=request.b,
        trunk=request.trunk,
        visited=request.visited,
        start=held.start or datetime(1970, 1, 1, tzinfo=UTC),
        used=request.used,
        offset=request.offset,
    )
    detail = f"{held.reason}: {held.detail or request.bad}"
    return Explanation(event=event, status="bad_event", detail=detail, located=Located(How.NO_NUMBER))

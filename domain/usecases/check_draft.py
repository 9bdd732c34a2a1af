"""Validate a draft of the catalogue without publishing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.catalogue.draft import Draft
from domain.catalogue.drafting import Edited, edited, lists_alone
from domain.catalogue.misgivings import compared_lists, compared_names, misgivings
from domain.catalogue.reading import Fault, joined
from domain.catalogue.tariff import Tariff
from domain.period import utc
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftChecked:
    """What is wrong with a draft, and what only looks so: each with its place in the draft or the catalogue."""

    draft: Draft
    faults: Sequence[Fault]
    warnings: Sequence[Fault]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A draft laid over the catalogue as it stands: what publishing it would need."""

    before: Tariff
    made: Edited
    warnings: Sequence[Fault]


@operation(Action.WRITE_PRICES)
async def check_draft(
    name: str, valid_from: datetime | None, *, actor: Actor, begin: Begin, clock: Clock
) -> DraftChecked:
    """Say what publishing the open draft of this name, to hold from ``valid_from`` (None: now) on, would meet.

    Refuses with: NotAllowed, NotFound (no such draft is open), BadValue (a time without offset).
    """
    now = clock.now()
    at = now if valid_from is None else utc(valid_from, field="validFrom")
    async with begin(actor) as unit:
        draft = await unit.drafts.open(name)
        if draft is None:
            raise NotFound("no open draft {name!r}", name=name, field="name")
        prepared = await prepare(unit, draft, at=at, now=now)
    return DraftChecked(draft=draft, faults=prepared.made.faults, warnings=prepared.warnings)


async def prepare(unit: Unit, draft: Draft, *, at: datetime, now: datetime) -> Prepared:
    """Lay a draft over as much of the catalogue as it needs, and look at what comes of it."""
    lists = lists_alone(draft.changes)
    before = await unit.catalogue.tariff() if lists is None else await unit.catalogue.part(lists)
    made = edited(before, draft.changes, at=at, now=now)
    in_use = await unit.catalogue.lists_in_use()
    for name in sorted((in_use & set(before.price_lists)) - set(made.after.price_lists)):
        made.faults.append(Fault(joined("$.price_lists", name), "cannot be removed: somebody is rated by it"))
    if made.faults:
        return Prepared(before, made, ())
    compared = made.after
    if lists is not None:
        anew = [rate for rates in made.changed.values() for rate in rates]
        beside = compared_lists(compared, made.changed) - lists
        rates = await unit.catalogue.rates_to(beside, compared_names(compared, anew))
        heads = {name: replace(compared.price_lists[name], rates=tuple(found)) for name, found in rates.items()}
        compared = replace(compared, price_lists={**compared.price_lists, **heads})
    return Prepared(before, made, [made.traced(one) for one in misgivings(compared, made.changed, at=at)])

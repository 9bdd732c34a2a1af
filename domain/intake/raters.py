"""The raters that are compiled already, one per operator, made again when catalogue or subscribers have changed."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from domain.access.actor import Actor
from domain.catalogue.tariff import Bucket, Plan, Tariff
from domain.ids import OperatorId
from domain.intake.rater import Rater
from domain.intake.subscribers import Pricing, Revision
from domain.margins.watch import renewed
from domain.ports.unit import Begin, Unit

OPERATORS_MAX: Final = 16
TARIFFS_MAX: Final = 8
RATERS_THEN_MAX: Final = 2


class Raters:
    """Keeps one rater per operator; asking costs one short look at the revision while nothing has changed."""

    def __init__(self) -> None:
        self._kept: OrderedDict[OperatorId, Rater] = OrderedDict()
        self._locks: dict[OperatorId, asyncio.Lock] = {}
        self._believed: OrderedDict[tuple[OperatorId, datetime], Tariff] = OrderedDict()
        self._then: OrderedDict[tuple[OperatorId, datetime], Rater] = OrderedDict()
        self._buckets: OrderedDict[OperatorId, tuple[int, Sequence[Bucket], Mapping[str, Plan]]] = OrderedDict()
        self._then_lock = asyncio.Lock()

    async def present(self, actor: Actor, begin: Begin) -> Rater:
        """Return the rater of the actor's operator at the present revision.

        It holds every subscriber, whatever the actor may see: what comes of it is the caller's to guard.
        """
        operator = actor.operator
        async with self._locks.setdefault(operator, asyncio.Lock()):
            kept = self._kept.get(operator)
            async with begin(actor, bulk=True) as unit:
                revision = await unit.intake.revision()
                watch = await renewed(unit, None if kept is None else kept.watch)
                if kept is not None and kept.subscribers.revision == revision:
                    if kept.watch is not watch:
                        self._kept[operator] = kept = replace(kept, watch=watch)
                    self._kept.move_to_end(operator)
                    return kept
                subscribers = await unit.intake.subscribers()
                # The first number of a revision is the catalogue's: where it stayed, so did the compiled book.
                same = kept is not None and kept.subscribers.revision[0] == subscribers.revision[0]
                book = kept.book if same and kept is not None else None
                if book is not None:
                    tariff = book.tariff
                elif kept is not None:
                    tariff = await unit.catalogue.renewed(kept.book.tariff, kept.subscribers.believed_at)
                else:
                    tariff = await unit.catalogue.tariff()
            before = None if kept is None else kept.book
            made = await asyncio.to_thread(Rater.of, subscribers, tariff, book=book, before=before)
            made = replace(made, watch=watch)
            self._kept[operator] = made
            self._kept.move_to_end(operator)
            while len(self._kept) > OPERATORS_MAX:
                self._kept.popitem(last=False)
            return made

    def known(self, operator: OperatorId, revision: Revision) -> Rater | None:
        """Return the rater of an operator where one of this revision is kept: what ``unit.intake.revision`` tells."""
        kept = self._kept.get(operator)
        return kept if kept is not None and kept.subscribers.revision == revision else None

    async def buckets(self, unit: Unit) -> tuple[Sequence[Bucket], Mapping[str, Plan]]:
        """Return the buckets and plans of the unit's catalogue; they are kept until it changes."""
        own = await unit.operators.own()
        revision = await unit.catalogue.revision()
        kept = self._buckets.get(own.id)
        if kept is None or kept[0] != revision:
            kept = (revision, await unit.catalogue.buckets(), await unit.catalogue.plans())
            self._buckets[own.id] = kept
            self._buckets.move_to_end(own.id)
            while len(self._buckets) > OPERATORS_MAX:
                self._buckets.popitem(last=False)
        return kept[1:]

    async def then(self, actor: Actor, begin: Begin, at: datetime) -> Rater:
        """Return the rater of the present subscribers by the catalogue as it was believed at an instant.

        A list that nobody knew of then is none. One is compiled at a time, and the last few are kept.
        """
        place = (actor.operator, at)
        async with self._then_lock:
            who = (await self.present(actor, begin)).subscribers
            kept = self._then.get(place)
            if kept is None or kept.subscribers.revision != who.revision:
                tariff = await self.believed(actor, begin, at)
                pricings = tuple(_known(one, tariff) for one in who.pricings)
                kept = await asyncio.to_thread(Rater.of, replace(who, pricings=pricings), tariff)
                self._then[place] = kept
            self._then.move_to_end(place)
            while len(self._then) > RATERS_THEN_MAX:
                self._then.popitem(last=False)
            return kept

    async def believed(self, actor: Actor, begin: Begin, at: datetime) -> Tariff:
        """Return the catalogue as it was believed at an instant; the last few are kept."""
        place = (actor.operator, at)
        present = self._kept.get(actor.operator)
        if present is not None and present.subscribers.believed_at == at:
            return present.book.tariff
        if place not in self._believed:
            async with begin(actor, bulk=True) as unit:
                self._believed[place] = await unit.catalogue.tariff(as_of=at)
            while len(self._believed) > TARIFFS_MAX:
                self._believed.popitem(last=False)
        return self._believed[place]


def _known(pricing: Pricing, tariff: Tariff) -> Pricing:
    """Return a pricing without the lists that a catalogue does not have."""
    lists = tariff.price_lists
    return replace(
        pricing,
        retail=pricing.retail if pricing.retail in lists else None,
        wholesale=tuple(name if name in lists else None for name in pricing.wholesale),
        cost=pricing.cost if pricing.cost in lists else None,
    )

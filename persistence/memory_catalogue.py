"""The catalogue in memory: each change leaves a whole tariff with the instant from which it was believed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.access.charges import sees_cost_lists
from domain.catalogue.suppliers import cost_lists, parents_of
from domain.catalogue.tariff import Bucket, Destination, Plan, PriceList, Rate, Tariff
from domain.catalogue.versions import put
from domain.ids import ResellerId
from domain.ports.catalogue import Changed
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound
from domain.resellers.reseller import as_of
from persistence.catalogue_changes import OUTLINED, PARTS, between, counted
from persistence.memory import Draft, page_of


class MemoryCatalogue:
    """Keeps ``domain.ports.catalogue.Catalogue``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _believed(self) -> tuple[tuple[datetime, Tariff], ...]:
        found: tuple[tuple[datetime, Tariff], ...] = self._draft.table("catalogue").get(self._draft.actor.operator, ())
        return found

    def _present(self) -> Tariff:
        believed = self._believed()
        return believed[-1][1] if believed else Tariff()

    def _keep(self, tariff: Tariff, at: datetime) -> None:
        ordered = replace(
            tariff,
            destinations={one.name: one for one in sorted(tariff.destinations.values(), key=lambda one: one.id)},
            price_lists={one.name: one for one in sorted(tariff.price_lists.values(), key=lambda one: one.id)},
            parties={},
        )
        self._draft.table("catalogue")[self._draft.actor.operator] = (*self._believed(), (at, ordered))

    def _moment(self, recorded_at: datetime) -> datetime:
        believed = self._believed()
        return max(recorded_at, believed[-1][0] + timedelta(microseconds=1)) if believed else recorded_at

    async def revision(self) -> int:
        """Return a number that grows with every change of the catalogue."""
        return len(self._believed())

    async def tariff(self, *, as_of: datetime | None = None) -> Tariff:
        """Return the whole catalogue without parties, as it was believed at ``as_of`` (None: now)."""
        if as_of is None:
            return self._present()
        known = [tariff for at, tariff in self._believed() if at <= as_of]
        return known[-1] if known else Tariff()

    async def renewed(self, before: Tariff, since: datetime) -> Tariff:  # noqa: ARG002  (here it is there already)
        """Return what ``tariff`` returns now."""
        return self._present()

    async def outline(self) -> Tariff:
        """Return the present catalogue without prefixes, rates, ported numbers, rings and buckets."""
        present = self._present()
        return replace(
            Tariff(**{PARTS[part]: getattr(present, PARTS[part]) for part in OUTLINED}),
            destinations={
                name: replace(one, prefixes=(), valid_from=None, valid_to=None)
                for name, one in present.destinations.items()
            },
            price_lists={name: replace(one, rates=()) for name, one in present.price_lists.items()},
        )

    async def publish(self, tariff: Tariff, *, recorded_at: datetime) -> Changed:
        """Make the operator's catalogue that of the document; what is the same stays untouched with its key."""
        before = self._present()
        changes = between(before, tariff)
        if not changes.any:
            return Changed()
        at = self._moment(recorded_at)
        destinations = {
            name: self._destination(before.destinations.get(name), one) for name, one in tariff.destinations.items()
        }
        begun: dict[str, list[Rate]] = {}
        for name, rate in changes.new_rates:
            begun.setdefault(name, []).append(self._rate(rate, at))
        gone = {rate.id for rate in changes.ended_rates}
        lists = {}
        new_heads = {one.name for one in changes.new_lists}
        for name, one in tariff.price_lists.items():
            old = before.price_lists.get(name)
            kept = [rate for rate in old.rates if rate.id not in gone] if old else []
            key = self._draft.draw("price_list") if old is None or name in new_heads else old.id
            lists[name] = replace(one, id=key, rates=(*kept, *begun.get(name, ())))
        self._keep(replace(tariff, destinations=destinations, price_lists=lists), at)
        return counted(changes)

    async def buckets(self) -> Sequence[Bucket]:
        """Return the present buckets, in the order of the document."""
        return self._present().buckets

    async def plans(self) -> Mapping[str, Plan]:
        """Return the present plans, by name."""
        return self._present().plans

    async def part(self, price_lists: Collection[str]) -> Tariff:
        """Return the outline with rings and buckets, and with the present rates of the named lists."""
        present, outline = self._present(), await self.outline()
        lists = {name: present.price_lists[name] for name in price_lists if name in present.price_lists}
        return replace(
            outline, price_lists={**outline.price_lists, **lists}, rings=present.rings, buckets=present.buckets
        )

    async def rates_to(self, price_lists: Collection[str], names: Collection[str]) -> Mapping[str, Sequence[Rate]]:
        """Return the present rates of lists whose ``to`` is one of the names."""
        lists = self._present().price_lists
        found = {
            name: [rate for rate in lists[name].rates if rate.to in names] for name in price_lists if name in lists
        }
        return {name: rates for name, rates in found.items() if rates}

    async def amend(self, before: Tariff, after: Tariff, *, recorded_at: datetime) -> Changed:
        """Make of the catalogue what turns ``before`` into ``after``; what both leave out or have alike stays."""
        whole: dict[str, Any] = {}
        present = self._present()
        for name in ("destinations", "price_lists"):
            old, new, standing = getattr(before, name), getattr(after, name), dict(getattr(present, name))
            for gone in old.keys() - new.keys():
                standing.pop(gone, None)
            standing.update({key: one for key, one in new.items() if old.get(key) != one})
            whole[name] = standing
        for attribute in PARTS.values():
            if getattr(before, attribute) != getattr(after, attribute):
                whole[attribute] = getattr(after, attribute)
        return await self.publish(replace(present, **whole), recorded_at=recorded_at)

    async def lists(self, request: PageRequest) -> Page[PriceList]:
        """List the price lists the actor may use by key, without their rates."""
        return page_of(self._heads(), request, lambda one: one.id)

    async def lists_by_name(self, names: Sequence[str]) -> Mapping[str, PriceList]:
        """Return those that exist and the actor may use, without their rates."""
        return {one.name: one for one in self._heads() if one.name in set(names)}

    async def lists_in_use(self) -> frozenset[str]:
        """Return the names of the lists that a customer, a contract or a reseller of the operator has."""
        operator = self._draft.actor.operator
        rows = [row for table in ("customer", "contract", "reseller") for row in self._draft.table(table).values()]
        named = {row.price_list for row in rows if row.operator == operator}
        for term in self._draft.table("reseller_term").values():
            if self._draft.table("reseller")[term.reseller].operator == operator:
                named.add(term.price_list)
        return frozenset(named - {None})

    async def named(self, name: str, *, field: str) -> PriceList:
        """Return the list with this name, where the actor may use it. Refuses with: NotFound, naming ``field``."""
        found = await self.lists_by_name([name])
        if name not in found:
            raise NotFound("no price list {name!r}", name=name, field=field)
        return found[name]

    async def owner(self, name: str) -> ResellerId | None:
        """Return whose own the list of this name is; None: the operator's, or there is none."""
        found: ResellerId | None = self._draft.table("price_list_owner").get((self._draft.actor.operator, name))
        return found

    async def owners(self, names: Sequence[str]) -> Mapping[str, ResellerId | None]:
        """Return whose own each of these lists is; None: the operator's."""
        return {name: await self.owner(name) for name in names}

    async def hold(self) -> None:
        """Let no other unit change the catalogue; the unit has everything locked."""

    async def rates(self, price_list: str, request: PageRequest) -> Page[Rate]:
        """List the present rates of one list by key. Refuses with: NotFound (list)."""
        await self.named(price_list, field="priceList")
        rates = sorted(self._present().price_lists[price_list].rates, key=lambda rate: rate.id)
        return page_of(rates, request, lambda rate: rate.id)

    async def rates_of(self, price_lists: Sequence[str], *, first: int) -> Mapping[str, Page[Rate]]:
        """Return the first ``first`` present rates of each list that may be seen, at once."""
        seen = await self.lists_by_name(price_lists)
        return {name: await self.rates(name, PageRequest(first)) for name in seen}

    async def add_list(
        self, price_list: PriceList, *, recorded_at: datetime, reseller: ResellerId | None = None
    ) -> PriceList:
        """Keep a new list with its rates. Refuses with: Conflict (name)."""
        present, at = self._present(), self._moment(recorded_at)
        if price_list.name in present.price_lists:
            raise Conflict("the price list {name} exists", name=price_list.name, field="name")
        rates = tuple(self._rate(rate, at) for rate in price_list.rates)
        kept = replace(price_list, id=self._draft.draw("price_list"), rates=rates)
        self._keep(replace(present, price_lists={**present.price_lists, kept.name: kept}), at)
        self._draft.table("price_list_owner")[self._draft.actor.operator, kept.name] = reseller
        return kept

    async def put_rates(
        self, price_list: str, new: Sequence[Rate], *, valid_from: datetime, recorded_at: datetime
    ) -> Sequence[Rate]:
        """Let each rate hold from ``valid_from`` on, ending the versions with the same selector there."""
        await self.named(price_list, field="priceList")
        present, at = self._present(), self._moment(recorded_at)
        old = present.price_lists[price_list]
        ended, begun = put(old.rates, new, valid_from)
        if not begun:
            return []
        gone = {rate.id for rate in ended}
        kept = [self._rate(rate, at) for rate in begun]
        rates = (*(rate for rate in old.rates if rate.id not in gone), *kept)
        self._keep(replace(present, price_lists={**present.price_lists, price_list: replace(old, rates=rates)}), at)
        return kept

    def _heads(self) -> list[PriceList]:
        lists = sorted(self._present().price_lists.values(), key=lambda one: one.id)
        unseen = self._unseen()
        return [replace(one, rates=()) for one in lists if self._reaches(one.name) and one.name not in unseen]

    async def unseen(self) -> frozenset[str]:
        """Return the lists of suppliers' prices, where the actor may not see them; else none."""
        return self._unseen()

    def _unseen(self) -> frozenset[str]:
        if sees_cost_lists(self._draft.actor):
            return frozenset()
        present = self._present()
        return cost_lists(present.trunks.values(), parents_of(present.price_lists))

    def _reaches(self, name: str) -> bool:
        """Tell whether the actor may use a list: the operator's every one, a reseller's what his subtree has."""
        actor = self._draft.actor
        if actor.reseller is None:
            return True
        owner = self._draft.table("price_list_owner").get((actor.operator, name))
        used = [*self._draft.seen("customer"), *self._draft.seen("contract")]
        tree = as_of(self._draft.table("reseller"), [*self._draft.table("reseller_term").values()], datetime.now(UTC))
        bought = [row for row in tree.values() if row.id in actor.resellers]
        return owner in actor.resellers or any(row.price_list == name for row in (*used, *bought))

    def _destination(self, old: Destination | None, new: Destination) -> Destination:
        key = old.id if old is not None and old.groups == new.groups else self._draft.draw("destination")
        return replace(new, id=key, prefixes=tuple(sorted(set(new.prefixes))))

    def _rate(self, rate: Rate, at: datetime) -> Rate:
        return replace(rate, id=self._draft.draw("rate"), recorded_at=at)

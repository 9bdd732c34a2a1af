"""The import pipeline's bulk reads and writes, and the rated events, in memory."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.buckets.standing import kept_shares
from domain.contracts.contract import Contract
from domain.contracts.subscription import Subscription, SubscriptionState
from domain.customers.customer import Customer
from domain.ids import ChunkId, SourceId, SuspenseId
from domain.intake.routes import known_by
from domain.intake.subscribers import ALWAYS, MEMBERS, NUMBERS, Pricing, Revision, Subscribers, varied
from domain.intake.tiers import Timeline, chain, retiered, timeline
from domain.mediation.files import Suspended, SuspenseKind
from domain.money import Amount
from domain.plans.assignment import InForce
from domain.ports.intake import IN_SUSPENSE, KNOWN, Chunk, Collision
from domain.ports.usage import Background, LevelTotals, UsageFilter, UsageTotals
from domain.rating.clock import EPOCH, micros
from domain.rating.rated_event import EventRef, RatedEvent
from domain.refusal import NotFound
from persistence.memory import Draft
from persistence.memory_catalogue import MemoryCatalogue
from persistence.memory_draws import keep_shares
from persistence.memory_invoices import UsageRow
from persistence.plans import MemoryPlans
from persistence.usage import Names, rated_of

Place = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is remembered of an event besides what it shows: a row of the table ``usage_kept``."""

    content: int
    background: Background
    row: Mapping[str, Any]


class MemoryIntake:
    """Keeps ``domain.ports.intake.Intake``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._operator = draft.actor.operator

    async def revision(self) -> Revision:
        """Return what changes whenever the catalogue or a subscriber has changed: here, with every row of theirs."""
        named = ("reseller", "customer", "contract", "subscription", "customer_group", "plan_assignment")
        rows = tuple(hash(frozenset(self._draft.table(name).items())) for name in named)
        return (await MemoryCatalogue(self._draft).revision(), *rows)

    async def subscribers(self) -> Subscribers:
        """Return every subscriber at the present revision."""
        own: list[Subscription] = [
            row for _, row in sorted(self._draft.table("subscription").items()) if row.operator == self._operator
        ]
        places: dict[Pricing, int] = {}
        pricing = np.array([places.setdefault(self._pricing(one), len(places)) for one in own], np.int32)
        customer = np.array([one.customer for one in own], np.int64)
        contract = np.array([one.contract for one in own], np.int64)
        assigned = await MemoryPlans(self._draft).columns()
        catalogue = await MemoryCatalogue(self._draft).plans()
        zone = self._draft.table("operator")[self._operator].zone
        plans = InForce(assigned, subscription_of(own), contract, catalogue, zone)
        variants, pricings = varied(self._members(), customer, pricing, tuple(places), plans.spans())
        customers: dict[Any, Customer] = self._draft.table("customer")
        whose = np.array([customers[one.customer].reseller or 0 for one in own], np.int64)
        variants, pricings = retiered(variants, pricings, pricing, whose, self._over())
        kept = self._draft.table("pricing")
        for one in pricings:
            kept.setdefault((self._operator, one), self._draft.draw("pricing"))
        return Subscribers(
            revision=await self.revision(),
            believed_at=_believed(self._draft),
            subscription=subscription_of(own),
            customer=customer,
            contract=contract,
            reseller=whose,
            pricing=pricing,
            pricings=pricings,
            pricing_keys=np.array([kept[self._operator, one] for one in pricings], np.int32),
            **_numbers(own),
            variants=variants,
            term=tuple(self._term(one) for one in own),
            on_plan=plans,
            active=tuple((_day(one.activated_at, zone), _day(one.ended_at, zone)) for one in own),
        )

    def _over(self) -> Timeline:
        base = {key: one for key, one in self._draft.table("reseller").items() if one.operator == self._operator}
        return timeline(base, [one for one in self._draft.table("reseller_term").values() if one.reseller in base])

    def _term(self, one: Subscription) -> tuple[date, date | None]:
        contract: Contract = self._draft.table("contract")[one.contract]
        return contract.start, contract.end

    def _members(self) -> pl.DataFrame:
        rows = [
            (one.customer, one.name, micros(one.valid_from), ALWAYS if one.valid_to is None else micros(one.valid_to))
            for one in sorted(self._draft.table("customer_group").values(), key=lambda one: one.customer)
            if one.operator == self._operator
        ]
        return pl.DataFrame(rows, schema=MEMBERS, orient="row")

    def _pricing(self, one: Subscription) -> Pricing:
        contract: Contract = self._draft.table("contract")[one.contract]
        customer: Customer = self._draft.table("customer")[one.customer]
        retail = contract.price_list or customer.price_list
        return Pricing(retail, *chain(customer.reseller, self._over().last)) if customer.reseller else Pricing(retail)

    async def partitions(self, months: Collection[date]) -> None:
        """Do nothing: there is room."""

    async def known(self, source: SourceId, starts: NDArray[np.int64], keys: NDArray[np.int64]) -> pl.DataFrame:
        """Return what is kept of a source under these keys."""
        wanted = set(zip(starts.tolist(), keys.tolist(), strict=True))
        versions = {place: row.event.version for place, row in self._draft.table("usage").items()}
        found = [
            (place[0], place[2], content, versions.get(place, IN_SUSPENSE))
            for place, content in self._contents(source).items()
            if (place[0], place[2]) in wanted
        ]
        for start, of, key, version in self._draft.table("usage_past"):
            place = (start, of, key)
            if of == source and (start, key) in wanted and place not in versions and version % 2 == 0:
                found.append((start, key, 0, version))
        return pl.DataFrame(found, schema=KNOWN, orient="row")

    def _contents(self, source: SourceId) -> dict[Place, int]:
        kept = {place: row.content for place, row in self._draft.table("usage_kept").items()}
        kept |= self._draft.table("suspense_kept")
        return {place: content for place, content in kept.items() if place[1] == source}

    async def store(self, chunk: Chunk, *, patience: float | None = None, turn: asyncio.Lock | None = None) -> ChunkId:
        """Write a chunk. Raises ``Collision`` where an event is there already."""
        del patience, turn
        key = ChunkId(self._draft.draw("chunk"))
        names, groups = usage_names(self._draft)
        pricings = {number: pricing for (_, pricing), number in self._draft.table("pricing").items()}
        held = self._draft.table("suspense_kept")
        flags = {(start, key, version): words for start, key, version, words in chunk.flags.iter_rows()}
        for row in chunk.usage.to_pylist():
            place = (micros(row["start"]), int(chunk.source), row["key"])
            before: UsageRow | None = self._draft.table("usage").get(place)
            if place in held or (before is not None and before.event.version >= row["version"]):
                raise Collision(f"{place} is there already")
            pricing = pricings[row["pricing"]]
            words = flags.get((row["start"], row["key"], row["version"]), "")
            told = {
                "flags": words,
                **row,
                "source": chunk.source,
                "chunk": key,
                "file": chunk.file,
                "tiers": pricing.tiers,
            }
            event = rated_of(told, names)
            made = UsageRow(self._operator, event, groups.get(event.destination, event.destination))
            if row["version"] % 2 == 0:
                self._take_back(place, made)
                continue
            self._draft.table("usage")[place] = made
            background = Background(chunk.believed_at, pricing)
            self._draft.table("usage_kept")[place] = Kept(row["content"], background, told)
        keep_shares(self._draft, kept_shares(chunk.shares, int(chunk.source)))
        for row in chunk.suspended.iter_rows(named=True):
            self._suspend(chunk, row)
        return key

    def _take_back(self, place: Place, reversal: UsageRow) -> None:
        """Keep a reversal: what it takes back is no event any more."""
        before = self._draft.table("usage").pop(place)
        self._draft.table("usage_kept").pop(place)
        past = self._draft.table("usage_past")
        past[*place, before.event.version] = before
        past[*place, reversal.event.version] = reversal

    def _suspend(self, chunk: Chunk, row: Mapping[str, Any]) -> None:
        key = SuspenseId(self._draft.draw("suspense"))
        fields = {name: row[name] for name in ("record", "byte_offset", "reason", "detail", "raw", "start")}
        self._draft.table("suspense")[key] = Suspended(
            id=key,
            operator=self._operator,
            source=chunk.source,
            file=chunk.file,
            kind=SuspenseKind(row["kind"]),
            event=None if row["event"] is None else pl.Series([row["event"]]).str.json_decode()[0],
            created_at=EPOCH,  # nothing here is told the time
            **fields,
        )
        if row["kind"] == "unrated":
            place = (micros(row["start"]), int(chunk.source), row["key"])
            self._draft.table("suspense_kept")[place] = row["content"]
            self._draft.table("suspense_told")[key] = row


def _day(at: datetime | None, zone: str) -> date | None:
    return None if at is None else at.astimezone(ZoneInfo(zone)).date()


def subscription_of(own: Sequence[Subscription]) -> NDArray[np.int64]:
    """Return the keys of subscriptions."""
    return np.array([one.id for one in own], np.int64)


class MemoryUsage:
    """Keeps ``domain.ports.usage.UsageStore``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _seen(self, chosen: UsageFilter) -> list[RatedEvent]:
        rows: dict[Place, UsageRow] = self._draft.table("usage")
        found = [rows[place].event for place in sorted(rows) if self._draft.sees(rows[place])]
        return [
            event
            for event in found
            if chosen.since <= event.start < chosen.until
            and chosen.customer in (None, event.customer)
            and chosen.contract in (None, event.contract)
            and chosen.subscription in (None, event.subscription)
        ]

    async def get(self, ref: EventRef) -> RatedEvent:
        """Return the present version of one. Refuses with: NotFound."""
        row: UsageRow | None = self._draft.table("usage").get((ref.start_us, int(ref.source), ref.key))
        if row is None or not self._draft.sees(row):
            raise NotFound("no event {ref}", ref=ref, field="event")
        return row.event

    async def named(self, start_us: int, keys: Sequence[int]) -> EventRef | None:
        """Return the event of any source that starts then and has one of these keys."""
        for (start, source, key), row in sorted(self._draft.table("usage").items()):
            if start == start_us and key in keys and self._draft.sees(row):
                return EventRef(start, SourceId(source), key)
        return None

    async def page(
        self, chosen: UsageFilter, *, first: int, after: EventRef | None = None
    ) -> tuple[Sequence[RatedEvent], bool]:
        """List by (start, source, key); the second tells whether more follow."""
        found = [event for event in self._seen(chosen) if after is None or event.ref > after]
        return found[:first], len(found) > first

    async def background(self, ref: EventRef) -> Background:
        """Return what the present version of an event was rated with. Refuses with: NotFound."""
        await self.get(ref)
        kept: Kept = self._draft.table("usage_kept")[ref.start_us, int(ref.source), ref.key]
        return kept.background

    async def totals(self, chosen: UsageFilter) -> Sequence[UsageTotals]:
        """Add up per destination, mode and currency of the retail price, the largest amount first."""
        found: dict[tuple[str, str, str], UsageTotals] = {}
        for event in self._seen(chosen):
            amount = event.retail.amount
            key = (event.destination, event.mode, amount.currency)
            before = found.get(key, UsageTotals(*key[:2], 0, 0, 0, Amount.of_micro(0, amount.currency)))
            found[key] = UsageTotals(
                *key[:2],
                before.events + 1,
                before.used + event.used,
                before.billed + event.billed,
                before.retail + amount,
            )
        return sorted(found.values(), key=lambda one: (-one.retail.value, one.destination, one.mode))

    async def levels(self, chosen: UsageFilter) -> Sequence[LevelTotals]:
        """Add up per currency on the three levels, by currency; ``events`` are those with a retail price in it."""
        sums: dict[str, dict[str, Decimal]] = {}
        events: Counter[str] = Counter()
        for event in self._seen(chosen):
            amounts = _level_amounts(event)
            events[amounts["retail"].currency] += 1
            for level, amount in amounts.items():
                own = sums.setdefault(
                    amount.currency, dict.fromkeys(("retail", "wholesale", "cost", "margin"), Decimal(0))
                )
                own[level] += amount.value
            paid = amounts.get("wholesale", amounts["retail"])
            if "cost" in amounts and paid.currency == amounts["cost"].currency:
                sums[paid.currency]["margin"] += paid.value - amounts["cost"].value
        return [LevelTotals(currency=name, events=events[name], **sums[name]) for name in sorted(sums)]


def _level_amounts(event: RatedEvent) -> dict[str, Amount]:
    """Return the amounts of the levels that an event has; wholesale is the outermost tier's."""
    found = {"retail": event.retail.amount}
    if event.wholesale:
        found["wholesale"] = event.wholesale[0].amount
    if event.cost is not None:
        found["cost"] = event.cost.amount
    return found


def _numbers(own: Sequence[Subscription]) -> dict[str, pl.DataFrame]:
    held = [
        (assigned, owner)
        for owner, one in enumerate(own)
        if one.state is not SubscriptionState.PENDING
        for assigned in one.numbers
    ]
    rows = [
        (one.number, owner, micros(one.valid_from), ALWAYS if one.valid_to is None else micros(one.valid_to))
        for one, owner in held
    ]
    kinds = pl.Series([one.kind.value for one, _ in held], dtype=pl.String)
    return known_by(pl.DataFrame(rows, schema=NUMBERS, orient="row"), kinds)


def _believed(draft: Draft) -> datetime:
    """Return the instant since which the catalogue is what it is."""
    believed = draft.table("catalogue").get(draft.actor.operator, ())
    return believed[-1][0] if believed else EPOCH


def usage_names(draft: Draft) -> tuple[Names, dict[str, str]]:
    """Return what keys stand for, in whatever was ever believed, and the first group of each destination."""
    destinations: dict[int, str] = {}
    rates: dict[int, tuple[str, str]] = {}
    groups: dict[str, str] = {}
    for _, tariff in draft.table("catalogue").get(draft.actor.operator, ()):
        for name, plist in tariff.price_lists.items():
            currency = tariff.inherited(name).currency or ""
            rates |= {rate.id: (name, currency) for rate in plist.rates}
        destinations |= {one.id: name for name, one in tariff.destinations.items()}
        groups |= {name: one.groups[0] for name, one in tariff.destinations.items() if one.groups}
    return Names(destinations, rates), groups

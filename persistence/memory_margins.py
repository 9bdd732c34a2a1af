"""Margins and exchange rates in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from domain.ids import ChunkId
from domain.margins.exchange import DayRate, MarginRules
from domain.margins.margin import CallMargin, MarginBy, MarginFilter, MarginOrder, MarginSums, Sides, Terms, sides
from domain.money import divide
from domain.ports.exchange import RatesPut
from domain.rating.rated_event import EventRef
from domain.refusal import Conflict
from persistence.memory import Draft
from persistence.memory_intake import Kept, usage_names


class MemoryExchange:
    """Keeps ``domain.ports.exchange.ExchangeRates``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._operator = draft.actor.operator

    def _own(self) -> dict[tuple[date, str, str], tuple[DayRate, datetime]]:
        return {key[1:]: row for key, row in self._draft.table("exchange_rate").items() if key[0] == self._operator}

    async def put(self, rates: Sequence[DayRate], *, replace: bool, at: datetime) -> RatesPut:
        """Keep rates, one per pair and day. Refuses with: Conflict."""
        own, counts = self._own(), {"new": 0, "same": 0, "changed": 0}
        for one in rates:
            key = (one.day, one.base, one.quote)
            kept = own[key][0] if key in own else None
            if kept is not None and kept.rate == one.rate:
                counts["same"] += 1
                continue
            if kept is not None and not replace:
                raise Conflict(
                    "{day}: 1 {base} is kept as {rate} {quote}",
                    day=one.day,
                    base=one.base,
                    rate=kept.rate,
                    quote=one.quote,
                    field="replace",
                )
            counts["new" if kept is None else "changed"] += 1
            self._draft.table("exchange_rate")[self._operator, *key] = (one, at)
        return RatesPut(**counts)

    async def between(self, since: date, until: date, currencies: Collection[str]) -> Sequence[DayRate]:
        """Return the rates with ``since <= day <= until`` of pairs with one of these currencies in them, by day."""
        return [
            one
            for key, (one, _) in sorted(self._own().items())
            if since <= key[0] <= until and {one.base, one.quote} & set(currencies)
        ]

    async def page(
        self, *, first: int, after: tuple[date, str, str] | None, currency: str | None
    ) -> tuple[Sequence[DayRate], bool]:
        """List by (day, base, quote), the newest day first; the second tells whether more follow."""

        def order(key: tuple[date, str, str]) -> tuple[int, str, str]:
            return -key[0].toordinal(), key[1], key[2]

        found = [
            self._own()[key][0]
            for key in sorted(self._own(), key=order)
            if currency in {None, *key[1:]} and (after is None or order(key) > order(after))
        ]
        return found[:first], len(found) > first

    async def rules(self) -> MarginRules:
        """Return the rules, the defaults where none are kept."""
        rules: MarginRules = self._draft.table("margin_rules").get(self._operator, MarginRules())
        return rules

    async def keep_rules(self, rules: MarginRules) -> None:
        """Keep the rules."""
        self._draft.table("margin_rules")[self._operator] = rules

    async def every(self) -> Sequence[DayRate]:
        """Return all rates, by day."""
        return [one for _, (one, _) in sorted(self._own().items())]

    async def revision(self) -> int:
        """Return a number that is another when a rate or a rule has changed: here, with every row of them."""
        return hash((frozenset(self._own().items()), await self.rules()))


class MemoryMargins:
    """Keeps ``domain.ports.margins.Margins``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def currencies(self) -> Sequence[str]:
        """Return every currency that any price list is or was in, by code."""
        return sorted({currency for _, currency in usage_names(self._draft)[0].rates.values()})

    def _all(self, chosen: MarginFilter, terms: Terms) -> list[tuple[CallMargin, Sides, bool]]:
        """Return the events with their sides, and whether both amounts are there before they are converted."""
        worth = {(code, day): (numerator, denominator) for code, day, numerator, denominator in terms.factors}
        rates = usage_names(self._draft)[0].rates
        found = []
        for place, row in sorted(self._draft.table("usage").items()):
            event = row.event
            kept: Kept = self._draft.table("usage_kept")[place]
            own = sides(kept.background.pricing, terms.seller)
            if not self._draft.sees(row) or own is None or not chosen.since <= event.start < chosen.until:
                continue
            wanted = {"customer": event.customer, "destination": event.destination, "trunk": event.trunk}
            wanted["chunk"] = event.chunk
            if any(getattr(chosen, name) not in (None, value) for name, value in wanted.items()):
                continue
            day = event.start.astimezone(ZoneInfo(terms.zone)).date()
            amounts: list[tuple[int | None, int | None]] = []
            for side, end in ((own.earns, "retail"), (own.pays, "cost")):
                micro, rate = (_of(kept.row, side, end, what) for what in ("micro", "rate"))
                if micro is None or rate is None:
                    amounts.append((None, None))
                    continue
                code = rates[rate][1]
                factor = (1, 1) if code == terms.currency else worth.get((code, day))
                amounts.append((micro, None if factor is None else divide(micro * factor[0], factor[1])))
            (raw_earned, earned), (raw_paid, paid) = amounts
            call = CallMargin(event=event, earned=earned, paid=paid)
            found.append((call, own, raw_earned is not None and raw_paid is not None))
        return found

    async def sums(
        self,
        chosen: MarginFilter,
        by: MarginBy,
        terms: Terms,
        *,
        order: MarginOrder = MarginOrder.KEY,
        first: int,
        after: tuple[int, str] | None = None,
    ) -> tuple[Sequence[MarginSums], bool]:
        """Add up; the second tells whether more follow."""
        found: dict[str, MarginSums] = {}
        for call, own, priced in self._all(chosen, terms):
            key = self._key(call, own, by, terms)
            before = found.get(
                key, MarginSums(key=key, events=0, compared=0, unconverted=0, earned=0, paid=0, margin=0)
            )
            found[key] = replace(
                before,
                events=before.events + 1,
                compared=before.compared + (call.margin is not None),
                unconverted=before.unconverted + (priced and call.margin is None),
                earned=before.earned + (call.earned or 0),
                paid=before.paid + (call.paid or 0),
                margin=before.margin + (call.margin or 0),
            )

        def place(one: MarginSums) -> tuple[int, str]:
            return (one.margin if order is MarginOrder.MARGIN else 0, one.key)

        floor = None if after is None else (after[0] if order is MarginOrder.MARGIN else 0, after[1])
        rows = [one for one in sorted(found.values(), key=place) if floor is None or place(one) > floor]
        return rows[:first], len(rows) > first

    def _key(self, call: CallMargin, own: Sides, by: MarginBy, terms: Terms) -> str:
        if by not in {MarginBy.SELLER, MarginBy.TEAM}:
            return _key(call, own, by, terms)
        seller = self._draft.table("contract")[call.event.contract].terms.seller or ""
        if by is MarginBy.SELLER:
            return str(seller)
        teams = [one.team for one in self._draft.seen("salesperson") if one.code == seller]
        return (teams[0] or "") if teams else ""

    async def calls(
        self, chosen: MarginFilter, terms: Terms, *, below: bool, first: int, after: EventRef | None = None
    ) -> tuple[Sequence[CallMargin], bool]:
        """List events by (start, source, key); the second tells whether more follow."""
        rows = [
            call
            for call, _, _ in self._all(chosen, terms)
            if (after is None or call.event.ref > after)
            and (not below or (call.margin is not None and call.margin < 0))
        ]
        return rows[:first], len(rows) > first

    async def chunk(self, key: ChunkId) -> tuple[datetime, datetime, datetime] | None:
        """Return when a chunk was committed, and its events' first and last start; None where it has none."""
        starts = [row.event.start for row in self._draft.table("usage").values() if row.event.chunk == key]
        return (max(starts), min(starts), max(starts)) if starts else None  # nothing here is told the time

    async def chunks_since(self, at: datetime, *, first: int) -> Sequence[ChunkId]:
        """Return no chunks: nothing here is told when they were committed."""
        del at, first
        return []


def _of(row: Any, side: int, end: str, what: str) -> int | None:
    if side < 0:
        return None
    if side == 0:
        value: int | None = row[f"{end}_{what}"]
        return value
    values = row[f"wholesale_{what}"] or ()
    return values[side - 1] if side <= len(values) else None


def _key(call: CallMargin, own: Sides, by: MarginBy, terms: Terms) -> str:
    match by:
        case MarginBy.CONTRACT:
            return f"{call.event.contract:019}"
        case MarginBy.CUSTOMER:
            return f"{call.event.customer:019}"
        case MarginBy.RESELLER:
            return "" if own.buyer is None else f"{own.buyer:019}"
        case MarginBy.DESTINATION:
            return call.event.destination
        case MarginBy.TRUNK:
            return call.event.trunk or ""
        case MarginBy.DAY:
            return call.event.start.astimezone(ZoneInfo(terms.zone)).date().isoformat()
    return ""

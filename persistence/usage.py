"""Rated events in PostgreSQL, as the APIs show them. What writes them in bulk is ``persistence.intake``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from domain.access.actor import Actor
from domain.ids import ChunkId, ContractId, CustomerId, FileId, ResellerId, SourceId, SubscriptionId
from domain.money import Amount
from domain.ports.usage import Background, LevelTotals, UsageFilter, UsageTotals
from domain.rating.clock import EPOCH, micros
from domain.rating.rated_event import Charge, EventRef, RatedEvent
from domain.refusal import NotFound
from persistence.engine import Transaction
from persistence.intake import pricing_of

LISTS_MAX: Final = 64  # a chain of price lists is never longer
DIRECTIONS: Final = ("out", "in")

COLUMNS: Final = (
    "u.start, u.source, u.key, u.version, u.chunk, u.record, u.reference, u.leg, u.customer, u.contract,"
    " u.subscription, u.reseller, u.mode, u.direction, u.a, u.b, u.destination, u.used, u.billed, u.offset, u.trunk,"
    " u.cause, u.visited, u.retail_micro, u.retail_rate, u.wholesale_micro, u.wholesale_rate, u.cost_micro,"
    " u.cost_rate, p.tiers,"
    # A re-rating's chunk is of no file: the event is still of the one that brought it.
    " (select g.flags from usage_flag g where g.operator = u.operator and g.start = u.start and g.source = u.source"
    " and g.key = u.key and g.version <= u.version order by g.version desc limit 1) as flags,"
    " coalesce(c.file, (select f.file from usage o join chunk f on f.operator = o.operator and f.id = o.chunk"
    " where o.operator = u.operator and o.start = u.start and o.source = u.source and o.key = u.key"
    " and f.file is not null limit 1), (select s.file from suspense s where s.operator = u.operator"
    " and s.source = u.source and s.start = u.start and s.key = u.key and s.kind = 'unrated'"
    " and s.resolved_at is not null limit 1), 0) as file"
)
# What an event is now: a rating (its version is odd) that no reversal has taken back.
PRESENT: Final = (
    " and u.version % 2 = 1 and not exists (select from usage r where r.operator = u.operator and r.start = u.start"
    " and r.source = u.source and r.key = u.key and r.version = u.version + 1)"
)
# A reversal takes its event out of the count, as its negative quantities do out of the sums.
_EVENTS: Final = "sum(case u.version % 2 when 1 then 1 else -1 end) as events"
JOINED: Final = (
    " from usage u join chunk c on c.operator = u.operator and c.id = u.chunk"
    " join pricing p on p.operator = u.operator and p.id = u.pricing"
)


@dataclass(frozen=True, slots=True)
class Names:
    """What the keys in usage rows stand for: destinations, and of each rate its list and currency."""

    destinations: Mapping[int, str]
    rates: Mapping[int, tuple[str, str]]


def rated_of(row: Mapping[str, Any], names: Names) -> RatedEvent:
    """Make the rated event of a row."""

    def charge(micro: int, rate: int) -> Charge:
        price_list, currency = names.rates[rate]
        return Charge(amount=Amount.of_micro(micro, currency), price_list=price_list, rate=rate)

    wholesale = [
        (ResellerId(tier), charge(micro, rate))
        for tier, micro, rate in zip(
            row["tiers"], row["wholesale_micro"] or (), row["wholesale_rate"] or (), strict=False
        )
        if micro is not None
    ]
    return RatedEvent(
        ref=EventRef(micros(row["start"]), SourceId(row["source"]), row["key"]),
        chunk=ChunkId(row["chunk"]),
        file=FileId(row["file"]),
        customer=CustomerId(row["customer"]),
        contract=ContractId(row["contract"]),
        subscription=SubscriptionId(row["subscription"]),
        reseller=None if row["reseller"] is None else ResellerId(row["reseller"]),
        direction=DIRECTIONS[row["direction"]],
        destination=names.destinations.get(row["destination"], ""),
        retail=charge(row["retail_micro"], row["retail_rate"]),
        tiers=tuple(tier for tier, _ in wholesale),
        wholesale=tuple(one for _, one in wholesale),
        cost=None if row["cost_micro"] is None else charge(row["cost_micro"], row["cost_rate"]),
        **{
            name: row[name]
            for name in ("version", "record", "reference", "leg", "mode", "a", "b", "start", "used", "billed", "offset")
        },
        **{name: row[name] for name in ("trunk", "cause", "visited")},
        flags=tuple((row["flags"] or "").split(",")) if row["flags"] else (),
    )


class UsageRows:
    """Rated events of the actor's operator, of customers he may see."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def get(self, ref: EventRef) -> RatedEvent:
        """Return the present version of one. Refuses with: NotFound."""
        rows = await self._connection.fetch(
            f"select {COLUMNS}{JOINED} where u.operator = $1 and u.start = $2 and u.source = $3 and u.key = $4"
            f"{PRESENT} limit 1",
            *(self._operator, *place_of(ref)),
        )
        if not rows:
            raise NotFound("no event {ref}", ref=ref, field="event")
        return (await self.rated(rows))[0]

    async def named(self, start_us: int, keys: Sequence[int]) -> EventRef | None:
        """Return the event of any source that starts then and has one of these keys."""
        try:
            start = EPOCH + timedelta(microseconds=start_us)
        except OverflowError:
            return None
        row = await self._connection.fetchrow(
            "select source, key from usage where operator = $1 and start = $2 and key = any ($3::bigint[]) limit 1",
            *(self._operator, start, list(keys)),
        )
        return None if row is None else EventRef(start_us, SourceId(row["source"]), row["key"])

    async def page(
        self, chosen: UsageFilter, *, first: int, after: EventRef | None = None
    ) -> tuple[Sequence[RatedEvent], bool]:
        """List by (start, source, key); the second tells whether more follow."""
        conditions, arguments = self._chosen(chosen)
        if after is not None:
            arguments += place_of(after)
            here = len(arguments)
            conditions += f" and (u.start, u.source, u.key) > (${here - 2}, ${here - 1}, ${here})"
            # The same once more for the index, which knows nothing of the row after it.
            conditions += f" and u.start >= ${here - 2}"
        rows = await self._connection.fetch(
            f"select {COLUMNS}{JOINED} where {conditions}{PRESENT}"
            f" order by u.start, u.source, u.key limit {int(first) + 1}",
            *arguments,
        )
        return await self.rated(rows[:first]), len(rows) > first

    async def background(self, ref: EventRef) -> Background:
        """Return what the present version of an event was rated with. Refuses with: NotFound."""
        row = await self._connection.fetchrow(
            f"select c.believed_at, p.retail, p.tiers, p.wholesale, p.cost, p.groups{JOINED}"
            f" where u.operator = $1 and u.start = $2 and u.source = $3 and u.key = $4{PRESENT} limit 1",
            *(self._operator, *place_of(ref)),
        )
        if row is None:
            raise NotFound("no event {ref}", ref=ref, field="event")
        return Background(row["believed_at"], pricing_of(row))

    async def totals(self, chosen: UsageFilter) -> Sequence[UsageTotals]:
        """Add up per destination and currency of the retail price, the largest amount first."""
        conditions, arguments = self._chosen(chosen)
        rows = await self._connection.fetch(
            f"select u.destination, u.mode, u.retail_rate, {_EVENTS}, sum(u.used) as used,"  # noqa: S608  (our own words)
            f" sum(u.billed) as billed, sum(u.retail_micro) as retail from usage u where {conditions}"
            " group by u.destination, u.mode, u.retail_rate",
            *arguments,
        )
        names = await self._names({row["destination"] for row in rows}, {row["retail_rate"] for row in rows})
        found: dict[tuple[str, str, str], tuple[int, int, int, int]] = {}
        for row in rows:
            key = (names.destinations.get(row["destination"], ""), row["mode"], names.rates[row["retail_rate"]][1])
            before = found.get(key, (0, 0, 0, 0))
            here = (row["events"], int(row["used"]), int(row["billed"]), int(row["retail"]))
            found[key] = (before[0] + here[0], before[1] + here[1], before[2] + here[2], before[3] + here[3])
        totals = [
            UsageTotals(destination, mode, events, used, billed, Amount.of_micro(retail, currency))
            for (destination, mode, currency), (events, used, billed, retail) in found.items()
            if events or retail  # of what was taken back altogether nothing is left
        ]
        return sorted(totals, key=lambda one: (-one.retail.value, one.destination, one.mode))

    async def levels(self, chosen: UsageFilter) -> Sequence[LevelTotals]:
        """Add up per currency on the three levels, by currency; ``events`` are those with a retail price in it."""
        conditions, arguments = self._chosen(chosen)
        rows = await self._connection.fetch(
            "select u.retail_rate, u.wholesale_rate[1] as wholesale_rate, u.cost_rate,"  # noqa: S608  (our own words)
            f" u.wholesale_micro is null as own, {_EVENTS}, sum(u.retail_micro) as retail,"
            " sum(u.wholesale_micro[1]) as wholesale, sum(u.cost_micro) as cost"
            f" from usage u where {conditions}"
            " group by u.retail_rate, u.wholesale_rate[1], u.cost_rate, u.wholesale_micro is null",
            *arguments,
        )
        levels = ("retail", "wholesale", "cost")
        names = await self._names(set(), {row[f"{level}_rate"] for level in levels for row in rows})
        found: dict[str, Counter[str]] = {}
        for row in rows:
            currency = {level: names.rates[rate][1] for level in levels if (rate := row[f"{level}_rate"])}
            for level, where in currency.items():
                found.setdefault(where, Counter())[level] += row[level] or 0
            found[currency["retail"]]["events"] += row["events"]
            paid = "retail" if row["own"] else "wholesale"
            if "cost" in currency and currency.get(paid) == currency["cost"]:
                found[currency["cost"]]["margin"] += row[paid] - row["cost"]
        return [
            LevelTotals(
                currency=currency,
                events=sums["events"],
                **{name: Decimal(sums[name]).scaleb(-6) for name in (*levels, "margin")},
            )
            for currency, sums in sorted(found.items())
            if any(sums.values())
        ]

    def _chosen(self, chosen: UsageFilter) -> tuple[str, list[Any]]:
        """Return the conditions of a filter and their arguments."""
        arguments: list[Any] = [self._operator, chosen.since, chosen.until]
        conditions = "u.operator = $1 and u.start >= $2 and u.start < $3"
        for name in ("customer", "contract", "subscription"):
            if (key := getattr(chosen, name)) is not None:
                arguments.append(key)
                conditions += f" and u.{name} = ${len(arguments)}"
        return conditions, arguments

    async def rated(self, rows: Sequence[Any]) -> list[RatedEvent]:
        """Make the rated events of rows with ``COLUMNS``."""
        rates = {row["retail_rate"] for row in rows} | {row["cost_rate"] for row in rows}
        rates |= {rate for row in rows for rate in row["wholesale_rate"] or ()}
        names = await self._names({row["destination"] for row in rows}, rates)
        return [rated_of(row, names) for row in rows]

    async def _names(self, destinations: set[int], rates: set[int | None]) -> Names:
        """Look up destinations and rates at once, whatever their number."""
        if not destinations and not rates:
            return Names({}, {})
        found = await self._connection.fetch(
            "select id, name from destination where operator = $1 and id = any ($2::int[])",
            *(self._operator, list(destinations)),
        )
        priced = await self._connection.fetch(
            "select id, price_list from rate where operator = $1 and id = any ($2::bigint[])",
            *(self._operator, [rate for rate in rates if rate is not None]),
        )
        lists = await self._connection.fetch(
            "select distinct on (name) name, parent, currency from price_list where operator = $1"
            " order by name, replaced_at desc nulls first",
            self._operator,
        )
        above = {row["name"]: (row["parent"], row["currency"]) for row in lists}
        return Names(
            {row["id"]: row["name"] for row in found},
            {row["id"]: (row["price_list"], currency_of(row["price_list"], above)) for row in priced},
        )


def currency_of(name: str, above: Mapping[str, tuple[str | None, str | None]]) -> str:
    """Return the currency of a list: its own, or that of the nearest list above it that names one."""
    here: str | None = name
    for _ in range(LISTS_MAX):
        parent, currency = above[here] if here is not None else (None, None)
        if currency is not None:
            return currency
        here = parent
    raise AssertionError(f"the price list {name} has no currency")


async def currencies_of(connection: Any, operator: int) -> dict[int, str]:
    """Return the currency of every rate version that an operator ever had."""
    lists = await connection.fetch(
        "select distinct on (name) name, parent, currency from price_list where operator = $1"
        " order by name, replaced_at desc nulls first",
        operator,
    )
    above = {row["name"]: (row["parent"], row["currency"]) for row in lists}
    currencies = {name: currency_of(name, above) for name in above}
    rates = await connection.fetch("select id, price_list from rate where operator = $1", operator)
    return {row["id"]: currencies[row["price_list"]] for row in rates}


def place_of(ref: EventRef) -> tuple[datetime, int, int]:
    """Return start, source and key of an event. Refuses with: NotFound (no event can have them)."""
    try:
        start = EPOCH + timedelta(microseconds=ref.start_us)
    except OverflowError:
        raise NotFound("no event {ref}", ref=ref, field="event") from None
    if not 0 < ref.source < 2**31:
        raise NotFound("no event {ref}", ref=ref, field="event")
    return start, int(ref.source), ref.key

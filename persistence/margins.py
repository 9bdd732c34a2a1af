"""Margins in PostgreSQL: one pass over the usage of a period, added up by the database.

``side`` says of each pricing which charges the seller earns and pays; every list of a chain is in one currency, so that
a rate's list tells a charge's. Amounts in other currencies are converted row by row, so that grouping changes nothing;
where every list is in the operator's own currency none of that is in the statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from domain.access.actor import Actor
from domain.ids import ChunkId
from domain.margins.margin import CallMargin, MarginBy, MarginFilter, MarginOrder, MarginSums, Terms
from domain.rating.rated_event import EventRef
from persistence.engine import Transaction
from persistence.usage import COLUMNS, JOINED, PRESENT, UsageRows, currency_of, place_of

_SIDE: Final = """side as materialized (
    select p.id, p.tiers[s.place + 1] as buyer,
           case when s.place = 0 then 0 when p.wholesale[s.place] is null then -1 else s.place end as pays,
           coalesce((select min(i) from generate_subscripts(p.wholesale, 1) i
                      where i > s.place and p.wholesale[i] is not null), 0) as earns
      from pricing p
      cross join lateral (select case when {seller}::bigint is null then 0
                                      else array_position(p.tiers, {seller}) end as place) s
     where p.operator = $1 and s.place is not null)"""
_EARNED: Final = "case s.earns when 0 then u.retail_{what} else u.wholesale_{what}[s.earns] end"
_PAID: Final = "case s.pays when 0 then u.cost_{what} when -1 then null else u.wholesale_{what}[s.pays] end"
_FOREIGN: Final = """, foreign_rate as materialized (
    select r.id, l.currency from rate r
      join unnest({lists}::text[], {currencies}::text[]) l (name, currency) on l.name = r.price_list
     where r.operator = $1),
fx as materialized (
    select * from unnest({codes}::text[], {days}::date[], {numerators}::numeric[], {denominators}::numeric[])
        f (currency, day, num, den))"""
# Half away from zero, exact: twice the product over twice the divisor, cut off.
_CONVERT: Final = (
    "case when {side}_currency is null then {side}::numeric"
    " else sign({side}) * div(2 * abs({side}::numeric) * {side}_fx.num + {side}_fx.den, 2 * {side}_fx.den) end"
)
_KEYS: Final = {
    MarginBy.ALL: "''",
    MarginBy.CUSTOMER: "to_char(k, 'FM0000000000000000000')",
    MarginBy.RESELLER: "coalesce(to_char(k, 'FM0000000000000000000'), '')",
    MarginBy.DESTINATION: (
        "coalesce((select d.name from destination d where d.operator = $1 and d.id = k), '') collate \"C\""
    ),
    MarginBy.TRUNK: "coalesce(k, '') collate \"C\"",
    MarginBy.DAY: "to_char(k, 'YYYY-MM-DD')",
    MarginBy.CONTRACT: "to_char(k, 'FM0000000000000000000')",
    MarginBy.SELLER: (
        "coalesce((select c.seller from contract c where c.operator = $1 and c.id = k), '') collate \"C\""
    ),
    MarginBy.TEAM: (
        "coalesce((select p.team from contract c join salesperson p on p.operator = c.operator and p.code = c.seller"
        " where c.operator = $1 and c.id = k), '') collate \"C\""
    ),
}
_GROUPS: Final = {
    MarginBy.ALL: "0",
    MarginBy.CUSTOMER: "u.customer",
    MarginBy.RESELLER: "s.buyer",
    MarginBy.DESTINATION: "u.destination",
    MarginBy.TRUNK: "u.trunk",
    MarginBy.DAY: "(u.start at time zone {zone})::date",
    MarginBy.CONTRACT: "u.contract",
    MarginBy.SELLER: "u.contract",
    MarginBy.TEAM: "u.contract",
}
_SUMS: Final = ("events", "compared", "unconverted", "earned", "paid", "margin")


class _Words:
    """The arguments of a statement, each named by its place."""

    def __init__(self, *given: Any) -> None:
        self.arguments = list(given)

    def add(self, value: Any) -> str:
        self.arguments.append(value)
        return f"${len(self.arguments)}"


class MarginStore:
    """Keeps ``domain.ports.margins.Margins``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)
        self._usage = UsageRows(transaction, actor)

    async def _lists(self) -> dict[str, str]:
        """Return the currency of every list that is or was."""
        rows = await self._connection.fetch(
            "select distinct on (name) name, parent, currency from price_list where operator = $1"
            " order by name, replaced_at desc nulls first",
            self._operator,
        )
        above = {row["name"]: (row["parent"], row["currency"]) for row in rows}
        return {name: currency_of(name, above) for name in above}

    async def currencies(self) -> Sequence[str]:
        """Return every currency that any price list is or was in, by code."""
        return sorted(set((await self._lists()).values()))

    async def _with(self, terms: Terms, words: _Words) -> tuple[str, str, tuple[str, str]]:
        """Return the statement's WITH, its joins on ``u`` and ``s``, and the two amounts in the operator's currency."""
        seller = words.add(None if terms.seller is None else int(terms.seller))
        first = "with " + _SIDE.format(seller=seller)
        joins = " join side s on s.id = u.pricing"
        earned, paid = _EARNED.format(what="micro"), _PAID.format(what="micro")
        foreign = {name: code for name, code in (await self._lists()).items() if code != terms.currency}
        if not foreign:
            return first, joins, (earned, paid)
        columns = list(zip(*terms.factors, strict=True)) or [(), (), (), ()]
        first += _FOREIGN.format(
            lists=words.add(list(foreign)),
            currencies=words.add(list(foreign.values())),
            **{
                name: words.add(list(column))
                for name, column in zip(("codes", "days", "numerators", "denominators"), columns, strict=True)
            },
        )
        zone = words.add(terms.zone)
        for side, what in (("earned", _EARNED), ("paid", _PAID)):
            joins += (
                f" left join foreign_rate {side}_rate on {side}_rate.id = {what.format(what='rate')}"
                f" left join fx {side}_fx on {side}_fx.currency = {side}_rate.currency"
                f" and {side}_fx.day = (u.start at time zone {zone})::date"
            )
        amounts = [
            _CONVERT.replace("{side}_currency", f"{side}_rate.currency")
            .replace("{side}_fx", f"{side}_fx")
            .replace("{side}", f"({amount})")
            for side, amount in (("earned", earned), ("paid", paid))
        ]
        return first, joins, (amounts[0], amounts[1])

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
        words = _Words(self._operator)
        before, joins, (earned, paid) = await self._with(terms, words)
        conditions = await self._chosen(chosen, words)
        group = _GROUPS[by].format(zone=words.add(terms.zone) if by is MarginBy.DAY else "")
        raw_earned, raw_paid = _EARNED.format(what="micro"), _PAID.format(what="micro")
        sorting, behind = "key", ""
        if order is MarginOrder.MARGIN:
            sorting = "margin, key"
            if after is not None:
                here = f"{words.add(after[0])}::numeric, {words.add(after[1])}::text"
                behind = f' where (margin, key) > ({here} collate "C")'
        elif after is not None:
            behind = f' where key > {words.add(after[1])}::text collate "C"'
        rows = await self._connection.fetch(
            f"{before}, event as (select {group} as k, case u.version % 2 when 1 then 1 else -1 end as one,"  # noqa: S608  (our own words)
            f" {earned} as earned, {paid} as paid, ({raw_earned}) is not null and ({raw_paid}) is not null as priced"
            f" from usage u{joins} where {conditions}),"
            " part as (select k, sum(one) as events,"
            " coalesce(sum(one) filter (where earned is not null and paid is not null), 0) as compared,"
            " coalesce(sum(one) filter (where priced and (earned is null or paid is null)), 0) as unconverted,"
            " coalesce(sum(earned), 0) as earned, coalesce(sum(paid), 0) as paid,"
            " coalesce(sum(earned - paid), 0) as margin from event group by k),"
            f" named as (select {_KEYS[by]} as key, * from part),"
            f" whole as (select key, {', '.join(f'sum({name})::numeric as {name}' for name in _SUMS)} from named"
            " group by key having sum(events) <> 0 or sum(earned) <> 0 or sum(paid) <> 0)"
            f" select * from whole{behind} order by {sorting} limit {int(first) + 1}",
            *words.arguments,
        )
        found = [MarginSums(key=row["key"], **{name: int(row[name]) for name in _SUMS}) for row in rows[:first]]
        return found, len(rows) > first

    async def calls(
        self, chosen: MarginFilter, terms: Terms, *, below: bool, first: int, after: EventRef | None = None
    ) -> tuple[Sequence[CallMargin], bool]:
        """List events by (start, source, key); the second tells whether more follow."""
        words = _Words(self._operator)
        before, joins, (earned, paid) = await self._with(terms, words)
        conditions = await self._chosen(chosen, words)
        if after is not None:
            start, source, key = (words.add(value) for value in place_of(after))
            conditions += f" and (u.start, u.source, u.key) > ({start}, {source}, {key}) and u.start >= {start}"
        if below:
            conditions += f" and {earned} < {paid}"
        rows = await self._connection.fetch(
            # First which, by the index in its order; then everything of those alone.
            f"{before}, event as materialized (select u.start, u.source, u.key, u.version, {earned} as earned,"  # noqa: S608  (our own words)
            f" {paid} as paid from usage u{joins} where {conditions}{PRESENT}"
            f" order by u.start, u.source, u.key limit {int(first) + 1})"
            f" select {COLUMNS}, e.earned, e.paid{JOINED} join event e on u.start = e.start and u.source = e.source"
            " and u.key = e.key and u.version = e.version where u.operator = $1 order by u.start, u.source, u.key",
            *words.arguments,
        )
        events = await self._usage.rated(rows[:first])
        return [
            CallMargin(event=event, earned=_integer(row["earned"]), paid=_integer(row["paid"]))
            for event, row in zip(events, rows, strict=False)
        ], len(rows) > first

    async def _chosen(self, chosen: MarginFilter, words: _Words) -> str:
        """Return the conditions of a filter on ``u``."""
        since, until = words.add(chosen.since), words.add(chosen.until)
        conditions = f"u.operator = $1 and u.start >= {since} and u.start < {until}"
        for name in ("customer", "trunk", "chunk"):
            if (value := getattr(chosen, name)) is not None:
                conditions += f" and u.{name} = {words.add(value)}"
        if chosen.destination is not None:
            rows = await self._connection.fetch(
                "select id from destination where operator = $1 and name = $2", self._operator, chosen.destination
            )
            conditions += f" and u.destination = any ({words.add([row['id'] for row in rows])}::int[])"
        return conditions

    async def chunk(self, key: ChunkId) -> tuple[datetime, datetime, datetime] | None:
        """Return when a chunk was committed, and its events' first and last start; None where it has none."""
        row = await self._connection.fetchrow(
            "select committed_at, first_start, last_start from chunk where operator = $1 and id = $2"
            " and first_start is not null",
            *(self._operator, key),
        )
        return None if row is None else (row["committed_at"], row["first_start"], row["last_start"])

    async def chunks_since(self, at: datetime, *, first: int) -> Sequence[ChunkId]:
        """Return the chunks committed since an instant, by key, the last of them where there are more."""
        rows = await self._connection.fetch(
            "select id from chunk where operator = $1 and committed_at >= $2 order by id desc limit $3",
            *(self._operator, at, first),
        )
        return [ChunkId(row["id"]) for row in reversed(rows)]


def _integer(value: Any) -> int | None:
    return None if value is None else int(value)

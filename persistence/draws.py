"""Buckets and counted discounts in PostgreSQL: read and written by sets of rows, under a lock per customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg
import polars as pl

from domain.access.actor import Actor
from domain.buckets.balance import Line
from domain.buckets.standing import (
    BALANCES,
    GRANTS,
    KEPT,
    LASTS,
    LOSSES,
    MOVED,
    NEVER,
    SETTLED,
    VOLUMES,
    Moved,
    Standing,
)
from domain.ids import CustomerId
from domain.intake.subscribers import Pricing
from domain.ports.grants import Crossing
from domain.ports.intake import Collision
from domain.rating.clock import EPOCH, micros
from persistence.engine import Transaction
from persistence.intake import pricing_of
from persistence.locks import BILLS, CHUNKS
from persistence.rerating import READ, copied
from persistence.rows import one_or_any

FENCE_SECONDS: Final = 600


def _us(name: str, shown: str) -> str:
    return f"(extract(epoch from {name}) * 1000000)::bigint as {shown}"


_COUNTED: Final = "unit, granted, drawn, given, thresholds, told"
_STANDING: Final = {
    "balances": (
        BALANCES,
        "bucket_balance",
        f"customer, bucket, owner, {_us('since', 'since')}, {_us('until', 'until')}, {_COUNTED}",
    ),
    "losses": (
        LOSSES,
        "bucket_loss",
        f"customer, bucket, owner, {_us('since', 'since')}, {_us('at', 'at')}, amount",
    ),
    "volumes": (VOLUMES, "ring_volume", "customer, subscription, ring, slot, counted"),
    "lasts": (
        LASTS,
        "draw_party",
        f"customer, contract, subscription, {_us('last_start', 'start')}, last_offset, last_name, disordered",
    ),
    "grants": (
        GRANTS,
        "(select * from bucket_grant where withdrawn_at is null) g",
        f"customer, id, bucket, owner, {_us('since', 'since')}, {_us('until', 'until')}, amount",
    ),
    "settled": (
        SETTLED,
        "draw_customer",
        f"customer, coalesce({_us('settled_until', 'until').removesuffix(' as until')}, {NEVER}), settled_horizon",
    ),
}
_LINES: Final = (  # $3, $4 and $5 are added for what is asked for, so that its plan is kept
    'select s.id, s.contract, s.customer, coalesce(co.price_list, cu.price_list), co.start, co."end",'
    " (s.activated_at at time zone o.zone)::date, (s.ended_at at time zone o.zone)::date"
    " from subscription s join operator o on o.id = s.operator"
    " join contract co on co.operator = s.operator and co.customer = s.customer"
    " and co.id = s.contract join customer cu on cu.operator = s.operator and cu.id = s.customer"
    " where s.operator = $1 and s.customer = any ($2::bigint[])"
)
# What moved balances from an instant on, and from a later one on; of a shared bucket only the shared balance.
_SINCE: Final = (
    f"select customer, name as bucket, owner, {_us('since', 'since')}, sum(amount)::bigint as first,"  # noqa: S608  (our own words)
    " coalesce(sum(amount) filter (where start >= $4), 0)::bigint as last from usage_share where operator = $1"
    " and customer = any ($2::bigint[]) and start >= $3 and kind = 'bucket' group by customer, name, owner, since"
)
_GIVEN_SINCE: Final = (
    f"select customer, bucket, owner, {_us('since', 'since')}, sum(amount)::bigint as first,"  # noqa: S608  (our own words)
    " coalesce(sum(amount) filter (where given_at >= $4), 0)::bigint as last from bucket_given where operator = $1"
    " and customer = any ($2::bigint[]) and given_at >= $3 group by customer, bucket, owner, since"
)
_BALANCE: Final = (
    "unnest($2::bigint[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::text[], $8::bigint[],"
    " $9::bigint[], $10::bigint[], $11::text[], $12::smallint[])"
)
_PUT_BALANCES: Final = (
    "with new as (select * from "  # noqa: S608  (our own words)
    f"{_BALANCE} as n (customer, bucket, owner, since, until, unit, granted, drawn, given, thresholds, told)),"
    " moved as (insert into bucket_move (operator, customer, bucket, owner, since, moved_at, amount, drawn)"
    " select $1, n.customer, n.bucket, n.owner, n.since, $13, n.drawn - coalesce(b.drawn, 0), n.drawn from new n"
    " left join bucket_balance b on b.operator = $1 and b.customer = n.customer and b.bucket = n.bucket"
    " and b.owner = n.owner and b.since = n.since where n.drawn <> coalesce(b.drawn, 0))"
    " insert into bucket_balance (operator, customer, bucket, owner, since, until, unit, granted, drawn, given,"
    " thresholds, told) select $1, * from new on conflict (operator, customer, bucket, owner, since)"
    " do update set until = excluded.until, granted = excluded.granted, drawn = excluded.drawn,"
    " given = excluded.given, thresholds = excluded.thresholds, told = excluded.told"
)
_CROSSING: Final = ("bucket", "owner", "since", "percent", "up", "drawn", "granted", "crossed_at")
_CROSS: Final = (
    "insert into bucket_crossing (operator, customer, bucket, owner, since, percent, up, drawn, granted, crossed_at)"
    " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
)
_UNLOSE: Final = (
    "delete from bucket_loss l using unnest($2::bigint[], $3::text[], $4::text[]) as again (customer, bucket, owner),"
    " draw_customer c where l.operator = $1 and l.customer = again.customer and l.bucket = again.bucket"
    " and l.owner = again.owner and c.operator = l.operator and c.customer = l.customer"
    " and (c.settled_until is null or l.at >= c.settled_until)"
)
_PUT_LOSSES: Final = (
    "insert into bucket_loss (operator, customer, bucket, owner, since, at, amount)"
    " select $1, * from unnest($2::bigint[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[],"
    " $7::bigint[])"
)
_PUT_VOLUMES: Final = (
    "insert into ring_volume (operator, customer, subscription, ring, slot, counted)"
    " select $1, * from unnest($2::bigint[], $3::bigint[], $4::text[], $5::smallint[], $6::bigint[])"
    " on conflict (operator, customer, subscription, ring, slot) do update set counted = excluded.counted"
)
_PUT_LASTS: Final = (
    "insert into draw_party (operator, customer, contract, subscription, last_start, last_offset, last_name,"
    " disordered) select $1, * from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::bigint[],"
    " $7::text[], $8::bool[]) on conflict (operator, customer, subscription) do update set"
    " contract = excluded.contract, last_start = excluded.last_start, last_offset = excluded.last_offset,"
    " last_name = excluded.last_name, disordered = excluded.disordered"
)
_UNSETTLED: Final = (
    f"select {READ} from (select distinct on (start, source, key) * from usage r"  # noqa: S608  (our own words)
    " where r.operator = $1 and r.customer = any ($2::bigint[]) and not exists (select from draw_customer c"
    " where c.operator = r.operator and c.customer = r.customer and r.start < c.settled_until"
    " and r.chunk <= c.settled_horizon) order by start, source, key, version desc) u where u.version % 2 = 1"
    # Whoever has the event now may be another than he who had it.
    " and not exists (select from usage n where n.operator = u.operator and n.start = u.start and n.source = u.source"
    " and n.key = u.key and n.version > u.version) order by u.start, u.source, u.key"
)
_SHARES: Final = (
    f"select {_us('s.start', 'start')}, s.source, s.key, s.version, s.customer, s.subscription, s.kind, s.slot, s.name,"  # noqa: S608  (our own words)
    f" s.owner, {_us('s.since', 'since')}, s.amount, s.remaining"
    " from unnest($2::timestamptz[], $3::int[], $4::bigint[], $5::smallint[]) as wanted (start, source, key, version)"
    " join usage_share s on s.operator = $1 and s.start = wanted.start and s.source = wanted.source"
    " and s.key = wanted.key and s.version = wanted.version"
)


class DrawStore:
    """Keeps ``domain.ports.draws.Draws``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = int(actor.operator)

    @property
    def _connection(self) -> Any:
        return self._transaction.connection

    async def claim(self, customers: Sequence[int]) -> None:
        """Let nobody else draw for these customers until the unit ends.

        Whoever commits usage has the lock of chunks already, or takes it here: a bill run takes it before customers'.
        Raises ``Collision`` where somebody holds a customer for too long.
        """
        for name in ("lock_timeout", "statement_timeout"):
            await self._connection.execute(f"set local {name} = '{FENCE_SECONDS}s'")
        try:
            await self._claimed(sorted(set(customers)))
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as fault:
            raise Collision(str(fault)) from None

    async def _claimed(self, ordered: Sequence[int]) -> None:
        await self._connection.execute("select pg_advisory_xact_lock_shared($1, $2)", CHUNKS, self._operator)
        await self._connection.execute(
            "insert into draw_customer (operator, customer) select $1, c from unnest($2::bigint[]) as c order by c"
            " on conflict do nothing",
            *(self._operator, ordered),
        )
        await self._connection.fetch(
            "select from draw_customer where operator = $1 and customer = any ($2::bigint[]) order by customer"
            " for update",
            *(self._operator, ordered),
        )

    async def standing(self, customers: Sequence[int]) -> Standing:
        """Return what is stored of these customers."""
        return Standing(**await self._frames(customers, tuple(_STANDING)))

    async def balances(self, customer: int) -> Standing:
        """Return what is stored of a customer's buckets; no volumes, nor who was last."""
        return replace(Standing.none(), **await self._frames([customer], ("balances", "losses", "grants")))

    async def _frames(self, customers: Sequence[int], names: Sequence[str]) -> dict[str, pl.DataFrame]:
        frames = {}
        for name in names:
            schema, table, columns = _STANDING[name]
            query = f"select {columns} from {table} where operator = $1 and customer = any ($2::bigint[])"  # noqa: S608  (our own words)
            query, wanted = one_or_any(query, list(customers))
            rows = await self._connection.fetch(query, self._operator, wanted)
            frames[name] = (
                pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")
                if rows
                else getattr(Standing.none(), name)
            )
        return frames

    async def lines(
        self, customer: int, contract: int | None, subscription: int | None, *, first: int
    ) -> Sequence[Line]:
        """Return a customer's lines, of one contract or one alone, by key."""
        query, wanted = one_or_any(_LINES, [customer])
        values = [self._operator, wanted]
        for column, value in (("contract", contract), ("id", subscription)):
            if value is not None:
                values.append(value)
                query += f" and s.{column} = ${len(values)}"
        rows = await self._connection.fetch(f"{query} order by s.id limit ${len(values) + 1}", *values, first)
        return [Line(*row) for row in rows]

    async def lines_of(self, customers: Sequence[int]) -> Sequence[Line]:
        """Return the lines of all of these customers."""
        rows = await self._connection.fetch(f"{_LINES} order by s.id", self._operator, list(customers))
        return [Line(*row) for row in rows]

    async def between(self, customers: Sequence[int], since: datetime, until: datetime) -> tuple[Standing, Standing]:
        """Return how these customers' buckets stood at two instants, by the time of events, gifts and losses."""
        now = replace(Standing.none(), **await self._frames(customers, ("balances", "losses", "grants")))
        if not now.balances.height:
            return now, now
        moved = []
        for query in (_SINCE, _GIVEN_SINCE):
            rows = await self._connection.fetch(query, self._operator, list(customers), since, until)
            moved.append(pl.DataFrame([tuple(row) for row in rows], schema=MOVED, orient="row"))
        return now.as_it_was(micros(since), moved, "first"), now.as_it_was(micros(until), moved, "last")

    async def put(self, moved: Moved, *, at: datetime) -> None:
        """Write how the standing of claimed customers changes, and what was drawn more or less by it."""
        if moved.relost:
            await self._connection.execute(_UNLOSE, self._operator, *map(list, zip(*moved.relost, strict=True)))
        await self._put(_PUT_BALANCES, moved.balances, at)
        await self._put(_PUT_LOSSES, moved.losses)
        await self._put(_PUT_VOLUMES, moved.volumes)
        await self._put(_PUT_LASTS, moved.lasts)

    async def _put(self, query: str, rows: pl.DataFrame, *more: object) -> None:
        if not rows.height:
            return
        columns = [
            [_instant(us) for us in rows[name].to_list()]
            if name in {"since", "until", "at", "start"}
            else rows[name].to_list()
            for name in rows.columns
        ]
        await self._connection.execute(query, self._operator, *columns, *more)

    async def cross(self, found: Sequence[tuple[int, Crossing]]) -> None:
        """Keep thresholds that balances of customers crossed."""
        await self._connection.executemany(
            _CROSS,
            [(self._operator, customer, *(getattr(one, name) for name in _CROSSING)) for customer, one in found],
        )

    async def granted(self, customers: Sequence[int]) -> Sequence[int]:
        """Return those of these customers who were granted anything beside plans."""
        rows = await self._connection.fetch(
            "select distinct customer from bucket_grant where operator = $1 and customer = any ($2::bigint[])",
            *(self._operator, list(customers)),
        )
        return [row["customer"] for row in rows]

    async def disturb(self, subscriptions: Sequence[int]) -> None:
        """Note that events of these subscriptions have gone."""
        await self._connection.execute(
            "update draw_party set disordered = true where operator = $1 and subscription = any ($2::bigint[])",
            *(self._operator, list(subscriptions)),
        )

    async def shares(self, events: pl.DataFrame) -> pl.DataFrame:
        """Return what events (``start`` in µs, ``source``, ``key``, ``version``) drew, as ``KEPT``."""
        if not events.height:
            return KEPT.to_frame()
        columns = [events[name].to_list() for name in ("source", "key", "version")]
        starts = [_instant(us) for us in events["start"].to_list()]
        rows = await self._connection.fetch(_SHARES, self._operator, starts, *columns)
        return pl.DataFrame([tuple(row) for row in rows], schema=KEPT, orient="row")

    async def unsettled(self, customers: Sequence[int]) -> pl.DataFrame:
        """Return the present versions of these customers' events that are not settled, as ``STORED``."""
        await self._connection.execute(f"set local statement_timeout = '{FENCE_SECONDS}s'")
        return await copied(self._connection, _UNSETTLED, [self._operator, list(customers)])

    async def pricings(self, keys: Sequence[int]) -> Mapping[int, Pricing]:
        """Return what subscriptions were rated by, by key."""
        rows = await self._connection.fetch(
            "select id, retail, tiers, wholesale, cost, groups from pricing where operator = $1"
            " and id = any ($2::int[])",
            *(self._operator, list(keys)),
        )
        return {row["id"]: pricing_of(row) for row in rows}

    async def disordered(self, customers: Sequence[CustomerId] | None, *, after: int, first: int) -> Sequence[int]:
        """Return the next customers, of these or of all, with a subscription that is disordered."""
        rows = await self._connection.fetch(
            "select distinct customer from draw_party where operator = $1 and disordered and customer > $2"
            " and ($3::bigint[] is null or customer = any ($3::bigint[])) order by customer limit $4",
            *(self._operator, after, None if customers is None else list(customers), first),
        )
        return [row["customer"] for row in rows]

    async def fence(self) -> bool:
        """Hold off every commit of usage until the unit ends; tell whether no bill run is unfinished."""
        await self._connection.execute(f"set local statement_timeout = '{FENCE_SECONDS}s'")
        await self._connection.execute("select pg_advisory_xact_lock($1, $2)", BILLS, self._operator)
        await self._connection.execute(f"set local lock_timeout = '{FENCE_SECONDS}s'")
        await self._connection.execute("select pg_advisory_xact_lock($1, $2)", CHUNKS, self._operator)
        found = await self._connection.fetchval(
            "select exists (select from bill_run where operator = $1 and state = 'running')", self._operator
        )
        return not found

    async def close(self, customers: Sequence[CustomerId] | None, *, until: datetime, horizon: int) -> None:
        """Make the draws final of usage before ``until`` in chunks up to ``horizon``; never of less than before."""
        await self._connection.execute(
            "update draw_customer set settled_until = $2, settled_horizon = $3 where operator = $1"
            " and (settled_until is null or settled_until <= $2) and settled_horizon <= $3"
            " and ($4::bigint[] is null or customer = any ($4::bigint[]))",
            *(self._operator, until, horizon, None if customers is None else list(customers)),
        )


def _instant(us: int | None) -> datetime | None:
    return None if us is None else EPOCH + timedelta(microseconds=us)

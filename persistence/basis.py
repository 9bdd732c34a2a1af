"""Batches for another system and its names for things in PostgreSQL, and their twin in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from domain.access.actor import Actor
from domain.basis.batch import BasisBatch, BasisLine
from domain.customers.customer import payer
from domain.ids import CustomerId, OperatorId, SubscriptionId
from domain.refusal import NotFound
from persistence.engine import Transaction
from persistence.locks import CHUNKS
from persistence.memory import Draft
from persistence.usage import currencies_of
from persistence.violations import possible

CHUNK_SECONDS: Final = 600
MAKE_SECONDS: Final = 3600
_LOCK: Final = 0x62617369

# $1 operator, $2 and $3 chunks, $4 zone, $5 rates, $6 their currencies, $7 the batch, $8 groups with
# billing rules of their own (null: everybody's usage), $9 those of them, and '' for everybody else, invoiced elsewhere.
_LINES: Final = """
insert into basis_line (operator, batch, position, customer, customer_key, subscription, subscription_key, period_start,
    mode, direction, group_name, currency, events, used, amount_micro)
select $1, $7, row_number() over (order by s.customer, s.subscription, s.month, s.mode, s.direction, s.group_name,
           s.currency), s.customer, coalesce(c.key, ''), s.subscription, coalesce(l.key, ''), s.month, s.mode,
       case s.direction when 0 then 'out' else 'in' end, s.group_name, s.currency, s.events, s.used, s.amount
  from (
    select u.customer, u.subscription, date_trunc('month', u.start at time zone $4)::date as month, u.mode, u.direction,
           coalesce(d.groups[1], d.name, '') as group_name, r.currency,
           sum(case u.version % 2 when 1 then 1 else -1 end) as events, sum(u.used) as used,
           sum(u.retail_micro) as amount
      from usage u
      join unnest($5::bigint[], $6::text[]) as r (rate, currency) on r.rate = u.retail_rate
      left join destination d on d.operator = $1 and d.id = u.destination
     where u.operator = $1 and u.chunk > $2 and u.chunk <= $3
     group by 1, 2, 3, 4, 5, 6, 7) s
  left join lateral (select key from external_key k where k.operator = $1 and k.kind = 'customer' and k.id = s.customer
                      order by key limit 1) c on true
  left join lateral (select key from external_key k where k.operator = $1 and k.kind = 'subscription'
                        and k.id = s.subscription order by key limit 1) l on true
 where (s.events <> 0 or s.used <> 0 or s.amount <> 0) and ($8::text[] is null or coalesce((
    select min(g.name) from customer_group g where g.operator = $1 and g.name = any ($8::text[])
       and g.valid_from <= now() and (g.valid_to is null or g.valid_to > now()) and g.customer = (
        with recursive up as (
            select c.id, c.pays_through, 0 as depth from customer c where c.operator = $1 and c.id = s.customer
            union all
            select c.id, c.pays_through, up.depth + 1 from up
              join customer c on c.operator = $1 and c.id = up.pays_through where up.depth < 1000)
        select id from up where pays_through is null limit 1)), '') = any ($9::text[]))
"""
_LINE: Final = (
    "position", "customer", "customer_key", "subscription", "subscription_key", "period_start", "mode", "direction",
    "currency", "events", "used", "amount_micro",
)  # fmt: skip


class StoredBasis:
    """Keeps ``domain.ports.basis.BasisStore``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def keys(self, kind: str, names: Sequence[str]) -> Mapping[str, tuple[int, bytes]]:
        """Return the key and the content of things that another system named, locked until the unit ends."""
        await self._connection.execute("select pg_advisory_xact_lock($1, $2)", _LOCK + 1, self._operator)
        rows = await self._connection.fetch(
            "select key, id, content from external_key where operator = $1 and kind = $2 and key = any ($3::text[])",
            *(self._operator, kind, list(names)),
        )
        return {row["key"]: (row["id"], bytes(row["content"])) for row in rows}

    async def put_key(self, kind: str, name: str, key: int, content: bytes) -> None:
        """Keep what another system names a thing, and what it last said of it."""
        await self._connection.execute(
            "insert into external_key (operator, kind, key, id, content) values ($1, $2, $3, $4, $5)"
            " on conflict (operator, kind, key) do update set id = $4, content = $5",
            *(self._operator, kind, name, key, content),
        )

    async def open(self) -> BasisBatch | None:
        """Return the batch that is not acknowledged; None where there is none."""
        await self._connection.execute("select pg_advisory_xact_lock($1, $2)", _LOCK, self._operator)
        row = await self._connection.fetchrow(
            "select * from basis_batch where operator = $1 and acknowledged_at is null", self._operator
        )
        return None if row is None else BasisBatch(**dict(row))

    async def make(self, *, made_at: datetime, zone: str, elsewhere: Mapping[str, bool] | None = None) -> BasisBatch:
        """Make the batch of everything rated since the last one; ``elsewhere``: of whom alone."""
        connection = self._connection
        # Everybody who commits a chunk holds this lock shared, from before its id is drawn: below the horizon every
        # chunk is there for good or never will be.
        await connection.execute(f"set local lock_timeout = '{CHUNK_SECONDS}s'")
        await connection.execute("select pg_advisory_xact_lock($1, $2)", CHUNKS, self._operator)
        await connection.execute(f"set local statement_timeout = '{MAKE_SECONDS}s'")
        after = await connection.fetchval(
            "select coalesce(max(horizon), 0) from basis_batch where operator = $1", self._operator
        )
        horizon = await connection.fetchval(
            "select greatest($2, coalesce(max(id), 0)) from chunk where operator = $1", self._operator, after
        )
        key = await connection.fetchval("select nextval(pg_get_serial_sequence('basis_batch', 'id'))")
        currencies = await currencies_of(self._connection, self._operator)
        made = BasisBatch(id=key, operator=OperatorId(self._operator), after=after, horizon=horizon, made_at=made_at)
        await connection.execute(
            "insert into basis_batch (operator, id, after, horizon, made_at, lines) values ($1, $2, $3, $4, $5, 0)",
            *(self._operator, key, after, horizon, made_at),
        )
        groups = None if elsewhere is None else [group for group in elsewhere if group]
        theirs = None if elsewhere is None else [group for group, basis in elsewhere.items() if basis]
        done = await connection.execute(
            _LINES,
            *(self._operator, after, horizon, zone, list(currencies), list(currencies.values()), key, groups, theirs),
        )
        count = int(done.rpartition(" ")[2])
        await connection.execute(
            "update basis_batch set lines = $3 where operator = $1 and id = $2", self._operator, key, count
        )
        return replace(made, lines=count)

    async def get(self, key: int) -> BasisBatch:
        """Return one. Refuses with: NotFound."""
        rows = await self._connection.fetch(
            "select * from basis_batch where operator = $1 and id = any ($2::bigint[])", self._operator, possible([key])
        )
        if not rows:
            raise NotFound("no batch {key}", key=key, field="batch")
        return BasisBatch(**dict(rows[0]))

    async def lines(self, key: int, *, first: int, after: int) -> tuple[Sequence[BasisLine], bool]:
        """Return the lines behind a position; the second tells whether more follow."""
        rows = await self._connection.fetch(
            "select * from basis_line where operator = $1 and batch = any ($2::bigint[]) and position > $3"
            " order by position limit $4",
            *(self._operator, possible([key]), after, first + 1),
        )
        found = [BasisLine(group=row["group_name"], **{name: row[name] for name in _LINE}) for row in rows[:first]]
        return found, len(rows) > first

    async def acknowledge(self, key: int, *, at: datetime) -> BasisBatch:
        """Say that the other system has a batch; said again, nothing changes. Refuses with: NotFound."""
        await self._connection.execute(
            "update basis_batch set acknowledged_at = $3 where operator = $1 and id = any ($2::bigint[])"
            " and acknowledged_at is null",
            *(self._operator, possible([key]), at),
        )
        return await self.get(key)


class MemoryBasis:
    """Keeps ``domain.ports.basis.BasisStore`` in memory."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def keys(self, kind: str, names: Sequence[str]) -> Mapping[str, tuple[int, bytes]]:
        """Return the key and the content of things that another system named."""
        rows, own = self._draft.table("external_key"), self._draft.actor.operator
        return {name: rows[own, kind, name] for name in names if (own, kind, name) in rows}

    async def put_key(self, kind: str, name: str, key: int, content: bytes) -> None:
        """Keep what another system names a thing, and what it last said of it."""
        self._draft.table("external_key")[self._draft.actor.operator, kind, name] = (key, content)

    def _batches(self) -> list[BasisBatch]:
        rows = self._draft.table("basis_batch")
        return [rows[key] for key in sorted(rows) if rows[key].operator == self._draft.actor.operator]

    async def open(self) -> BasisBatch | None:
        """Return the batch that is not acknowledged; None where there is none."""
        return next((one for one in self._batches() if one.acknowledged_at is None), None)

    async def make(self, *, made_at: datetime, zone: str, elsewhere: Mapping[str, bool] | None = None) -> BasisBatch:
        """Make the batch of everything rated since the last one; ``elsewhere``: of whom alone."""
        own = self._draft.actor.operator
        after = max((one.horizon for one in self._batches()), default=0)
        rows = [row for row in self._draft.table("usage").values() if row.operator == own and row.event.chunk > after]
        horizon = max((row.event.chunk for row in rows), default=after)
        sums: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
        for row in rows:
            one = row.event
            if elsewhere is not None and not elsewhere.get(self._group_of(one.customer, elsewhere, made_at), False):
                continue
            month = one.start.astimezone(ZoneInfo(zone)).date().replace(day=1)
            place = (one.customer, one.subscription, month, one.mode, one.direction, row.group)
            sums[*place, one.retail.amount.currency].append(one)
        named = {
            (kind, value[0]): name for (of, kind, name), value in self._draft.table("external_key").items() if of == own
        }
        lines = [
            BasisLine(
                position=position,
                customer=CustomerId(place[0]),
                customer_key=named.get(("customer", place[0]), ""),
                subscription=SubscriptionId(place[1]),
                subscription_key=named.get(("subscription", place[1]), ""),
                period_start=place[2],
                mode=place[3],
                direction=place[4],
                group=place[5],
                currency=place[6],
                events=sum(1 if one.version % 2 else -1 for one in each),
                used=sum(one.used for one in each),
                amount_micro=sum(int(one.retail.amount.value.scaleb(6)) for one in each),
            )
            for position, (place, each) in enumerate(sorted(sums.items(), key=lambda one: one[0]), 1)
        ]
        made = BasisBatch(
            id=self._draft.draw("basis_batch"),
            operator=own,
            after=after,
            horizon=horizon,
            made_at=made_at,
            lines=len(lines),
        )
        self._draft.table("basis_batch")[made.id] = made
        self._draft.table("basis_line")[made.id] = lines
        return made

    def _group_of(self, customer: CustomerId, groups: Mapping[str, bool], at: datetime) -> str:
        """Return the group by whose rules a customer's payer is billed; empty: those of everybody else."""
        tree = self._draft.table("customer")
        mine = [
            one.name
            for one in self._draft.table("customer_group").values()
            if one.customer == payer(customer, tree) and one.name in groups and one.valid_from <= at
            and (one.valid_to is None or one.valid_to > at)
        ]  # fmt: skip
        return min(mine, default="")

    async def get(self, key: int) -> BasisBatch:
        """Return one. Refuses with: NotFound."""
        for one in self._batches():
            if one.id == key:
                return one
        raise NotFound("no batch {key}", key=key, field="batch")

    async def lines(self, key: int, *, first: int, after: int) -> tuple[Sequence[BasisLine], bool]:
        """Return the lines behind a position; the second tells whether more follow."""
        rows = [one for one in self._draft.table("basis_line").get(key, []) if one.position > after]
        return rows[:first], len(rows) > first

    async def acknowledge(self, key: int, *, at: datetime) -> BasisBatch:
        """Say that the other system has a batch; said again, nothing changes. Refuses with: NotFound."""
        found = await self.get(key)
        if found.acknowledged_at is None:
            found = replace(found, acknowledged_at=at)
            self._draft.table("basis_batch")[key] = found
        return found

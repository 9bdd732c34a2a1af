"""Batches for another system and its names for things in PostgreSQL, and their twin in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from domain.access.actor import Actor
from domain.basis.batch import BasisBatch, BasisLine
from domain.basis.fee import BasisFee
from domain.customers.customer import payer
from domain.ids import CustomerId, OperatorId, SubscriptionId
from domain.invoicing.bill_run import BillRunState
from domain.refusal import NotFound
from persistence.basis_fees import WHOSE, KeptFee, fee_of, groups_of, whose_usage
from persistence.engine import Transaction
from persistence.locks import CHUNKS
from persistence.memory import Draft
from persistence.memory_invoices import FOR_EVER, marks_of, usage_rows
from persistence.usage import currencies_of
from persistence.violations import possible

CHUNK_SECONDS: Final = 600
MAKE_SECONDS: Final = 3600
_LOCK: Final = 0x62617369

# Who is in none of the batches any more. $1 to $4 as of WHOSE, $5 the horizon of the last batch.
_GONE: Final = (
    "with recursive"
    + WHOSE
    + """
update basis_stay s set until = $5 where s.operator = $1 and s.until is null
   and not exists (select from whose w where w.customer = s.customer)
"""
)
# Who has come: what is in no batch yet is given, too. $5 the batch.
_COME: Final = (
    "with recursive"  # noqa: S608  (our own words)
    + WHOSE
    + """
insert into basis_stay (operator, customer, since, after)
select $1, w.customer, $5, greatest(
       coalesce((select max(s.until) from basis_stay s where s.operator = $1 and s.customer = w.customer), 0),
       coalesce((select max(b.horizon) from basis_batch b where b.operator = $1 and b.everybody and b.id <> $5), 0))
  from whose w
 where not exists (select from basis_stay s where s.operator = $1 and s.customer = w.customer and s.until is null)
"""
)
# $1 operator, $2 and $3 chunks, $4 zone, $5 rates, $6 their currencies, $7 the batch; {whose}: whose events they are.
# What an invoice has billed is not given; marks of what a run only counted hide nothing.
_LINES: Final = """
insert into basis_line (operator, batch, position, customer, customer_key, subscription, subscription_key, period_start,
    mode, direction, group_name, currency, events, used, amount_micro, payer)
select $1, $7, row_number() over (order by s.customer, s.subscription, s.month, s.mode, s.direction, s.group_name,
           s.currency), s.customer, coalesce(c.key, ''), s.subscription, coalesce(l.key, ''), s.month, s.mode,
       case s.direction when 0 then 'out' else 'in' end, s.group_name, s.currency, s.events, s.used, s.amount,
       (with recursive up as (
            select c.id, c.pays_through, 0 as depth from customer c where c.operator = $1 and c.id = s.customer
            union all
            select c.id, c.pays_through, up.depth + 1 from up
              join customer c on c.operator = $1 and c.id = up.pays_through where up.depth < 1000)
        select id from up where pays_through is null limit 1)
  from (
    select u.customer, u.subscription, date_trunc('month', u.start at time zone $4)::date as month, u.mode, u.direction,
           coalesce(d.groups[1], d.name, '') as group_name, r.currency,
           sum(case u.version % 2 when 1 then 1 else -1 end) as events, sum(u.used) as used,
           sum(u.retail_micro) as amount
      from usage u
      join unnest($5::bigint[], $6::text[]) as r (rate, currency) on r.rate = u.retail_rate
      left join destination d on d.operator = $1 and d.id = u.destination
     where u.operator = $1 and u.chunk <= $3 {whose}
       and not exists (select from billed_through b where b.operator = $1 and b.customer = u.customer
           and u.start < b.period_end and u.chunk <= b.horizon and (b.since is null or u.start >= b.since)
           and not exists (select from basis_counted n where n.operator = $1 and n.customer = b.customer
               and n.run = b.run and n.since = coalesce(b.since, '-infinity') and b.period_end < '9999-12-31'))
     group by 1, 2, 3, 4, 5, 6, 7) s
  left join lateral (select key from external_key k where k.operator = $1 and k.kind = 'customer' and k.id = s.customer
                      order by key limit 1) c on true
  left join lateral (select key from external_key k where k.operator = $1 and k.kind = 'subscription'
                        and k.id = s.subscription order by key limit 1) l on true
 where (s.events <> 0 or s.used <> 0 or s.amount <> 0)
"""
_EVERYBODY: Final = _LINES.format(whose="and u.chunk > $2")
_ELSEWHERE: Final = _LINES.format(
    whose="""and exists (select from basis_stay y where y.operator = $1 and y.customer = u.customer and y.until is null
           and u.chunk > case when y.since = $7 then y.after else $2 end)"""
)
# What runs have charged, behind the usage. $2 the batch, $3 how many lines of usage there are.
_FEES: Final = """
with taken as (
    update basis_fee set batch = $2 where operator = $1 and batch is null
    returning id, customer, payer, subscription, period_start, currency, mode, group_name, events, used, amount_micro)
insert into basis_line (operator, batch, position, customer, customer_key, subscription, subscription_key, period_start,
    mode, direction, group_name, currency, events, used, amount_micro, payer, fee)
select $1, $2, $3 + row_number() over (order by t.id), t.customer,
       coalesce((select key from external_key k where k.operator = $1 and k.kind = 'customer' and k.id = t.customer
                  order by key limit 1), ''),
       coalesce(t.subscription, 0),
       coalesce((select key from external_key k where k.operator = $1 and k.kind = 'subscription'
                    and k.id = t.subscription order by key limit 1), ''),
       t.period_start, coalesce(t.mode, ''), '', coalesce(t.group_name, ''), t.currency, coalesce(t.events, 0),
       coalesce(t.used, 0), coalesce(t.amount_micro, 0), t.payer, t.id
  from taken t
"""
_LINE: Final = (
    "position", "customer", "customer_key", "subscription", "subscription_key", "period_start", "mode", "direction",
    "currency", "events", "used", "amount_micro", "customer_number", "payer_number",
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
        # A run has added up, or will, what it invoices, and says so when it issues: until then no usage is given. Who
        # begins a run holds the lock of chunks, too.
        billing = elsewhere is not None and await connection.fetchval(
            "select exists (select from bill_run where operator = $1 and state = 'running')", self._operator
        )
        if billing:
            horizon = after
        key = await connection.fetchval("select nextval(pg_get_serial_sequence('basis_batch', 'id'))")
        currencies = await currencies_of(self._connection, self._operator)
        made = BasisBatch(
            id=key,
            operator=OperatorId(self._operator),
            after=after,
            horizon=horizon,
            made_at=made_at,
            everybody=elsewhere is None,
        )
        await connection.execute(
            "insert into basis_batch (operator, id, after, horizon, made_at, lines, everybody)"
            " values ($1, $2, $3, $4, $5, 0, $6)",
            *(self._operator, key, after, horizon, made_at, made.everybody),
        )
        count = 0
        if not billing:
            if elsewhere is not None:
                whose = (self._operator, *groups_of(elsewhere), made_at)
                await connection.execute(_GONE, *whose, after)
                await connection.execute(_COME, *whose, key)
            done = await connection.execute(
                _EVERYBODY if elsewhere is None else _ELSEWHERE,
                *(self._operator, after, horizon, zone, list(currencies), list(currencies.values()), key),
            )
            count = int(done.rpartition(" ")[2])
        done = await connection.execute(_FEES, self._operator, key, count)
        count += int(done.rpartition(" ")[2])
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
            "select l.*, c.number as customer_number, coalesce(p.number, '') as payer_number from basis_line l"
            " join customer c on c.operator = l.operator and c.id = l.customer"
            " left join customer p on p.operator = l.operator and p.id = l.payer"
            " where l.operator = $1 and l.batch = any ($2::bigint[]) and l.position > $3 order by l.position limit $4",
            *(self._operator, possible([key]), after, first + 1),
        )
        fees = await self._connection.fetch(
            "select * from basis_fee where operator = $1 and id = any ($2::bigint[])",
            *(self._operator, [row["fee"] for row in rows[:first] if row["fee"] is not None]),
        )
        known = {row["id"]: fee_of(row) for row in fees}
        found = [
            BasisLine(
                group=row["group_name"], fee=known.get(row["fee"]), **{name: row[name] for name in _LINE}
            )
            for row in rows[:first]
        ]  # fmt: skip
        return found, len(rows) > first

    async def acknowledge(self, key: int, *, at: datetime) -> BasisBatch:
        """Say that the other system has a batch; said again, nothing changes. Refuses with: NotFound."""
        await self._connection.execute(
            "update basis_batch set acknowledged_at = $3 where operator = $1 and id = any ($2::bigint[])"
            " and acknowledged_at is null",
            *(self._operator, possible([key]), at),
        )
        return await self.get(key)


@dataclass(frozen=True, slots=True)
class Stay:
    """A customer's usage is in the batches from one on, until a horizon; None: still."""

    until: int | None = None


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
        billing = elsewhere is not None and any(
            run.operator == own and run.state is BillRunState.RUNNING for run in self._draft.table("bill_run").values()
        )
        rows = [] if billing else [row for row in usage_rows(self._draft) if row.event.chunk > 0]
        horizon = max((row.event.chunk for row in rows), default=after)
        key, tree = self._draft.draw("basis_batch"), self._draft.table("customer")
        whose = None if elsewhere is None or billing else self._whose(elsewhere, key, after, made_at)
        counted = self._draft.table("basis_counted")
        billed = [
            mark
            for mark in marks_of(self._draft)
            if (own, mark.customer, mark.run, mark.since) not in counted or mark.period_end == FOR_EVER
        ]
        sums: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
        for row in rows:
            one = row.event
            since = after if whose is None else whose.get(one.customer)
            if since is None or one.chunk <= since or any(mark.covers(one) for mark in billed):
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
                customer_number=tree[place[0]].number,
                payer_number=tree[payer(place[0], tree)].number,
            )
            for position, (place, each) in enumerate(sorted(sums.items(), key=lambda one: one[0]), 1)
        ]
        lines += self._fees(key, len(lines), named)
        made = BasisBatch(
            id=key,
            operator=own,
            after=after,
            horizon=horizon,
            made_at=made_at,
            lines=len(lines),
            everybody=elsewhere is None,
        )
        self._draft.table("basis_batch")[made.id] = made
        self._draft.table("basis_line")[made.id] = lines
        return made

    def _whose(self, elsewhere: Mapping[str, bool], batch: int, after: int, at: datetime) -> dict[CustomerId, int]:
        """Return whose usage is in a batch, and behind which chunk; keep who has come and gone."""
        own, stays = self._draft.actor.operator, self._draft.table("basis_stay")
        now = whose_usage(self._draft, elsewhere, at)
        everybody = max((one.horizon for one in self._batches() if one.everybody), default=0)
        found: dict[CustomerId, int] = {}
        for (of, customer, since), stay in list(stays.items()):
            if of == own and stay.until is None:
                if customer in now:
                    found[customer] = after
                else:
                    stays[of, customer, since] = replace(stay, until=after)
        for customer in now.keys() - found.keys():
            past = [stay.until for (of, one, _), stay in stays.items() if of == own and one == customer]
            found[customer] = max([everybody, *past])
            stays[own, customer, batch] = Stay()
        return found

    def _fees(self, batch: int, count: int, named: Mapping[tuple[str, int], str]) -> list[BasisLine]:
        """Return what runs have charged as lines behind ``count`` others, and keep that they are in the batch."""
        own, rows, tree = self._draft.actor.operator, self._draft.table("basis_fee"), self._draft.table("customer")
        waiting = [key for key in sorted(rows) if key[0] == own and rows[key].batch is None]
        found = []
        for position, key in enumerate(waiting, count + 1):
            fee: BasisFee = rows[key].fee
            rows[key] = KeptFee(fee, batch)
            told = fee.line
            line = SubscriptionId((told and told.subscription) or 0)
            found.append(
                BasisLine(
                    position=position,
                    customer=fee.customer,
                    customer_key=named.get(("customer", fee.customer), ""),
                    subscription=line,
                    subscription_key=named.get(("subscription", line), ""),
                    period_start=fee.period.start,
                    mode=(told and told.mode) or "",
                    direction="",
                    group=(told and told.group) or "",
                    currency=fee.currency,
                    events=(told and told.events) or 0,
                    used=(told and told.used) or 0,
                    amount_micro=(told and told.amount_micro) or 0,
                    customer_number=tree[fee.customer].number,
                    payer_number=tree[fee.payer].number,
                    fee=fee,
                )
            )
        return found

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

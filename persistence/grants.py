"""Grants, gifts and how balances moved, in PostgreSQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import date, datetime
from typing import Any, Final

from domain.access.actor import Actor
from domain.buckets.grant import GiftRules, Given, Grant, GrantKind
from domain.ids import ContractId, CustomerId, GrantId, SubscriptionId
from domain.ports.grants import Crossing, Move
from domain.refusal import NotFound
from persistence.engine import Transaction
from persistence.violations import possible

_GRANT: Final = tuple(one.name for one in fields(Grant) if one.name != "id")
_GIVEN: Final = "customer, grant_id, gift, bucket, owner, since, giver, taker, amount, given_at"


class GrantStore:
    """Keeps ``domain.ports.grants.Grants``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = int(actor.operator)

    @property
    def _connection(self) -> Any:
        return self._transaction.connection

    async def add(self, grant: Grant) -> Grant:
        """Keep a new one."""
        places = ", ".join(f"${number}" for number in range(1, len(_GRANT) + 1))
        key = await self._connection.fetchval(
            f"insert into bucket_grant ({', '.join(_GRANT)}) values ({places}) returning id",  # noqa: S608  (our own words)
            *(getattr(grant, name) for name in _GRANT),
        )
        return replace(grant, id=GrantId(key))

    async def _grants(self, which: str, *values: object) -> list[Grant]:
        query = f"select id, {', '.join(_GRANT)} from bucket_grant where operator = $1 and {which}"  # noqa: S608  (our own words)
        rows = await self._connection.fetch(query, self._operator, *values)
        return [Grant(**{**row, "kind": GrantKind(row["kind"])}) for row in rows]

    async def gift(self, key: GrantId) -> Sequence[Grant]:
        """Return a grant, and those of the same gift, by key."""
        return await self._grants("(id = $2 or gift = $2) order by id", key)

    async def claim(self, key: GrantId) -> Grant:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        rows = await self._grants("id = any ($2::bigint[]) for update", possible([key]))
        if not rows:
            raise NotFound("no grant {key}", key=key, field="grant")
        return rows[0]

    async def keep(self, grant: Grant) -> Grant:
        """Write that one was withdrawn."""
        await self._connection.execute(
            "update bucket_grant set withdrawn_at = $4 where operator = $1 and customer = $2 and id = $3",
            *(self._operator, grant.customer, grant.id, grant.withdrawn_at),
        )
        return grant

    async def of(self, customer: CustomerId) -> Sequence[Grant]:
        """Return a customer's, by key."""
        return await self._grants("customer = $2 order by id", customer)

    async def give(self, given: Given) -> None:
        """Keep that something was given away; the giver's balance says so too (``Draws.put``)."""
        await self._connection.execute(
            f"insert into bucket_given (operator, {_GIVEN}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",  # noqa: S608  (our own words)
            *(self._operator, given.customer, given.grant, given.gift, given.bucket, given.owner, given.since),
            *(given.giver, given.taker, given.amount, given.given_at),
        )

    async def _given(self, which: str, *values: object) -> list[Given]:
        query = f"select {_GIVEN} from bucket_given where operator = $1 and {which} order by grant_id"  # noqa: S608  (our own words)
        rows = await self._connection.fetch(query, self._operator, *values)
        return [Given(grant=row["grant_id"], **{k: v for k, v in row.items() if k != "grant_id"}) for row in rows]

    async def given_by(self, giver: SubscriptionId, since: datetime) -> Sequence[Given]:
        """Return what a subscription gave since an instant."""
        return await self._given("giver = $2 and given_at >= $3", giver, since)

    async def given(self, customer: CustomerId) -> Sequence[Given]:
        """Return what a customer's subscriptions gave."""
        return await self._given("customer = $2", customer)

    async def received(self, customers: Sequence[CustomerId]) -> Sequence[GrantId]:
        """Return those of these customers' grants that are gifts."""
        rows = await self._connection.fetch(
            "select id from bucket_grant where operator = $1 and customer = any ($2::bigint[]) and kind = 'gift'",
            *(self._operator, list(customers)),
        )
        return [GrantId(row["id"]) for row in rows]

    async def rules(self) -> GiftRules | None:
        """Return the operator's rules; None: nobody gives."""
        row = await self._connection.fetchrow(
            "select per_month, most_percent, anybody from gift_rules where operator = $1", self._operator
        )
        return None if row is None else GiftRules(**row)

    async def put_rules(self, rules: GiftRules | None) -> None:
        """Put the operator's rules."""
        if rules is None:
            await self._connection.execute("delete from gift_rules where operator = $1", self._operator)
            return
        await self._connection.execute(
            "insert into gift_rules (operator, per_month, most_percent, anybody) values ($1, $2, $3, $4)"
            " on conflict (operator) do update set per_month = $2, most_percent = $3, anybody = $4",
            *(self._operator, rules.per_month, rules.most_percent, rules.anybody),
        )

    async def moves(self, customer: CustomerId, since: datetime, until: datetime, *, first: int) -> Sequence[Move]:
        """Return how balances moved in a time, the newest first."""
        rows = await self._connection.fetch(
            "select bucket, owner, since, moved_at, amount, drawn from bucket_move where operator = $1"
            " and customer = $2 and moved_at >= $3 and moved_at < $4 order by moved_at desc, id desc limit $5",
            *(self._operator, customer, since, until, first),
        )
        return [Move(**row) for row in rows]

    async def crossings(
        self, customer: CustomerId, since: datetime, until: datetime, *, first: int
    ) -> Sequence[Crossing]:
        """Return the thresholds that were crossed in a time, the newest first."""
        rows = await self._connection.fetch(
            "select bucket, owner, since, percent, up, drawn, granted, crossed_at from bucket_crossing"
            " where operator = $1 and customer = $2 and crossed_at >= $3 and crossed_at < $4"
            " order by crossed_at desc, id desc limit $5",
            *(self._operator, customer, since, until, first),
        )
        return [Crossing(**row) for row in rows]

    async def charges(
        self, contracts: Sequence[ContractId], since: date, until: date
    ) -> Mapping[ContractId, Sequence[Grant]]:
        """Return the grants with a price that are charged to each contract on days in ``[since, until)``, by day."""
        found: defaultdict[ContractId, list[Grant]] = defaultdict(list)
        which = "contract = any ($2::bigint[]) and day >= $3 and day < $4 and price > 0 and withdrawn_at is null"
        for one in await self._grants(f"{which} order by day, id", list(contracts), since, until):
            assert one.contract is not None
            found[one.contract].append(one)
        return dict(found)

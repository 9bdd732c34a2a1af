"""Limits, exposures and what is set aside, in PostgreSQL."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import asyncpg
import polars as pl

from domain.access.actor import Actor
from domain.credit.account import Account
from domain.credit.kinds import KINDS, PREMIUM, PRICED_ROWS, Home, country_code
from domain.credit.limit import CreditLimit, CreditOverride
from domain.credit.reservation import Reservation
from domain.ids import (
    CreditLimitId,
    CreditOverrideId,
    CreditReservationId,
    CustomerId,
    SubscriptionId,
)
from domain.ledger.entry import OWN
from domain.ports.credit import CreditBar, CreditStanding, Watching
from domain.ports.intake import Collision
from domain.ports.page import Page, PageRequest
from domain.provisioning.order import Bar
from domain.refusal import Conflict, NotFound
from persistence import credit_statements as sql
from persistence.credit_rows import account_of, limit_of, override_of, reservation_of, standing_of
from persistence.engine import Transaction
from persistence.locks import CHUNKS
from persistence.violations import possible, refusing

WATCHED_MAX: Final = 20_000  # more are not named to the import, which then counts everybody
FENCE_SECONDS: Final = 600
_LIMIT: Final = (
    "customer", "subscription", "group_name", "each_line", "kind", "amount", "hard", "warn_at", "bars", "grace_amount",
    "grace_days", "mail", "sms",
)  # fmt: skip
_OWN: Final = list(OWN)
_ONE_PER_SUBJECT: Final = Conflict("there is a limit of this kind already; change that one, or remove it", field="kind")


class CreditStore:
    """Keeps ``domain.ports.credit.Credit``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def watching(self) -> Watching | None:
        """Tell whether anybody is watched."""
        if not await self._connection.fetchval(sql.ANYBODY, self._operator):
            return None
        row = await self._connection.fetchrow(sql.WATCHING, self._operator, PREMIUM.pattern, WATCHED_MAX + 1)
        home = Home(country_code(row["country"]), frozenset(row["premium"] or ()))
        customers = row["customers"] or []
        return Watching(home, customers if len(customers) <= WATCHED_MAX else None)

    async def move(self, sums: pl.DataFrame) -> Sequence[CustomerId]:
        """Add to what is unbilled; return of whom somebody must look. Raises Collision."""
        if not sums.height:
            return []
        columns = [sums[name].to_list() for name in ("customer", "subscription", *(kind.value for kind in KINDS))]
        try:
            rows = await self._connection.fetch(sql.MOVE, self._operator, *columns)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as fault:
            raise Collision(str(fault)) from None
        return [CustomerId(row["customer"]) for row in rows]

    async def live_of(self, subscriptions: Collection[int]) -> Sequence[Reservation]:
        """Return what is set aside for lines."""
        if not await self._connection.fetchval(sql.ANY_LIVE, self._operator):
            return []
        rows = await self._connection.fetch(sql.LIVE_OF, self._operator, list(subscriptions))
        return [reservation_of(row) for row in rows]

    async def fence(self) -> None:
        """Hold off who commits chunks until the unit ends."""
        await self._connection.execute(f"set local lock_timeout = '{FENCE_SECONDS}s'")
        await self._connection.execute("select pg_advisory_xact_lock($1, $2)", CHUNKS, self._operator)

    async def open(self, customer: CustomerId, lines: Collection[SubscriptionId]) -> bool:
        """Begin to watch a customer and lines of his."""
        made = await self._connection.fetch(
            "insert into credit_account (operator, customer, subscription) select $1, $2, n"
            " from unnest($3::bigint[]) n order by n on conflict do nothing returning subscription",
            *(self._operator, customer, [0, *lines]),
        )
        return bool(made)

    async def missing(self, *, first: int) -> Mapping[CustomerId, Sequence[SubscriptionId]]:
        """Return customers whom a limit covers and who are not watched yet."""
        rows = await self._connection.fetch(sql.MISSING, self._operator, first)
        found: defaultdict[CustomerId, list[SubscriptionId]] = defaultdict(list)
        for row in rows:
            lines = found[CustomerId(row["customer"])]
            if row["subscription"]:
                lines.append(SubscriptionId(row["subscription"]))
        return found

    async def watched(self, *, after: int, first: int) -> Sequence[CustomerId]:
        """Return customers who are watched, by key."""
        rows = await self._connection.fetch(
            "select customer from credit_account where operator = $1 and subscription = 0 and customer > $2"
            " order by customer limit $3",
            *(self._operator, after, first),
        )
        return [CustomerId(row["customer"]) for row in rows]

    async def accounts(self, customers: Sequence[CustomerId]) -> Mapping[CustomerId, Sequence[Account]]:
        """Return what is kept of those that are watched."""
        return await self._accounts(customers, "")

    async def claim(self, customers: Sequence[CustomerId]) -> Mapping[CustomerId, Sequence[Account]]:
        """Return it locked until the unit ends."""
        return await self._accounts(customers, " for update")

    async def _accounts(self, customers: Sequence[CustomerId], lock: str) -> Mapping[CustomerId, Sequence[Account]]:
        rows = await self._connection.fetch(
            "select * from credit_account where operator = $1 and customer = any ($2::bigint[])"  # noqa: S608  (our own words)
            f" order by customer, subscription{lock}",
            *(self._operator, possible(customers)),
        )
        found: dict[CustomerId, list[Account]] = {key: [] for key in customers}
        for row in rows:
            found[CustomerId(row["customer"])].append(account_of(row))
        return found

    async def unbilled(self, customers: Sequence[CustomerId]) -> pl.DataFrame:
        """Return the usage of customers that no bill run has billed."""
        row = await self._connection.fetchrow(sql.WATCHING, self._operator, PREMIUM.pattern, 1)
        code = country_code(row["country"])
        whose = await self._with_doubles(customers)
        found = await self._connection.fetch(sql.UNBILLED, self._operator, list(whose), code, row["premium"] or [])
        names = PRICED_ROWS.names()[1:]
        rows = [(whose[row["customer"]], *(row[name] for name in names)) for row in found]
        return pl.DataFrame(rows, schema=PRICED_ROWS, orient="row")

    async def _with_doubles(self, customers: Sequence[CustomerId]) -> Mapping[CustomerId, CustomerId]:
        """Return for whom customers count: each for himself, and who was merged into one for that one."""
        keys = possible(customers)
        rows = await self._connection.fetch(sql.DOUBLES, self._operator, keys)
        return {row["id"]: row["merged_into"] for row in rows} | {CustomerId(key): CustomerId(key) for key in keys}

    async def put_unbilled(self, customers: Sequence[CustomerId], sums: pl.DataFrame) -> None:
        """Write what is unbilled of watched customers."""
        await self._connection.execute(sql.EMPTY, self._operator, possible(customers))
        columns = [sums[name].to_list() for name in ("customer", "subscription", *(kind.value for kind in KINDS))]
        await self._connection.execute(sql.MOVE, self._operator, *columns)

    async def keep(self, account: Account) -> None:
        """Write an account's marks and what was told."""
        told = {
            kind.value: {"percent": one.percent, "since": one.since and one.since.isoformat()}
            for kind, one in account.told.items()
        }
        marks = [account.marks.get(kind) for kind in KINDS]
        await self._connection.execute(
            sql.KEEP, self._operator, account.customer, account.subscription or 0, json.dumps(told), *marks
        )

    async def owed(self, customers: Sequence[CustomerId]) -> Mapping[CustomerId, Mapping[str, int]]:
        """Return what customers owe, less their credit and what they dispute."""
        whose = await self._with_doubles(customers)
        rows = await self._connection.fetch(sql.OWED, self._operator, list(whose), _OWN)
        found: dict[CustomerId, dict[str, int]] = {key: {} for key in customers}
        for row in rows:
            sums = found[whose[row["customer"]]]
            sums[row["currency"]] = sums.get(row["currency"], 0) + row["sum"]
        return found

    async def limits(self, customers: Sequence[CustomerId]) -> Sequence[CreditLimit]:
        """Return the limits of these customers, of groups and of the operator."""
        rows = await self._connection.fetch(
            "select * from credit_limit where operator = $1 and (customer is null or customer = any ($2::bigint[]))"
            " order by id",
            *(self._operator, possible(customers)),
        )
        return [limit_of(row) for row in rows]

    async def limit(self, key: CreditLimitId) -> CreditLimit:
        """Return one. Refuses with: NotFound."""
        row = None
        if possible([key]):
            row = await self._connection.fetchrow(
                "select * from credit_limit where operator = $1 and id = $2", self._operator, key
            )
        if row is None:
            raise NotFound("no such limit", field="limit")
        return limit_of(row)

    async def page(self, request: PageRequest, *, customer: CustomerId | None = None) -> Page[CreditLimit]:
        """List by key."""
        rows = await self._connection.fetch(
            "select * from credit_limit where operator = $1 and id > $2 and ($3::bigint is null or customer = $3)"
            " order by id limit $4",
            *(self._operator, request.after or 0, customer, request.first + 1),
        )
        return Page.of([limit_of(row) for row in rows], request)

    async def put(self, limit: CreditLimit) -> CreditLimit:
        """Keep a new one or a changed one. Refuses with: Conflict."""
        values = [
            *(limit.customer, limit.subscription, limit.group, limit.each_line, limit.kind.value, limit.amount),
            *(limit.hard, sorted(limit.warn_at), [bar.value for bar in limit.bars], limit.grace_amount),
            *(limit.grace_days, limit.mail, limit.sms),
        ]
        with refusing({"credit_limit_subject": _ONE_PER_SUBJECT}):
            if not limit.id:
                places = ", ".join(f"${n}" for n in range(1, len(_LIMIT) + 2))
                row = await self._connection.fetchrow(
                    f"insert into credit_limit (operator, {', '.join(_LIMIT)}) values ({places}) returning *",  # noqa: S608  (our own words)
                    *(self._operator, *values),
                )
            else:
                changes = ", ".join(f"{name} = ${n}" for n, name in enumerate(_LIMIT, 3))
                row = await self._connection.fetchrow(
                    f"update credit_limit set {changes}, version = version + 1 where operator = $1 and id = $2"  # noqa: S608  (our own words)
                    " returning *",
                    *(self._operator, limit.id, *values),
                )
        return limit_of(row)

    async def remove(self, limit: CreditLimit) -> None:
        """Forget one."""
        await self._connection.execute(
            "delete from credit_limit where operator = $1 and id = $2", self._operator, limit.id
        )

    async def overrides(self, customers: Sequence[CustomerId]) -> Sequence[CreditOverride]:
        """Return what was set by hand and not ended, by key."""
        rows = await self._connection.fetch(
            "select * from credit_override where operator = $1 and customer = any ($2::bigint[]) and ended_at is null"
            " order by id",
            *(self._operator, possible(customers)),
        )
        return [override_of(row) for row in rows]

    async def override(self, key: CreditOverrideId) -> CreditOverride:
        """Return one. Refuses with: NotFound."""
        row = None
        if possible([key]):
            row = await self._connection.fetchrow(
                "select * from credit_override where operator = $1 and id = $2", self._operator, key
            )
        if row is None:
            raise NotFound("no such override", field="override")
        return override_of(row)

    async def put_override(self, one: CreditOverride) -> CreditOverride:
        """Keep a new one, or the end of one."""
        if one.id:
            await self._connection.execute(
                "update credit_override set ended_at = $3 where operator = $1 and id = $2",
                *(self._operator, one.id, one.ended_at),
            )
            return one
        key = await self._connection.fetchval(
            "insert into credit_override (operator, customer, subscription, kind, amount, reason, client, made_at,"
            " until) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id",
            *(self._operator, one.customer, one.subscription, one.kind and one.kind.value, one.amount, one.reason),
            *(one.client, one.made_at, one.until),
        )
        return replace(one, id=CreditOverrideId(key))

    async def groups(self, customer: CustomerId, at: datetime) -> frozenset[str]:
        """Return the groups that a customer is in."""
        rows = await self._connection.fetch(sql.GROUPS, self._operator, customer, at)
        return frozenset(row["name"] for row in rows)

    async def bars(self, customer: CustomerId) -> Sequence[CreditBar]:
        """Return those of a customer's lines."""
        rows = await self._connection.fetch(
            "select customer, subscription, bar, order_id, placed_at from credit_bar where operator = $1"
            " and customer = $2 order by subscription, bar",
            *(self._operator, customer),
        )
        return [
            CreditBar(row["customer"], row["subscription"], Bar(row["bar"]), row["order_id"], row["placed_at"])
            for row in rows
        ]

    async def add_bar(self, one: CreditBar) -> None:
        """Keep one."""
        await self._connection.execute(
            "insert into credit_bar (operator, customer, subscription, bar, order_id, placed_at)"
            " values ($1, $2, $3, $4, $5, $6)",
            *(self._operator, one.customer, one.subscription, one.bar.value, one.order, one.placed_at),
        )

    async def drop_bar(self, one: CreditBar) -> None:
        """Forget one."""
        await self._connection.execute(
            "delete from credit_bar where operator = $1 and customer = $2 and subscription = $3 and bar = $4",
            *(self._operator, one.customer, one.subscription, one.bar.value),
        )

    async def standing(
        self, subscription: SubscriptionId, *, at: datetime, lock: bool = False
    ) -> CreditStanding | None:
        """Return how a line stands; None: it is not there."""
        if not possible([subscription]):
            return None
        row = await self._connection.fetchrow(sql.STANDING, self._operator, subscription, _OWN, at, lock)
        if row is None:
            return None
        premium: frozenset[int] = frozenset()  # told by the catalogue the caller rates with
        return standing_of(row, Home(country_code(row["country"]), premium))

    async def reservation(self, key: CreditReservationId) -> Reservation:
        """Return one. Refuses with: NotFound."""
        row = None
        if possible([key]):
            row = await self._connection.fetchrow(
                "select * from credit_reservation where operator = $1 and id = $2", self._operator, key
            )
        if row is None:
            raise NotFound("no such reservation", field="reservation")
        return reservation_of(row)

    async def reservations(
        self, request: PageRequest, *, customer: CustomerId | None = None, live: bool = False
    ) -> Page[Reservation]:
        """List by key."""
        rows = await self._connection.fetch(
            "select * from credit_reservation where operator = $1 and id > $2"
            " and ($3::bigint is null or customer = $3) and (not $4 or state in ('open', 'committed'))"
            " order by id limit $5",
            *(self._operator, request.after or 0, customer, live, request.first + 1),
        )
        return Page.of([reservation_of(row) for row in rows], request)

    async def due(self, at: datetime, *, first: int, customer: CustomerId | None = None) -> Sequence[Reservation]:
        """Return what is set aside and over its time."""
        rows = await self._connection.fetch(
            "select * from credit_reservation where operator = $1 and state in ('open', 'committed')"
            " and expires_at <= $2 and ($4::bigint is null or customer = $4) order by customer, id limit $3",
            *(self._operator, at, first, customer),
        )
        return [reservation_of(row) for row in rows]

    async def reserve(self, one: Reservation) -> Reservation:
        """Keep a new one, and set aside what it takes."""
        values = (
            *(self._operator, one.customer, one.subscription, one.reseller, one.reference, one.number, one.mode),
            *(0 if one.direction == "out" else 1, one.visited, one.start, one.state.value, one.granted, one.used),
            *(one.amount, sorted(one.kinds), _draws(one), one.expires_at, one.client, one.changed_at),
        )
        row = await self._connection.fetchrow(sql.RESERVE, *values, *_by_kind(one))
        return replace(one, id=CreditReservationId(row["id"]))

    async def change(self, before: Reservation, after: Reservation) -> Reservation:
        """Write a changed one, and set aside what it takes now."""
        row = await self._connection.fetchrow(
            "update credit_reservation set state = $4, granted = $5, used = $6, amount = $7, draws = $8,"
            " expires_at = $9, changed_at = $10, version = version + 1 where operator = $1 and customer = $2"
            " and id = $3 and version = $11 returning version",
            *(self._operator, after.customer, after.id, after.state.value, after.granted, after.used, after.amount),
            *(_draws(after), after.expires_at, after.changed_at, before.version),
        )
        assert row is not None, "whoever changes a reservation has locked its customer's account"
        moved = [new - old for new, old in zip(_by_kind(after), _by_kind(before), strict=True)]
        if any(moved):
            await self._connection.execute(sql.SET_ASIDE, self._operator, after.customer, after.subscription, *moved)
        return replace(after, version=row["version"])


def _draws(one: Reservation) -> str:
    return json.dumps([[draw.bucket, draw.owner, draw.since, draw.amount] for draw in one.draws])


def _by_kind(one: Reservation) -> list[int]:
    """Return what is set aside for a reservation, by kind; nothing where it is over."""
    return [one.amount if one.live and kind in one.kinds else 0 for kind in KINDS]

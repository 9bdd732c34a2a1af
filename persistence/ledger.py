"""The double-entry ledger in PostgreSQL; the database checks that every entry is in balance as it is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

import asyncpg

from domain.access.actor import Actor
from domain.collection.progress import PAID_JOB
from domain.credit.checking import checks, owing
from domain.ids import CustomerId
from domain.jobs.job import NewJob
from domain.ledger.entry import OWN, Entry, Posted, Posting
from domain.ledger.locking import LedgerLock, dated, first_open
from domain.ledger.statement import Movement
from domain.refusal import Conflict, NotFound, Stale
from persistence.engine import Transaction
from persistence.inserting import insert_at_once, insert_rows
from persistence.jobs import JobStore
from persistence.locks import LEDGER
from persistence.violations import possible

_ENTRY: Final = ("operator", "id", "key", "booked_on", "text", "customer", "reverses")
_POSTING: Final = {
    "operator": "int",
    "entry": "bigint",
    "position": "int",
    "account": "text",
    "currency": "text",
    "amount_minor": "bigint",
}


class LedgerStore:
    """Keeps ``domain.ports.ledger.Ledger``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._actor = actor
        self._operator = int(actor.operator)

    async def post(self, entries: Sequence[Entry]) -> None:
        """Keep new entries by COPY.

        Refuses with: Conflict where a key was posted, or reversed, before; WrongState (a document of a locked month).
        """
        if not entries:
            return
        connection = self._transaction.connection
        through = await self._locked()
        entries = [dated(entry, through) for entry in entries]
        drawn = await connection.fetch(
            "select nextval(pg_get_serial_sequence('ledger_entry', 'id')) as id from generate_series(1, $1::int)",
            len(entries),
        )
        keys = [row["id"] for row in drawn]
        rows = [
            (self._operator, key, entry.key, entry.booked_on, entry.text, entry.customer, entry.reverses)
            for key, entry in zip(keys, entries, strict=True)
        ]
        try:
            await insert_rows(connection, "ledger_entry", _ENTRY, rows)
        except asyncpg.UniqueViolationError:
            raise Conflict(
                "{value} was booked before", value=entries[0].key if len(entries) == 1 else "one of these"
            ) from None
        postings = [
            (self._operator, key, position, posting.account, posting.currency, posting.amount_minor)
            for key, entry in zip(keys, entries, strict=True)
            for position, posting in enumerate(entry.postings, 1)
        ]
        await insert_at_once(connection, "ledger_posting", _POSTING, postings)
        await self._look(sorted(owing(entries)))

    async def _look(self, customers: Sequence[CustomerId]) -> None:
        """Let somebody look at the limits of customers who are watched, once the unit has committed.

        What somebody owes who was merged into another counts in the limits of that one.
        """
        if not customers:
            return
        watched = await self._transaction.connection.fetch(
            "select customer from credit_account where operator = $1 and subscription = 0"
            " and customer in (select unnest($2::bigint[]) union select merged_into from customer"
            " where operator = $1 and id = any ($2::bigint[])) order by customer",
            *(self._operator, customers),
        )
        jobs = JobStore(self._transaction, self._actor)
        for one in checks([row["customer"] for row in watched]):
            await jobs.add(one)
        # Who pays while something is being done about his invoices is looked at at once.
        pursued = await self._transaction.connection.fetch(
            "select distinct customer from collection_step where operator = $1 and customer = any ($2::bigint[])"
            " and ended_at is null order by customer",
            *(self._operator, customers),
        )
        for row in pursued:
            await jobs.add(NewJob(kind=PAID_JOB, payload={"customer": row["customer"]}, dedupe=str(row["customer"])))

    async def _locked(self) -> date | None:
        """Return the last locked day; it stays so until the unit ends."""
        connection = self._transaction.connection
        await connection.execute("select pg_advisory_xact_lock_shared($1, $2)", LEDGER, self._operator)
        found: date | None = await connection.fetchval(
            "select locked_through from ledger_lock where operator = $1", self._operator
        )
        return found

    async def open_day(self, day: date) -> date:
        """Return the day on which what is no document and happened on a day is booked."""
        return first_open(day, await self._locked())

    async def by_key(self, key: str) -> Posted:
        """Return the entry posted under an idempotency key. Refuses with: NotFound."""
        connection = self._transaction.connection
        row = await connection.fetchrow(
            "select id, key, booked_on, text, customer, reverses, recorded_at from ledger_entry"
            " where operator = $1 and key = $2",
            *(self._operator, key),
        )
        if row is None:
            raise NotFound("nothing is booked as {key}", key=key)
        postings = await connection.fetch(
            "select account, currency, amount_minor from ledger_posting where operator = $1 and entry = $2"
            " order by position",
            *(self._operator, row["id"]),
        )
        entry = Entry(
            key=row["key"],
            booked_on=row["booked_on"],
            text=row["text"],
            postings=tuple(Posting(each["account"], each["currency"], each["amount_minor"]) for each in postings),
            customer=row["customer"],
            reverses=row["reverses"],
        )
        return Posted(entry=entry, recorded_at=row["recorded_at"])

    async def balances(self, *, on: date | None = None) -> Mapping[tuple[str, str], int]:
        """Return the sum per (account, currency) in minor units, now or when a day ended."""
        rows = await self._transaction.connection.fetch(
            "select account, currency, sum(amount_minor)::bigint as sum from ledger_posting p where operator = $1"
            " and ($2::date is null or exists (select from ledger_entry e where e.operator = p.operator"
            " and e.id = p.entry and e.booked_on <= $2)) group by account, currency order by account, currency",
            *(self._operator, on),
        )
        return {(row["account"], row["currency"]): row["sum"] for row in rows}

    async def booked(self, keys: Sequence[str]) -> Mapping[tuple[str, str], int]:
        """Return what the entries under these keys come to per (account, currency) in minor units."""
        rows = await self._transaction.connection.fetch(
            "select p.account, p.currency, sum(p.amount_minor)::bigint as sum from ledger_entry e"
            " join ledger_posting p on p.operator = e.operator and p.entry = e.id"
            " where e.operator = $1 and e.key = any ($2::text[]) group by p.account, p.currency",
            *(self._operator, list(keys)),
        )
        return {(row["account"], row["currency"]): row["sum"] for row in rows}

    async def owed(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, Mapping[str, int]]:
        """Return what each customer owes, per currency in minor units."""
        rows = await self._transaction.connection.fetch(
            "select e.customer, p.currency, sum(p.amount_minor)::bigint as sum from ledger_entry e"
            " join ledger_posting p on p.operator = e.operator and p.entry = e.id"
            " where e.operator = $1 and e.customer = any ($2::bigint[]) and p.account = any ($3::text[])"
            " group by e.customer, p.currency",
            *(self._operator, possible(keys), list(OWN)),
        )
        found: dict[CustomerId, dict[str, int]] = defaultdict(dict)
        for row in rows:
            found[row["customer"]][row["currency"]] = row["sum"]
        return {key: found.get(key, {}) for key in keys}

    async def standing(self, *, on: date | None = None) -> Mapping[tuple[CustomerId, str], int]:
        """Return what every customer owes on all his accounts per currency, now or when a day ended."""
        rows = await self._transaction.connection.fetch(
            "select e.customer, p.currency, sum(p.amount_minor)::bigint as sum from ledger_entry e"
            " join ledger_posting p on p.operator = e.operator and p.entry = e.id"
            " where e.operator = $1 and e.customer is not null and p.account = any ($2::text[])"
            " and ($3::date is null or e.booked_on <= $3)"
            " group by e.customer, p.currency having sum(p.amount_minor) <> 0 order by e.customer, p.currency",
            *(self._operator, list(OWN), on),
        )
        return {(row["customer"], row["currency"]): row["sum"] for row in rows}

    async def movements(
        self, keys: Sequence[CustomerId], *, until: date | None = None, first: int = 10_000
    ) -> Sequence[Movement]:
        """Return what moved on the accounts of customers by ``until``, by day and key; the earliest ``first``."""
        rows = await self._transaction.connection.fetch(
            "select e.key, e.booked_on, e.text, e.customer, p.currency, sum(p.amount_minor)::bigint as amount_minor"
            " from ledger_entry e join ledger_posting p on p.operator = e.operator and p.entry = e.id"
            " where e.operator = $1 and e.customer = any ($2::bigint[]) and p.account = any ($3::text[])"
            " and ($4::date is null or e.booked_on <= $4)"
            " group by e.booked_on, e.id, e.key, e.text, e.customer, p.currency having sum(p.amount_minor) <> 0"
            " order by e.booked_on, e.id, p.currency limit $5",
            *(self._operator, possible(keys), list(OWN), until, first),
        )
        return [Movement(**row) for row in rows]

    async def lock(self) -> LedgerLock:
        """Return how far the ledger is locked."""
        row = await self._transaction.connection.fetchrow(
            "select locked_through, version, locked_at, client from ledger_lock where operator = $1", self._operator
        )
        if row is None:
            return LedgerLock()
        return LedgerLock(
            through=row["locked_through"], version=row["version"], at=row["locked_at"], client=row["client"]
        )

    async def keep_lock(self, lock: LedgerLock) -> LedgerLock:
        """Put this lock in the place of the one before it, a version further. Refuses with: Stale."""
        connection = self._transaction.connection
        await connection.execute("select pg_advisory_xact_lock($1, $2)", LEDGER, self._operator)
        now = await self.lock()
        if now.version != lock.version:
            raise Stale("the lock is at version {version}; read it again", version=now.version, field="version")
        await connection.execute(
            "insert into ledger_lock (operator, locked_through, version, locked_at, client) values ($1, $2, $3, $4, $5)"
            " on conflict (operator) do update set locked_through = $2, version = $3, locked_at = $4, client = $5",
            *(self._operator, lock.through, lock.version + 1, lock.at, lock.client),
        )
        return replace(lock, version=lock.version + 1)

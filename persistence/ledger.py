"""The double-entry ledger in PostgreSQL; the database checks at commit that every entry is in balance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

import asyncpg

from domain.access.actor import Actor
from domain.ids import CustomerId
from domain.ledger.entry import BAS, Entry, Posted, Posting
from domain.refusal import Conflict, NotFound
from persistence.engine import Transaction
from persistence.inserting import insert_rows
from persistence.violations import possible

_ENTRY: Final = ("operator", "id", "key", "booked_on", "text", "customer", "reverses")
_POSTING: Final = ("operator", "entry", "position", "account", "currency", "amount_minor")


class LedgerStore:
    """Keeps ``domain.ports.ledger.Ledger``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = int(actor.operator)

    async def post(self, entries: Sequence[Entry]) -> None:
        """Keep new entries by COPY. Refuses with: Conflict where a key was posted, or reversed, before."""
        if not entries:
            return
        connection = self._transaction.connection
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
        await insert_rows(connection, "ledger_posting", _POSTING, postings)

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

    async def balances(self) -> Mapping[tuple[str, str], int]:
        """Return the sum per (account, currency) in minor units."""
        rows = await self._transaction.connection.fetch(
            "select account, currency, sum(amount_minor)::bigint as sum from ledger_posting where operator = $1"
            " group by account, currency order by account, currency",
            self._operator,
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
            " where e.operator = $1 and e.customer = any ($2::bigint[]) and p.account = $3"
            " group by e.customer, p.currency",
            *(self._operator, possible(keys), BAS.receivable),
        )
        found: dict[CustomerId, dict[str, int]] = defaultdict(dict)
        for row in rows:
            found[row["customer"]][row["currency"]] = row["sum"]
        return {key: found.get(key, {}) for key in keys}

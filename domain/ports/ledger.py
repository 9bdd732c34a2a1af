"""The store of the double-entry ledger; append-only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

from domain.ids import CustomerId
from domain.ledger.entry import Entry, Posted
from domain.ledger.locking import LedgerLock
from domain.ledger.statement import Movement


class Ledger(Protocol):
    """Entries of the operator, each of them in balance. Nothing is changed or removed; a reversal is a new entry."""

    async def post(self, entries: Sequence[Entry]) -> None:
        """Keep new entries, dated as the period lock lets them.

        Refuses with: Conflict where a key was posted before; WrongState (a document of a locked month).
        """
        ...

    async def open_day(self, day: date) -> date:
        """Return the day on which what is no document and happened on a day is booked; it stays so until the end."""
        ...

    async def by_key(self, key: str) -> Posted:
        """Return the entry posted under an idempotency key. Refuses with: NotFound."""
        ...

    async def balances(self, *, on: date | None = None) -> Mapping[tuple[str, str], int]:
        """Return the sum per (account, currency) in minor units, now or when a day ended; debit is positive."""
        ...

    async def booked(self, keys: Sequence[str]) -> Mapping[tuple[str, str], int]:
        """Return what the entries under these keys come to per (account, currency) in minor units."""
        ...

    async def owed(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, Mapping[str, int]]:
        """Return what each customer owes, on all his accounts together, per currency in minor units."""
        ...

    async def standing(self, *, on: date | None = None) -> Mapping[tuple[CustomerId, str], int]:
        """Return what every customer owes on all his accounts per currency, now or when a day ended; 0 is left out."""
        ...

    async def movements(
        self, keys: Sequence[CustomerId], *, until: date | None = None, first: int = 10_000
    ) -> Sequence[Movement]:
        """Return what moved on the accounts of customers by ``until``, by day and key; the earliest ``first``."""
        ...

    async def lock(self) -> LedgerLock:
        """Return how far the ledger is locked."""
        ...

    async def keep_lock(self, lock: LedgerLock) -> LedgerLock:
        """Put this lock in the place of the one before it, a version further; waits for who is posting.

        Refuses with: Stale.
        """
        ...

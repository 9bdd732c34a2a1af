"""The store of the double-entry ledger; append-only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from domain.ids import CustomerId
from domain.ledger.entry import Entry, Posted


class Ledger(Protocol):
    """Entries of the operator, each of them in balance. Nothing is changed or removed; a reversal is a new entry."""

    async def post(self, entries: Sequence[Entry]) -> None:
        """Keep new entries. Refuses with: Conflict where a key was posted before."""
        ...

    async def by_key(self, key: str) -> Posted:
        """Return the entry posted under an idempotency key. Refuses with: NotFound."""
        ...

    async def balances(self) -> Mapping[tuple[str, str], int]:
        """Return the sum per (account, currency) in minor units; debit is positive."""
        ...

    async def booked(self, keys: Sequence[str]) -> Mapping[tuple[str, str], int]:
        """Return what the entries under these keys come to per (account, currency) in minor units."""
        ...

    async def owed(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, Mapping[str, int]]:
        """Return what each customer owes on the receivables account, per currency in minor units."""
        ...

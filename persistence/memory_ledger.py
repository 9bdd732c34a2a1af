"""The double-entry ledger in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NoReturn

from domain.ids import CustomerId
from domain.ledger.entry import BAS, Entry, Posted
from domain.refusal import Conflict, NotFound
from persistence.memory import Draft


class MemoryLedger:
    """Keeps ``domain.ports.ledger.Ledger``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _own(self) -> dict[str, Posted]:
        return self._draft.state.tables.setdefault(f"ledger of {self._draft.actor.operator}", {})

    async def post(self, entries: Sequence[Entry]) -> None:
        """Keep new entries. Refuses with: Conflict where a key was posted, or reversed, before."""
        kept = self._own()
        for entry in entries:
            reversed_before = {posted.entry.reverses for posted in kept.values()} - {None}
            if entry.key in kept or entry.reverses in reversed_before:
                raise Conflict("{value} was booked before", value=entry.key if len(entries) == 1 else "one of these")
            kept[entry.key] = Posted(entry=entry, recorded_at=datetime.now(UTC))

    async def by_key(self, key: str) -> Posted:
        """Return the entry posted under an idempotency key. Refuses with: NotFound."""
        return self._own().get(key) or _missing(f"nothing is booked as {key}")

    async def balances(self) -> Mapping[tuple[str, str], int]:
        """Return the sum per (account, currency) in minor units."""
        sums: dict[tuple[str, str], int] = defaultdict(int)
        for posted in self._own().values():
            for posting in posted.entry.postings:
                sums[posting.account, posting.currency] += posting.amount_minor
        return dict(sorted(sums.items()))

    async def booked(self, keys: Sequence[str]) -> Mapping[tuple[str, str], int]:
        """Return what the entries under these keys come to per (account, currency) in minor units."""
        sums: dict[tuple[str, str], int] = defaultdict(int)
        for key in set(keys) & self._own().keys():
            for posting in self._own()[key].entry.postings:
                sums[posting.account, posting.currency] += posting.amount_minor
        return dict(sums)

    async def owed(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, Mapping[str, int]]:
        """Return what each customer owes, per currency in minor units."""
        found: dict[CustomerId, dict[str, int]] = {key: {} for key in keys}
        for posted in self._own().values():
            for posting in posted.entry.postings:
                if posted.entry.customer in found and posting.account == BAS.receivable:
                    sums = found[posted.entry.customer]
                    sums[posting.currency] = sums.get(posting.currency, 0) + posting.amount_minor
        return found


def _missing(sentence: str) -> NoReturn:
    raise NotFound(sentence)

"""The double-entry ledger in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import NoReturn

from domain.credit.checking import checks, owing
from domain.ids import CustomerId
from domain.ledger.entry import OWN, Entry, Posted
from domain.ledger.locking import LedgerLock, dated, first_open
from domain.ledger.statement import Movement
from domain.refusal import Conflict, NotFound, Stale
from persistence.memory import Draft
from persistence.memory_jobs import MemoryJobs


class MemoryLedger:
    """Keeps ``domain.ports.ledger.Ledger``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _own(self) -> dict[str, Posted]:
        return self._draft.state.tables.setdefault(f"ledger of {self._draft.actor.operator}", {})

    async def post(self, entries: Sequence[Entry]) -> None:
        """Keep new entries. Refuses with: Conflict where a key was posted, or reversed, before; WrongState."""
        kept = self._own()
        through = (await self.lock()).through
        for entry in [dated(one, through) for one in entries]:
            reversed_before = {posted.entry.reverses for posted in kept.values()} - {None}
            if entry.key in kept or entry.reverses in reversed_before:
                raise Conflict("{value} was booked before", value=entry.key if len(entries) == 1 else "one of these")
            kept[entry.key] = Posted(entry=entry, recorded_at=datetime.now(UTC))
        watched, owed = self._draft.table("credit_account"), owing(entries)
        # What somebody owes who was merged into another counts in the limits of that one.
        owed |= {one.merged_into for one in self._draft.seen("customer") if one.id in owed and one.merged_into}
        for one in checks([key for key in sorted(owed) if (key, None) in watched]):
            await MemoryJobs(self._draft).add(one)

    async def open_day(self, day: date) -> date:
        """Return the day on which what is no document and happened on a day is booked."""
        return first_open(day, (await self.lock()).through)

    async def by_key(self, key: str) -> Posted:
        """Return the entry posted under an idempotency key. Refuses with: NotFound."""
        return self._own().get(key) or _missing(f"nothing is booked as {key}")

    async def balances(self, *, on: date | None = None) -> Mapping[tuple[str, str], int]:
        """Return the sum per (account, currency) in minor units, now or when a day ended."""
        sums: dict[tuple[str, str], int] = defaultdict(int)
        for posted in self._own().values():
            if on is None or posted.entry.booked_on <= on:
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
                if posted.entry.customer in found and posting.account in OWN:
                    sums = found[posted.entry.customer]
                    sums[posting.currency] = sums.get(posting.currency, 0) + posting.amount_minor
        return found

    async def standing(self, *, on: date | None = None) -> Mapping[tuple[CustomerId, str], int]:
        """Return what every customer owes on all his accounts per currency, now or when a day ended."""
        found: dict[tuple[CustomerId, str], int] = defaultdict(int)
        for one in self._moved():
            if on is None or one.booked_on <= on:
                found[one.customer, one.currency] += one.amount_minor
        return {key: found[key] for key in sorted(found) if found[key]}

    async def movements(
        self, keys: Sequence[CustomerId], *, until: date | None = None, first: int = 10_000
    ) -> Sequence[Movement]:
        """Return what moved on the accounts of customers by ``until``, by day and key; the earliest ``first``."""
        found = [
            one for one in self._moved() if one.customer in set(keys) and (until is None or one.booked_on <= until)
        ]
        return sorted(found, key=lambda one: one.booked_on)[:first]

    def _moved(self) -> list[Movement]:
        found = []
        for posted in self._own().values():
            entry = posted.entry
            sums: dict[str, int] = defaultdict(int)
            for posting in entry.postings:
                sums[posting.currency] += posting.amount_minor if posting.account in OWN else 0
            if entry.customer is not None:
                found += [
                    Movement(
                        key=entry.key,
                        booked_on=entry.booked_on,
                        text=entry.text,
                        customer=entry.customer,
                        currency=currency,
                        amount_minor=amount,
                    )
                    for currency, amount in sorted(sums.items())
                    if amount
                ]
        return found

    async def lock(self) -> LedgerLock:
        """Return how far the ledger is locked."""
        found: LedgerLock = self._draft.table("ledger_lock").get(self._draft.actor.operator, LedgerLock())
        return found

    async def keep_lock(self, lock: LedgerLock) -> LedgerLock:
        """Put this lock in the place of the one before it, a version further. Refuses with: Stale."""
        now = await self.lock()
        if now.version != lock.version:
            raise Stale("the lock is at version {version}; read it again", version=now.version, field="version")
        kept = replace(lock, version=lock.version + 1)
        self._draft.table("ledger_lock")[self._draft.actor.operator] = kept
        return kept


def _missing(sentence: str) -> NoReturn:
    raise NotFound(sentence)

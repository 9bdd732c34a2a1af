"""Rated events in the JSON form of the vectors' ``expect``, with every key filled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from domain.money import NANO, plain
from domain.rating.book import Book
from domain.rating.layout import ABSENT, PRICED
from domain.rating.parties import Parties
from domain.rating.rate import LEVEL_STATUSES, STATUSES, Rated


def short(value: int, scale: int) -> str:
    """Write a scaled integer as a plain decimal without needless zeros.

    >>> short(490_000_000, 1_000_000_000), short(-3_000_000, 1_000_000)
    ('0.49', '-3')
    """
    text = plain(value, scale)
    return text.rstrip("0").rstrip(".") if "." in text else text


class Answers:
    """Writes the answers of one run; the side tables are grouped once."""

    def __init__(self, book: Book, parties: Parties, rated: Rated) -> None:
        self.book = book
        self.rated = rated
        self.shares: defaultdict[tuple[int, int], dict[str, str]] = defaultdict(dict)
        self.draws: defaultdict[tuple[int, int], dict[str, str]] = defaultdict(dict)
        for event, slot, ring, amount in rated.shares.tolist():
            self.shares[event, slot][book.rings[ring]] = short(amount, 1_000_000)
        for event, slot, bucket, amount in rated.draws.tolist():
            self.draws[event, slot][parties.buckets[bucket]] = (
                short(amount, 1_000_000) if parties.money[bucket] else str(amount)
            )

    def all(self, ids: Sequence[str], reasons: Sequence[str | None]) -> Iterator[dict[str, Any]]:
        """Yield the answer to each event; ``reasons``: why an event is bad, where it is."""
        for event, (name, reason) in enumerate(zip(ids, reasons, strict=True)):
            yield self.one(event, name, reason)

    def one(self, event: int, name: str, reason: str | None) -> dict[str, Any]:
        """Return the answer to one event."""
        rated = self.rated
        status = int(rated.status[event])
        if status:
            answer: dict[str, Any] = {"id": name, "unrated": STATUSES[status]}
            return {**answer, "detail": reason} if reason else answer
        to = int(rated.destination[event])
        tiers = [self._level(event, slot) for slot in range(1, rated.slots - 1)]
        while tiers and tiers[-1] is None:
            tiers.pop()
        return {
            "id": name,
            "destination": self.book.destinations[to] if to >= 0 else None,
            "retail": self._level(event, 0),
            "wholesale": tiers or None,
            "cost": self._level(event, rated.slots - 1),
        }

    def _level(self, event: int, slot: int) -> dict[str, Any] | None:
        rated, book = self.rated, self.book
        status = int(rated.level_status[slot, event])
        if status == ABSENT:
            return None
        if status != PRICED:
            return {"unrated": LEVEL_STATUSES[status]}
        band, currency = int(rated.band[slot, event]), int(rated.currency[slot, event])
        return {
            "amount": plain(int(rated.amount[slot, event])),
            "currency": book.currencies[currency] if currency >= 0 else None,
            "price_list": book.lists[int(rated.plist[slot, event])],
            "band": book.bands[band] if band >= 0 else None,
            "billed": int(rated.billed[slot, event]),
            "setup": short(int(rated.setup[slot, event]), NANO),
            "discounts": self.shares.get((event, slot), {}),
            "buckets": self.draws.get((event, slot), {}),
        }

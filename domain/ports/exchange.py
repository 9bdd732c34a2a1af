"""The store of exchange rates and of how margins are watched, and what reads banks' files of rates."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from domain.margins.exchange import DayRate, MarginRules


@dataclass(frozen=True, slots=True)
class RatesPut:
    """How many rates were new, the same as kept, and other than kept."""

    new: int
    same: int
    changed: int


class ExchangeRates(Protocol):
    """Exchange rates of the unit's operator, and his rules."""

    async def put(self, rates: Sequence[DayRate], *, replace: bool, at: datetime) -> RatesPut:
        """Keep rates, one per pair and day. Refuses with: Conflict (another is kept, and ``replace`` is false)."""
        ...

    async def between(self, since: date, until: date, currencies: Collection[str]) -> Sequence[DayRate]:
        """Return the rates with ``since <= day <= until`` of pairs with one of these currencies in them, by day."""
        ...

    async def every(self) -> Sequence[DayRate]:
        """Return all rates, by day."""
        ...

    async def page(
        self, *, first: int, after: tuple[date, str, str] | None, currency: str | None
    ) -> tuple[Sequence[DayRate], bool]:
        """List by (day, base, quote), the newest day first; the second tells whether more follow."""
        ...

    async def rules(self) -> MarginRules:
        """Return the rules, the defaults where none are kept."""
        ...

    async def keep_rules(self, rules: MarginRules) -> None:
        """Keep the rules."""
        ...

    async def revision(self) -> int:
        """Return a number that is another when a rate or a rule has changed."""
        ...


class RateFiles(Protocol):
    """Reads a bank's file of rates."""

    def read(self, content: bytes) -> Sequence[DayRate]:
        """Return the rates, one per pair and day. Refuses with: Unreadable."""
        ...

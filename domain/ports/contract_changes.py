"""Stores of contracts' changes and of quotes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from domain.contracts.changes import ContractChange
from domain.contracts.contract import Contract
from domain.ids import ContractChangeId, ContractId, CustomerId, QuoteId
from domain.ports.page import Page, PageRequest
from domain.quotes.quote import Quote


class ContractChanges(Protocol):
    """What was and will be changed of contracts that the actor may see, in the order of recording."""

    async def add(self, change: ContractChange, snapshot: Contract | None) -> ContractChange:
        """Keep a new one (its ``id`` is 0), with the contract as it is after it where it is done."""
        ...

    async def keep(self, change: ContractChange, snapshot: Contract | None) -> None:
        """Write one whose state has changed."""
        ...

    async def claim(self, key: ContractChangeId) -> ContractChange:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        ...

    async def page(self, request: PageRequest, *, contract: ContractId) -> Page[ContractChange]:
        """List a contract's by key."""
        ...

    async def planned(
        self, customers: Sequence[CustomerId], *, before: date
    ) -> Mapping[ContractId, Sequence[ContractChange]]:
        """Return what is planned before a day for contracts of the customers."""
        ...

    async def planned_of(self, contract: ContractId) -> Sequence[ContractChange]:
        """Return what is planned for a contract, by day."""
        ...

    async def due(self, day: date) -> ContractChange | None:
        """Return the first planned one whose day has come, locked; what another unit has locked is passed by."""
        ...

    async def known_at(self, contract: ContractId, at: datetime) -> Contract | None:
        """Return the contract as it had been recorded by an instant; None where nothing had."""
        ...


class Quotes(Protocol):
    """Quotes to customers that the actor may see."""

    async def many(self, keys: Sequence[QuoteId]) -> Mapping[QuoteId, Quote]:
        """Return those that exist and may be seen."""
        ...

    async def by_number(self, number: str) -> Quote:
        """Return one. Refuses with: NotFound."""
        ...

    async def page(self, request: PageRequest, *, customer: CustomerId | None = None) -> Page[Quote]:
        """List by key."""
        ...

    async def add(self, quote: Quote) -> Quote:
        """Keep a new one. Refuses with: Conflict (number taken), NotFound (customer)."""
        ...

    async def claim(self, key: QuoteId) -> Quote:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        ...

    async def keep(self, quote: Quote) -> Quote:
        """Write a changed one where the stored version is its own. Refuses with: Stale."""
        ...

    async def lapsed(self, day: date, *, first: int) -> Sequence[Quote]:
        """Return sent quotes that were valid until before a day, locked."""
        ...

    async def next_number(self) -> str:
        """Draw the next number of quotes."""
        ...

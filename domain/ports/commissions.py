"""The store of salespersons, commission rules and statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

from domain.commissions.commission import Base, Rule, Salesperson, Statement
from domain.ids import ContractId
from domain.period import Period
from domain.ports.page import Page, PageRequest


class Commissions(Protocol):
    """Who sells and what he gets. A reseller's actor sees his salespersons and his lines of statements, no rules."""

    async def people(self) -> Sequence[Salesperson]:
        """Return the salespersons that may be seen, by code."""
        ...

    async def put_person(self, one: Salesperson) -> Salesperson:
        """Keep a new one (``id`` 0), or a changed one where the stored version is its own.

        Refuses with: Conflict (code taken), Stale, NotFound (reseller).
        """
        ...

    async def rules(self) -> Sequence[Rule]:
        """Return every rule, by name."""
        ...

    async def put_rule(self, rule: Rule) -> Rule:
        """Keep a new one (``id`` 0), or a changed one where the stored version is its own.

        Refuses with: Conflict (name taken), Stale, NotFound (reseller).
        """
        ...

    async def horizon(self) -> int:
        """Return the last chunk of usage there is."""
        ...

    async def invoiced(self, period: Period) -> Sequence[Base]:
        """Return fees and usage on documents issued in a period, by day, salesperson and reseller."""
        ...

    async def begun(self, period: Period) -> Sequence[Base]:
        """Return contracts that are no drafts and begin in a period, by day, salesperson and reseller."""
        ...

    async def sellers(self, keys: Sequence[ContractId], *, on: date) -> Mapping[ContractId, tuple[str, int]]:
        """Return the salesperson on a day (empty: nobody) and the reseller (0: the operator) of contracts."""
        ...

    async def claim_period(self, period: Period) -> Statement | None:
        """Return a period's statement; None where there is none, and nobody else makes it until the unit ends.

        Refuses with: Overlap (a statement of another period has days of it).
        """
        ...

    async def add(self, statement: Statement) -> Statement:
        """Keep a new one (``id`` 0) with its lines."""
        ...

    async def statement(self, key: int) -> Statement:
        """Return one with the lines that may be seen. Refuses with: NotFound."""
        ...

    async def page(self, request: PageRequest) -> Page[Statement]:
        """List by key, with the lines that may be seen."""
        ...

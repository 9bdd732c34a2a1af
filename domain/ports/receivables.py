"""What is open of everything that customers owe, over all of them at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from domain.collection.interest import Step
from domain.ids import CustomerId, InvoiceId, ResellerId
from domain.ledger.ageing import OpenAmount
from domain.ledger.tying import Difference


class Receivables(Protocol):
    """Open amounts of the operator's customers; a reseller's unit sees none."""

    async def open_amounts(
        self, *, on: date | None = None, customers: Sequence[CustomerId] | None = None
    ) -> Sequence[OpenAmount]:
        """Return what is open of invoices and claims, now or when a day ended, by customer and due date."""
        ...

    async def history(self, invoices: Sequence[InvoiceId]) -> Mapping[InvoiceId, Sequence[Step]]:
        """Return how what is left of invoices came about, by day: issued, credited, paid, undone."""
        ...

    async def groups(self, *, at: datetime) -> Mapping[CustomerId, Sequence[str]]:
        """Return the groups that customers are in at an instant; who is in none is left out."""
        ...

    async def owners(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, ResellerId | None]:
        """Return the reseller whose customers these are, or who is invoiced as one of them; None: the operator."""
        ...

    async def differences(self, *, first: int = 100) -> Sequence[Difference]:
        """Return where the ledger says something else than invoices, payments and what they were applied to."""
        ...

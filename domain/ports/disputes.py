"""The stores of disputes, and of what other systems have fetched of the invoices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from domain.ids import CustomerId, DisputeId, InvoiceBatchId, InvoiceId
from domain.invoicing.disputes import Dispute, DisputeState
from domain.invoicing.fetched import InvoiceBatch
from domain.ports.page import Page, PageRequest


class Disputes(Protocol):
    """Disputes of invoices that the actor may see."""

    async def add(self, dispute: Dispute) -> Dispute:
        """Keep a new one (its ``id`` is 0) and return it with its key."""
        ...

    async def claim(self, key: DisputeId) -> Dispute:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        ...

    async def keep(self, dispute: Dispute) -> Dispute:
        """Write how it was decided, and return it with its new version."""
        ...

    async def page(
        self, request: PageRequest, *, state: DisputeState | None = None, customer: CustomerId | None = None
    ) -> Page[Dispute]:
        """List by key."""
        ...

    async def of_invoices(self, keys: Sequence[InvoiceId]) -> Mapping[InvoiceId, Sequence[Dispute]]:
        """Return the disputes of each invoice, by key."""
        ...

    async def held(self, keys: Sequence[InvoiceId]) -> Mapping[InvoiceId, int]:
        """Return what open disputes hold of each invoice that has any, in minor units."""
        ...

    async def held_of(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, Mapping[str, int]]:
        """Return what open disputes hold of each customer's invoices, per currency in minor units."""
        ...


class InvoiceBatches(Protocol):
    """What other systems were given of the invoices: the operator's own, or a reseller's those that he sold."""

    async def hold(self, consumer: str) -> None:
        """Let no other unit make a batch for this consumer until this one ends."""
        ...

    async def last(self, consumer: str) -> InvoiceBatch | None:
        """Return the last batch of a consumer, acknowledged or not."""
        ...

    async def make(self, consumer: str, *, most: int, at: datetime) -> InvoiceBatch | None:
        """Make the next batch, the oldest documents first; None where nothing is new."""
        ...

    async def get(self, key: InvoiceBatchId) -> InvoiceBatch:
        """Return one. Refuses with: NotFound."""
        ...

    async def acknowledge(self, key: InvoiceBatchId, *, at: datetime) -> InvoiceBatch:
        """Say that the other system has it for good. Refuses with: NotFound."""
        ...

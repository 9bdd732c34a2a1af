"""Stores of documents on their way, and of the batches that printhouses get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from domain.delivery.channel import Capability, Channel
from domain.delivery.dispatch import Dispatch, DispatchState, Form, Way
from domain.delivery.printing import PrintBatch
from domain.ids import BillRunId, CustomerId, DispatchId, InvoiceId, PrintBatchId
from domain.ports.page import Page, PageRequest


class Dispatches(Protocol):
    """Documents on their way that the unit's caller may see."""

    async def unsent(
        self, *, run: BillRunId | None, keys: Sequence[InvoiceId], most: int, way: Way | None = None
    ) -> Sequence[InvoiceId]:
        """Return the documents without a dispatch that leave by themselves, by key: of a run, those named, or all.

        ``way``: of customers alone who chose it.
        """
        ...

    async def add(self, found: Sequence[Dispatch]) -> Sequence[Dispatch]:
        """Keep new ones and return those that were not there, with their keys: a document is queued once."""
        ...

    async def many(self, keys: Sequence[DispatchId]) -> Mapping[DispatchId, Dispatch]:
        """Return those that exist and may be seen."""
        ...

    async def claim(self, key: DispatchId) -> Dispatch:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        ...

    async def waiting(
        self, way: Way, *, most: int, keys: Sequence[InvoiceId] = (), run: BillRunId | None = None
    ) -> Sequence[Dispatch]:
        """Return those that are queued for a way, locked, by key; of these documents or this run alone, where said."""
        ...

    async def keep(self, found: Sequence[Dispatch]) -> Sequence[Dispatch]:
        """Write changed ones and return them with their new versions."""
        ...

    async def named(self, numbers: Sequence[str], references: Sequence[str]) -> Sequence[Dispatch]:
        """Return, locked, those of these numbers or references, in the order of their keys."""
        ...

    async def of_invoices(self, keys: Sequence[InvoiceId]) -> Mapping[InvoiceId, Sequence[Dispatch]]:
        """Return the dispatches of each document, by key."""
        ...

    async def page(
        self,
        request: PageRequest,
        *,
        state: DispatchState | None = None,
        form: Form | None = None,
        way: Way | None = None,
        customer: CustomerId | None = None,
        batch: PrintBatchId | None = None,
    ) -> Page[Dispatch]:
        """List by key."""
        ...

    async def next_number(self) -> int:
        """Return the number of the operator's next print batch, which nobody else gets before the unit ends."""
        ...

    async def add_batch(self, batch: PrintBatch) -> PrintBatch:
        """Keep a new batch and return it with its key."""
        ...

    async def claim_batch(self, key: PrintBatchId) -> PrintBatch:
        """Return a batch locked until the unit ends. Refuses with: NotFound."""
        ...

    async def keep_batch(self, batch: PrintBatch) -> PrintBatch:
        """Write what became of it, and return it with its new version."""
        ...

    async def batches(self, request: PageRequest) -> Page[PrintBatch]:
        """List by key."""
        ...

    async def batch(self, key: PrintBatchId) -> PrintBatch:
        """Return one. Refuses with: NotFound."""
        ...


class Channels(Protocol):
    """The operator's channels, and what recipients can take."""

    async def all(self) -> Sequence[Channel]:
        """Return them by code."""
        ...

    async def claim(self, code: str) -> Channel | None:
        """Return one locked until the unit ends."""
        ...

    async def put(self, channel: Channel) -> Channel:
        """Keep a new one, or another version of the one with this code."""
        ...

    async def capability(self, endpoint: str) -> Capability | None:
        """Return what is known of a recipient."""
        ...

    async def know(self, capability: Capability) -> None:
        """Keep what a recipient can take."""
        ...

"""Documents on their way, print batches and channels, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from domain.delivery.channel import Capability, Channel
from domain.delivery.dispatch import Dispatch, DispatchState, Form, Way, leaves
from domain.delivery.printing import PrintBatch
from domain.ids import BillRunId, ChannelId, CustomerId, DispatchId, InvoiceId, PrintBatchId
from domain.ports.page import Page, PageRequest
from domain.refusal import NotFound
from persistence.memory import Draft, page_of


class MemoryDispatches:
    """Keeps ``domain.ports.delivery.Dispatches``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _seen(self) -> list[Dispatch]:
        return self._draft.seen("dispatch")

    def _own_batches(self) -> list[PrintBatch]:
        return _operators(self._draft, "print_batch")

    async def unsent(
        self, *, run: BillRunId | None, keys: Sequence[InvoiceId], most: int, way: Way | None = None
    ) -> Sequence[InvoiceId]:
        """Return the documents without a dispatch that leave by themselves, by key."""
        known = {one.invoice for one in self._seen()}
        found = [
            one.id
            for one in self._draft.seen("invoice")
            if (left := leaves(one.delivery)) is not None
            and way in {None, left[1]}
            and run in {None, one.run}
            and (not keys or one.id in keys)
            and one.id not in known
        ]
        return sorted(found)[:most]

    async def add(self, found: Sequence[Dispatch]) -> Sequence[Dispatch]:
        """Keep new ones and return those that were not there, with their keys."""
        kept = []
        table = self._draft.table("dispatch")
        for one in found:
            known = {(each.operator, each.invoice, each.again) for each in table.values()}
            if (one.operator, one.invoice, one.again) in known:
                continue
            made = replace(one, id=DispatchId(self._draft.draw("dispatch")))
            table[made.id] = made
            kept.append(made)
        return kept

    async def many(self, keys: Sequence[DispatchId]) -> Mapping[DispatchId, Dispatch]:
        """Return those that exist and may be seen."""
        return {one.id: one for one in self._seen() if one.id in set(keys)}

    async def claim(self, key: DispatchId) -> Dispatch:
        """Return one. Refuses with: NotFound."""
        for one in self._seen():
            if one.id == key:
                return one
        raise NotFound("no dispatch {key}", key=key, field="dispatch")

    async def waiting(
        self, way: Way, *, most: int, keys: Sequence[InvoiceId] = (), run: BillRunId | None = None
    ) -> Sequence[Dispatch]:
        """Return those that are queued for a way, by key."""
        of_run = {one.id for one in self._draft.seen("invoice") if run in {None, one.run}}
        wanted = [
            one
            for one in self._seen()
            if one.way is way
            and one.state is DispatchState.QUEUED
            and (not keys or one.invoice in keys)
            and one.invoice in of_run
        ]
        return wanted[:most]

    async def keep(self, found: Sequence[Dispatch]) -> Sequence[Dispatch]:
        """Write changed ones and return them with their new versions."""
        kept = [replace(one, version=one.version + 1) for one in found]
        self._draft.table("dispatch").update({one.id: one for one in kept})
        return kept

    async def named(self, numbers: Sequence[str], references: Sequence[str]) -> Sequence[Dispatch]:
        """Return those of these numbers or references, in the order of their keys."""
        return [one for one in self._seen() if one.number in set(numbers) or one.reference in set(references)]

    async def of_invoices(self, keys: Sequence[InvoiceId]) -> Mapping[InvoiceId, Sequence[Dispatch]]:
        """Return the dispatches of each document, by key."""
        return {key: [one for one in self._seen() if one.invoice == key] for key in keys}

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
        chosen = [
            one
            for one in self._seen()
            if state in {None, one.state}
            and form in {None, one.form}
            and way in {None, one.way}
            and customer in {None, one.customer}
            and batch in {None, one.batch}
        ]
        return page_of(chosen, request, lambda one: one.id)

    async def next_number(self) -> int:
        """Return the number of the operator's next print batch."""
        return max((one.number for one in self._own_batches()), default=0) + 1

    async def add_batch(self, batch: PrintBatch) -> PrintBatch:
        """Keep a new batch and return it with its key."""
        kept = replace(batch, id=PrintBatchId(self._draft.draw("print_batch")))
        self._draft.table("print_batch")[kept.id] = kept
        return kept

    async def claim_batch(self, key: PrintBatchId) -> PrintBatch:
        """Return a batch. Refuses with: NotFound."""
        return await self.batch(key)

    async def keep_batch(self, batch: PrintBatch) -> PrintBatch:
        """Write what became of it, and return it with its new version."""
        kept = replace(batch, version=batch.version + 1)
        self._draft.table("print_batch")[kept.id] = kept
        return kept

    async def batches(self, request: PageRequest) -> Page[PrintBatch]:
        """List by key."""
        return page_of(self._own_batches(), request, lambda one: one.id)

    async def batch(self, key: PrintBatchId) -> PrintBatch:
        """Return one. Refuses with: NotFound."""
        for one in self._own_batches():
            if one.id == key:
                return one
        raise NotFound("no print batch {key}", key=key, field="printBatch")


class MemoryChannels:
    """Keeps ``domain.ports.delivery.Channels``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def all(self) -> Sequence[Channel]:
        """Return them by code."""
        found: list[Channel] = _operators(self._draft, "delivery_channel")
        return sorted(found, key=lambda one: one.code)

    async def claim(self, code: str) -> Channel | None:
        """Return one."""
        return next((one for one in await self.all() if one.code == code), None)

    async def put(self, channel: Channel) -> Channel:
        """Keep a new one, or another version of the one with this code."""
        known = await self.claim(channel.code)
        key = known.id if known else ChannelId(self._draft.draw("delivery_channel"))
        kept = replace(channel, id=key)
        self._draft.table("delivery_channel")[key] = kept
        return kept

    async def capability(self, endpoint: str) -> Capability | None:
        """Return what is known of a recipient."""
        found: Capability | None = self._draft.table("recipient_capability").get((self._draft.actor.operator, endpoint))
        return found

    async def know(self, capability: Capability) -> None:
        """Keep what a recipient can take."""
        self._draft.table("recipient_capability")[self._draft.actor.operator, capability.endpoint] = capability


def _operators(draft: Draft, table: str) -> list[Any]:
    """Return an operator's own rows by key; a reseller sees none."""
    if draft.actor.reseller is not None and not draft.bulk:
        return []
    rows = draft.table(table)
    return [rows[key] for key in sorted(rows) if rows[key].operator == draft.actor.operator]

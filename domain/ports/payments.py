"""The store of payment files, payments and what they were applied to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Protocol

from domain.ids import AllocationId, ClaimId, CustomerId, InvoiceId, PaymentFileId, PaymentId, SettlementId
from domain.payments.orders import Batch
from domain.payments.payment import Allocation, OpenItem, Payment, PaymentState, StoredFile
from domain.payments.record import PaymentFile
from domain.ports.page import Page, PageRequest


class PaymentReader(Protocol):
    """Reads a payment file of a format, or of the one its content is (``auto``), whole or not at all."""

    def __call__(self, data: bytes, name: str = "auto") -> PaymentFile:
        """Read. Refuses with: BadValue (no such format), LimitExceeded, Unreadable."""
        ...


class OrderWriter(Protocol):
    """Writes a file of orders in a format that is written."""

    def __call__(self, name: str, batch: Batch) -> bytes:
        """Write. Refuses with: BadValue (no such format, a field that does not fit)."""
        ...


class Payments(Protocol):
    """Payments of the operator; a reseller's unit sees none. Who changes anything here holds the lock first."""

    async def lock(self) -> None:
        """Wait until no other unit applies payments of this operator; held until the unit ends."""
        ...

    async def file_like(self, *, sha256: bytes, key: str) -> StoredFile | None:
        """Return the file that was taken in with these bytes or under this key."""
        ...

    async def keep_file(self, file: StoredFile) -> StoredFile:
        """Keep a new file; its ``id`` is 0. Refuses with: Conflict."""
        ...

    async def known(self, identities: Sequence[str]) -> frozenset[str]:
        """Return those of the identities that were taken in before."""
        ...

    async def twins(self, payments: Sequence[Payment], *, days: int) -> frozenset[int]:
        """Return the positions of those that another format told too.

        The same kind, amount and currency at the bank, and reference, booked at most ``days`` apart.
        """
        ...

    async def told_in_detail(self, lumps: Sequence[Payment], *, days: int) -> frozenset[int]:
        """Return the positions of lump sums that the details of another format's file come to.

        Of one deposit, serial or entry in a file, and currency; booked at most ``days`` apart.
        """
        ...

    async def untied(self, since: dt.date, until: dt.date) -> Sequence[Payment]:
        """Return the lump sums that no detail has been found of, booked between two days, both included, by key."""
        ...

    async def keep(self, payments: Sequence[Payment]) -> Sequence[Payment]:
        """Keep new payments; their ``id`` is 0."""
        ...

    async def get(self, key: PaymentId) -> Payment:
        """Return one. Refuses with: NotFound."""
        ...

    async def change(self, payment: Payment) -> Payment:
        """Write a payment's state, reason, customer, entry, original, and what it was exchanged to."""
        ...

    async def page(
        self, request: PageRequest, *, state: PaymentState | None = None, customer: CustomerId | None = None
    ) -> Page[Payment]:
        """List by key, in a state and of a customer; None: any."""
        ...

    async def originals(self, payment: Payment) -> Sequence[Payment]:
        """Return the payments that a return may take back: what the bank told of both is the same, not returned."""
        ...

    async def allocate(self, allocations: Sequence[Allocation]) -> Sequence[Allocation]:
        """Keep new allocations; their ``id`` is 0."""
        ...

    async def allocations(self, payments: Sequence[PaymentId]) -> Mapping[PaymentId, Sequence[Allocation]]:
        """Return all allocations of payments, undone ones too, by key."""
        ...

    async def allocation(self, key: AllocationId) -> Allocation:
        """Return one. Refuses with: NotFound."""
        ...

    async def settled(self, settlements: Sequence[SettlementId]) -> Mapping[SettlementId, Sequence[Allocation]]:
        """Return all allocations of settlements, undone ones too, by key."""
        ...

    async def applied_to(self, claims: Sequence[ClaimId]) -> Mapping[ClaimId, int]:
        """Return what is applied to claims, in minor units."""
        ...

    async def left_of(self, customer: CustomerId) -> Sequence[tuple[Payment, int]]:
        """Return a customer's payments of which something is left, by key, with how much."""
        ...

    async def undo(self, keys: Sequence[AllocationId], *, at: dt.datetime, client: str, on: dt.date) -> None:
        """Undo allocations that are not undone; ``on``: the day of the entry that goes with it."""
        ...

    async def items_named(self, names: Sequence[str]) -> Mapping[str, OpenItem]:
        """Return the documents whose payment reference or number is one of the names, by that name."""
        ...

    async def items(self, keys: Sequence[InvoiceId]) -> Mapping[InvoiceId, OpenItem]:
        """Return documents with what is open of them."""
        ...

    async def open_items(self, customer: CustomerId, *, on: dt.date | None = None) -> Sequence[OpenItem]:
        """Return a customer's documents that are open, by due date; ``on`` a day: as they were when it ended."""
        ...

    async def customers_numbered(self, numbers: Sequence[str]) -> Mapping[str, CustomerId]:
        """Return the customers who have these numbers and are no doubles, by number."""
        ...

    async def open_of_amount(self, amount: int, currency: str) -> Sequence[OpenItem]:
        """Return invoices of which exactly an amount is open, two at most: more say nothing."""
        ...

    async def next_file_number(self, format_: str) -> int:
        """Return the number of the next file of orders of a format; they count from 1."""
        ...

    async def open_of(
        self, customers: Sequence[CustomerId], *, due_by: dt.date | None = None
    ) -> Mapping[CustomerId, Sequence[OpenItem]]:
        """Return what is open of customers' documents now, each by due date; ``due_by``: due by a day alone."""
        ...

    async def files(self, request: PageRequest) -> Page[StoredFile]:
        """List files by key."""
        ...

    async def file(self, key: PaymentFileId) -> StoredFile:
        """Return one file. Refuses with: NotFound."""
        ...

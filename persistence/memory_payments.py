"""Payment files, payments and allocations in memory."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from domain.ids import AllocationId, ClaimId, CustomerId, InvoiceId, PaymentFileId, PaymentId, SettlementId
from domain.invoicing.invoice import Invoice
from domain.ledger.entry import minor
from domain.payments.naming import names_of
from domain.payments.open_items import Document, by_name, items_of
from domain.payments.payment import Allocation, OpenItem, Payment, PaymentState, Reason, StoredFile
from domain.payments.record import Kind
from domain.payments.refund import OUT
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound
from persistence.memory import Draft, page_of

_POSTED = frozenset({PaymentState.ALLOCATED, PaymentState.CREDIT, PaymentState.UNALLOCATED})


_PARTS = ("deposit_serial", "statement_serial", "entry_no")


class MemoryPayments:
    """Keeps ``domain.ports.payments.Payments``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _rows(self, name: str) -> dict[int, object]:
        actor = self._draft.actor
        if actor.reseller is not None and not self._draft.bulk:
            return {}
        rows = self._draft.table(name)
        return {key: rows[key] for key in sorted(rows) if rows[key].operator == actor.operator}

    def _files(self) -> list[StoredFile]:
        return [row for row in self._rows("payment_file").values() if isinstance(row, StoredFile)]

    def _payments(self) -> list[Payment]:
        return [row for row in self._rows("payment").values() if isinstance(row, Payment)]

    def _allocations(self) -> list[Allocation]:
        return [row for row in self._rows("allocation").values() if isinstance(row, Allocation)]

    async def lock(self) -> None:
        """Do nothing: a unit has everything locked."""

    async def file_like(self, *, sha256: bytes, key: str) -> StoredFile | None:
        """Return the file that was taken in with these bytes or under this key."""
        return next((one for one in self._files() if one.sha256 == sha256 or one.key == key), None)

    async def keep_file(self, file: StoredFile) -> StoredFile:
        """Keep a new file. Refuses with: Conflict."""
        if await self.file_like(sha256=file.sha256, key=file.key) is not None:
            raise Conflict("{name} was taken in before", name=file.name)
        kept = replace(file, id=PaymentFileId(self._draft.draw("payment_file")))
        self._draft.table("payment_file")[kept.id] = kept
        return kept

    async def known(self, identities: Sequence[str]) -> frozenset[str]:
        """Return those of the identities that were taken in before."""
        return frozenset(identities) & {one.identity for one in self._payments()}

    async def twins(self, payments: Sequence[Payment], *, days: int) -> frozenset[int]:
        """Return the positions of those that another format told too."""
        found = set()
        for one in payments:
            names = names_of(one.record)
            for other in self._payments():
                if (
                    (other.state in _POSTED or other.state is PaymentState.RETURNED)
                    and other.kind is one.kind
                    and (other.bank_minor, other.bank_currency) == (one.bank_minor, one.bank_currency)
                    and other.identity.partition(":")[0] != one.identity.partition(":")[0]
                    and abs((other.booked_on - one.booked_on).days) <= days
                    and names & names_of(other.record)
                ):
                    found.add(one.position)
        return frozenset(found)

    async def told_in_detail(self, lumps: Sequence[Payment], *, days: int) -> frozenset[int]:
        """Return the positions of lump sums that the details of another format's file come to."""
        sums: dict[tuple[object, ...], int] = defaultdict(int)
        for one in self._payments():
            if one.kind in {Kind.PAYMENT, Kind.DEDUCTION, Kind.RETURN}:
                part = next((one.record[name] for name in _PARTS if one.record.get(name) is not None), None)
                format_ = one.identity.partition(":")[0]
                sign = 1 if one.kind is Kind.PAYMENT else -1
                sums[format_, one.booked_on, one.bank_currency, one.file, part] += sign * one.bank_minor
        return frozenset(
            lump.position
            for lump in lumps
            for (format_, on, currency, *_), amount in sums.items()
            if (amount, currency) == (lump.amount_minor, lump.currency)
            and format_ != lump.identity.partition(":")[0]
            and isinstance(on, dt.date)
            and abs((on - lump.booked_on).days) <= days
        )

    async def untied(self, since: dt.date, until: dt.date) -> Sequence[Payment]:
        """Return the lump sums that no detail has been found of, booked between two days."""
        return [
            one
            for one in self._payments()
            if one.kind is Kind.LUMP_SUM and one.reason is Reason.LUMP_SUM and since <= one.booked_on <= until
        ]

    async def keep(self, payments: Sequence[Payment]) -> Sequence[Payment]:
        """Keep new payments."""
        kept = [replace(one, id=PaymentId(self._draft.draw("payment"))) for one in payments]
        self._draft.table("payment").update({one.id: one for one in kept})
        return kept

    async def get(self, key: PaymentId) -> Payment:
        """Return one. Refuses with: NotFound."""
        for one in self._payments():
            if one.id == key:
                return one
        raise NotFound("no payment {key}", key=key, field="payment")

    async def change(self, payment: Payment) -> Payment:
        """Write a payment's state, reason, customer, entry, original, and what it was exchanged to."""
        self._draft.table("payment")[payment.id] = payment
        return payment

    async def page(
        self, request: PageRequest, *, state: PaymentState | None = None, customer: CustomerId | None = None
    ) -> Page[Payment]:
        """List by key, in a state and of a customer; None: any."""
        chosen = [one for one in self._payments() if state in {None, one.state} and customer in {None, one.customer}]
        return page_of(chosen, request, lambda one: one.id)

    async def originals(self, payment: Payment) -> Sequence[Payment]:
        """Return the payments that a return may take back, the likeliest first."""
        names = names_of(payment.record)
        found = [
            one
            for one in self._payments()
            if one.kind is Kind.PAYMENT
            and one.state in _POSTED
            and (one.bank_minor, one.bank_currency) == (payment.bank_minor, payment.bank_currency)
            and names & names_of(one.record)
            and one.booked_on <= payment.booked_on
        ]
        return sorted(found, key=lambda one: (len(names & names_of(one.record)), one.booked_on, one.id), reverse=True)

    async def allocate(self, allocations: Sequence[Allocation]) -> Sequence[Allocation]:
        """Keep new allocations."""
        kept = [replace(one, id=AllocationId(self._draft.draw("allocation"))) for one in allocations]
        self._draft.table("allocation").update({one.id: one for one in kept})
        return kept

    async def allocations(self, payments: Sequence[PaymentId]) -> Mapping[PaymentId, Sequence[Allocation]]:
        """Return all allocations of payments, undone ones too, by key."""
        return {key: [one for one in self._allocations() if one.payment == key] for key in payments}

    async def allocation(self, key: AllocationId) -> Allocation:
        """Return one. Refuses with: NotFound."""
        for one in self._allocations():
            if one.id == key:
                return one
        raise NotFound("no allocation {key}", key=key, field="allocation")

    async def settled(self, settlements: Sequence[SettlementId]) -> Mapping[SettlementId, Sequence[Allocation]]:
        """Return all allocations of settlements, undone ones too, by key."""
        return {key: [one for one in self._allocations() if one.settlement == key] for key in settlements}

    async def applied_to(self, claims: Sequence[ClaimId]) -> Mapping[ClaimId, int]:
        """Return what is applied to claims, in minor units."""
        made = [one for one in self._allocations() if one.undone_at is None]
        return {key: sum(one.amount_minor for one in made if one.claim == key) for key in claims}

    async def left_of(self, customer: CustomerId) -> Sequence[tuple[Payment, int]]:
        """Return a customer's payments of which something is left, by key, with how much."""
        applied: dict[PaymentId | None, int] = defaultdict(int)
        for one in self._allocations():
            if one.undone_at is None:
                applied[one.payment] += one.amount_minor
        for back in self._draft.table("refund").values():
            if back.operator == self._draft.actor.operator and back.state in OUT:
                applied[back.payment] += back.amount_minor
        return [
            (one, one.amount_minor - applied[one.id])
            for one in self._payments()
            if one.customer == customer and one.state is PaymentState.CREDIT and one.kind is Kind.PAYMENT
        ]

    async def undo(self, keys: Sequence[AllocationId], *, at: dt.datetime, client: str, on: dt.date) -> None:
        """Undo allocations that are not undone."""
        for one in self._allocations():
            if one.id in set(keys) and one.undone_at is None:
                self._draft.table("allocation")[one.id] = replace(one, undone_at=at, undone_by=client, undone_on=on)

    async def items_named(self, names: Sequence[str]) -> Mapping[str, OpenItem]:
        """Return the documents whose payment reference or number is one of the names, by that name."""
        return by_name(names, self._items().values())

    async def items(self, keys: Sequence[InvoiceId]) -> Mapping[InvoiceId, OpenItem]:
        """Return documents with what is open of them."""
        found = self._items()
        return {key: found[key] for key in keys if key in found}

    async def open_items(self, customer: CustomerId, *, on: dt.date | None = None) -> Sequence[OpenItem]:
        """Return a customer's documents that are open, by due date; ``on`` a day: as they were when it ended."""
        opened = [item for item in self._items(on=on).values() if item.customer == customer and item.open_minor]
        return sorted(opened, key=lambda item: (item.due_on, item.invoice))

    async def open_of_amount(self, amount: int, currency: str) -> Sequence[OpenItem]:
        """Return invoices of which exactly an amount is open, two at most."""
        found = [one for one in self._items().values() if (one.open_minor, one.currency) == (amount, currency)]
        return sorted(found, key=lambda one: one.invoice)[:2]

    async def next_file_number(self, format_: str) -> int:
        """Return the number of the next file of orders of a format."""
        mine = [
            one.number
            for one in self._draft.table("order_file").values()
            if one.operator == self._draft.actor.operator and one.format == format_
        ]
        return max(mine, default=0) + 1

    async def open_of(
        self, customers: Sequence[CustomerId], *, due_by: dt.date | None = None
    ) -> Mapping[CustomerId, Sequence[OpenItem]]:
        """Return what is open of customers' documents now, each by due date; ``due_by``: due by a day alone."""
        return {
            key: [item for item in await self.open_items(key) if due_by is None or item.due_on <= due_by]
            for key in customers
        }

    def _items(self, *, on: dt.date | None = None) -> dict[InvoiceId, OpenItem]:
        invoices: Iterable[Invoice] = self._draft.seen(
            "invoice", lambda one: one.sold_by is None and (on is None or one.issued_on <= on)
        )
        applied: dict[InvoiceId, int] = defaultdict(int)
        for one in self._allocations():
            undone = one.undone_on is not None and (on is None or one.undone_on <= on)
            if one.invoice is not None and not undone and (on is None or one.booked_on <= on):
                applied[one.invoice] += one.amount_minor
        return items_of(map(_document, invoices), applied)

    async def customers_numbered(self, numbers: Sequence[str]) -> Mapping[str, CustomerId]:
        """Return the customers who have these numbers and are no doubles, by number."""
        wanted = set(numbers)
        return {
            one.number: one.id
            for one in self._draft.seen("customer", lambda one: one.number in wanted and one.merged_into is None)
        }

    async def files(self, request: PageRequest) -> Page[StoredFile]:
        """List files by key."""
        return page_of(self._files(), request, lambda one: one.id)

    async def file(self, key: PaymentFileId) -> StoredFile:
        """Return one file. Refuses with: NotFound."""
        for one in self._files():
            if one.id == key:
                return one
        raise NotFound("no payment file {key}", key=key, field="file")


def _document(invoice: Invoice) -> Document:
    return Document(
        invoice=invoice.id,
        kind=invoice.kind,
        number=invoice.number,
        original=invoice.original,
        reference=invoice.payment.reference,
        customer=invoice.customer,
        currency=invoice.currency,
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        total_minor=minor(invoice.total, invoice.currency),
    )

"""Stores of invoices and of bill runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from domain.buckets.grant import Grant
from domain.buckets.statement import BucketEntry
from domain.contracts.contract import Contract
from domain.contracts.service import Service
from domain.contracts.subscription import Subscription
from domain.customers.customer import Customer
from domain.customers.staying import Days
from domain.ids import BillRunId, ChargeId, ContractId, CustomerId, InvoiceId, ResellerId, ServiceId, SubscriptionId
from domain.invoicing.bill_run import BilledFees, BillRun, Carried, Parked, RunPage, UsageTotal
from domain.invoicing.billing_rules import BillingRules
from domain.invoicing.charge import Charge
from domain.invoicing.fees import FeeCharge
from domain.invoicing.invoice import CallRow, DocumentKind, Invoice
from domain.invoicing.tax_rules import USUAL, Taxes
from domain.ledger.accounts import AccountRule
from domain.ports.page import Page, PageRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which documents of a list are wanted: of a kind, issued on ``since`` or later, and before ``until``."""

    kind: DocumentKind | None = None
    since: date | None = None
    until: date | None = None


class Invoices(Protocol):
    """Issued invoices and credit notes that the actor may see, with their lines; never changed."""

    async def get(self, key: InvoiceId) -> Invoice:
        """Return one. Refuses with: NotFound."""
        ...

    async def by_number(self, number: str, kind: DocumentKind = DocumentKind.INVOICE) -> Invoice:
        """Return the one with this number. Refuses with: NotFound."""
        ...

    async def by_numbers(self, numbers: Sequence[str]) -> Mapping[str, Invoice]:
        """Return the invoices that have these numbers and may be seen."""
        ...

    async def many(self, keys: Sequence[InvoiceId]) -> Mapping[InvoiceId, Invoice]:
        """Return those that exist and may be seen."""
        ...

    async def page(
        self,
        request: PageRequest,
        *,
        customer: CustomerId | None = None,
        run: BillRunId | None = None,
        doubles: Sequence[CustomerId] = (),
        chosen: Chosen | None = None,
    ) -> Page[Invoice]:
        """List by key; of a customer, with those of doubles that were merged into it."""
        ...

    async def received(self, request: PageRequest, buyers: Mapping[CustomerId, date]) -> Page[Invoice]:
        """List by key those of payers whose periods end after a day, each payer's own."""
        ...

    async def of_customers(
        self, keys: Sequence[CustomerId], *, first: int = 50
    ) -> Mapping[CustomerId, Sequence[Invoice]]:
        """Return the latest ``first`` invoices of each payer, by key."""
        ...

    async def credited(self, number: str) -> Sequence[Invoice]:
        """Return the credit notes that name this invoice."""
        ...

    async def credit_notes(self, numbers: Sequence[str]) -> Mapping[str, Sequence[Invoice]]:
        """Return the credit notes that name each invoice, by its number."""
        ...

    async def correcting(self, number: str) -> Sequence[Invoice]:
        """Return the documents with a line that corrects this invoice, by key: credit notes, and later invoices."""
        ...

    def calls(self, invoice: Invoice) -> AsyncIterator[Sequence[CallRow]]:
        """Yield the events behind its usage lines in blocks, by customer, subscription, start; free ones left out."""
        ...

    async def draw(
        self, kind: DocumentKind, count: int, *, seller: ResellerId | None = None, on: date | None = None
    ) -> tuple[Sequence[InvoiceId], Sequence[str]]:
        """Draw ``count`` keys and numbers of the seller's series, which stays locked until the unit ends.

        ``on`` is the day of issue, whose year a yearly series counts; None: today.
        """
        ...

    async def prepare(self, drafts: Sequence[Invoice]) -> None:
        """Make ready what can be written of invoices, one of each payer, before they have numbers."""
        ...

    async def issue(self, invoices: Sequence[Invoice]) -> None:
        """Keep numbered invoices with their lines."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PayerPage:
    """What the bills of some payers are made of; ``members`` are the customers billed to each, himself first.

    ``paid``: by payer and member the days that he pays for, where others have paid for the member, too.
    """

    payers: Sequence[CustomerId]
    members: Mapping[CustomerId, Sequence[Customer]]
    contracts: Mapping[CustomerId, Sequence[Contract]]
    services: Mapping[ServiceId, Service]
    subscriptions: Mapping[SubscriptionId, Subscription]
    usage: Mapping[CustomerId, Sequence[UsageTotal]]
    billed: Mapping[ContractId, BilledFees]
    granted: Mapping[ContractId, Sequence[Grant]] = field(default_factory=dict)
    buckets: Mapping[CustomerId, Sequence[BucketEntry]] = field(default_factory=dict)
    bought: Mapping[CustomerId, Sequence[FeeCharge]] = field(default_factory=dict)
    paid: Mapping[CustomerId, Mapping[CustomerId, Sequence[Days]]] = field(default_factory=dict)
    charges: Mapping[CustomerId, Sequence[Charge]] = field(default_factory=dict)
    charged: Mapping[ChargeId, Collection[date]] = field(default_factory=dict)
    unpriced: Mapping[CustomerId, int] = field(default_factory=dict)
    rules: Mapping[CustomerId, BillingRules] = field(default_factory=dict)
    carried: Mapping[CustomerId, Carried] = field(default_factory=dict)
    mandated: Mapping[CustomerId, bool] = field(default_factory=dict)
    taxes: Taxes = USUAL
    accounts: Sequence[AccountRule] = ()


class BillRuns(Protocol):
    """Bill runs of the operator. A unit for them begins with ``bulk=True``."""

    async def start(self, run: BillRun) -> BillRun:
        """Keep a new run (its ``id`` is 0) and fix its horizon, read while no chunk is being committed.

        Where the same run was interrupted, that one is returned to be continued. Refuses with: WrongState where another
        run is not finished.
        """
        ...

    async def unfinished(self) -> BillRun | None:
        """Return the run that is not finished; until the unit ends, none begins."""
        ...

    async def rehearse(self, run: BillRun) -> BillRun:
        """Keep a new run in a unit that will be rolled back: it waits for nobody, and nobody for it."""
        ...

    async def collect(self, run: BillRun, *, since: datetime, until: datetime, zone: str) -> BillRun:
        """Add up the usage before ``until`` that nobody has billed; what lies before ``since`` is late."""
        ...

    async def covered(self, run: BillRun) -> Sequence[CustomerId] | None:
        """Return the customers whose usage a run may bill, with those its payers pay for; None: everybody's."""
        ...

    async def get(self, key: BillRunId) -> BillRun:
        """Return one. Refuses with: NotFound."""
        ...

    async def claim(self, key: BillRunId) -> BillRun:
        """Return one locked until the unit ends, so that two who continue it follow one another."""
        ...

    async def page(self, request: PageRequest) -> Page[BillRun]:
        """List by key."""
        ...

    async def first_billed(self) -> date | None:
        """Return the first day of the earliest period ever billed, of named customers only where of no others."""
        ...

    async def divide(self, run: BillRun, *, size: int) -> BillRun:
        """Divide the run's payers into pages of ``size``, once."""
        ...

    async def count_payers(self, run: BillRun) -> int:
        """Return how many payers the run has left."""
        ...

    async def claim_page(self, run: BillRun) -> RunPage | None:
        """Return the first page that nobody does, held until the unit ends.

        Where others do all that is left, wait for what becomes of them. None: no page is left, or the run was ended.
        """
        ...

    async def turn(self, run: BillRun, page: RunPage) -> bool:
        """Wait until the pages before a claimed one are done; False: one of them was given up, and is to be done."""
        ...

    async def payers(self, run: BillRun, page: RunPage) -> PayerPage:
        """Return a page's payers with everything their bills are made of."""
        ...

    async def finish_page(self, run: BillRun, page: RunPage) -> bool:
        """Let a page be done with the unit; tell whether any is left."""
        ...

    async def chosen(
        self,
        *,
        cycle: int | None,
        group: str | None,
        resellers: Sequence[ResellerId] | None,
        at: datetime,
        on: date,
    ) -> Sequence[CustomerId]:
        """Return who pays himself on a day, has the billing day, is in the group at an instant, and a reseller's."""
        ...

    async def park(self, parked: Sequence[Parked]) -> None:
        """Keep who was parked and why."""
        ...

    async def parked(self, key: BillRunId) -> Sequence[Parked]:
        """Return whom a run parked, by customer number."""
        ...

    async def waiting(self, request: PageRequest) -> Page[Parked]:
        """List who is parked and was not billed since, by customer."""
        ...

    async def unpark(self, run: BillRun, payers: Sequence[CustomerId]) -> None:
        """Note that a run has come to payers: whatever parked them before is settled by it."""
        ...

    async def carried(self, payers: Sequence[CustomerId]) -> Mapping[CustomerId, Carried]:
        """Return whose invoices were below the minimum."""
        ...

    async def carry(self, carried: Sequence[Carried], billed: Sequence[CustomerId]) -> None:
        """Keep whose are now, and forget whose were and have been billed."""
        ...

    async def unpriced(self, run: BillRun, customers: Sequence[CustomerId]) -> Mapping[CustomerId, int]:
        """Return of whom how many events before the end of the period wait for a price."""
        ...

    async def mark(self, run: BillRun, billed: Sequence[tuple[CustomerId, CustomerId]]) -> None:
        """Record that usage is billed through the run's period and horizon: that of customers, each to a payer."""
        ...

    async def keep(self, run: BillRun) -> None:
        """Write position, counts and state; a finished run's working rows are cleared away."""
        ...

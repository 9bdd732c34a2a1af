"""Invoices, bill runs and the ledger in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final, NoReturn

from domain.ids import (
    BillRunId,
    CustomerId,
    InvoiceId,
    OperatorId,
    ResellerId,
)
from domain.invoicing.bill_run import BillRun
from domain.invoicing.calls import masked
from domain.invoicing.invoice import CallRow, DocumentKind, Invoice, LineKind
from domain.invoicing.series import default_prefix, name_of, yearly_name, yearly_number
from domain.ports.invoices import Chosen
from domain.ports.page import Page, PageRequest
from domain.rating.rated_event import RatedEvent
from domain.refusal import NotFound
from persistence.memory import Draft, page_of
from persistence.memory_stays import payer_at

FIRST_NUMBER = 100_001


@dataclass(frozen=True, slots=True)
class UsageRow:
    """A rated event of an operator with its destination's group; a row of the table ``usage``."""

    operator: OperatorId
    event: RatedEvent
    group: str

    @property
    def reseller(self) -> ResellerId | None:
        """Whose it is to see."""
        return self.event.reseller


# The end of a mark of what another system was given, whenever it was used.
FOR_EVER: Final = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Mark:
    """A customer's usage in ``[since, period_end)`` in chunks up to ``horizon`` is billed by ``run``."""

    operator: OperatorId
    customer: CustomerId
    run: BillRunId
    period_end: datetime
    horizon: int
    since: datetime | None = None

    def covers(self, event: RatedEvent) -> bool:
        """Tell whether the event is billed by this run or one before it."""
        return event.customer == self.customer and self.reaches(event)

    def reaches(self, event: RatedEvent) -> bool:
        """Tell whether the event lies in what was billed by this run or one before it, whoever had it."""
        begun = self.since is None or self.since <= event.start
        return begun and event.start < self.period_end and event.chunk <= self.horizon


class MemoryInvoices:
    """Keeps ``domain.ports.invoices.Invoices``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _all(self) -> list[Invoice]:
        return self._draft.seen("invoice")

    async def get(self, key: InvoiceId) -> Invoice:
        """Return one. Refuses with: NotFound."""
        return (await self.many([key])).get(key) or missing_one(f"no invoice {key}")

    async def by_number(self, number: str, kind: DocumentKind = DocumentKind.INVOICE) -> Invoice:
        """Return the one with this number. Refuses with: NotFound."""
        for one in self._all():
            if one.kind is kind and one.number == number:
                return one
        return missing_one(f"no invoice {number}")

    async def by_numbers(self, numbers: Sequence[str]) -> Mapping[str, Invoice]:
        """Return the invoices that have these numbers and may be seen."""
        return {one.number: one for one in self._all() if one.kind is DocumentKind.INVOICE and one.number in numbers}

    async def many(self, keys: Sequence[InvoiceId]) -> Mapping[InvoiceId, Invoice]:
        """Return those that exist and may be seen."""
        wanted = set(keys)
        return {one.id: one for one in self._all() if one.id in wanted}

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
        payers = None if customer is None else {customer, *doubles}
        only = chosen or Chosen()
        rows = [
            one
            for one in self._all()
            if (payers is None or one.customer in payers)
            and run in {None, one.run}
            and only.kind in {None, one.kind}
            and (only.since or date.min) <= one.issued_on < (only.until or date.max)
        ]
        return page_of(rows, request, lambda one: one.id)

    async def received(self, request: PageRequest, buyers: Mapping[CustomerId, date]) -> Page[Invoice]:
        """List by key those of payers whose periods end after a day, each payer's own."""
        rows = [one for one in self._all() if one.period.end > buyers.get(one.customer, date.max)]
        return page_of(rows, request, lambda one: one.id)

    async def of_customers(
        self, keys: Sequence[CustomerId], *, first: int = 50
    ) -> Mapping[CustomerId, Sequence[Invoice]]:
        """Return the latest ``first`` invoices of each payer, by key."""
        return {key: [one for one in self._all() if one.customer == key][-first:] for key in keys}

    async def credited(self, number: str) -> Sequence[Invoice]:
        """Return the credit notes that name this invoice."""
        return [one for one in self._all() if one.kind is DocumentKind.CREDIT_NOTE and one.original == number]

    async def credit_notes(self, numbers: Sequence[str]) -> Mapping[str, Sequence[Invoice]]:
        """Return the credit notes that name each invoice, by its number."""
        return {number: await self.credited(number) for number in numbers}

    async def correcting(self, number: str) -> Sequence[Invoice]:
        """Return the documents with a line that corrects this invoice, by key."""
        return [one for one in self._all() if any(line.corrects == number for line in one.lines)]

    async def calls(self, invoice: Invoice) -> AsyncIterator[Sequence[CallRow]]:
        """Yield the events behind its usage lines in one block; free ones left out."""
        while invoice.replaces is not None:  # the calls of the one that billed them
            invoice = replace(await self.by_number(invoice.replaces), mask_digits=invoice.mask_digits)
        if invoice.run is None:
            return
        run: BillRun = self._draft.table("bill_run")[invoice.run]
        until = until_of(self._draft, run)
        before = [mark for mark in marks_of(self._draft) if mark.run < run.id]
        labels = {line.subscription: line.label or "" for line in invoice.lines if line.subscription}
        customers = {line.customer for line in invoice.lines if line.kind is LineKind.USAGE}
        everything = usage_events(self._draft)
        rows = [
            event
            for event in everything
            if event.customer in customers and event.start < until and event.chunk <= run.horizon
            and self._payer(run, event.customer, event.start) in {None, invoice.customer}
            and event.retail.amount.value and _called(event, everything, before, run.horizon)
        ]  # fmt: skip
        rows.sort(key=lambda event: (event.customer, event.subscription, event.ref))
        if rows:
            yield [
                CallRow(
                    customer=event.customer,
                    subscription=event.subscription,
                    label=labels.get(event.subscription, ""),
                    start=event.start,
                    mode=event.mode,
                    direction=event.direction,
                    number=masked(event.b if event.direction == "out" else event.a, invoice.mask_digits),
                    destination=event.destination,
                    used=event.used,
                    amount_micro=micro_of(event),
                )
                for event in rows
            ]

    def _payer(self, run: BillRun, customer: CustomerId, at: datetime) -> CustomerId | None:
        return payer_at(self._draft, run, customer, at)

    async def draw(
        self, kind: DocumentKind, count: int, *, seller: ResellerId | None = None, on: date | None = None
    ) -> tuple[Sequence[InvoiceId], Sequence[str]]:
        """Draw keys and numbers of the seller's series."""
        series = self._draft.table("series")
        place = (self._draft.actor.operator, name_of(kind.value, seller))
        prefix = self._draft.table("series_prefix").get(place, default_prefix(seller))
        yearly, *_ = self._draft.table("series_rules").get(place, (False,))
        year = (on or datetime.now(UTC).date()).year
        if yearly:
            place = (place[0], yearly_name(kind.value, seller, year))
        first = series.get(place, 1 if yearly else FIRST_NUMBER)
        if count:
            series[place] = first + count
        keys = [InvoiceId(self._draft.draw("invoice")) for _ in range(count)]
        places = range(first, first + count)
        return keys, [yearly_number(prefix, year, one) if yearly else f"{prefix}{one}" for one in places]

    async def prepare(self, drafts: Sequence[Invoice]) -> None:
        """Nothing is written that could be made ready."""

    async def issue(self, invoices: Sequence[Invoice]) -> None:
        """Keep numbered invoices with their lines."""
        for invoice in invoices:
            assert invoice.number, "only what is issued is kept"
            self._draft.table("invoice")[invoice.id] = invoice


def usage_rows(draft: Draft) -> list[UsageRow]:
    """Return every version of every event: ``usage`` holds the present ones, ``usage_past`` the others."""
    rows = [*draft.table("usage_past").values(), *draft.table("usage").values()]
    return [row for row in rows if row.operator == draft.actor.operator]


def usage_events(draft: Draft) -> list[RatedEvent]:
    """Return every version of every event of the operator."""
    return [row.event for row in usage_rows(draft)]


def _called(event: RatedEvent, everything: Sequence[RatedEvent], before: Sequence[Mark], horizon: int) -> bool:
    """Tell whether an event is a call of an invoice: its last version up to the horizon, billed by no run before."""
    same = [one for one in everything if one.ref == event.ref]
    if event.version % 2 == 0 or any(one.version == event.version + 1 and one.chunk <= horizon for one in same):
        return False
    earlier = [one for one in same if one.version <= event.version and one.customer == event.customer]
    return not any(mark.covers(one) for mark in before for one in earlier)


def marks_of(draft: Draft) -> list[Mark]:
    """Return the marks of the operator."""
    return [mark for mark in draft.table("billed_through").values() if mark.operator == draft.actor.operator]


def until_of(draft: Draft, run: BillRun) -> datetime:
    """Return the instant at which a run's period ends."""
    return run.period.instants(draft.table("operator")[run.operator].zone)[1]


def micro_of(event: RatedEvent) -> int:
    """Return what an event costs in micro-units."""
    return int(event.retail.amount.value.scaleb(6))


def missing_one(sentence: str) -> NoReturn:
    """Refuse with NotFound."""
    raise NotFound(sentence)

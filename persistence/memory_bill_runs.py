"""Bill runs in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from domain.contracts.changes import projected
from domain.contracts.contract import Contract
from domain.contracts.service import Service
from domain.customers.customer import Customer, payer
from domain.ids import (
    BillRunId,
    ContractId,
    CustomerId,
    ResellerId,
    ServiceId,
    SubscriptionId,
)
from domain.invoicing.bill_run import (
    BilledFee,
    BilledPart,
    BillKind,
    BillRun,
    BillRunState,
    Carried,
    FeeKey,
    Parked,
    RunPage,
    UsageTotal,
)
from domain.invoicing.invoice import CreditScope, DocumentKind
from domain.ports.invoices import PayerPage
from domain.ports.page import Page, PageRequest
from domain.rating.rated_event import Charge, RatedEvent
from domain.refusal import WrongState
from persistence.memory import Draft, page_of
from persistence.memory_contract_changes import MemoryContractChanges
from persistence.memory_contracts import MemoryContracts, MemoryServices, MemorySubscriptions
from persistence.memory_invoices import Mark, marks_of, micro_of, missing_one, until_of, usage_events, usage_rows
from persistence.memory_places import placed
from persistence.memory_stays import days_paid, keep_stays, kept_stays, midnight, payer_at


class MemoryBillRuns:
    """Keeps ``domain.ports.invoices.BillRuns``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _own(self) -> list[BillRun]:
        rows = self._draft.table("bill_run")
        return [rows[key] for key in sorted(rows) if rows[key].operator == self._draft.actor.operator]

    async def start(self, run: BillRun) -> BillRun:
        """Keep a new run and fix its horizon. Refuses with: WrongState where another run is not finished."""
        unfinished = await self.unfinished()
        if unfinished is None:
            return await self.rehearse(run)
        if unfinished.asked == run.asked:
            return unfinished
        raise WrongState(
            "bill run {id} of {period} is not finished; run the same again to continue it, or abandon it",
            id=unfinished.id,
            period=unfinished.period,
        )

    async def unfinished(self) -> BillRun | None:
        """Return the run that is not finished."""
        return next((run for run in self._own() if run.state is BillRunState.RUNNING), None)

    async def rehearse(self, run: BillRun) -> BillRun:
        """Keep a new run."""
        horizon = max((event.chunk for event in usage_events(self._draft)), default=0)
        begun = replace(run, id=BillRunId(self._draft.draw("bill_run")), horizon=horizon)
        self._draft.table("bill_run")[begun.id] = begun
        keep_stays(self._draft, begun)
        return begun

    async def collect(self, run: BillRun, *, since: datetime, until: datetime, zone: str) -> BillRun:
        """Add up the usage before ``until`` that nobody has billed; what lies before ``since`` is late."""
        if run.collected:
            return run
        marks = marks_of(self._draft)
        sums: dict[tuple[object, ...], list[RatedEvent]] = defaultdict(list)
        for row in usage_rows(self._draft):
            event = row.event
            if event.start >= until or event.chunk > run.horizon:
                continue
            if any(mark.covers(event) for mark in marks):
                continue
            late = event.start < since
            corrects = self._corrected(run, event, marks)
            if corrects is not None and corrects in self._credited():
                continue
            place = (event.customer, event.contract, event.subscription, event.mode, event.direction, row.group)
            pays = payer_at(self._draft, run, event.customer, event.start)
            sums[*place, event.retail.amount.currency, late, corrects, pays].append(event)
        wholesale = self._wholesale(run, since, until, marks)
        totals = [_total(place, events, zone) for place, events in sorted(sums.items(), key=lambda each: str(each[0]))]
        totals += [_bought(place, each, zone) for place, each in sorted(wholesale.items(), key=lambda one: str(one[0]))]
        self._draft.table("bill_run_usage")[run.id] = totals
        collected = replace(run, collected=True)
        await self.keep(collected)
        return collected

    def _wholesale(
        self, run: BillRun, since: datetime, until: datetime, marks: Sequence[Mark]
    ) -> dict[tuple[object, ...], list[tuple[RatedEvent, Charge]]]:
        """Gather what resellers bought, by the customers they are invoiced as."""
        terms = sorted(self._draft.table("reseller_term").values(), key=lambda one: one.valid_from)
        found: dict[tuple[object, ...], list[tuple[RatedEvent, Charge]]] = defaultdict(list)
        for row in usage_rows(self._draft):
            event = row.event
            if event.start >= until or event.chunk > run.horizon:
                continue
            for tier, charge in zip(event.tiers, event.wholesale, strict=True):
                held = [one for one in terms if one.reseller == tier and one.valid_from <= event.start]
                buyer = held[-1].customer if held else None
                if charge is None or buyer is None:
                    continue
                mine = [mark for mark in marks if mark.customer == buyer]
                if any(mark.reaches(event) for mark in mine):
                    continue
                before = [
                    one for one in usage_events(self._draft) if one.ref == event.ref and one.version < event.version
                ]
                runs = [mark.run for mark in mine for one in before if mark.reaches(one)]
                pays = payer_at(self._draft, run, buyer, event.start)
                corrects = self._number_of(min(runs), buyer, pays) if runs else None
                if corrects is not None and corrects in self._credited():
                    continue
                place = (buyer, event.mode, event.direction, row.group, charge.amount.currency, event.start < since)
                found[*place, corrects, pays].append((event, charge))
        return found

    def _number_of(self, run: BillRunId, customer: CustomerId, pays: CustomerId | None) -> str | None:
        numbers = [
            invoice.original or invoice.number
            for invoice in self._draft.seen("invoice")
            if invoice.run == run
            and pays in {None, invoice.customer}
            and any(line.customer == customer for line in invoice.lines)
        ]
        return self._standing(numbers[0]) if numbers else None

    def _standing(self, number: str) -> str:
        """Return the number of the invoice that stands for one now: the last of those that were issued anew."""
        anew = next((one.number for one in self._draft.seen("invoice") if one.replaces == number), None)
        return number if anew is None else self._standing(anew)

    async def covered(self, run: BillRun) -> Sequence[CustomerId] | None:
        """Return the customers whose usage a run may bill, with those its payers pay for; None: everybody's."""
        if run.customers is None:
            return None
        chosen = self._payers(replace(run, position=0))
        return sorted({one.id for group in self._members(run, chosen).values() for one in group})

    def _credited(self) -> set[str | None]:
        """Return the numbers of the invoices that were credited as a whole."""
        notes = self._draft.seen("invoice")
        return {one.original for one in notes if one.credit is CreditScope.WHOLE}

    def _corrected(self, run: BillRun, event: RatedEvent, marks: Sequence[Mark]) -> str | None:
        """Return the number of the invoice that first billed the customer for an event that was rated again."""
        before = [
            one for one in usage_events(self._draft)
            if one.ref == event.ref and one.version < event.version and one.customer == event.customer
        ]  # fmt: skip
        runs = [mark.run for mark in marks for one in before if mark.covers(one)]
        pays = payer_at(self._draft, run, event.customer, event.start)
        return self._number_of(min(runs), event.customer, pays) if runs else None

    async def get(self, key: BillRunId) -> BillRun:
        """Return one. Refuses with: NotFound."""
        for one in self._own():
            if one.id == key:
                return one
        return missing_one(f"no bill run {key}")

    async def claim(self, key: BillRunId) -> BillRun:
        """Return one; the unit has everything locked. Refuses with: NotFound."""
        return await self.get(key)

    async def page(self, request: PageRequest) -> Page[BillRun]:
        """List by key."""
        return page_of(self._own(), request, lambda one: one.id)

    async def first_billed(self) -> date | None:
        """Return the first day of the earliest period ever billed, of named customers only where of no others."""
        runs = self._own()
        wide = [
            run
            for run in runs
            if run.kind is BillKind.REGULAR
            and (run.customers is None or any(one is not None for one in (run.cycle, run.group, run.reseller)))
        ]
        return min((run.period.start for run in wide or runs), default=None)

    async def divide(self, run: BillRun, *, size: int) -> BillRun:
        """Divide the run's payers into pages of ``size``, once."""
        if run.divided:
            return run
        left = self._payers(run)
        pages = [tuple(left[place : place + size]) for place in range(0, len(left), size)]
        self._draft.table("bill_run_page")[run.id] = [RunPage(page[-1], page) for page in pages]
        divided = replace(run, divided=True)
        await self.keep(divided)
        return divided

    def _pages(self, run: BillRun) -> list[RunPage]:
        pages: list[RunPage] = self._draft.table("bill_run_page").get(run.id, [])
        return pages

    async def count_payers(self, run: BillRun) -> int:
        """Return how many payers the run has left."""
        return sum(len(page.payers) for page in self._pages(run))

    async def claim_page(self, run: BillRun) -> RunPage | None:
        """Return the first page; the unit has everything locked."""
        return next(iter(self._pages(run)), None)

    async def turn(self, run: BillRun, page: RunPage) -> bool:
        """Nobody is before it: the unit has everything locked."""
        return self._pages(run)[0] == page

    async def finish_page(self, run: BillRun, page: RunPage) -> bool:
        """Let a page be done; tell whether any is left."""
        left = [one for one in self._pages(run) if one != page]
        self._draft.table("bill_run_page")[run.id] = left
        return bool(left)

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
        members = {
            one.customer
            for one in self._draft.table("customer_group").values()
            if one.name == group and one.valid_from <= at and (one.valid_to is None or one.valid_to > at)
        }
        return sorted(
            one.id
            for one in placed(self._draft, on).values()
            if one.pays_through is None
            and cycle in {None, one.billing_day or 1}
            and (group is None or one.id in members)
            and (resellers is None or one.reseller in resellers)
        )

    async def payers(self, run: BillRun, page: RunPage) -> PayerPage:
        """Return a page's payers with everything their bills are made of."""
        payers = list(page.payers)
        members = self._members(run, payers)
        customers = [one.id for group in members.values() for one in group]
        contracts, services = await self._agreed(customers, until=max(run.fees_until, run.period.end))
        totals: list[UsageTotal] = self._draft.table("bill_run_usage").get(run.id, [])
        usage = {key: [total for total in totals if total.customer == key] for key in customers}
        agreed = [contract for each in contracts.values() for contract in each]
        held = {line.subscription for one in agreed for line in one.services if line.subscription is not None}
        lines = sorted(held | {SubscriptionId(total.subscription) for total in totals})
        return PayerPage(
            payers=payers,
            members=members,
            contracts=contracts,
            services=services,
            subscriptions=await MemorySubscriptions(self._draft).many(lines),
            usage=usage,
            billed=self._billed({contract.id for contract in agreed}),
            paid=days_paid(self._draft, run, payers),
        )

    def _members(self, run: BillRun, payers: Sequence[CustomerId]) -> dict[CustomerId, list[Customer]]:
        tree, paid = self._tree(run), days_paid(self._draft, run, payers)
        several = {stay.customer for stay in kept_stays(self._draft, run)}
        ranked = sorted(tree.values(), key=lambda one: (_depth(one, tree), one.number))
        found: dict[CustomerId, list[Customer]] = {}
        for key in payers:
            mine = paid.get(key, {})
            whole = [one for one in ranked if one.id not in several and payer(one.id, tree) == key]
            found[key] = sorted([*whole, *(tree[one] for one in mine)], key=lambda one: one.id != key)
        return found

    async def _agreed(
        self, customers: Sequence[CustomerId], *, until: date
    ) -> tuple[dict[CustomerId, Sequence[Contract]], Mapping[ServiceId, Service]]:
        """Return the contracts of the customers, with what is planned for them before a day, and their services."""
        contracts = await MemoryContracts(self._draft).of_customers(customers)
        planned = await MemoryContractChanges(self._draft).planned(customers, before=until)
        wanted = {line.service for each in contracts.values() for contract in each for line in contract.services}
        wanted |= {change.new.service for each in planned.values() for change in each if change.new is not None}
        services = await MemoryServices(self._draft).related(sorted(wanted))
        found: dict[CustomerId, Sequence[Contract]] = {
            key: [projected(one, planned.get(one.id, ()), services, until) for one in each]
            for key, each in contracts.items()
        }
        return found, services

    async def park(self, parked: Sequence[Parked]) -> None:
        """Keep who was parked and why."""
        for each in parked:
            self._draft.table("bill_parked")[each.run, each.customer] = each

    async def parked(self, key: BillRunId) -> Sequence[Parked]:
        """Return whom a run parked, by customer number."""
        rows = [each for each in self._draft.table("bill_parked").values() if each.run == key]
        return sorted(rows, key=lambda each: each.customer_number) if any(one.id == key for one in self._own()) else []

    async def waiting(self, request: PageRequest) -> Page[Parked]:
        """List who is parked and was not billed since, by customer."""
        own = {run.id for run in self._own()}
        rows = [one for one in self._draft.table("bill_parked").values() if one.settled_by is None and one.run in own]
        return page_of(sorted(rows, key=lambda one: one.customer), request, lambda one: one.customer)

    async def unpark(self, run: BillRun, payers: Sequence[CustomerId]) -> None:
        """Note that a run has come to payers: whatever parked them before is settled by it."""
        rows = self._draft.table("bill_parked")
        for key, one in list(rows.items()):
            if one.settled_by is None and one.customer in payers and one.run != run.id:
                rows[key] = replace(one, settled_by=run.id)

    async def carried(self, payers: Sequence[CustomerId]) -> Mapping[CustomerId, Carried]:
        """Return whose invoices were below the minimum."""
        rows = self._draft.table("bill_carried")
        return {key: rows[key] for key in payers if key in rows}

    async def carry(self, carried: Sequence[Carried], billed: Sequence[CustomerId]) -> None:
        """Keep whose are now, and forget whose were and have been billed."""
        rows = self._draft.table("bill_carried")
        for key in billed:
            rows.pop(key, None)
        for one in carried:
            since = rows[one.customer].since if one.customer in rows else one.since
            rows[one.customer] = replace(one, since=since)

    async def unpriced(self, run: BillRun, customers: Sequence[CustomerId]) -> Mapping[CustomerId, int]:
        """Return of whom how many events before the end of the period wait for a price."""
        until, found = until_of(self._draft, run), dict.fromkeys(customers, 0)
        held = [
            (number, line.customer)
            for line in self._draft.table("subscription").values()
            if line.operator == run.operator and line.customer in found
            for number in line.numbers
        ]
        for one in self._draft.table("suspense").values():
            event, start = one.event, one.start
            if one.operator != run.operator or event is None or start is None or start >= until:
                continue
            if one.reason == "no_rate":
                mine = event["b"] if event["direction"] == "in" else event["a"]
                for number, customer in held:
                    if (
                        number.number == mine
                        and number.valid_from <= start
                        and (number.valid_to is None or start < number.valid_to)
                    ):
                        found[customer] += 1
        return {key: count for key, count in found.items() if count}

    async def mark(self, run: BillRun, billed: Sequence[tuple[CustomerId, CustomerId]]) -> None:
        """Record that usage is billed through the run's period and horizon: that of customers, each to a payer."""
        until, zone = until_of(self._draft, run), self._draft.table("operator")[run.operator].zone
        paid = days_paid(self._draft, run, [key for key, _ in billed])
        for key, customer in billed:
            for first, last in paid.get(key, {}).get(customer, [(None, None)]):
                begin = None if first is None else midnight(first, zone)
                end = until if last is None else min(midnight(last, zone), until)
                if begin is None or begin < until:
                    mark = Mark(run.operator, customer, run.id, end, run.horizon, begin)
                    self._draft.table("billed_through")[customer, run.id, end] = mark
        done = set(billed)
        everything = self._draft.table("bill_run_usage")[run.id]
        whole = {customer for _, customer in done}
        self._draft.table("bill_run_usage")[run.id] = [
            one for one in everything
            if not (one.customer in whole if one.payer is None else (one.payer, one.customer) in done)
        ]  # fmt: skip

    async def keep(self, run: BillRun) -> None:
        """Write position, counts and state; a finished run's working rows are cleared away."""
        self._draft.table("bill_run")[run.id] = run
        if run.state is BillRunState.DONE:
            for name in ("bill_run_usage", "bill_run_page"):
                self._draft.table(name).pop(run.id, None)

    def _tree(self, run: BillRun) -> dict[CustomerId, Customer]:
        """Return the tree of the last day of a run's period."""
        return placed(self._draft, run.period.end - timedelta(days=1))

    def _payers(self, run: BillRun) -> list[CustomerId]:
        tree = self._tree(run)
        chosen = tree if run.customers is None else {key for key in run.customers if key in tree}
        several = kept_stays(self._draft, run)
        found = {payer(one, tree) for one in chosen} | {stay.payer for stay in several if stay.customer in chosen}
        return sorted(key for key in found if key > run.position)

    def _billed(self, contracts: set[ContractId]) -> dict[ContractId, dict[FeeKey, BilledFee]]:
        found: dict[ContractId, dict[FeeKey, BilledFee]] = {contract: {} for contract in contracts}
        for invoice in self._draft.seen("invoice"):
            for line in invoice.lines:
                if line.fee is not None and line.fee.contract in found:
                    fees = found[line.fee.contract]
                    before = fees.get(line.fee, BilledFee(Decimal(0), ""))
                    number = invoice.number
                    if invoice.kind is DocumentKind.CREDIT_NOTE:
                        number = line.corrects or invoice.original or number
                    parts = (*before.parts, BilledPart(line.period, line.net, number))
                    fees[line.fee] = BilledFee(before.net + line.net, number, parts)
        return found


def _total(place: tuple[object, ...], events: Sequence[RatedEvent], zone: str) -> UsageTotal:
    customer, contract, subscription, mode, direction, group, currency, late, corrects, pays = place
    return UsageTotal(
        customer=customer,  # type: ignore[arg-type]  # the key's parts in their order
        contract=contract,  # type: ignore[arg-type]  # likewise
        subscription=subscription,  # type: ignore[arg-type]  # likewise
        mode=str(mode),
        direction=str(direction),
        group=str(group),
        currency=str(currency),
        late=bool(late),
        first=min(event.start for event in events).astimezone(ZoneInfo(zone)).date(),
        events=sum(1 if event.version % 2 else -1 for event in events),
        used=sum(event.used for event in events),
        amount_micro=sum(map(micro_of, events)),
        corrects=None if corrects is None else str(corrects),
        payer=pays,  # type: ignore[arg-type]  # likewise
    )


def _bought(place: tuple[object, ...], each: Sequence[tuple[RatedEvent, Charge]], zone: str) -> UsageTotal:
    customer, *rest = place
    total = _total((customer, 0, 0, *rest), [one for one, _ in each], zone)
    return replace(total, amount_micro=sum(int(charge.amount.value.scaleb(6)) for _, charge in each), wholesale=True)


def _depth(customer: Customer, tree: Mapping[CustomerId, Customer]) -> int:
    depth = 0
    while (above := customer.pays_through) is not None:
        customer, depth = tree[above], depth + 1
    return depth

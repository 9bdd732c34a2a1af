"""Bill a period: every payer gets the invoice of what was used and agreed, once, or is parked with the reason."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from domain.access.actor import Action, Actor, system
from domain.access.approval import ApprovalKind, Unapproved
from domain.access.operations import operation
from domain.credit.counting import recount
from domain.customers.customer import BILLING_DAY_MAX
from domain.ids import BillRunId, CustomerId, ResellerId
from domain.intake.rater import Rater
from domain.intake.raters import Raters
from domain.invoicing.bill import Bill, Doubt
from domain.invoicing.bill_run import BillKind, BillRun, BillRunState, Carried, Parked, RunPage, UsageTotal
from domain.invoicing.billing_rules import BillForm, carried_over
from domain.invoicing.elsewhere import handed_over
from domain.invoicing.fees import FeeCharge, Window
from domain.invoicing.invoice import Invoice, Look, decimals_of, numbered
from domain.invoicing.references import OcrLevel, payment_reference
from domain.invoicing.series import NumberSeries, SeriesKind, counted, referred
from domain.jobs.job import NewJob
from domain.ledger.entry import of_invoice
from domain.operators import Operator
from domain.period import Period
from domain.ports.clock import Clock
from domain.ports.invoices import PayerPage
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotFound, WrongState
from domain.resellers.reseller import Reseller, as_of, seller_above, selling, subtree
from domain.usecases.bill_elsewhere import Elsewhere, give_back, keep_elsewhere, with_elsewhere
from domain.usecases.buy_services import with_bought
from domain.usecases.carry_out_changes import carry_out_changes, rehearse_changes
from domain.usecases.charge_bills import with_charges
from domain.usecases.correct_as_charged import assembled
from domain.usecases.fit_contract import day_in
from domain.usecases.four_eyes import agreed, four_eyes
from domain.usecases.load_taxes import load_taxes
from domain.usecases.send_documents import QUEUE
from domain.usecases.settle_draws import SettleDraws, settle_all, settle_draws
from domain.usecases.state_buckets import with_buckets

PAYERS_PER_PAGE: Final = 500
CUSTOMERS_MAX: Final = 10_000
# Pages that one process does at a time: while PostgreSQL writes one, the next is made.
LANES: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBills:
    """Bill ``period``. ``fees_until`` None is its end, ``issued_on`` None today in the operator's zone.

    ``customers`` None is everybody; a customer billed through another is billed with his payer. Else ``cycle`` (payers
    whose periods begin on this day of the month), ``group`` (of customers, when the period ends) and ``reseller`` (his
    part of the tree) choose payers, together or alone; or ``again``: those whom that run parked and nobody has billed
    since. ``dry_run`` does everything and keeps nothing; ``as_invoices``: and shows an invoice also of whom another
    system invoices.
    """

    period: Period
    fees_until: date | None = None
    issued_on: date | None = None
    customers: tuple[CustomerId, ...] | None = None
    dry_run: bool = False
    kind: BillKind = BillKind.REGULAR
    cycle: int | None = None
    group: str | None = None
    reseller: ResellerId | None = None
    again: BillRunId | None = None
    as_invoices: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PageDone:
    """A page of payers that was billed: how far the run is, what it issued, and whom it parked.

    ``billed_customers`` are those whose usage stands on the invoices, each behind its payer. ``bought`` is what stands
    on them of resellers' customers, by payer and by the customer as whom a reseller is invoiced. ``carried``: whose
    invoices are below the minimum. ``elsewhere``: what is charged to those whom another system invoices. In a dry run
    the invoices have no number.
    """

    run: BillRun
    payers_total: int
    payers: Sequence[CustomerId]
    invoices: Sequence[Invoice]
    parked: Sequence[Parked]
    billed_customers: Sequence[tuple[CustomerId, CustomerId]]
    bought: Mapping[CustomerId, Mapping[CustomerId, Sequence[FeeCharge]]] = field(default_factory=dict)
    carried: Sequence[Carried] = ()
    elsewhere: Elsewhere = field(default_factory=Elsewhere)


Told = Callable[[PageDone], None]


class _Rehearsed(Exception):  # noqa: N818  (it only leaves the unit, so that nothing of it is kept)
    """Everything was done; now undo it."""


@operation(Action.RUN_BILLS)
@four_eyes(ApprovalKind.BILL_RUN)
async def run_bills(
    cmd: RunBills,
    *,
    actor: Actor,
    begin: Begin,
    clock: Clock,
    raters: Raters | None = None,
    done: Told = lambda _: None,
    decided: bool = False,
    asking: bool = False,
) -> BillRun:
    """Bill a period and return the run with its totals. One transaction per page of payers.

    Any number may do the same run at once: each does pages of its own, numbered in the order of the payers.
    ``decided``: a second person has agreed to runs of this kind already, so that none is asked for this one;
    ``asking``: one is, whatever the rules say.

    What is due of contracts is carried out first, and what drew on buckets out of order is settled, by the compiled
    ``raters`` where the caller has some.

    An interrupted run is continued by the same command. Running again bills only what is new since. ``done`` hears of
    every page after it was committed. Refuses with: NotAllowed, BadValue, NotFound (reseller, run), WrongState (another
    run is not finished; nobody waits to be billed again).
    """
    _check(cmd)
    if asking and actor.approval is None:
        raise Unapproved(ApprovalKind.BILL_RUN, None)
    raters = raters or Raters()
    if cmd.dry_run:
        return await _rehearse(cmd, actor, begin, clock, raters, done)
    async with begin(actor, bulk=True) as unit:
        operator = await unit.operators.own()
    await carry_out_changes(actor=system(actor.operator, actor.client), begin=begin, clock=clock)
    await settle_draws(_settling(cmd, operator), actor=actor, begin=begin, clock=clock, raters=raters)
    begun = await _begun(cmd, operator, actor, begin, clock, None, decided=decided)
    # What came out of order meanwhile is settled while nobody commits: little, or nothing.
    run = begun or await _begun(cmd, operator, actor, begin, clock, await raters.present(actor, begin), decided=decided)
    assert run is not None, "with a rater nothing stays out of order"
    async with begin(actor, bulk=True) as unit:
        run = await _collect(unit, await unit.bill_runs.claim(run.id), operator)
        total = run.payers + await unit.bill_runs.count_payers(run)
    around = _Around(operator, actor, begin, clock, raters, done, total)
    lanes = [asyncio.create_task(_lane(run, around)) for _ in range(LANES)]
    try:
        await asyncio.gather(*lanes)
    finally:
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)
    async with begin(actor, bulk=True) as unit:
        return await _ended(unit, run.id, clock)


@dataclass(frozen=True, slots=True)
class _Around:
    """What every page of a run has in common."""

    operator: Operator
    actor: Actor
    begin: Begin
    clock: Clock
    raters: Raters
    done: Told
    total: int


class _GivenUp(Exception):  # noqa: N818  (it only leaves the unit)
    """A page before this one was given up by who did it; it is done first."""


async def _lane(run: BillRun, around: _Around) -> None:
    """Bill page after page, beside others: each is made by itself, and issued in its turn."""
    while True:
        try:
            async with around.begin(around.actor, bulk=True) as unit:
                bounds = await unit.bill_runs.claim_page(run)
                if bounds is None:
                    return
                page = await _page(unit, run, bounds, around.operator, around.total, around.raters)
                if not await unit.bill_runs.turn(run, bounds):
                    raise _GivenUp  # noqa: TRY301  (nothing of it may be kept)
                now = await unit.bill_runs.claim(run.id)
                if now.state is BillRunState.DONE:
                    return  # it was ended meanwhile
                page = replace(page, run=now)
                invoices = await _issue(unit, page, around.operator)
                more = await unit.bill_runs.finish_page(run, bounds)
                after = _after(page, more=more, clock=around.clock)
                await unit.bill_runs.keep(after)
                if not more:
                    queue = NewJob(kind=QUEUE, payload={"run": run.id}, dedupe=f"run:{run.id}")
                    await unit.jobs.add(queue)
        except _GivenUp:
            continue
        around.done(replace(page, run=after, invoices=invoices))


async def _ended(unit: Unit, key: BillRunId, clock: Clock) -> BillRun:
    """Return a run none of whose pages is left; one that had no payer at all ends here."""
    run = await unit.bill_runs.claim(key)
    if run.state is BillRunState.RUNNING and await unit.bill_runs.count_payers(run) == 0:
        run = replace(run, state=BillRunState.DONE, finished_at=clock.now())
        await unit.bill_runs.keep(run)
    return run


def _check(cmd: RunBills) -> None:
    """Refuses with: BadValue."""
    if cmd.customers is not None and not 0 < len(cmd.customers) <= CUSTOMERS_MAX:
        raise BadValue(
            "1 to {customers_max} customers can be named, or none for everybody",
            customers_max=CUSTOMERS_MAX,
            field="customers",
        )
    chosen = any(one is not None for one in (cmd.cycle, cmd.group, cmd.reseller))
    if (cmd.customers is not None) + chosen + (cmd.again is not None) > 1:
        raise BadValue(
            "name customers, choose them by cycle, group and reseller, or name a run: one of the three",
            field="customers",
        )
    if cmd.cycle is not None and not 1 <= cmd.cycle <= BILLING_DAY_MAX:
        raise BadValue("a billing day is 1 to {most}", most=BILLING_DAY_MAX, field="cycle")
    if cmd.kind is not BillKind.REGULAR and cmd.customers is None and cmd.again is None:
        raise BadValue("a final, interim or on-demand invoice is of customers that are named", field="kind")


async def _begun(  # noqa: PLR0917  (what its caller was given)
    cmd: RunBills,
    operator: Operator,
    actor: Actor,
    begin: Begin,
    clock: Clock,
    rater: Rater | None,
    *,
    decided: bool,
) -> BillRun | None:
    """Start the run, or go on with the one that is not finished; None where without a rater draws stay out of order."""
    async with begin(actor, bulk=True) as unit:
        free = await unit.draws.fence()
        if free and rater is not None:
            await settle_all(unit, rater, _settling(cmd, operator), actor=actor, clock=clock)
        elif free and await unit.draws.disordered(None, after=0, first=1):
            return None
        new = await _new(unit, cmd, actor, operator, clock)
        run = await unit.bill_runs.start(new)
        if run.created_at == new.created_at and not decided:  # one that is continued was agreed upon when it began
            await agreed(unit, actor, ApprovalKind.BILL_RUN, cmd, now=new.created_at)
        if free:
            _, until = run.period.instants(operator.zone)
            covered = await unit.bill_runs.covered(run)
            await unit.draws.close(covered, until=until, horizon=run.horizon)
        await unit.audit.write("bills.run", f"bill_run:{run.id}", {"period": str(run.period)})
        return run


def _settling(cmd: RunBills, operator: Operator) -> SettleDraws:
    return SettleDraws(until=cmd.period.instants(operator.zone)[1])


async def _rehearse(  # noqa: PLR0917  (what its caller was given)
    cmd: RunBills, actor: Actor, begin: Begin, clock: Clock, raters: Raters, done: Told
) -> BillRun:
    run: BillRun | None = None
    async with begin(actor, bulk=True) as unit:
        drawn = await unit.draws.disordered(None, after=0, first=1)
    rater = await raters.present(actor, begin) if drawn else None
    try:
        async with begin(actor, bulk=True) as unit:
            operator = await unit.operators.own()
            tomorrow = day_in(operator, clock.now()) + timedelta(days=1)
            await rehearse_changes(unit, max(tomorrow, cmd.period.end), clock=clock)
            if rater is not None:
                settling = _settling(cmd, operator)
                if cmd.customers is not None:  # nobody else's draws are held meanwhile
                    first = await unit.bill_runs.rehearse(await _new(unit, cmd, actor, operator, clock))
                    whose = await unit.bill_runs.covered(first)
                    settling = replace(settling, customers=None if whose is None else tuple(whose))
                await settle_all(unit, rater, settling, actor=actor, clock=clock)
            run = await unit.bill_runs.rehearse(await _new(unit, cmd, actor, operator, clock))
            run = await _collect(unit, run, operator)
            total = await unit.bill_runs.count_payers(run)
            while (bounds := await unit.bill_runs.claim_page(run)) is not None:
                page = await _page(unit, run, bounds, operator, total, raters, as_invoices=cmd.as_invoices)
                more = await unit.bill_runs.finish_page(run, bounds)
                run = _after(page, more=more, clock=clock)
                done(replace(page, run=run))
            run = replace(run, state=BillRunState.DONE, finished_at=run.finished_at or clock.now())
            raise _Rehearsed  # noqa: TRY301  (nothing of it may be kept)
    except _Rehearsed:
        assert run is not None
        return replace(run, id=BillRunId(0))


async def _new(unit: Unit, cmd: RunBills, actor: Actor, operator: Operator, clock: Clock) -> BillRun:
    now = clock.now()
    return BillRun(
        id=BillRunId(0),
        operator=actor.operator,
        period=cmd.period,
        fees_until=cmd.fees_until or cmd.period.end,
        issued_on=cmd.issued_on or now.astimezone(ZoneInfo(operator.zone)).date(),
        horizon=0,
        state=BillRunState.RUNNING,
        client=actor.client,
        created_at=now,
        customers=await chosen_payers(unit, cmd, operator),
        kind=cmd.kind,
        cycle=cmd.cycle,
        group=cmd.group,
        reseller=cmd.reseller,
        again=cmd.again,
    )


async def chosen_payers(unit: Unit, cmd: RunBills, operator: Operator) -> tuple[CustomerId, ...] | None:
    """Return whom a command chooses, by key; None: everybody. Refuses with: NotFound, WrongState (nobody waits)."""
    if cmd.customers is not None:
        return tuple(sorted(set(cmd.customers)))
    if cmd.again is not None:
        await unit.bill_runs.get(cmd.again)
        waiting = [one.customer for one in await unit.bill_runs.parked(cmd.again) if one.settled_by is None]
        if not waiting:
            raise WrongState("nobody whom bill run {run} parked waits to be billed", run=cmd.again, field="run")
        return tuple(sorted(waiting))
    if cmd.cycle is None and cmd.group is None and cmd.reseller is None:
        return None
    resellers = None
    if cmd.reseller is not None:
        tree = await unit.resellers.tree()
        if cmd.reseller not in tree:
            raise NotFound("no reseller {key}", key=cmd.reseller, field="reseller")
        resellers = subtree(cmd.reseller, tree)
    end = cmd.period.instants(operator.zone)[1] - timedelta(microseconds=1)
    last = cmd.period.end - timedelta(days=1)
    return tuple(await unit.bill_runs.chosen(cycle=cmd.cycle, group=cmd.group, resellers=resellers, at=end, on=last))


async def _collect(unit: Unit, run: BillRun, operator: Operator) -> BillRun:
    since, until = run.period.instants(operator.zone)
    await give_back(unit, run, at=until - timedelta(microseconds=1))
    run = await unit.bill_runs.collect(run, since=since, until=until, zone=operator.zone)
    return await unit.bill_runs.divide(run, size=PAYERS_PER_PAGE)


async def _page(  # noqa: PLR0917  (what its callers have)
    unit: Unit,
    run: BillRun,
    bounds: RunPage,
    operator: Operator,
    total: int,
    raters: Raters,
    *,
    as_invoices: bool = False,
) -> PageDone:
    """Make the bills of a page's payers, not yet numbered."""
    since = await unit.bill_runs.first_billed() or run.period.start
    window = Window(run.period, run.fees_until, since=since, decimals=decimals_of(operator.currency))
    page = await with_elsewhere(unit, await unit.bill_runs.payers(run, bounds), window)
    page = await _with_grants(unit, page, window)
    page = await with_buckets(unit, page, run.period.instants(operator.zone), zone=operator.zone, raters=raters)
    page = await with_bought(unit, page, window, zone=operator.zone)
    # Who sells is read off the tree of resellers as it is when the period ends.
    end = run.period.instants(operator.zone)[1] - timedelta(microseconds=1)
    page = await with_charges(unit, page, run, window, at=end)
    heads = [page.members[key][0] for key in page.payers]
    taxes = await load_taxes(unit, operator, heads, run.issued_on)
    page = replace(page, taxes=taxes, accounts=await unit.account_rules.every())
    tree = as_of(await unit.resellers.base(), await unit.resellers.terms(), end)
    drafts: list[Invoice] = []
    parked: list[Parked] = []
    carried: list[Carried] = []
    billed: list[tuple[CustomerId, CustomerId]] = []
    bought: dict[CustomerId, Mapping[CustomerId, Sequence[FeeCharge]]] = {}
    elsewhere = Elsewhere()
    bills = {key: _bill(page, key, run, operator, window, tree) for key in page.payers}
    invoiced = {key: bill for key, bill in bills.items() if as_invoices or bill.rules.form is BillForm.INVOICE}
    invoices = await assembled(unit, invoiced)
    for key, bill in bills.items():
        made = invoices[key] if key in invoices else handed_over(bill, page.bought.keys())
        if isinstance(made, Doubt):
            who = bill.payer
            parked.append(
                Parked(run=run.id, customer=key, customer_number=who.number, reason=made.reason, detail=made.detail)
            )
            continue
        if isinstance(made, Invoice):
            over = carried_over(made, bill.rules, run, page.carried.get(key))
            if over is not None:
                carried.append(over)
                continue
        mine = [member.id for member in bill.members if bill.usage.get(member.id)]
        billed += [(key, member) for member in mine]
        if made is None:
            continue
        # As the lines: of the days before a member's payer changed, nothing of what he buys is here.
        buyers = [member.id for member in bill.members if bill.pays_last(member.id)]
        sold = {buyer: page.bought[buyer] for buyer in buyers if page.bought.get(buyer)}
        if isinstance(made, Invoice):
            drafts.append(made)
            bought[key] = sold
        else:
            elsewhere.fees.extend(made)
            elsewhere.counted.extend((key, member) for member in mine if member not in page.bought)
            elsewhere.bought.update(sold)
    return PageDone(
        run=run,
        payers_total=total,
        payers=page.payers,
        invoices=drafts,
        parked=parked,
        billed_customers=billed,
        bought=bought,
        carried=carried,
        elsewhere=elsewhere,
    )


def _after(page: PageDone, *, more: bool, clock: Clock) -> BillRun:
    """Return the run with a page added to its counts."""
    run = page.run
    made, parked = page.invoices, len(page.parked)
    return replace(
        run,
        position=page.payers[-1] if page.payers else run.position,
        payers=run.payers + len(page.payers),
        invoices=run.invoices + len(made),
        parked=run.parked + parked,
        nothing=run.nothing + len(page.payers) - len(made) - parked,
        carried=run.carried + len(page.carried),
        net=run.net + sum((invoice.net for invoice in made), Decimal(0)),
        vat=run.vat + sum((invoice.vat_total for invoice in made), Decimal(0)),
        total=run.total + sum((invoice.total for invoice in made), Decimal(0)),
        state=BillRunState.RUNNING if more else BillRunState.DONE,
        finished_at=None if more else clock.now(),
    )


def _bill(  # noqa: PLR0917  (what its caller has)
    page: PayerPage,
    key: CustomerId,
    run: BillRun,
    operator: Operator,
    window: Window,
    tree: Mapping[ResellerId, Reseller],
) -> Bill:
    members = page.members[key]
    reseller = seller_above(members[0].reseller, tree)
    seller = reseller.seller if reseller is not None else None
    return Bill(
        operator=operator if seller is None else selling(operator, seller),
        sold_by=None if reseller is None else reseller.id,
        look=None if seller is None else Look(accent=seller.accent, logo=seller.logo, note=seller.note),
        run=run,
        window=window,
        payer=members[0],
        members=members,
        contracts=page.contracts,
        services=page.services,
        subscriptions=page.subscriptions,
        usage={member.id: _used(page, member.id, key) for member in members},
        paid=page.paid.get(key, {}),
        billed=page.billed,
        granted=page.granted,
        buckets=page.buckets,
        bought=page.bought,
        charges=page.charges,
        charged=page.charged,
        unpriced=page.unpriced,
        rules=page.rules[key],
        mandated=page.mandated.get(key),
        taxes=page.taxes,
        accounts=page.accounts,
    )


def _used(page: PayerPage, customer: CustomerId, payer: CustomerId) -> Sequence[UsageTotal]:
    """Return a customer's usage of the days that a payer pays for."""
    return [total for total in page.usage.get(customer, ()) if total.payer in {None, payer}]


async def _with_grants(unit: Unit, page: PayerPage, window: Window) -> PayerPage:
    """Return a page with what was granted at a price, and the services as which that was or is billed."""
    contracts = [contract.id for each in page.contracts.values() for contract in each]
    granted = await unit.grants.charges(contracts, window.earliest, max(window.fees_until, window.period.end))
    wanted = {one.service for each in granted.values() for one in each if one.service is not None}
    # What was billed of a service that no contract holds any more is given back under its name.
    wanted |= {key.service for fees in page.billed.values() for key in fees}
    more = await unit.services.many(sorted(wanted - page.services.keys()))
    return replace(page, granted=granted, services={**page.services, **more})


async def _issue(unit: Unit, page: PageDone, operator: Operator) -> list[Invoice]:
    """Give a page's invoices their numbers; keep, book, mark and announce them: together or not at all."""
    issued: list[Invoice] = []
    # In one order, so that two who issue at the same time wait for each other and never in a ring.
    for kind, seller in sorted({(draft.kind, draft.sold_by or ResellerId(0)) for draft in page.invoices}):
        mine = [draft for draft in page.invoices if (draft.kind, draft.sold_by or 0) == (kind, seller)]
        keys, numbers = await unit.invoices.draw(kind, len(mine), seller=seller or None, on=mine[0].issued_on)
        series = await unit.operators.series_of(SeriesKind(kind.value), seller or None)
        sells = await seller_named(unit, operator, seller or None)
        issued += [
            numbered(draft, id=key, number=number, reference=reference_of(sells, number, series))
            for draft, key, number in zip(mine, keys, numbers, strict=True)
        ]
    await unit.invoices.issue(issued)
    for invoice in issued:
        for buyer, fees in page.bought.get(invoice.customer, {}).items():
            await unit.wholesale.charged(invoice, buyer, fees)
    # What a reseller sells in his own name is in his books.
    await unit.ledger.post([of_invoice(invoice) for invoice in issued if invoice.sold_by is None])
    await keep_elsewhere(unit, page.run, page.elsewhere)
    await unit.bill_runs.mark(page.run, page.billed_customers)
    await recount(unit, {customer for _, customer in page.billed_customers}, at=page.run.created_at)
    await unit.bill_runs.unpark(page.run, page.payers)
    await unit.bill_runs.park(page.parked)
    left = {one.customer for one in page.carried}
    sent = {invoice.customer for invoice in issued} | {fee.payer for fee in page.elsewhere.fees}
    await unit.bill_runs.carry(page.carried, sorted(sent - left))
    if issued:
        await unit.outbox.promise(
            "invoice.issued", {"invoices": [each.id for each in issued]}, subject=f"bill_run:{page.run.id}"
        )
    return issued


async def seller_named(unit: Unit, operator: Operator, reseller: ResellerId | None) -> Operator:
    """Return what the documents of a seller start from; None: the operator's own."""
    if reseller is None:
        return operator
    seller = (await unit.resellers.tree())[reseller].seller
    return operator if seller is None else selling(operator, seller)


def reference_of(operator: Operator, number: str, series: NumberSeries | None = None) -> str:
    """Return what the payer gives with the payment of an invoice of this number, as its series says."""
    own = None if series is None else referred(number, series)
    if own is not None:
        return own
    if series is not None and series.yearly:
        return payment_reference(operator.country, "".join(number.split("-")[-2:]), OcrLevel(operator.ocr_level))
    return payment_reference(operator.country, counted(number), OcrLevel(operator.ocr_level))

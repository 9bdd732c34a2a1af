"""The operations of the WSDL about bill runs, and what the next invoice would be."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from spyne import Boolean, Date, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.catalogues import told
from api.soap.invoices import InvoiceDetail, shown
from api.soap.models import Model, _enum, many, needed
from api.soap.paging import key_after
from api.soap.resellers import codes_of, key_named
from api.soap.service import operation
from api.soap.showing import plain
from domain.ids import BillRunId
from domain.invoicing.bill_run import BillKind, BillRun, Parked
from domain.invoicing.billing_rules import beginning_on
from domain.invoicing.invoice import Invoice, Line
from domain.period import Period
from domain.ports.page import PAGE_MAX, PageRequest
from domain.refusal import BadValue
from domain.usecases.abandon_bill_run import abandon_bill_run
from domain.usecases.bill_customer import BillAgain, BillCustomer, bill_again, bill_customer
from domain.usecases.expect_invoice import ExpectInvoice, expect_invoice
from domain.usecases.get_customer import get_customer
from domain.usecases.list_bill_runs import get_bill_run, list_bill_runs, list_parked
from domain.usecases.make_bills import PageDone
from domain.usecases.run_bills import RunBills, run_bills

PAGE: Final = 200
DRAFTS_MAX: Final = 100
KindOfBill = _enum(BillKind, "BillKind")


class ParkedPayer(Model):
    """A payer whose bill is in doubt, and what to do; ``settledBy``: the run that has come to him since."""

    customerNumber = needed(Unicode)
    reason = needed(Unicode)
    detail = needed(Unicode)
    run = Integer
    settledBy = Integer


class BillRunModel(Model):
    """A bill run: payers = invoices + parked + nothing. Without an id: a dry run with its first drafts, not kept."""

    __type_name__ = "BillRun"

    id = Integer
    kind = needed(KindOfBill)
    state = needed(Unicode)
    since = needed(Date)
    until = needed(Date)
    issuedOn = needed(Date)
    cycle = Integer
    group = Unicode
    again = Integer
    payers = needed(Integer)
    invoices = needed(Integer)
    parked = needed(Integer)
    nothing = needed(Integer)
    carried = needed(Integer)
    net = needed(XsDecimal)
    vat = needed(XsDecimal)
    total = needed(XsDecimal)
    parkedPayer = many(ParkedPayer)
    draft = many(InvoiceDetail)


class BillRunPage(Model):
    """A page of runs."""

    count = needed(Integer)
    run = many(BillRunModel)
    next = Unicode


class ParkedPage(Model):
    """A page of who waits to be billed again."""

    count = needed(Integer)
    payer = many(ParkedPayer)
    next = Unicode


class BillOrder(Model):
    """A month (2026-10), or since and until (not included); whom: payers by number, or cycle, group and reseller."""

    month = Unicode
    since = Date
    until = Date
    feesUntil = Date
    issuedOn = Date
    customerNumber = many(Unicode)
    cycle = Integer
    group = Unicode
    reseller = Unicode
    dryRun = Boolean


class ExpectedLine(Model):
    """A line of an expected invoice."""

    kind = needed(Unicode)
    customerName = needed(Unicode)
    text = needed(Unicode)
    quantity = needed(XsDecimal)
    unit = needed(Unicode)
    unitPrice = needed(XsDecimal)
    net = needed(XsDecimal)
    vatPercent = needed(XsDecimal)
    since = needed(Date)
    until = needed(Date)


class ExpectedInvoiceModel(Model):
    """What a payer's next invoice would be by now; without lines nothing is due, or he would be parked."""

    __type_name__ = "ExpectedInvoice"

    payerNumber = needed(Unicode)
    since = needed(Date)
    until = needed(Date)
    currency = Unicode
    net = XsDecimal
    vat = XsDecimal
    rounding = XsDecimal
    total = XsDecimal
    line = many(ExpectedLine)
    parked = ParkedPayer


class BillRuns(ServiceBase):
    """Bill runs."""

    __service_name__ = "Billing"

    @operation("RunBills", needed(BillOrder), returns=BillRunModel, result="run")
    async def run_bills(ctx: Any, order: Any) -> Any:
        """Bill a period; again, only what is new since; an interrupted run is continued."""
        codes = await codes_of(ctx.udc)
        numbers = order.customerNumber or []
        keys = tuple([(await ctx.udc.ask(get_customer, number)).id for number in numbers])
        cmd = RunBills(
            period=_period(order),
            fees_until=order.feesUntil,
            issued_on=order.issuedOn,
            customers=keys or None,
            dry_run=bool(order.dryRun),
            cycle=order.cycle,
            group=order.group,
            reseller=key_named(codes, order.reseller),
        )
        return await _billed(ctx, run_bills, cmd)

    @operation(
        "BillCustomer",
        needed(Unicode),
        needed(KindOfBill),
        Date,
        Date,
        Boolean,
        returns=BillRunModel,
        result="run",
    )
    async def bill_customer(
        ctx: Any,
        customerNumber: str,
        kind: str,
        until: date | None,
        issuedOn: date | None,
        dryRun: bool | None,
    ) -> Any:
        """Issue a final invoice, one in between or one on demand: of what is due before a day."""
        found = await ctx.udc.ask(get_customer, customerNumber)
        cmd = BillCustomer(
            customer=found.id, kind=BillKind(str(kind)), until=until, issued_on=issuedOn, dry_run=bool(dryRun)
        )
        return await _billed(ctx, bill_customer, cmd)

    @operation("BillAgain", needed(Integer(ge=1)), Date, Boolean, returns=BillRunModel, result="run")
    async def bill_again(ctx: Any, run: int, issuedOn: date | None, dryRun: bool | None) -> Any:
        """Bill whom a run parked, once what stood in the way is mended."""
        cmd = BillAgain(run=BillRunId(run), issued_on=issuedOn, dry_run=bool(dryRun))
        return await _billed(ctx, bill_again, cmd)

    @operation("AbandonBillRun", needed(Integer(ge=1)), returns=BillRunModel, result="run")
    async def abandon_bill_run(ctx: Any, run: int) -> Any:
        """End a run that was interrupted: what it issued stays, and the next run bills the rest."""
        return _run(await ctx.udc.ask(abandon_bill_run, BillRunId(run), clock=ctx.udc.wiring.clock), ())

    @operation("ListBillRuns", Integer(ge=1, le=PAGE_MAX), Unicode, returns=BillRunPage, result="page")
    async def list_bill_runs(ctx: Any, first: int | None, after: str | None) -> Any:
        """Return bill runs."""
        page = await ctx.udc.ask(list_bill_runs, PageRequest(first or PAGE, key_after(after)))
        following = str(page.items[-1].id) if page.more else None
        return BillRunPage(count=len(page.items), run=[_run(one, ()) for one in page.items], next=following)

    @operation("GetBillRun", needed(Integer(ge=1)), returns=BillRunModel, result="run")
    async def get_bill_run(ctx: Any, run: int) -> Any:
        """Return a run and whom it parked."""
        return _run(*await ctx.udc.ask(get_bill_run, BillRunId(run)))

    @operation("ListParkedPayers", Integer(ge=1, le=PAGE_MAX), Unicode, returns=ParkedPage, result="page")
    async def list_parked_payers(ctx: Any, first: int | None, after: str | None) -> Any:
        """Return who waits to be billed again, of all runs, and what to do."""
        page = await ctx.udc.ask(list_parked, PageRequest(first or PAGE, key_after(after)))
        following = str(page.items[-1].customer) if page.more else None
        return ParkedPage(count=len(page.items), payer=[_parked(one) for one in page.items], next=following)

    @operation("GetExpectedInvoice", needed(Unicode), Date, returns=ExpectedInvoiceModel, result="invoice")
    async def get_expected_invoice(ctx: Any, customerNumber: str, on: date | None) -> Any:
        """Return what the invoice of a customer's payer would be: what is unbilled, and due by the end of a day."""
        found = await ctx.udc.ask(get_customer, customerNumber)
        wiring = ctx.udc.wiring
        cmd = ExpectInvoice(customer=found.id, on=on)
        expected = await ctx.udc.ask(expect_invoice, cmd, clock=wiring.clock, raters=wiring.raters)
        made = expected.invoice
        return ExpectedInvoiceModel(
            payerNumber=expected.payer.number,
            since=expected.period.start,
            until=expected.period.end,
            currency=made and made.currency,
            net=made and plain(made.net),
            vat=made and plain(made.vat_total),
            rounding=made and plain(made.rounding),
            total=made and plain(made.total),
            line=[] if made is None else [_line(one) for one in made.lines],
            parked=None if expected.parked is None else _parked(expected.parked),
        )


async def _billed(ctx: Any, usecase: Any, cmd: Any) -> BillRunModel:
    parked: list[Parked] = []
    drafts: list[Invoice] = []

    def done(page: PageDone) -> None:
        parked.extend(page.parked)
        drafts.extend([one for one in page.invoices if not one.number][: DRAFTS_MAX - len(drafts)])

    wiring = ctx.udc.wiring
    run = _run(
        await ctx.udc.ask(usecase, cmd, clock=wiring.clock, raters=wiring.raters, hands=wiring.hands, done=done), parked
    )
    run.draft = [shown(one) for one in drafts]
    return run


def _period(order: Any) -> Period:
    """Return the period of an order. Refuses with: BadValue."""
    if order.month is not None and order.since is None and order.until is None:
        found = Period.month(order.month, field="month")
        return found if order.cycle is None else beginning_on(found, order.cycle)
    if order.month is None and order.since is not None and order.until is not None:
        if order.until <= order.since:
            raise BadValue(
                "a period must end after it starts: {start} to {end}", start=order.since, end=order.until, field="until"
            )
        return Period(order.since, order.until)
    raise BadValue("give a month, or since and until", field="month")


def _run(one: BillRun, parked: Any) -> BillRunModel:
    return BillRunModel(
        id=one.id or None,
        kind=one.kind.value,
        state=one.state.value,
        since=one.period.start,
        until=one.period.end,
        issuedOn=one.issued_on,
        cycle=one.cycle,
        group=one.group,
        again=one.again,
        payers=one.payers,
        invoices=one.invoices,
        parked=one.parked,
        nothing=one.nothing,
        carried=one.carried,
        net=plain(one.net),
        vat=plain(one.vat),
        total=plain(one.total),
        parkedPayer=[_parked(each) for each in parked],
    )


def _parked(one: Parked) -> ParkedPayer:
    return ParkedPayer(
        customerNumber=one.customer_number,
        reason=one.reason,
        detail=told(one.detail),
        run=one.run or None,
        settledBy=one.settled_by,
    )


def _line(one: Line) -> ExpectedLine:
    return ExpectedLine(
        kind=one.kind.value,
        customerName=one.customer_name,
        text=one.text,
        quantity=plain(one.quantity),
        unit=one.unit.value,
        unitPrice=plain(one.unit_price),
        net=plain(one.net),
        vatPercent=plain(one.vat.percent),
        since=one.period.start,
        until=one.period.end,
    )

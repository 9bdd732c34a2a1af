"""The operations of the WSDL about bill runs, what they follow, and what is charged beside contracts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final

from spyne import Boolean, Date, DateTime, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.catalogues import perhaps, told
from api.soap.models import Model, _enum, many, needed
from api.soap.paging import key_after
from api.soap.resellers import codes_of, key_named
from api.soap.service import operation
from api.soap.showing import plain
from domain.ids import BillRunId, ChargeId
from domain.invoicing.bill_run import BillKind, BillRun, Parked
from domain.invoicing.bill_schedule import BillSchedule
from domain.invoicing.billing_rules import BillForm, BillingRules, Unpriced, beginning_on
from domain.invoicing.charge import Charge, ChargeKind
from domain.invoicing.invoice import Line
from domain.invoicing.invoice import Unit as Measure
from domain.period import Period
from domain.ports.page import PAGE_MAX, PageRequest
from domain.refusal import BadValue
from domain.usecases.bill_customer import BillAgain, BillCustomer, bill_again, bill_customer
from domain.usecases.charge_customer import AddCharge, EndCharge, add_charge, end_charge, list_charges
from domain.usecases.expect_invoice import ExpectInvoice, expect_invoice
from domain.usecases.get_customer import get_customer
from domain.usecases.list_bill_runs import get_bill_run, list_bill_runs, list_parked
from domain.usecases.load_batches import customers_by_ids
from domain.usecases.run_bills import PageDone, RunBills, run_bills
from domain.usecases.schedule_bills import PutBillSchedule, list_bill_schedules, put_bill_schedule
from domain.usecases.set_billing_rules import (
    SetBillingRules,
    drop_billing_rules,
    list_billing_rules,
    set_billing_rules,
)

PAGE: Final = 200
KindOfBill = _enum(BillKind, "BillKind")
KindOfCharge = _enum(ChargeKind, "ChargeKind")
UnitOfQuantity = _enum(Measure, "UnitOfQuantity")
UnpricedEvents = _enum(Unpriced, "UnpricedEvents")
FormOfBill = _enum(BillForm, "BillForm")


class ParkedPayer(Model):
    """A payer whose bill is in doubt, and what to do; ``settledBy``: the run that has come to him since."""

    customerNumber = needed(Unicode)  # noqa: N815  (an element's name)
    reason = needed(Unicode)
    detail = needed(Unicode)
    run = Integer
    settledBy = Integer  # noqa: N815


class BillRunModel(Model):
    """A bill run: payers = invoices + parked + nothing. Without an id: a dry run, of which nothing is kept."""

    __type_name__ = "BillRun"

    id = Integer
    kind = needed(KindOfBill)
    state = needed(Unicode)
    since = needed(Date)
    until = needed(Date)
    issuedOn = needed(Date)  # noqa: N815
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
    parkedPayer = many(ParkedPayer)  # noqa: N815


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
    feesUntil = Date  # noqa: N815
    issuedOn = Date  # noqa: N815
    customerNumber = many(Unicode)  # noqa: N815
    cycle = Integer
    group = Unicode
    reseller = Unicode
    dryRun = Boolean  # noqa: N815


class ExpectedLine(Model):
    """A line of an expected invoice."""

    kind = needed(Unicode)
    customerName = needed(Unicode)  # noqa: N815
    text = needed(Unicode)
    quantity = needed(XsDecimal)
    unit = needed(Unicode)
    unitPrice = needed(XsDecimal)  # noqa: N815
    net = needed(XsDecimal)
    vatPercent = needed(XsDecimal)  # noqa: N815
    since = needed(Date)
    until = needed(Date)


class ExpectedInvoiceModel(Model):
    """What a payer's next invoice would be by now; without lines nothing is due, or he would be parked."""

    __type_name__ = "ExpectedInvoice"

    payerNumber = needed(Unicode)  # noqa: N815
    since = needed(Date)
    until = needed(Date)
    currency = Unicode
    net = XsDecimal
    vat = XsDecimal
    rounding = XsDecimal
    total = XsDecimal
    line = many(ExpectedLine)
    parked = ParkedPayer


class ChargeModel(Model):
    """What is charged beside contracts, or (kind discount) taken off whole invoices."""

    __type_name__ = "CustomerCharge"

    id = Integer
    customerNumber = needed(Unicode)  # noqa: N815
    kind = needed(KindOfCharge)
    text = needed(Unicode)
    quantity = XsDecimal
    unit = UnitOfQuantity
    unitPrice = XsDecimal  # noqa: N815
    percent = XsDecimal
    vatPercent = XsDecimal  # noqa: N815
    vatCategory = Unicode  # noqa: N815
    account = Unicode
    starts = Date
    ends = Date
    intervalMonths = Integer  # noqa: N815
    reference = Unicode
    withdrawnAt = DateTime  # noqa: N815
    version = Integer


class ChargePage(Model):
    """A page of charges."""

    count = needed(Integer)
    charge = many(ChargeModel)
    next = Unicode


class BillingRulesModel(Model):
    """What invoices follow: those of a group of customers, or (no group) of everybody else."""

    __type_name__ = "BillingRules"

    group = Unicode
    minimum = XsDecimal
    carryMonths = Integer  # noqa: N815
    zeroInvoices = Boolean  # noqa: N815
    unpriced = UnpricedEvents
    form = FormOfBill
    version = Integer


class BillingRulesPage(Model):
    """Everybody's first, then by group."""

    rules = many(BillingRulesModel)


class BillScheduleModel(Model):
    """When bills are run by themselves."""

    __type_name__ = "BillSchedule"

    name = needed(Unicode)
    schedule = needed(Unicode)
    cycle = Integer
    group = Unicode
    reseller = Unicode
    months = Integer
    feesAheadMonths = Integer  # noqa: N815
    approval = Boolean
    active = Boolean
    nextAt = DateTime  # noqa: N815
    told = Unicode
    version = Integer


class BillSchedulePage(Model):
    """By name."""

    schedule = many(BillScheduleModel)


class BillRuns(ServiceBase):  # type: ignore[misc]  # spyne has no types
    """Bill runs."""

    __service_name__ = "Billing"

    @operation("RunBills", needed(BillOrder), returns=BillRunModel, result="run")
    async def run_bills(ctx: Any, order: Any) -> Any:  # noqa: N805
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
        ctx: Any,  # noqa: N805
        customerNumber: str,  # noqa: N803
        kind: str,
        until: date | None,
        issuedOn: date | None,  # noqa: N803
        dryRun: bool | None,  # noqa: N803
    ) -> Any:
        """Issue a final invoice, one in between or one on demand: of what is due before a day."""
        found = await ctx.udc.ask(get_customer, customerNumber)
        cmd = BillCustomer(
            customer=found.id, kind=BillKind(str(kind)), until=until, issued_on=issuedOn, dry_run=bool(dryRun)
        )
        return await _billed(ctx, bill_customer, cmd)

    @operation("BillAgain", needed(Integer(ge=1)), Date, Boolean, returns=BillRunModel, result="run")
    async def bill_again(ctx: Any, run: int, issuedOn: date | None, dryRun: bool | None) -> Any:  # noqa: N803, N805
        """Bill whom a run parked, once what stood in the way is mended."""
        cmd = BillAgain(run=BillRunId(run), issued_on=issuedOn, dry_run=bool(dryRun))
        return await _billed(ctx, bill_again, cmd)

    @operation("ListBillRuns", Integer(ge=1, le=PAGE_MAX), Unicode, returns=BillRunPage, result="page")
    async def list_bill_runs(ctx: Any, first: int | None, after: str | None) -> Any:  # noqa: N805
        """Return bill runs."""
        page = await ctx.udc.ask(list_bill_runs, PageRequest(first or PAGE, key_after(after)))
        following = str(page.items[-1].id) if page.more else None
        return BillRunPage(count=len(page.items), run=[_run(one, ()) for one in page.items], next=following)

    @operation("GetBillRun", needed(Integer(ge=1)), returns=BillRunModel, result="run")
    async def get_bill_run(ctx: Any, run: int) -> Any:  # noqa: N805
        """Return a run and whom it parked."""
        return _run(*await ctx.udc.ask(get_bill_run, BillRunId(run)))

    @operation("ListParkedPayers", Integer(ge=1, le=PAGE_MAX), Unicode, returns=ParkedPage, result="page")
    async def list_parked_payers(ctx: Any, first: int | None, after: str | None) -> Any:  # noqa: N805
        """Return who waits to be billed again, of all runs, and what to do."""
        page = await ctx.udc.ask(list_parked, PageRequest(first or PAGE, key_after(after)))
        following = str(page.items[-1].customer) if page.more else None
        return ParkedPage(count=len(page.items), payer=[_parked(one) for one in page.items], next=following)

    @operation("GetExpectedInvoice", needed(Unicode), Date, returns=ExpectedInvoiceModel, result="invoice")
    async def get_expected_invoice(ctx: Any, customerNumber: str, on: date | None) -> Any:  # noqa: N803, N805
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

    @operation("AddCharge", needed(ChargeModel), Unicode, returns=ChargeModel, result="charge")
    async def add_charge(ctx: Any, charge: Any, idempotencyKey: str | None) -> Any:  # noqa: N803, N805
        """Charge a customer beside his contracts, or give a discount on his invoices."""
        found = await ctx.udc.ask(get_customer, charge.customerNumber)
        more = {
            name: value
            for name, value in {
                "quantity": charge.quantity,
                "unit": None if charge.unit is None else Measure(str(charge.unit)),
                "vat_percent": charge.vatPercent,
            }.items()
            if value is not None
        }
        cmd = AddCharge(
            customer=found.id,
            kind=ChargeKind(str(charge.kind)),
            text=charge.text,
            unit_price=charge.unitPrice,
            percent=charge.percent,
            vat_category=charge.vatCategory,
            account=charge.account,
            starts=charge.starts,
            ends=charge.ends,
            interval_months=charge.intervalMonths,
            reference=charge.reference,
            idempotency_key=idempotencyKey,
            **more,
        )
        return _charge(await ctx.udc.ask(add_charge, cmd, clock=ctx.udc.wiring.clock), found.number)

    @operation("EndCharge", needed(Integer(ge=1)), needed(Integer), Date, Boolean, returns=ChargeModel, result="charge")
    async def end_charge(ctx: Any, charge: int, version: int, ends: date | None, withdraw: bool | None) -> Any:  # noqa: N805
        """Let a charge end before a day, or withdraw what of it is not billed."""
        cmd = EndCharge(charge=ChargeId(charge), version=version, ends=ends, withdraw=bool(withdraw))
        kept = await ctx.udc.ask(end_charge, cmd, clock=ctx.udc.wiring.clock)
        return (await _charges(ctx, [kept]))[0]

    @operation("ListCharges", Unicode, Integer(ge=1, le=PAGE_MAX), Unicode, returns=ChargePage, result="page")
    async def list_charges(ctx: Any, customerNumber: str | None, first: int | None, after: str | None) -> Any:  # noqa: N803, N805
        """Return charges and discounts of a customer, or of all."""
        chosen = None if customerNumber is None else (await ctx.udc.ask(get_customer, customerNumber)).id
        page = await ctx.udc.ask(list_charges, PageRequest(first or PAGE, key_after(after)), customer=chosen)
        following = str(page.items[-1].id) if page.more else None
        return ChargePage(count=len(page.items), charge=await _charges(ctx, page.items), next=following)

    @operation("ListBillingRules", returns=BillingRulesPage, result="page")
    async def list_billing_rules(ctx: Any) -> Any:  # noqa: N805
        """Return what invoices follow."""
        return BillingRulesPage(rules=[_rules(one) for one in await ctx.udc.ask(list_billing_rules)])

    @operation("SetBillingRules", needed(BillingRulesModel), returns=BillingRulesModel, result="rules")
    async def set_billing_rules(ctx: Any, rules: Any) -> Any:  # noqa: N805
        """Set what invoices follow, of a group of customers or of everybody else, as a whole."""
        told_of = {
            "group": rules.group,
            "minimum": rules.minimum,
            "carry_months": rules.carryMonths,
            "zero_invoices": rules.zeroInvoices,
            "unpriced": None if rules.unpriced is None else Unpriced(str(rules.unpriced)),
            "form": None if rules.form is None else BillForm(str(rules.form)),
            "version": rules.version,
        }
        cmd = SetBillingRules(**{name: value for name, value in told_of.items() if value is not None})
        return _rules(await ctx.udc.ask(set_billing_rules, cmd))

    @operation("DropBillingRules", needed(Unicode), needed(Integer), returns=BillingRulesPage, result="page")
    async def drop_billing_rules(ctx: Any, group: str, version: int) -> Any:  # noqa: N805
        """Let a group follow the rules of everybody again; return what there is then."""
        await ctx.udc.ask(drop_billing_rules, group, version)
        return BillingRulesPage(rules=[_rules(one) for one in await ctx.udc.ask(list_billing_rules)])

    @operation("ListBillSchedules", returns=BillSchedulePage, result="page")
    async def list_bill_schedules(ctx: Any) -> Any:  # noqa: N805
        """Return when bills are run by themselves."""
        codes = await codes_of(ctx.udc)
        found = await ctx.udc.ask(list_bill_schedules)
        return BillSchedulePage(schedule=[_schedule(one, codes) for one in found])

    @operation("PutBillSchedule", needed(BillScheduleModel), returns=BillScheduleModel, result="schedule")
    async def put_bill_schedule(ctx: Any, schedule: Any) -> Any:  # noqa: N805
        """Keep when bills are run by themselves: of a new name, or with a version the whole of a changed one."""
        codes = await codes_of(ctx.udc)
        told_of = {
            "cycle": schedule.cycle,
            "months": schedule.months,
            "fees_ahead_months": schedule.feesAheadMonths,
            "approval": schedule.approval,
            "active": schedule.active,
            "version": schedule.version,
        }
        cmd = PutBillSchedule(
            name=schedule.name,
            schedule=schedule.schedule,
            group=schedule.group,
            reseller=key_named(codes, schedule.reseller),
            **{name: value for name, value in told_of.items() if value is not None},
        )
        return _schedule(await ctx.udc.ask(put_bill_schedule, cmd, clock=ctx.udc.wiring.clock), codes)


async def _billed(ctx: Any, usecase: Any, cmd: Any) -> BillRunModel:
    parked: list[Parked] = []

    def done(page: PageDone) -> None:
        parked.extend(page.parked)

    wiring = ctx.udc.wiring
    return _run(await ctx.udc.ask(usecase, cmd, clock=wiring.clock, raters=wiring.raters, done=done), parked)


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


async def _charges(ctx: Any, found: Any) -> list[ChargeModel]:
    named = await ctx.udc.ask(customers_by_ids, sorted({one.customer for one in found}))
    return [_charge(one, named[one.customer].number) for one in found if one.customer in named]


def _charge(one: Charge, number: str) -> ChargeModel:
    def shown(value: Decimal | None) -> Decimal | None:
        return None if value is None else plain(value)

    return ChargeModel(
        id=one.id,
        customerNumber=number,
        kind=one.kind.value,
        text=one.text,
        quantity=plain(one.quantity),
        unit=one.unit.value,
        unitPrice=shown(one.unit_price),
        percent=shown(one.percent),
        vatPercent=plain(one.vat_percent),
        vatCategory=one.vat_category,
        account=one.account,
        starts=one.starts,
        ends=one.ends,
        intervalMonths=one.interval_months,
        reference=one.reference,
        withdrawnAt=one.withdrawn_at,
        version=one.version,
    )


def _rules(one: BillingRules) -> BillingRulesModel:
    return BillingRulesModel(
        group=one.group or None,
        minimum=plain(one.minimum),
        carryMonths=one.carry_months,
        zeroInvoices=one.zero_invoices,
        unpriced=one.unpriced.value,
        form=one.form.value,
        version=one.version,
    )


def _schedule(one: BillSchedule, codes: Any) -> BillScheduleModel:
    return BillScheduleModel(
        name=one.name,
        schedule=one.schedule,
        cycle=one.cycle,
        group=one.group,
        reseller=codes.get(one.reseller) if one.reseller is not None else None,
        months=one.months,
        feesAheadMonths=one.fees_ahead_months,
        approval=one.approval,
        active=one.active,
        nextAt=one.next_at,
        told=perhaps(one.told),
        version=one.version,
    )

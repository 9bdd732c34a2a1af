"""Bills beside the runs of all: of one customer, of parked ones again, what is expected; charges, rules, schedules."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.following import heard
from api.graphql.ids import key_of, read_number
from api.graphql.inputs import command, given
from api.graphql.invoices import (
    BillRunDone,
    BillRunType,
    Heard,
    InvoiceBucketType,
    InvoiceLineType,
    ParkedType,
    PeriodType,
    VatSumType,
)
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified
from api.graphql.once import kept_key
from api.graphql.parties import CustomerType, ResellerType
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from api.graphql.wording import perhaps_in_words
from domain.access.actor import Action, allow
from domain.ids import BillRunId, ChargeId, CustomerId
from domain.invoicing.bill_run import BillKind, BillRun, BillRunState
from domain.invoicing.bill_schedule import BillSchedule
from domain.invoicing.billing_rules import BillForm, BillingRules, Unpriced
from domain.invoicing.charge import Charge, ChargeKind
from domain.invoicing.invoice import Unit
from domain.ports.news import BILL_RUN
from domain.usecases.abandon_bill_run import abandon_bill_run
from domain.usecases.bill_customer import BillAgain, BillCustomer, bill_again, bill_customer
from domain.usecases.charge_customer import AddCharge, EndCharge, add_charge, end_charge, list_charges
from domain.usecases.expect_invoice import ExpectedInvoice, ExpectInvoice, expect_invoice
from domain.usecases.list_bill_runs import get_bill_run, list_parked
from domain.usecases.schedule_bills import PutBillSchedule, list_bill_schedules, put_bill_schedule
from domain.usecases.set_billing_rules import (
    SetBillingRules,
    drop_billing_rules,
    list_billing_rules,
    set_billing_rules,
)

ID = strawberry.ID
_AS_INPUT = strawberry.argument(name="input")

for _enum in (ChargeKind, BillForm):
    strawberry.enum(_enum, description=(_enum.__doc__ or "").strip())
strawberry.enum(Unpriced, name="UnpricedEvents", description=(Unpriced.__doc__ or "").strip())
strawberry.enum(Unit, name="UnitOfQuantity", description=(Unit.__doc__ or "").strip())


async def _customer(root: strawberry.Parent[Any], info: Info) -> Any:
    return await info.context.load.customers.load(root.customer)


async def _reseller(root: strawberry.Parent[Any], info: Info) -> Any:
    return await info.context.load.resellers.load(root.reseller) if root.reseller is not None else None


@strawberry.type(
    name="CustomerCharge", description="What is charged beside contracts, or a discount on whole invoices."
)
class ChargeType:
    """``domain.invoicing.charge.Charge``."""

    id: ID = identified()
    customer: CustomerType | None = strawberry.field(resolver=_customer)
    kind: ChargeKind
    text: str
    quantity: Decimal
    unit: Unit
    unit_price: Decimal | None = strawberry.field(description="Of a discount: the amount that is taken off.")
    percent: Decimal | None = strawberry.field(description="Taken off: of the charge, or as a discount of the invoice.")
    vat_percent: Decimal
    vat_category: str | None = strawberry.field(description="E (exempt), O (outside the scope); null: by the rate.")
    account: str
    starts: date
    ends: date | None
    interval_months: int | None = strawberry.field(description="null: once.")
    reference: str | None
    created_at: datetime
    withdrawn_at: datetime | None
    version: int

    is_type_of = shows(Charge)


@strawberry.type(name="BillingRules", description="What invoices follow: those of a group, or of everybody else.")
class BillingRulesType:
    """``domain.invoicing.billing_rules.BillingRules``."""

    group: str = strawberry.field(description="Empty: everybody in no group that has rules of its own.")
    minimum: Decimal = strawberry.field(description="An invoice below it is carried over to the next period.")
    carry_months: int = strawberry.field(description="For so many months at most.")
    zero_invoices: bool = strawberry.field(description="Whether an invoice of nothing is issued.")
    unpriced: Unpriced
    form: BillForm
    version: int = strawberry.field(description="0: they were never set.")

    is_type_of = shows(BillingRules)


@strawberry.type(
    name="BillSchedule", description="When bills are run by themselves: of the period that has just ended."
)
class BillScheduleType:
    """``domain.invoicing.bill_schedule.BillSchedule``."""

    name: str
    schedule: str = strawberry.field(description="Minute, hour, day, month, weekday (cron), in the operator's zone.")
    cycle: int = strawberry.field(description="The day of the month on which periods begin; its payers are billed.")
    group: str | None
    reseller: ResellerType | None = strawberry.field(resolver=_reseller)
    months: int
    fees_ahead_months: int
    approval: bool = strawberry.field(description="Whether a second person decides on each run.")
    active: bool
    next_at: datetime | None
    told: str | None = strawberry.field(
        resolver=perhaps_in_words("told"), graphql_type=str | None, description="What came of it the last time."
    )
    told_at: datetime | None
    version: int

    is_type_of = shows(BillSchedule)


def _expected(name: str) -> Any:
    def resolve(root: strawberry.Parent[ExpectedInvoice]) -> Any:
        return None if root.invoice is None else getattr(root.invoice, name)

    return resolve


def _lines(name: str) -> Any:
    def resolve(root: strawberry.Parent[ExpectedInvoice]) -> Any:
        return () if root.invoice is None else getattr(root.invoice, name)

    return resolve


def _payer(root: strawberry.Parent[ExpectedInvoice]) -> Any:
    return root.payer


@strawberry.type(
    name="ExpectedInvoice",
    description="What a payer's next invoice would be by now. Without lines: nothing is due, or he would be parked.",
)
class ExpectedInvoiceType:
    """``ExpectedInvoice``."""

    payer: CustomerType = strawberry.field(resolver=_payer)
    period: PeriodType
    parked: ParkedType | None = strawberry.field(description="What would stand in the way.")
    currency: str | None = strawberry.field(resolver=_expected("currency"), graphql_type=str | None)
    lines: list[InvoiceLineType] = strawberry.field(resolver=_lines("lines"))
    vat: list[VatSumType] = strawberry.field(resolver=_lines("vat"))
    bucket_statement: list[InvoiceBucketType] = strawberry.field(resolver=_lines("buckets"))
    net: Decimal | None = strawberry.field(resolver=_expected("net"), graphql_type=Decimal | None)
    vat_total: Decimal | None = strawberry.field(resolver=_expected("vat_total"), graphql_type=Decimal | None)
    rounding: Decimal | None = strawberry.field(resolver=_expected("rounding"), graphql_type=Decimal | None)
    total: Decimal | None = strawberry.field(resolver=_expected("total"), graphql_type=Decimal | None)

    is_type_of = shows(ExpectedInvoice)


@strawberry.input(description="Bill one customer up to a day; until null: today's included.")
class BillCustomerInput:
    """``BillCustomer``."""

    customer: ID
    kind: BillKind = BillKind.ON_DEMAND
    until: date | None = None
    issued_on: date | None = None
    dry_run: bool = False
    idempotency_key: str | None = kept_key()


@strawberry.input(description="Bill whom a run parked, once what stood in the way is mended.")
class BillAgainInput:
    """``BillAgain``."""

    bill_run: ID
    issued_on: date | None = None
    dry_run: bool = False
    idempotency_key: str | None = kept_key()


@strawberry.input(description="A charge, or with kind DISCOUNT a discount on the customer's invoices.")
class AddChargeInput:
    """``AddCharge``."""

    customer: ID
    kind: ChargeKind = ChargeKind.MANUAL
    text: str
    quantity: Decimal | None = None
    unit: Unit = Unit.PIECE
    unit_price: Decimal | None = None
    percent: Decimal | None = None
    vat_percent: Decimal | None = None
    vat_category: str | None = None
    account: str | None = None
    starts: date | None = strawberry.field(default=None, description="null: today.")
    ends: date | None = None
    interval_months: int | None = None
    reference: str | None = None
    idempotency_key: str | None = None


@strawberry.input(description="Let a charge end before a day, or withdraw what is not billed.")
class EndChargeInput:
    """``EndCharge``."""

    charge: ID
    version: int
    ends: date | None = None
    withdraw: bool = False
    idempotency_key: str | None = kept_key()


@strawberry.input(description="The rules of a group, or of everybody else, as a whole.")
class SetBillingRulesInput:
    """``SetBillingRules``."""

    group: str = ""
    minimum: Decimal | None = None
    carry_months: int = 3
    zero_invoices: bool = False
    unpriced: Unpriced = Unpriced.PARK
    form: BillForm = BillForm.INVOICE
    version: int = strawberry.field(default=0, description="As they were read; 0 where there were none.")
    idempotency_key: str | None = kept_key()


@strawberry.input(description="A schedule as a whole, by its name.")
class PutBillScheduleInput:
    """``PutBillSchedule``."""

    name: str
    schedule: str
    cycle: int = 1
    group: str | None = None
    reseller: ID | None = None
    months: int = 1
    fees_ahead_months: int = 0
    approval: bool = False
    active: bool = True
    version: int = strawberry.field(default=0, description="As it was read; 0 of a new one.")
    idempotency_key: str | None = kept_key()


@strawberry.type(description="A group follows the rules of everybody again.")
class BillingRulesDropped:
    """Which."""

    group: str


async def _bill(info: Info, usecase: Any, cmd: Any) -> Any:
    heard, wiring = Heard(), info.context.wiring
    run = await info.context.ask(
        usecase, cmd, clock=wiring.clock, raters=wiring.raters, hands=wiring.hands, done=heard.page
    )
    return heard.done(run)


async def _bill_customer(info: Info, asked: Annotated[BillCustomerInput, _AS_INPUT]) -> Any:
    return await _bill(info, bill_customer, BillCustomer(**given(asked, {"customer": "Customer"})))


async def _bill_again(info: Info, asked: Annotated[BillAgainInput, _AS_INPUT]) -> Any:
    fields = given(asked, {"bill_run": "BillRun"})
    return await _bill(info, bill_again, BillAgain(run=BillRunId(fields.pop("bill_run")), **fields))


async def _abandon(info: Info, bill_run: ID) -> Any:
    key = BillRunId(key_of(bill_run, "BillRun", "billRun"))
    run = await info.context.ask(abandon_bill_run, key, clock=info.context.wiring.clock)
    return BillRunDone(run=run, parked=[])


async def _bill_run(info: Info, id: ID) -> Any:
    run, parked = await info.context.ask(get_bill_run, BillRunId(key_of(id, "BillRun", "id")))
    return BillRunDone(run=run, parked=parked)


async def _parked(info: Info, first: int = FIRST_DEFAULT, after: str | None = None) -> Any:
    page = await info.context.ask(list_parked, request(first, read_number(after, "ParkedPayer")))
    return connect(page, "ParkedPayer", after=after, key=lambda one: one.customer)


async def _expect(info: Info, customer: ID, on: date | None = None) -> Any:
    cmd = ExpectInvoice(customer=CustomerId(key_of(customer, "Customer", "customer")), on=on)
    wiring = info.context.wiring
    return await info.context.ask(expect_invoice, cmd, clock=wiring.clock, raters=wiring.raters)


async def _charges(info: Info, first: int = FIRST_DEFAULT, after: str | None = None, customer: ID | None = None) -> Any:
    chosen = CustomerId(key_of(customer, "Customer", "customer")) if customer else None
    page = await info.context.ask(list_charges, request(first, read_number(after, "CustomerCharge")), customer=chosen)
    return connect(page, "CustomerCharge", after=after)


async def _add_charge(info: Info, asked: Annotated[AddChargeInput, _AS_INPUT]) -> Any:
    cmd = command(AddCharge, asked, {"customer": "Customer"})
    return await info.context.ask(add_charge, cmd, clock=info.context.wiring.clock)


async def _end_charge(info: Info, asked: Annotated[EndChargeInput, _AS_INPUT]) -> Any:
    fields = given(asked, {"charge": "CustomerCharge"})
    cmd = EndCharge(**fields | {"charge": ChargeId(fields["charge"])})
    return await info.context.ask(end_charge, cmd, clock=info.context.wiring.clock)


async def _rules(info: Info) -> Any:
    return await info.context.ask(list_billing_rules)


async def _set_rules(info: Info, asked: Annotated[SetBillingRulesInput, _AS_INPUT]) -> Any:
    return await info.context.ask(set_billing_rules, command(SetBillingRules, asked))


async def _drop_rules(info: Info, group: str, version: int) -> Any:
    await info.context.ask(drop_billing_rules, group, version)
    return BillingRulesDropped(group=group)


async def _schedules(info: Info) -> Any:
    return await info.context.ask(list_bill_schedules)


async def _put_schedule(info: Info, asked: Annotated[PutBillScheduleInput, _AS_INPUT]) -> Any:
    cmd = command(PutBillSchedule, asked, {"reseller": "Reseller"})
    return await info.context.ask(put_bill_schedule, cmd, clock=info.context.wiring.clock)


async def _progress(info: Info, bill_run: ID | None = None) -> AsyncGenerator[Any, None]:
    allow(info.context.actor, Action.RUN_BILLS, "list_bill_runs")
    wanted = None if bill_run is None else BillRunId(key_of(bill_run, "BillRun", "billRun"))
    last: dict[int, BillRun] = {}
    async with contextlib.aclosing(_moving(info, wanted)) as moving:
        async for key in moving:
            run, _ = await info.context.ask(get_bill_run, BillRunId(key))
            if last.get(key) != run:
                yield run
            last[key] = run
            if run.state is BillRunState.DONE:
                del last[key]
                if wanted is not None:
                    return


async def _moving(info: Info, wanted: int | None) -> AsyncGenerator[int, None]:
    """Yield the keys of runs that moved on; of the one that is wanted also where notices may have been lost."""
    async with heard(info, BILL_RUN) as keys:
        async for key in keys:
            if wanted is None and key is not None:
                yield key
            elif wanted is not None and key in {None, wanted}:
                yield wanted


@strawberry.type
class BillingQuery:
    """Bills before and beside the runs."""

    bill_run: BillRunDone | None = strawberry.field(resolver=_bill_run, description="A run and whom it parked.")
    parked_payers: Connection[ParkedType] = strawberry.field(
        resolver=_parked,
        description="Who waits to be billed again, of all runs: what stands in the way, and what to do.",
    )
    expected_invoice: ExpectedInvoiceType = strawberry.field(
        resolver=_expect, description="Of any customer at any moment: what is unbilled, and due by the end of a day."
    )
    charges: Connection[ChargeType] = strawberry.field(resolver=_charges, description="By key, withdrawn ones too.")
    billing_rules: list[BillingRulesType] = strawberry.field(resolver=_rules, description="Everybody's first.")
    bill_schedules: list[BillScheduleType] = strawberry.field(resolver=_schedules)


@strawberry.type
class BillingMutation:
    """Bills beside the runs, and what they follow."""

    bill_customer = strawberry.mutation(
        resolver=_bill_customer,
        graphql_type=outcome("BillCustomerResult", BillRunDone),
        description="A final invoice, one in between, or one on demand.",
    )
    bill_again = strawberry.mutation(
        resolver=_bill_again,
        graphql_type=outcome("BillAgainResult", BillRunDone),
        description="Only the parked payers.",
    )
    abandon_bill_run = strawberry.mutation(
        resolver=_abandon,
        graphql_type=outcome("AbandonBillRunResult", BillRunDone),
        description="End a run that was interrupted. What it issued stays; the next run bills the rest.",
    )
    add_charge = strawberry.mutation(resolver=_add_charge, graphql_type=outcome("AddChargeResult", ChargeType))
    end_charge = strawberry.mutation(resolver=_end_charge, graphql_type=outcome("EndChargeResult", ChargeType))
    set_billing_rules = strawberry.mutation(
        resolver=_set_rules, graphql_type=outcome("SetBillingRulesResult", BillingRulesType)
    )
    drop_billing_rules = strawberry.mutation(
        resolver=_drop_rules, graphql_type=outcome("DropBillingRulesResult", BillingRulesDropped)
    )
    put_bill_schedule = strawberry.mutation(
        resolver=_put_schedule, graphql_type=outcome("PutBillScheduleResult", BillScheduleType)
    )


@strawberry.type
class BillingSubscription:
    """Bill runs as they go on."""

    bill_run_progress: AsyncGenerator[BillRunType, None] = strawberry.subscription(
        resolver=_progress,
        description="A run each time a page of payers is billed; of one run from now to its end, or of all.",
    )

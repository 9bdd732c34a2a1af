"""Invoices, their lines, and bill runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from api.garbage import collecting_seldom
from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import global_id, key_of, read_number
from api.graphql.inputs import given
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import Node
from api.graphql.once import kept_key
from api.graphql.parties import AddressType, CustomerType, ResellerType
from api.graphql.refusals import outcome
from api.graphql.scalars import BigInt
from api.graphql.showing import shows
from api.graphql.wording import in_words
from domain.ids import BillRunId, CustomerId, InvoiceId
from domain.invoicing.bill_run import BillKind, BillRun, BillRunState, Parked
from domain.invoicing.billing_rules import beginning_on
from domain.invoicing.invoice import BucketLine, CreditScope, DocumentKind, Invoice, Line, LineKind
from domain.invoicing.vat import VatSum
from domain.period import Period
from domain.refusal import BadValue
from domain.usecases.get_invoice import get_invoice
from domain.usecases.list_bill_runs import list_bill_runs
from domain.usecases.list_invoices import ListInvoices, list_invoices
from domain.usecases.make_bills import PageDone
from domain.usecases.receive_invoices import list_received_invoices
from domain.usecases.run_bills import RunBills, run_bills

if TYPE_CHECKING:
    from api.graphql.crediting import DisputeType

ID = strawberry.ID
CUSTOMERS_MAX = 1000
DRAFTS_MAX = 100

for _enum in (DocumentKind, LineKind, BillKind, BillRunState, CreditScope):
    strawberry.enum(_enum, description=(_enum.__doc__ or "").strip())


@strawberry.type(name="Period", description="Days from start until end, end not included.")
class PeriodType:
    """``domain.period.Period``."""

    start: date
    end: date


def _vat_category(root: strawberry.Parent[Line]) -> str:
    return root.vat.category


def _vat_percent(root: strawberry.Parent[Line]) -> Decimal:
    return root.vat.percent


async def _line_customer(root: strawberry.Parent[Line], info: Info) -> Any:
    return await info.context.load.customers.load(root.customer)


async def _line_customer_of_bucket(root: strawberry.Parent[BucketLine], info: Info) -> Any:
    return await info.context.load.customers.load(root.customer)


def _unit(root: strawberry.Parent[Line]) -> str:
    return root.unit.value


@strawberry.type(name="InvoiceLine", description="quantity times unitPrice is net, within the price's eight decimals.")
class InvoiceLineType:
    """``domain.invoicing.invoice.Line``."""

    position: int
    kind: LineKind
    customer: CustomerType | None = strawberry.field(resolver=_line_customer, description="Whose line it is.")
    customer_name: str
    text: str
    quantity: Decimal
    unit: str = strawberry.field(resolver=_unit, description="UN/ECE Recommendation 20.")
    unit_price: Decimal
    net: Decimal
    vat_percent: Decimal = strawberry.field(resolver=_vat_percent)
    vat_category: str = strawberry.field(resolver=_vat_category, description="UNCL 5305, as EN 16931 has it.")
    period: PeriodType
    account: str
    contract_number: str | None
    label: str | None
    mode: str | None
    group: str | None
    events: BigInt | None
    used: BigInt | None
    corrects: str | None = strawberry.field(description="The number of the invoice that it gives back of.")
    corrects_line: int | None = strawberry.field(description="The line there, where it is of one.")


def _sum_category(root: strawberry.Parent[VatSum]) -> str:
    return root.treatment.category


def _sum_words(root: strawberry.Parent[VatSum]) -> str | None:
    return root.treatment.words


def _sum_percent(root: strawberry.Parent[VatSum]) -> Decimal:
    return root.treatment.percent


@strawberry.type(name="VatSum", description="VAT of one rate.")
class VatSumType:
    """``domain.invoicing.vat.VatSum``."""

    percent: Decimal = strawberry.field(resolver=_sum_percent)
    category: str = strawberry.field(resolver=_sum_category, description="UNCL 5305, as EN 16931 has it.")
    words: str | None = strawberry.field(resolver=_sum_words, description="The law's, where no VAT is charged.")
    taxable: Decimal
    tax: Decimal


@strawberry.type(name="InvoiceParty", description="Seller or payer as he was on the day of issue.")
class InvoicePartyType:
    """``domain.invoicing.invoice.Party``."""

    name: str
    address: AddressType
    number: str | None
    vat_id: str | None
    endpoint: str | None


@strawberry.type(name="Payment", description="How the invoice is to be paid.")
class PaymentType:
    """``domain.invoicing.invoice.Payment``."""

    terms_days: int
    bankgiro: str | None
    iban: str | None
    reference: str


def _entry(name: str) -> Any:
    def resolve(root: strawberry.Parent[BucketLine]) -> Any:
        return getattr(root.entry, name)

    return resolve


def _bucket_owner(root: strawberry.Parent[BucketLine]) -> ID:
    kind, _, key = root.entry.owner.partition(":")
    return ID(global_id(kind.title(), key))


def _statement(root: strawberry.Parent[Invoice]) -> Any:
    return root.buckets


@strawberry.type(
    name="InvoiceBucket",
    description="What became of a bucket in the invoice's period: rolledOver + granted + received = used + given +"
    " expired + left, where no more was used than there was.",
)
class InvoiceBucketType:
    """``domain.invoicing.invoice.BucketLine``."""

    customer: CustomerType | None = strawberry.field(resolver=_line_customer_of_bucket, description="Whose it is.")
    bucket: str = strawberry.field(resolver=_entry("bucket"), graphql_type=str, description="Its id in the catalogue.")
    owner: ID = strawberry.field(resolver=_bucket_owner, description="The line, contract or customer that had it.")
    label: str = strawberry.field(description="How the invoice names the owner.")
    unit: str = strawberry.field(
        resolver=_entry("unit"), graphql_type=str, description="seconds, messages, kB or money"
    )
    currency: str | None = strawberry.field(
        resolver=_entry("currency"), graphql_type=str | None, description="Of money; null: that of the calls."
    )
    rolled_over: Decimal = strawberry.field(
        resolver=_entry("rolled_over"), graphql_type=Decimal, description="Left when the period began."
    )
    granted: Decimal = strawberry.field(
        resolver=_entry("granted"), graphql_type=Decimal, description="By a plan, bought, or for nothing."
    )
    received: Decimal = strawberry.field(
        resolver=_entry("received"), graphql_type=Decimal, description="From other lines."
    )
    used: Decimal = strawberry.field(resolver=_entry("used"), graphql_type=Decimal)
    given: Decimal = strawberry.field(resolver=_entry("given"), graphql_type=Decimal, description="To other lines.")
    expired: Decimal = strawberry.field(
        resolver=_entry("expired"),
        graphql_type=Decimal,
        description="Ended unused by the end of the period, or passed the rollover's cap.",
    )
    left: Decimal = strawberry.field(
        resolver=_entry("left"), graphql_type=Decimal, description="Goes on into the next period."
    )


def _url(suffix: str) -> Any:
    def resolve(root: strawberry.Parent[Invoice], info: Info) -> str:
        return f"{info.context.wiring.settings.address}/rest/v1/invoices/{root.id}.{suffix}"

    return resolve


async def _credit_notes(root: strawberry.Parent[Invoice], info: Info) -> Any:
    return await info.context.load.credit_notes.load(root.number) if root.kind is DocumentKind.INVOICE else []


async def _disputes(root: strawberry.Parent[Invoice], info: Info) -> Any:
    return await info.context.load.disputes.load(root.id)


async def _payer(root: strawberry.Parent[Invoice], info: Info) -> Any:
    return await info.context.load.customers.load(root.customer)


@strawberry.type(name="Invoice", description="An issued invoice or credit note; nothing of it changes.")
class InvoiceType(Node):
    """``domain.invoicing.invoice.Invoice``."""

    number: str
    kind: DocumentKind
    bill_kind: BillKind = strawberry.field(
        description="Of a period, or the last one, one in between or on demand; as which it is titled."
    )
    customer: CustomerType | None = strawberry.field(
        resolver=_payer, description="null where the caller received it: as a customer he is the seller's."
    )
    currency: str
    period: PeriodType
    issued_on: date
    due_on: date
    seller: InvoicePartyType
    payer: InvoicePartyType
    payment: PaymentType
    lines: list[InvoiceLineType]
    vat: list[VatSumType]
    net: Decimal
    vat_total: Decimal
    rounding: Decimal
    total: Decimal
    original: str | None
    bucket_statement: list[InvoiceBucketType] = strawberry.field(
        resolver=_statement, description="What became of the allowances of those whose lines stand on it."
    )
    credit: CreditScope | None = strawberry.field(
        description="How much a credit note that was decided upon takes back."
    )
    replaces: str | None = strawberry.field(description="The number of the invoice that this one was issued anew for.")
    credit_notes: list[Annotated[InvoiceType, strawberry.lazy("api.graphql.invoices")]] = strawberry.field(
        resolver=_credit_notes, description="That name it; by key."
    )
    disputes: list[Annotated[DisputeType, strawberry.lazy("api.graphql.crediting")]] = strawberry.field(
        resolver=_disputes, description="By key."
    )
    json_url: str = strawberry.field(resolver=_url("json"), graphql_type=str)
    csv_url: str = strawberry.field(resolver=_url("csv"), graphql_type=str)
    pdf_url: str = strawberry.field(resolver=_url("pdf"), graphql_type=str)
    xml_url: str = strawberry.field(resolver=_url("xml"), graphql_type=str)

    is_type_of = shows(Invoice)


def _parked_by(root: strawberry.Parent[Parked]) -> ID | None:
    return ID(global_id("BillRun", root.run)) if root.run else None


def _settled_by(root: strawberry.Parent[Parked]) -> ID | None:
    return ID(global_id("BillRun", root.settled_by)) if root.settled_by else None


def _again(root: strawberry.Parent[BillRun]) -> ID | None:
    return ID(global_id("BillRun", root.again)) if root.again else None


async def _of_reseller(root: strawberry.Parent[BillRun], info: Info) -> Any:
    return await info.context.load.resellers.load(root.reseller) if root.reseller is not None else None


@strawberry.type(name="ParkedPayer", description="A payer whose bill is in doubt, and what to do.")
class ParkedType:
    """``domain.invoicing.bill_run.Parked``."""

    customer_number: str
    reason: str
    detail: str = strawberry.field(resolver=in_words("detail"), description="And what to do.")
    bill_run: ID | None = strawberry.field(resolver=_parked_by)
    settled_by: ID | None = strawberry.field(
        resolver=_settled_by, description="The run that has billed him since, or parked him anew; null: he waits."
    )

    is_type_of = shows(Parked)


def _run_id(root: strawberry.Parent[Any]) -> ID | None:
    return ID(global_id("BillRun", root.id)) if root.id else None


@strawberry.type(name="BillRun", description="payers = invoices + parked + nothing.")
class BillRunType:
    """``domain.invoicing.bill_run.BillRun``."""

    id: ID | None = strawberry.field(resolver=_run_id, description="null for a dry run, of which nothing is kept.")
    kind: BillKind
    period: PeriodType
    issued_on: date
    cycle: int | None = strawberry.field(description="It bills payers whose periods begin on this day of the month.")
    group: str | None = strawberry.field(description="It bills members of this group of customers.")
    reseller: ResellerType | None = strawberry.field(
        resolver=_of_reseller, description="It bills customers below this one."
    )
    again: ID | None = strawberry.field(resolver=_again, description="The run whose parked payers it bills.")
    state: BillRunState
    created_at: datetime
    finished_at: datetime | None
    payers: int
    invoices: int
    parked: int
    nothing: int
    carried: int = strawberry.field(description="Of nothing: invoices below the minimum, carried over.")
    net: Decimal
    vat: Decimal
    total: Decimal

    is_type_of = shows(BillRun)


@strawberry.input(description="Bill a calendar month such as 2026-03, or the days from start until end.")
class RunBillsInput:
    """``RunBills``."""

    month: str | None = None
    start: date | None = None
    end: date | None = None
    fees_until: date | None = None
    issued_on: date | None = None
    customers: list[ID] | None = strawberry.field(default=None, description="null: everybody.")
    cycle: int | None = strawberry.field(
        default=None, description="Payers whose periods begin on this day of the month; so does the month's."
    )
    group: str | None = strawberry.field(default=None, description="Members of this group when the period ends.")
    reseller: ID | None = strawberry.field(default=None, description="Customers of this part of the resellers' tree.")
    dry_run: bool = strawberry.field(default=False, description="Do everything and keep nothing.")
    idempotency_key: str | None = kept_key()


@strawberry.type(name="InvoiceDraft", description="An invoice as a dry run makes it: without number and reference.")
class InvoiceDraft:
    """``domain.invoicing.invoice.Invoice``, not issued."""

    kind: DocumentKind
    period: PeriodType
    issued_on: date
    due_on: date
    currency: str
    payer: InvoicePartyType
    lines: list[InvoiceLineType]
    vat: list[VatSumType]
    net: Decimal
    vat_total: Decimal
    rounding: Decimal
    total: Decimal


@strawberry.type(name="BillRunDone", description="What a bill run came to.")
class BillRunDone:
    """The run and whom it parked."""

    run: BillRunType
    parked: list[ParkedType]
    drafts: list[InvoiceDraft] = strawberry.field(
        default_factory=list, description=f"Of a dry run, the first {DRAFTS_MAX} invoices."
    )
    elsewhere: int = strawberry.field(
        default=0, description="How many lines it made for another system, which takeBasis gives it."
    )


@dataclass(slots=True)
class Heard:
    """What pages of a run tell: whom they parked and, of a dry run, the first of the invoices."""

    parked: list[Parked] = field(default_factory=list)
    drafts: list[Invoice] = field(default_factory=list)
    elsewhere: int = 0

    def page(self, page: PageDone) -> None:
        """Hear of a page."""
        self.parked.extend(page.parked)
        drafts = [one for one in page.invoices if not one.number]
        self.drafts.extend(drafts[: DRAFTS_MAX - len(self.drafts)])
        self.elsewhere += len(page.elsewhere.fees)

    def done(self, run: BillRun) -> BillRunDone:
        """Return what the run came to."""
        return BillRunDone(run=run, parked=self.parked, drafts=self.drafts, elsewhere=self.elsewhere)  # type: ignore[arg-type]  # the types show the domain's own objects


async def _invoice(info: Info, id: ID | None = None, number: str | None = None) -> Any:
    if (id is None) == (number is None):
        raise BadValue("give either id or number", field="id")
    key: InvoiceId | str = InvoiceId(key_of(id, "Invoice", "id")) if id is not None else str(number)
    return await info.context.ask(get_invoice, key)


async def _invoices(
    info: Info,
    first: int = FIRST_DEFAULT,
    after: str | None = None,
    customer: ID | None = None,
    bill_run: ID | None = None,
    kind: DocumentKind | None = None,
    issued_since: date | None = None,
    issued_until: date | None = None,
) -> Any:
    query = ListInvoices(
        page=request(first, read_number(after, "Invoice")),
        customer=CustomerId(key_of(customer, "Customer", "customer")) if customer else None,
        run=BillRunId(key_of(bill_run, "BillRun", "billRun")) if bill_run else None,
        kind=kind,
        since=issued_since,
        until=issued_until,
    )
    return connect(await info.context.ask(list_invoices, query), "Invoice", after=after)


async def _received_invoices(info: Info, first: int = FIRST_DEFAULT, after: str | None = None) -> Any:
    page = await info.context.ask(list_received_invoices, request(first, read_number(after, "Invoice")))
    return connect(page, "Invoice", after=after)


async def _bill_runs(info: Info, first: int = FIRST_DEFAULT, after: str | None = None) -> Any:
    page = await info.context.ask(list_bill_runs, request(first, read_number(after, "BillRun")))
    return connect(page, "BillRun", after=after)


async def _run_bills(info: Info, asked: Annotated[RunBillsInput, strawberry.argument(name="input")]) -> Any:
    fields = given(asked, {"reseller": "Reseller"})
    period = period_of(
        fields.pop("month", None), fields.pop("start", None), fields.pop("end", None), day=fields.get("cycle")
    )
    chosen = fields.pop("customers", None)
    if chosen is not None:
        if len(chosen) > CUSTOMERS_MAX:
            raise BadValue(
                "at most {customers_max} customers at a time", customers_max=CUSTOMERS_MAX, field="customers"
            )
        fields["customers"] = tuple(CustomerId(key_of(one, "Customer", "customers")) for one in chosen)
    heard = Heard()
    cmd = RunBills(period=period, **fields)
    wiring = info.context.wiring
    with collecting_seldom():
        run = await info.context.ask(
            run_bills, cmd, clock=wiring.clock, raters=wiring.raters, hands=wiring.hands, done=heard.page
        )
    return heard.done(run)


def period_of(month: str | None, start: date | None, end: date | None, *, day: int | None = None) -> Period:
    """Return a month or days that were asked for. Refuses with: BadValue."""
    if month is not None and start is None and end is None:
        found = Period.month(month, field="month")
        return found if day is None else beginning_on(found, day)
    if month is None and start is not None and end is not None:
        if end <= start:
            raise BadValue("a period must end after it starts: {start} to {end}", start=start, end=end, field="end")
        return Period(start, end)
    raise BadValue("give a month, or start and end", field="month")


@strawberry.type
class InvoiceQuery:
    """What was billed."""

    invoice: InvoiceType | None = strawberry.field(resolver=_invoice)
    invoices: Connection[InvoiceType] = strawberry.field(
        resolver=_invoices,
        description="By key, the oldest first; issued on issuedSince or later, and before issuedUntil.",
    )
    received_invoices: Connection[InvoiceType] = strawberry.field(
        resolver=_received_invoices, description="Those that a reseller received for what he buys, by key."
    )
    bill_runs: Connection[BillRunType] = strawberry.field(resolver=_bill_runs)


@strawberry.type
class InvoiceMutation:
    """Billing."""

    run_bills = strawberry.mutation(
        resolver=_run_bills,
        graphql_type=outcome("RunBillsResult", BillRunDone),
        description="Bill a period. Running again bills only what is new since; an interrupted run is continued.",
    )

"""The operations of the WSDL for systems that invoice themselves: their customers, the basis of invoices."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from spyne import Date, DateTime, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.catalogues import sentence
from api.priced import charged
from api.soap.models import KindOfCustomer, KindOfSubscription, Model, _enum, many, needed
from api.soap.service import operation
from api.soap.showing import plain
from domain.basis.batch import BasisBatch, BasisLine
from domain.basis.fee import BasisKind
from domain.contracts.subscription import NumberAssignment, SubscriptionKind
from domain.customers.customer import CustomerKind
from domain.invoicing.invoice import BucketLine
from domain.usecases.sync_customers import (
    ExternalCustomer,
    ExternalLine,
    SyncCustomers,
    SyncOutcome,
    sync_customers,
)
from domain.usecases.take_basis import LINES_MAX, acknowledge_basis, read_basis, take_basis

PAGE: Final = 200
KindOfBasis = _enum(BasisKind, "BasisKind")
OutcomeOfSync = _enum(SyncOutcome, "SyncOutcome")


class ExternalNumber(Model):
    """A number from validFrom until validTo."""

    number = needed(Unicode)
    validFrom = needed(DateTime)
    validTo = DateTime


class ExternalLineModel(Model):
    """A line as the other system knows it; its numbers are all that it has."""

    __type_name__ = "ExternalLine"

    key = needed(Unicode)
    kind = KindOfSubscription
    label = Unicode
    priceList = Unicode
    number = many(ExternalNumber)


class ExternalCustomerModel(Model):
    """A customer as the other system knows it; lines that are not named stay."""

    __type_name__ = "ExternalCustomer"

    key = needed(Unicode)
    name = needed(Unicode)
    kind = KindOfCustomer
    priceList = Unicode
    line = many(ExternalLineModel)


class ExternalCustomers(Model):
    """Customers to be made or changed."""

    customer = many(ExternalCustomerModel)


class SyncedModel(Model):
    """What became of a customer, and the refusal where there was one."""

    __type_name__ = "SyncedCustomer"

    key = needed(Unicode)
    outcome = needed(OutcomeOfSync)
    code = Unicode
    message = Unicode
    field = Unicode


class SyncedPage(Model):
    """What became of each, in their order."""

    customer = many(SyncedModel)


class BasisBatchModel(Model):
    """What was priced since the batch before."""

    __type_name__ = "BasisBatch"

    id = needed(Integer)
    madeAt = needed(DateTime)
    acknowledgedAt = DateTime
    lines = needed(Integer)


class BasisBucket(Model):
    """What became of a bucket: rolledOver + granted + received = used + given + expired + left."""

    unit = needed(Unicode)
    currency = Unicode
    rolledOver = needed(XsDecimal)
    granted = needed(XsDecimal)
    received = needed(XsDecimal)
    used = needed(XsDecimal)
    given = needed(XsDecimal)
    expired = needed(XsDecimal)
    left = needed(XsDecimal)


class BasisLineModel(Model):
    """The exact sum of one line's events of a kind in a month, or what a bill run charged beside usage, without VAT."""

    __type_name__ = "BasisLine"

    position = needed(Integer)
    customerKey = needed(Unicode)
    subscriptionKey = needed(Unicode)
    periodStart = needed(Date)
    mode = needed(Unicode)
    direction = needed(Unicode)
    group = needed(Unicode)
    currency = needed(Unicode)
    events = needed(Integer)
    used = needed(Integer)
    amount = needed(XsDecimal)
    kind = needed(KindOfBasis)
    customerNumber = needed(Unicode)
    payerNumber = needed(Unicode)
    text = Unicode
    label = Unicode
    contractNumber = Unicode
    quantity = XsDecimal
    unit = Unicode
    unitPrice = XsDecimal
    periodEnd = Date
    vatCategory = Unicode
    vatPercent = XsDecimal
    account = Unicode
    run = Unicode
    corrects = Unicode
    bucket = BasisBucket


class BasisPageModel(Model):
    """Lines of a batch; ``next`` asks for those behind."""

    __type_name__ = "BasisPage"

    batch = needed(BasisBatchModel)
    line = many(BasisLineModel)
    next = Integer


class Basis(ServiceBase):
    """Rating for another system."""

    __service_name__ = "Billing"

    @operation("SyncCustomers", needed(ExternalCustomers), returns=SyncedPage, result="page")
    async def sync_customers(ctx: Any, customers: Any) -> Any:
        """Make or change customers by another system's keys, each by itself; the same again changes nothing."""
        cmd = SyncCustomers(customers=tuple(_external(one) for one in customers.customer or ()))
        done = await ctx.udc.ask(sync_customers, cmd, clock=ctx.udc.wiring.clock)
        return SyncedPage(
            customer=[
                SyncedModel(
                    key=one.key,
                    outcome=one.outcome.value,
                    code=one.refusal.code.upper() if one.refusal else None,
                    message=sentence(one.refusal) if one.refusal else None,
                    field=one.refusal.field if one.refusal else None,
                )
                for one in done
            ]
        )

    @operation("TakeBasis", returns=BasisBatchModel, result="batch")
    async def take_basis(ctx: Any) -> Any:
        """Return what was rated and what bill runs charged since the last batch; until that is acknowledged, again."""
        return _batch(await ctx.udc.ask(take_basis, clock=ctx.udc.wiring.clock))

    @operation(
        "ReadBasis",
        needed(Integer(ge=1)),
        Integer(ge=1, le=LINES_MAX),
        Integer(ge=0),
        returns=BasisPageModel,
        result="page",
    )
    async def read_basis(ctx: Any, batch: int, first: int | None, after: int | None) -> Any:
        """Return lines of a batch behind a position."""
        page = await ctx.udc.ask(read_basis, batch, first=first or PAGE, after=after or 0)
        following = page.lines[-1].position if page.more else None
        return BasisPageModel(batch=_batch(page.batch), line=[_shown(one) for one in page.lines], next=following)

    @operation("AcknowledgeBasis", needed(Integer(ge=1)), returns=BasisBatchModel, result="batch")
    async def acknowledge_basis(ctx: Any, batch: int) -> Any:
        """Say that a batch is there for good."""
        return _batch(await ctx.udc.ask(acknowledge_basis, batch, clock=ctx.udc.wiring.clock))


def _external(told: Any) -> ExternalCustomer:
    return ExternalCustomer(
        key=told.key,
        name=told.name,
        kind=CustomerKind(str(told.kind)) if told.kind is not None else CustomerKind.ORGANISATION,
        price_list=told.priceList,
        lines=tuple(_line(line) for line in told.line or ()),
    )


def _line(told: Any) -> ExternalLine:
    return ExternalLine(
        key=told.key,
        kind=SubscriptionKind(str(told.kind)) if told.kind is not None else SubscriptionKind.FIXED,
        label=told.label or "",
        price_list=told.priceList,
        numbers=tuple(
            NumberAssignment(number=one.number, valid_from=one.validFrom, valid_to=one.validTo)
            for one in told.number or ()
        ),
    )


def _shown(one: BasisLine) -> BasisLineModel:
    told = {name: value or None for name, value in charged(one.fee).items()}
    bucket = None if one.fee is None or one.fee.bucket is None else one.fee.bucket
    return BasisLineModel(
        position=one.position,
        customerKey=one.customer_key,
        subscriptionKey=one.subscription_key,
        periodStart=one.period_start,
        mode=one.mode,
        direction=one.direction,
        group=one.group,
        currency=one.currency,
        events=one.events,
        used=one.used,
        amount=plain(one.amount),
        kind=one.kind.value,
        customerNumber=one.customer_number,
        payerNumber=one.payer_number,
        text=told["text"],
        label=told["label"],
        contractNumber=told["contract_number"],
        quantity=_exact(told["quantity"]),
        unit=told["unit"],
        unitPrice=_exact(told["unit_price"]),
        periodEnd=None if one.fee is None else one.fee.period.end,
        vatCategory=told["vat_category"],
        vatPercent=_exact(told["vat_percent"]),
        account=told["account"],
        run=told["run"],
        corrects=told["corrects"],
        bucket=None if bucket is None else _bucket(bucket),
    )


def _exact(text: str | None) -> Decimal | None:
    return None if text is None else plain(Decimal(text))


def _bucket(one: BucketLine) -> BasisBucket:
    entry = one.entry
    return BasisBucket(
        unit=entry.unit,
        currency=entry.currency,
        rolledOver=plain(entry.rolled_over),
        granted=plain(entry.granted),
        received=plain(entry.received),
        used=plain(entry.used),
        given=plain(entry.given),
        expired=plain(entry.expired),
        left=plain(entry.left),
    )


def _batch(one: BasisBatch) -> BasisBatchModel:
    return BasisBatchModel(id=one.id, madeAt=one.made_at, acknowledgedAt=one.acknowledged_at, lines=one.lines)

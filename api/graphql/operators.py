"""The operator's own settings, number series and meter."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql.context import Info
from api.graphql.ids import key_of
from api.graphql.inputs import AddressInput, given
from api.graphql.once import kept_key
from api.graphql.parties import OperatorType, ResellerType
from api.graphql.refusals import outcome
from api.graphql.scalars import BigInt
from api.graphql.showing import shows
from domain.access.editions import Edition
from domain.ids import ResellerId
from domain.invoicing.invoice import decimals_of
from domain.invoicing.series import NumberSeries, ReferenceForm, SeriesKind
from domain.metering.meter import Measure, MeterDay, MeterLine, UnitPrice, basis
from domain.operators import NumberPlan
from domain.period import Period
from domain.usecases.change_operator import ChangeOperator, change_operator
from domain.usecases.get_operator import get_operator
from domain.usecases.number_series import ChangeSeries, change_series, list_series
from domain.usecases.read_meter import read_meter

ID = strawberry.ID
_AS_INPUT = strawberry.argument(name="input")

for _enum in (SeriesKind, ReferenceForm, Measure, Edition):
    strawberry.enum(_enum, description=(_enum.__doc__ or "").strip())


async def _reseller(root: strawberry.Parent[NumberSeries], info: Info) -> Any:
    return await info.context.load.resellers.load(root.reseller) if root.reseller is not None else None


@strawberry.type(name="Series", description="The numbers of documents of a kind, of customers or of contracts.")
class SeriesType:
    """``domain.invoicing.series.NumberSeries``."""

    kind: SeriesKind
    reseller: ResellerType | None = strawberry.field(resolver=_reseller, description="The seller; null: the operator.")
    prefix: str
    next: BigInt
    yearly: bool = strawberry.field(description="It begins with 1 in each year of issue, as 2026-000001.")
    reference: ReferenceForm
    reference_length: int | None = strawberry.field(description="What OCR_FIXED is agreed with the bank as.")

    is_type_of = shows(NumberSeries)


def _channel(name: str) -> Any:
    def resolve(root: strawberry.Parent[MeterDay]) -> BigInt:
        return BigInt(root.calls.get(name, 0))

    return resolve


def _calls(root: strawberry.Parent[MeterDay]) -> BigInt:
    return BigInt(root.count(Measure.CALLS))


@strawberry.type(name="MeterDay", description="What was counted on one of the operator's days.")
class MeterDayType:
    """``domain.metering.meter.MeterDay``."""

    day: date
    subscriptions: BigInt = strawberry.field(description="That were active on the day.")
    events: BigInt = strawberry.field(description="Rated on the day.")
    invoices: BigInt = strawberry.field(description="Issued on the day, credit notes too.")
    calls: BigInt = strawberry.field(resolver=_calls, description="Calls of the APIs; those of the last seconds later.")
    graphql_calls: BigInt = strawberry.field(resolver=_channel("graphql"))
    soap_calls: BigInt = strawberry.field(resolver=_channel("soap"))
    rest_calls: BigInt = strawberry.field(resolver=_channel("rest"))


@strawberry.type(name="MeterLine", description="A measure added up over the period; without a price no amount.")
class MeterLineType:
    """``domain.metering.meter.MeterLine``."""

    measure: Measure
    quantity: BigInt
    per: int | None
    unit_price: Decimal | None
    amount: Decimal | None


@strawberry.type(name="Meter", description="What the operator has used of the installation.")
class MeterType:
    """Days, and what they come to."""

    currency: str
    days: list[MeterDayType]
    lines: list[MeterLineType]


@strawberry.input(description="price for each per of a measure.")
class UnitPriceInput:
    """``UnitPrice``."""

    measure: Measure
    price: Decimal
    per: int = 1


@strawberry.input(description="How numbers are dialled; what is null is as the country has it.")
class NumberPlanInput:
    """``NumberPlan``."""

    national_prefix: str | None = None
    international_prefix: str | None = None
    short: list[str] | None = None


@strawberry.input(description="A VAT id in another country.")
class VatIdInput:
    """One entry of ``vat_ids``."""

    country: str
    vat_id: str


@strawberry.input
class ChangeOperatorInput:
    """``ChangeOperator``."""

    version: int
    name: strawberry.Maybe[str]
    organisation_number: strawberry.Maybe[str]
    vat_id: strawberry.Maybe[str]
    vat_ids: strawberry.Maybe[list[VatIdInput]]
    address: strawberry.Maybe[AddressInput]
    language: strawberry.Maybe[str]
    languages: strawberry.Maybe[list[str]]
    bankgiro: strawberry.Maybe[str | None]
    iban: strawberry.Maybe[str | None]
    email: strawberry.Maybe[str | None]
    phone: strawberry.Maybe[str | None]
    endpoint: strawberry.Maybe[str | None]
    payment_terms_days: strawberry.Maybe[int]
    rounds_to_krona: strawberry.Maybe[bool]
    ocr_level: strawberry.Maybe[str]
    number_plan: strawberry.Maybe[NumberPlanInput]
    idempotency_key: str | None = kept_key()


@strawberry.input(description="expected is the next number as it was read.")
class ChangeSeriesInput:
    """``ChangeSeries``."""

    kind: SeriesKind
    expected: BigInt
    reseller: ID | None = None
    prefix: str | None = None
    next: BigInt | None = None
    yearly: bool | None = None
    reference: ReferenceForm | None = None
    reference_length: int | None = strawberry.field(default=None, description="With reference: OCR_FIXED alone.")
    idempotency_key: str | None = kept_key()


async def _change_operator(info: Info, asked: Annotated[ChangeOperatorInput, _AS_INPUT]) -> Any:
    fields = given(asked)
    if "vat_ids" in fields:
        fields["vat_ids"] = {one.country: one.vat_id for one in fields["vat_ids"]}
    if "languages" in fields:
        fields["languages"] = tuple(fields["languages"])
    if "number_plan" in fields:
        plan = fields["number_plan"]
        short = None if plan.short is None else tuple(plan.short)
        fields["number_plan"] = NumberPlan(
            national_prefix=plan.national_prefix, international_prefix=plan.international_prefix, short=short
        )
    return await info.context.ask(change_operator, ChangeOperator(**fields))


async def _series(info: Info) -> Any:
    return await info.context.ask(list_series)


async def _change_series(info: Info, asked: Annotated[ChangeSeriesInput, _AS_INPUT]) -> Any:
    cmd = ChangeSeries(
        kind=asked.kind,
        expected=int(asked.expected),
        reseller=ResellerId(key_of(asked.reseller, "Reseller", "reseller")) if asked.reseller else None,
        prefix=asked.prefix,
        next=None if asked.next is None else int(asked.next),
        yearly=asked.yearly,
        reference=asked.reference,
        reference_length=asked.reference_length,
    )
    return await info.context.ask(change_series, cmd)


async def _meter(info: Info, since: date, until: date, prices: list[UnitPriceInput] | None = None) -> Any:
    period = Period(since, until)
    days = await info.context.ask(read_meter, period)
    own = await info.context.ask(get_operator)
    table = [UnitPrice(measure=one.measure, price=one.price, per=one.per) for one in prices or ()]
    lines: tuple[MeterLine, ...] = basis(days, period, table, decimals=decimals_of(own.currency))
    return MeterType(currency=own.currency, days=list(days), lines=list(lines))  # type: ignore[arg-type]  # shown by their types


@strawberry.type
class OperatorQuery:
    """Series and the meter."""

    series: list[SeriesType] = strawberry.field(resolver=_series)
    meter: MeterType = strawberry.field(
        resolver=_meter, description="Days with since <= day < until, and what they come to."
    )


@strawberry.type
class OperatorMutation:
    """The operator's settings."""

    change_operator = strawberry.mutation(
        resolver=_change_operator, graphql_type=outcome("ChangeOperatorResult", OperatorType)
    )
    change_series = strawberry.mutation(resolver=_change_series, graphql_type=outcome("ChangeSeriesResult", SeriesType))

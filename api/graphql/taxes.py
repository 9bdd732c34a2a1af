"""What an operator says of his VAT, VAT ids that are checked, and what is declared beside the return."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql.context import Info
from api.graphql.ids import key_of
from api.graphql.inputs import given
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.ids import CustomerId
from domain.invoicing.tax_rules import TaxRules, VatIdCheck
from domain.invoicing.vat import VatRate
from domain.period import Period
from domain.refusal import BadValue
from domain.usecases.check_vat_id import check_vat_id
from domain.usecases.declare_oss import declare_oss
from domain.usecases.report_vat import report_vat
from domain.usecases.set_tax_rules import get_tax_rules, set_tax_rules

ID = strawberry.ID
_AS_INPUT = strawberry.argument(name="input")


@strawberry.type(name="VatRate", description="A rate of a country from validFrom until before validTo.")
class VatRateType:
    """``domain.invoicing.vat.VatRate``."""

    country: str
    percent: Decimal
    valid_from: date
    valid_to: date | None


@strawberry.type(name="TaxRules", description="What the operator says of his VAT.")
class TaxRulesType:
    """``domain.invoicing.tax_rules.TaxRules``."""

    oss_since: date | None = strawberry.field(
        description="Sales to consumers in other member states are declared by the one-stop shop from this day."
    )
    require_checked: bool = strawberry.field(
        description="A business of another member state is parked unless its VAT id was found valid lately."
    )
    checked_days: int
    goods_groups: list[str] = strawberry.field(description="Product groups of telephones, tablets and computers.")
    goods_above: Decimal = strawberry.field(description="Above this on one invoice they are charged in reverse.")
    rates: list[VatRateType] = strawberry.field(description="They go before those that come with the system.")
    version: int

    is_type_of = shows(TaxRules)


@strawberry.type(name="VatIdChecked", description="What the register of a VAT id said of it.")
class VatIdCheckType:
    """``domain.invoicing.tax_rules.VatIdCheck``."""

    vat_id: str
    checked_at: datetime
    valid: bool
    name: str
    address: str
    source: str
    request: str = strawberry.field(description="The register's own id of the question: the proof of having asked.")

    is_type_of = shows(VatIdCheck)


@strawberry.type(name="OssSale", description="What was sold to consumers of a country at a rate.")
class OssRowType:
    """``domain.invoicing.vat_reports.OssRow``."""

    country: str
    percent: Decimal
    currency: str
    taxable: Decimal
    tax: Decimal
    documents: int


@strawberry.type(name="UnionSale", description="What was sold to a business of another member state.")
class SalesRowType:
    """``domain.invoicing.vat_reports.SalesRow``."""

    vat_id: str
    country: str
    currency: str
    services: Decimal
    documents: int


@strawberry.type(name="VatReport", description="Documents issued in the period, in the seller's home currency.")
class VatReportType:
    """Both lists."""

    oss: list[OssRowType]
    sales: list[SalesRowType]


@strawberry.input
class VatRateInput:
    """``VatRate``."""

    country: str
    percent: Decimal
    valid_from: date
    valid_to: date | None = None

    def domain(self) -> VatRate:
        """Return the domain's."""
        return VatRate(self.country, self.percent, self.valid_from, self.valid_to)


@strawberry.input(description="The whole of the rules, at the version that was read; 0: none were set.")
class TaxRulesInput:
    """``TaxRules``."""

    version: int
    oss_since: date | None = None
    require_checked: bool | None = None
    checked_days: int | None = None
    goods_groups: list[str] | None = None
    goods_above: Decimal | None = None
    rates: list[VatRateInput] | None = None
    idempotency_key: str | None = kept_key()


async def _rules(info: Info) -> Any:
    return await info.context.ask(get_tax_rules)


async def _set(info: Info, asked: Annotated[TaxRulesInput, _AS_INPUT]) -> Any:
    return await info.context.ask(set_tax_rules, TaxRules(**given(asked)))


async def _check(info: Info, customer: ID) -> Any:
    key = CustomerId(key_of(customer, "Customer", "customer"))
    return await info.context.ask(check_vat_id, key, register=info.context.wiring.vat_register)


async def _report(info: Info, start: date, end: date) -> Any:
    if end <= start:
        raise BadValue("a period must end after it starts: {start} to {end}", start=start, end=end, field="end")
    _, report = await info.context.ask(report_vat, Period(start, end))
    return VatReportType(oss=report.oss_rows(), sales=report.sales_rows())


async def _declare(info: Info, start: date, end: date) -> str:
    if end <= start:
        raise BadValue("a period must end after it starts: {start} to {end}", start=start, end=end, field="end")
    told: str = await info.context.ask(declare_oss, Period(start, end))
    return told


@strawberry.type
class TaxQuery:
    """VAT."""

    tax_rules: TaxRulesType = strawberry.field(resolver=_rules)
    vat_report: VatReportType = strawberry.field(
        resolver=_report, description="Sales by the one-stop shop, and to businesses of other member states."
    )
    oss_return: str = strawberry.field(
        resolver=_declare, description="The return of the one-stop shop for a quarter, as Skatteverket's file, in euro."
    )


@strawberry.type
class TaxMutation:
    """VAT."""

    set_tax_rules = strawberry.mutation(resolver=_set, graphql_type=outcome("SetTaxRulesResult", TaxRulesType))
    check_vat_id = strawberry.mutation(
        resolver=_check,
        graphql_type=outcome("CheckVatIdResult", VatIdCheckType),
        description="Asks the register of VAT ids about a customer's, and keeps the answer.",
    )

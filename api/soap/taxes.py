"""The operations of the WSDL about VAT: the rules, VAT ids that are checked, and what is declared beside the return."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from spyne import Boolean, Date, DateTime, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.soap.models import Model, many, needed
from api.soap.service import operation
from api.soap.showing import plain
from domain.invoicing.tax_rules import TaxRules
from domain.invoicing.vat import VatRate
from domain.period import Period
from domain.refusal import BadValue
from domain.usecases.check_vat_id import check_vat_id
from domain.usecases.declare_oss import declare_oss
from domain.usecases.get_customer import get_customer
from domain.usecases.report_vat import report_vat
from domain.usecases.set_tax_rules import get_tax_rules, set_tax_rules


class VatRateModel(Model):
    """A rate of a country from validFrom until before validTo."""

    __type_name__ = "VatRate"

    country = needed(Unicode)
    percent = needed(XsDecimal)
    validFrom = needed(Date)
    validTo = Date


class TaxRulesModel(Model):
    """What the operator says of his VAT; in a change, what is left out is as it comes with the system."""

    __type_name__ = "TaxRules"

    version = needed(Integer)
    ossSince = Date
    requireChecked = Boolean
    checkedDays = Integer
    goodsGroup = many(Unicode)
    goodsAbove = XsDecimal
    rate = many(VatRateModel)


class VatIdChecked(Model):
    """What the register of a VAT id said of it; ``request`` is the proof of having asked."""

    vatId = needed(Unicode)
    checkedAt = needed(DateTime)
    valid = needed(Boolean)
    name = Unicode
    address = Unicode
    source = needed(Unicode)
    request = Unicode


class OssSale(Model):
    """What was sold to consumers of a country at a rate."""

    country = needed(Unicode)
    percent = needed(XsDecimal)
    currency = needed(Unicode)
    taxable = needed(XsDecimal)
    tax = needed(XsDecimal)
    documents = needed(Integer)


class UnionSale(Model):
    """What was sold to a business of another member state."""

    vatId = needed(Unicode)
    country = needed(Unicode)
    currency = needed(Unicode)
    services = needed(XsDecimal)
    documents = needed(Integer)


class VatReportModel(Model):
    """Documents issued in a period, in the seller's home currency."""

    __type_name__ = "VatReport"

    oss = many(OssSale)
    sale = many(UnionSale)


class Taxes(ServiceBase):
    """VAT."""

    __service_name__ = "Billing"

    @operation("GetTaxRules", returns=TaxRulesModel, result="rules")
    async def get_tax_rules(ctx: Any) -> Any:
        """Return the operator's rules of VAT."""
        return _shown(await ctx.udc.ask(get_tax_rules))

    @operation("SetTaxRules", needed(TaxRulesModel), returns=TaxRulesModel, result="rules")
    async def set_tax_rules(ctx: Any, rules: Any) -> Any:
        """Set the whole of the rules at the version that was read; 0 where none were set."""
        told = {
            "require_checked": rules.requireChecked,
            "checked_days": rules.checkedDays,
            "goods_above": rules.goodsAbove,
        }
        cmd = TaxRules(
            version=rules.version,
            oss_since=rules.ossSince,
            goods_groups=tuple(rules.goodsGroup or ()),
            rates=tuple(VatRate(one.country, one.percent, one.validFrom, one.validTo) for one in rules.rate or ()),
            **{name: value for name, value in told.items() if value is not None},
        )
        return _shown(await ctx.udc.ask(set_tax_rules, cmd))

    @operation("CheckVatId", needed(Unicode), returns=VatIdChecked, result="checked")
    async def check_vat_id(ctx: Any, customerNumber: str) -> Any:
        """Ask the register of VAT ids about a customer's, and keep the answer."""
        found = await ctx.udc.ask(get_customer, customerNumber)
        said = await ctx.udc.ask(check_vat_id, found.id, register=ctx.udc.wiring.vat_register)
        return VatIdChecked(
            vatId=said.vat_id,
            checkedAt=said.checked_at,
            valid=said.valid,
            name=said.name or None,
            address=said.address or None,
            source=said.source,
            request=said.request or None,
        )

    @operation("ReadOssReturn", needed(Date), needed(Date), returns=Unicode, result="file")
    async def read_oss_return(ctx: Any, start: date, end: date) -> Any:
        """Return the one-stop shop's return for a quarter as Skatteverket's file, in euro; end is not included."""
        if end <= start:
            raise BadValue("a period must end after it starts: {start} to {end}", start=start, end=end, field="end")
        return await ctx.udc.ask(declare_oss, Period(start, end))

    @operation("ReadVatReport", needed(Date), needed(Date), returns=VatReportModel, result="report")
    async def read_vat_report(ctx: Any, start: date, end: date) -> Any:
        """Return sales by the one-stop shop, and to businesses of other member states; end is not included."""
        if end <= start:
            raise BadValue("a period must end after it starts: {start} to {end}", start=start, end=end, field="end")
        _, report = await ctx.udc.ask(report_vat, Period(start, end))
        return VatReportModel(
            oss=[
                OssSale(
                    country=one.country,
                    percent=plain(one.percent),
                    currency=one.currency,
                    taxable=plain(one.taxable),
                    tax=plain(one.tax),
                    documents=one.documents,
                )
                for one in report.oss_rows()
            ],
            sale=[
                UnionSale(
                    vatId=one.vat_id,
                    country=one.country,
                    currency=one.currency,
                    services=plain(one.services),
                    documents=one.documents,
                )
                for one in report.sales_rows()
            ],
        )


def _shown(rules: TaxRules) -> TaxRulesModel:
    return TaxRulesModel(
        version=rules.version,
        ossSince=rules.oss_since,
        requireChecked=rules.require_checked,
        checkedDays=rules.checked_days,
        goodsGroup=list(rules.goods_groups),
        goodsAbove=plain(Decimal(rules.goods_above)),
        rate=[
            VatRateModel(
                country=one.country, percent=plain(one.percent), validFrom=one.valid_from, validTo=one.valid_to
            )
            for one in rules.rates
        ],
    )

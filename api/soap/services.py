"""The operations of the WSDL about services, which are named by code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final

from spyne import Boolean, Date, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.soap.models import Model, many, needed
from api.soap.paging import key_after
from api.soap.service import operation
from api.soap.showing import plain
from domain.contracts.service import BundlePart, CountryTax, Service, ServicePrice
from domain.ports.page import PAGE_MAX, PageRequest
from domain.usecases.change_service import ChangeService, change_service
from domain.usecases.create_service import CreateService, create_service
from domain.usecases.get_service import get_service, services_by_codes
from domain.usecases.list_services import list_services
from domain.usecases.load_batches import services_by_ids

PAGE: Final = 200
_FIRST: Final = Integer(ge=1, le=PAGE_MAX)


class ServicePriceModel(Model):
    """The default fees from a day on."""

    __type_name__ = "ServicePrice"

    start = needed(Date)
    oneTimeFee = needed(XsDecimal)
    periodicFee = needed(XsDecimal)


class CountryTaxModel(Model):
    """How sales to payers of a country are booked and taxed; the category is UNCL 5305."""

    __type_name__ = "CountryTax"

    country = needed(Unicode)
    account = Unicode
    vatCategory = Unicode
    vatPercent = XsDecimal


class BundlePartModel(Model):
    """A service within a bundle; a fee left out is the part's own."""

    __type_name__ = "BundlePart"

    serviceCode = needed(Unicode)
    quantity = Integer(ge=1, le=1_000_000)
    oneTimeFee = XsDecimal
    periodicFee = XsDecimal


class ServiceModel(Model):
    """Something sold, with its fees, without VAT. What is left out of a new one is as the domain has it."""

    __type_name__ = "Service"

    code = needed(Unicode)
    name = needed(Unicode)
    oneTimeFee = XsDecimal
    periodicFee = XsDecimal
    inAdvance = Boolean
    intervalMonths = Integer
    anniversary = Boolean
    vatPercent = XsDecimal
    account = Unicode
    productGroup = Unicode
    priceList = Unicode
    validFrom = Date
    validTo = Date
    price = many(ServicePriceModel)
    country = many(CountryTaxModel)
    part = many(BundlePartModel)
    needs = many(Unicode)
    excludes = many(Unicode)
    version = Integer


class ServiceChange(Model):
    """What changes of a service; what is left out stays. New fees hold from feesFrom on, left out: today."""

    name = Unicode
    oneTimeFee = XsDecimal
    periodicFee = XsDecimal
    feesFrom = Date
    vatPercent = XsDecimal
    account = Unicode
    productGroup = Unicode
    priceList = Unicode
    validFrom = Date
    validTo = Date
    country = many(CountryTaxModel)


class ServicePage(Model):
    """A page of services."""

    count = needed(Integer)
    service = many(ServiceModel)
    next = Unicode


class Services(ServiceBase):
    """What is sold."""

    __service_name__ = "Billing"

    @operation("GetService", needed(Unicode), returns=ServiceModel, result="service")
    async def get_service(ctx: Any, code: str) -> Any:
        """Return a service."""
        return (await _services(ctx.udc, [await ctx.udc.ask(get_service, code)]))[0]

    @operation("ListServices", _FIRST, Unicode, returns=ServicePage, result="page")
    async def list_services(ctx: Any, first: int | None, after: str | None) -> Any:
        """Return services."""
        page = await ctx.udc.ask(list_services, PageRequest(first or PAGE, key_after(after)))
        rows = await _services(ctx.udc, page.items)
        return ServicePage(count=len(rows), service=rows, next=str(page.items[-1].id) if page.more else None)

    @operation("CreateService", needed(ServiceModel), Unicode, returns=ServiceModel, result="service")
    async def create_service(ctx: Any, service: Any, idempotencyKey: str | None) -> Any:
        """Create a service; only the operator himself may."""
        call = ctx.udc
        named = [each.serviceCode for each in service.part or ()] + [*(service.needs or ()), *(service.excludes or ())]
        known = await call.ask(services_by_codes, named) if named else {}
        cmd = CreateService(
            **_plain_fields(service, CreateService),
            prices=tuple(
                ServicePrice(start=each.start, one_time_fee=each.oneTimeFee, periodic_fee=each.periodicFee)
                for each in service.price or ()
            ),
            countries=_countries(service.country),
            parts=tuple(
                BundlePart(
                    service=known[each.serviceCode].id,
                    quantity=each.quantity or 1,
                    one_time_fee=each.oneTimeFee,
                    periodic_fee=each.periodicFee,
                )
                for each in service.part or ()
            ),
            needs=tuple(known[code].id for code in service.needs or ()),
            excludes=tuple(known[code].id for code in service.excludes or ()),
            idempotency_key=idempotencyKey,
        )
        return (await _services(call, [await call.ask(create_service, cmd)]))[0]

    @operation(
        "ChangeService", needed(Unicode), needed(Integer), needed(ServiceChange), returns=ServiceModel, result="service"
    )
    async def change_service(ctx: Any, code: str, version: int, change: Any) -> Any:
        """Change a service; contracts that hold it go on."""
        found = await ctx.udc.ask(get_service, code)
        more: dict[str, Any] = {"countries": _countries(change.country)} if change.country else {}
        cmd = ChangeService(service=found.id, version=version, **_plain_fields(change, ChangeService), **more)
        kept = await ctx.udc.ask(change_service, cmd, clock=ctx.udc.wiring.clock)
        return (await _services(ctx.udc, [kept]))[0]


async def _services(call: Any, services: Sequence[Service]) -> list[ServiceModel]:
    wanted = {key for one in services for key in (*one.needs, *one.excludes, *(part.service for part in one.parts))}
    codes = {key: one.code for key, one in (await call.ask(services_by_ids, sorted(wanted))).items()} if wanted else {}
    return [
        ServiceModel(
            code=one.code,
            name=one.name,
            oneTimeFee=plain(one.one_time_fee),
            periodicFee=plain(one.periodic_fee),
            inAdvance=one.in_advance,
            intervalMonths=one.interval_months,
            anniversary=one.anniversary,
            vatPercent=plain(one.vat_percent),
            account=one.account,
            productGroup=one.product_group,
            priceList=one.price_list,
            validFrom=one.valid_from,
            validTo=one.valid_to,
            price=[
                ServicePriceModel(
                    start=each.start, oneTimeFee=plain(each.one_time_fee), periodicFee=plain(each.periodic_fee)
                )
                for each in one.prices
            ],
            country=[
                CountryTaxModel(
                    country=each.country,
                    account=each.account,
                    vatCategory=each.vat_category,
                    vatPercent=plain(each.vat_percent),
                )
                for each in one.countries
            ],
            part=[
                BundlePartModel(
                    serviceCode=codes[each.service],
                    quantity=each.quantity,
                    oneTimeFee=plain(each.one_time_fee),
                    periodicFee=plain(each.periodic_fee),
                )
                for each in one.parts
            ],
            needs=[codes[key] for key in one.needs],
            excludes=[codes[key] for key in one.excludes],
            version=one.version,
        )
        for one in services
    ]


_SAME: Final = {
    "oneTimeFee": "one_time_fee",
    "periodicFee": "periodic_fee",
    "inAdvance": "in_advance",
    "intervalMonths": "interval_months",
    "vatPercent": "vat_percent",
    "productGroup": "product_group",
    "priceList": "price_list",
    "validFrom": "valid_from",
    "validTo": "valid_to",
    "feesFrom": "fees_from",
    **{name: name for name in ("code", "name", "anniversary", "account")},
}


def _plain_fields(value: Any, command: type) -> dict[str, Any]:
    """Return the plain elements that are there, as the command's fields."""
    known = {field.name for field in fields(command)}
    found = {ours: getattr(value, theirs, None) for theirs, ours in _SAME.items() if ours in known}
    return {name: one for name, one in found.items() if one is not None}


def _countries(given: Any) -> tuple[CountryTax, ...]:
    return tuple(
        CountryTax(
            country=each.country, account=each.account, vat_category=each.vatCategory, vat_percent=each.vatPercent
        )
        for each in given or ()
    )


async def known_services(call: Any, codes: Sequence[str]) -> dict[str, Service]:
    """Return the services with these codes. Refuses with: NotFound."""
    return dict(await call.ask(services_by_codes, codes)) if codes else {}

"""The operations of the WSDL about what resellers pay for services."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final

from spyne import Date, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.soap.models import Model, many, needed
from api.soap.service import operation
from api.soap.showing import plain
from domain.ids import ResellerId
from domain.ports.page import PAGE_MAX, PageRequest
from domain.refusal import NotFound
from domain.usecases.get_service import get_service
from domain.usecases.list_resellers import list_resellers
from domain.usecases.load_batches import services_by_ids
from domain.usecases.price_wholesale import (
    PutWholesalePrice,
    list_wholesale_fees,
    list_wholesale_prices,
    put_wholesale_price,
)

PAGE: Final = 200


class ResellerServicePriceModel(Model):
    """What a reseller pays for a service (absent: for all that have no price of their own) from a day on."""

    __type_name__ = "ResellerServicePrice"

    reseller = needed(Unicode)
    service = Unicode
    validFrom = needed(Date)
    percent = XsDecimal
    oneTimeFee = XsDecimal
    periodicFee = XsDecimal
    version = Integer


class ResellerServicePricePage(Model):
    """Everything that was agreed with a reseller about services."""

    price = many(ResellerServicePriceModel)


class ResellerServiceFeeModel(Model):
    """What a reseller pays for one of a service on a day."""

    __type_name__ = "ResellerServiceFee"

    service = needed(Unicode)
    oneTimeFee = needed(XsDecimal)
    periodicFee = needed(XsDecimal)


class ResellerServiceFeePage(Model):
    """A page of services; ``next`` asks for those behind."""

    fee = many(ResellerServiceFeeModel)
    next = Integer


class WholesaleFees(ServiceBase):
    """What resellers pay."""

    __service_name__ = "Billing"

    @operation(
        "PutResellerServicePrice",
        needed(ResellerServicePriceModel),
        Unicode,
        returns=ResellerServicePriceModel,
        result="price",
    )
    async def put_reseller_service_price(ctx: Any, price: Any, idempotencyKey: str | None) -> Any:
        """Let a reseller below the caller pay other fees from a day on; with a version that price is changed."""
        service = None if price.service is None else (await ctx.udc.ask(get_service, price.service)).id
        cmd = PutWholesalePrice(
            reseller=await _key(ctx.udc, price.reseller),
            service=service,
            valid_from=price.validFrom,
            percent=price.percent,
            one_time_fee=price.oneTimeFee,
            periodic_fee=price.periodicFee,
            version=price.version,
            idempotency_key=idempotencyKey,
        )
        price.version = (await ctx.udc.ask(put_wholesale_price, cmd)).version
        return price

    @operation("ListResellerServicePrices", needed(Unicode), returns=ResellerServicePricePage, result="page")
    async def list_reseller_service_prices(ctx: Any, reseller: str) -> Any:
        """Return what was agreed with a reseller about services, by service and day."""
        found = await ctx.udc.ask(list_wholesale_prices, await _key(ctx.udc, reseller))
        named = await ctx.udc.ask(services_by_ids, sorted({one.service for one in found if one.service is not None}))
        return ResellerServicePricePage(
            price=[
                ResellerServicePriceModel(
                    reseller=reseller,
                    service=None if one.service is None else named[one.service].code,
                    validFrom=one.valid_from,
                    percent=_plain(one.percent),
                    oneTimeFee=_plain(one.one_time_fee),
                    periodicFee=_plain(one.periodic_fee),
                    version=one.version,
                )
                for one in found
            ]
        )

    @operation(
        "ListResellerServiceFees",
        needed(Unicode),
        Date,
        Integer(ge=1, le=PAGE_MAX),
        Integer(ge=0),
        returns=ResellerServiceFeePage,
        result="page",
    )
    async def list_reseller_service_fees(
        ctx: Any,
        reseller: str,
        on: date | None,
        first: int | None,
        after: int | None,
    ) -> Any:
        """Return what a reseller pays for each service on a day, absent: today."""
        page = await ctx.udc.ask(
            list_wholesale_fees,
            PageRequest(first or PAGE, after or None),
            reseller=await _key(ctx.udc, reseller),
            on=on,
            clock=ctx.udc.wiring.clock,
        )
        fees = [
            ResellerServiceFeeModel(
                service=one.service.code, oneTimeFee=plain(one.one_time_fee), periodicFee=plain(one.periodic_fee)
            )
            for one in page.items
        ]
        return ResellerServiceFeePage(fee=fees, next=page.items[-1].id if page.more else None)


def _plain(value: Decimal | None) -> Decimal | None:
    return None if value is None else plain(value)


async def _key(call: Any, code: str) -> ResellerId:
    """Return the reseller of a code. Refuses with: NotFound."""
    for one in await call.ask(list_resellers):
        if one.code == code:
            key: ResellerId = one.id
            return key
    raise NotFound("no reseller {code}", code=code, field="reseller")

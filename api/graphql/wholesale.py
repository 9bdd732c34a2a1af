"""What resellers pay for the services of their customers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import key_of, read_number
from api.graphql.inputs import command
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.parties import ResellerType, ServiceType
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.ids import ResellerId
from domain.resellers.buying import WholesalePrice
from domain.usecases.price_wholesale import (
    PutWholesalePrice,
    WholesaleFee,
    list_wholesale_fees,
    list_wholesale_prices,
    put_wholesale_price,
)

ID = strawberry.ID
_AS_INPUT = strawberry.argument(name="input")


async def _reseller(root: strawberry.Parent[WholesalePrice], info: Info) -> Any:
    return await info.context.load.resellers.load(root.reseller)


async def _service(root: strawberry.Parent[WholesalePrice], info: Info) -> Any:
    return await info.context.load.services.load(root.service) if root.service is not None else None


@strawberry.type(
    name="ResellerServicePrice",
    description="What a reseller pays for a service from validFrom on, until the next one for it.",
)
class ResellerServicePriceType:
    """``domain.resellers.buying.WholesalePrice``."""

    reseller: ResellerType = strawberry.field(resolver=_reseller)
    service: ServiceType | None = strawberry.field(
        resolver=_service, description="null: every service that has no price of its own."
    )
    valid_from: date
    percent: Decimal | None = strawberry.field(
        description="Off what the one he buys from pays; less than 0 is added. He himself is not told."
    )
    one_time_fee: Decimal | None
    periodic_fee: Decimal | None
    version: int

    is_type_of = shows(WholesalePrice)


@strawberry.type(name="ResellerServiceFee", description="What a reseller pays for one of a service on a day.")
class ResellerServiceFeeType:
    """``WholesaleFee``."""

    service: ServiceType
    one_time_fee: Decimal
    periodic_fee: Decimal = strawberry.field(description="Of a fee period of the service.")

    is_type_of = shows(WholesaleFee)


@strawberry.input(
    description="A new price from a day on; with version the whole of a changed one. A fee that is left out is percent"
    " off what the one he buys from pays."
)
class PutResellerServicePriceInput:
    """``PutWholesalePrice``."""

    reseller: ID
    service: ID | None = strawberry.field(default=None, description="null: all that have no price of their own.")
    valid_from: date
    percent: Decimal | None = None
    one_time_fee: Decimal | None = None
    periodic_fee: Decimal | None = None
    version: int | None = None
    idempotency_key: str | None = strawberry.field(default=None, description="Sent again, the same answer again.")


async def _put(info: Info, asked: Annotated[PutResellerServicePriceInput, _AS_INPUT]) -> Any:
    cmd = command(PutWholesalePrice, asked, {"reseller": "Reseller", "service": "Service"})
    return await info.context.ask(put_wholesale_price, cmd)


async def _prices(info: Info, reseller: ID) -> Any:
    return await info.context.ask(list_wholesale_prices, ResellerId(key_of(reseller, "Reseller", "reseller")))


async def _fees(
    info: Info, reseller: ID, on: date | None = None, first: int = FIRST_DEFAULT, after: str | None = None
) -> Any:
    page = await info.context.ask(
        list_wholesale_fees,
        request(first, read_number(after, "ResellerServiceFee")),
        reseller=ResellerId(key_of(reseller, "Reseller", "reseller")),
        on=on,
        clock=info.context.wiring.clock,
    )
    return connect(page, "ResellerServiceFee", after=after)


@strawberry.type
class WholesaleQuery:
    """What resellers pay."""

    reseller_service_prices: list[ResellerServicePriceType] = strawberry.field(
        resolver=_prices, description="What was agreed with a reseller about services, by service and day."
    )
    reseller_service_fees: Connection[ResellerServiceFeeType] = strawberry.field(
        resolver=_fees, description="What a reseller pays for each service on a day; left out: today."
    )


@strawberry.type
class WholesaleMutation:
    """What resellers pay."""

    put_reseller_service_price = strawberry.mutation(
        resolver=_put,
        graphql_type=outcome("PutResellerServicePriceResult", ResellerServicePriceType),
        description="Of a reseller below the caller; days that are billed are corrected by the next run.",
    )

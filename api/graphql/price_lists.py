"""Price lists: what they hold, making one, changing prices from a moment on, and taking in a whole tariff."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql.catalogue import RateType, RoundingRuleType
from api.graphql.connections import Connection, connect, request, size
from api.graphql.context import Info
from api.graphql.ids import key_of, read_number
from api.graphql.inputs import command, given
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import Node, identified
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.scalars import BigInt, JsonText
from api.graphql.showing import shows
from domain.catalogue.document import parse_json
from domain.catalogue.tariff import Adjustment, PriceList, Rate, RoundingRule, Step
from domain.ids import ResellerId
from domain.money import MICRO, NANO, Rounding, scaled
from domain.refusal import BadValue
from domain.usecases.change_prices import ChangePrices, change_prices
from domain.usecases.create_price_list import CreatePriceList, create_price_list
from domain.usecases.import_tariff import ImportTariff, TariffImported, import_tariff
from domain.usecases.list_price_lists import list_price_lists
from domain.usecases.list_rates import ListRates, list_rates

ID = strawberry.ID
RATES_MAX = 10_000


async def _rates(
    root: strawberry.Parent[PriceList], info: Info, first: int = FIRST_DEFAULT, after: str | None = None
) -> Any:
    if after is None:
        return connect(await info.context.load.rates_of(size(first)).load(root.name), "Rate", after=None)
    query = ListRates(price_list=root.name, page=request(first, read_number(after, "Rate")))
    return connect(await info.context.ask(list_rates, query), "Rate", after=after)


async def _version(root: strawberry.Parent[PriceList], info: Info) -> int:
    return int(await info.context.load.price_versions.load(root.name))


async def _parent(root: strawberry.Parent[PriceList], info: Info) -> Any:
    return await info.context.load.price_lists.load(root.parent) if root.parent is not None else None


@strawberry.type(name="PriceList", description="Rates under a name; what is null is inherited from the parent.")
class PriceListType(Node):
    """``domain.catalogue.tariff.PriceList``."""

    id: strawberry.ID = identified()
    name: str
    currency: str | None
    zone: str | None
    parent: PriceListType | None = strawberry.field(resolver=_parent)
    band_policy: str | None
    rounding: RoundingRuleType | None
    version: int = strawberry.field(resolver=_version, description="Of its prices: give it back when you change them.")
    rates: Connection[RateType] = strawberry.field(
        resolver=_rates, description="The present versions that stand in this list itself."
    )

    is_type_of = shows(PriceList)


@strawberry.input
class StepInput:
    """``Step``: from unit start on, increments of next units at price per per units."""

    price: Decimal
    start: BigInt | None = None
    next: BigInt | None = None
    per: BigInt | None = None


@strawberry.input(description="percent or amount.")
class AdjustmentInput:
    """``Adjustment``."""

    percent: Decimal | None = None
    amount: Decimal | None = None


@strawberry.input(description="A price, or an adjustment of what lists further up say.")
class RateInput:
    """``Rate``; to is a destination, group:NAME or *."""

    to: str
    mode: str
    origin: str | None = None
    direction: str | None = None
    band: str | None = None
    zone: str | None = None
    setup: Decimal | None = None
    grace: BigInt | None = None
    min_charge: Decimal | None = None
    max_charge: Decimal | None = None
    first: BigInt | None = None
    steps: list[StepInput] | None = None
    adjust: AdjustmentInput | None = None
    valid_to: datetime | None = None


@strawberry.input
class RoundingRuleInput:
    """``RoundingRule``."""

    decimals: int
    mode: Rounding


@strawberry.input
class CreatePriceListInput:
    """``CreatePriceList``."""

    name: str
    parent: str | None = None
    currency: str | None = None
    zone: str | None = None
    band_policy: str | None = None
    rounding: RoundingRuleInput | None = None
    rates: list[RateInput] | None = None
    reseller: ID | None = None
    idempotency_key: str | None = strawberry.field(default=None, description="Sent again, the same answer again.")


@strawberry.input(description="The rates hold from validFrom on; the versions with the same selector end there.")
class ChangePricesInput:
    """``ChangePrices``."""

    price_list: str
    rates: list[RateInput]
    valid_from: datetime
    version: int | None = strawberry.field(
        default=None, description="That of the list that was read; left out: whatever it is."
    )
    idempotency_key: str | None = kept_key()


@strawberry.input(description="A tariff document, as tollwright import tariff reads it.")
class ImportTariffInput:
    """``ImportTariff``."""

    document: JsonText
    idempotency_key: str | None = kept_key()


@strawberry.type(name="PricesChanged", description="The versions that began.")
class PricesChanged:
    """What a change of prices came to."""

    rates: list[RateType]


@strawberry.type(name="TariffImported", description="What the catalogue holds now, and what of it began and ended.")
class TariffImportedType:
    """``domain.usecases.import_tariff.TariffImported``."""

    revision: BigInt
    destinations: int
    prefixes: int
    price_lists: int
    rates: int
    began: int
    ended: int
    parties_left: int

    is_type_of = shows(TariffImported)


async def _price_lists(info: Info, first: int = FIRST_DEFAULT, after: str | None = None) -> Any:
    page = await info.context.ask(list_price_lists, request(first, read_number(after, "PriceList")))
    return connect(page, "PriceList", after=after)


async def _price_list(info: Info, name: str) -> Any:
    return await info.context.load.price_lists.load(name)


async def _create(info: Info, asked: Annotated[CreatePriceListInput, strawberry.argument(name="input")]) -> Any:
    fields = given(asked)
    fields["rates"] = read_rates(asked.rates or [])
    if asked.reseller is not None:
        fields["reseller"] = ResellerId(key_of(asked.reseller, "Reseller", "reseller"))
    if asked.rounding is not None:
        fields["rounding"] = RoundingRule(decimals=asked.rounding.decimals, mode=asked.rounding.mode)
    return await info.context.ask(create_price_list, CreatePriceList(**fields), clock=info.context.wiring.clock)


async def _change(info: Info, asked: Annotated[ChangePricesInput, strawberry.argument(name="input")]) -> Any:
    cmd = command(ChangePrices, asked, rates=read_rates(asked.rates))
    return PricesChanged(rates=await info.context.ask(change_prices, cmd, clock=info.context.wiring.clock))


async def _import(info: Info, asked: Annotated[ImportTariffInput, strawberry.argument(name="input")]) -> Any:
    cmd = ImportTariff(document=parse_json(asked.document))
    return await info.context.ask(import_tariff, cmd, clock=info.context.wiring.clock)


def read_rates(rates: list[RateInput]) -> tuple[Rate, ...]:
    """Return rates as the domain's. Refuses with: BadValue."""
    if len(rates) > RATES_MAX:
        raise BadValue("at most {rates_max} rates at a time", rates_max=RATES_MAX, field="rates")
    return tuple(_read_rate(one, f"rates.{index}") for index, one in enumerate(rates))


def _read_rate(one: RateInput, place: str) -> Rate:
    fields = given(one)
    for name in ("setup", "min_charge", "max_charge"):
        if name in fields:
            fields[name] = _scaled(fields[name], NANO, f"{place}.{name}")
    if one.adjust is not None:
        fields["adjust"] = Adjustment(
            percent=None if one.adjust.percent is None else _scaled(one.adjust.percent, MICRO, f"{place}.adjust"),
            amount=None if one.adjust.amount is None else _scaled(one.adjust.amount, NANO, f"{place}.adjust"),
        )
    if one.steps is not None:
        steps = enumerate(one.steps)
        fields["steps"] = tuple(
            Step(**(given(step) | {"price": _scaled(step.price, NANO, f"{place}.steps.{index}")}))
            for index, step in steps
        )
    return Rate(**fields)


def _scaled(value: Decimal, scale: int, place: str) -> int:
    try:
        return scaled(format(value, "f"), scale)
    except BadValue as no:
        raise BadValue(no.message, field=place) from None


@strawberry.type
class CatalogueQuery:
    """What things cost."""

    price_lists: Connection[PriceListType] = strawberry.field(resolver=_price_lists)
    price_list: PriceListType | None = strawberry.field(resolver=_price_list)


@strawberry.type
class CatalogueMutation:
    """Prices. A rate is never changed in place: a new version ends the one before."""

    create_price_list = strawberry.mutation(
        resolver=_create, graphql_type=outcome("CreatePriceListResult", PriceListType)
    )
    change_prices = strawberry.mutation(resolver=_change, graphql_type=outcome("ChangePricesResult", PricesChanged))
    import_tariff = strawberry.mutation(
        resolver=_import, graphql_type=outcome("ImportTariffResult", TariffImportedType)
    )

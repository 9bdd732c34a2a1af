"""Number series and the stock of numbers in GraphQL."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import key_of, read_number
from api.graphql.inputs import command
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import Node, identified
from api.graphql.once import kept_key
from api.graphql.parties import CustomerType, ResellerType, SubscriptionType
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.ids import NumberReservationId, NumberSeriesId
from domain.numbers.series import NumberKind, NumberSeries, area_code
from domain.numbers.stock import NumberStatus, Reservation, StockNumber
from domain.usecases.find_numbers import FindNumbers, NumbersWanted, find_numbers, get_number
from domain.usecases.manage_numbers import (
    BlockNumbers,
    ClassifyNumbers,
    GiveNumbers,
    block_numbers,
    classify_numbers,
    free_numbers,
    give_numbers,
    take_back_number,
)
from domain.usecases.manage_series import (
    ChangeNumberSeries,
    CreateNumberSeries,
    change_number_series,
    count_numbers,
    create_number_series,
    get_number_series,
    list_number_series,
)
from domain.usecases.reserve_numbers import ReserveNumbers, cancel_reservation, reserve_numbers

ID = strawberry.ID
_AS_INPUT = strawberry.argument(name="input")
_KEY = "Sent again, the same answer again."
for _enum in (NumberKind, NumberStatus):
    strawberry.enum(_enum, description=(_enum.__doc__ or "").strip())


async def _reseller(root: strawberry.Parent[Any], info: Info) -> Any:
    return await info.context.load.resellers.load(root.reseller) if root.reseller is not None else None


@strawberry.type(name="NumberCount", description="How many numbers have a status.")
class NumberCountType:
    """A pair of ``counts``."""

    status: NumberStatus
    count: int


@strawberry.type(name="NumberSeries", description="A block of consecutive numbers, the first and the last in it.")
class NumberSeriesType(Node):
    """``domain.numbers.series.NumberSeries``."""

    name: str
    kind: NumberKind
    first_number: str
    last_number: str
    size: int
    quarantine_days: int = strawberry.field(description="How long a number rests that was given back.")
    reseller: ResellerType | None = strawberry.field(resolver=_reseller)
    version: int

    is_type_of = shows(NumberSeries)


async def _series(root: strawberry.Parent[StockNumber], info: Info) -> Any:
    return await info.context.load.number_series.load(root.series) if root.series is not None else None


def _status(root: strawberry.Parent[StockNumber], info: Info) -> NumberStatus:
    return root.status_at(info.context.wiring.clock.now())


def _area(root: strawberry.Parent[StockNumber]) -> str | None:
    return area_code(root.number)


@strawberry.type(name="NumberHolder", description="Who has or had the number, from validFrom until validTo.")
class NumberHolderType:
    """A pair of ``holders_of``."""

    subscription: SubscriptionType | None
    valid_from: datetime
    valid_to: datetime | None


async def _holders(root: strawberry.Parent[StockNumber], info: Info) -> Any:
    pairs = await info.context.load.holders.load(root.number)
    lines = await info.context.load.subscriptions.load_many([key for key, _ in pairs])
    return [
        NumberHolderType(subscription=line, valid_from=one.valid_from, valid_to=one.valid_to)
        for line, (_, one) in zip(lines, pairs, strict=True)
        if line is not None
    ]


async def _reserved_for(root: strawberry.Parent[StockNumber], info: Info) -> Any:
    return await info.context.load.customers.load(root.reserved_for) if root.reserved_for is not None else None


@strawberry.type(name="PhoneNumber", description="A number of the stock.")
class PhoneNumberType:
    """``domain.numbers.stock.StockNumber``."""

    number: str = strawberry.field(description="E.164 digits without plus.")
    kind: NumberKind
    status: NumberStatus = strawberry.field(resolver=_status, description="What it is now.")
    since: datetime | None
    until: datetime | None = strawberry.field(description="The end of an assignment, a reservation or a rest.")
    free_from: datetime | None = strawberry.field(description="From when it is free, where that is known.")
    area_code: str | None = strawberry.field(resolver=_area, description="Of a geographic number, without 0.")
    number_class: str
    price: Decimal | None
    series: NumberSeriesType | None = strawberry.field(resolver=_series)
    reseller: ResellerType | None = strawberry.field(resolver=_reseller, description="Whose subtree it was given to.")
    reserved_for: CustomerType | None = strawberry.field(resolver=_reserved_for)
    other: str | None = strawberry.field(description="The operator it was ported in from, or out to.")
    holder: str | None = strawberry.field(description="Whose block it is; null: the operator's own.")
    reason: str | None
    holders: list[NumberHolderType] = strawberry.field(resolver=_holders)
    version: int

    is_type_of = shows(StockNumber)


@strawberry.type(name="PhoneNumbers", description="Numbers of the stock.")
class PhoneNumbersType:
    """What a change of several numbers answers."""

    numbers: list[PhoneNumberType]


@strawberry.type(name="NumbersGiven", description="How many numbers were given.")
class NumbersGivenType:
    """What ``give_numbers`` answers."""

    count: int


@strawberry.type(name="NumberReservation", description="Numbers that are kept for somebody until an instant.")
class ReservationType:
    """``domain.numbers.stock.Reservation``."""

    id: ID = identified()
    numbers: list[str]
    until: datetime

    is_type_of = shows(Reservation)


@strawberry.input(description="Which numbers; area is an area code or the beginning of a number, such as 08.")
class NumberFilterInput:
    """``NumbersWanted``."""

    status: NumberStatus | None = None
    kind: NumberKind | None = None
    series: ID | None = None
    area: str | None = None
    ends_with: str | None = None
    contains: str | None = None
    number_class: str | None = None


@strawberry.input
class CreateNumberSeriesInput:
    """``CreateNumberSeries``."""

    name: str
    kind: NumberKind
    first_number: str
    last_number: str
    quarantine_days: int | None = None
    reseller: ID | None = None
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.input
class ChangeNumberSeriesInput:
    """``ChangeNumberSeries``."""

    series: ID
    version: int
    name: strawberry.Maybe[str]
    quarantine_days: strawberry.Maybe[int]
    idempotency_key: str | None = kept_key()


@strawberry.input(description="Either numbers, or a count of free ones that are as wanted says.")
class ReserveNumbersInput:
    """``ReserveNumbers``."""

    until: datetime
    numbers: list[str] | None = None
    count: int | None = None
    wanted: NumberFilterInput | None = None
    customer: ID | None = None
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.input
class GiveNumbersInput:
    """``GiveNumbers``; reseller left out takes them back."""

    first_number: str
    last_number: str
    reseller: ID | None = None
    idempotency_key: str | None = kept_key()


@strawberry.input
class BlockNumbersInput:
    """``BlockNumbers``."""

    numbers: list[str]
    reason: str
    idempotency_key: str | None = kept_key()


@strawberry.input
class ClassifyNumbersInput:
    """``ClassifyNumbers``."""

    numbers: list[str]
    number_class: str
    price: Decimal | None = None
    idempotency_key: str | None = kept_key()


def _wanted(asked: NumberFilterInput | None) -> NumbersWanted:
    return NumbersWanted() if asked is None else command(NumbersWanted, asked, {"series": "NumberSeries"})


async def _all_series(info: Info, first: int = FIRST_DEFAULT, after: str | None = None) -> Any:
    page = await info.context.ask(list_number_series, request(first, read_number(after, "NumberSeries")))
    return connect(page, "NumberSeries", after=after)


async def _one_series(info: Info, id: ID) -> Any:
    return await info.context.ask(get_number_series, NumberSeriesId(key_of(id, "NumberSeries", "id")))


async def _numbers(
    info: Info,
    filter: NumberFilterInput | None = None,
    first: int = FIRST_DEFAULT,
    after: str | None = None,
) -> Any:
    query = FindNumbers(wanted=_wanted(filter), page=request(first, read_number(after, "PhoneNumber")))
    page = await info.context.ask(find_numbers, query, clock=info.context.wiring.clock)
    return connect(page, "PhoneNumber", after=after, key=lambda one: one.number)


async def _number(info: Info, number: str) -> Any:
    return await info.context.ask(get_number, number)


async def _create_series(info: Info, asked: Annotated[CreateNumberSeriesInput, _AS_INPUT]) -> Any:
    return await info.context.ask(create_number_series, command(CreateNumberSeries, asked, {"reseller": "Reseller"}))


async def _change_series(info: Info, asked: Annotated[ChangeNumberSeriesInput, _AS_INPUT]) -> Any:
    return await info.context.ask(change_number_series, command(ChangeNumberSeries, asked, {"series": "NumberSeries"}))


async def _reserve(info: Info, asked: Annotated[ReserveNumbersInput, _AS_INPUT]) -> Any:
    more: dict[str, Any] = {"numbers": tuple(asked.numbers or ())}
    if asked.wanted is not None:
        more["wanted"] = _wanted(asked.wanted)
    cmd = command(ReserveNumbers, asked, {"customer": "Customer"}, **more)
    return await info.context.ask(reserve_numbers, cmd, clock=info.context.wiring.clock)


async def _cancel(info: Info, reservation: ID) -> Any:
    key = NumberReservationId(key_of(reservation, "NumberReservation", "reservation"))
    return PhoneNumbersType(numbers=await info.context.ask(cancel_reservation, key, clock=info.context.wiring.clock))


async def _give(info: Info, asked: Annotated[GiveNumbersInput, _AS_INPUT]) -> Any:
    cmd = command(GiveNumbers, asked, {"reseller": "Reseller"})
    return NumbersGivenType(count=await info.context.ask(give_numbers, cmd, clock=info.context.wiring.clock))


async def _block(info: Info, asked: Annotated[BlockNumbersInput, _AS_INPUT]) -> Any:
    cmd = BlockNumbers(numbers=tuple(asked.numbers), reason=asked.reason)
    return PhoneNumbersType(numbers=await info.context.ask(block_numbers, cmd, clock=info.context.wiring.clock))


async def _free(info: Info, numbers: list[str]) -> Any:
    found = await info.context.ask(free_numbers, tuple(numbers), clock=info.context.wiring.clock)
    return PhoneNumbersType(numbers=found)


async def _classify(info: Info, asked: Annotated[ClassifyNumbersInput, _AS_INPUT]) -> Any:
    cmd = ClassifyNumbers(numbers=tuple(asked.numbers), number_class=asked.number_class, price=asked.price)
    return PhoneNumbersType(numbers=await info.context.ask(classify_numbers, cmd))


async def _take_back(info: Info, number: str) -> Any:
    return await info.context.ask(take_back_number, number, clock=info.context.wiring.clock)


async def _count(info: Info, series: ID) -> Any:
    key = NumberSeriesId(key_of(series, "NumberSeries", "series"))
    found = await info.context.ask(count_numbers, key, clock=info.context.wiring.clock)
    return [NumberCountType(status=status, count=count) for status, count in sorted(found.items())]


@strawberry.type
class NumberQuery:
    """The stock of numbers."""

    number_series: NumberSeriesType | None = strawberry.field(resolver=_one_series)
    all_number_series: Connection[NumberSeriesType] = strawberry.field(resolver=_all_series)
    number_counts: list[NumberCountType] = strawberry.field(
        resolver=_count, description="How many numbers of a series have which status now."
    )
    phone_numbers: Connection[PhoneNumberType] = strawberry.field(
        resolver=_numbers, description="Numbers of the stock by their digits."
    )
    phone_number: PhoneNumberType | None = strawberry.field(
        resolver=_number, description="One number of the stock, as people write it."
    )


@strawberry.type
class NumberMutation:
    """The stock of numbers."""

    create_number_series = strawberry.mutation(
        resolver=_create_series, graphql_type=outcome("CreateNumberSeriesResult", NumberSeriesType)
    )
    change_number_series = strawberry.mutation(
        resolver=_change_series, graphql_type=outcome("ChangeNumberSeriesResult", NumberSeriesType)
    )
    reserve_numbers = strawberry.mutation(
        resolver=_reserve, graphql_type=outcome("ReserveNumbersResult", ReservationType)
    )
    cancel_reservation = strawberry.mutation(
        resolver=_cancel, graphql_type=outcome("CancelReservationResult", PhoneNumbersType)
    )
    give_numbers = strawberry.mutation(
        resolver=_give,
        graphql_type=outcome("GiveNumbersResult", NumbersGivenType),
        description="Free numbers become a reseller's subtree's.",
    )
    block_numbers = strawberry.mutation(resolver=_block, graphql_type=outcome("BlockNumbersResult", PhoneNumbersType))
    free_numbers = strawberry.mutation(
        resolver=_free,
        graphql_type=outcome("FreeNumbersResult", PhoneNumbersType),
        description="Free numbers that are blocked, reserved or rest.",
    )
    classify_numbers = strawberry.mutation(
        resolver=_classify, graphql_type=outcome("ClassifyNumbersResult", PhoneNumbersType)
    )
    take_back_number = strawberry.mutation(
        resolver=_take_back,
        graphql_type=outcome("TakeBackNumberResult", PhoneNumberType),
        description="A number that was ported out has come back to us, its holder; it rests first.",
    )

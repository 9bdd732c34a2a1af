"""The operations of the WSDL about the stock of numbers: series, numbers, reservations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from spyne import DateTime, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.soap.lines import timed
from api.soap.models import Model, _enum, many, needed
from api.soap.paging import key_after
from api.soap.service import Call, operation
from domain.commands import UNCHANGED
from domain.ids import NumberReservationId, NumberSeriesId, ResellerId
from domain.numbers.series import NumberKind, NumberSeries
from domain.numbers.stock import NumberStatus, Reservation, StockNumber
from domain.ports.page import PAGE_MAX, PageRequest
from domain.refusal import NotFound
from domain.usecases.find_numbers import FindNumbers, NumbersWanted, find_numbers, get_number, holders_of
from domain.usecases.get_customer import get_customer
from domain.usecases.list_resellers import list_resellers
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
    list_number_series,
)
from domain.usecases.reserve_numbers import ReserveNumbers, cancel_reservation, reserve_numbers

PAGE: Final = 200
KindOfNumber = _enum(NumberKind, "NumberKind")
StatusOfNumber = _enum(NumberStatus, "NumberStatus")


class NumberBlock(Model):
    """A block of consecutive numbers; ``reseller`` is a code."""

    __type_name__ = "NumberSeries"

    id = needed(Integer)
    name = needed(Unicode)
    kind = needed(KindOfNumber)
    firstNumber = needed(Unicode)
    lastNumber = needed(Unicode)
    quarantineDays = needed(Integer)
    reseller = Unicode
    version = needed(Integer)


class NewNumberSeries(Model):
    """A series to be made."""

    name = needed(Unicode)
    kind = needed(KindOfNumber)
    firstNumber = needed(Unicode)
    lastNumber = needed(Unicode)
    quarantineDays = Integer
    reseller = Unicode


class NumberSeriesPage(Model):
    """Series by key; ``next`` asks for those after them."""

    count = needed(Integer)
    series = many(NumberBlock)
    next = Integer


class NumberCount(Model):
    """How many numbers have a status."""

    status = needed(StatusOfNumber)
    count = needed(Integer)


class NumberCounts(Model):
    """A series' numbers by status."""

    count = many(NumberCount)


class NumberHolder(Model):
    """Which line has or had a number."""

    subscription = needed(Integer)
    validFrom = needed(DateTime)
    validTo = DateTime


class PhoneNumber(Model):
    """A number of the stock; ``reseller`` is a code."""

    number = needed(Unicode)
    kind = needed(KindOfNumber)
    status = needed(StatusOfNumber)
    since = DateTime
    until = DateTime
    freeFrom = DateTime
    numberClass = needed(Unicode)
    price = XsDecimal
    series = Integer
    reseller = Unicode
    other = Unicode
    holder = Unicode
    reason = Unicode
    version = needed(Integer)
    heldBy = many(NumberHolder)


class NumberPage(Model):
    """Numbers by their digits; ``next`` asks for those after them."""

    count = needed(Integer)
    number = many(PhoneNumber)
    next = Unicode


class NumberFilter(Model):
    """Which numbers: ``area`` is an area code or a number's beginning, such as 08."""

    status = StatusOfNumber
    kind = KindOfNumber
    series = Integer
    area = Unicode
    endsWith = Unicode
    contains = Unicode
    numberClass = Unicode


class NewReservation(Model):
    """Either ``number``s, or a ``count`` of free ones as ``wanted`` says; ``customer`` is a number of a customer."""

    until = needed(DateTime)
    number = many(Unicode)
    count = Integer
    wanted = NumberFilter
    customer = Unicode


class NumberReservation(Model):
    """Numbers that are kept for somebody."""

    id = needed(Integer)
    until = needed(DateTime)
    number = many(Unicode)


class Numbers(ServiceBase):
    """The stock of numbers."""

    __service_name__ = "Billing"

    @operation("CreateNumberSeries", needed(NewNumberSeries), Unicode, returns=NumberBlock, result="series")
    async def create_series(ctx: Any, series: Any, idempotencyKey: str | None) -> Any:
        """Make a series, and its numbers in the stock."""
        cmd = CreateNumberSeries(
            name=series.name,
            kind=NumberKind(str(series.kind)),
            first_number=series.firstNumber,
            last_number=series.lastNumber,
            reseller=await _reseller(ctx.udc, series.reseller),
            idempotency_key=idempotencyKey,
            **({} if series.quarantineDays is None else {"quarantine_days": series.quarantineDays}),
        )
        made = await ctx.udc.ask(create_number_series, cmd)
        return _series(made, await _codes(ctx.udc))

    @operation(
        "ChangeNumberSeries",
        *(needed(Integer(ge=1)), needed(Integer), Unicode, Integer),
        returns=NumberBlock,
        result="series",
    )
    async def change_series(
        ctx: Any,
        id: int,
        version: int,
        name: str | None,
        quarantineDays: int | None,
    ) -> Any:
        """Change a series' name or how long its numbers rest."""
        cmd = ChangeNumberSeries(
            series=NumberSeriesId(id),
            version=version,
            name=UNCHANGED if name is None else name,
            quarantine_days=UNCHANGED if quarantineDays is None else quarantineDays,
        )
        return _series(await ctx.udc.ask(change_number_series, cmd), await _codes(ctx.udc))

    @operation("ListNumberSeries", Integer(ge=1, le=PAGE_MAX), Integer, returns=NumberSeriesPage, result="page")
    async def list_series(ctx: Any, first: int | None, after: int | None) -> Any:
        """Return series by key."""
        page = await ctx.udc.ask(list_number_series, PageRequest(first or PAGE, after))
        codes = await _codes(ctx.udc)
        following = page.items[-1].id if page.more else None
        return NumberSeriesPage(
            count=len(page.items), series=[_series(one, codes) for one in page.items], next=following
        )

    @operation("CountNumbers", needed(Integer(ge=1)), returns=NumberCounts, result="counts")
    async def count_numbers(ctx: Any, series: int) -> Any:
        """Return how many numbers of a series have which status now."""
        found = await timed(ctx.udc, count_numbers, NumberSeriesId(series))
        rows = [NumberCount(status=status.value, count=count) for status, count in sorted(found.items())]
        return NumberCounts(count=rows)

    @operation("FindNumbers", NumberFilter, Integer(ge=1, le=PAGE_MAX), Unicode, returns=NumberPage, result="page")
    async def find_numbers(ctx: Any, wanted: Any, first: int | None, after: str | None) -> Any:
        """Return numbers of the stock by their digits."""
        query = FindNumbers(wanted=_wanted(wanted), page=PageRequest(first or PAGE, key_after(after)))
        page = await timed(ctx.udc, find_numbers, query)
        following = page.items[-1].number if page.more else None
        return NumberPage(count=len(page.items), number=await _phones(ctx.udc, page.items), next=following)

    @operation("GetNumber", needed(Unicode), returns=PhoneNumber, result="number")
    async def get_number(ctx: Any, number: str) -> Any:
        """Return one number of the stock and who has or had it."""
        one = await ctx.udc.ask(get_number, number)
        holders = (await ctx.udc.ask(holders_of, [one.number]))[one.number]
        (shown,) = await _phones(ctx.udc, [one])
        shown.heldBy = [
            NumberHolder(subscription=key, validFrom=each.valid_from, validTo=each.valid_to) for key, each in holders
        ]
        return shown

    @operation("ReserveNumbers", needed(NewReservation), Unicode, returns=NumberReservation, result="reservation")
    async def reserve_numbers(ctx: Any, reservation: Any, idempotencyKey: str | None) -> Any:
        """Keep numbers for somebody until an instant."""
        customer = reservation.customer
        cmd = ReserveNumbers(
            until=reservation.until,
            numbers=tuple(reservation.number or ()),
            count=reservation.count,
            wanted=None if reservation.wanted is None else _wanted(reservation.wanted),
            customer=None if customer is None else (await ctx.udc.ask(get_customer, customer)).id,
            idempotency_key=idempotencyKey,
        )
        return _reservation(await timed(ctx.udc, reserve_numbers, cmd))

    @operation("CancelReservation", needed(Integer(ge=1)), returns=NumberPage, result="page")
    async def cancel_reservation(ctx: Any, id: int) -> Any:
        """Let go of what is still reserved, and return it."""
        found = await timed(ctx.udc, cancel_reservation, NumberReservationId(id))
        return NumberPage(count=len(found), number=await _phones(ctx.udc, found))

    @operation("GiveNumbers", needed(Unicode), needed(Unicode), Unicode, returns=needed(Integer), result="count")
    async def give_numbers(ctx: Any, firstNumber: str, lastNumber: str, reseller: str | None) -> Any:
        """Give free numbers to a reseller's subtree by his code, or take them back; return how many."""
        key = await _reseller(ctx.udc, reseller)
        return await timed(
            ctx.udc, give_numbers, GiveNumbers(first_number=firstNumber, last_number=lastNumber, reseller=key)
        )

    @operation("BlockNumbers", many(Unicode), needed(Unicode), returns=NumberPage, result="page")
    async def block_numbers(ctx: Any, number: Any, reason: str) -> Any:
        """Keep numbers from being given."""
        found = await timed(ctx.udc, block_numbers, BlockNumbers(numbers=tuple(number or ()), reason=reason))
        return NumberPage(count=len(found), number=await _phones(ctx.udc, found))

    @operation("FreeNumbers", many(Unicode), returns=NumberPage, result="page")
    async def free_numbers(ctx: Any, number: Any) -> Any:
        """Free numbers that are blocked, reserved or rest."""
        found = await timed(ctx.udc, free_numbers, tuple(number or ()))
        return NumberPage(count=len(found), number=await _phones(ctx.udc, found))

    @operation("ClassifyNumbers", many(Unicode), needed(Unicode), XsDecimal, returns=NumberPage, result="page")
    async def classify_numbers(ctx: Any, number: Any, numberClass: str, price: Any) -> Any:
        """Give numbers a class and a price."""
        cmd = ClassifyNumbers(numbers=tuple(number or ()), number_class=numberClass, price=price)
        found = await ctx.udc.ask(classify_numbers, cmd)
        return NumberPage(count=len(found), number=await _phones(ctx.udc, found))

    @operation("TakeBackNumber", needed(Unicode), returns=PhoneNumber, result="number")
    async def take_back_number(ctx: Any, number: str) -> Any:
        """Take back a number that had been ported out and is ours again."""
        (shown,) = await _phones(ctx.udc, [await timed(ctx.udc, take_back_number, number)])
        return shown


async def _codes(call: Call) -> dict[ResellerId, str]:
    return {one.id: one.code for one in await call.ask(list_resellers)}


async def _reseller(call: Call, code: str | None) -> ResellerId | None:
    if code is None:
        return None
    for key, known in (await _codes(call)).items():
        if known == code:
            return key
    raise NotFound("no such reseller, or not yours", field="reseller")


def _series(one: NumberSeries, codes: dict[ResellerId, str]) -> Any:
    return NumberBlock(
        id=one.id,
        name=one.name,
        kind=one.kind.value,
        firstNumber=one.first_number,
        lastNumber=one.last_number,
        quarantineDays=one.quarantine_days,
        reseller=None if one.reseller is None else codes.get(one.reseller),
        version=one.version,
    )


async def _phones(call: Call, numbers: Sequence[StockNumber]) -> list[Any]:
    codes = await _codes(call) if any(one.reseller is not None for one in numbers) else {}
    now = call.wiring.clock.now()
    return [
        PhoneNumber(
            number=one.number,
            kind=one.kind.value,
            status=one.status_at(now).value,
            since=one.since,
            until=one.until,
            freeFrom=one.free_from,
            numberClass=one.number_class,
            price=one.price,
            series=one.series,
            reseller=None if one.reseller is None else codes.get(one.reseller),
            other=one.other,
            holder=one.holder,
            reason=one.reason,
            version=one.version,
        )
        for one in numbers
    ]


def _wanted(asked: Any) -> NumbersWanted:
    if asked is None:
        return NumbersWanted()
    return NumbersWanted(
        status=None if asked.status is None else NumberStatus(str(asked.status)),
        kind=None if asked.kind is None else NumberKind(str(asked.kind)),
        series=None if asked.series is None else NumberSeriesId(asked.series),
        area=asked.area,
        ends_with=asked.endsWith,
        contains=asked.contains,
        number_class=asked.numberClass,
    )


def _reservation(one: Reservation) -> Any:
    return NumberReservation(id=one.id, until=one.until, number=list(one.numbers))

"""The operations of the WSDL about lines and numbers: their life, their stock, and orders to port and preselect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from spyne import Boolean, DateTime, Integer, ServiceBase, Unicode
from spyne import Decimal as XsDecimal

from api.soap import showing
from api.soap.models import KindOfIdentifier, KindOfSubscription, Line, Model, OwnField, _enum, many, needed
from api.soap.paging import key_after
from api.soap.particulars import changes
from api.soap.service import Call, operation
from domain.commands import UNCHANGED
from domain.contracts.identifiers import IdentifierKind
from domain.contracts.stepping import Step, dated
from domain.contracts.subscription import NumberAssignment, Subscription, SubscriptionKind
from domain.ids import NumberOrderId, NumberReservationId, NumberSeriesId, ResellerId, SubscriptionId
from domain.numbers.ordering import (
    PORTS,
    NumberOrder,
    OrderKind,
    OrderState,
    PreselectionScope,
    RejectReason,
)
from domain.numbers.series import NumberKind, NumberSeries
from domain.numbers.stock import NumberStatus, Reservation, StockNumber
from domain.ports.page import PAGE_MAX, PageRequest
from domain.refusal import NotFound
from domain.usecases.add_subscription import AddSubscription, add_subscription
from domain.usecases.assign_numbers import AssignNumbers, assign_numbers
from domain.usecases.change_subscription import ChangeSubscription, change_subscription
from domain.usecases.find_numbers import FindNumbers, NumbersWanted, find_numbers, get_number, holders_of
from domain.usecases.get_contract import get_contract
from domain.usecases.get_customer import get_customer
from domain.usecases.get_subscription import get_subscription
from domain.usecases.list_number_orders import ListNumberOrders, list_number_orders, steps_of_orders
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
from domain.usecases.port_number import RequestPort, StepPort, request_port, step_port
from domain.usecases.preselect_number import OrderPreselection, order_preselection, step_preselection
from domain.usecases.release_numbers import ReleaseNumbers, release_numbers
from domain.usecases.reserve_numbers import ReserveNumbers, cancel_reservation, reserve_numbers
from domain.usecases.step_subscription import StepSubscription, step_subscription, subscription_histories
from domain.usecases.swap_sim import SwapSim, swap_sim
from domain.usecases.transfer_number import TransferNumber, transfer_number

PAGE: Final = 200
StepOfLine = _enum(Step, "SubscriptionStep")
KindOfNumber = _enum(NumberKind, "NumberKind")
StatusOfNumber = _enum(NumberStatus, "NumberStatus")
KindOfNumberOrder = _enum(OrderKind, "NumberOrderKind")
StateOfNumberOrder = _enum(OrderState, "NumberOrderState")
ReasonOfNumberOrder = _enum(RejectReason, "NumberOrderReason")
ScopeOfPreselection = _enum(PreselectionScope, "PreselectionScope")


class NewNumber(Model):
    """A number, or what else a line is known by, from ``validFrom`` until ``validTo``."""

    number = needed(Unicode)
    validFrom = needed(DateTime)  # noqa: N815  (an element's name)
    validTo = DateTime  # noqa: N815
    kind = KindOfIdentifier


class LineStateChange(Model):
    """A line is in the state from ``since`` on."""

    state = needed(Unicode)
    since = needed(DateTime)
    reason = Unicode
    recordedAt = DateTime  # noqa: N815
    client = Unicode


class LineHistory(Model):
    """A line's states in the order of time."""

    change = many(LineStateChange)


class NumberBlock(Model):
    """A block of consecutive numbers; ``reseller`` is a code."""

    __type_name__ = "NumberSeries"

    id = needed(Integer)
    name = needed(Unicode)
    kind = needed(KindOfNumber)
    firstNumber = needed(Unicode)  # noqa: N815
    lastNumber = needed(Unicode)  # noqa: N815
    quarantineDays = needed(Integer)  # noqa: N815
    reseller = Unicode
    version = needed(Integer)


class NewNumberSeries(Model):
    """A series to be made."""

    name = needed(Unicode)
    kind = needed(KindOfNumber)
    firstNumber = needed(Unicode)  # noqa: N815
    lastNumber = needed(Unicode)  # noqa: N815
    quarantineDays = Integer  # noqa: N815
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
    validFrom = needed(DateTime)  # noqa: N815
    validTo = DateTime  # noqa: N815


class PhoneNumber(Model):
    """A number of the stock; ``reseller`` is a code."""

    number = needed(Unicode)
    kind = needed(KindOfNumber)
    status = needed(StatusOfNumber)
    since = DateTime
    until = DateTime
    freeFrom = DateTime  # noqa: N815
    numberClass = needed(Unicode)  # noqa: N815
    price = XsDecimal
    series = Integer
    reseller = Unicode
    other = Unicode
    holder = Unicode
    reason = Unicode
    version = needed(Integer)
    heldBy = many(NumberHolder)  # noqa: N815


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
    endsWith = Unicode  # noqa: N815
    contains = Unicode
    numberClass = Unicode  # noqa: N815


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


class NumberOrderStep(Model):
    """An order came into a state."""

    state = needed(StateOfNumberOrder)
    at = needed(DateTime)
    reason = Unicode
    client = Unicode


class NumberOrderShown(Model):
    """An order to port or preselect a number; ``other``: donor, recipient, or the prefix that is preselected."""

    __type_name__ = "NumberOrder"
    id = needed(Integer)
    kind = needed(KindOfNumberOrder)
    number = needed(Unicode)
    subscription = needed(Integer)
    other = needed(Unicode)
    holder = Unicode
    scope = ScopeOfPreselection
    state = needed(StateOfNumberOrder)
    wantedAt = needed(DateTime)  # noqa: N815
    moment = DateTime
    reason = ReasonOfNumberOrder
    note = Unicode
    reference = Unicode
    endsSubscription = needed(Boolean)  # noqa: N815
    version = needed(Integer)
    step = many(NumberOrderStep)


class NumberOrderPage(Model):
    """Orders by key; ``next`` asks for those after them."""

    count = needed(Integer)
    order = many(NumberOrderShown)
    next = Integer


class NewPort(Model):
    """A number that comes to a line from ``other``, or goes from it to ``other``."""

    kind = needed(KindOfNumberOrder)
    subscription = needed(Integer(ge=1))
    number = needed(Unicode)
    other = needed(Unicode)
    wantedAt = needed(DateTime)  # noqa: N815
    holder = Unicode
    reference = Unicode
    note = Unicode
    endsSubscription = Boolean  # noqa: N815


class NewPreselection(Model):
    """A fixed number whose calls are to go by the operator of ``prefix``."""

    subscription = needed(Integer(ge=1))
    number = needed(Unicode)
    prefix = needed(Unicode)
    wantedAt = needed(DateTime)  # noqa: N815
    scope = ScopeOfPreselection
    accessOperator = Unicode  # noqa: N815
    reference = Unicode
    note = Unicode


class NextState(Model):
    """The next state of an order; a moment where it is confirmed, done or active."""

    order = needed(Integer(ge=1))
    state = needed(StateOfNumberOrder)
    moment = DateTime
    reason = ReasonOfNumberOrder
    note = Unicode
    reference = Unicode
    version = Integer


class Numbers(ServiceBase):  # type: ignore[misc]  # spyne has no types
    """Lines and numbers."""

    __service_name__ = "Billing"

    @operation("GetSubscription", needed(Integer(ge=1)), returns=Line, result="subscription")
    async def get_subscription(ctx: Any, id: int) -> Any:  # noqa: A002, N805  (spyne's context and names)
        """Return a line."""
        return _line(ctx.udc, await ctx.udc.ask(get_subscription, SubscriptionId(id)))

    @operation("GetSubscriptionHistory", needed(Integer(ge=1)), returns=LineHistory, result="history")
    async def get_history(ctx: Any, id: int) -> Any:  # noqa: A002, N805
        """Return a line's states in the order of time."""
        one = await ctx.udc.ask(get_subscription, SubscriptionId(id))
        changes = (await ctx.udc.ask(subscription_histories, [one.id]))[one.id]
        return LineHistory(
            change=[
                LineStateChange(
                    state=each.state.value,
                    since=each.since,
                    reason=each.reason,
                    recordedAt=each.recorded_at,
                    client=each.client,
                )
                for each in dated(changes)
            ]
        )

    @operation(
        "AddSubscription",
        *(needed(Unicode), needed(KindOfSubscription), Unicode, many(NewNumber), Boolean, Unicode),
        returns=Line,
        result="subscription",
    )
    async def add_subscription(  # noqa: PLR0917
        ctx: Any,  # noqa: N805
        contractNumber: str,  # noqa: N803
        kind: Any,
        label: str | None,
        number: Any,
        pending: bool | None,
        idempotencyKey: str | None,  # noqa: N803
    ) -> Any:
        """Add a line to a contract: active at once, or pending until it is activated."""
        agreed = await ctx.udc.ask(get_contract, contractNumber)
        cmd = AddSubscription(
            contract=agreed.id,
            kind=SubscriptionKind(str(kind)),
            label=label or "",
            numbers=_assignments(number),
            pending=bool(pending),
            idempotency_key=idempotencyKey,
        )
        return _line(ctx.udc, await _timed(ctx.udc, add_subscription, cmd))

    @operation(
        "AssignNumbers",
        *(needed(Integer(ge=1)), many(NewNumber), Integer),
        returns=Line,
        result="subscription",
    )
    async def assign_numbers(ctx: Any, id: int, number: Any, version: int | None) -> Any:  # noqa: A002, N805
        """Assign numbers, and what else a line is known by."""
        cmd = AssignNumbers(subscription=SubscriptionId(id), numbers=_assignments(number), version=version)
        return _line(ctx.udc, await _timed(ctx.udc, assign_numbers, cmd))

    @operation(
        "ReleaseNumbers",
        *(needed(Integer(ge=1)), many(Unicode), needed(DateTime), Integer),
        returns=Line,
        result="subscription",
    )
    async def release_numbers(ctx: Any, id: int, number: Any, at: Any, version: int | None) -> Any:  # noqa: A002, N805
        """End assignments at an instant."""
        cmd = ReleaseNumbers(subscription=SubscriptionId(id), numbers=tuple(number or ()), at=at, version=version)
        return _line(ctx.udc, await ctx.udc.ask(release_numbers, cmd))

    @operation(
        "StepSubscription",
        *(needed(Integer(ge=1)), needed(StepOfLine), DateTime, Unicode, Integer, Unicode),
        returns=Line,
        result="subscription",
    )
    async def step_subscription(  # noqa: PLR0917
        ctx: Any,  # noqa: N805
        id: int,  # noqa: A002
        step: Any,
        at: Any,
        reason: str | None,
        version: int | None,
        idempotencyKey: str | None,  # noqa: N803
    ) -> Any:
        """Activate, suspend, resume or end a line; only an end may lie ahead."""
        cmd = StepSubscription(
            subscription=SubscriptionId(id),
            step=Step(str(step)),
            at=at,
            reason=reason,
            version=version,
            idempotency_key=idempotencyKey,
        )
        return _line(ctx.udc, await _timed(ctx.udc, step_subscription, cmd))

    @operation(
        "ChangeSubscription",
        *(needed(Integer(ge=1)), needed(Integer), Unicode, many(OwnField)),
        returns=Line,
        result="subscription",
    )
    async def change_subscription(
        ctx: Any,  # noqa: N805
        id: int,  # noqa: A002
        version: int,
        label: str | None,
        field: list[Any] | None,
    ) -> Any:
        """Give a line another label, and write the operator's own fields; what is left out stays."""
        named = {} if label is None else {"label": label}
        cmd = ChangeSubscription(subscription=SubscriptionId(id), version=version, fields=changes(field), **named)
        return _line(ctx.udc, await ctx.udc.ask(change_subscription, cmd))

    @operation(
        "SwapSim",
        *(needed(Integer(ge=1)), Unicode, Unicode, DateTime, Integer, Unicode),
        returns=Line,
        result="subscription",
    )
    async def swap_sim(  # noqa: PLR0917
        ctx: Any,  # noqa: N805
        id: int,  # noqa: A002
        iccid: str | None,
        imsi: str | None,
        at: Any,
        version: int | None,
        idempotencyKey: str | None,  # noqa: N803
    ) -> Any:
        """Change a line's card; the numbers stay."""
        cmd = SwapSim(
            subscription=SubscriptionId(id),
            iccid=iccid,
            imsi=imsi,
            at=at,
            version=version,
            idempotency_key=idempotencyKey,
        )
        return _line(ctx.udc, await _timed(ctx.udc, swap_sim, cmd))

    @operation(
        "TransferNumber",
        *(needed(Unicode), needed(Integer(ge=1)), needed(Integer(ge=1)), needed(DateTime), Unicode),
        returns=Line,
        result="subscription",
    )
    async def transfer_number(
        ctx: Any,  # noqa: N805
        number: str,
        source: int,
        target: int,
        at: Any,
        idempotencyKey: str | None,  # noqa: N803
    ) -> Any:
        """Move a number from one line to another at an instant."""
        cmd = TransferNumber(
            number=number,
            source=SubscriptionId(source),
            target=SubscriptionId(target),
            at=at,
            idempotency_key=idempotencyKey,
        )
        return _line(ctx.udc, await _timed(ctx.udc, transfer_number, cmd))

    @operation("CreateNumberSeries", needed(NewNumberSeries), Unicode, returns=NumberBlock, result="series")
    async def create_series(ctx: Any, series: Any, idempotencyKey: str | None) -> Any:  # noqa: N803, N805
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
        ctx: Any,  # noqa: N805
        id: int,  # noqa: A002
        version: int,
        name: str | None,
        quarantineDays: int | None,  # noqa: N803
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
    async def list_series(ctx: Any, first: int | None, after: int | None) -> Any:  # noqa: N805
        """Return series by key."""
        page = await ctx.udc.ask(list_number_series, PageRequest(first or PAGE, after))
        codes = await _codes(ctx.udc)
        following = page.items[-1].id if page.more else None
        return NumberSeriesPage(
            count=len(page.items), series=[_series(one, codes) for one in page.items], next=following
        )

    @operation("CountNumbers", needed(Integer(ge=1)), returns=NumberCounts, result="counts")
    async def count_numbers(ctx: Any, series: int) -> Any:  # noqa: N805
        """Return how many numbers of a series have which status now."""
        found = await _timed(ctx.udc, count_numbers, NumberSeriesId(series))
        rows = [NumberCount(status=status.value, count=count) for status, count in sorted(found.items())]
        return NumberCounts(count=rows)

    @operation("FindNumbers", NumberFilter, Integer(ge=1, le=PAGE_MAX), Unicode, returns=NumberPage, result="page")
    async def find_numbers(ctx: Any, wanted: Any, first: int | None, after: str | None) -> Any:  # noqa: N805
        """Return numbers of the stock by their digits."""
        query = FindNumbers(wanted=_wanted(wanted), page=PageRequest(first or PAGE, key_after(after)))
        page = await _timed(ctx.udc, find_numbers, query)
        following = page.items[-1].number if page.more else None
        return NumberPage(count=len(page.items), number=await _phones(ctx.udc, page.items), next=following)

    @operation("GetNumber", needed(Unicode), returns=PhoneNumber, result="number")
    async def get_number(ctx: Any, number: str) -> Any:  # noqa: N805
        """Return one number of the stock and who has or had it."""
        one = await ctx.udc.ask(get_number, number)
        holders = (await ctx.udc.ask(holders_of, [one.number]))[one.number]
        (shown,) = await _phones(ctx.udc, [one])
        shown.heldBy = [
            NumberHolder(subscription=key, validFrom=each.valid_from, validTo=each.valid_to) for key, each in holders
        ]
        return shown

    @operation("ReserveNumbers", needed(NewReservation), Unicode, returns=NumberReservation, result="reservation")
    async def reserve_numbers(ctx: Any, reservation: Any, idempotencyKey: str | None) -> Any:  # noqa: N803, N805
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
        return _reservation(await _timed(ctx.udc, reserve_numbers, cmd))

    @operation("CancelReservation", needed(Integer(ge=1)), returns=NumberPage, result="page")
    async def cancel_reservation(ctx: Any, id: int) -> Any:  # noqa: A002, N805
        """Let go of what is still reserved, and return it."""
        found = await _timed(ctx.udc, cancel_reservation, NumberReservationId(id))
        return NumberPage(count=len(found), number=await _phones(ctx.udc, found))

    @operation("GiveNumbers", needed(Unicode), needed(Unicode), Unicode, returns=needed(Integer), result="count")
    async def give_numbers(ctx: Any, firstNumber: str, lastNumber: str, reseller: str | None) -> Any:  # noqa: N803, N805
        """Give free numbers to a reseller's subtree by his code, or take them back; return how many."""
        key = await _reseller(ctx.udc, reseller)
        return await _timed(
            ctx.udc, give_numbers, GiveNumbers(first_number=firstNumber, last_number=lastNumber, reseller=key)
        )

    @operation("BlockNumbers", many(Unicode), needed(Unicode), returns=NumberPage, result="page")
    async def block_numbers(ctx: Any, number: Any, reason: str) -> Any:  # noqa: N805
        """Keep numbers from being given."""
        found = await _timed(ctx.udc, block_numbers, BlockNumbers(numbers=tuple(number or ()), reason=reason))
        return NumberPage(count=len(found), number=await _phones(ctx.udc, found))

    @operation("FreeNumbers", many(Unicode), returns=NumberPage, result="page")
    async def free_numbers(ctx: Any, number: Any) -> Any:  # noqa: N805
        """Free numbers that are blocked, reserved or rest."""
        found = await _timed(ctx.udc, free_numbers, tuple(number or ()))
        return NumberPage(count=len(found), number=await _phones(ctx.udc, found))

    @operation("ClassifyNumbers", many(Unicode), needed(Unicode), XsDecimal, returns=NumberPage, result="page")
    async def classify_numbers(ctx: Any, number: Any, numberClass: str, price: Any) -> Any:  # noqa: N803, N805
        """Give numbers a class and a price."""
        cmd = ClassifyNumbers(numbers=tuple(number or ()), number_class=numberClass, price=price)
        found = await ctx.udc.ask(classify_numbers, cmd)
        return NumberPage(count=len(found), number=await _phones(ctx.udc, found))

    @operation("TakeBackNumber", needed(Unicode), returns=PhoneNumber, result="number")
    async def take_back_number(ctx: Any, number: str) -> Any:  # noqa: N805
        """Take back a number that had been ported out and is ours again."""
        (shown,) = await _phones(ctx.udc, [await _timed(ctx.udc, take_back_number, number)])
        return shown

    @operation("RequestPort", needed(NewPort), Unicode, returns=NumberOrderShown, result="order")
    async def request_port(ctx: Any, port: Any, idempotencyKey: str | None) -> Any:  # noqa: N803, N805
        """Order that a number is ported in or out."""
        cmd = RequestPort(
            kind=OrderKind(str(port.kind)),
            subscription=SubscriptionId(port.subscription),
            number=port.number,
            other=port.other,
            wanted_at=port.wantedAt,
            holder=port.holder,
            reference=port.reference,
            note=port.note,
            ends_subscription=bool(port.endsSubscription),
            idempotency_key=idempotencyKey,
        )
        return await _order(ctx.udc, await _timed(ctx.udc, request_port, cmd))

    @operation("StepPort", needed(NextState), Unicode, returns=NumberOrderShown, result="order")
    async def step_port(ctx: Any, next: Any, idempotencyKey: str | None) -> Any:  # noqa: A002, N803, N805
        """Confirm a port with its moment, complete, reject or cancel it."""
        return await _order(ctx.udc, await _timed(ctx.udc, step_port, _step(next, idempotencyKey)))

    @operation("OrderPreselection", needed(NewPreselection), Unicode, returns=NumberOrderShown, result="order")
    async def order_preselection(ctx: Any, preselection: Any, idempotencyKey: str | None) -> Any:  # noqa: N803, N805
        """Order carrier preselection for a fixed number."""
        cmd = OrderPreselection(
            subscription=SubscriptionId(preselection.subscription),
            number=preselection.number,
            prefix=preselection.prefix,
            wanted_at=preselection.wantedAt,
            access_operator=preselection.accessOperator,
            reference=preselection.reference,
            note=preselection.note,
            idempotency_key=idempotencyKey,
            **({} if preselection.scope is None else {"scope": PreselectionScope(str(preselection.scope))}),
        )
        return await _order(ctx.udc, await _timed(ctx.udc, order_preselection, cmd))

    @operation("StepPreselection", needed(NextState), Unicode, returns=NumberOrderShown, result="order")
    async def step_preselection(ctx: Any, next: Any, idempotencyKey: str | None) -> Any:  # noqa: A002, N803, N805
        """Take a preselection to its next state."""
        return await _order(ctx.udc, await _timed(ctx.udc, step_preselection, _step(next, idempotencyKey)))

    @operation(
        "ListNumberOrders",
        *(many(KindOfNumberOrder), Unicode, StateOfNumberOrder, Integer(ge=1)),
        *(Integer(ge=1, le=PAGE_MAX), Integer),
        returns=NumberOrderPage,
        result="page",
    )
    async def list_orders(  # noqa: PLR0917
        ctx: Any,  # noqa: N805
        kind: Any,
        number: str | None,
        state: Any,
        subscription: int | None,
        first: int | None,
        after: int | None,
    ) -> Any:
        """Return orders to port (the kinds where none is named) or to preselect, by key."""
        query = ListNumberOrders(
            kinds=tuple(OrderKind(str(one)) for one in kind) if kind else PORTS,
            number=number,
            state=None if state is None else OrderState(str(state)),
            subscription=None if subscription is None else SubscriptionId(subscription),
            page=PageRequest(first or PAGE, after),
        )
        page = await ctx.udc.ask(list_number_orders, query)
        following = page.items[-1].id if page.more else None
        return NumberOrderPage(count=len(page.items), order=await _orders(ctx.udc, page.items), next=following)


async def _timed(call: Call, usecase: Any, *arguments: Any) -> Any:
    return await call.ask(usecase, *arguments, clock=call.wiring.clock)


def _line(call: Call, one: Subscription) -> Any:
    return showing.line(one, call.wiring.clock.now())


def _assignments(numbers: Any) -> tuple[NumberAssignment, ...]:
    return tuple(
        NumberAssignment(
            number=one.number,
            valid_from=one.validFrom,
            valid_to=one.validTo,
            kind=IdentifierKind.NUMBER if one.kind is None else IdentifierKind(str(one.kind)),
        )
        for one in numbers or ()
    )


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


def _step(asked: Any, key: str | None) -> StepPort:
    return StepPort(
        order=NumberOrderId(asked.order),
        state=OrderState(str(asked.state)),
        moment=asked.moment,
        reason=None if asked.reason is None else RejectReason(str(asked.reason)),
        note=asked.note,
        reference=asked.reference,
        version=asked.version,
        idempotency_key=key,
    )


async def _order(call: Call, one: NumberOrder) -> Any:
    (shown,) = await _orders(call, [one])
    return shown


async def _orders(call: Call, orders: Sequence[NumberOrder]) -> list[Any]:
    steps = await call.ask(steps_of_orders, [one.id for one in orders])
    return [
        NumberOrderShown(
            id=one.id,
            kind=one.kind.value,
            number=one.number,
            subscription=one.subscription,
            other=one.other,
            holder=one.holder,
            scope=None if one.scope is None else one.scope.value,
            state=one.state.value,
            wantedAt=one.wanted_at,
            moment=one.moment,
            reason=None if one.reason is None else one.reason.value,
            note=one.note,
            reference=one.reference,
            endsSubscription=one.ends_subscription,
            version=one.version,
            step=[
                NumberOrderStep(state=each.state.value, at=each.at, reason=each.reason, client=each.client)
                for each in steps[one.id]
            ],
        )
        for one in orders
    ]

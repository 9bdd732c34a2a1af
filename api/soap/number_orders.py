"""The operations of the WSDL about orders of numbers: porting and carrier preselection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from spyne import Boolean, DateTime, Integer, ServiceBase, Unicode

from api.soap.lines import timed
from api.soap.models import Model, _enum, many, needed
from api.soap.service import Call, operation
from domain.ids import NumberOrderId, SubscriptionId
from domain.numbers.ordering import (
    PORTS,
    NumberOrder,
    OrderKind,
    OrderState,
    PreselectionScope,
    RejectReason,
)
from domain.ports.page import PAGE_MAX, PageRequest
from domain.usecases.list_number_orders import ListNumberOrders, list_number_orders, steps_of_orders
from domain.usecases.port_number import RequestPort, StepPort, request_port, step_port
from domain.usecases.preselect_number import OrderPreselection, order_preselection, step_preselection

PAGE: Final = 200
KindOfNumberOrder = _enum(OrderKind, "NumberOrderKind")
StateOfNumberOrder = _enum(OrderState, "NumberOrderState")
ReasonOfNumberOrder = _enum(RejectReason, "NumberOrderReason")
ScopeOfPreselection = _enum(PreselectionScope, "PreselectionScope")


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
    wantedAt = needed(DateTime)
    moment = DateTime
    reason = ReasonOfNumberOrder
    note = Unicode
    reference = Unicode
    endsSubscription = needed(Boolean)
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
    wantedAt = needed(DateTime)
    holder = Unicode
    reference = Unicode
    note = Unicode
    endsSubscription = Boolean


class NewPreselection(Model):
    """A fixed number whose calls are to go by the operator of ``prefix``."""

    subscription = needed(Integer(ge=1))
    number = needed(Unicode)
    prefix = needed(Unicode)
    wantedAt = needed(DateTime)
    scope = ScopeOfPreselection
    accessOperator = Unicode
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


class NumberOrders(ServiceBase):
    """Porting and preselection."""

    __service_name__ = "Billing"

    @operation("RequestPort", needed(NewPort), Unicode, returns=NumberOrderShown, result="order")
    async def request_port(ctx: Any, port: Any, idempotencyKey: str | None) -> Any:
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
        return await _order(ctx.udc, await timed(ctx.udc, request_port, cmd))

    @operation("StepPort", needed(NextState), Unicode, returns=NumberOrderShown, result="order")
    async def step_port(ctx: Any, next: Any, idempotencyKey: str | None) -> Any:
        """Confirm a port with its moment, complete, reject or cancel it."""
        return await _order(ctx.udc, await timed(ctx.udc, step_port, _step(next, idempotencyKey)))

    @operation("OrderPreselection", needed(NewPreselection), Unicode, returns=NumberOrderShown, result="order")
    async def order_preselection(ctx: Any, preselection: Any, idempotencyKey: str | None) -> Any:
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
        return await _order(ctx.udc, await timed(ctx.udc, order_preselection, cmd))

    @operation("StepPreselection", needed(NextState), Unicode, returns=NumberOrderShown, result="order")
    async def step_preselection(ctx: Any, next: Any, idempotencyKey: str | None) -> Any:
        """Take a preselection to its next state."""
        return await _order(ctx.udc, await timed(ctx.udc, step_preselection, _step(next, idempotencyKey)))

    @operation(
        "ListNumberOrders",
        *(many(KindOfNumberOrder), Unicode, StateOfNumberOrder, Integer(ge=1)),
        *(Integer(ge=1, le=PAGE_MAX), Integer),
        returns=NumberOrderPage,
        result="page",
    )
    async def list_orders(
        ctx: Any,
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

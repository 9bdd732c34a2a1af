"""The operations of the WSDL about provisioning: orders to the network, barring, and network elements."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

from spyne import Boolean, DateTime, Integer, ServiceBase, Unicode

from api.catalogues import perhaps
from api.element_fields import command, shown
from api.soap.models import Model, _enum, many, needed
from api.soap.paging import key_after
from api.soap.service import operation
from domain.access.actor import Action
from domain.ids import OrderId, SubscriptionId
from domain.ports.page import PAGE_MAX, PageRequest
from domain.provisioning.element import NetworkElement
from domain.provisioning.order import Bar, Barring, CallState, Order, OrderKind, OrderState, Waiting
from domain.refusal import BadValue
from domain.usecases.list_orders import ListOrders, barring_of, get_order, list_orders
from domain.usecases.place_order import PlaceOrder, place_order
from domain.usecases.put_element import get_element, list_elements, put_element, remove_element
from domain.usecases.tend_orders import (
    CompleteStep,
    TendOrder,
    abandon_order,
    cancel_order,
    complete_step,
    retry_order,
)

PAGE: Final = 200
KindOfOrder = _enum(OrderKind, "NetworkOrderKind")
StateOfOrder = _enum(OrderState, "NetworkOrderState")
WaitingOfOrder = _enum(Waiting, "OrderWaiting")
StateOfCall = _enum(CallState, "OrderCallState")
BarOfLine = _enum(Bar, "Bar")


class OrderParameter(Model):
    """A value that goes to the network as it is."""

    name = needed(Unicode)
    value = needed(Unicode)


class NewOrder(Model):
    """What the network is to do for a subscription. ``after``: orders that must be confirmed first."""

    subscription = needed(Integer(ge=1))
    kind = needed(KindOfOrder)
    bar = many(BarOfLine)
    parameter = many(OrderParameter)
    reason = Unicode
    runAt = DateTime
    after = many(Integer(ge=1))


class OrderStep(Model):
    """One network element's part of an order; ``undo`` is there once it is to be undone."""

    element = needed(Unicode)
    manual = needed(Boolean)
    instruction = Unicode
    state = needed(StateOfCall)
    tries = needed(Integer)
    fault = Unicode
    reference = Unicode
    undo = StateOfCall
    undoFault = Unicode


class NetworkOrder(Model):
    """An order. Its steps are shown with the permission network:manage."""

    __type_name__ = "Order"

    id = needed(Integer)
    kind = needed(KindOfOrder)
    subscription = needed(Integer)
    bar = many(BarOfLine)
    parameter = many(OrderParameter)
    reason = Unicode
    state = needed(StateOfOrder)
    waitingFor = WaitingOfOrder
    runAt = DateTime
    after = many(Integer)
    cancelling = needed(Boolean)
    fault = Unicode
    client = needed(Unicode)
    requestedAt = needed(DateTime)
    finishedAt = DateTime
    version = needed(Integer)
    step = many(OrderStep)


class OrderPage(Model):
    """A page of orders; ``next`` asks for the following one and is absent on the last."""

    count = needed(Integer)
    order = many(NetworkOrder)
    next = Unicode


class BarringModel(Model):
    """A line is barred from something, since when, and why."""

    __type_name__ = "Barring"

    bar = needed(BarOfLine)
    since = needed(DateTime)
    until = DateTime
    reason = Unicode
    client = needed(Unicode)
    order = needed(Integer)


class BarringList(Model):
    """What a line is barred from."""

    barring = many(BarringModel)


class ElementModel(Model):
    """A network element. ``document``: all of it as JSON, as docs/provisioning.md says; no secret stands in it."""

    __type_name__ = "NetworkElement"

    name = needed(Unicode)
    kind = needed(Unicode)
    active = needed(Boolean)
    version = needed(Integer)
    document = needed(Unicode)


class ElementList(Model):
    """The operator's network elements."""

    element = many(ElementModel)


class Provisioning(ServiceBase):
    """Orders to the network."""

    __service_name__ = "Billing"

    @operation("PlaceOrder", needed(NewOrder), Unicode, returns=NetworkOrder, result="order")
    async def place_order(ctx: Any, order: Any, idempotencyKey: str | None) -> Any:
        """Let the network do something for a subscription. Under the same key again, the same order comes again."""
        listed = order.parameter or []
        parameters = {one.name: one.value for one in listed}
        if len(parameters) != len(listed):
            raise BadValue("a parameter stands there twice", field="parameter")
        cmd = PlaceOrder(
            subscription=SubscriptionId(order.subscription),
            kind=OrderKind(str(order.kind)),
            bars=tuple(Bar(str(one)) for one in order.bar or ()),
            parameters=parameters,
            reason=order.reason or "",
            run_at=order.runAt,
            after=tuple(OrderId(one) for one in order.after or ()),
            idempotency_key=idempotencyKey,
        )
        return _order(ctx, await ctx.udc.ask(place_order, cmd, clock=ctx.udc.wiring.clock))

    @operation("GetOrder", needed(Integer(ge=1)), returns=NetworkOrder, result="order")
    async def get_order(ctx: Any, id: int) -> Any:
        """Return an order."""
        return _order(ctx, await ctx.udc.ask(get_order, OrderId(id)))

    @operation(
        "ListOrders",
        Integer(ge=1),
        StateOfOrder,
        KindOfOrder,
        Integer(ge=1, le=PAGE_MAX),
        Unicode,
        returns=OrderPage,
        result="page",
    )
    async def list_orders(
        ctx: Any,
        subscription: int | None,
        state: str | None,
        kind: str | None,
        first: int | None,
        after: str | None,
    ) -> Any:
        """Return orders, of a subscription, of a state and of a kind, or all."""
        cmd = ListOrders(
            page=PageRequest(first or PAGE, key_after(after)),
            subscription=None if subscription is None else SubscriptionId(subscription),
            state=None if state is None else OrderState(str(state)),
            kind=None if kind is None else OrderKind(str(kind)),
        )
        page = await ctx.udc.ask(list_orders, cmd)
        following = str(page.items[-1].id) if page.more else None
        return OrderPage(count=len(page.items), order=[_order(ctx, one) for one in page.items], next=following)

    @operation("CancelOrder", needed(Integer(ge=1)), needed(Integer), Unicode, returns=NetworkOrder, result="order")
    async def cancel_order(ctx: Any, id: int, version: int, reason: str | None) -> Any:
        """Cancel an order: at once where nothing was sent, otherwise once it is answered and undone."""
        return await _tend(ctx, cancel_order, id, version, reason)

    @operation("RetryOrder", needed(Integer(ge=1)), needed(Integer), Unicode, returns=NetworkOrder, result="order")
    async def retry_order(ctx: Any, id: int, version: int, reason: str | None) -> Any:
        """Let a parked order be tried again, or one that rests at once."""
        return await _tend(ctx, retry_order, id, version, reason)

    @operation(
        "AbandonOrder", needed(Integer(ge=1)), needed(Integer), needed(Unicode), returns=NetworkOrder, result="order"
    )
    async def abandon_order(ctx: Any, id: int, version: int, reason: str) -> Any:
        """End a parked order as failed: a person has seen to what the network still has of it."""
        return await _tend(ctx, abandon_order, id, version, reason)

    @operation(
        "CompleteOrderStep",
        needed(Integer(ge=1)),
        needed(Integer),
        needed(Boolean),
        Unicode,
        returns=NetworkOrder,
        result="order",
    )
    async def complete_step(ctx: Any, id: int, version: int, done: bool, note: str | None) -> Any:
        """Say that the step which waits for a person is done, or could not be."""
        cmd = CompleteStep(order=OrderId(id), version=version, done=done, note=note or "")
        return _order(ctx, await ctx.udc.ask(complete_step, cmd, clock=ctx.udc.wiring.clock))

    @operation("GetBarring", needed(Integer(ge=1)), Boolean, returns=BarringList, result="barrings")
    async def get_barring(ctx: Any, subscription: int, past: bool | None) -> Any:
        """Return what a line is barred from now; past: and what it was barred from before."""
        key, clock = SubscriptionId(subscription), ctx.udc.wiring.clock
        found = await ctx.udc.ask(barring_of, key, past=bool(past), clock=clock)
        return BarringList(barring=[_barring(one) for one in found])

    @operation("ListNetworkElements", returns=ElementList, result="elements")
    async def list_elements(ctx: Any) -> Any:
        """Return the operator's network elements by name."""
        return ElementList(element=[_element(one) for one in await ctx.udc.ask(list_elements)])

    @operation("PutNetworkElement", needed(Unicode), returns=ElementModel, result="element")
    async def put_element(ctx: Any, document: str) -> Any:
        """Set up a network element, or change one as a whole, by its JSON at the version that was read."""
        try:
            fields = json.loads(document)
        except (ValueError, RecursionError):
            raise BadValue("the document is no JSON", field="document") from None
        wiring = ctx.udc.wiring
        cmd = command(fields)
        kept = await ctx.udc.ask(put_element, cmd, clock=wiring.clock, network=wiring.network, vault=wiring.vault)
        return _element(await ctx.udc.ask(get_element, kept.name))

    @operation("RemoveNetworkElement", needed(Unicode), needed(Integer), returns=needed(Unicode), result="name")
    async def remove_element(ctx: Any, name: str, version: int) -> Any:
        """Forget a network element with its secrets; steps that still need it fail."""
        return (await ctx.udc.ask(remove_element, name, version)).name


async def _tend(ctx: Any, usecase: Any, key: int, version: int, reason: str | None) -> Any:
    cmd = TendOrder(order=OrderId(key), version=version, reason=reason or "")
    return _order(ctx, await ctx.udc.ask(usecase, cmd, clock=ctx.udc.wiring.clock))


def _order(ctx: Any, order: Order) -> Any:
    steps = order.steps if ctx.udc.actor.may(Action.MANAGE_NETWORK) else None
    return NetworkOrder(
        id=order.id,
        kind=order.kind.value,
        subscription=order.subscription,
        bar=[one.value for one in order.bars],
        parameter=[OrderParameter(name=name, value=value) for name, value in sorted(order.parameters.items())],
        reason=order.reason or None,
        state=order.state.value,
        waitingFor=None if order.waiting_for is None else order.waiting_for.value,
        runAt=order.run_at,
        after=list(order.after),
        cancelling=order.cancelling,
        fault=perhaps(order.fault),
        client=order.client,
        requestedAt=order.requested_at,
        finishedAt=order.finished_at,
        version=order.version,
        step=[
            OrderStep(
                element=one.element,
                manual=one.manual,
                instruction=one.instruction,
                state=one.deed.state.value,
                tries=one.deed.tries,
                fault=perhaps(one.deed.fault),
                reference=one.deed.reference,
                undo=one.undo.state.value if one.undo else None,
                undoFault=perhaps(one.undo.fault) if one.undo else None,
            )
            for one in steps or ()
        ],
    )


def _barring(one: Barring) -> Any:
    until: datetime | None = one.until
    return BarringModel(
        bar=one.bar.value, since=one.since, until=until, reason=one.reason or None, client=one.client, order=one.order
    )


def _element(one: NetworkElement) -> Any:
    text = json.dumps(shown(one), ensure_ascii=False)
    return ElementModel(name=one.name, kind=one.kind.value, active=one.active, version=one.version, document=text)

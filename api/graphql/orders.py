"""Orders to the network: placing, following and tending them, and what lines are barred from."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated, Any

import strawberry

from api.graphql import order_words  # noqa: F401  (its enumerations' names)
from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.following import heard
from api.graphql.ids import global_id, key_of, read_number
from api.graphql.inputs import command, given
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified
from api.graphql.once import kept_key
from api.graphql.parties import SubscriptionType
from api.graphql.refusals import outcome
from api.graphql.scalars import JsonText
from api.graphql.showing import shows
from api.graphql.wording import perhaps_in_words
from domain.access.actor import Action, allow
from domain.ids import CustomerId, OrderId, SubscriptionId
from domain.ports.news import ORDER
from domain.provisioning.order import (
    Bar,
    Barring,
    Call,
    CallState,
    Order,
    OrderKind,
    OrderNote,
    OrderState,
    Step,
    Waiting,
)
from domain.refusal import BadValue
from domain.usecases.list_orders import ListOrders, barring_of, get_order, list_orders
from domain.usecases.place_order import PlaceOrder, place_order
from domain.usecases.tend_orders import (
    CompleteStep,
    TendOrder,
    abandon_order,
    cancel_order,
    complete_step,
    retry_order,
)

ID = strawberry.ID


@strawberry.type(name="OrderParameter", description="A value that goes to the network as it is.")
class ParameterType:
    """One of ``Order.parameters``."""

    name: str
    value: str


@strawberry.input(description="A value that goes to the network as it is.")
class OrderParameterInput:
    """One of ``PlaceOrder.parameters``."""

    name: str
    value: str


@strawberry.type(name="OrderCall", description="A request to a network element, sent once or again under one id.")
class CallType:
    """``domain.provisioning.order.Call``."""

    state: CallState
    tries: int
    sent_at: datetime | None
    due_at: datetime | None = strawberry.field(description="No answer is waited for longer, or it is tried again.")
    answered_at: datetime | None
    fault: str | None = strawberry.field(resolver=perhaps_in_words("fault"))
    reference: str | None = strawberry.field(description="The element's own.")
    uncertain: bool = strawberry.field(description="A request was never answered, and may have been done.")

    is_type_of = shows(Call)


@strawberry.type(name="OrderStep", description="One network element's part of an order.")
class StepType:
    """``domain.provisioning.order.Step``."""

    element: str
    manual: bool = strawberry.field(description="A person does it.")
    instruction: str | None
    deed: CallType
    undo: CallType | None = strawberry.field(description="There once it is to be undone.")

    is_type_of = shows(Step)


def _note_detail(root: strawberry.Parent[OrderNote]) -> JsonText:
    return JsonText(json.dumps(root.detail, ensure_ascii=False, sort_keys=True, default=str))


@strawberry.type(name="OrderNote", description="A line of an order's log.")
class NoteType:
    """``domain.provisioning.order.OrderNote``."""

    at: datetime
    client: str
    event: str
    step: int | None = strawberry.field(description="Counted from 1.")
    detail: JsonText = strawberry.field(resolver=_note_detail)

    is_type_of = shows(OrderNote)


async def _line(root: strawberry.Parent[Order], info: Info) -> Any:
    return await info.context.load.subscriptions.load(root.subscription)


def _after(root: strawberry.Parent[Order]) -> list[ID]:
    return [ID(global_id("Order", key)) for key in root.after]


def _parameters(root: strawberry.Parent[Order]) -> list[ParameterType]:
    return [ParameterType(name=name, value=value) for name, value in sorted(root.parameters.items())]


def _steps(root: strawberry.Parent[Order], info: Info) -> Any:
    return list(root.steps or ()) if info.context.actor.may(Action.MANAGE_NETWORK) else None


async def _log(root: strawberry.Parent[Order], info: Info) -> Any:
    if not info.context.actor.may(Action.MANAGE_NETWORK):
        return None
    return await info.context.load.order_logs.load(root.id)


@strawberry.type(name="Order", description="Something that the network is to do for a subscription.")
class OrderType:
    """``domain.provisioning.order.Order``."""

    id: strawberry.ID = identified()
    kind: OrderKind
    bars: list[Bar]
    parameters: list[ParameterType] = strawberry.field(resolver=_parameters)
    reason: str
    state: OrderState
    waiting_for: Waiting | None
    subscription: SubscriptionType | None = strawberry.field(resolver=_line)
    run_at: datetime | None = strawberry.field(description="Not before.")
    after: list[ID] = strawberry.field(resolver=_after, description="Orders that must be confirmed first.")
    cancelling: bool = strawberry.field(description="It shall not be done; what is under way is awaited and undone.")
    fault: str | None = strawberry.field(
        resolver=perhaps_in_words("fault"), description="Why it waits, failed or is parked."
    )
    wake_at: datetime | None = strawberry.field(description="When it is looked at again by itself.")
    client: str = strawberry.field(description="Who placed it.")
    requested_at: datetime
    finished_at: datetime | None
    version: int
    steps: list[StepType] | None = strawberry.field(resolver=_steps, description="With network:manage; else null.")
    log: list[NoteType] | None = strawberry.field(resolver=_log, description="With network:manage; else null.")

    is_type_of = shows(Order)


def _by(root: strawberry.Parent[Barring]) -> ID:
    return ID(global_id("Order", root.order))


def _lifted(root: strawberry.Parent[Barring]) -> ID | None:
    return None if root.lifted_by is None else ID(global_id("Order", root.lifted_by))


@strawberry.type(name="Barring", description="A line is barred from something, since when, and why.")
class BarringType:
    """``domain.provisioning.order.Barring``."""

    bar: Bar
    since: datetime
    until: datetime | None
    reason: str
    client: str
    order: ID = strawberry.field(resolver=_by)
    lifted_by: ID | None = strawberry.field(resolver=_lifted)

    is_type_of = shows(Barring)


@strawberry.input(description="What the network is to do for a subscription.")
class PlaceOrderInput:
    """``PlaceOrder``."""

    subscription: ID
    kind: OrderKind
    bars: list[Bar] | None = strawberry.field(default=None, description="To bar or unbar; none to unbar: everything.")
    parameters: list[OrderParameterInput] | None = strawberry.field(default=None, description="Porting needs number.")
    reason: str | None = None
    run_at: datetime | None = None
    after: list[ID] | None = None
    idempotency_key: str | None = None


@strawberry.input(description="What is to become of an order. version: the one that was read.")
class TendOrderInput:
    """``TendOrder``."""

    order: ID
    version: int
    reason: str | None = None
    idempotency_key: str | None = kept_key()


@strawberry.input(description="What a person has done, or could not do, of the step that waits for somebody.")
class CompleteStepInput:
    """``CompleteStep``."""

    order: ID
    version: int
    done: bool = True
    note: str | None = None
    idempotency_key: str | None = kept_key()


def _key(text: str, field: str = "order") -> OrderId:
    return OrderId(key_of(text, "Order", field))


async def _order(info: Info, id: ID) -> Any:
    return await info.context.ask(get_order, _key(id, "id"))


async def _orders(
    info: Info,
    first: int = FIRST_DEFAULT,
    after: str | None = None,
    subscription: ID | None = None,
    customer: ID | None = None,
    state: OrderState | None = None,
    kind: OrderKind | None = None,
) -> Any:
    line = None if subscription is None else key_of(subscription, "Subscription", "subscription")
    owner = None if customer is None else key_of(customer, "Customer", "customer")
    query = ListOrders(
        page=request(first, read_number(after, "Order")),
        subscription=None if line is None else SubscriptionId(line),
        customer=None if owner is None else CustomerId(owner),
        state=state,
        kind=kind,
    )
    return connect(await info.context.ask(list_orders, query), "Order", after=after)


async def _barring(info: Info, subscription: ID, past: bool = False) -> Any:
    key = SubscriptionId(key_of(subscription, "Subscription", "subscription"))
    return await info.context.ask(barring_of, key, past=past, clock=info.context.wiring.clock)


@strawberry.type
class OrderQuery:
    """Orders, and what lines are barred from."""

    order: OrderType | None = strawberry.field(resolver=_order)
    orders: Connection[OrderType] = strawberry.field(resolver=_orders)
    barring: list[BarringType] = strawberry.field(
        resolver=_barring, description="What a line is barred from now; past: and before."
    )


async def _place(info: Info, asked: Annotated[PlaceOrderInput, strawberry.argument(name="input")]) -> Any:
    listed = asked.parameters or []
    parameters = {one.name: one.value for one in listed}
    if len(parameters) != len(listed):
        raise BadValue("a parameter stands there twice", field="parameters")
    fields = given(asked, {"subscription": "Subscription"}) | {"parameters": parameters}
    fields["bars"] = tuple(asked.bars or ())
    fields["after"] = tuple(_key(one, f"after.{index}") for index, one in enumerate(asked.after or ()))
    return await info.context.ask(place_order, PlaceOrder(**fields), clock=info.context.wiring.clock)


def _tending(usecase: Any) -> Any:
    async def resolve(info: Info, asked: Annotated[TendOrderInput, strawberry.argument(name="input")]) -> Any:
        cmd = command(TendOrder, asked, {"order": "Order"})
        return await info.context.ask(usecase, cmd, clock=info.context.wiring.clock)

    return resolve


async def _complete(info: Info, asked: Annotated[CompleteStepInput, strawberry.argument(name="input")]) -> Any:
    cmd = command(CompleteStep, asked, {"order": "Order"})
    return await info.context.ask(complete_step, cmd, clock=info.context.wiring.clock)


@strawberry.type
class OrderMutation:
    """Placing and tending orders."""

    place_order = strawberry.mutation(
        resolver=_place,
        graphql_type=outcome("PlaceOrderResult", OrderType),
        description="A worker does it, after the line's earlier orders. A failed activation leaves the line pending.",
    )
    cancel_order = strawberry.mutation(
        resolver=_tending(cancel_order),
        graphql_type=outcome("CancelOrderResult", OrderType),
        description="At once where nothing was sent; otherwise what was done is undone.",
    )
    retry_order = strawberry.mutation(
        resolver=_tending(retry_order),
        graphql_type=outcome("RetryOrderResult", OrderType),
        description="A parked order is tried again; one that rests between two tries, at once.",
    )
    abandon_order = strawberry.mutation(
        resolver=_tending(abandon_order),
        graphql_type=outcome("AbandonOrderResult", OrderType),
        description="A parked order ends as failed: a person has seen to what the network still has of it.",
    )
    complete_step = strawberry.mutation(
        resolver=_complete,
        graphql_type=outcome("CompleteStepResult", OrderType),
        description="The step that waits for a person is done, or could not be.",
    )


async def _progress(info: Info, order: ID) -> AsyncGenerator[Any, None]:
    allow(info.context.actor, Action.READ_CONTRACTS, "get_order")
    key, last = _key(order), None
    async with heard(info, ORDER) as keys:
        async for moved in keys:
            if moved in {None, key} and (now := await info.context.ask(get_order, key)) != last:
                yield now
                last = now
                if now.ended:
                    return


@strawberry.type
class OrderSubscription:
    """Orders on their way."""

    order_progress: AsyncGenerator[OrderType, None] = strawberry.subscription(
        resolver=_progress, description="An order as it is now, and each time it moves on; until it has ended."
    )

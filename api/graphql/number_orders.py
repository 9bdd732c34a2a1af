"""Orders about numbers in GraphQL: porting and preselection."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated, Any

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import key_of, read_number
from api.graphql.inputs import command, given
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import Node
from api.graphql.parties import SubscriptionType
from api.graphql.refusals import outcome
from domain.ids import NumberOrderId
from domain.numbers.ordering import (
    PORTS,
    NumberOrder,
    OrderKind,
    OrderState,
    PreselectionScope,
    RejectReason,
)
from domain.usecases.list_number_orders import ListNumberOrders, get_number_order, list_number_orders
from domain.usecases.port_number import RequestPort, StepPort, request_port, step_port
from domain.usecases.preselect_number import OrderPreselection, order_preselection, step_preselection

ID = strawberry.ID
_AS_INPUT = strawberry.argument(name="input")
_KEY = "Sent again, the same answer again."
_CHOSEN = (OrderKind.PRESELECTION,)
strawberry.enum(OrderState, name="NumberOrderState", description=(OrderState.__doc__ or "").strip())
strawberry.enum(RejectReason, name="NumberOrderReason", description=(RejectReason.__doc__ or "").strip())
strawberry.enum(PreselectionScope, description=(PreselectionScope.__doc__ or "").strip())


@strawberry.enum(name="PortDirection", description="Whether a number comes to us or goes.")
class Direction(Enum):
    """The two kinds of porting."""

    IN = "port_in"
    OUT = "port_out"


async def _subscription(root: strawberry.Parent[NumberOrder], info: Info) -> Any:
    return await info.context.load.subscriptions.load(root.subscription)


async def _steps(root: strawberry.Parent[NumberOrder], info: Info) -> Any:
    return await info.context.load.number_order_steps.load(root.id)


def _direction(root: strawberry.Parent[NumberOrder]) -> Direction:
    return Direction(root.kind.value)


def _prefix(root: strawberry.Parent[NumberOrder]) -> str:
    return root.other


def _access(root: strawberry.Parent[NumberOrder]) -> str | None:
    return root.holder


@strawberry.type(name="NumberOrderStep", description="The order came into the state at an instant.")
class OrderStepType:
    """``domain.numbers.ordering.OrderStep``."""

    state: OrderState
    at: datetime
    reason: str | None
    recorded_at: datetime | None
    client: str | None


@strawberry.type(name="PortOrder", description="An order to port a number.")
class PortOrderType(Node):
    """``domain.numbers.ordering.NumberOrder`` of the kinds of porting."""

    direction: Direction = strawberry.field(resolver=_direction)
    number: str
    subscription: SubscriptionType = strawberry.field(resolver=_subscription)
    other: str = strawberry.field(description="The donor of a port in, the recipient of a port out.")
    holder: str | None = strawberry.field(description="Whose block it is, where it is not the donor's.")
    state: OrderState
    wanted_at: datetime
    moment: datetime | None = strawberry.field(description="When the number changes hands.")
    reason: RejectReason | None
    note: str | None
    reference: str | None
    ends_subscription: bool
    steps: list[OrderStepType] = strawberry.field(resolver=_steps)
    version: int

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, NumberOrder) and obj.kind in PORTS


@strawberry.type(name="PreselectionOrder", description="An order of carrier preselection for a fixed number.")
class PreselectionOrderType(Node):
    """``domain.numbers.ordering.NumberOrder`` of preselection."""

    number: str
    subscription: SubscriptionType = strawberry.field(resolver=_subscription)
    prefix: str = strawberry.field(resolver=_prefix, description="The operator's prefix, in Sweden 95xx.")
    access_operator: str | None = strawberry.field(resolver=_access)
    scope: PreselectionScope
    state: OrderState
    wanted_at: datetime
    moment: datetime | None = strawberry.field(description="Since when it is active.")
    reason: RejectReason | None
    note: str | None
    reference: str | None = strawberry.field(description="As the order file it was sent with.")
    steps: list[OrderStepType] = strawberry.field(resolver=_steps)
    version: int

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Tell whether this type shows the object."""
        return isinstance(obj, NumberOrder) and obj.kind in _CHOSEN


@strawberry.input
class RequestPortInput:
    """``RequestPort``."""

    direction: Direction
    subscription: ID
    number: str
    other: str
    wanted_at: datetime
    holder: str | None = None
    reference: str | None = None
    note: str | None = None
    ends_subscription: bool | None = None
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.input(description="The next state of an order; a moment where it is confirmed, done or active.")
class StepNumberOrderInput:
    """``StepPort``."""

    order: ID
    state: OrderState
    moment: datetime | None = None
    reason: RejectReason | None = None
    note: str | None = None
    reference: str | None = None
    version: int | None = None
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.input
class OrderPreselectionInput:
    """``OrderPreselection``."""

    subscription: ID
    number: str
    prefix: str
    wanted_at: datetime
    scope: PreselectionScope | None = None
    access_operator: str | None = None
    reference: str | None = None
    note: str | None = None
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


async def _request(info: Info, asked: Annotated[RequestPortInput, _AS_INPUT]) -> Any:
    fields = given(asked, {"subscription": "Subscription"})
    cmd = RequestPort(kind=OrderKind(fields.pop("direction").value), **fields)
    return await info.context.ask(request_port, cmd, clock=info.context.wiring.clock)


async def _step_port(info: Info, asked: Annotated[StepNumberOrderInput, _AS_INPUT]) -> Any:
    cmd = command(StepPort, asked, {"order": "PortOrder"})
    return await info.context.ask(step_port, cmd, clock=info.context.wiring.clock)


async def _order(info: Info, asked: Annotated[OrderPreselectionInput, _AS_INPUT]) -> Any:
    cmd = command(OrderPreselection, asked, {"subscription": "Subscription"})
    return await info.context.ask(order_preselection, cmd, clock=info.context.wiring.clock)


async def _step_preselection(info: Info, asked: Annotated[StepNumberOrderInput, _AS_INPUT]) -> Any:
    cmd = command(StepPort, asked, {"order": "PreselectionOrder"})
    return await info.context.ask(step_preselection, cmd, clock=info.context.wiring.clock)


async def _port(info: Info, id: ID) -> Any:
    return await info.context.ask(get_number_order, NumberOrderId(key_of(id, "PortOrder", "id")), kinds=PORTS)


async def _preselection(info: Info, id: ID) -> Any:
    key = NumberOrderId(key_of(id, "PreselectionOrder", "id"))
    return await info.context.ask(get_number_order, key, kinds=_CHOSEN)


@strawberry.input(description="Orders of a number, a state, a subscription or a customer.")
class NumberOrderFilter:
    """``ListNumberOrders``."""

    number: str | None = None
    state: OrderState | None = None
    subscription: ID | None = None
    customer: ID | None = None
    direction: Direction | None = None


async def _list(info: Info, kind: str, wanted: NumberOrderFilter | None, first: int, after: str | None) -> Any:
    asked = wanted or NumberOrderFilter()
    fields = given(asked, {"subscription": "Subscription", "customer": "Customer"})
    direction = fields.pop("direction", None)
    kinds: tuple[OrderKind, ...] = PORTS if kind == "PortOrder" else _CHOSEN
    if direction is not None:
        kinds = tuple(one for one in kinds if one.value == direction.value)
    query = ListNumberOrders(kinds=kinds, page=request(first, read_number(after, kind)), **fields)
    return connect(await info.context.ask(list_number_orders, query), kind, after=after)


async def _ports(
    info: Info,
    filter: NumberOrderFilter | None = None,
    first: int = FIRST_DEFAULT,
    after: str | None = None,
) -> Any:
    return await _list(info, "PortOrder", filter, first, after)


async def _preselections(
    info: Info,
    filter: NumberOrderFilter | None = None,
    first: int = FIRST_DEFAULT,
    after: str | None = None,
) -> Any:
    return await _list(info, "PreselectionOrder", filter, first, after)


@strawberry.type
class NumberOrderQuery:
    """Orders about numbers."""

    port_order: PortOrderType | None = strawberry.field(resolver=_port)
    port_orders: Connection[PortOrderType] = strawberry.field(resolver=_ports)
    preselection_order: PreselectionOrderType | None = strawberry.field(resolver=_preselection)
    preselection_orders: Connection[PreselectionOrderType] = strawberry.field(resolver=_preselections)


@strawberry.type
class NumberOrderMutation:
    """Orders about numbers."""

    request_port = strawberry.mutation(resolver=_request, graphql_type=outcome("RequestPortResult", PortOrderType))
    step_port = strawberry.mutation(
        resolver=_step_port,
        graphql_type=outcome("StepPortResult", PortOrderType),
        description="CONFIRMED with a moment, DONE, REJECTED with a reason, or CANCELLED.",
    )
    order_preselection = strawberry.mutation(
        resolver=_order, graphql_type=outcome("OrderPreselectionResult", PreselectionOrderType)
    )
    step_preselection = strawberry.mutation(
        resolver=_step_preselection,
        graphql_type=outcome("StepPreselectionResult", PreselectionOrderType),
        description="SENT, CONFIRMED, ACTIVE, LOST, CEASED, REJECTED with a reason, or CANCELLED.",
    )

"""Look at orders, their logs, and what lines are barred from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import CustomerId, OrderId, SubscriptionId
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin
from domain.provisioning.order import Barring, Order, OrderKind, OrderNote, OrderState
from domain.refusal import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOrders:
    """Which orders: of a subscription, a customer, a state, a kind."""

    page: PageRequest
    subscription: SubscriptionId | None = None
    customer: CustomerId | None = None
    state: OrderState | None = None
    kind: OrderKind | None = None


@operation(Action.READ_CONTRACTS)
async def list_orders(cmd: ListOrders, *, actor: Actor, begin: Begin) -> Page[Order]:
    """List orders by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.orders.page(
            cmd.page, subscription=cmd.subscription, customer=cmd.customer, state=cmd.state, kind=cmd.kind
        )


@operation(Action.READ_CONTRACTS)
async def get_order(key: OrderId, *, actor: Actor, begin: Begin) -> Order:
    """Return an order. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        return await unit.orders.get(key)


@operation(Action.READ_CONTRACTS)
async def orders_by_ids(keys: Sequence[OrderId], *, actor: Actor, begin: Begin) -> Mapping[OrderId, Order]:
    """Return the orders that exist and may be seen. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.orders.many(keys)


@operation(Action.MANAGE_NETWORK)
async def order_log(key: OrderId, *, actor: Actor, begin: Begin) -> Sequence[OrderNote]:
    """Return an order's log, the oldest first: what was sent where, and what was answered, which is the operator's.

    Refuses with: NotAllowed.
    """
    async with begin(actor) as unit:
        return (await unit.orders.notes([key]))[key]


@operation(Action.MANAGE_NETWORK)
async def order_logs(keys: Sequence[OrderId], *, actor: Actor, begin: Begin) -> Mapping[OrderId, Sequence[OrderNote]]:
    """Return the logs of orders. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.orders.notes(keys)


@operation(Action.READ_CONTRACTS)
async def barring_of(
    key: SubscriptionId, *, past: bool = False, actor: Actor, begin: Begin, clock: Clock
) -> Sequence[Barring]:
    """Return what a line is barred from now, since when and why; ``past``: and what it was barred from before.

    Refuses with: NotAllowed, NotFound.
    """
    async with begin(actor) as unit:
        if not await unit.subscriptions.many([key]):
            raise NotFound("no such subscription", field="subscription")
        return (await unit.orders.barrings([key], at=None if past else clock.now()))[key]

"""Bar and end the lines of who does not pay, and unbar them when he has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from domain.access.actor import Actor
from domain.contracts.subscription import Subscription, SubscriptionState
from domain.ids import CustomerId, OrderId
from domain.ports.unit import Unit
from domain.provisioning.order import Bar, OrderKind
from domain.refusal import WrongState
from domain.usecases.place_order import PlaceOrder, place_within

REASON: Final = "collection"
_LIVE: Final = frozenset({SubscriptionState.ACTIVE, SubscriptionState.SUSPENDED})


async def lines_of(unit: Unit, customer: CustomerId, now: datetime) -> list[Subscription]:
    """Return the live lines of a customer and of those whose invoices he pays."""
    members = [customer]
    for key in members:
        below = (await unit.customers.children([key]))[key]
        members += [one.id for one in below if one.pays_through == key]
    contracts = await unit.contracts.of_customers(members)
    found = await unit.subscriptions.of_contracts([one.id for each in contracts.values() for one in each])
    return [line for each in found.values() for line in each if line.state_at(now) in _LIVE]


async def bar_lines(
    unit: Unit, customer: CustomerId, bars: Sequence[Bar], *, actor: Actor, now: datetime
) -> tuple[OrderId, ...]:
    """Order each live line barred from what it is not barred from yet; return the orders."""
    lines = await lines_of(unit, customer, now)
    barred = await unit.orders.barrings([line.id for line in lines], at=now)
    orders = []
    for line in lines:
        new = tuple(bar for bar in bars if bar not in {one.bar for one in barred[line.id]})
        if new:
            cmd = PlaceOrder(subscription=line.id, kind=OrderKind.BAR, bars=new, reason=REASON)
            orders.append((await place_within(unit, cmd, actor=actor, now=now)).id)
    return tuple(orders)


async def unbar_lines(unit: Unit, placed: Sequence[OrderId], *, actor: Actor, now: datetime) -> tuple[OrderId, ...]:
    """Order what these orders barred to be unbarred, and only that; return the orders."""
    orders = []
    mine = await unit.orders.many(placed)
    lines = await unit.subscriptions.many(sorted({one.subscription for one in mine.values()}))
    for order in mine.values():
        line = lines.get(order.subscription)
        if order.kind is not OrderKind.BAR or line is None or line.state_at(now) not in _LIVE:
            continue
        cmd = PlaceOrder(subscription=line.id, kind=OrderKind.UNBAR, bars=order.bars, reason=REASON)
        try:
            orders.append((await place_within(unit, cmd, actor=actor, now=now)).id)
        except WrongState:  # the bar was lifted meanwhile, or never came about
            continue
    return tuple(orders)


async def end_lines(unit: Unit, customer: CustomerId, *, actor: Actor, now: datetime) -> tuple[OrderId, ...]:
    """Order each live line ended; return the orders."""
    orders = []
    for line in await lines_of(unit, customer, now):
        cmd = PlaceOrder(subscription=line.id, kind=OrderKind.END, reason=REASON)
        orders.append((await place_within(unit, cmd, actor=actor, now=now)).id)
    return tuple(orders)

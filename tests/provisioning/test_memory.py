"""The same on the twin in memory: placed, driven, done by a person, confirmed; and the command line's documents."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from api.element_fields import command
from api.provisioning import outside
from api.settings import Settings
from api.wiring import in_memory
from domain.contracts.subscription import SubscriptionState
from domain.ports.page import PageRequest
from domain.provisioning.order import Bar, OrderKind, OrderState, Waiting
from domain.usecases.drive_order import drive_order
from domain.usecases.list_orders import barring_of, order_log
from domain.usecases.place_order import PlaceOrder, place_order
from domain.usecases.put_element import put_element
from domain.usecases.tend_orders import CompleteStep, complete_step, wake_orders
from tests.provisioning.conftest import Clock
from tests.stores.worlds import build, contract, customer, subscription

PAGE = PageRequest()


async def test_the_twin_in_memory_does_the_same(tmp_path: Path) -> None:
    clock = Clock()
    wiring = in_memory(Settings(data_dir=tmp_path), clock=clock)
    world = await build(wiring.begin)
    boss = world.operator
    await put_element(
        command({"name": "cable", "kind": "manual", "orders": ["activate"]}),
        actor=boss,
        begin=wiring.begin,
        clock=clock,
        network=wiring.network,
        vault=wiring.vault,
    )
    async with wiring.begin(world.north) as unit:
        agreed = await unit.contracts.add(contract(await unit.customers.add(customer(world.north))))
        fields = {"state": SubscriptionState.PENDING, "state_since": clock.now() - timedelta(days=1)}
        line = await unit.subscriptions.add(subscription(agreed, **fields))
    cmd = PlaceOrder(subscription=line.id, kind=OrderKind.ACTIVATE)
    order = await place_order(cmd, actor=world.north, begin=wiring.begin, clock=clock)
    bars = PlaceOrder(subscription=line.id, kind=OrderKind.BAR, bars=(Bar.DATA,), reason="limit")
    second = await place_order(bars, actor=world.north, begin=wiring.begin, clock=clock)
    for key in (second.id, order.id):
        await drive_order(key, outside(wiring), actor=boss, begin=wiring.begin, clock=clock)
    async with wiring.begin(boss) as unit:
        order, second = await unit.orders.get(order.id), await unit.orders.get(second.id)
    assert (order.waiting_for, second.waiting_for) == (Waiting.PERSON, Waiting.ORDERS)
    told = CompleteStep(order=order.id, version=order.version)
    await complete_step(told, actor=boss, begin=wiring.begin, clock=clock)
    order = await drive_order(order.id, outside(wiring), actor=boss, begin=wiring.begin, clock=clock)
    assert order.state is OrderState.CONFIRMED
    async with wiring.begin(boss) as unit:
        jobs = [one.payload["order"] for one in (await unit.jobs.page(PAGE)).items]
    assert jobs.count(second.id) == 2  # promised when it was placed, and again when the one before it had ended
    second = await drive_order(second.id, outside(wiring), actor=boss, begin=wiring.begin, clock=clock)
    assert second.state is OrderState.CONFIRMED
    (barred,) = await barring_of(line.id, actor=world.north, begin=wiring.begin, clock=clock)
    assert (barred.bar, barred.reason) == (Bar.DATA, "limit")
    events = [one.event for one in await order_log(order.id, actor=boss, begin=wiring.begin)]
    assert events == ["placed", "waiting", "completed", "confirmed"]
    assert await wake_orders(actor=boss, begin=wiring.begin, clock=clock) == 0

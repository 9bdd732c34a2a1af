"""Orders, elements, logs and barring: the same in memory and on PostgreSQL, and whose they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.access.actor import Actor
from domain.contracts.subscription import Subscription, SubscriptionKind
from domain.feeds.feed import Credential
from domain.ids import ElementId, OrderId
from domain.ports.page import PageRequest
from domain.provisioning.element import ElementKind, NetworkElement
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
from domain.provisioning.template import Rule, Template
from domain.refusal import NotFound, Stale
from tests.stores.worlds import NOON, World, contract, customer, subscription


async def line(world: World, actor: Actor) -> Subscription:
    async with world.begin(actor) as unit:
        owner = await unit.customers.add(customer(actor))
        return await unit.subscriptions.add(subscription(await unit.contracts.add(contract(owner))))


def order(of: Subscription, **fields: Any) -> Order:
    values: dict[str, Any] = {
        "id": OrderId(0),
        "operator": of.operator,
        "customer": of.customer,
        "contract": of.contract,
        "subscription": of.id,
        "reseller": of.reseller,
        "kind": OrderKind.BAR,
        "bars": (Bar.DATA, Bar.ROAMING),
        "parameters": {"a": "å"},
        "client": "c",
        "requested_at": NOON,
    }
    return Order(**(values | fields))


def barring(of: Order) -> Barring:
    return Barring(
        customer=of.customer, subscription=of.subscription, bar=Bar.DATA, since=NOON, client="c", order=of.id
    )


def element(actor: Actor, **fields: Any) -> NetworkElement:
    template = Template(orders=(OrderKind.BAR,), path="/x", headers=(("A", "b"),), answer=Rule(done=("0", "1")))
    values: dict[str, Any] = {
        "id": ElementId(0),
        "operator": actor.operator,
        "name": "hlr",
        "kind": ElementKind.REST,
        "address": "https://hlr.example",
        "orders": (OrderKind.BAR,),
        "lines": (SubscriptionKind.MOBILE,),
        "templates": (template,),
        "credentials": {"token": Credential(sealed=b"\x01\xff"), "user": Credential(reference="env:X")},
        "undoable": False,
        "created_at": NOON,
        "changed_at": NOON,
    }
    return NetworkElement(**(values | fields))


async def test_an_order_is_kept_whole(world: World) -> None:
    own = await line(world, world.operator)
    call = Call(state=CallState.RETRYING, tries=2, due_at=NOON, fault="busy", uncertain=True)
    steps = (Step(element="hlr", deed=call, undo=Call()), Step(element="paper", manual=True, instruction="x"))
    async with world.begin(world.operator) as unit:
        first = await unit.orders.add(order(own))
        second = await unit.orders.add(order(own, after=(first.id,), run_at=NOON, reason="r"))
        assert len({first.request, second.request, ""}) == 3
        moved = replace(
            first, steps=steps, state=OrderState.WAITING, waiting_for=Waiting.RETRY, wake_at=NOON, fault="f"
        )
        kept = await unit.orders.keep(moved)
        assert kept == replace(moved, version=2)
        with pytest.raises(Stale):
            await unit.orders.keep(moved)
        assert await unit.orders.get(first.id) == await unit.orders.claim(first.id) == kept
        assert await unit.orders.many([first.id, second.id, OrderId(2**62), OrderId(2**64)]) == {
            first.id: kept,
            second.id: second,
        }
        assert await unit.orders.by_request(first.request) == first.id
        assert await unit.orders.by_request("none") is None
        with pytest.raises(NotFound):
            await unit.orders.get(OrderId(2**64))


async def test_orders_are_found_by_what_they_are_of(world: World) -> None:
    own, other = await line(world, world.operator), await line(world, world.operator)
    async with world.begin(world.operator) as unit:
        one = await unit.orders.add(order(own))
        two = await unit.orders.add(order(own, kind=OrderKind.END, bars=(), wake_at=NOON))
        three = await unit.orders.add(order(other, after=(one.id,), wake_at=NOON + timedelta(hours=1)))
        page = unit.orders.page
        assert list((await page(PageRequest(first=2))).items) == [one, two]
        assert list((await page(PageRequest(after=two.id))).items) == [three]
        assert list((await page(PageRequest(), subscription=own.id)).items) == [one, two]
        assert list((await page(PageRequest(), customer=other.customer)).items) == [three]
        assert list((await page(PageRequest(), kind=OrderKind.END)).items) == [two]
        assert list((await page(PageRequest(), state=OrderState.CONFIRMED)).items) == []
        assert list((await page(PageRequest(), state=OrderState.REQUESTED, subscription=other.id)).items) == [three]
        assert await unit.orders.before(one, at=NOON) is None
        assert await unit.orders.before(two, at=NOON) == one
        assert await unit.orders.waiting_on(one) == [two.id, three.id]
        assert await unit.orders.waiting_on(three) == []
        assert await unit.orders.overdue(NOON) == [two.id]
        assert await unit.orders.overdue(NOON + timedelta(days=1)) == [two.id, three.id]
        done = await unit.orders.keep(replace(one, state=OrderState.CONFIRMED, finished_at=NOON))
        assert await unit.orders.before(two, at=NOON) is None
        assert list((await page(PageRequest(), state=OrderState.CONFIRMED)).items) == [done]


async def test_an_order_set_ahead_is_before_nobody_until_then_and_after_what_was_begun(world: World) -> None:
    own, then = await line(world, world.operator), NOON + timedelta(days=1)
    async with world.begin(world.operator) as unit:
        ahead = await unit.orders.add(order(own, run_at=then, state=OrderState.WAITING, waiting_for=Waiting.TIME))
        now = await unit.orders.add(order(own))
        assert await unit.orders.before(now, at=NOON) is None
        assert await unit.orders.before(now, at=then) == ahead
        assert await unit.orders.before(ahead, at=then) is None
        assert await unit.orders.waiting_on(now) == []
        begun = await unit.orders.keep(replace(now, state=OrderState.SENT, steps=()))
        assert await unit.orders.before(ahead, at=then) == begun
        waits = await unit.orders.keep(replace(ahead, waiting_for=Waiting.ORDERS))
        assert await unit.orders.waiting_on(begun) == [waits.id]


async def test_the_log_and_what_is_barred(world: World) -> None:
    own = await line(world, world.operator)
    async with world.begin(world.operator) as unit:
        one = await unit.orders.add(order(own))
        notes = [
            OrderNote(at=NOON, client="c", event="placed"),
            OrderNote(at=NOON, client="w", event="sent", step=1, detail={"request": "x", "n": 1}),
        ]
        for note in notes:
            await unit.orders.note(one, note)
        assert list((await unit.orders.notes([one.id]))[one.id]) == notes
        assert await unit.orders.notes([OrderId(one.id + 999)]) == {one.id + 999: []}
        bar = Barring(
            customer=own.customer, subscription=own.id, bar=Bar.DATA, since=NOON, reason="r", client="c", order=one.id
        )
        await unit.orders.keep_barrings([bar, replace(bar, bar=Bar.ROAMING)])
        lifted = replace(bar, until=NOON + timedelta(hours=1), lifted_by=one.id)
        await unit.orders.keep_barrings([lifted])
        later = NOON + timedelta(hours=2)
        assert await unit.orders.barrings([own.id], at=later) == {own.id: [replace(bar, bar=Bar.ROAMING)]}
        assert len((await unit.orders.barrings([own.id], at=NOON))[own.id]) == 2
        assert len((await unit.orders.barrings([own.id], at=None))[own.id]) == 2
        assert (await unit.orders.barrings([own.id], at=NOON - timedelta(hours=1)))[own.id] == []
        await unit.orders.keep_barrings([replace(bar, since=later)])
        assert len((await unit.orders.barrings([own.id], at=later))[own.id]) == 2


async def test_an_element_is_kept_whole(world: World) -> None:
    async with world.begin(world.operator) as unit:
        kept = await unit.elements.put(element(world.operator))
        assert kept == element(world.operator, id=kept.id)
        other = await unit.elements.put(element(world.operator, name="a", kind=ElementKind.MANUAL, address=None))
        assert list(await unit.elements.all()) == [other, kept]
        changed = replace(kept, position=1, credentials={}, version=2, active=False)
        assert await unit.elements.put(changed) == changed == await unit.elements.claim("hlr")
        await unit.elements.remove(changed)
        assert await unit.elements.claim("hlr") is None
        assert list(await unit.elements.all()) == [other]


async def test_whose_they_are(world: World) -> None:
    own = await line(world, world.north)
    async with world.begin(world.north) as unit:
        one = await unit.orders.add(order(own))
        await unit.orders.note(one, OrderNote(at=NOON, client="c", event="placed"))
    async with world.begin(world.operator) as unit:
        await unit.elements.put(element(world.operator))
        bar = Barring(customer=own.customer, subscription=own.id, bar=Bar.DATA, since=NOON, client="c", order=one.id)
        await unit.orders.keep_barrings([bar])
    sees = {"operator": True, "own": True, "sibling": False, "other_operator": False}
    for name, actor in world.callers.items():
        async with world.begin(actor) as unit:
            assert bool((await unit.orders.page(PageRequest())).items) is sees[name], name
            assert bool(await unit.orders.many([one.id])) is sees[name], name
            assert (await unit.orders.by_request(one.request) is not None) is sees[name], name
            assert bool((await unit.orders.notes([one.id]))[one.id]) is sees[name], name
            assert bool((await unit.orders.barrings([own.id], at=None))[own.id]) is sees[name], name
            assert bool(await unit.elements.all()) is (name == "operator"), name
            assert bool(await unit.orders.overdue(NOON)) is False


async def test_of_a_person_who_is_erased_nothing_is_told(world: World) -> None:
    own, other = await line(world, world.operator), await line(world, world.operator)
    async with world.begin(world.operator) as unit:
        for of in (own, other):
            one = await unit.orders.add(order(of, reason="r", fault="f"))
            await unit.orders.note(one, OrderNote(at=NOON, client="c", event="placed", detail={"a": "b"}))
            await unit.orders.keep_barrings([replace(barring(one), reason="r")])
    async with world.begin(world.operator) as unit:
        await unit.persons.erase(own.customer, name="erased", at=NOON)
    async with world.begin(world.operator) as unit:
        for of, kept in ((own, False), (other, True)):
            (one,) = (await unit.orders.page(PageRequest(), subscription=of.id)).items
            (note,) = (await unit.orders.notes([one.id]))[one.id]
            (bar,) = (await unit.orders.barrings([of.id], at=None))[of.id]
            told = (one.parameters, one.reason, one.fault, note.detail, bar.reason)
            assert [bool(each) for each in told] == [kept] * 5


async def test_an_order_goes_with_its_line_to_whoever_takes_it_over(world: World) -> None:
    own, other = await line(world, world.operator), await line(world, world.operator)
    async with world.begin(world.operator) as unit:
        one = await unit.orders.add(order(own))
        await unit.orders.note(one, OrderNote(at=NOON, client="c", event="placed"))
        await unit.orders.keep_barrings([barring(one)])
        await unit.persons.hand_over(own.customer, other.customer, at=NOON)
    async with world.begin(world.operator) as unit:
        assert (await unit.orders.get(one.id)).customer == other.customer
        assert len((await unit.orders.notes([one.id]))[one.id]) == 1
        assert len((await unit.orders.barrings([own.id], at=NOON))[own.id]) == 1
        assert [each.id for each in (await unit.orders.page(PageRequest(), customer=other.customer)).items] == [one.id]

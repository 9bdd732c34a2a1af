"""Orders from being placed to the network and back, against a simulated element that is really asked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.contracts.stepping import Step
from domain.contracts.subscription import NumberAssignment, SubscriptionState
from domain.provisioning.order import Bar, OrderKind, OrderState, Waiting
from domain.refusal import Stale, WrongState
from domain.usecases.list_orders import barring_of, order_log
from domain.usecases.step_subscription import StepSubscription, step_subscription
from domain.usecases.tend_orders import (
    CompleteStep,
    TendOrder,
    abandon_order,
    cancel_order,
    complete_step,
    retry_order,
    wake_orders,
)
from tests.provisioning.conftest import Grid, Simulate

KINDS = ["webhook", "rest", "soap"]


@pytest.mark.parametrize("kind", KINDS)
async def test_an_activation_by_each_way(grid: Grid, simulate: Simulate, kind: str) -> None:
    network = await simulate()
    await grid.put(network.document(kind))
    line = await grid.line()
    order = await grid.place(line, OrderKind.ACTIVATE)
    assert (order.state, (await grid.now(line)).state) == (OrderState.REQUESTED, SubscriptionState.PENDING)
    (order,) = await grid.finish(order.id)
    assert (order.state, order.fault) == (OrderState.CONFIRMED, None)
    now = await grid.now(line)
    assert now.state is SubscriptionState.ACTIVE
    assert now.activated_at is not None
    assert network.element.lines[str(line.id)].active
    assert order.steps is not None
    assert (order.steps[0].deed.reference or "").startswith("NE-")


@pytest.mark.parametrize("kind", KINDS)
async def test_answers_that_come_later_twice_and_in_any_order(grid: Grid, simulate: Simulate, kind: str) -> None:
    network = await simulate(seed=3, later=1, twice=1, shuffled=1)
    await grid.put(network.document(kind))
    lines = [await grid.line() for _ in range(4)]
    orders = [await grid.place(line, OrderKind.ACTIVATE) for line in lines]
    done = await grid.finish(*(one.id for one in orders))
    assert {one.state for one in done} == {OrderState.CONFIRMED}
    assert all(network.element.lines[str(line.id)].changes == 1 for line in lines)
    for order in done:
        heeds = [one.detail.get("heed") for one in await order_log(order.id, actor=grid.actor, begin=grid.wiring.begin)]
        assert heeds.count("taken") == 2  # accepted, and done
        assert heeds.count("again") == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_network_at_its_worst_has_what_the_orders_say(grid: Grid, simulate: Simulate, kind: str) -> None:
    network = await simulate(seed=7, slow=0.02, busy=0.3, refused=0.2, lost=0.3, later=0.4, twice=0.5, shuffled=0.5)
    document = network.document(kind) | {"retrySeconds": 1, "answerSeconds": 30, "triesMax": 4}
    await grid.put(document)
    lines = [await grid.line() for _ in range(12)]
    orders = [await grid.place(line, OrderKind.ACTIVATE) for line in lines]
    for _ in range(10):  # a person tries again what is parked
        done = await grid.finish(*(one.id for one in orders))
        for one in done:
            if one.state is OrderState.PARKED:
                cmd = TendOrder(order=one.id, version=one.version)
                await retry_order(cmd, actor=grid.actor, begin=grid.wiring.begin, clock=grid.clock)
    done = await grid.finish(*(one.id for one in orders))
    assert all(one.ended for one in done)
    assert len({one.state for one in done}) > 1, "the seed shows nothing"
    for line, order in zip(lines, done, strict=True):
        active = (await grid.now(line)).state is SubscriptionState.ACTIVE
        assert active is (order.state is OrderState.CONFIRMED)
        there = network.element.lines.get(str(line.id))
        assert (there is not None and there.active) is active, (order.state, order.fault)


async def test_a_refusal_fails_the_order_and_leaves_the_line_pending(grid: Grid, simulate: Simulate) -> None:
    network = await simulate(refused=1)
    await grid.put(network.document("rest"))
    line = await grid.line()
    (order,) = await grid.finish((await grid.place(line, OrderKind.ACTIVATE)).id)
    assert (order.state, order.fault) == (OrderState.FAILED, "the element refuses this line")
    assert ((await grid.now(line)).state, (await grid.now(line)).activated_at) == (SubscriptionState.PENDING, None)


async def test_after_a_failed_activation_it_is_ordered_again_or_given_up(grid: Grid, simulate: Simulate) -> None:
    network = await simulate(refused=1)
    await grid.put(network.document("rest"))
    since = grid.clock.now()
    again, given_up = [
        await grid.line(numbers=(NumberAssignment(number=number, valid_from=since),))
        for number in ("46701740601", "46701740602")
    ]
    failed = await grid.finish(
        (await grid.place(again, OrderKind.ACTIVATE, idempotency_key="first")).id,
        (await grid.place(given_up, OrderKind.ACTIVATE)).id,
    )
    assert {one.state for one in failed} == {OrderState.FAILED}
    around = {"actor": grid.actor, "begin": grid.wiring.begin, "clock": grid.clock}
    with pytest.raises(WrongState, match="the order is failed: place a new one"):
        await retry_order(TendOrder(order=failed[0].id, version=failed[0].version), **around)
    # The same command is the same order, which has failed; a new one is done when the network can.
    assert await grid.place(again, OrderKind.ACTIVATE, idempotency_key="first") == failed[0]
    network = await simulate()
    await grid.put(network.document("rest") | {"version": 1})
    (order,) = await grid.finish((await grid.place(again, OrderKind.ACTIVATE, idempotency_key="second")).id)
    assert (order.state, (await grid.now(again)).state) == (OrderState.CONFIRMED, SubscriptionState.ACTIVE)
    # Given up, it is as if the line had never been: nothing is billed, and its number is anybody's.
    gone = await step_subscription(
        StepSubscription(subscription=given_up.id, step=Step.FAIL, reason="the network refuses it"), **around
    )
    assert (gone.state, gone.numbers, gone.activated_at) == (SubscriptionState.ENDED, (), None)
    with pytest.raises(WrongState, match="the subscription is ended"):
        await grid.place(given_up, OrderKind.ACTIVATE)


async def test_what_an_element_did_is_undone_when_the_next_one_refuses(grid: Grid, simulate: Simulate) -> None:
    first, second = await simulate(), await simulate(refused=1)
    await grid.put(first.document("rest") | {"name": "hlr", "position": 1})
    await grid.put(second.document("soap") | {"name": "portal", "position": 2})
    line = await grid.line()
    (order,) = await grid.finish((await grid.place(line, OrderKind.ACTIVATE)).id)
    assert order.state is OrderState.COMPENSATED
    assert not first.element.lines[str(line.id)].active
    assert [one["kind"] for one in first.element.log] == ["activate", "end"]
    assert (await grid.now(line)).state is SubscriptionState.PENDING


async def test_orders_of_a_line_follow_one_another_and_wait_for_those_they_name(grid: Grid, simulate: Simulate) -> None:
    network = await simulate(later=1)
    await grid.put(network.document("webhook"))
    line, sim = await grid.line(), await grid.line()
    card = await grid.place(sim, OrderKind.CHANGE, parameters={"iccid": "8946"})
    activate = await grid.place(line, OrderKind.ACTIVATE, after=(card.id,))
    suspend = await grid.place(line, OrderKind.SUSPEND)  # possible only after the activation
    done = await grid.finish(card.id, activate.id, suspend.id)
    assert [one.state for one in done] == [OrderState.CONFIRMED] * 3
    assert [one["kind"] for one in network.element.log] == ["change", "activate", "suspend"]
    assert (await grid.now(line)).state is SubscriptionState.SUSPENDED


async def test_what_waits_for_an_order_that_fails_is_not_done(grid: Grid, simulate: Simulate) -> None:
    network = await simulate(refused=1)
    await grid.put(network.document("webhook"))
    line, sim = await grid.line(), await grid.line()
    card = await grid.place(sim, OrderKind.CHANGE)
    activate = await grid.place(line, OrderKind.ACTIVATE, after=(card.id,))
    _, order = await grid.finish(card.id, activate.id)
    assert order.state is OrderState.FAILED
    assert order.fault == f"order {card.id}, which it waits for, is failed"
    assert not any(one["kind"] == "activate" for one in network.element.log)


async def test_a_person_does_a_step_between(grid: Grid, simulate: Simulate) -> None:
    network = await simulate()
    await grid.put({"name": "cable", "kind": "manual", "instruction": "Pull the cable", "position": 1})
    await grid.put(network.document("rest"))
    line = await grid.line()
    order = await grid.place(line, OrderKind.ACTIVATE)
    await grid.work()
    order = await grid.get(order.id)
    assert (order.state, order.waiting_for) == (OrderState.WAITING, Waiting.PERSON)
    assert not network.element.log
    with pytest.raises(Stale):
        await complete_step(
            CompleteStep(order=order.id, version=1), actor=grid.actor, begin=grid.wiring.begin, clock=grid.clock
        )
    cmd = CompleteStep(order=order.id, version=order.version, note="done at noon")
    await complete_step(cmd, actor=grid.actor, begin=grid.wiring.begin, clock=grid.clock)
    (order,) = await grid.finish(order.id)
    assert order.state is OrderState.CONFIRMED


async def test_an_order_set_ahead_begins_then_and_may_be_cancelled_before(grid: Grid, simulate: Simulate) -> None:
    network = await simulate()
    await grid.put(network.document("rest"))
    line = await grid.line()
    at = grid.clock.now().replace(microsecond=0)
    at = at.replace(year=at.year + 1)
    order = await grid.place(line, OrderKind.ACTIVATE, run_at=at)
    await grid.work()
    order = await grid.get(order.id)
    assert (order.state, order.waiting_for, order.wake_at) == (OrderState.WAITING, Waiting.TIME, at)
    cmd = TendOrder(order=order.id, version=order.version, reason="changed his mind")
    order = await cancel_order(cmd, actor=grid.actor, begin=grid.wiring.begin, clock=grid.clock)
    assert (order.state, order.fault) == (OrderState.CANCELLED, "changed his mind")
    later = await grid.place(line, OrderKind.ACTIVATE, run_at=at)
    (later,) = await grid.finish(later.id, seconds=86_400 * 30)
    assert later.state is OrderState.CONFIRMED
    assert (await grid.now(line)).activated_at is not None
    assert network.element.lines[str(line.id)].changes == 1


async def test_an_order_set_ahead_holds_up_nobody_until_then(grid: Grid, simulate: Simulate) -> None:
    network = await simulate()
    await grid.put(network.document("rest"))
    line = await grid.line(pending=False)
    at = grid.clock.now() + timedelta(days=2)
    end = await grid.place(line, OrderKind.END, run_at=at)
    await grid.work()
    (suspend,) = await grid.finish((await grid.place(line, OrderKind.SUSPEND)).id)
    assert suspend.state is OrderState.CONFIRMED
    with pytest.raises(WrongState):  # what could not be begun now is refused now
        await grid.place(line, OrderKind.SUSPEND)
    await grid.put({"name": "cable", "kind": "manual", "instruction": "Pull the cable", "position": 1})
    resume = await grid.place(line, OrderKind.RESUME)
    await grid.work()
    grid.clock.pass_by(days=3)
    await wake_orders(actor=grid.actor, begin=grid.wiring.begin, clock=grid.clock)
    await grid.work()
    end, resume = await grid.get(end.id), await grid.get(resume.id)
    assert (resume.waiting_for, end.waiting_for) == (Waiting.PERSON, Waiting.ORDERS), "what was begun goes first"
    cmd = CompleteStep(order=resume.id, version=resume.version)
    await complete_step(cmd, actor=grid.actor, begin=grid.wiring.begin, clock=grid.clock)
    await grid.work()
    end = await grid.get(end.id)
    assert end.waiting_for is Waiting.PERSON, "it goes on when the other has ended"


async def test_bars_are_told_with_their_reason_and_time(grid: Grid, simulate: Simulate) -> None:
    network = await simulate()
    await grid.put(network.document("soap"))
    line = await grid.line(pending=False)
    bars = (Bar.PREMIUM, Bar.ROAMING)
    order = await grid.place(line, OrderKind.BAR, bars=bars, reason="reminder 2")
    assert await barring_of(line.id, actor=grid.actor, begin=grid.wiring.begin, clock=grid.clock) == []
    (order,) = await grid.finish(order.id)
    barred = await barring_of(line.id, actor=grid.actor, begin=grid.wiring.begin, clock=grid.clock)
    assert [(one.bar, one.reason, one.order) for one in barred] == [(one, "reminder 2", order.id) for one in bars]
    assert network.element.lines[str(line.id)].barred == {"premium", "roaming"}
    with pytest.raises(WrongState):
        await grid.place(line, OrderKind.BAR, bars=(Bar.PREMIUM,))
    lift = await grid.place(line, OrderKind.UNBAR, bars=(Bar.ROAMING,))
    await grid.finish(lift.id)
    barred = await barring_of(line.id, actor=grid.actor, begin=grid.wiring.begin, clock=grid.clock)
    assert [one.bar for one in barred] == [Bar.PREMIUM]
    await grid.finish((await grid.place(line, OrderKind.UNBAR)).id)
    assert await barring_of(line.id, actor=grid.actor, begin=grid.wiring.begin, clock=grid.clock) == []
    past = await barring_of(line.id, past=True, actor=grid.actor, begin=grid.wiring.begin, clock=grid.clock)
    assert {(one.bar, one.until is not None, one.lifted_by is not None) for one in past} == {
        (Bar.PREMIUM, True, True),
        (Bar.ROAMING, True, True),
    }


async def test_a_number_comes_and_goes_when_the_network_says_so(grid: Grid, simulate: Simulate) -> None:
    network = await simulate()
    await grid.put(network.document("webhook"))
    line = await grid.line(pending=False)
    number = {"number": "070-174 06 05"}
    await grid.finish((await grid.place(line, OrderKind.PORT_IN, parameters=number)).id)
    now = await grid.now(line)
    assert now.holds("46701740605", grid.clock.now())
    assert network.element.lines[str(line.id)].numbers == {"46701740605"}
    await grid.finish((await grid.place(line, OrderKind.PORT_OUT, parameters=number)).id)
    assert not (await grid.now(line)).holds("46701740605", grid.clock.now())
    assert (await grid.now(line)).holds_or_held("46701740605")
    with pytest.raises(WrongState):
        await grid.place(line, OrderKind.PORT_OUT, parameters=number)


async def test_what_the_books_refuse_after_the_network_did_it_is_parked(grid: Grid, simulate: Simulate) -> None:
    network = await simulate()
    await grid.put(network.document("rest"))
    since = grid.clock.now()
    other = await grid.line(pending=False, numbers=(NumberAssignment(number="46701740605", valid_from=since),))
    line = await grid.line(pending=False)
    (order,) = await grid.finish((await grid.place(line, OrderKind.PORT_IN, parameters={"number": "46701740605"})).id)
    assert order.state is OrderState.PARKED
    assert "cannot be recorded" in (order.fault or "")
    async with grid.wiring.begin(grid.actor) as unit:
        alarm = await unit.alarms.claim_open("order_parked", f"order {order.id}")
    assert alarm is not None
    await grid.finish((await grid.place(other, OrderKind.PORT_OUT, parameters={"number": "46701740605"})).id)
    cmd = TendOrder(order=order.id, version=order.version)
    await retry_order(cmd, actor=grid.actor, begin=grid.wiring.begin, clock=grid.clock)
    (order,) = await grid.finish(order.id)
    assert order.state is OrderState.CONFIRMED
    assert (await grid.now(line)).holds("46701740605", grid.clock.now())
    async with grid.wiring.begin(grid.actor) as unit:
        assert await unit.alarms.claim_open("order_parked", f"order {order.id}") is None


async def test_a_parked_order_may_be_given_up(grid: Grid, simulate: Simulate) -> None:
    first, second = await simulate(), await simulate(refused=1)
    await grid.put(first.document("rest") | {"name": "a", "position": 1, "undoable": False})
    await grid.put(second.document("rest") | {"name": "b", "position": 2})
    line = await grid.line()
    order, after = await grid.place(line, OrderKind.ACTIVATE), await grid.place(line, OrderKind.ACTIVATE)
    (order,) = await grid.finish(order.id)
    assert order.state is OrderState.PARKED
    assert not (await grid.get(after.id)).ended  # it waits behind it
    cmd = TendOrder(order=order.id, version=order.version, reason="taken out by hand")
    order = await abandon_order(cmd, actor=grid.actor, begin=grid.wiring.begin, clock=grid.clock)
    assert (order.state, order.fault) == (OrderState.FAILED, "taken out by hand")
    (after,) = await grid.finish(after.id)
    assert after.steps is not None


async def test_nobody_listening_fails_without_undoing(grid: Grid, simulate: Simulate) -> None:
    network = await simulate()
    document = network.document("rest") | {"address": "http://127.0.0.1:9", "triesMax": 2, "retrySeconds": 1}
    await grid.put(document)
    line = await grid.line()
    (order,) = await grid.finish((await grid.place(line, OrderKind.ACTIVATE)).id)
    assert order.state is OrderState.FAILED
    assert order.steps is not None
    assert (order.steps[0].deed.tries, order.steps[0].undo) == (2, None)
    assert order.fault == "the network cannot be reached"  # where it was looked for is the operator's to know
    log = await order_log(order.id, actor=grid.actor, begin=grid.wiring.begin)
    assert any("127.0.0.1" in str(one.detail.get("detail")) for one in log)


async def test_a_line_that_no_element_takes_is_confirmed_at_once(grid: Grid, simulate: Simulate) -> None:
    network = await simulate()
    await grid.put(network.document("rest") | {"lines": ["fixed"]})
    line = await grid.line()
    (order,) = await grid.finish((await grid.place(line, OrderKind.ACTIVATE)).id)
    assert (order.state, order.steps) == (OrderState.CONFIRMED, ())
    assert not network.element.log

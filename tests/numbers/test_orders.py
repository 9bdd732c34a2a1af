"""Porting and preselection: states, moments, and what they do to whose a number is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.contracts.subscription import Subscription, SubscriptionKind, SubscriptionState
from domain.ids import SubscriptionId
from domain.numbers.ordering import NumberOrder, OrderKind, OrderState, RejectReason
from domain.numbers.stock import NumberStatus as N
from domain.ports.page import PageRequest
from domain.refusal import BadValue, Conflict, NotFound, Overlap, Stale, WrongState
from domain.usecases.get_subscription import get_subscription, owner_of_number
from domain.usecases.list_number_orders import ListNumberOrders, get_number_order, list_number_orders, steps_of_orders
from domain.usecases.manage_numbers import take_back_number
from domain.usecases.port_number import RequestPort, StepPort, request_port, step_port
from domain.usecases.preselect_number import OrderPreselection, order_preselection, step_preselection
from domain.usecases.release_numbers import ReleaseNumbers, release_numbers
from tests.numbers.made import BEGAN, LATER, at, by, held, line, series, status
from tests.stores.worlds import NOON, World
from tests.usecases.trail import trail

OURS, THEIRS = "46812345600", "46850000000"
O = OrderState  # noqa: E741  (short for a table of states)
MOMENT = LATER + timedelta(hours=1)


async def asked(world: World, one: Subscription, kind: OrderKind, number: str = THEIRS, **more: Any) -> NumberOrder:
    cmd = RequestPort(kind=kind, subscription=one.id, number=number, other="TELIA", wanted_at=LATER, **more)
    return await request_port(cmd, **at(world))


async def step(world: World, order: NumberOrder, state: OrderState, **more: Any) -> NumberOrder:
    return await step_port(StepPort(order=order.id, state=state, **more), **at(world))


async def owner(world: World, number: str, when: Any) -> SubscriptionId | None:
    try:
        return (await owner_of_number(number, when, **by(world))).id
    except NotFound:
        return None


async def test_a_number_comes_at_its_moment_and_goes_back_at_the_end(world: World) -> None:
    one = await line(world)
    order = await asked(world, one, OrderKind.PORT_IN, "08-50 00 00 00", holder="HI3G", reference="R-1")
    assert (order.state, order.number, order.moment) == (O.REQUESTED, THEIRS, None)
    assert await owner(world, THEIRS, LATER) is None
    confirmed = await step(world, order, O.CONFIRMED, moment=MOMENT, version=1)
    assert (confirmed.state, confirmed.moment, confirmed.version) == (O.CONFIRMED, MOMENT, 2)
    assert [await owner(world, THEIRS, MOMENT - timedelta(seconds=1)), await owner(world, THEIRS, MOMENT)] == [
        None,
        one.id,
    ]
    with pytest.raises(BadValue, match="not come yet"):
        await step(world, order, O.DONE)
    world.clock.at = MOMENT
    # What was done at another moment than was agreed moves the assignment.
    done = await step(world, order, O.DONE, moment=MOMENT - timedelta(minutes=5))
    assert await owner(world, THEIRS, MOMENT - timedelta(minutes=5)) == one.id
    assert await status(world, THEIRS) is N.ASSIGNED
    with pytest.raises(WrongState, match="nothing more"):
        await step(world, done, O.CANCELLED)
    steps = (await steps_of_orders([order.id], **by(world)))[order.id]
    assert [each.state for each in steps] == [O.REQUESTED, O.CONFIRMED, O.DONE]
    assert ("boss", "done_port_in", f"number_order:{order.id}") in await trail(world)
    # It is another's block: at the end of the subscription it goes back to its holder, and never into our free ones.
    await release_numbers(ReleaseNumbers(subscription=one.id, numbers=(THEIRS,), at=MOMENT), **by(world))
    assert await status(world, THEIRS) is N.RETURNED
    assert await status(world, THEIRS, MOMENT + timedelta(days=900)) is N.RETURNED
    with pytest.raises(Conflict):
        await line(world, held(THEIRS, MOMENT))
    again = await asked(world, one, OrderKind.PORT_IN)  # and may come again
    assert again.state is O.REQUESTED


async def test_a_port_in_that_is_called_off_leaves_nothing_behind(world: World) -> None:
    one = await line(world)
    order = await asked(world, one, OrderKind.PORT_IN)
    with pytest.raises(Conflict):
        await asked(world, one, OrderKind.PORT_IN)
    await step(world, order, O.CONFIRMED)
    off = await step(world, order, O.CANCELLED, note="the customer stays")
    assert (off.state, off.note) == (O.CANCELLED, "the customer stays")
    assert (await get_subscription(one.id, **by(world))).numbers == ()
    refused = await asked(world, one, OrderKind.PORT_IN)
    with pytest.raises(BadValue) as no:
        await step(world, refused, O.REJECTED)
    assert no.value.field == "reason"
    with pytest.raises(BadValue):
        await step(world, refused, O.CONFIRMED, reason=RejectReason.OTHER)
    rejected = await step(world, refused, O.REJECTED, reason=RejectReason.WRONG_CUSTOMER)
    assert rejected.reason is RejectReason.WRONG_CUSTOMER


async def test_a_number_goes_at_its_moment_and_comes_home(world: World) -> None:
    await series(world)
    one = await line(world, held(OURS))
    order = await asked(world, one, OrderKind.PORT_OUT, OURS)
    await step(world, order, O.CONFIRMED, moment=MOMENT)
    assert [await owner(world, OURS, MOMENT - timedelta(seconds=1)), await owner(world, OURS, MOMENT)] == [one.id, None]
    assert [await status(world, OURS, when) for when in (NOON, MOMENT)] == [N.ASSIGNED, N.PORTED_OUT]
    off = await step(world, order, O.CANCELLED)
    assert off.state is O.CANCELLED
    assert await owner(world, OURS, MOMENT + timedelta(days=9)) == one.id
    assert await status(world, OURS, MOMENT) is N.ASSIGNED

    order = await asked(world, one, OrderKind.PORT_OUT, OURS)
    await step(world, order, O.CONFIRMED, moment=MOMENT)
    world.clock.at = MOMENT
    await step(world, order, O.DONE)
    with pytest.raises(Conflict):
        await line(world, held(OURS, MOMENT))
    home = await take_back_number(OURS, **at(world))
    assert [home.status_at(when) for when in (MOMENT, MOMENT + timedelta(days=30))] == [N.QUARANTINE, N.FREE]
    with pytest.raises(WrongState):
        await take_back_number(OURS, **at(world))


async def test_a_number_of_ours_that_went_out_is_ported_in_again(world: World) -> None:
    await series(world)
    one = await line(world, held(OURS))
    out = await asked(world, one, OrderKind.PORT_OUT, OURS)
    await step(world, out, O.CONFIRMED, moment=NOON)
    await step(world, out, O.DONE)
    back = await asked(world, one, OrderKind.PORT_IN, OURS)
    await step(world, back, O.CONFIRMED, moment=MOMENT)
    assert [await owner(world, OURS, when) for when in (NOON - timedelta(1), NOON, MOMENT)] == [one.id, None, one.id]
    await step(world, back, O.CANCELLED)
    assert await status(world, OURS, MOMENT) is N.PORTED_OUT
    again = await asked(world, one, OrderKind.PORT_IN, OURS)
    await step(world, again, O.CONFIRMED, moment=MOMENT)
    world.clock.at = MOMENT
    await step(world, again, O.DONE)
    await release_numbers(ReleaseNumbers(subscription=one.id, numbers=(OURS,), at=MOMENT + timedelta(1)), **by(world))
    assert await status(world, OURS, MOMENT + timedelta(days=2)) is N.QUARANTINE


async def test_a_port_out_takes_the_line_along_where_it_says_so(world: World) -> None:
    one = await line(world, held(OURS), held("46812345601"))
    order = await asked(world, one, OrderKind.PORT_OUT, OURS, ends_subscription=True)
    await step(world, order, O.CONFIRMED, moment=MOMENT)
    world.clock.at = MOMENT + timedelta(hours=1)
    await step(world, order, O.DONE)
    gone = await get_subscription(one.id, **by(world))
    assert (gone.state, gone.ended_at) == (SubscriptionState.ENDED, MOMENT)
    assert {each.valid_to for each in gone.numbers} == {MOMENT}


async def test_what_cannot_be_ported(world: World) -> None:
    await series(world)
    one, other = await line(world, held(OURS)), await line(world)
    for kind, number, refusal in (
        (OrderKind.PORT_OUT, "46812345601", NotFound),
        (OrderKind.PORT_IN, "46812345601", Conflict),
        (OrderKind.PORT_IN, "123", BadValue),
        (OrderKind.PRESELECTION, OURS, BadValue),
    ):
        with pytest.raises(refusal):
            await asked(world, one, kind, number)
    with pytest.raises(BadValue) as no:
        await asked(world, one, OrderKind.PORT_IN, holder="<script>")
    assert no.value.field == "holder"
    order = await asked(world, one, OrderKind.PORT_IN)
    await line(world, held(THEIRS))
    with pytest.raises(Overlap):
        await step(world, order, O.CONFIRMED)
    with pytest.raises(Stale):
        await step(world, order, O.CONFIRMED, version=3)
    with pytest.raises(NotFound):
        await step_port(StepPort(order=order.id, state=O.CANCELLED), **at(world, world.south))
    with pytest.raises(NotFound):
        await get_number_order(order.id, kinds=(OrderKind.PRESELECTION,), **by(world))
    page = await list_number_orders(ListNumberOrders(number="08-50 00 00 00", state=O.REQUESTED), **by(world))
    assert list(page.items) == [order]
    for query in (
        ListNumberOrders(subscription=other.id),
        ListNumberOrders(kinds=(OrderKind.PRESELECTION,)),
        ListNumberOrders(page=PageRequest(10, order.id)),
    ):
        assert list((await list_number_orders(query, **by(world))).items) == []


async def test_an_order_is_answered_the_same_under_its_key(world: World) -> None:
    one = await line(world)
    order = await asked(world, one, OrderKind.PORT_IN, idempotency_key="k")
    assert await asked(world, one, OrderKind.PORT_IN, idempotency_key="k") == order
    done = await step(world, order, O.CONFIRMED, idempotency_key="s")
    assert await step(world, order, O.CONFIRMED, idempotency_key="s") == done


def preselection(one: Subscription, **more: Any) -> OrderPreselection:
    values: dict[str, Any] = {"subscription": one.id, "number": "08-123 456 00", "prefix": "9533", "wanted_at": LATER}
    return OrderPreselection(**(values | more))


async def preselected(world: World, order: NumberOrder, state: OrderState, **more: Any) -> NumberOrder:
    return await step_preselection(StepPort(order=order.id, state=state, **more), **at(world))


async def test_a_preselection_is_ordered_sent_confirmed_active_and_lost(world: World) -> None:
    one = await line(world, held(OURS))
    order = await order_preselection(preselection(one, access_operator="TELIA"), **at(world))
    assert (order.state, order.other, order.holder) == (O.ORDERED, "9533", "TELIA")
    with pytest.raises(Conflict):
        await order_preselection(preselection(one), **at(world))
    sent = await preselected(world, order, O.SENT, reference="SVALAN-2026-03-01-17")
    assert sent.reference == "SVALAN-2026-03-01-17"
    await preselected(world, order, O.CONFIRMED, moment=MOMENT)
    with pytest.raises(BadValue, match="not come yet"):
        await preselected(world, order, O.ACTIVE)
    world.clock.at = MOMENT
    active = await preselected(world, order, O.ACTIVE)
    assert (active.state, active.moment) == (O.ACTIVE, MOMENT)
    with pytest.raises(Conflict):  # as long as it is active
        await order_preselection(preselection(one), **at(world))
    with pytest.raises(WrongState, match="ceased, lost"):
        await preselected(world, order, O.CANCELLED)
    lost = await preselected(world, order, O.LOST, moment=MOMENT)
    assert lost.state is O.LOST
    again = await order_preselection(preselection(one), **at(world))
    no = await preselected(world, again, O.REJECTED, reason=RejectReason.NOT_POSSIBLE)
    assert (no.state, no.reason) == (O.REJECTED, RejectReason.NOT_POSSIBLE)
    states = [each.state for each in (await steps_of_orders([order.id], **by(world)))[order.id]]
    assert states == [O.ORDERED, O.SENT, O.CONFIRMED, O.ACTIVE, O.LOST]


async def test_only_a_fixed_number_one_has_is_preselected(world: World) -> None:
    mobile = await line(world, held("46701234567"), kind=SubscriptionKind.MOBILE)
    with pytest.raises(WrongState):
        await order_preselection(preselection(mobile, number="46701234567"), **at(world))
    one = await line(world, held(OURS, BEGAN, NOON))
    with pytest.raises(NotFound):
        await order_preselection(preselection(one), **at(world))
    with pytest.raises(NotFound):
        await order_preselection(preselection(one, wanted_at=BEGAN), **at(world, world.south))
    order = await order_preselection(preselection(one, wanted_at=BEGAN), **at(world))
    with pytest.raises(NotFound):  # it is no port
        await step(world, order, O.CONFIRMED)

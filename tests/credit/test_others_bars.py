"""Bars of credit limits beside bars that somebody else has set."""

from __future__ import annotations

import pytest

from domain.provisioning.order import Bar, OrderKind
from domain.usecases.place_order import PlaceOrder, place_within
from tests.credit import made
from tests.credit.test_limits import norway
from tests.intake import world as w

pytestmark = pytest.mark.usefixtures("world")


async def test_a_line_that_somebody_else_unbars_is_barred_where_its_limit_is_passed(wiring, world, load):
    async def place(kind: OrderKind) -> None:
        async with wiring.begin(world.actor) as unit:
            cmd = PlaceOrder(subscription=world.subscriptions[0], kind=kind, bars=(Bar.OUTGOING,), reason="collection")
            await place_within(unit, cmd, actor=world.actor, now=wiring.clock.now())

    await made.limit(wiring, world, "3", bars=(Bar.OUTGOING,))
    await place(OrderKind.BAR)
    assert await made.really_barred(wiring, world) == {Bar.OUTGOING}
    await load(w.lines(norway(0), norway(1)))  # 3.78
    assert await made.really_barred(wiring, world) == {Bar.OUTGOING}
    assert await made.barred(wiring, world) == set(), "it is barred by another already"
    await place(OrderKind.UNBAR)
    assert await made.really_barred(wiring, world) == {Bar.OUTGOING}
    assert await made.barred(wiring, world) == {Bar.OUTGOING}

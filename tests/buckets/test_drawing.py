"""Buckets through the import: what is drawn, by whom, and never more than there is."""

from __future__ import annotations

import asyncio

from domain.usecases.withdraw_file import WithdrawFile, withdraw_file
from tests.buckets import made as own
from tests.intake import world as made


def call(place: int, seconds: int, *, a: int = 0, b: str = "46850000000") -> str:
    return made.row(place, a=made.number(a), b=b, seconds=seconds)


async def test_events_draw_until_nothing_is_left(wiring, world, load):
    owner = f"subscription:{world.subscriptions[0]}"
    await own.publish(wiring, world, buckets=[own.bucket("b", owner, "100")])
    await load(made.lines(call(0, 60), call(1, 60), call(2, 60)))
    await load(made.lines(call(3, 60)))
    assert [own.micro(one) for one in await own.events(wiring, world)] == [0, 200_000, 600_000, 600_000]
    assert await own.balances(wiring, world) == {("b", owner): 100}


async def test_the_same_file_again_draws_nothing(wiring, world, load):
    owner = f"subscription:{world.subscriptions[0]}"
    await own.publish(wiring, world, buckets=[own.bucket("b", owner, "100")])
    await load(made.lines(call(0, 30)))
    await load(made.lines(call(0, 30), call(1, 30)), name="both.csv")
    assert await own.balances(wiring, world) == {("b", owner): 60}


async def test_fifty_at_once_take_ten_and_no_more(wiring, world, load):
    owner = f"customer:{world.customers[0]}"
    await own.publish(wiring, world, buckets=[own.bucket("b", owner, "10")])
    await asyncio.gather(*(load(made.lines(call(n, 1)), name=f"{n}.csv") for n in range(50)))
    found = [own.micro(one) for one in await own.events(wiring, world)]
    assert sorted(found) == [0] * 10 + [10_000] * 40
    assert await own.balances(wiring, world) == {("b", owner): 10}


async def test_a_file_that_is_withdrawn_gives_back(wiring, world, load):
    owner = f"subscription:{world.subscriptions[0]}"
    ring = own.volume_ring("much", "100", "-50")
    await own.publish(wiring, world, buckets=[own.bucket("b", owner, "70")], discount_rings=[ring])
    done = await load(made.lines(call(0, 60)), name="first.csv")
    await load(made.lines(call(1, 60), call(2, 60)), name="second.csv")
    assert [own.micro(one) for one in await own.events(wiring, world)] == [0, 500_000, 300_000]
    cmd = WithdrawFile(file=done.file.id, why="the switch sent a test")
    around = {"actor": world.actor, "begin": wiring.begin, "clock": wiring.clock}
    await withdraw_file(cmd, formats=wiring.formats, raters=wiring.raters, **around)
    assert await own.balances(wiring, world) == {("b", owner): 10}
    # What came after it draws what it gave back, and its volume counts no more.
    assert (await own.settle(wiring, world)).changed == 2
    assert [own.micro(one) for one in await own.events(wiring, world)] == [0, 500_000]
    assert await own.balances(wiring, world) == {("b", owner): 70}
    # The same bytes come again: in their place, in the end.
    await load(made.lines(call(0, 60)), name="first.csv")
    await own.settle(wiring, world)
    assert [own.micro(one) for one in await own.events(wiring, world)] == [0, 500_000, 300_000]

"""Rating again gives back what was drawn; simulating begins with nothing drawn."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from domain.catalogue.document import read_tariff
from domain.contracts.subscription import NumberAssignment
from domain.rerating.rerating import Reason, Selection
from domain.usecases.rerate import Rerate, rerate
from domain.usecases.simulate_tariff import SimulateTariff, simulate_tariff
from tests.buckets import made as own
from tests.intake import world as made

MARCH = Selection(since=datetime(2026, 3, 1, tzinfo=UTC), until=datetime(2026, 4, 1, tzinfo=UTC))
NORWAY = "4722000000"


def call(place: int, seconds: int, *, a: int = 0, b: str = "46850000000", hour: int = 0) -> str:
    return made.row(place, a=made.number(a), b=b, seconds=seconds, start=made.FIRST + timedelta(hours=hour))


async def again(
    wiring, world, *, preview: bool = False, reason: Reason = Reason.WRONG_PRICE, per_chunk: int = 100, **chosen
):
    return await rerate(
        Rerate(selection=replace(MARCH, **chosen), reason=reason, preview=preview),
        actor=world.actor,
        begin=wiring.begin,
        clock=wiring.clock,
        raters=wiring.raters,
        events_per_chunk=per_chunk,
    )


async def told(wiring, world) -> list[tuple[int, int]]:
    return [(own.micro(one), one.version) for one in await own.events(wiring, world)]


async def test_a_new_price_draws_the_same(wiring, world, load):
    owner = f"subscription:{world.subscriptions[0]}"
    buckets = [own.bucket("b", owner, "100")]
    await own.publish(wiring, world, buckets=buckets)
    await load(made.lines(*(call(n, 60, hour=n) for n in range(3))))
    lists = {**made.TARIFF["price_lists"], **own.PLAIN, "retail": made.plist(made.rate("*", "6"))}
    async with wiring.begin(world.actor) as unit:
        document = made.TARIFF | {"price_lists": lists, "buckets": buckets}
        await unit.catalogue.publish(read_tariff(document), recorded_at=made.NOW)
    preview = await again(wiring, world, preview=True)
    assert preview.tally.changed == 2
    assert await told(wiring, world) == [(0, 1), (200_000, 1), (600_000, 1)]
    assert (await again(wiring, world)).tally.changed == 2
    assert await told(wiring, world) == [(0, 1), (2_000_000, 3), (6_000_000, 3)]
    assert await own.balances(wiring, world) == {("b", owner): 100}
    assert (await again(wiring, world)).tally.changed == 0


async def test_a_bucket_that_came_late_serves_what_was_there(wiring, world, load):
    owner = f"subscription:{world.subscriptions[0]}"
    await own.publish(wiring, world)
    await load(made.lines(*(call(n, 60, hour=n) for n in range(3)), call(9, 60, a=3)))
    await own.publish(wiring, world, buckets=[own.bucket("b", owner, "100")])
    done = await again(wiring, world)
    assert (done.tally.examined, done.tally.changed) == (4, 2)
    by_start = sorted((one.start, own.micro(one)) for one in await own.events(wiring, world))
    assert sorted(amount for _, amount in by_start) == [0, 200_000, 600_000, 600_000]
    assert await own.balances(wiring, world) == {("b", owner): 100}


async def test_chunks_of_one_come_to_the_same(wiring, world, load):
    owner = f"subscription:{world.subscriptions[0]}"
    await own.publish(wiring, world)
    await load(made.lines(*(call(n, 60, hour=n) for n in range(3))))
    await own.publish(wiring, world, buckets=[own.bucket("b", owner, "100")])
    await again(wiring, world, per_chunk=1)
    assert [amount for amount, _ in await told(wiring, world)] == [0, 200_000, 600_000]
    assert (await again(wiring, world)).tally.changed == 0


async def test_one_that_is_asked_for_moves_the_others(wiring, world, load):
    """The second bucket stands before the first; only the first event is asked for, and all of them move."""
    owner = f"customer:{world.customers[0]}"
    await own.publish(wiring, world, buckets=[own.bucket("a", owner, "60")])
    await load(made.lines(call(0, 60), call(1, 60, b=NORWAY, hour=1), call(2, 60, hour=2)))
    assert [amount for amount, _ in await told(wiring, world)] == [0, 1_200_000, 600_000]
    await own.publish(wiring, world, buckets=[own.bucket("a", owner, "60", scope={"to": ["Norway"]})])
    done = await again(wiring, world, destination="Norway")
    assert (done.tally.examined, done.tally.changed) == (2, 2)
    assert [amount for amount, _ in await told(wiring, world)] == [600_000, 0, 600_000]
    assert await own.balances(wiring, world) == {("a", owner): 60}


async def test_what_moves_to_another_draws_there(wiring, world, load):
    owners = [f"subscription:{world.subscriptions[n]}" for n in (0, 3)]
    buckets = [own.bucket(name, owner, "60") for name, owner in zip("ab", owners, strict=True)]
    await own.publish(wiring, world, buckets=buckets)
    await load(made.lines(call(0, 60), call(1, 60, hour=1), call(2, 60, hour=2)))
    assert [amount for amount, _ in await told(wiring, world)] == [0, 600_000, 600_000]
    async with wiring.begin(world.actor) as unit:
        for place, numbers in ((0, ()), (3, (0, 3))):
            there = (await unit.subscriptions.many([world.subscriptions[place]]))[world.subscriptions[place]]
            held = tuple(NumberAssignment(number=made.number(n), valid_from=made.BEGAN) for n in numbers)
            await unit.subscriptions.keep(replace(there, numbers=held))
    done = await again(wiring, world, reason=Reason.CHANGED_CONTRACT)
    assert (done.tally.changed, done.tally.moved) == (3, 3)
    assert [amount for amount, _ in await told(wiring, world)] == [0, 600_000, 600_000]
    assert await own.balances(wiring, world) == {("a", owners[0]): 0, ("b", owners[1]): 60}


async def test_what_is_released_draws_and_is_settled(wiring, world, load):
    owner = f"subscription:{world.subscriptions[0]}"
    buckets = [own.bucket("b", owner, "100")]
    await own.publish(wiring, world, buckets=buckets)
    iceland = made.TARIFF["destinations"] | {"Iceland": {"prefixes": ["3549"]}}
    document = {"buckets": buckets, "destinations": iceland}
    await own.publish(wiring, world, **document)
    await load(made.lines(call(0, 60, b="3541234567"), call(1, 60, hour=1), call(2, 60, hour=2)))
    assert [amount for amount, _ in await told(wiring, world)] == [0, 200_000]
    await own.publish(wiring, world, buckets=buckets)
    done = await again(wiring, world, reason=Reason.LATE_PRICE, unrated="no_destination")
    assert done.tally.released == 1
    assert [amount for amount, _ in await told(wiring, world)] == [600_000, 0, 200_000]
    assert (await own.settle(wiring, world)).changed == 3
    assert [amount for amount, _ in await told(wiring, world)] == [0, 200_000, 600_000]
    assert await own.balances(wiring, world) == {("b", owner): 100}


async def test_a_simulation_begins_with_nothing_drawn(wiring, world, load):
    """What was drawn counts for nothing; chunks of one event draw on, in the order of time, as one chunk does."""
    owner = f"subscription:{world.subscriptions[0]}"
    lists = {**made.TARIFF["price_lists"], **own.PLAIN}
    document = made.TARIFF | {"price_lists": lists, "buckets": [own.bucket("b", owner, "100")]}
    await own.publish(wiring, world, buckets=document["buckets"])
    await load(made.lines(*(call(n, 60, hour=n) for n in range(3))))
    ring = own.volume_ring("much", "120", "-50")
    for per_chunk in (1, 100):
        for tariff, after in ((document, "0.800000"), (document | {"discount_rings": [ring]}, "0.500000")):
            done = await simulate_tariff(
                SimulateTariff(since=MARCH.since, until=MARCH.until, document=tariff, exchange={"EUR": Decimal(10)}),
                actor=world.actor,
                begin=wiring.begin,
                clock=wiring.clock,
                raters=wiring.raters,
                events_per_chunk=per_chunk,
            )
            assert [str(side.revenue) for side in (done.total.before, done.total.after)] == ["0.800000", after]
    assert await own.balances(wiring, world) == {("b", owner): 100}

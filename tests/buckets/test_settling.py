"""Whatever order, files and chunks events come in: after settling, everything is as if they had come in order."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.settings import Settings
from api.wiring import Wiring, in_memory
from domain.rerating.rerating import Reason, Selection
from domain.usecases.grant_units import GrantUnits, grant_units
from domain.usecases.put_on_plan import PutOnPlan, put_on_plan
from domain.usecases.rerate import Rerate, rerate
from tests.buckets import made as own
from tests.intake import world as made

SECOND = "46700000010"
TO = ("46850000000", "4722000000")
CEST = timezone(timedelta(hours=1))
# (line, to, seconds, when in hours since the beginning of March)
Call = tuple[int, int, int, int]


def parts(world: made.World) -> dict[str, object]:
    """Return buckets that are shared, own, of money, rolling, of a plan under caps and granted; counted discounts."""
    customer, contract = f"customer:{world.customers[0]}", "each contract"
    march = {"every": "month", "from": "2026-03-01", "zone": "Europe/Stockholm"}
    return {
        "buckets": [
            own.bucket("shared", customer, "150", scope={"to": ["Sweden fixed"]}),
            own.bucket(
                "first",
                f"subscription:{world.subscriptions[0]}",
                "70",
                split="increment",
                priority=2,
                when_empty={"price_list": "other"},
            ),
            own.bucket("all levels", f"customer:{world.customers[1]}", "80", levels=["retail", "wholesale", "cost"]),
            own.bucket("money", contract, "0.9", unit="money", priority=3),
            own.bucket(
                "months", "each subscription", "45", period=march, rollover={"periods": 2, "cap": "30"}, priority=1
            ),
            own.bucket("family", contract, "130", period=march, priority=4, per_subscription="70", plans=["Family"]),
            own.bucket(
                "top", "top-up", "60", period=["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"], top_up={"days": 50}
            ),
        ],
        "plans": {"Family": {"kind": "multi"}},
        "discount_rings": [
            own.volume_ring("much", "200", "-50", levels=["retail", "wholesale"]),
            own.volume_ring("together", "150", "-20", priority=2, when={"volume_shared": "contract"}),
        ],
    }


def line(place: int, call: Call) -> str:
    who, to, seconds, hours = call
    start = datetime(2026, 3, 1, tzinfo=CEST) + timedelta(hours=hours)
    return made.row(place, a=(made.number(0), SECOND, made.number(1))[who], b=TO[to], seconds=seconds, start=start)


async def fresh(wiring: Wiring, code: str) -> made.World:
    world = await made.with_source(wiring, code)
    second = await own.add_line(wiring, world, 0, SECOND)
    await own.publish(wiring, world, **parts(world))
    by = {"actor": world.actor, "begin": wiring.begin}
    async with wiring.begin(world.actor) as unit:
        contract = (await unit.subscriptions.many([second]))[second].contract
    await put_on_plan(PutOnPlan(contract=contract, plan="Family", valid_from=date(2026, 3, 10)), **by)
    top = GrantUnits(subscription=second, bucket="top", valid_from=datetime(2026, 3, 5, tzinfo=UTC))
    await grant_units(top, **by, clock=wiring.clock, raters=wiring.raters)
    return world


async def outcome(wiring: Wiring, code: str, files: list[list[tuple[int, Call]]], per_chunk: int) -> list[object]:
    world = await fresh(wiring, code)
    for number, rows in enumerate(files):
        data = made.lines(*(line(place, call) for place, call in rows))
        await made.load(wiring, world, data, name=f"{number}.csv", records_per_chunk=per_chunk)
    await own.settle(wiring, world, per_page=1)
    again = await own.settle(wiring, world)
    assert again.examined == 0, "settling twice changes nothing"
    return await own.told(wiring, world)


calls = st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 120), st.integers(0, 24 * 100))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=st.lists(calls, min_size=1, max_size=12), data=st.data())
def test_any_split_and_order_comes_to_the_same(events: list[Call], data: st.DataObject, tmp_path_factory) -> None:
    numbered = list(enumerate(events))
    shuffled = data.draw(st.permutations(numbered))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(events)), max_size=4)))
    files = [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(events)], strict=True) if a < b]
    in_order = sorted(numbered, key=lambda pair: (pair[1][3], pair[0]))
    folder: Path = tmp_path_factory.mktemp("order")

    async def both() -> tuple[list[object], list[object]]:
        one = in_memory(Settings(data_dir=folder / "a"), clock=made.FixedClock())
        other = in_memory(Settings(data_dir=folder / "b"), clock=made.FixedClock())
        return (
            await outcome(one, "one", [in_order], 1000),
            await outcome(other, "other", files, data.draw(st.integers(1, 4))),
        )

    expected, found = asyncio.run(both())
    assert found == expected


async def test_the_database_does_it_too(stored):
    events = [(n % 3, n % 2, 17 * n % 120, 31 * n % 2300) for n in range(60)]
    numbered = list(enumerate(events))
    in_order = sorted(numbered, key=lambda pair: (pair[1][3], pair[0]))
    files = [numbered[n::5] for n in range(5)]
    expected = await outcome(stored, "inorder", [in_order], 1000)
    assert await outcome(stored, "mixed", files, 7) == expected


async def test_imports_settling_and_rating_again_at_once(stored):
    """Whoever is at it at the same time: nobody waits for ever, nothing is drawn twice, and the end is the same."""
    events = [(n % 3, n % 2, 17 * n % 120, 31 * n % 2300) for n in range(60)]
    numbered = list(enumerate(events))
    in_order = sorted(numbered, key=lambda pair: (pair[1][3], pair[0]))
    expected = await outcome(stored, "alone", [in_order], 1000)
    world = await fresh(stored, "together")

    async def load(number: int) -> None:
        data = made.lines(*(line(place, call) for place, call in numbered[number::6]))
        await made.load(stored, world, data, name=f"{number}.csv", records_per_chunk=3)

    async def settle() -> None:
        for _ in range(3):
            await own.settle(stored, world, per_page=1)

    async def again() -> None:
        await rerate(
            Rerate(
                selection=Selection(since=datetime(2026, 3, 1, tzinfo=UTC), until=datetime(2026, 7, 1, tzinfo=UTC)),
                reason=Reason.WRONG_PRICE,
            ),
            actor=world.actor,
            begin=stored.begin,
            clock=stored.clock,
            raters=stored.raters,
            events_per_chunk=10,
        )

    await asyncio.gather(*(load(number) for number in range(6)), settle(), again())
    await own.settle(stored, world)
    assert await own.told(stored, world) == expected

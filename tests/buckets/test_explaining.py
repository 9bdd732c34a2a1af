"""A stored event is explained with what each ring and bucket took when it was rated."""

from __future__ import annotations

from datetime import timedelta

from domain.usecases.explain_usage import explain_usage
from tests.buckets import made as own
from tests.buckets.test_settling import parts
from tests.intake import world as made


async def test_every_event_adds_up_before_and_after_settling(wiring, world, load):
    await own.publish(wiring, world, **parts(world))
    starts = [made.FIRST + timedelta(hours=31 * n) for n in range(24)]
    rows = [
        made.row(
            n,
            a=made.number((0, 3, 1)[n % 3]),
            b=("46850000000", "4722000000")[n % 2],
            seconds=23 * n % 130,
            start=start,
        )
        for n, start in enumerate(starts)
    ]
    await load(made.lines(*rows[::-2]), name="one.csv")
    await load(made.lines(*rows[::2]), name="two.csv")
    for settled in (False, True):
        if settled:
            assert (await own.settle(wiring, world)).changed > 0
        rings = buckets = 0
        for event in await own.events(wiring, world):
            said = await explain_usage(event.ref, actor=world.actor, begin=wiring.begin, raters=wiring.raters)
            levels = said.explanation.levels
            assert levels[0].amount == own.micro(event)
            rings += sum(len(level.rings) for level in levels)
            buckets += sum(len(level.buckets) for level in levels)
            gave = sum(part.amount for part in levels[0].buckets if part.unit == "money")
            full = levels[0].charge // 1000 + sum(ring.share for ring in levels[0].rings)
            assert full - gave == own.micro(event), "shares and draws come to the amount taken off"
        assert rings > 0, "the counted discount held for some"
        assert buckets > 5, "buckets gave to some"


async def test_what_is_left_is_told(wiring, world, load):
    await own.publish(wiring, world, buckets=[own.bucket("b", "each contract", "100", of=["retail"])])
    await load(made.lines(made.row(0, a=made.number(0), b="46850000000", seconds=30)))
    (event,) = await own.events(wiring, world)
    said = await explain_usage(event.ref, actor=world.actor, begin=wiring.begin, raters=wiring.raters)
    (drawn,) = said.explanation.levels[0].buckets
    assert (drawn.amount, drawn.left) == (30, 70)
    assert drawn.bucket.startswith("b/contract:")

"""Unusual usage of a line, in windows that slide: told once, and barred where a rule says so."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from api.worker import Worker
from domain.alarms.alarm import AlarmState
from domain.credit.fraud import Measure
from domain.credit.kinds import Kind
from domain.provisioning.order import Bar
from domain.refusal import BadValue, Conflict, Stale
from domain.usecases.watch_usage import PutFraudRule, list_suspicions, put_fraud_rule, remove_fraud_rule
from tests.credit import made
from tests.intake import world as w


async def rule(wiring: Any, world: Any, measure: Measure, most: str, **more: Any) -> Any:
    fields = {"name": measure.value, "measure": measure, "most": Decimal(most), "window_seconds": 3600} | more
    return await put_fraud_rule(PutFraudRule(**fields), **made.around(wiring, world.actor))


async def found(wiring: Any, world: Any) -> list[tuple[int, Decimal]]:
    await Worker(wiring).run(until_idle=True)
    page = await list_suspicions(made.request(), actor=world.actor, begin=wiring.begin)
    return [(one.subscription, one.value) for one in page.items]


def call(seconds_in: int, seconds: int = 60, *, b: str = "46850000000", a: int = 0, place: int = 0) -> str:
    start = w.FIRST + w.timedelta(seconds=seconds_in)
    return w.row(place, a=w.number(a), b=b, seconds=seconds, start=start)


async def test_calls_within_an_hour(wiring, world, load):
    await rule(wiring, world, Measure.CALLS, "3")
    # Three in an hour, and a fourth an hour after the first: no hour has four.
    await load(w.lines(*(call(n * 1200, place=n) for n in range(3)), call(3601, place=3)))
    assert await found(wiring, world) == []
    await load(w.lines(call(3610, place=4)), name="b.csv")
    assert await found(wiring, world) == [(world.subscriptions[0], Decimal(4))]
    # The same windows go on: it is not told again.
    await load(w.lines(call(3620, place=5)), name="c.csv")
    assert len(await found(wiring, world)) == 1


async def test_amounts_and_minutes_of_one_line(wiring, world, load):
    await rule(wiring, world, Measure.AMOUNT, "3.70", kind=Kind.INTERNATIONAL)
    await rule(wiring, world, Measure.MINUTES, "2")
    norway = {"b": "4712345678"}
    await load(w.lines(call(0, 60, place=0, **norway), call(100, 60, place=1, **norway), call(200, 60, a=1, place=2)))
    assert await found(wiring, world) == [(world.subscriptions[0], Decimal("3.78"))]


async def test_a_destination_that_was_never_called(wiring, world, load):
    await load(w.lines(call(-90_000, place=0)))
    await rule(wiring, world, Measure.DESTINATION, "0", window_seconds=3600)
    await load(w.lines(call(0, place=1)), name="b.csv")
    assert await found(wiring, world) == []
    await load(w.lines(call(100, b="4712345678", place=2)), name="c.csv")
    assert await found(wiring, world) == [(world.subscriptions[0], Decimal(1))]


async def test_a_rule_may_bar_and_its_alarm_is_raised(wiring, world, load):
    await rule(wiring, world, Measure.CALLS, "1", bars=(Bar.OUTGOING,))
    await load(w.lines(call(0, place=0), call(10, place=1)))
    assert await made.really_barred(wiring, world) == {Bar.OUTGOING}
    async with wiring.begin(world.actor) as unit:
        page = await unit.alarms.page(made.request(), state=AlarmState.OPEN, kind="unusual_usage")
    assert [one.severity.value for one in page.items] == ["critical"]
    # What unusual usage has barred no limit lifts.
    await made.limit(wiring, world, "1000")
    await made.look(wiring, world)
    assert await made.really_barred(wiring, world) == {Bar.OUTGOING}


async def test_rules_are_changed_by_version(wiring, world):
    one = await rule(wiring, world, Measure.CALLS, "1")
    with pytest.raises(Conflict):
        await rule(wiring, world, Measure.CALLS, "2")
    two = await rule(wiring, world, Measure.CALLS, "2", rule=one.id, version=one.version)
    assert (two.most, two.version) == (Decimal(2), 2)
    with pytest.raises(Stale):
        await remove_fraud_rule(one.id, 1, actor=world.actor, begin=wiring.begin)
    await remove_fraud_rule(one.id, 2, actor=world.actor, begin=wiring.begin)
    with pytest.raises(BadValue, match="window"):
        await rule(wiring, world, Measure.CALLS, "1", window_seconds=1)

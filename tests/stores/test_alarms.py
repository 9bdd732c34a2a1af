"""Alarms: one that is not closed per kind and subject, counting up; the operator's alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.access.actor import Action, Actor
from domain.alarms.alarm import Alarm, AlarmState, Raised, Severity
from domain.ids import AlarmId
from domain.ports.page import PageRequest
from domain.refusal import BadValue, NotAllowed, NotFound, WrongState
from domain.usecases.acknowledge_alarm import acknowledge_alarm, close_alarm
from domain.usecases.list_alarms import get_alarm, list_alarms
from domain.usecases.raise_alarm import end_alarm, raise_alarm
from tests.stores.worlds import World

SILENT = "silent_source"


def found(subject: str = "pbx", severity: Severity = Severity.WARNING, times: int = 1) -> Raised:
    return Raised(kind=SILENT, subject=subject, text=f"nothing from {subject}", severity=severity, times=times)


async def told(world: World, **chosen: object) -> list[Alarm]:
    page = await list_alarms(PageRequest(100), actor=world.operator, begin=world.begin, **chosen)  # type: ignore[arg-type]
    return list(page.items)


async def test_raised_again_it_counts_up(world: World) -> None:
    first = await raise_alarm(found(), actor=world.operator, begin=world.begin, clock=world.clock)
    assert (first.state, first.count, first.first_seen) == (AlarmState.OPEN, 1, world.clock.at)
    began = world.clock.at
    world.clock.pass_by(hours=1)
    louder = found(severity=Severity.CRITICAL, times=4)
    second = await raise_alarm(louder, actor=world.operator, begin=world.begin, clock=world.clock)
    assert (second.id, second.count, second.severity) == (first.id, 5, Severity.CRITICAL)
    assert (second.first_seen, second.last_seen) == (began, began + timedelta(hours=1))
    quieter = await raise_alarm(
        found(severity=Severity.INFO), actor=world.operator, begin=world.begin, clock=world.clock
    )
    assert quieter.severity is Severity.CRITICAL
    other = await raise_alarm(found("switch"), actor=world.operator, begin=world.begin, clock=world.clock)
    assert [one.id for one in await told(world)] == [first.id, other.id]
    assert await told(world, kind="another") == []


async def test_acknowledged_closed_and_anew(world: World) -> None:
    async def raised() -> Alarm:
        return await raise_alarm(found(), actor=world.operator, begin=world.begin, clock=world.clock)

    asked = {"actor": world.operator, "begin": world.begin, "clock": world.clock}
    first = await raised()
    done = await acknowledge_alarm(first.id, **asked)  # type: ignore[arg-type]
    assert (done.state, done.acknowledged_by) == (AlarmState.ACKNOWLEDGED, world.operator.client)
    assert await acknowledge_alarm(first.id, **asked) == done  # type: ignore[arg-type]
    again = await raised()
    assert (again.id, again.state, again.count) == (first.id, AlarmState.ACKNOWLEDGED, 2)
    ended = await end_alarm(SILENT, "pbx", **asked)  # type: ignore[arg-type]
    assert ended is not None
    assert ended.state is AlarmState.CLOSED
    assert await end_alarm(SILENT, "pbx", **asked) is None  # type: ignore[arg-type]
    assert (await close_alarm(first.id, **asked)).closed_at == ended.closed_at  # type: ignore[arg-type]
    with pytest.raises(WrongState):
        await acknowledge_alarm(first.id, **asked)  # type: ignore[arg-type]
    anew = await raised()
    assert (anew.id != first.id, anew.count) == (True, 1)
    assert [one.id for one in await told(world, state=AlarmState.CLOSED)] == [first.id]
    assert await get_alarm(first.id, actor=world.operator, begin=world.begin) == await get_alarm(
        first.id, actor=world.operator, begin=world.begin
    )


async def test_many_at_once_are_one_and_none_is_lost(world: World) -> None:
    async def one(number: int) -> None:
        subjects = ["a", "b", "c"] if number % 2 else ["c", "b", "a"]
        async with world.begin(world.operator, bulk=True) as unit:
            await unit.alarms.raise_all([found(subject) for subject in subjects], at=world.clock.at)

    await asyncio.gather(*(one(number) for number in range(8)))
    assert [(alarm.subject, alarm.count) for alarm in await told(world)] == [("a", 8), ("b", 8), ("c", 8)]


async def test_what_is_told_twice_at_once_counts_twice(world: World) -> None:
    twice = [found("b"), found("a"), replace(found("b"), text="again"), found("b")]
    async with world.begin(world.operator, bulk=True) as unit:
        made = await unit.alarms.raise_all(twice, at=world.clock.at)
        assert await unit.alarms.raise_all([], at=world.clock.at) == []
    assert [(one.subject, one.count) for one in made] == [("a", 1), ("b", 1), ("b", 2), ("b", 3)]
    assert made[2].text == "again"
    assert [(alarm.subject, alarm.count) for alarm in await told(world)] == [("a", 1), ("b", 3)]


async def test_they_are_the_operators_alone(world: World) -> None:
    alarm = await raise_alarm(found(), actor=world.operator, begin=world.begin, clock=world.clock)
    for caller in (world.north, world.south, world.other_operator):
        async with world.begin(caller) as unit:
            assert (await unit.alarms.page(PageRequest())).items == []
            assert await unit.alarms.claim_open(SILENT, "pbx") is None
            with pytest.raises(NotFound):
                await unit.alarms.get(alarm.id)
    weak = Actor(operator=world.operator.operator, client="weak", scopes=frozenset({Action.READ_METRICS}))
    for caller in (weak, world.north):
        with pytest.raises(NotAllowed):
            await list_alarms(PageRequest(), actor=caller, begin=world.begin)
        with pytest.raises(NotAllowed):
            await close_alarm(alarm.id, actor=caller, begin=world.begin, clock=world.clock)
    for key in (0, 2**70):
        with pytest.raises(NotFound):
            await close_alarm(AlarmId(key), actor=world.operator, begin=world.begin, clock=world.clock)


@pytest.mark.parametrize("subject", ["", "  ", "a\nb", "x" * 301])
def test_what_is_told_is_a_line(subject: str) -> None:
    with pytest.raises(BadValue):
        found(subject)

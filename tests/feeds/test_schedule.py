"""When feeds are polled: cron in the operator's zone, back-off, the queue between; and what is watched meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.feeding import Scheduler, scheduling
from api.worker import Worker
from domain.feeds.schedule import following, retry
from domain.feeds.watching import gaps, same_hours, unusual
from domain.jobs.job import JobState
from domain.ports.page import PageRequest
from domain.usecases.list_feeds import get_feed, remove_feed
from domain.usecases.promise_poll import promise_poll
from domain.usecases.schedule_polls import schedule_polls
from domain.usecases.watch_feed import watch_feeds
from tests.feeds.conftest import NOW, MovingClock, Switch
from tests.intake.world import calls, lines, number, row

ZONE = "Europe/Stockholm"


def moments(expression: str, after: datetime, count: int) -> list[str]:
    found = []
    for _ in range(count):
        after = following(expression, ZONE, after)
        found.append(after.strftime("%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("expression", "after", "utc"),
    [
        # 2026-03-29: 02:00 to 03:00 is missing. What falls there runs right after it.
        ("30 2 * * *", datetime(2026, 3, 28, 12, tzinfo=UTC), ["29 01:00", "30 00:30", "31 00:30"]),
        ("0 3 * * *", datetime(2026, 3, 28, 12, tzinfo=UTC), ["29 01:00", "30 01:00"]),
        ("*/30 * * * *", datetime(2026, 3, 29, 0, tzinfo=UTC), ["29 00:30", "29 01:00", "29 01:30", "29 02:00"]),
        # 2026-10-25: 02:00 to 03:00 comes twice. What falls there runs once, what runs every half hour goes on.
        ("30 2 * * *", datetime(2026, 10, 24, 12, tzinfo=UTC), ["25 00:30", "26 01:30", "27 01:30"]),
        ("*/30 * * * *", datetime(2026, 10, 24, 23, 30, tzinfo=UTC), ["25 00:00", "25 00:30", "25 01:00", "25 01:30"]),
        ("0 * * * *", datetime(2026, 10, 24, 23, 30, tzinfo=UTC), ["25 00:00", "25 01:00", "25 02:00"]),
        # Every minute of one hour: not on the day without that hour, and in both on the day with two.
        ("*/30 2 * * *", datetime(2026, 3, 28, 12, tzinfo=UTC), ["30 00:00", "30 00:30", "31 00:00"]),
        ("*/30 2 * * *", datetime(2026, 10, 24, 12, tzinfo=UTC), ["25 00:00", "25 00:30", "25 01:00", "25 01:30"]),
        ("0 6 * * 1-5", datetime(2026, 10, 23, 12, tzinfo=UTC), ["26 05:00", "27 05:00"]),
    ],
)
def test_cron_in_the_operators_zone(expression: str, after: datetime, utc: list[str]) -> None:
    assert moments(expression, after, len(utc)) == utc


@given(
    st.sampled_from(["*/5 * * * *", "30 2 * * *", "0 0 1 * *", "15 1-3 * * 0", "0 2,3 * * *", "*/7 2 25 10 *"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001  (the strategy takes naive ones)
)
def test_the_next_moment_is_always_later_and_soon_enough(expression: str, after: datetime) -> None:
    moment = following(expression, ZONE, after.replace(tzinfo=UTC))
    assert moment > after.replace(tzinfo=UTC)
    assert moment.tzinfo is UTC
    assert moment - after.replace(tzinfo=UTC) < timedelta(days=800)


@given(st.integers(1, 200), st.floats(0, 1))
def test_a_failing_feed_rests_longer_and_never_over_an_hour(failures: int, jitter: float) -> None:
    rest = retry(failures, jitter=jitter)
    assert timedelta(seconds=15) <= rest <= timedelta(hours=1)
    assert rest <= retry(failures + 1, jitter=0)


async def jobs(switch: Switch) -> list[JobState]:
    async with switch.wiring.begin(switch.world.actor) as unit:
        return [one.state for one in (await unit.jobs.page(PageRequest(1000), kind="poll_feed")).items]


async def promise(switch: Switch) -> int:
    return await schedule_polls(actor=switch.world.actor, begin=switch.wiring.begin, clock=switch.clock)


async def test_a_due_feed_is_promised_once_and_polled_by_a_worker(switch: Switch) -> None:
    await switch.feed(schedule="*/5 * * * *")
    switch.lay("a.csv", calls(4))
    assert await promise(switch) == 0
    switch.clock.pass_by(minutes=5)
    assert sorted(await asyncio.gather(promise(switch), promise(switch), promise(switch))) == [0, 0, 1]
    assert await jobs(switch) == [JobState.WAITING]
    await Worker(switch.wiring).run(until_idle=True)
    assert await jobs(switch) == [JobState.DONE]
    assert await switch.rated() == 4
    now = await get_feed("pbx", actor=switch.world.actor, begin=switch.wiring.begin)
    assert now.standing.next_at == NOW + timedelta(minutes=10)
    assert now.standing.last_file_at == switch.clock.now()


async def test_an_inactive_feed_is_never_due(switch: Switch) -> None:
    await switch.feed(active=False)
    switch.clock.pass_by(days=30)
    assert await promise(switch) == 0


async def test_a_poll_that_is_asked_for_is_one_job(switch: Switch) -> None:
    await switch.feed()
    for _ in range(3):
        await promise_poll("pbx", actor=switch.world.actor, begin=switch.wiring.begin)
    assert await jobs(switch) == [JobState.WAITING]
    await remove_feed("pbx", 1, actor=switch.world.actor, begin=switch.wiring.begin)
    await Worker(switch.wiring).run(until_idle=True)
    assert await jobs(switch) == [JobState.DONE]


async def test_what_does_not_fit_into_one_run_follows_at_once(switch: Switch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.usecases.poll_feed.FILES_MAX", 2)
    await switch.feed(schedule="0 3 * * *")
    for place in range(5):
        switch.lay(f"{place}.csv", calls(2, first=place * 2))
    run = await switch.poll()
    assert (run.taken, run.more) == (2, True)
    for _ in range(2):
        assert await promise(switch) == 1
        await Worker(switch.wiring).run(until_idle=True)
    assert await switch.rated() == 10
    assert await promise(switch) == 0


async def test_the_scheduler_looks_after_every_operator_and_ends(switch: Switch) -> None:
    await switch.feed(schedule="* * * * *", rules={"silent_after_minutes": 30})
    switch.clock.pass_by(hours=1)
    assert await Scheduler(switch.wiring).look() >= 1
    assert set(await switch.alarms()) == {"feed_silent"}
    async with scheduling(switch.wiring):
        await asyncio.sleep(0.05)


async def watch(switch: Switch) -> int:
    return await watch_feeds(actor=switch.world.actor, begin=switch.wiring.begin, clock=switch.clock)


async def test_a_silent_feed_raises_one_alarm_that_its_next_file_closes(switch: Switch) -> None:
    await switch.feed(rules={"silent_after_minutes": 60})
    switch.clock.pass_by(minutes=59)
    assert await watch(switch) == 0
    switch.clock.pass_by(minutes=2)
    assert await watch(switch) == 1
    assert await watch(switch) == 0
    assert "nothing since 2026-03-03 08:00" in (await switch.alarms())["feed_silent"]
    await switch.poll()
    assert set(await switch.alarms()) == {"feed_silent"}  # it was polled, and brought nothing
    switch.lay("a.csv", calls(1))
    await switch.poll()
    assert await switch.alarms() == {}


async def test_an_unusual_hour_is_told_against_the_same_hour_of_weeks_before(switch: Switch) -> None:
    def week(back: int, count: int) -> bytes:
        start = datetime(2026, 3, 3, 5, tzinfo=UTC) - timedelta(weeks=back)
        return lines(
            *(
                row(place, a=number(0), b="46850000000", start=start + timedelta(seconds=place))
                for place in range(count)
            )
        )

    await switch.feed(rules={"watch_counts": True})
    for back, count in ((1, 100), (2, 104), (3, 98), (0, 20)):
        switch.lay(f"{back}.csv", week(back, count))
    assert (await switch.poll()).taken == 4
    assert await watch(switch) == 1
    text = (await switch.alarms())["feed_unusual_count"]
    assert "20 events began in the hour of 2026-03-03 05:00 UTC; usual are 50 to 150" in text
    assert await watch(switch) == 0
    switch.clock.pass_by(hours=1)
    assert await watch(switch) == 0  # six o'clock has had no events in any week


async def test_an_hour_is_judged_once_its_events_are_in(switch: Switch) -> None:
    feed = await switch.feed(rules={"watch_counts": True})
    switch.lay("a.csv", calls(2))
    await switch.poll()
    await watch(switch)
    async with switch.wiring.begin(switch.world.actor) as unit:
        standing = (await unit.feeds.standings([feed.id]))[feed.id]
    assert standing.counted_until == datetime(2026, 3, 3, 6, tzinfo=UTC)


def test_the_same_hour_of_the_week_keeps_its_place_over_a_change_of_clocks() -> None:
    before = same_hours(datetime(2026, 10, 26, 7, tzinfo=UTC), ZONE)  # eight o'clock, a Monday, in winter
    assert before[0] == datetime(2026, 10, 19, 6, tzinfo=UTC)  # eight o'clock in summer
    assert len(before) == 8


@pytest.mark.parametrize(
    ("count", "before", "told"),
    [
        (0, [], False),
        (0, [100, 100], False),  # two weeks are too few to tell
        (0, [100, 100, 100], True),
        (150, [100, 100, 100], False),
        (151, [100, 100, 100], True),
        (0, [100, 100, 100, 0, 0, 0, 0, 0], True),
        (100, [100, 5, 100, 100, 9000], False),  # an outage and a storm among the weeks
        (25, [10, 10, 10], False),  # of few, twenty more or less is nothing
        (31, [10, 10, 10], True),
        (5000, [1000, 9000, 3000, 7000], False),  # as restless as it always is
    ],
)
def test_which_counts_are_unusual(count: int, before: list[int], told: bool) -> None:
    assert (unusual(count, before) is not None) is told


@given(st.lists(st.integers(0, 50), unique=True, min_size=1))
def test_gaps_are_what_is_missing(numbers: list[int]) -> None:
    present = sorted(numbers)
    missing = [n for gap in gaps(present, None) for n in range(gap.first, gap.last + 1)]
    expected = [n for n in range(present[0], present[-1]) if n not in present]
    assert missing == expected or len(gaps(present, None)) == 20
    late = gaps([*present, *expected], None)
    assert late == [] or len(gaps(present, None)) == 20 or {0, 1} & set(expected)


def test_sequences_that_begin_again() -> None:
    assert gaps([998, 999, 0, 1], 997, begins_again_after=999) == []
    assert gaps([998, 999, 1, 2], 997, begins_again_after=999) == []
    assert [str(gap) for gap in gaps([5], 990, begins_again_after=999)] == ["991–999"]
    assert gaps([400, 501], 500, begins_again_after=999) == []  # one that was late
    assert [str(gap) for gap in gaps([1, 3, 2, 5], 900)] == ["4"]


async def test_a_machine_whose_clock_went_back_does_not_poll_for_ever(switch: Switch) -> None:
    feed = await switch.feed()
    await switch.poll()
    switch.clock.pass_by(hours=-5)
    async with switch.wiring.begin(switch.world.actor) as unit:
        standing = (await unit.feeds.standings([feed.id]))[feed.id]
        await unit.feeds.stand(feed.id, replace(standing, next_at=switch.clock.now()))
    assert await promise(switch) == 1
    assert isinstance(switch.clock, MovingClock)

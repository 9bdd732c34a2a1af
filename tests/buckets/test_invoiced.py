"""Draws and bill runs: settled before the period is billed, and final for what was billed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from domain.invoicing.bill_run import BillRun
from domain.period import Period
from domain.usecases.make_bills import PageDone
from domain.usecases.run_bills import RunBills, run_bills
from tests.buckets import made as own
from tests.intake import world as made

MARCH = Period(date(2026, 3, 1), date(2026, 4, 1))


async def bill(wiring, world, period: Period = MARCH, **more) -> tuple[BillRun, list[PageDone]]:
    pages: list[PageDone] = []
    run = await run_bills(
        RunBills(period=period, customers=(world.customers[0],), **more),
        actor=world.actor,
        begin=wiring.begin,
        clock=wiring.clock,
        raters=wiring.raters,
        done=pages.append,
    )
    return run, pages


def lines(pages: list[PageDone]) -> list[tuple[str, str | None]]:
    return [(str(line.net), line.corrects) for page in pages for one in page.invoices for line in one.lines]


def call(place: int, seconds: int, day: int = 2) -> str:
    return made.row(
        place, a=made.number(0), b="46850000000", seconds=seconds, start=made.FIRST + timedelta(days=day - 2)
    )


@pytest.fixture
async def drawing(wiring, world):
    """100 seconds for March: 1 SEK is 100 s."""
    await own.publish(wiring, world, buckets=[own.bucket("b", f"customer:{world.customers[0]}", "100")])
    return world


async def test_the_run_settles_before_it_totals(wiring, drawing, load):
    await load(made.lines(call(1, 100, day=20)), name="late.csv")
    await load(made.lines(call(2, 60, day=3)), name="early.csv")
    assert [own.micro(one) for one in await own.events(wiring, drawing)] == [600_000, 0]
    _, dry = await bill(wiring, drawing, dry_run=True)
    _, pages = await bill(wiring, drawing)
    assert lines(dry) == lines(pages) == [("0.60", None)]
    found = await own.events(wiring, drawing)
    assert [(own.micro(one), one.version) for one in found] == [(0, 3), (600_000, 3)]
    assert list((await own.balances(wiring, drawing)).values()) == [100]


async def test_a_late_event_draws_behind_what_is_billed(wiring, drawing, load):
    await load(made.lines(call(1, 90, day=20)), name="first.csv")
    _, pages = await bill(wiring, drawing)
    assert lines(pages) == []
    # Both stand before what was billed, and share the ten seconds that it left: in order, whichever came first.
    await load(made.lines(call(2, 60, day=4)), name="late.csv")
    await load(made.lines(call(3, 60, day=3)), name="later.csv")
    _, pages = await bill(wiring, drawing)
    assert lines(pages) == [("1.10", None)]
    found = await own.events(wiring, drawing)
    assert [own.micro(one) for one in found] == [500_000, 600_000, 0]
    assert [one.version for one in found] == [1, 3, 1] or [one.version for one in found] == [3, 3, 1]


async def test_events_of_the_next_period_are_left_open(wiring, drawing, load):
    april = ["2026-04-01T00:00:00+02:00", "2026-05-01T00:00:00+02:00"]
    owner = f"customer:{drawing.customers[0]}"
    both = [own.bucket("b", owner, "100"), own.bucket("c", owner, "50", period=april)]
    await own.publish(wiring, drawing, buckets=both)
    await load(made.lines(call(1, 60, day=20), call(2, 60, day=40)), name="both.csv")
    await bill(wiring, drawing)
    await load(made.lines(call(3, 60, day=35)), name="early.csv")
    _, pages = await bill(wiring, drawing, Period(date(2026, 4, 1), date(2026, 5, 1)))
    assert [own.micro(one) for one in await own.events(wiring, drawing)] == [0, 100_000, 600_000]
    assert lines(pages) == [("0.70", None)]


async def test_the_marks_never_go_back(wiring, drawing, load):
    await load(made.lines(call(1, 60)), name="a.csv")
    await bill(wiring, drawing)
    async with wiring.begin(drawing.actor, bulk=True) as unit:
        await unit.draws.close(None, until=datetime(2026, 1, 1, tzinfo=UTC), horizon=10**6)
        standing = await unit.draws.standing(drawing.customers)
    assert standing.settled["until"].max() == int(datetime(2026, 3, 31, 22, tzinfo=UTC).timestamp() * 10**6)

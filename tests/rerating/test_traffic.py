"""Past traffic in bulk is the present versions of all events, however it is cut into pages."""

from __future__ import annotations

import random

import polars as pl
import pytest

from domain.rerating.rerating import Selection
from domain.rerating.traffic import OUTERMOST, TRAFFIC, present
from tests.intake import world as made
from tests.rerating.conftest import SINCE, UNTIL, dearer, publish

FIXED, NORWAY = "46850000000", "4722000000"
NAMES = ("start", "source", "key", "version")


@pytest.mark.parametrize("seed", range(20))
def test_present_versions_whatever_the_pages(seed: int) -> None:
    draw = random.Random(seed)
    events = sorted({(draw.randrange(3), draw.randrange(2), draw.randrange(4)) for _ in range(12)})
    ends = {event: draw.randrange(1, 6) for event in events}
    rows = [(*event, version) for event in events for version in range(1, ends[event] + 1)]
    table = pl.DataFrame(rows, schema={name: TRAFFIC[name] for name in NAMES}, orient="row")
    expected = [(*event, ends[event]) for event in events if ends[event] % 2 == 1]
    found, place = [], (-1, -1, -1)
    while True:
        limit = draw.randrange(6, 9)  # more than an event has versions
        page = table.filter(pl.Series([row[:3] > place for row in rows], dtype=pl.Boolean)).head(limit)
        kept, after = present(page, whole=page.height < limit)
        found += kept.rows()
        if page.height < limit:
            break
        assert after is not None
        place = after
    assert found == expected


def test_a_page_of_one_event_alone_is_not_told_before_it_is_whole() -> None:
    table = pl.DataFrame([(1, 1, 1, 1), (1, 1, 1, 2)], schema={n: TRAFFIC[n] for n in NAMES}, orient="row")
    kept, after = present(table, whole=False)
    assert (kept.height, after) == (0, None)


@pytest.mark.parametrize("first", [1, 2, 3, 100])
async def test_traffic_is_what_is_stored(wiring, world, load, again, first: int) -> None:
    rows = [made.row(n, a=made.number(n % 4), b=NORWAY if n == 4 else FIXED) for n in range(7)]
    await load(made.lines(*rows))
    await publish(wiring, world, dearer)
    assert (await again()).tally.changed
    async with wiring.begin(world.actor, bulk=True) as unit:
        stored = await unit.reratings.stored(Selection(since=SINCE, until=UNTIL), None, first=100)
        pages, place, more = [], None, True
        while more:
            page, place = await unit.reratings.traffic(SINCE, UNTIL, place, first=first)
            pages.append(page)
            more = place is not None
    traffic = pl.concat(pages)
    assert stored.height == 7
    assert set(stored["version"]) == {1, 3}
    resold = pl.col("wholesale_micro").is_not_null().cast(pl.Int8).alias("resold")
    outer = (pl.col(name).list.first() for name in OUTERMOST)
    assert traffic.equals(stored.with_columns(resold, *outer).select(TRAFFIC.names()))

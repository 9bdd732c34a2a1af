"""Duplicates by the format's key: across months, files, two imports at once, and two exports of one switch."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from domain.usecases.put_source import PutSource, put_source
from tests.intake import sessions as of
from tests.intake import world as made

FIXED = "46850000000"


def call(place: int, days: int, *, seconds: int = 60) -> str:
    start = made.FIRST + timedelta(days=days, seconds=place)
    return made.row(place, a=made.number(0), b=FIXED, start=start, seconds=seconds)


async def test_an_export_that_slides_over_months_counts_each_record_once(wiring, world, load):
    days = [-40, -10, 0, 20, 40]  # January to April: partitions of their own
    first = await load(made.lines(*(call(n, day) for n, day in enumerate(days))))
    rest = [call(n, day) for n, day in enumerate(days)]
    second = await load(made.lines(*rest[2:], call(9, 50), rest[0]), name="2.csv")
    assert (first.file.rated, second.file.rated, second.file.duplicates) == (5, 1, 4)
    changed = await load(made.lines(call(1, -10, seconds=90)), name="3.csv")
    assert (changed.file.rejects, changed.reasons) == (1, {"conflicting_duplicate": 1})
    again = await load(made.lines(call(7, 3), call(7, 3), call(7, 3, seconds=61)), name="4.csv")
    assert (again.file.rated, again.file.duplicates, again.file.rejects) == (1, 1, 1)
    await of.check_balances(wiring, world)


async def test_two_imports_of_overlapping_files_at_once_charge_each_record_once(stored):
    world = await made.with_source(stored, "overlap")
    files = [made.calls(120), made.calls(120, first=60), made.calls(120, first=30)]
    done = await asyncio.gather(
        *(made.load(stored, world, data, name=f"{n}.csv", records_per_chunk=20) for n, data in enumerate(files))
    )
    assert sum(one.file.rated + one.file.unrated for one in done) == 180
    assert sum(one.file.duplicates for one in done) == 180
    await of.check_balances(stored, world)


async def test_two_exports_of_one_switch_are_told_apart_by_their_records(wiring, world):
    text = made.PROFILE.replace("[map]\n", '[map]\nsource = "=switch-1"\n')
    for name in ("by-day", "by-hour"):
        profile = text.replace("asterisk-prov", name)
        await put_source(
            PutSource(name=name, profile=profile), actor=world.actor, begin=wiring.begin, formats=wiring.formats
        )

    async def load(data: bytes, source: str, **more: Any) -> Any:
        return (await made.load(wiring, world, data, source=source, **more)).file

    day = await load(made.calls(20), "by-day")
    hour = await load(made.calls(12, first=12), "by-hour", name="12.csv")
    assert (day.rated + day.unrated, hour.duplicates, hour.rated + hour.unrated) == (20, 8, 4)
    back = await load(made.calls(30), "by-day", name="again.csv")
    assert back.duplicates == 24
    other = await load(made.calls(5, first=4), "pbx", name="other.csv")  # another switch altogether
    assert (other.duplicates, other.rated + other.unrated) == (0, 5)
    await of.check_balances(wiring, world)

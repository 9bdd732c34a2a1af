"""Real files beside the checkout go the whole way: what is mediated of them is what the database holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.cli.mediate import lines
from domain.mediation.duplicates import Seen
from domain.mediation.events import Balance
from domain.ports.page import PageRequest
from domain.usecases.put_source import PutSource, put_source
from tests.intake import world as made
from tests.mediation.test_expected import profile_for, read

pytestmark = pytest.mark.shared

SAMPLES = [
    "asterisk_csv/Master.csv",
    "asterisk_csv/freepbx_export_dmy.csv",
    "freeswitch_csv/cdr_pusher_sqlite_rows.csv",
]


async def held(wiring, world):
    found, after = [], None
    while True:
        async with wiring.begin(world.actor) as unit:
            page = await unit.suspense.page(PageRequest(first=1000, after=after))
        found += page.items
        if not page.more:
            return found
        after = page.items[-1].id


async def source(wiring, world, sample):
    cmd = PutSource(name="sample", profile=profile_for(sample))
    await put_source(cmd, actor=world.actor, begin=wiring.begin, formats=wiring.formats)


@pytest.mark.parametrize("sample", SAMPLES)
async def test_a_sample_is_held_as_it_was_mediated(wiring, world, shared, sample):
    await source(wiring, world, sample)
    data = (shared / "data" / "cdr" / sample).read_bytes()
    done = await made.load(wiring, world, data, name=Path(sample).name, source="sample", records_per_chunk=50)
    events, rejects, balance = read(shared, sample)
    file = done.file
    assert done.balance == balance
    assert file.rated == 0  # nobody here has these numbers
    waiting = await held(wiring, world)
    texts = sorted(json.dumps(one.event, sort_keys=True) for one in waiting if one.kind == "unrated")
    assert texts == sorted(json.dumps(json.loads(line), sort_keys=True) for line in lines(events).splitlines())
    bad = sorted((one.record, one.reason, one.raw.strip()) for one in waiting if one.kind == "reject")
    assert bad == sorted((row["raw_line"], row["reason"], row["raw"].strip()) for row in rejects.to_dicts())
    content = data.decode("utf-8", "surrogateescape").encode("utf-8", "surrogateescape")
    for one in waiting:
        assert one.byte_offset < len(content)
        assert one.raw.strip()


async def test_sliding_exports_count_each_record_once(wiring, world, shared):
    names = ["asterisk_csv/cdr__1504525205.csv", "asterisk_csv/cdr__1504541678.csv"]
    await source(wiring, world, names[0])
    passed, balance = Seen(), Balance()
    for name in names:
        data = (shared / "data" / "cdr" / name).read_bytes()
        balance += (await made.load(wiring, world, data, name=Path(name).name, source="sample", passed=passed)).balance
    assert balance.events + sum(balance.ignored.values()) - 2 == 111  # each begins with the names
    assert balance.duplicates == 89
    assert balance.records - 2 == 200

from __future__ import annotations

import polars as pl
import pytest

from tests.mediation.running import batches, run, together
from tests.mediation.samples import FILES


@pytest.mark.parametrize("name", FILES)
def test_each_format_gives_its_events(name: str) -> None:
    profile, data, count, used = FILES[name]
    events, rejects, balance = run(profile, data)
    assert rejects.to_dicts() == []
    assert (events.height, events["used"].sum()) == (count, used)
    assert balance.records >= count


@pytest.mark.parametrize("name", FILES)
def test_the_size_of_blocks_and_batches_changes_nothing(name: str) -> None:
    profile, data, _, _ = FILES[name]
    events, rejects, balance = run(profile, data)
    for block, size in ((1, 50_000), (7, 1), (64, 2)):
        again, rejects_again, balance_again = run(profile, data, block=block, records_per_batch=size)
        assert again.sort("raw_line").equals(events.sort("raw_line"))
        assert rejects_again.equals(rejects)
        assert balance_again == balance


@pytest.mark.parametrize("name", FILES)
def test_a_restart_continues_where_a_batch_ended(name: str) -> None:
    profile, data, _, _ = FILES[name]
    whole = batches(profile, data, records_per_batch=1)
    for stop in range(len(whole)):
        rest = batches(profile, data, records_per_batch=1, start_at=whole[stop].position)
        before, after = whole[: stop + 1], rest
        if not after and whole[stop].position < whole[-1].position:
            pytest.fail("the rest is missing")
        events, _, _ = together([*before, *after])
        assert events.equals(together(whole)[0]), stop


@pytest.mark.parametrize("name", FILES)
def test_where_an_event_was_written_is_told(name: str) -> None:
    profile, data, _, _ = FILES[name]
    for batch in batches(profile, data):
        offsets, raws = batch.written(pl.Series(range(batch.events.height), dtype=pl.UInt32))
        assert len(offsets) == len(raws) == batch.events.height
        assert all(0 <= offset < len(data) for offset in offsets)
        assert all(raws)

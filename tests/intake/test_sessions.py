"""Sessions across files: the same result however their records are split into files and in whatever order."""

from __future__ import annotations

import asyncio
import itertools
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.settings import Settings
from api.wiring import Wiring, in_memory
from tests.intake import sessions as of
from tests.intake import world as made

CODES = itertools.count(1)
NAMES = list(of.RECORDS)


async def taken_in(
    wiring: Wiring, profile: str, files: list[bytes], *, records_per_chunk: int = 50_000
) -> tuple[list[tuple[Any, ...]], made.World]:
    world = await made.make(wiring.begin, f"ses{next(CODES)}")
    await of.source(wiring, world, profile)
    for number, data in enumerate(files):
        done = await of.load(wiring, world, data, f"{number}.cdr", records_per_chunk=records_per_chunk)
        assert done.balance.events == done.rated + done.unrated
        done.balance.check()
        await of.check_balances(wiring, world, waiting=True)
    await of.sweep(wiring, world)
    await of.check_balances(wiring, world)
    return await of.outcome(wiring, world), world


def memory(folder: str) -> Wiring:
    return in_memory(Settings(data_dir=Path(folder)), clock=made.FixedClock())


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=12)
@given(data=st.data())
def test_the_result_is_the_same_however_records_are_split_and_ordered(name: str, data: st.DataObject) -> None:
    profile, records = of.RECORDS[name]
    order = data.draw(st.permutations(range(len(records))))
    cuts = data.draw(st.lists(st.integers(1, len(records) - 1), max_size=4))
    again = data.draw(st.lists(st.integers(0, len(records) - 1), max_size=2))
    chunk = data.draw(st.sampled_from([1, 2, 50_000]))

    async def both() -> None:
        with tempfile.TemporaryDirectory() as folder:
            whole, _ = await taken_in(memory(folder), profile, [b"".join(records)])
        with tempfile.TemporaryDirectory() as folder:
            files = [*of.cut(records, order, cuts), *(records[place] for place in again)]
            split, _ = await taken_in(memory(folder), profile, list(dict.fromkeys(files)), records_per_chunk=chunk)
        assert split == whole

    asyncio.run(both())


@pytest.mark.parametrize("name", NAMES)
async def test_the_result_is_the_same_in_postgresql(stored: Wiring, name: str) -> None:
    profile, records = of.RECORDS[name]
    whole, _ = await taken_in(stored, profile, [b"".join(records)])
    draw = random.Random(name)
    for _ in range(2):
        order = draw.sample(range(len(records)), len(records))
        cuts = [draw.randrange(1, len(records)) for _ in range(3)]
        split, _ = await taken_in(stored, profile, of.cut(records, order, cuts), records_per_chunk=draw.choice([1, 9]))
        assert split == whole, (order, cuts)

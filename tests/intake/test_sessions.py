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

from api.jobs import HANDLERS
from api.settings import Settings
from api.wiring import Wiring, in_memory
from domain.ports.page import PageRequest
from persistence.sessions import SessionStore
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


async def test_an_end_that_is_sent_again_is_charged_once(wiring: Wiring) -> None:
    profile, records = of.RECORDS["radius-sent-again"]
    told, _ = await taken_in(wiring, profile, records)
    assert len(told) == 2


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


async def test_two_imports_at_once_join_their_parts(stored: Wiring) -> None:
    """One file has every beginning, the other every end; neither waits for the other to be in."""
    world = await made.make(stored.begin, f"ses{next(CODES)}")
    await of.source(stored, world, "opensips")
    calls = [f"c{n}" for n in range(40)]
    files = {
        "begins.log": b"".join(of.sip("INVITE", of.FIRST + n, call=one) for n, one in enumerate(calls)),
        "ends.log": b"".join(of.sip("BYE", of.FIRST + n + 60, call=one) for n, one in enumerate(calls)),
    }
    done = await asyncio.gather(
        *(of.load(stored, world, data, name, records_per_chunk=5) for name, data in files.items())
    )
    assert sum(one.rated for one in done) == 40
    assert sum(one.balance.pending for one in done) == 0
    found = await of.outcome(stored, world)
    assert [(one[0], one[4]) for one in found] == [("rated", 60)] * 40
    await of.check_balances(stored, world)


async def test_what_a_crash_interrupts_leaves_no_half_session(stored: Wiring, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chunk, its sessions and the counts of every file are one transaction."""
    profile, records = of.RECORDS["radius-voice"]
    whole, _ = await taken_in(stored, profile, [b"".join(records)])
    world = await made.make(stored.begin, f"ses{next(CODES)}")
    await of.source(stored, world, profile)
    keep, calls = SessionStore.keep, itertools.count(1)

    async def failing(self: SessionStore, *arguments: Any) -> None:
        await keep(self, *arguments)
        if next(calls) % 3 == 0:
            raise RuntimeError("crash")

    monkeypatch.setattr(SessionStore, "keep", failing)
    draw = random.Random(7)
    files = of.cut(records, draw.sample(range(len(records)), len(records)), [3])
    for number, data in enumerate(files):
        for _ in range(20):
            try:
                await of.load(stored, world, data, f"{number}.cdr", records_per_chunk=1)
                break
            except RuntimeError:
                await of.check_balances(stored, world, waiting=True, importing=True)
    monkeypatch.setattr(SessionStore, "keep", keep)
    await of.sweep(stored, world)
    await of.check_balances(stored, world)
    assert await of.outcome(stored, world) == whole


async def test_a_job_is_promised_that_tells_of_sessions_when_their_time_is_out(stored: Wiring) -> None:
    world = await made.make(stored.begin, f"ses{next(CODES)}")
    await of.source(stored, world, "opensips")
    await of.load(stored, world, of.sip("INVITE", of.FIRST + 5), "1.log")
    await of.load(stored, world, of.sip("INVITE", of.FIRST + 6, call="c2"), "2.log")
    async with stored.begin(world.actor) as unit:
        jobs = [job for job in (await unit.jobs.page(PageRequest())).items if job.kind == "sweep_sessions"]
    assert [(job.payload, job.run_at > made.NOW) for job in jobs] == [({"source": "switch"}, True)]
    early = await of.sweep(stored, world, made.NOW)
    assert (early.events, early.rejects) == (0, 0)
    handler = HANDLERS["sweep_sessions"]
    told = await handler(of.with_clock(stored, of.LATER), world.actor, jobs[0])
    assert told == {"events": 2, "rejects": 0, "forgotten": 0}
    found = await of.outcome(stored, world)
    assert [(one[4], one[-1]) for one in found] == [(0, ("incomplete",))] * 2


async def test_finished_sessions_are_forgotten_in_time(wiring: Wiring) -> None:
    world = await made.make(wiring.begin, f"ses{next(CODES)}")
    await of.source(wiring, world, "opensips")
    both = of.sip("INVITE", of.FIRST + 5) + of.sip("BYE", of.FIRST + 65)
    await of.load(wiring, world, both, "1.log")
    assert (await of.sweep(wiring, world)).forgotten == 1
    again = await of.load(wiring, world, both + b"\n", "again.log")  # the whole call is known by its key
    assert (again.file.duplicates, again.file.events) == (1, 0)
    await of.check_balances(wiring, world)


async def test_a_restart_in_a_later_file_ends_the_sessions_of_its_device(wiring: Wiring) -> None:
    world = await made.make(wiring.begin, f"ses{next(CODES)}")
    await of.source(wiring, world, "radius-voice")
    on = "Mon Mar  2 12:00:00 2026\n\tAcct-Status-Type = Accounting-On\n\tNAS-IP-Address = %s\n"
    on += f"\tTimestamp = {of.FIRST + 100}\n\n"
    first = await of.load(wiring, world, of.radius("Start", of.FIRST, 0, 0), "1.detail")
    await of.load(wiring, world, (on % "192.0.2.9").encode(), "2.detail")
    assert await of.outcome(wiring, world) == []
    assert first.file.pending == 1
    restart = await of.load(wiring, world, (on % "192.0.2.1").encode(), "3.detail")
    assert dict(restart.file.ignored) == {"control": 1}
    (cut,) = await of.outcome(wiring, world)
    assert (cut[0], cut[4], cut[-1]) == ("rated", 0, ("incomplete",))
    await of.check_balances(wiring, world)
    await of.load(wiring, world, of.radius("Stop", of.FIRST + 400, 395, 0), "4.detail")
    (whole,) = await of.outcome(wiring, world)
    assert (whole[0], whole[4], whole[-1]) == ("rated", 395, ())
    await of.check_balances(wiring, world)

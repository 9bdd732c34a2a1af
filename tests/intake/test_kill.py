"""SIGKILL the importing process at seeded moments and start it again: nothing lost, nothing doubled.

``make prove`` runs more of them, as does ``KILL_SEEDS=200 pytest tests/intake/test_kill.py``.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from api.settings import Settings
from api.wiring import on_database
from domain.mediation.files import FileState
from domain.ports.page import PageRequest
from domain.ports.usage import UsageFilter
from persistence.engine import Database
from tests.intake import world as made

SEEDS = int(os.environ.get("KILL_SEEDS", "1"))
KILLS_MAX = 4
CHUNKS = 40  # fewer than there are
ROOT = Path(__file__).parents[2]
HELD = 4711
HOLD = """
create function hold() returns trigger language plpgsql as $$ begin
    if (select count(*) from chunk) > {chunks} then perform pg_advisory_xact_lock_shared({held}); end if;
    return null;
end $$;
create trigger hold after insert on chunk for each row execute function hold()
"""
WAITING = "select count(*) > 0 from pg_locks where locktype = 'advisory' and objid = $1 and not granted"
ALL = UsageFilter(since=made.FIRST - timedelta(days=1), until=made.FIRST + timedelta(days=40))


def write_files(folder: Path) -> None:
    bad = made.lines(made.row(5000, a="46799999999", b="46850000000")) + b"rubbish\n"
    (folder / "1.csv").write_bytes(made.calls(900) + bad)
    (folder / "2.csv").write_bytes(made.calls(900, first=600))


def start(url: str, operator: int, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.intake.importing", url, str(operator), str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def run_to_end(child: subprocess.Popen[bytes]) -> None:
    """Wait for the child to end by itself."""
    _, said = child.communicate(timeout=600)
    assert child.returncode == 0, said.decode()


async def kill_after(
    child: subprocess.Popen[bytes], connection: asyncpg.Connection, chunks: int, seconds: float
) -> None:
    """Kill the child some time after so many chunks are committed, unless it has ended by then."""
    while child.poll() is None:
        if await connection.fetchval("select count(*) from chunk") >= chunks:
            await asyncio.sleep(seconds)
            break
        await asyncio.sleep(0.002)
    child.kill()
    child.communicate()


async def kill_within(child: subprocess.Popen[bytes], connection: asyncpg.Connection, chunks: int) -> None:
    """Kill the child in the middle of the transaction that follows so many chunks: it waits there, however slow we are.

    Its writes are made and not committed; the lock that it waits for is ours.
    """
    await connection.execute("select pg_advisory_lock($1)", HELD)
    await connection.execute(HOLD.format(chunks=chunks, held=HELD))
    while not await connection.fetchval(WAITING, HELD):
        assert child.poll() is None, child.communicate()[1].decode()
        await asyncio.sleep(0.01)
    child.kill()
    child.communicate()
    await connection.execute("select pg_advisory_unlock($1)", HELD)
    await connection.execute("drop trigger hold on chunk")


async def prepare(url: str, folder: Path) -> int:
    folder.mkdir()
    write_files(folder)
    async with await Database.open(url) as database:
        wiring = on_database(database, Settings(data_dir=folder), clock=made.FixedClock())
        return (await made.with_source(wiring, "prov")).operator


async def books(url: str, operator: int, folder: Path) -> dict[str, object]:
    async with await Database.open(url) as database:
        wiring = on_database(database, Settings(data_dir=folder), clock=made.FixedClock())
        async with wiring.begin(made.system(operator, "test")) as unit:
            events, after = [], None
            while True:
                page, more = await unit.usage.page(ALL, first=1000, after=after)
                events += [replace(one, chunk=0, file=0, record=0) for one in page]
                if not more:
                    break
                after = page[-1].ref
            held = (await unit.suspense.page(PageRequest(first=1000))).items
            files = (await unit.files.page(PageRequest())).items
    assert all(file.state is FileState.DONE and file.balances() for file in files)
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetchval("select count(*) from usage")
        chunks = await connection.fetch("select file, sum(rated) as rated, count(*) as chunks from chunk group by file")
    finally:
        await connection.close()
    assert rows == len(events)
    told = {file.id: (file.rated, file.chunks) for file in files}
    assert {row["file"]: (row["rated"], row["chunks"]) for row in chunks} == told
    return {
        "events": events,
        "held": sorted((one.reason, one.raw) for one in held),
        "records": sum(file.records for file in files),
        "rated": sum(file.rated for file in files),
        "duplicates": sum(file.duplicates for file in files),
        "retail": sum(one.retail.amount.value for one in events),
    }


@pytest.mark.slow
async def test_killed_at_any_moment_it_ends_the_same(cluster, tmp_path):
    url = await cluster.create()
    operator = await prepare(url, tmp_path / "undisturbed")
    run_to_end(start(url, operator, tmp_path / "undisturbed"))
    expected = await books(url, operator, tmp_path / "undisturbed")
    assert (expected["rated"], expected["duplicates"], len(expected["held"])) == (1500, 300, 2)
    await cluster.drop(url)
    for seed in range(SEEDS):
        print(f"seed {seed}")  # noqa: T201  (shown when it fails)
        draw = random.Random(seed)
        folder = tmp_path / f"seed-{seed}"
        url = await cluster.create()
        operator = await prepare(url, folder)
        connection = await asyncpg.connect(url)
        first, *others = sorted(draw.randrange(CHUNKS) for _ in range(draw.randint(1, KILLS_MAX)))
        await kill_within(start(url, operator, folder), connection, first)
        for moment in others:
            await kill_after(start(url, operator, folder), connection, moment, draw.uniform(0.0, 0.01))
        await connection.close()
        run_to_end(start(url, operator, folder))
        assert await books(url, operator, folder) == expected
        await cluster.drop(url)

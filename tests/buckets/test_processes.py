"""Several processes at one bucket at once, and killed ones: never more is drawn than there is (attack B1)."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from pathlib import Path

from api.settings import Settings
from api.wiring import on_database
from persistence.engine import Database
from tests.buckets import made as own
from tests.intake import world as made

PROCESSES = 3
RUNS = int(os.environ.get("KILL_SEEDS", "1"))
ROOT = Path(__file__).parents[2]


def start(url: str, operator: int, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.buckets.importing", url, str(operator), str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


async def test_fifty_events_from_three_processes_take_ten(database_url, tmp_path):
    for run in range(RUNS):
        async with await Database.open(database_url) as database:
            wiring = on_database(database, Settings(data_dir=tmp_path / "own"), clock=made.FixedClock())
            world = await made.with_source(wiring, f"b1{run}")
            owner = f"customer:{world.customers[0]}"
            await own.publish(wiring, world, buckets=[own.bucket("b", owner, "10")])
            folders = []
            for number in range(PROCESSES):
                folder = tmp_path / f"{run}-{number}"
                folder.mkdir()
                folders.append(folder)
            for place in range(50):
                line = made.lines(made.row(place, a=made.number(0), b="46850000000", seconds=1))
                (folders[place % PROCESSES] / f"{place}.csv").write_bytes(line)
            children = [start(database_url, world.operator, folder) for folder in folders]
            # One is killed on its way, at a moment that the seed of the run tells, and started again.
            await asyncio.sleep(4 + random.Random(run).random() * 4)
            children[0].kill()
            children[0].communicate()
            children[0] = start(database_url, world.operator, folders[0])
            for child in children:
                _, said = await asyncio.to_thread(child.communicate)
                assert child.returncode == 0, said.decode()
            found = [own.micro(one) for one in await own.events(wiring, world)]
            assert sorted(found) == [0] * 10 + [10_000] * 40
            assert await own.balances(wiring, world) == {("b", owner): 10}
            await own.settle(wiring, world)
            assert [own.micro(one) for one in await own.events(wiring, world)] == [0] * 10 + [10_000] * 40

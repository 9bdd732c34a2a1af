"""Workers killed (SIGKILL) while they ask the network: every order comes to its end, and nothing is done twice."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

from domain.contracts.subscription import SubscriptionState
from domain.provisioning.order import OrderKind, OrderState
from tests.provisioning.conftest import Grid, Simulate

CHECKOUT = Path(__file__).resolve().parents[2]
ORDERS = 8


async def killed_after(seconds: float, grid: Grid) -> None:
    settings, database = grid.wiring.settings, grid.wiring.database
    assert database is not None
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.provisioning.working", database.url, str(settings.data_dir), settings.address),
        cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    await asyncio.sleep(seconds)
    process.kill()
    await process.wait()


async def test_killed_workers_leave_no_order_behind(grid: Grid, simulate: Simulate) -> None:
    dice = random.Random(1)
    first, second = await simulate(slow=0.4, seed=2), await simulate(slow=0.4, later=0.5, twice=0.5, seed=3)
    patient = {"requestSeconds": 1, "retrySeconds": 1, "answerSeconds": 5, "triesMax": 20}
    await grid.put(first.document("rest") | patient | {"name": "a", "position": 1})
    await grid.put(second.document("soap") | patient | {"name": "b", "position": 2})
    lines = [await grid.line() for _ in range(ORDERS)]
    orders = [await grid.place(line, OrderKind.ACTIVATE) for line in lines]
    asked = 0
    for _ in range(3):
        await killed_after(0.2 + 1.5 * dice.random(), grid)
        asked = len(first.element.log) + len(second.element.log)
    assert asked, "no worker ever came to ask"
    states = {(await grid.get(one.id)).state for one in orders}
    assert states != {OrderState.CONFIRMED}, "nothing was left to be taken up"
    done = await grid.finish(*(one.id for one in orders), seconds=3)
    assert {one.state for one in done} == {OrderState.CONFIRMED}, [(one.state, one.fault) for one in done]
    for line in lines:
        assert (await grid.now(line)).state is SubscriptionState.ACTIVE
        for network in (first, second):
            assert network.element.lines[str(line.id)].changes == 1

"""Polls killed (SIGKILL) at random, seeded moments lose and double nothing; KILL_SEEDS / 4 of them, two at least."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path

import pytest

from api.settings import Settings
from api.wiring import on_database
from domain.feeds.feed import Rules
from domain.mediation.files import FileState
from domain.ports.page import PageRequest
from domain.usecases.put_feed import PutFeed, put_feed
from persistence.engine import OWNER, Database
from tests.feeds.conftest import Switch
from tests.intake import world as made

SEEDS = max(2, int(os.environ.get("KILL_SEEDS", "0")) // 4)
FILES, ROWS = 6, 400
CHECKOUT = Path(__file__).resolve().parents[2]


async def killed_after(seconds: float | None, url: str, operator: int, data: Path) -> bool:
    """Poll in a process of its own, killed after so long; tell whether it ended by itself."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.feeds.polling", url, str(operator), str(data), cwd=CHECKOUT
    )
    try:
        code = await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        process.kill()
        await process.wait()
        return False
    assert code == 0
    return True


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SEEDS))
async def test_killed_polls_take_every_file_once(seed: int, database_url: str, tmp_path: Path) -> None:
    async with await Database.open(database_url) as database:
        wiring = on_database(database, Settings(data_dir=tmp_path))
        world = await made.with_source(wiring, "kill")
        folder = tmp_path / "inbox" / str(world.operator) / "pbx"
        folder.mkdir(parents=True)
        await put_feed(
            PutFeed(name="pbx", source="pbx", address=f"folder://{folder}", rules=Rules(stable_seconds=0)),
            actor=world.actor,
            begin=wiring.begin,
            clock=wiring.clock,
            formats=wiring.formats,
            transports=wiring.transports,
            vault=wiring.vault,
        )
        # Each file overlaps the one before it by half.
        for place in range(FILES):
            (folder / f"{place}.csv").write_bytes(made.calls(ROWS, first=place * ROWS // 2))
        events = ROWS + (FILES - 1) * ROWS // 2
        chance = random.Random(seed)
        kills = 0
        while not await killed_after(
            chance.uniform(1.5, 5.0) if kills < 5 else None, database_url, world.operator, tmp_path
        ):
            kills += 1
        async with wiring.begin(world.actor) as unit:
            files = (await unit.files.page(PageRequest(100))).items
        async with database.transaction(role=OWNER) as unit:
            stored = await unit.connection.fetchval(
                "select (select count(*) from usage) + (select count(*) from suspense)"
            )
        assert stored == events, (seed, kills)
        assert sum(file.rated + file.unrated for file in files) == events
        assert len(files) == FILES
        assert {file.state for file in files} == {FileState.DONE}
        assert all(file.balances() for file in files)
        assert {path.name for path in (folder / "done").iterdir()} == {f"{place}.csv" for place in range(FILES)}
        assert Switch(wiring, world, folder, wiring.clock).there() == {f"done/{place}.csv" for place in range(FILES)}  # type: ignore[arg-type]  # its clock is not asked

"""A process that polls the feed ``pbx`` until its folder is empty, to be killed: URL, operator, data directory."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from api.feeding import poll
from api.settings import Settings
from api.wiring import on_database
from domain.access.actor import system
from domain.ids import OperatorId
from persistence.engine import Database


async def main(url: str, operator: int, data: Path) -> None:
    async with await Database.open(url) as database:
        wiring = on_database(database, Settings(data_dir=data))
        # By one name, as a job of the queue has one: whoever gets it goes on.
        while (await poll(wiring, system(OperatorId(operator)), "pbx", by="job 1")).found:
            pass


asyncio.run(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))

"""A worker with a scheduler in a process of its own, for tests that kill it: URL of the database, data directory."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from api.feeding import Scheduler
from api.jobs import HANDLERS
from api.settings import Settings
from api.wiring import on_database
from api.worker import Worker
from persistence.engine import Database


async def work(url: str, data: Path, address: str) -> None:
    async with await Database.open(url) as database:
        settings = Settings(data_dir=data, public_url=address, transport_networks="127.0.0.0/8")
        wiring = on_database(database, settings)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            await Scheduler(wiring).look()
            await Worker(wiring, jobs=4, handlers=HANDLERS).run(until_idle=True)
            await asyncio.sleep(0.2)


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))

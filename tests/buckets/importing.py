"""A child process of ``test_processes``: imports its files one by one."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from api.settings import Settings
from api.wiring import on_database
from domain.access.actor import system
from domain.ids import OperatorId
from domain.usecases.import_cdr import ImportCdr, import_cdr
from persistence.engine import Database
from tests.intake import world as made


async def run(url: str, operator: int, folder: Path) -> None:
    async with await Database.open(url) as database:
        wiring = on_database(database, Settings(data_dir=folder), clock=made.FixedClock())
        for path in sorted(folder.glob("*.csv")):
            await import_cdr(
                ImportCdr(source="pbx", name=path.name, content=made.content(path.read_bytes()), size_max=1 << 30),
                actor=system(OperatorId(operator), "worker"),
                begin=wiring.begin,
                clock=wiring.clock,
                blobs=wiring.blobs,
                formats=wiring.formats,
                raters=wiring.raters,
            )


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))

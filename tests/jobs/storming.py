"""Workers for ``test_storm``: loaded once, and then born in a moment, because they are killed so often.

    python -m tests.jobs.storming        reads "start URL FOLDER KEPT" and "reap PID", answers each with a line

A worker that is forked before anything has run is a worker like another; it imports in chunks of forty records.
KEPT says where the bytes of files are: folder or database.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Mapping
from pathlib import Path

from api.settings import Settings
from api.wiring import Wiring, on_database
from api.worker import Worker
from domain.access.actor import Actor
from domain.ids import FileId
from domain.jobs.job import Job
from domain.usecases import take_cdr
from domain.usecases.import_cdr import import_file
from persistence.engine import Database, DatabaseAway

RECORDS_PER_CHUNK = 40
JOBS = 2


async def imported(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
    done = await import_file(
        FileId(int(str(job.payload["file"]))),
        actor=actor,
        begin=wiring.begin,
        clock=wiring.clock,
        blobs=wiring.blobs,
        formats=wiring.formats,
        raters=wiring.raters,
        records_per_chunk=RECORDS_PER_CHUNK,
    )
    return {"state": done.file.state.value}


async def work(url: str, folder: Path, kept: str) -> None:
    while True:
        try:
            database = await Database.open(url)
            break
        except DatabaseAway:
            await asyncio.sleep(0.05)
    async with database:
        wiring = on_database(database, Settings(data_dir=folder, files_in=kept))
        await Worker(wiring, jobs=JOBS, handlers={take_cdr.KIND: imported}).run()


def born(url: str, folder: Path, kept: str) -> int:
    """Fork a worker and return its process id."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads that libraries have at rest
        child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
        logging.getLogger("asyncpg").setLevel(logging.CRITICAL)  # it complains of a database that is away, at length
        asyncio.run(work(url, folder, kept))
        status = 0
    except BaseException:  # noqa: BLE001  (the process ends here, whatever it was)
        traceback.print_exc()
    finally:
        os._exit(status)


def main() -> None:
    print("ready", flush=True)  # noqa: T201  (the answer)
    for line in sys.stdin:
        verb, *rest = line.split()
        if verb == "start":
            print(born(rest[0], Path(rest[1]), rest[2]), flush=True)  # noqa: T201  (the answer)
        else:
            _, status = os.waitpid(int(rest[0]), 0)
            print(status, flush=True)  # noqa: T201  (the answer)


if __name__ == "__main__":
    main()

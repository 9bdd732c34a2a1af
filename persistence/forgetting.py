"""The bytes of files that nobody needs any more are let go, in the database and in this machine's folder.

A file's bytes are needed while it is imported or waits for that, for some days after, and as long as a record of it is
in suspense, since that may be read again. What no file names (an archive whose parts were taken) goes after as many
days.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from persistence.engine import INGEST, Database

AT_ONCE: Final = 100
STATEMENT_SECONDS: Final = 600.0
DAY_SECONDS: Final = 86_400
_NEEDED: Final = """(f.finished_at is null or f.finished_at > now() - make_interval(days => $2)
    or exists (select from suspense s where s.operator = f.operator and s.file = f.id and s.resolved_at is null))"""
# Asked in every operator, since the index of contents begins with it.
_NAMED: Final = "cdr_file f join operator o on f.operator = o.id"
_STORED: Final = f"""delete from stored_file where sha256 in (select sha256 from stored_file c
    where kept_at < now() - make_interval(days => $2) and not exists
    (select from {_NAMED} where f.sha256 = c.sha256 and {_NEEDED}) order by kept_at limit $1)
    and kept_at < now() - make_interval(days => $2)"""  # noqa: S608  (our own words)
_OF_THESE: Final = f"select distinct f.sha256 from {_NAMED} where f.sha256 = any($1) and {_NEEDED}"  # noqa: S608  (our own words)


async def forget_files(database: Database, folder: Path, days: int) -> int:
    """Let go what is not needed ``days`` days after it was imported. Return how many contents went."""
    gone = 0
    while True:
        async with database.transaction(role=INGEST, statement_seconds=STATEMENT_SECONDS) as transaction:
            said = await transaction.connection.execute(_STORED, AT_ONCE, days)
        count = int(said.split()[-1])
        gone += count
        if count < AT_ONCE:
            break
    before = time.time() - days * DAY_SECONDS
    places = await asyncio.to_thread(lambda: list(_old(folder, before)))
    for first in range(0, len(places), AT_ONCE):
        some = {bytes.fromhex(path.parent.name + path.name): path for path in places[first : first + AT_ONCE]}
        async with database.transaction(role=INGEST, readonly=True) as transaction:
            rows = await transaction.connection.fetch(_OF_THESE, list(some), days)
        for row in rows:
            del some[row["sha256"]]
        for path in some.values():
            # Touched meanwhile: it came again.
            if path.stat().st_mtime < before:
                path.unlink(missing_ok=True)
                gone += 1
    return gone


def _old(folder: Path, before: float) -> Iterator[Path]:
    """Yield the contents of a folder that were kept last before a moment."""
    for path in folder.glob("??/*"):
        name = path.parent.name + path.name
        if len(name) == 64 and not set(name) - set("0123456789abcdef") and path.stat().st_mtime < before:
            yield path

"""The bytes of files in the database: a worker on another machine imports what was uploaded here."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from api.settings import Settings
from api.wiring import Wiring, on_database
from api.worker import Worker
from domain.mediation.files import FileState
from domain.mediation.suspense import SuspenseFilter
from domain.ports.page import PageRequest
from domain.refusal import LimitExceeded, NotFound
from domain.usecases.work_suspense import ReleaseSuspense, release_suspense
from persistence.away import DatabaseAway
from persistence.blobs import FileBlobs
from persistence.engine import OWNER, Database
from persistence.forgetting import forget_files
from persistence.stored_blobs import PIECE_BYTES, StoredBlobs
from tests.intake import world as made
from tests.jobs.test_worker import files_of, take


def machine(database: Database, folder: Path) -> Wiring:
    settings = Settings(data_dir=folder, database_url=database.url)
    return replace(on_database(database, settings), clock=made.FixedClock())


def there(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def rows(database: Database, question: str, *values: object) -> Any:
    async with database.transaction(role=OWNER) as transaction:
        return await transaction.connection.fetchval(question, *values)


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES, 9 * PIECE_BYTES + 5])
async def test_bytes_come_back_on_another_machine(database: Database, tmp_path: Path, size: int) -> None:
    here, elsewhere = StoredBlobs(database, tmp_path / "a"), StoredBlobs(database, tmp_path / "b")
    data = os.urandom(size)
    both = await asyncio.gather(*(here.keep(made.content(data), size_max=size) for _ in range(2)))
    assert {one.sha256 for one in both} == {hashlib.sha256(data).digest()}
    again = await elsewhere.keep(made.content(data), size_max=size)
    assert (again.size, again.new) == (size, False)
    with await elsewhere.open(again.sha256) as file:
        assert file.read() == data
    assert there(tmp_path) == [], "nothing stays in a folder"
    assert await rows(database, "select count(*) from stored_file") == 1
    with pytest.raises(NotFound):
        await here.open(bytes(32))


async def test_what_is_too_long_leaves_nothing(database: Database, tmp_path: Path) -> None:
    with pytest.raises(LimitExceeded):
        await StoredBlobs(database, tmp_path).keep(made.content(b"y" * 101), size_max=100)
    assert await rows(database, "select count(*) from stored_file") == 0


async def test_bytes_that_were_damaged_are_not_imported(database: Database, tmp_path: Path) -> None:
    blobs = StoredBlobs(database, tmp_path)
    kept = await blobs.keep(made.content(b"x" * 99), size_max=100)
    await blobs.keep(made.content(b"y" * 99), size_max=100)
    swap = "update stored_piece set content = (select content from stored_piece where sha256 <> $1) where sha256 = $1"
    await rows(database, swap, kept.sha256)
    with pytest.raises(DatabaseAway, match="damaged"):
        await blobs.open(kept.sha256)


async def test_a_piece_that_cannot_be_unpacked_is_damage_and_no_full_disk(database: Database, tmp_path: Path) -> None:
    blobs = StoredBlobs(database, tmp_path)
    kept = await blobs.keep(made.content(b"x" * 99), size_max=100)
    await rows(
        database, "update stored_piece set content = decode('00ff00ff00ff', 'hex') where sha256 = $1", kept.sha256
    )
    with pytest.raises(DatabaseAway, match="damaged"):
        await blobs.open(kept.sha256)


async def test_a_client_that_breaks_off_is_no_full_disk(database: Database, tmp_path: Path) -> None:
    async def breaks() -> AsyncIterator[bytes]:
        yield b"x"
        raise ConnectionResetError("peer")

    for blobs in (StoredBlobs(database, tmp_path / "a"), FileBlobs(tmp_path / "b")):
        with pytest.raises(ConnectionResetError, match="peer"):
            await blobs.keep(breaks(), size_max=100)
    assert there(tmp_path) == []


async def test_a_full_disk_is_told_as_one(tmp_path: Path) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(DatabaseAway, match="make room"):
            await FileBlobs(tmp_path)._received(made.content(b"x"), full, 100)
    finally:
        os.close(full)


async def test_the_applications_role_does_not_reach_them(database: Database, tmp_path: Path) -> None:
    await StoredBlobs(database, tmp_path).keep(made.content(b"x"), size_max=100)
    for table in ("stored_file", "stored_piece"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.transaction(operator=1) as transaction:
                await transaction.connection.fetch(f"select * from {table}")


async def test_a_worker_on_another_machine_imports_an_upload_and_releases_suspense(
    database: Database, tmp_path: Path
) -> None:
    here, elsewhere = machine(database, tmp_path / "a"), machine(database, tmp_path / "b")
    world = await made.with_source(here, "prov")
    await take(here, world.actor, made.calls(20) + b"rubbish\n")
    await Worker(elsewhere).run(until_idle=True)
    (file,) = await files_of(here, world.actor)
    assert (file.state, file.rated, file.rejects) == (FileState.DONE, 20, 1)
    assert there(tmp_path) == []
    async with here.begin(world.actor) as unit:
        (held,) = (await unit.suspense.page(PageRequest())).items
    done = await release_suspense(
        ReleaseSuspense(chosen=SuspenseFilter(ids=(held.id,))),
        actor=world.actor,
        begin=here.begin,
        clock=here.clock,
        blobs=here.blobs,
        formats=here.formats,
        raters=here.raters,
    )
    assert "unreadable" not in done.still, "the file was read again"
    assert done.chosen == 1


async def test_what_lay_in_the_folder_before_is_read_there(database: Database, tmp_path: Path) -> None:
    before = on_database(database, Settings(data_dir=tmp_path))
    kept = await before.blobs.keep(made.content(b"old"), size_max=10)
    with await machine(database, tmp_path).blobs.open(kept.sha256) as file:
        assert file.read() == b"old"


@pytest.mark.parametrize("stored", [True, False])
async def test_bytes_that_nobody_needs_are_let_go(database: Database, tmp_path: Path, *, stored: bool) -> None:
    wiring = machine(database, tmp_path)
    if not stored:
        wiring = replace(on_database(database, Settings(data_dir=tmp_path)), clock=made.FixedClock())
    world = await made.with_source(wiring, "prov")
    for name, data in (("whole", made.calls(5)), ("held", made.calls(5, first=50) + b"rubbish\n")):
        await take(wiring, world.actor, data, name=name)
    await Worker(wiring).run(until_idle=True)
    await take(wiring, world.actor, made.calls(5, first=90), name="waiting")
    folder = wiring.settings.files_dir

    async def age(days: int) -> None:
        if stored:
            await rows(database, "update stored_file set kept_at = now() - make_interval(days => $1)", days)
        for path in there(folder):
            os.utime(path, (time.time() - timedelta(days=days).total_seconds(),) * 2)
        await rows(
            database,
            "update cdr_file set finished_at = now() - make_interval(days => $1) where finished_at is not null",
            days,
        )

    await age(29)
    assert await forget_files(database, folder, 30) == 0
    await age(31)
    assert await forget_files(database, folder, 30) == 1
    left = {file.name for file in await files_of(wiring, world.actor) if await _can(wiring, file.sha256)}
    assert left == {"held", "waiting"}, "what is in suspense may be read again, and what waits will be"
    await Worker(wiring).run(until_idle=True)
    assert (await take(wiring, world.actor, made.calls(5), name="whole")).again is True


async def _can(wiring: Wiring, sha256: bytes) -> bool:
    try:
        (await wiring.blobs.open(sha256)).close()
    except NotFound:
        return False
    return True

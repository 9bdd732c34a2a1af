"""From one release to the next with the data kept: restart and migrate, or backup and restore."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from persistence import backup as archive
from persistence import embedded
from persistence.engine import OWNER, Database
from persistence.migrate import FOLDER, migrate, steps

NEXT = "2999_01_01_9999_next_release"


@pytest.fixture
def data() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="tollwright-upgrade-"))
    place.chmod(0o755)
    yield place / "data"
    shutil.rmtree(place)


@pytest.fixture
def next_release(tmp_path: Path) -> Path:
    """The migrations of this release, and one more."""
    folder = tmp_path / "migrations"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / f"{NEXT}.sql").write_text(
        "alter table operator add column if not exists slogan text not null default 'x'"
    )
    (folder / f"tollwright_{NEXT}.py").write_text(
        f'from persistence.migrate import sql_migration\nID, forwards = sql_migration(__file__, "{NEXT}.sql")\n'
    )
    return folder


async def put(database: Database) -> None:
    async with database.transaction(role=OWNER) as unit:
        await unit.connection.execute(
            "insert into operator (code, name, organisation_number, vat_id, street, postcode, city, country, zone,"
            " currency, language, payment_terms_days, rounds_to_krona, ocr_level)"
            " values ('kept', 'Kept AB', '5560160680', 'SE556016068001', 'Gatan 1', '11122', 'Stockholm', 'SE',"
            " 'Europe/Stockholm', 'SEK', 'sv', 30, true, 'soft')"
        )


async def slogan(database: Database) -> object:
    async with database.transaction(role=OWNER) as unit:
        return await unit.connection.fetchval("select name || ': ' || slogan from operator where code = 'kept'")


async def test_stop_update_start(data: Path, next_release: Path) -> None:
    with embedded.start(data) as server:
        async with await Database.open(server.url) as database:
            await migrate(database)
            await put(database)
    with embedded.start(data) as server:
        async with await Database.open(server.url) as database:
            assert [step.id for step in await steps(database, folder=next_release) if not step.applied] == [
                f"tollwright_{NEXT}"
            ]
            assert await migrate(database, folder=next_release) == [f"tollwright_{NEXT}"]
            assert await slogan(database) == "Kept AB: x"


async def test_a_backup_of_the_old_release_in_the_new_one(
    database: Database, empty_database_url: str, next_release: Path, tmp_path: Path
) -> None:
    await put(database)
    await archive.backup(database, tmp_path / "files", tmp_path / "old.tar", release="0.1.0")
    async with await Database.open(empty_database_url) as fresh:
        await archive.restore(fresh, tmp_path / "files", tmp_path / "old.tar")
    async with await Database.open(empty_database_url) as fresh:
        assert await migrate(fresh, folder=next_release) == [f"tollwright_{NEXT}"]
        assert await slogan(fresh) == "Kept AB: x"

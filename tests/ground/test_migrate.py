"""Migrations: from empty, from an older release, twice, two at once, and what is refused."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import asyncpg
import pytest

from persistence.engine import APP, INGEST, OWNER, Database, DatabaseAway
from persistence.migrate import FOLDER, Step, migrate, sql_migration, steps


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Three migrations of a small product. Piccolo imports them by name: each test has names of its own."""
    place = tmp_path / "migrations"
    place.mkdir()
    mark = request.node.name.replace("test_", "")
    scripts = ["create table if not exists one (id int)", "alter table one add column if not exists two int"]
    scripts.append(
        "create table if not exists three (body jsonb default '{\"braces\": [1]}'); insert into one values (1)"
    )
    for number, script in enumerate(scripts, 1):
        add(place, f"{number:04}_{mark}", script)
    return place


def add(folder: Path, name: str, script: str) -> None:
    (folder / f"{name}.sql").write_text(script)
    (folder / f"tollwright_2026_01_01_{name}.py").write_text(
        "from persistence.migrate import sql_migration\n" + f'ID, forwards = sql_migration(__file__, "{name}.sql")\n'
    )


async def scalar(database: Database, question: str) -> object:
    async with database.transaction(role=OWNER) as unit:
        return await unit.connection.fetchval(question)


async def test_from_empty_and_again(empty_database_url: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with await Database.open(empty_database_url) as database:
        assert [step.applied for step in await steps(database, folder=folder)] == [False] * 3
        applied = await migrate(database, folder=folder)
        assert len(applied) == 3
        assert await migrate(database, folder=folder) == []
        assert await scalar(database, "select count(*) from one") == 1
        assert await steps(database, folder=folder) == [Step(one, applied=True, known=True) for one in applied]
    assert capsys.readouterr().out == "", "stdout is for results"


async def test_from_the_previous_release(empty_database_url: str, folder: Path) -> None:
    async with await Database.open(empty_database_url) as database:
        every = [step.id for step in await steps(database, folder=folder)]
        assert await migrate(database, folder=folder, up_to=every[1]) == every[:2]
        async with database.transaction(role=OWNER) as unit:
            await unit.connection.execute("insert into one values (7, 8)")
        assert await migrate(database, folder=folder) == every[2:]
        assert await scalar(database, "select two from one where id = 7") == 8


async def test_two_at_once(empty_database_url: str, folder: Path) -> None:
    async with await Database.open(empty_database_url) as one, await Database.open(empty_database_url) as two:
        applied = await asyncio.gather(migrate(one, folder=folder), migrate(two, folder=folder))
        assert sorted(map(len, applied)) == [0, 3]
        assert await scalar(one, "select count(*) from one") == 1


async def test_a_failure_leaves_the_old_schema(empty_database_url: str, folder: Path) -> None:
    last = max(folder.glob("*.sql"))
    async with await Database.open(empty_database_url) as database:
        first = (await steps(database, folder=folder))[0].id
        await migrate(database, folder=folder, up_to=first)
        last.write_text("create table half (id int); select 1 / 0")
        with pytest.raises(asyncpg.DivisionByZeroError):
            await migrate(database, folder=folder)
        assert [step.applied for step in await steps(database, folder=folder)] == [True, False, False]
        assert await scalar(database, "select to_regclass('half')") is None
        last.write_text("create table whole (id int)")
        assert len(await migrate(database, folder=folder)) == 2


async def test_a_newer_release_is_not_touched(empty_database_url: str, folder: Path, tmp_path: Path) -> None:
    async with await Database.open(empty_database_url) as database:
        await migrate(database, folder=folder)
        older = tmp_path / "older"
        shutil.copytree(folder, older)
        for path in older.glob("*0003*"):
            path.unlink()
        with pytest.raises(DatabaseAway, match="newer release"):
            await migrate(database, folder=older)
        assert [step.known for step in await steps(database, folder=older)] == [True, True, False]


def test_the_name_is_checked() -> None:
    with pytest.raises(ValueError, match="is named"):
        sql_migration("first.py", "first.sql")


async def test_every_shipped_migration_may_run_again(database: Database) -> None:
    scripts = sorted(FOLDER.glob("*.sql"))
    assert len(scripts) == len(list(FOLDER.glob("tollwright_*.py"))), "a script without its module, or the reverse"
    async with database.transaction(role=OWNER) as unit:
        for script in scripts:
            await unit.connection.execute(script.read_text())


async def test_shipped_migrations_from_every_earlier_release(empty_database_url: str, cluster: object) -> None:
    del cluster
    async with await Database.open(empty_database_url) as database:
        for step in await steps(database):
            assert await migrate(database, up_to=step.id) == [step.id]
        assert await migrate(database) == []


async def test_the_roles_have_their_rights_and_no_more(database: Database) -> None:
    async with database.transaction(role=OWNER) as unit:
        rows = await unit.connection.fetch(
            "select rolname, rolsuper or rolcanlogin or rolcreaterole or rolcreatedb as strong, rolbypassrls"
            " from pg_roles where rolname like 'tollwright\\__%' order by 1"
        )
    assert [tuple(row) for row in rows] == [(APP, False, False), (INGEST, False, True)]
    for role in (APP, INGEST):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.transaction(role=role) as unit:
                await unit.connection.execute("create table stolen (id int)")


async def test_row_security_shuts_when_nothing_is_said(database: Database) -> None:
    """Every table that belongs to an operator is closed to the application role unless an operator is said."""
    async with database.transaction(role=OWNER) as unit:
        tables = await unit.connection.fetch(
            "select c.relname, c.relrowsecurity from pg_class c join pg_attribute a on a.attrelid = c.oid"
            " where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and not c.relispartition"
            " and a.attname = 'operator'"
        )
    assert tables
    assert [row["relname"] for row in tables if not row["relrowsecurity"]] == []


async def test_what_resellers_reach(database: Database) -> None:
    ask = "select app_operator(), app_reaches(5), app_reaches(6)"
    cases = [((7, None), (7, True, True)), ((7, [5]), (7, True, None)), ((7, []), (7, None, None))]
    for (operator, resellers), expected in cases:
        async with database.transaction(operator=operator, resellers=resellers) as unit:
            found = tuple(await unit.connection.fetchrow(ask))
            assert tuple(one or None for one in found) == expected
    async with database.transaction() as unit:
        assert not any(await unit.connection.fetchrow(ask))

"""The one transaction: settings, nesting, failed commits, cancellation, Piccolo inside it."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from piccolo.columns import Integer, Varchar
from piccolo.table import Table

from persistence.engine import APP, INGEST, OWNER, Database, DatabaseAway


class Note(Table):
    id = Integer(primary_key=True)
    text = Varchar()


async def make_notes(database: Database) -> None:
    async with database.transaction(role=OWNER) as unit:
        await unit.connection.execute(
            "create table note (id int primary key deferrable initially deferred, text varchar not null);"
            "grant all on note to tollwright_app, tollwright_ingest"
        )


async def count(database: Database) -> int:
    async with database.transaction() as unit:
        return await unit.connection.fetchval("select count(*) from note")


async def test_settings_hold_inside_and_not_after(database: Database) -> None:
    ask = "select current_user::text, current_setting('app.operator', true), current_setting('app.resellers', true)"
    async with database.transaction(operator=7, resellers=[1, 5]) as unit:
        assert tuple(await unit.connection.fetchrow(ask)) == ("tollwright_app", "7", "1,5")
    async with database.transaction(operator=7) as unit:
        assert tuple(await unit.connection.fetchrow(ask)) == ("tollwright_app", "7", "*")
    async with database.transaction(operator=7, resellers=[]) as unit:
        assert tuple(await unit.connection.fetchrow(ask)) == ("tollwright_app", "7", "")
    async with database.transaction(role=INGEST) as unit:
        assert tuple(await unit.connection.fetchrow(ask)) == ("tollwright_ingest", "", "")
    connection = await database.acquire()
    try:
        assert tuple(await connection.fetchrow(ask)) == ("tollwright", "", "")
    finally:
        await database.release(connection)


async def test_piccolo_and_asyncpg_share_the_transaction(database: Database) -> None:
    await make_notes(database)
    async with database.transaction() as unit:
        await Note.insert(Note(id=1, text="one"))
        assert await unit.connection.fetchval("select text from note") == "one"
        await unit.connection.execute("insert into note values (2, 'two')")
        assert await Note.count() == 2

    async def fail() -> None:
        async with database.transaction():
            await Note.insert(Note(id=3, text="three"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await count(database) == 2


async def test_piccolo_outside_a_transaction_is_refused(database: Database) -> None:
    await make_notes(database)
    with pytest.raises(RuntimeError, match="needs an open transaction"):
        await Note.count()


async def test_nesting_is_an_error_but_another_task_has_its_own(database: Database) -> None:
    await make_notes(database)

    async def own() -> int:
        return await count(database)

    async def borrowed() -> int:
        return await Note.count()

    async with database.transaction():
        with pytest.raises(RuntimeError, match="already open"):
            async with database.transaction():
                pass
        assert await asyncio.create_task(own()) == 0
        with pytest.raises(RuntimeError, match="belongs to the task"):
            await asyncio.create_task(borrowed())


async def test_failed_commits_give_the_connection_back(database_url: str) -> None:
    async with await Database.open(database_url, connections_max=2) as database:
        await make_notes(database)
        for _ in range(8):
            with pytest.raises(asyncpg.UniqueViolationError):
                async with database.transaction() as unit:
                    await unit.connection.execute("insert into note values (1, ''), (1, '')")
        assert await asyncio.wait_for(count(database), 60) == 0


async def test_cancellation_gives_the_connection_back(database_url: str) -> None:
    async with await Database.open(database_url, connections_max=1) as database:

        async def sleep() -> None:
            async with database.transaction() as unit:
                await unit.connection.execute("select pg_sleep(60)")

        for _ in range(3):
            task = asyncio.create_task(sleep())
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        async with database.transaction() as unit:
            assert await unit.connection.fetchval("select 1") == 1


async def test_a_savepoint_undoes_a_part(database: Database) -> None:
    await make_notes(database)
    async with database.transaction() as unit:
        await Note.insert(Note(id=1, text=""))
        point = await unit.savepoint()
        with pytest.raises(asyncpg.NotNullViolationError):
            await unit.connection.execute("insert into note values (2, null)")
        await point.rollback_to()
        await Note.insert(Note(id=3, text=""))
    assert await count(database) == 2


async def test_a_statement_has_a_limit(database: Database) -> None:
    with pytest.raises(asyncpg.QueryCanceledError):
        async with database.transaction(statement_seconds=0.05) as unit:
            await unit.connection.execute("select pg_sleep(5)")


async def test_trouble_is_told_in_plain_words(database_url: str) -> None:
    with pytest.raises(DatabaseAway, match="cannot be reached"):
        await Database.open("postgresql://u:p@127.0.0.1:1/x")
    with pytest.raises(DatabaseAway, match="create it"):
        await Database.open(database_url + "_not_there")
    head, _, rest = database_url.partition("@")
    with pytest.raises(DatabaseAway, match="refuses the login"):
        await Database.open(f"{head.rpartition(':')[0]}:wrong@{rest}")
    with pytest.raises(DatabaseAway, match="cannot be read"):
        await Database.open("mysql://nowhere")


async def test_a_broken_connection_is_told_and_replaced(database_url: str) -> None:
    async with await Database.open(database_url, connections_max=2) as database:
        with pytest.raises(DatabaseAway):
            async with database.transaction(role=OWNER) as unit:
                await unit.connection.execute("select pg_terminate_backend(pg_backend_pid())")
        async with database.transaction() as unit:
            assert await unit.connection.fetchval("select 1") == 1


async def test_a_full_disk_is_told(database: Database) -> None:
    with pytest.raises(DatabaseAway, match="disk is full"):
        async with database.transaction() as unit:
            await unit.connection.execute("do $$ begin raise exception 'x' using errcode = '53100'; end $$")


async def test_nothing_that_a_transaction_set_is_left_on_its_connection(database_url: str) -> None:
    told = (
        "select current_setting('role'), current_setting('app.operator', true), current_setting('app.resellers', true)"
    )
    async with await Database.open(database_url, connections_max=1) as database:
        async with database.transaction(operator=7, resellers=[3, 4], statement_seconds=5, readonly=True) as unit:
            assert tuple(await unit.connection.fetchrow(told)) == (APP, "7", "3,4")
            assert await unit.connection.fetchval("show statement_timeout") == "5s"
            assert await unit.connection.fetchval("show transaction_read_only") == "on"
            async with unit.connection.transaction():
                assert tuple(await unit.connection.fetchrow(told)) == (APP, "7", "3,4")
        with pytest.raises(ZeroDivisionError):
            async with database.transaction(operator=8):
                raise ZeroDivisionError
        connection = await database.acquire()
        assert tuple(await connection.fetchrow(told)) == ("none", "", "")
        assert await connection.fetchval("show statement_timeout") == "0"
        async with connection.transaction():
            assert tuple(await connection.fetchrow(told)) == ("none", "", "")
        await database.release(connection)
        async with database.transaction(role=OWNER) as unit:
            assert tuple(await unit.connection.fetchrow(told)) == ("none", "", "")


async def test_a_broken_transaction_leaves_a_connection_that_works(database_url: str) -> None:
    async with await Database.open(database_url, connections_max=1) as database:
        with pytest.raises(asyncpg.UndefinedTableError):
            async with database.transaction(operator=7) as unit:
                await unit.connection.execute("select from nowhere")
        async with database.transaction(operator=8) as unit:
            assert await unit.connection.fetchval("select current_setting('app.operator')") == "8"


async def test_connections_are_opened_before_anyone_waits_for_them(database_url: str) -> None:
    ours = (
        "select count(*) from pg_stat_activity where application_name = 'tollwright' and datname = current_database()"
    )
    async with (
        await Database.open(database_url, connections_max=5, connections_kept=3) as database,
        database.transaction() as unit,
    ):
        assert await unit.connection.fetchval(ours) == 3

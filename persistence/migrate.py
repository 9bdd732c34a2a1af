"""Bring a database's schema to this release: all pending migrations in one transaction, under one lock.

The migrations are Piccolo's (``migrations/README.md`` tells how to add one); its runner has no lock, writes its record
after the migration and prints. Here the lock, the records and the changes are one transaction, so two servers starting
at once are safe and a crash leaves the old schema.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager
from piccolo.apps.migrations.tables import Migration
from piccolo.conf.apps import AppConfig

from persistence.away import DatabaseAway
from persistence.engine import DB, OWNER, Database, Transaction

APP_NAME: Final = "tollwright"
FOLDER: Final = Path(__file__).resolve().parent.parent / "migrations"
SERVER_MIN: Final = 15
LOCK: Final = 0x746F6C6C77726967  # "tollwrig"
NAME: Final = re.compile(r"tollwright_\d{4}_\d{2}_\d{2}_\d{4}_[a-z0-9_]+\.py")


@dataclass(frozen=True, slots=True)
class Step:
    """One migration. ``applied`` tells whether this database has it; ``known`` whether this release does."""

    id: str
    applied: bool
    known: bool


def sql_migration(file: str, script: str) -> tuple[str, Callable[[], Awaitable[MigrationManager]]]:
    """Return ``ID`` and ``forwards`` of the migration ``file``, which executes ``script``, the SQL beside it.

    >>> sql_migration("tollwright_2026_11_22_0001_ground.py", "0001_ground.sql")[0]
    'tollwright_2026_11_22_0001_ground'
    """
    path = Path(file)
    if not NAME.fullmatch(path.name):
        raise ValueError(f"{path.name}: a migration is named tollwright_YYYY_MM_DD_NNNN_<name>.py")
    identifier = path.stem

    async def execute() -> None:
        transaction = DB.current_transaction.get()
        assert transaction is not None
        await transaction.connection.execute(path.with_name(script).read_text(encoding="utf-8"))

    async def forwards() -> MigrationManager:
        manager = MigrationManager(migration_id=identifier, app_name=APP_NAME, description=script)
        manager.add_raw(execute)
        return manager

    return identifier, forwards


async def migrate(database: Database, *, folder: Path = FOLDER, up_to: str = "all") -> list[str]:
    """Apply what is pending, up to and including the id ``up_to``, and return the ids applied.

    Refuses (``DatabaseAway``) a database that a newer release has migrated: this one does not know its schema.
    """
    await prepare(database)
    async with database.transaction(role=OWNER, statement_seconds=0) as unit:
        await _alone(unit)
        with _quietly():
            runner = ForwardsMigrationManager(APP_NAME, up_to)
            await runner.create_migration_table()
            before = await _applied()
            modules = runner.get_migration_modules(str(folder))
            if unknown := sorted(set(before) - set(modules)):
                raise DatabaseAway(
                    f"the database was migrated by a newer release ({unknown[-1]} is unknown to this one): "
                    "start that release, or restore a backup made with this one"
                )
            config = AppConfig(APP_NAME, str(folder))
            if set(modules) - set(before):
                outcome = await runner.run_migrations(config)
                if not outcome.success:
                    raise ValueError(outcome.message)
            after = await _applied()
    await database.forget_plans()
    return [one for one in after if one not in before]


async def steps(database: Database, *, folder: Path = FOLDER) -> list[Step]:
    """List every migration known to the release or the database, oldest first."""
    async with database.transaction(role=OWNER) as unit:
        present = await unit.connection.fetchval("select to_regclass('migration') is not null")
        applied = set(await _applied()) if present else set()
    with _quietly():
        known = set(ForwardsMigrationManager(APP_NAME).get_migration_modules(str(folder)))
    return [Step(one, one in applied, one in known) for one in sorted(applied | known)]


async def _applied() -> list[str]:
    return await Migration.get_migrations_which_ran(app_name=APP_NAME)


async def prepare(database: Database) -> None:
    """Make the roles that transactions take; they belong to the cluster, so a restored database may lack them."""
    async with database.transaction(role=OWNER, statement_seconds=0) as unit:
        await _alone(unit)
        if await unit.connection.fetchval("select current_setting('server_version_num')::int") < SERVER_MIN * 10000:
            raise DatabaseAway(f"the database is older than PostgreSQL {SERVER_MIN}: use a newer one")
        try:
            await unit.connection.execute(Path(__file__).with_name("roles.sql").read_text(encoding="utf-8"))
        except asyncpg.InsufficientPrivilegeError as error:
            raise DatabaseAway(
                f"the login role may not prepare the database ({error}): it must own the database and have "
                "CREATEROLE and BYPASSRLS, or an administrator makes the roles (docs/operating.md)"
            ) from error


async def _alone(unit: Transaction) -> None:
    """Wait for another migration of this database to end, however long it takes; the lock ends with the transaction."""
    await unit.connection.execute("set local lock_timeout = 0")
    await unit.connection.execute("select pg_advisory_xact_lock($1)", LOCK)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Keep Piccolo's lines off stdout, where results go, and its folder off the import path."""
    path = list(sys.path)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        sys.path[:] = path

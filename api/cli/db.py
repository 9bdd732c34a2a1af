"""``tollwright db``: migrate, inspect, back up and restore the database."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api import settings as installation
from api.cli import ATTENTION, DONE, complain
from domain.refusal import WrongState

if TYPE_CHECKING:
    from persistence.engine import Database

app = typer.Typer(rich_markup_mode=None, add_completion=False, help="Migrate, inspect, back up and restore.")


def _on_database(work: Callable[[Database, installation.Settings], Awaitable[int]]) -> int:
    """Run ``work`` on the database of the settings; the embedded one runs meanwhile."""
    from persistence.embedded import reach
    from persistence.engine import Database

    settings = installation.read()

    async def run(url: str) -> int:
        async with await Database.open(url, connections_max=2) as database:
            return await work(database, settings)

    with reach(settings.database_url, settings.data_dir) as url:
        return asyncio.run(run(url))


def _tell(result: dict[str, Any]) -> None:
    print(json.dumps(result))


@app.command()
def migrate() -> int:
    """Bring the schema to this release."""

    async def work(database: Database, _: installation.Settings) -> int:
        from persistence.migrate import migrate as apply

        applied = await apply(database)
        _tell({"applied": applied})
        complain(f"{len(applied)} migrations applied" if applied else "the schema is of this release")
        return DONE

    return _on_database(work)


@app.command()
def status() -> int:
    """Tell which database is used and its migrations.

    Exits 1 when some are pending.
    """

    async def work(database: Database, settings: installation.Settings) -> int:
        from persistence.engine import OWNER
        from persistence.migrate import steps

        listed = await steps(database)
        async with database.transaction(role=OWNER) as unit:
            version = await unit.connection.fetchval("show server_version")
            size = await unit.connection.fetchval("select pg_database_size(current_database())")
        pending = [step.id for step in listed if not step.applied]
        _tell(
            {
                "database": "own" if settings.database_url else "embedded",
                "data_dir": str(settings.data_dir),
                "server": version,
                "size_bytes": size,
                "applied": [step.id for step in listed if step.applied],
                "pending": pending,
                "unknown": [step.id for step in listed if not step.known],
            }
        )
        if pending:
            complain(f"{len(pending)} migrations are pending: tollwright db migrate")
        return ATTENTION if pending else DONE

    return _on_database(work)


@app.command()
def backup(file: Annotated[Path, typer.Argument(help="The tar to write; it must not exist.")]) -> int:
    """Write database and stored files into one tar.

    Every part has its sha256; the system may be in use meanwhile.
    """

    async def work(database: Database, settings: installation.Settings) -> int:
        from persistence import backup as archive

        release = importlib.metadata.version("tollwright")
        manifest = await archive.backup(database, settings.files_dir, file, release=release)
        _tell({"file": str(file), "size_bytes": file.stat().st_size, "members": len(manifest.members)})
        return DONE

    return _on_database(work)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A tar that `db backup` wrote.")],
    replace: Annotated[bool, typer.Option("--replace", help="Remove what the database holds now.")] = False,
) -> int:
    """Put a backup back, as a whole or not at all.

    It is verified first.
    """

    async def work(database: Database, settings: installation.Settings) -> int:
        from persistence import backup as archive

        manifest = await archive.restore(database, settings.files_dir, file, replace=replace)
        _tell({"file": str(file), "created": manifest.created, "release": manifest.tollwright})
        complain("restored; `tollwright db migrate` or the next `serve` brings an older backup to this release")
        return DONE

    return _on_database(work)


@app.command()
def erase(
    yes: Annotated[bool, typer.Option("--yes", help="Really: nothing brings it back but a backup.")] = False,
) -> int:
    """Remove the embedded database and the stored files.

    To start afresh; a database of your own is never touched.
    """
    from persistence import embedded

    settings = installation.read()
    if settings.database_url:
        raise WrongState("DATABASE_URL is set: a database of your own is dropped with your own tools")
    if not yes:
        raise WrongState(f"this removes all data in {settings.data_dir}: say --yes")
    removed = [str(place) for place in embedded.erase(settings.data_dir)]
    for place in (settings.files_dir, settings.data_dir / "demo"):  # the demo's secrets are for this database alone
        if place.is_dir():
            shutil.rmtree(place)
            removed.append(str(place))
    _tell({"removed": removed})
    return DONE

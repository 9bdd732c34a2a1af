"""A database with an operator whose streams these tests send to."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.settings import Settings
from api.wiring import Wiring, on_database
from persistence.engine import OWNER, Database
from tests.intake import world as made


@pytest.fixture
def wiring(database: Database, tmp_path: Path) -> Wiring:
    return on_database(database, Settings(data_dir=tmp_path), clock=made.FixedClock())


@pytest.fixture
async def world(wiring: Wiring) -> made.World:
    return await made.make(wiring.begin, "north")


async def events(database: Database) -> list[tuple[str, int]]:
    """Return the reference and the use of every event, rated or in suspense."""
    async with database.transaction(role=OWNER) as unit:
        rows = await unit.connection.fetch(
            "select reference, used from usage union all"
            " select event->>'ref', (event->>'used')::bigint from suspense"
            " where kind = 'unrated' and resolved_at is null order by 1, 2"
        )
    return [(row[0], row[1]) for row in rows]

"""The same tests on PostgreSQL and on its twin in memory."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from api.settings import Settings
from api.wiring import Wiring, in_memory, on_database
from domain.usecases.import_cdr import Imported
from persistence.engine import Database
from tests.conftest import Cluster
from tests.intake import world as made

NUMBERS = itertools.count(1)
Importer = Callable[..., Awaitable[Imported]]


@pytest.fixture(scope="session")
async def intake_database(cluster: Cluster) -> AsyncIterator[Database]:
    """A migrated database that these tests share; each works for an operator of its own."""
    url = await cluster.create()
    async with await Database.open(url) as database:
        yield database
    await cluster.drop(url)


@pytest.fixture
def stored(intake_database: Database, tmp_path: Path) -> Wiring:
    """PostgreSQL, for what memory has not."""
    return on_database(intake_database, Settings(data_dir=tmp_path), clock=made.FixedClock())


@pytest.fixture(params=["memory", "postgresql"])
def wiring(request: pytest.FixtureRequest, stored: Wiring, tmp_path: Path) -> Wiring:
    if request.param == "memory":
        return in_memory(Settings(data_dir=tmp_path), clock=made.FixedClock())
    return stored


@pytest.fixture
async def world(wiring: Wiring) -> made.World:
    return await made.with_source(wiring, f"prov{next(NUMBERS)}")


@pytest.fixture
def load(wiring: Wiring, world: made.World) -> Importer:
    async def one(data: bytes, **options: Any) -> Imported:
        return await made.load(wiring, world, data, **options)

    return one

"""Every store test runs twice: in memory and on PostgreSQL, there in one database with operators of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from persistence.engine import Database
from persistence.memory import MemoryDatabase
from persistence.units import MemoryUnits, StoredUnits
from tests.conftest import Cluster
from tests.stores.worlds import World, build


@pytest.fixture(scope="session")
async def stores_database(cluster: Cluster) -> AsyncIterator[Database]:
    """A migrated database that all store tests share; each works for operators of its own."""
    url = await cluster.create()
    async with await Database.open(url) as database:
        yield database
    await cluster.drop(url)


@pytest.fixture(params=["memory", "postgresql"])
async def world(request: pytest.FixtureRequest, stores_database: Database) -> World:
    if request.param == "memory":
        memory = MemoryDatabase()
        return await build(MemoryUnits(memory), memory)
    return await build(StoredUnits(stores_database), stores_database)

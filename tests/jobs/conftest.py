"""The same tests on PostgreSQL and on its twin in memory."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.settings import Settings
from api.wiring import Wiring, in_memory, on_database
from persistence.engine import Database
from tests.conftest import Cluster
from tests.intake import world as made

NUMBERS = itertools.count(1)


class MovingClock:
    """The machine's time, moved on by hand in memory."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
async def stored(cluster: Cluster, tmp_path: Path) -> AsyncIterator[Wiring]:
    """PostgreSQL, of its own for each test: a worker takes the jobs of every operator."""
    url = await cluster.create()
    async with await Database.open(url) as database:
        yield on_database(database, Settings(data_dir=tmp_path), clock=MovingClock())
    await cluster.drop(url)


@pytest.fixture(params=["memory", "postgresql"])
def wiring(request: pytest.FixtureRequest, stored: Wiring, tmp_path: Path) -> Wiring:
    if request.param == "memory":
        return in_memory(Settings(data_dir=tmp_path), clock=MovingClock())
    return stored


@pytest.fixture
async def world(wiring: Wiring) -> made.World:
    return await made.with_source(replace(wiring, clock=made.FixedClock()), f"prov{next(NUMBERS)}")

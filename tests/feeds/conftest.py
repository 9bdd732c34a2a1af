"""A feed on a folder of this machine, on PostgreSQL and in memory, with a clock that a test moves."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.feeding import outside, poll
from api.settings import Settings
from api.wiring import Wiring, in_memory, on_database
from domain.feeds.feed import Feed, Rules
from domain.feeds.run import Run
from domain.feeds.sightings import Sighting
from domain.mediation.files import CdrFile
from domain.ports.page import PageRequest
from domain.usecases.put_feed import PutFeed, put_feed
from persistence.engine import Database
from tests.conftest import Cluster
from tests.intake import world as made

NUMBERS = itertools.count(1)
NOW = datetime(2026, 3, 3, 8, tzinfo=UTC)


class MovingClock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def pass_by(self, **how_long: float) -> None:
        self.at += timedelta(**how_long)


@dataclass
class Switch:
    """A switch's folder, the operator whose it is, and the feed between."""

    wiring: Wiring
    world: made.World
    folder: Path
    clock: MovingClock

    def lay(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    async def feed(self, name: str = "pbx", version: int = 0, **fields: Any) -> Feed:
        """Keep a feed; by default it takes what lies there at once."""
        rules = fields.pop("rules", {})
        if isinstance(rules, dict):
            rules = Rules(**({"stable_seconds": 0} | rules))
        values: dict[str, Any] = {"source": "pbx", "address": f"folder://{self.folder}"} | fields
        return await put_feed(
            PutFeed(name=name, version=version, rules=rules, **values),
            actor=self.world.actor,
            begin=self.wiring.begin,
            clock=self.clock,
            formats=self.wiring.formats,
            transports=self.wiring.transports,
            vault=self.wiring.vault,
        )

    async def poll(self, name: str = "pbx", by: str = "test", **options: Any) -> Run:
        return await poll(self.wiring, self.world.actor, name, by=by, **options)

    def outside(self) -> Any:
        return outside(self.wiring, self.world.actor)

    async def files(self) -> list[CdrFile]:
        async with self.wiring.begin(self.world.actor) as unit:
            return list((await unit.files.page(PageRequest(1000))).items)

    async def rated(self) -> int:
        return sum(file.rated + file.unrated for file in await self.files())

    async def sighting(self, name: str, feed: str = "pbx") -> Sighting | None:
        async with self.wiring.begin(self.world.actor) as unit:
            one = await unit.feeds.by_name(feed)
            return (await unit.feeds.sightings(one.id, [name])).get(name)

    async def alarms(self) -> dict[str, str]:
        """Return the alarms of feeds that are not closed: kind and text."""
        async with self.wiring.begin(self.world.actor) as unit:
            page = await unit.alarms.page(PageRequest(1000))
        return {
            one.kind: one.text for one in page.items if one.kind.startswith("feed_") and one.state.value != "closed"
        }

    def there(self) -> set[str]:
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
async def feeds_database(cluster: Cluster) -> AsyncIterator[Database]:
    """A migrated database that these tests share; each works for an operator of its own."""
    url = await cluster.create()
    async with await Database.open(url) as database:
        yield database
    await cluster.drop(url)


@pytest.fixture(params=["memory", "postgresql"])
async def switch(request: pytest.FixtureRequest, feeds_database: Database, tmp_path: Path) -> Switch:
    clock = MovingClock()
    settings = Settings(data_dir=tmp_path, transport_networks="127.0.0.0/8")
    if request.param == "memory":
        wiring = in_memory(settings, clock=clock)
    else:
        wiring = on_database(feeds_database, settings, clock=clock)
    world = await made.with_source(wiring, f"feeds{next(NUMBERS)}")
    folder = tmp_path / "inbox" / str(world.operator) / "pbx"
    folder.mkdir(parents=True)
    return Switch(wiring, replace(world), folder, clock)

"""The store of feeds, of what they have seen, and of their runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from domain.feeds.feed import Feed, Standing
from domain.feeds.run import Run
from domain.feeds.sightings import Sighting
from domain.ids import FeedId, SourceId
from domain.ports.page import Page, PageRequest


class Feeds(Protocol):
    """Feeds of the unit's operator; a reseller's unit sees none."""

    async def by_name(self, name: str) -> Feed:
        """Return one. Refuses with: NotFound."""
        ...

    async def all(self) -> Sequence[Feed]:
        """Return them by name."""
        ...

    async def claim(self, name: str) -> Feed | None:
        """Return one locked until the unit ends; None: there is none."""
        ...

    async def put(self, feed: Feed, *, next_at: datetime | None) -> Feed:
        """Keep a new one (key 0) or a changed one, and when it is polled next."""
        ...

    async def remove(self, feed: Feed) -> None:
        """Forget one with what it has seen and its runs; files that were taken stay."""
        ...

    async def standings(self, keys: Sequence[FeedId]) -> Mapping[FeedId, Standing]:
        """Return how feeds stand."""
        ...

    async def stand(self, key: FeedId, standing: Standing) -> None:
        """Write how a feed stands."""
        ...

    async def due(self, at: datetime) -> Sequence[Feed]:
        """Return active feeds whose time has come, locked; those that another unit has locked are left out."""
        ...

    async def sightings(self, key: FeedId, names: Sequence[str]) -> Mapping[str, Sighting]:
        """Return what is known of these names, and of every name that is not done."""
        ...

    async def see(self, key: FeedId, sightings: Sequence[Sighting]) -> None:
        """Write what is known of names."""
        ...

    async def forget(self, key: FeedId, names: Sequence[str]) -> None:
        """Forget names."""
        ...

    async def begin_run(self, run: Run) -> Run:
        """Keep a new run; those of this feed that are still running are interrupted. Old ones are forgotten."""
        ...

    async def keep_run(self, run: Run) -> None:
        """Write a run's counts and end."""
        ...

    async def runs(self, key: FeedId, request: PageRequest) -> Page[Run]:
        """List the runs of a feed, the newest first; ``after`` is the key of the last one that is known."""
        ...

    async def counts(self, source: SourceId, hours: Sequence[datetime]) -> Sequence[int]:
        """Return how many rated events of a source began in each of these hours."""
        ...

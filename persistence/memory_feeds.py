"""Feeds, what they have seen and their runs in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from domain.feeds.feed import Feed, Standing
from domain.feeds.run import Run, RunState
from domain.feeds.sightings import Seen, Sighting
from domain.ids import FeedId, FeedRunId, SourceId
from domain.ports.page import Page, PageRequest
from domain.rating.clock import micros
from domain.refusal import NotFound
from persistence.feeds import RUNS_DAYS
from persistence.memory import Draft


class MemoryFeeds:
    """Keeps ``domain.ports.feeds.Feeds``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _own(self) -> list[Feed]:
        if self._draft.actor.reseller is not None:
            return []
        rows: list[Feed] = list(self._draft.table("feed").values())
        return sorted((one for one in rows if one.operator == self._draft.actor.operator), key=lambda one: one.name)

    async def by_name(self, name: str) -> Feed:
        """Return one. Refuses with: NotFound."""
        found = await self.claim(name)
        if found is None:
            raise NotFound("no feed {name!r}", name=name[:80], field="name")
        return found

    async def all(self) -> Sequence[Feed]:
        """Return them by name."""
        return self._own()

    async def claim(self, name: str) -> Feed | None:
        """Return one; the unit has everything locked."""
        return next((one for one in self._own() if one.name == name), None)

    async def put(self, feed: Feed, *, next_at: datetime | None) -> Feed:
        """Keep a new one or a changed one."""
        kept = feed if feed.id else replace(feed, id=FeedId(self._draft.draw("feed")))
        before = self._draft.table("feed").get(kept.id)
        if before is not None and before.place != kept.place:
            await self._clear(kept.id, "feed_file")
        self._draft.table("feed")[kept.id] = kept
        standing = self._draft.table("feed_standing").get(kept.id, Standing())
        self._draft.table("feed_standing")[kept.id] = replace(standing, next_at=next_at, failures=0)
        return kept

    async def _clear(self, key: FeedId, table: str) -> None:
        rows = self._draft.table(table)
        for place in [place for place in rows if place[0] == key]:
            del rows[place]

    async def remove(self, feed: Feed) -> None:
        """Forget one with what it has seen and its runs."""
        del self._draft.table("feed")[feed.id]
        del self._draft.table("feed_standing")[feed.id]
        await self._clear(feed.id, "feed_file")
        await self._clear(feed.id, "feed_run")

    async def standings(self, keys: Sequence[FeedId]) -> Mapping[FeedId, Standing]:
        """Return how feeds stand."""
        rows: dict[Any, Standing] = self._draft.table("feed_standing")
        return {one.id: rows[one.id] for one in self._own() if one.id in keys}

    async def stand(self, key: FeedId, standing: Standing) -> None:
        """Write how a feed stands."""
        self._draft.table("feed_standing")[key] = standing

    async def due(self, at: datetime) -> Sequence[Feed]:
        """Return active feeds whose time has come."""
        rows: dict[Any, Standing] = self._draft.table("feed_standing")
        moments = {one.id: rows[one.id].next_at for one in self._own()}
        due = [one for one in self._own() if one.active and (moment := moments[one.id]) is not None and moment <= at]
        return sorted(due, key=lambda one: str(moments[one.id]))

    async def sightings(self, key: FeedId, names: Sequence[str]) -> Mapping[str, Sighting]:
        """Return what is known of these names, and of every name that is not done."""
        rows: dict[Any, Sighting] = self._draft.table("feed_file")
        unfinished = {Seen.WAITING, Seen.TAKEN, Seen.HELD}
        return {
            name: one
            for (feed, name), one in rows.items()
            if feed == key and (name in set(names) or one.seen in unfinished)
        }

    async def see(self, key: FeedId, sightings: Sequence[Sighting]) -> None:
        """Write what is known of names."""
        for one in sightings:
            self._draft.table("feed_file")[key, one.name] = one

    async def forget(self, key: FeedId, names: Sequence[str]) -> None:
        """Forget names."""
        for name in names:
            self._draft.table("feed_file").pop((key, name), None)

    async def begin_run(self, run: Run) -> Run:
        """Keep a new run; those still running are interrupted, old ones forgotten."""
        rows: dict[Any, Run] = self._draft.table("feed_run")
        for place, one in list(rows.items()):
            if one.feed != run.feed:
                continue
            if one.started_at < run.started_at - timedelta(days=RUNS_DAYS):
                del rows[place]
            elif one.state is RunState.RUNNING:
                rows[place] = replace(one, state=RunState.INTERRUPTED)
        kept = replace(run, id=FeedRunId(self._draft.draw("feed_run")))
        rows[kept.feed, kept.id] = kept
        return kept

    async def keep_run(self, run: Run) -> None:
        """Write a run's counts and end."""
        self._draft.table("feed_run")[run.feed, run.id] = run

    async def runs(self, key: FeedId, request: PageRequest) -> Page[Run]:
        """List the runs of a feed, the newest first."""
        rows: dict[Any, Run] = self._draft.table("feed_run")
        before = request.after
        chosen = [one for one in rows.values() if one.feed == key and (before is None or one.id < before)]
        return Page.of(sorted(chosen, key=lambda one: -one.id)[: request.first + 1], request)

    async def counts(self, source: SourceId, hours: Sequence[datetime]) -> Sequence[int]:
        """Return how many events of a source began in each of these hours."""
        operator = self._draft.actor.operator
        starts = [
            row.event.ref.start_us
            for row in self._draft.table("usage").values()
            if (row.operator, row.event.ref.source) == (operator, source)
        ]
        firsts = [micros(hour) for hour in hours]
        return [sum(first <= start < first + 3_600_000_000 for start in starts) for first in firsts]

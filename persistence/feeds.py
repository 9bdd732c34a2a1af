"""Feeds, what they have seen and their runs in PostgreSQL."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from domain.access.actor import Actor
from domain.feeds.feed import Credential, Feed, Rules, Standing
from domain.feeds.run import Run, RunState
from domain.feeds.sightings import Look, Seen, Sighting
from domain.ids import FeedId, FeedRunId, OperatorId, SourceId
from domain.ports.page import Page, PageRequest
from domain.refusal import NotFound
from domain.transports.place import Place
from persistence import fields
from persistence.engine import Transaction
from persistence.violations import KEY_MAX

RUNS_DAYS: Final = 90
_FEED: Final = (
    "id, operator, name, source, place, credentials, schedule, active, rules, version, created_at, changed_at"
)
_STANDING: Final = (
    *("next_at", "polling_by", "polling_until", "failures", "fault", "last_run_at", "last_success_at"),
    *("last_file_at", "last_sequence", "last_column", "counted_until"),
)
_COUNTS: Final = (
    *("started_at", "finished_at", "found", "wanted", "taken", "again", "waiting", "held", "gone"),
    *("unsafe", "bytes", "more", "fault"),
)


def feed_of(row: Mapping[str, Any]) -> Feed:
    """Make the feed of a row."""
    same = ("name", "source", "schedule", "active", "version", "created_at", "changed_at")
    return Feed(
        id=FeedId(row["id"]),
        operator=OperatorId(row["operator"]),
        place=fields.load(Place, json.loads(row["place"])),
        rules=fields.load(Rules, json.loads(row["rules"])),
        credentials={
            name: Credential(
                sealed=base64.b64decode(one["sealed"]) if "sealed" in one else None, reference=one.get("reference")
            )
            for name, one in json.loads(row["credentials"]).items()
        },
        **{name: row[name] for name in same},
    )


def _credentials(feed: Feed) -> str:
    return json.dumps(
        {
            name: {"reference": one.reference}
            if one.reference is not None
            else {"sealed": base64.b64encode(one.sealed or b"").decode()}
            for name, one in feed.credentials.items()
        },
        sort_keys=True,
    )


def _sighting(row: Mapping[str, Any]) -> Sighting:
    return Sighting(
        name=row["name"],
        look=Look(size=row["size"], modified=row["modified"], token=row["token"]),
        since=row["since"],
        seen=Seen(row["seen"]),
        sha256=None if row["sha256"] is None else bytes(row["sha256"]),
        fault=row["fault"],
        offset=row["taken_bytes"],
        guard=None if row["guard"] is None else bytes(row["guard"]),
        changed_at=row["changed_at"],
    )


def _run(row: Mapping[str, Any]) -> Run:
    return Run(
        id=FeedRunId(row["id"]),
        operator=OperatorId(row["operator"]),
        feed=FeedId(row["feed"]),
        state=RunState(row["state"]),
        **{name: row[name] for name in _COUNTS},
    )


class FeedStore:
    """Keeps ``domain.ports.feeds.Feeds``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def by_name(self, name: str) -> Feed:
        """Return one. Refuses with: NotFound."""
        rows = await self._feeds("and name = $2", name)
        if not rows:
            raise NotFound("no feed {name!r}", name=name[:80], field="name")
        return rows[0]

    async def _feeds(self, where: str, *arguments: Any) -> list[Feed]:
        rows = await self._connection.fetch(
            f"select {_FEED} from feed where operator = $1 {where}",  # noqa: S608  (our own words)
            *(self._operator, *arguments),
        )
        return [feed_of(row) for row in rows]

    async def all(self) -> Sequence[Feed]:
        """Return them by name."""
        return await self._feeds("order by name")

    async def claim(self, name: str) -> Feed | None:
        """Return one locked until the unit ends."""
        rows = await self._feeds("and name = $2 for update", name)
        return rows[0] if rows else None

    async def put(self, feed: Feed, *, next_at: datetime | None) -> Feed:
        """Keep a new one or a changed one; one whose place has changed has seen nothing there yet."""
        values = (
            *(feed.name, feed.source, json.dumps(fields.dump(feed.place)), _credentials(feed), feed.schedule),
            *(
                feed.active,
                json.dumps(fields.dump(feed.rules)),
                feed.version,
                feed.created_at,
                feed.changed_at,
                next_at,
            ),
        )
        if not feed.id:
            row = await self._connection.fetchrow(
                "insert into feed (operator, name, source, place, credentials, schedule, active, rules, version,"  # noqa: S608  (our own words)
                " created_at, changed_at, next_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
                f" returning {_FEED}",
                *(self._operator, *values),
            )
            return feed_of(row)
        moved = await self._connection.fetchval(
            "select place->>'host' is distinct from $3::jsonb->>'host' or place->>'path' is distinct from"
            " $3::jsonb->>'path' or place->>'bucket' is distinct from $3::jsonb->>'bucket'"
            " from feed where operator = $1 and id = $2",
            *(self._operator, feed.id, values[2]),
        )
        row = await self._connection.fetchrow(
            "update feed set name = $2, source = $3, place = $4, credentials = $5, schedule = $6, active = $7,"  # noqa: S608  (our own words)
            " rules = $8, version = $9, created_at = $10, changed_at = $11, next_at = $12, failures = 0"
            f" where operator = $1 and id = $13 returning {_FEED}",
            *(self._operator, *values, feed.id),
        )
        if moved:
            await self._connection.execute(
                "delete from feed_file where operator = $1 and feed = $2", self._operator, feed.id
            )
        return feed_of(row)

    async def remove(self, feed: Feed) -> None:
        """Forget one with what it has seen and its runs."""
        await self._connection.execute("delete from feed where operator = $1 and id = $2", self._operator, feed.id)

    async def standings(self, keys: Sequence[FeedId]) -> Mapping[FeedId, Standing]:
        """Return how feeds stand."""
        rows = await self._connection.fetch(
            f"select id, {', '.join(_STANDING)} from feed where operator = $1 and id = any ($2::bigint[])",  # noqa: S608  (our own words)
            *(self._operator, list(keys)),
        )
        return {FeedId(row["id"]): Standing(**{name: row[name] for name in _STANDING}) for row in rows}

    async def stand(self, key: FeedId, standing: Standing) -> None:
        """Write how a feed stands."""
        sets = ", ".join(f"{name} = ${place}" for place, name in enumerate(_STANDING, 3))
        await self._connection.execute(
            f"update feed set {sets} where operator = $1 and id = $2",  # noqa: S608  (our own words)
            *(self._operator, key, *(getattr(standing, name) for name in _STANDING)),
        )

    async def due(self, at: datetime) -> Sequence[Feed]:
        """Return active feeds whose time has come, locked."""
        return await self._feeds("and active and next_at <= $2 order by next_at for update skip locked", at)

    async def sightings(self, key: FeedId, names: Sequence[str]) -> Mapping[str, Sighting]:
        """Return what is known of these names, and of every name that is not done."""
        rows = await self._connection.fetch(
            "select * from feed_file where operator = $1 and feed = $2"
            " and (name = any ($3::text[]) or seen in ('waiting', 'taken', 'held'))",
            *(self._operator, key, list(names)),
        )
        return {row["name"]: _sighting(row) for row in rows}

    async def see(self, key: FeedId, sightings: Sequence[Sighting]) -> None:
        """Write what is known of names, all at once."""
        if not sightings:
            return
        columns: list[list[Any]] = [
            [one.name for one in sightings],
            [one.look.size for one in sightings],
            [one.look.modified for one in sightings],
            [one.look.token for one in sightings],
            [one.since for one in sightings],
            [one.seen.value for one in sightings],
            [one.sha256 for one in sightings],
            [one.fault for one in sightings],
            [one.offset for one in sightings],
            [one.guard for one in sightings],
            [one.changed_at for one in sightings],
        ]
        await self._connection.execute(
            """insert into feed_file (operator, feed, name, size, modified, token, since, seen, sha256, fault,
                                      taken_bytes, guard, changed_at)
               select $1, $2, * from unnest($3::text[], $4::bigint[], $5::timestamptz[], $6::text[], $7::timestamptz[],
                   $8::text[], $9::bytea[], $10::text[], $11::bigint[], $12::bytea[], $13::timestamptz[])
               on conflict (operator, feed, name) do update set size = excluded.size, modified = excluded.modified,
                   token = excluded.token, since = excluded.since, seen = excluded.seen, sha256 = excluded.sha256,
                   fault = excluded.fault, taken_bytes = excluded.taken_bytes, guard = excluded.guard,
                   changed_at = excluded.changed_at""",
            *(self._operator, key, *columns),
        )

    async def forget(self, key: FeedId, names: Sequence[str]) -> None:
        """Forget names."""
        if names:
            await self._connection.execute(
                "delete from feed_file where operator = $1 and feed = $2 and name = any ($3::text[])",
                *(self._operator, key, list(names)),
            )

    async def begin_run(self, run: Run) -> Run:
        """Keep a new run; those still running are interrupted, old ones forgotten."""
        await self._connection.execute(
            "update feed_run set state = 'interrupted' where operator = $1 and feed = $2 and state = 'running'",
            *(self._operator, run.feed),
        )
        await self._connection.execute(
            "delete from feed_run where operator = $1 and feed = $2 and started_at < $3",
            *(self._operator, run.feed, run.started_at - timedelta(days=RUNS_DAYS)),
        )
        row = await self._connection.fetchrow(
            "insert into feed_run (operator, feed, state, started_at) values ($1, $2, $3, $4) returning *",
            *(self._operator, run.feed, run.state.value, run.started_at),
        )
        return _run(row)

    async def keep_run(self, run: Run) -> None:
        """Write a run's counts and end."""
        sets = ", ".join(f"{name} = ${place}" for place, name in enumerate(_COUNTS, 4))
        await self._connection.execute(
            f"update feed_run set state = $3, {sets} where operator = $1 and id = $2",  # noqa: S608  (our own words)
            *(self._operator, run.id, run.state.value, *(getattr(run, name) for name in _COUNTS)),
        )

    async def runs(self, key: FeedId, request: PageRequest) -> Page[Run]:
        """List the runs of a feed, the newest first."""
        rows = await self._connection.fetch(
            "select * from feed_run where operator = $1 and feed = $2 and id < $3 order by id desc limit $4",
            *(self._operator, key, min(request.after or KEY_MAX, KEY_MAX), request.first + 1),
        )
        return Page.of([_run(row) for row in rows], request)

    async def counts(self, source: SourceId, hours: Sequence[datetime]) -> Sequence[int]:
        """Return how many events of a source began in each of these hours, as they are now."""
        rows = await self._connection.fetch(
            """select h.place, count(u.key) as found from unnest($3::timestamptz[]) with ordinality as h (hour, place)
               left join usage u on u.operator = $1 and u.source = $2 and u.start >= h.hour
                   and u.start < h.hour + interval '1 hour' and u.version = 1
               group by h.place order by h.place""",
            *(self._operator, source, list(hours)),
        )
        return [row["found"] for row in rows]

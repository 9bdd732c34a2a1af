"""Sessions whose parts come in several files, in PostgreSQL: read and written by sets of names."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from domain.access.actor import Actor
from domain.ids import FileId, SourceId
from domain.intake.joining import RATED, UNRATED, Identity
from domain.intake.rows import NUL_SHOWN
from domain.mediation.held import Held, Told, read_part, stored_part
from domain.ports.sessions import Undone
from domain.rating.clock import EPOCH
from domain.rerating.columns import STORED
from domain.rerating.comparing import reversals
from persistence.engine import Transaction
from persistence.locks import SESSIONS
from persistence.rerating import READ, copied

LOCK_SECONDS: Final = 600
_COLUMNS: Final = "name, scope, parts, told"
_PRESENT: Final = (
    f"select {READ} from (select distinct on (u.start, u.source, u.key) u.*"  # noqa: S608  (our own words)
    " from unnest($3::timestamptz[], $4::bigint[]) wanted (start, key) join usage u on u.operator = $1"
    " and u.source = $2 and u.start = wanted.start and u.key = wanted.key"
    " order by u.start, u.source, u.key, u.version desc) u where u.version % 2 = 1"
)
_SUPERSEDE: Final = (
    "with gone as (update suspense s set resolved_at = now(), resolution = 'superseded' from {wanted}"
    " where s.operator = $1 and s.source = $2 and s.kind = '{kind}' and s.resolved_at is null and {same} returning s.*)"
    " , told as (insert into suspense_change (operator, suspense, action, client, before) select operator, id,"
    " 'supersede', {client}, jsonb_build_object('reason', reason, 'detail', detail, 'raw', raw, 'event', event)"
    " from gone) select {back} from gone"
)
_EVENTS: Final = _SUPERSEDE.format(
    wanted="unnest($3::timestamptz[], $4::bigint[]) wanted (start, key)",
    kind="unrated",
    same="s.start = wanted.start and s.key = wanted.key",
    client="$5",
    back="(extract(epoch from start) * 1000000)::bigint as start, key",
)
_REJECTS: Final = _SUPERSEDE.format(
    wanted="unnest($3::bigint[], $4::bigint[]) wanted (file, record)",
    kind="reject",
    same="s.file = wanted.file and s.record = wanted.record",
    client="$5",
    back="file, record",
)
_DUE: Final = (
    "select s.name from session s where s.operator = $1 and s.source = $2 and s.open and s.name > $3"
    " and (s.touched_at < $4 or (s.touched_at >= $7 and s.ended_at < $5) or (s.scope <> ''"
    " and exists (select from session r where r.operator = s.operator and r.source = s.source"
    " and r.name = left(E'\\x1ereset ' || s.scope, 400) and r.ended_at >= s.ended_at))) order by s.name limit $6"
)
_KEEP: Final = (
    "insert into session (operator, source, name, scope, open, touched_at, ended_at, parts, told)"
    " select $1, $2, name, scope, open, $3, ended_at, parts, told from unnest($4::text[], $5::text[], $6::bool[],"
    " $7::timestamptz[], $8::jsonb[], $9::jsonb[]) as kept (name, scope, open, ended_at, parts, told)"
    " on conflict (operator, source, name) do update set scope = excluded.scope, open = excluded.open,"
    " touched_at = excluded.touched_at, ended_at = excluded.ended_at, parts = excluded.parts, told = excluded.told"
)


class SessionStore:
    """Keeps ``domain.ports.sessions.Sessions``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._client = actor.client
        self._operator = int(actor.operator)

    @property
    def _connection(self) -> Any:
        return self._transaction.connection

    async def lock(self, source: SourceId) -> None:
        """Let no other unit change the source's sessions, or counts of its files, until this one ends."""
        await self._connection.execute(f"set local lock_timeout = '{LOCK_SECONDS}s'")
        # A source's key is unique within its operator only; two that meet by chance wait for each other once.
        await self._connection.execute(
            "select pg_advisory_xact_lock($1::int, hashint8($2::bigint * 1000003 + $3::bigint))",
            *(SESSIONS, self._operator, source),
        )

    async def load(self, source: SourceId, names: Collection[str]) -> dict[str, Held]:
        """Return those that are there."""
        if not names:
            return {}
        rows = await self._connection.fetch(
            f"select {_COLUMNS} from session where operator = $1 and source = $2 and name = any ($3::text[])",  # noqa: S608  (our own words)
            *(self._operator, source, [_text(name) for name in names]),
        )
        return {row["name"]: _held(row) for row in rows}

    async def due(
        self,
        source: SourceId,
        *,
        touched_before: datetime,
        touched_since: datetime,
        ended_before: datetime,
        first: int,
        after: str = "",
    ) -> Sequence[str]:
        """Return open ones, by name after ``after``, that are due."""
        rows = await self._connection.fetch(
            _DUE, self._operator, source, after, touched_before, ended_before, int(first), touched_since
        )
        return [row["name"] for row in rows]

    async def of_file(self, source: SourceId, file: FileId) -> Sequence[str]:
        """Return those with a part of a file."""
        rows = await self._connection.fetch(
            "select name from session where operator = $1 and source = $2 and parts @> $3::jsonb order by name",
            *(self._operator, source, json.dumps([{"_file": file}])),
        )
        return [row["name"] for row in rows]

    async def keep(self, source: SourceId, held: Collection[Held], touched_at: datetime) -> None:
        """Write them; one without parts goes."""
        gone = [one.name for one in held if not one.parts and one.stored]
        if gone:
            await self._connection.execute(
                "delete from session where operator = $1 and source = $2 and name = any ($3::text[])",
                *(self._operator, source, gone),
            )
        kept = sorted((one for one in held if one.parts), key=lambda one: one.name)
        if kept:
            await self._connection.execute(
                _KEEP,
                *(self._operator, source, touched_at, [_text(one.name) for one in kept]),
                *([_text(one.scope) for one in kept], [one.open for one in kept]),
                [_instant(one.ended) if one.ended else None for one in kept],
                [_json([stored_part(part) for part in one.parts]) for one in kept],
                [_json([asdict(told) for told in one.told]) for one in kept],
            )

    async def undo(self, source: SourceId, identities: Collection[Identity]) -> Undone:
        """Return what takes events back that are rated, and resolve those in suspense as superseded."""
        if not identities:
            return Undone(STORED.to_frame(), {})
        ordered = sorted(set(identities))
        starts, keys = [_instant(start) for start, _ in ordered], [key for _, key in ordered]
        arguments = (self._operator, int(source), starts, keys)
        rows = await copied(self._connection, _PRESENT, arguments)
        statuses: dict[Identity, str] = dict.fromkeys(rows.select("start", "key").iter_rows(), RATED)
        waiting = await self._connection.fetch(_EVENTS, *arguments, self._client)
        statuses |= {(row["start"], row["key"]): UNRATED for row in waiting}
        return Undone(reversals(rows), statuses)

    async def drop(self, source: SourceId, places: Collection[tuple[int, int]]) -> Collection[tuple[int, int]]:
        """Resolve rejects as superseded, by file and record; return those that were open."""
        if not places:
            return ()
        ordered = sorted(set(places))
        rows = await self._connection.fetch(
            _REJECTS,
            *(self._operator, int(source), [file for file, _ in ordered], [record for _, record in ordered]),
            self._client,
        )
        return {(row["file"], row["record"]) for row in rows}

    async def forget(self, source: SourceId, *, touched_before: datetime) -> int:
        """Remove those of which nothing is expected any more; return how many."""
        told = await self._connection.execute(
            "delete from session where operator = $1 and source = $2 and not open and touched_at < $3",
            *(self._operator, source, touched_before),
        )
        return int(told.split()[-1])


def _held(row: Mapping[str, Any]) -> Held:
    return Held(
        name=row["name"],
        scope=row["scope"],
        parts=[read_part(part) for part in json.loads(row["parts"])],
        told=[Told(**told) for told in json.loads(row["told"])],
        stored=True,
    )


def _json(data: Iterable[Any]) -> str:
    return json.dumps(list(data), separators=(",", ":"), ensure_ascii=False).replace("\\u0000", NUL_SHOWN)


def _text(text: str) -> str:
    return text.replace("\0", NUL_SHOWN)


def _instant(at: int) -> datetime:
    return EPOCH + timedelta(microseconds=at)

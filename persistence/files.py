"""Sources, CDR files and records in suspense in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from domain.access.actor import Actor
from domain.ids import FileId, OperatorId, SourceId, SuspenseId
from domain.mediation.files import (
    CdrFile,
    FileState,
    Source,
    SourceBalance,
    SourceVersion,
    Suspended,
    SuspenseKind,
)
from domain.ports.page import Page, PageRequest
from domain.refusal import NotFound
from persistence.engine import Transaction
from persistence.violations import possible

_SOURCE: Final = "id, operator, name, profile, version"
_COUNTS: Final = ("records", "events", "merged", "pending", "duplicates", "rejects", "rated", "unrated", "chunks")
FILE: Final = (
    "id, operator, source, name, sha256, size, state, received_at, finished_at, position, fault, profile_version,"
    f" {', '.join(_COUNTS)}, ignored, warnings"
)
_CHANGED: Final = ("state", "finished_at", "position", "fault", "profile_version", *_COUNTS, "ignored", "warnings")
_SUSPENSE: Final = (
    "id, operator, source, file, kind, record, byte_offset, reason, detail, raw, event, start, created_at"
)


VERSIONS_MAX: Final = 1000
BALANCED: Final = ("records", "events", "merged", "pending", "duplicates", "rejects", "rated", "unrated")
# Files (f) whose own counts do not add up, or for which suspense (h, by file) does not hold what it should.
UNBALANCED: Final = (
    "count(f.id) filter (where f.events <> f.rated + f.unrated or coalesce(h.open, 0) <> f.rejects + f.unrated"
    " or f.records <> f.events + f.merged + f.pending + f.duplicates + f.rejects"
    " + coalesce((select sum(v.value::bigint) from jsonb_each_text(f.ignored) v), 0))"
)
OPEN_BY_FILE: Final = "(select operator, file, count(*) as open from suspense where resolved_at is null group by 1, 2)"
_BALANCES: Final = (
    f"select s.id, s.name, {UNBALANCED} as unbalanced,"  # noqa: S608  (our own words)
    f" {', '.join(f'coalesce(sum(f.{name}), 0)::bigint as {name}' for name in BALANCED)},"
    " (select coalesce(jsonb_object_agg(i.key, i.count), '{}') from (select v.key, sum(v.value::bigint) as count"
    " from cdr_file c, jsonb_each_text(c.ignored) v where c.operator = s.operator and c.source = s.id"
    " group by v.key) i)"
    " as ignored, (select count(*) from suspense h where h.operator = s.operator and h.source = s.id"
    " and h.resolved_at is null) as suspense from source s left join cdr_file f on f.operator = s.operator"
    f" and f.source = s.id left join {OPEN_BY_FILE} h on h.operator = f.operator and h.file = f.id"
    " where s.operator = $1 group by s.operator, s.id, s.name order by s.name"
)


def source_of(row: Mapping[str, Any]) -> Source:
    """Make the source of a row."""
    return Source(
        id=SourceId(row["id"]),
        operator=OperatorId(row["operator"]),
        name=row["name"],
        profile=row["profile"],
        version=row["version"],
    )


def file_of(row: Mapping[str, Any]) -> CdrFile:
    """Make the file of a row."""
    fields = {name: row[name] for name in ("name", "size", "received_at", "finished_at", "position", "fault", *_COUNTS)}
    fields["profile_version"] = row["profile_version"]
    return CdrFile(
        id=FileId(row["id"]),
        operator=OperatorId(row["operator"]),
        source=SourceId(row["source"]),
        sha256=bytes(row["sha256"]),
        state=FileState(row["state"]),
        ignored=json.loads(row["ignored"]),
        warnings=json.loads(row["warnings"]),
        **fields,
    )


def suspended_of(row: Mapping[str, Any]) -> Suspended:
    """Make the suspended record of a row."""
    fields = {name: row[name] for name in ("record", "byte_offset", "reason", "detail", "raw", "start", "created_at")}
    return Suspended(
        id=SuspenseId(row["id"]),
        operator=OperatorId(row["operator"]),
        source=SourceId(row["source"]),
        file=FileId(row["file"]),
        kind=SuspenseKind(row["kind"]),
        event=None if row["event"] is None else json.loads(row["event"]),
        **fields,
    )


class SourceStore:
    """The operator's sources."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)
        self._client = actor.client

    async def by_name(self, name: str) -> Source:
        """Return one. Refuses with: NotFound."""
        row = await self._connection.fetchrow(
            f"select {_SOURCE} from source where operator = $1 and name = $2",  # noqa: S608  (our own words)
            *(self._operator, name),
        )
        if row is None:
            raise NotFound("no source {name!r}", name=name[:80], field="source")
        return source_of(row)

    async def all(self) -> Sequence[Source]:
        """Return them by name."""
        rows = await self._connection.fetch(
            f"select {_SOURCE} from source where operator = $1 order by name",  # noqa: S608  (our own words)
            self._operator,
        )
        return [source_of(row) for row in rows]

    async def many(self, keys: Sequence[SourceId]) -> Mapping[SourceId, Source]:
        """Return those that exist."""
        rows = await self._connection.fetch(
            f"select {_SOURCE} from source where operator = $1 and id = any ($2::bigint[])",  # noqa: S608  (our own words)
            *(self._operator, possible(keys)),
        )
        return {SourceId(row["id"]): source_of(row) for row in rows}

    async def put(self, source: Source, *, note: str | None = None) -> Source:
        """Keep a new one, or a new version of the one with this name where the profile differs."""
        row = await self._connection.fetchrow(
            "insert into source as s (operator, name, profile) values ($1, $2, $3)"  # noqa: S608  (our own words)
            " on conflict (operator, name) do update set profile = excluded.profile,"
            f" version = s.version + (s.profile <> excluded.profile)::int returning {_SOURCE}",
            *(self._operator, source.name, source.profile),
        )
        await self._connection.execute(
            "insert into source_version (operator, source, version, profile, client, note)"
            " values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
            *(self._operator, row["id"], row["version"], row["profile"], self._client, note),
        )
        return source_of(row)

    async def versions(self, key: SourceId) -> Sequence[SourceVersion]:
        """Return every profile that a source had, the latest first."""
        rows = await self._connection.fetch(
            "select source, version, profile, client, note, created_at from source_version"
            " where operator = $1 and source = $2 order by version desc limit $3",
            *(self._operator, key, VERSIONS_MAX),
        )
        return [SourceVersion(**{**dict(row), "source": SourceId(row["source"])}) for row in rows]

    async def balances(self) -> Sequence[SourceBalance]:
        """Add up the files of each source, by its name."""
        rows = await self._connection.fetch(_BALANCES, self._operator)
        return [
            SourceBalance(
                source=SourceId(row["id"]),
                counts={name: int(row[name]) for name in BALANCED},
                ignored=json.loads(row["ignored"]),
                suspense=row["suspense"],
                unbalanced=row["unbalanced"],
            )
            for row in rows
        ]


class FileStore:
    """CDR files taken in."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def get(self, key: FileId) -> CdrFile:
        """Return one. Refuses with: NotFound."""
        found = await self.many([key])
        if key not in found:
            raise NotFound("no file {key}", key=key, field="file")
        return found[key]

    async def many(self, keys: Sequence[FileId]) -> Mapping[FileId, CdrFile]:
        """Return those that exist."""
        rows = await self._connection.fetch(
            f"select {FILE} from cdr_file where operator = $1 and id = any ($2::bigint[])",  # noqa: S608  (our own words)
            *(self._operator, possible(keys)),
        )
        return {FileId(row["id"]): file_of(row) for row in rows}

    async def page(self, request: PageRequest) -> Page[CdrFile]:
        """List by key."""
        rows = await self._connection.fetch(
            f"select {FILE} from cdr_file where operator = $1 and id > $2 order by id limit $3",  # noqa: S608  (our own words)
            *(self._operator, request.after or 0, request.first + 1),
        )
        return Page.of([file_of(row) for row in rows], request)

    async def claim_content(self, file: CdrFile) -> CdrFile:
        """Return the file of this source with this content, locked; the given one, kept as new, where there is none."""
        row = await self._connection.fetchrow(
            "insert into cdr_file (operator, source, name, sha256, size, state, received_at)"  # noqa: S608  (our own words)
            f" values ($1, $2, $3, $4, $5, $6, $7) on conflict (operator, source, sha256)"
            f" where state <> 'withdrawn' do nothing returning {FILE}",
            *(self._operator, file.source, file.name, file.sha256, file.size, file.state.value, file.received_at),
        )
        if row is None:
            row = await self._connection.fetchrow(
                f"select {FILE} from cdr_file where operator = $1 and source = $2 and sha256 = $3"  # noqa: S608  (our own words)
                " and state <> 'withdrawn' for no key update",
                *(self._operator, file.source, file.sha256),
            )
        return file_of(row)

    async def charged_elsewhere(self, file: CdrFile) -> CdrFile | None:
        """Return a file of another source with the same content of which something is rated."""
        row = await self._connection.fetchrow(
            f"select {FILE} from cdr_file where operator = $1 and sha256 = $2 and source <> $3 and rated > 0"  # noqa: S608  (our own words)
            " order by id limit 1",
            *(self._operator, file.sha256, file.source),
        )
        return file_of(row) if row else None

    async def claim(self, key: FileId) -> CdrFile:
        """Return one locked until the unit ends. Refuses with: NotFound.

        The lock leaves room for those who write rows that refer to the file: the next chunk is written beside.
        """
        row = await self._connection.fetchrow(
            f"select {FILE} from cdr_file where operator = $1 and id = $2 for no key update",  # noqa: S608  (our own words)
            *(self._operator, key),
        )
        if row is None:
            raise NotFound("no file {key}", key=key, field="file")
        return file_of(row)

    async def keep(self, file: CdrFile) -> None:
        """Write the counts, position and state."""
        told = [file.state.value, file.finished_at, file.position, file.fault, file.profile_version]
        told += [getattr(file, name) for name in _COUNTS]
        sets = ", ".join(f"{name} = ${place}" for place, name in enumerate(_CHANGED, 3))
        await self._connection.execute(
            f"update cdr_file set {sets} where operator = $1 and id = $2",  # noqa: S608  (our own words)
            *(self._operator, file.id, *told, json.dumps(dict(file.ignored)), json.dumps(dict(file.warnings))),
        )


class SuspenseStore:
    """Records that are not rated."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def get(self, key: SuspenseId) -> Suspended:
        """Return an open one. Refuses with: NotFound."""
        row = await self._connection.fetchrow(
            f"select {_SUSPENSE} from suspense where operator = $1 and id = $2 and resolved_at is null",  # noqa: S608  (our own words)
            *(self._operator, int(key)),
        )
        if row is None:
            raise NotFound("no record {key} is held", key=key, field="id")
        return suspended_of(row)

    async def named(self, start_us: int, keys: Sequence[int]) -> Suspended | None:
        """Return the open unrated event of any source that starts then and has one of these keys."""
        row = await self._connection.fetchrow(
            f"select {_SUSPENSE} from suspense where operator = $1 and kind = 'unrated' and resolved_at is null"  # noqa: S608  (our own words)
            " and source in (select id from source where operator = $1)"
            " and start = to_timestamp(0) + $2::bigint * interval '1 microsecond' and key = any($3) limit 1",
            *(self._operator, start_us, list(keys)),
        )
        return None if row is None else suspended_of(row)

    async def page(
        self, request: PageRequest, *, reason: str | None = None, file: FileId | None = None
    ) -> Page[Suspended]:
        """List the open ones by key."""
        rows = await self._connection.fetch(
            f"select {_SUSPENSE} from suspense where operator = $1 and resolved_at is null and id > $2"  # noqa: S608  (our own words)
            " and ($3::text is null or reason = $3) and ($4::bigint is null or file = $4) order by id limit $5",
            *(self._operator, request.after or 0, reason, file, request.first + 1),
        )
        return Page.of([suspended_of(row) for row in rows], request)

    async def counts(self) -> Mapping[str, int]:
        """Return how many are open per reason."""
        rows = await self._connection.fetch(
            "select reason, count(*) from suspense where operator = $1 and resolved_at is null group by reason"
            " order by reason",
            self._operator,
        )
        return {row["reason"]: row["count"] for row in rows}

"""The work on records in suspense, in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from domain.access.actor import Actor
from domain.ids import FileId, SuspenseId
from domain.mediation.files import Suspended
from domain.mediation.suspense import Correction, OnDesk, SuspenseAction, SuspenseChange, SuspenseFilter
from domain.ports.page import Page, PageRequest
from persistence.engine import Transaction
from persistence.files import suspended_of
from persistence.violations import possible

COLUMNS: Final = (
    "id, operator, source, file, kind, record, byte_offset, reason, detail, raw, event, start, created_at, correction"
)
HISTORY_MAX: Final = 1000


class SuspenseDeskStore:
    """Keeps ``domain.ports.suspense.SuspenseDesk``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)
        self._client = actor.client

    def _chosen(self, chosen: SuspenseFilter) -> tuple[str, list[Any]]:
        """Return the conditions of a filter and their arguments."""
        conditions, arguments = "operator = $1 and resolved_at is null", [self._operator]
        wanted: list[tuple[str, Any]] = [
            ("source = {}", chosen.source),
            ("file = {}", chosen.file),
            ("reason = {}", chosen.reason),
            ("kind = {}", chosen.kind.value if chosen.kind is not None else None),
            ("coalesce(start, created_at) >= {}", chosen.since),
            ("coalesce(start, created_at) < {}", chosen.until),
            ("(raw ilike {0} or detail ilike {0} or event::text ilike {0})", _like(chosen.text)),
            ("id = any ({}::bigint[])", None if chosen.ids is None else possible(chosen.ids)),
        ]
        for condition, value in wanted:
            if value is not None:
                arguments.append(value)
                conditions += " and " + condition.format(f"${len(arguments)}")
        return conditions, arguments

    async def page(self, request: PageRequest, chosen: SuspenseFilter) -> Page[Suspended]:
        """List open ones by key."""
        conditions, arguments = self._chosen(chosen)
        arguments += [request.after or 0]
        rows = await self._connection.fetch(
            f"select {COLUMNS} from suspense where {conditions} and id > ${len(arguments)}"  # noqa: S608  (our own words)
            f" order by id limit {int(request.first) + 1}",
            *arguments,
        )
        return Page.of([suspended_of(row) for row in rows], request)

    async def counts(self, chosen: SuspenseFilter) -> Mapping[str, int]:
        """Return how many are open per reason."""
        conditions, arguments = self._chosen(chosen)
        rows = await self._connection.fetch(
            f"select reason, count(*) from suspense where {conditions} group by reason order by reason",  # noqa: S608  (our own words)
            *arguments,
        )
        return {row["reason"]: row["count"] for row in rows}

    async def claim(self, keys: Collection[SuspenseId]) -> Sequence[OnDesk]:
        """Return those that are open, locked, by key."""
        rows = await self._connection.fetch(
            f"select {COLUMNS} from suspense where operator = $1 and id = any ($2::bigint[]) and resolved_at is null"  # noqa: S608  (our own words)
            " order by id for update",
            *(self._operator, possible(list(keys))),
        )
        return [OnDesk(record=suspended_of(row), correction=correction_of(row["correction"])) for row in rows]

    async def correct(self, key: SuspenseId, correction: Correction) -> None:
        """Keep with what a record is to be released."""
        await self._connection.execute(
            "update suspense set correction = $3::jsonb where operator = $1 and id = $2",
            *(self._operator, key, json.dumps({"raw": correction.raw, "fields": dict(correction.fields)})),
        )

    async def leave(self, keys: Collection[SuspenseId], resolution: str) -> None:
        """Resolve: ``released``, ``discarded`` or ``withdrawn``."""
        await self._connection.execute(
            "update suspense set resolved_at = now(), resolution = $3 where operator = $1 and id = any ($2::bigint[])",
            *(self._operator, list(keys), resolution),
        )

    async def stay(self, key: SuspenseId, row: Mapping[str, Any]) -> None:
        """Let a resolved record stay open after all, as a row of ``domain.intake.rows.SUSPENDED`` says."""
        await self._connection.execute(
            "update suspense set resolved_at = null, resolution = null, kind = $3, reason = $4, detail = $5,"
            " event = $6::jsonb, start = $7, key = $8, content = $9 where operator = $1 and id = $2",
            *(self._operator, key),
            *(row[name] for name in ("kind", "reason", "detail", "event", "start", "key", "content")),
        )

    async def note(
        self, records: Sequence[OnDesk], action: SuspenseAction, why: str, reasons: Mapping[SuspenseId, str]
    ) -> None:
        """Add to the history of records, as they were before. ``reasons``: why some failed again."""
        await self._connection.executemany(
            "insert into suspense_change (operator, suspense, action, client, why, before, reason)"
            " values ($1, $2, $3, $4, $5, $6::jsonb, $7)",
            [
                (
                    *(self._operator, one.record.id, action.value, self._client, why),
                    *(json.dumps(told_before(one)), reasons.get(one.record.id)),
                )
                for one in records
            ],
        )

    async def history(self, key: SuspenseId) -> Sequence[SuspenseChange]:
        """Return what was done to a record, oldest first; also of one that has left."""
        rows = await self._connection.fetch(
            "select * from suspense_change where operator = $1 and suspense = any ($2::bigint[]) order by id limit $3",
            *(self._operator, possible([key]), HISTORY_MAX),
        )
        return [
            SuspenseChange(
                suspense=SuspenseId(row["suspense"]),
                action=SuspenseAction(row["action"]),
                before=json.loads(row["before"]),
                **{name: row[name] for name in ("client", "why", "reason", "created_at")},
            )
            for row in rows
        ]

    async def open_of(self, file: FileId) -> Sequence[SuspenseId]:
        """Return the open ones of a file."""
        rows = await self._connection.fetch(
            "select id from suspense where operator = $1 and file = $2 and resolved_at is null order by id",
            *(self._operator, file),
        )
        return [SuspenseId(row["id"]) for row in rows]


def correction_of(data: str | None) -> Correction | None:
    """Make the correction of a row."""
    if data is None:
        return None
    told = json.loads(data)
    return Correction(raw=told["raw"], fields=told["fields"])


def told_before(one: OnDesk) -> dict[str, Any]:
    """Return what a record was as JSON data."""
    record = one.record
    found: dict[str, Any] = {name: getattr(record, name) for name in ("reason", "detail", "raw", "event")}
    if one.correction is not None:
        found["correction"] = {"raw": one.correction.raw, "fields": dict(one.correction.fields)}
    return found


def _like(text: str | None) -> str | None:
    if text is None:
        return None
    quoted = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{quoted}%"

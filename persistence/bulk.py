"""Bulk imports and the external ids of their rows in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from domain.access.actor import Actor
from domain.bulk.run import BulkFault, BulkImport, BulkMode, BulkState
from domain.bulk.sheet import SheetKind
from domain.ids import BulkImportId, OperatorId, ResellerId
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound
from persistence.engine import Transaction
from persistence.violations import beyond, possible, refusing

_IMPORT: Final = (
    "operator, id, reseller, kind, name, mode, preview, client, state, rows, seen, created, unchanged, faulty, fault,"
    " created_at, finished_at"
)


def import_of(row: Mapping[str, Any]) -> BulkImport:
    """Make the import of a row."""
    fields = dict(row)
    fields |= {
        "id": BulkImportId(row["id"]),
        "operator": OperatorId(row["operator"]),
        "reseller": None if row["reseller"] is None else ResellerId(row["reseller"]),
        "kind": SheetKind(row["kind"]),
        "mode": BulkMode(row["mode"]),
        "state": BulkState(row["state"]),
    }
    return BulkImport(**fields)


class BulkStore:
    """Keeps ``domain.ports.bulk.Bulk``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)
        self._owner = int(actor.reseller or 0)

    async def add(self, new: BulkImport, content: bytes) -> BulkImport:
        """Keep a new one with its bytes."""
        row = await self._connection.fetchrow(
            "insert into bulk_import (operator, reseller, kind, name, mode, preview, client, created_at, content)"  # noqa: S608  (our own words)
            f" values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning {_IMPORT}",
            *(self._operator, new.reseller, new.kind.value, new.name, new.mode.value, new.preview, new.client),
            *(new.created_at, content),
        )
        return import_of(row)

    async def get(self, key: BulkImportId) -> BulkImport:
        """Return one. Refuses with: NotFound."""
        row = await self._connection.fetchrow(
            f"select {_IMPORT} from bulk_import where operator = $1 and id = $2",  # noqa: S608  (our own words)
            *(self._operator, beyond(key)),
        )
        if row is None:
            raise NotFound("no import {key}", key=key, field="import")
        return import_of(row)

    async def content(self, key: BulkImportId) -> bytes:
        """Return its bytes. Refuses with: NotFound."""
        found = await self._connection.fetchval(
            "select content from bulk_import where operator = $1 and id = $2", self._operator, beyond(key)
        )
        if found is None:
            raise NotFound("no import {key}, or it has ended", key=key, field="import")
        return bytes(found)

    async def page(self, request: PageRequest) -> Page[BulkImport]:
        """List by key."""
        rows = await self._connection.fetch(
            f"select {_IMPORT} from bulk_import where operator = $1 and id > $2 order by id limit $3",  # noqa: S608  (our own words)
            *(self._operator, beyond(request.after), request.first + 1),
        )
        return Page.of([import_of(row) for row in rows], request)

    async def progress(self, key: BulkImportId, *, rows: int | None, seen: int) -> None:
        """Say how far it is, where it has not ended."""
        await self._connection.execute(
            "update bulk_import set state = 'running', rows = $3, seen = $4"
            " where operator = $1 and id = $2 and finished_at is null",
            *(self._operator, key, rows, seen),
        )

    async def finish(self, done: BulkImport, faults: Iterable[BulkFault], *, at: datetime) -> BulkImport:
        """Write its end with its faults, and forget its bytes."""
        await self._connection.execute(
            "delete from bulk_fault where operator = $1 and import = $2", self._operator, done.id
        )
        await self._connection.executemany(
            "insert into bulk_fault (operator, import, position, row, field, code, message)"
            " values ($1, $2, $3, $4, $5, $6, $7)",
            [
                (self._operator, done.id, position, one.row, one.field, one.code, one.message)
                for position, one in enumerate(faults, 1)
            ],
        )
        row = await self._connection.fetchrow(
            "update bulk_import set state = $3, rows = $4, seen = $5, created = $6, unchanged = $7, faulty = $8,"  # noqa: S608  (our own words)
            f" fault = $9, finished_at = $10, content = null where operator = $1 and id = $2 returning {_IMPORT}",
            *(self._operator, done.id, done.state.value, done.rows, done.seen, done.created, done.unchanged),
            *(done.faulty, done.fault, at),
        )
        return import_of(row)

    async def faults(self, key: BulkImportId, request: PageRequest) -> Page[BulkFault]:
        """List its faults in their order. Refuses with: NotFound."""
        await self.get(key)
        rows = await self._connection.fetch(
            "select row, field, code, message from bulk_fault where operator = $1 and import = $2 and position > $3"
            " order by position limit $4",
            *(self._operator, key, beyond(request.after), request.first + 1),
        )
        return Page.of([BulkFault(**dict(row)) for row in rows], request)

    async def keys(self, kind: SheetKind, names: Sequence[str]) -> Mapping[str, tuple[int, bytes]]:
        """Return what the caller's external ids stand for, each with the content it came with."""
        rows = await self._connection.fetch(
            "select key, id, content from bulk_key where operator = $1 and owner = $2 and kind = $3 and key = any ($4)",
            *(self._operator, self._owner, kind.value, list(names)),
        )
        return {row["key"]: (row["id"], bytes(row["content"])) for row in rows}

    async def names(self, kind: SheetKind, keys: Sequence[int]) -> Mapping[int, str]:
        """Return the external ids of things, as the caller gave them."""
        rows = await self._connection.fetch(
            "select id, key from bulk_key where operator = $1 and owner = $2 and kind = $3 and id = any ($4)"
            " order by key desc",
            *(self._operator, self._owner, kind.value, possible(keys)),
        )
        return {row["id"]: row["key"] for row in rows}

    async def put_keys(self, kind: SheetKind, found: Mapping[str, tuple[int, bytes]]) -> None:
        """Keep external ids. Refuses with: Conflict (somebody took one at the same time)."""
        if not found:
            return
        taken = Conflict("another import takes the same rows at this moment; try again", field="externalId")
        with refusing({"bulk_key_pkey": taken}):
            await self._connection.execute(
                "insert into bulk_key (operator, owner, kind, key, id, content)"
                " select $1, $2, $3, k.key, k.id, k.content from unnest($4::text[], $5::bigint[], $6::bytea[])"
                " as k (key, id, content)",
                *(self._operator, self._owner, kind.value, list(found)),
                [one for one, _ in found.values()],
                [content for _, content in found.values()],
            )

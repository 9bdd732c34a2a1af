"""Bulk imports and the external ids of their rows in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from domain.bulk.run import BulkFault, BulkImport, BulkState
from domain.bulk.sheet import SheetKind
from domain.ids import BulkImportId
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound
from persistence.memory import Draft, page_of


class MemoryBulk:
    """Keeps ``domain.ports.bulk.Bulk``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _place(self, kind: SheetKind, name: str) -> tuple[int, int, SheetKind, str]:
        actor = self._draft.actor
        return actor.operator, actor.reseller or 0, kind, name

    async def add(self, new: BulkImport, content: bytes) -> BulkImport:
        """Keep a new one with its bytes."""
        kept = replace(new, id=BulkImportId(self._draft.draw("bulk_import")))
        self._draft.table("bulk_import")[kept.id] = kept
        self._draft.table("bulk_content")[kept.id] = content
        return kept

    async def get(self, key: BulkImportId) -> BulkImport:
        """Return one. Refuses with: NotFound."""
        for one in self._draft.seen("bulk_import", lambda one: one.id == key):
            return one  # type: ignore[no-any-return]  # rows of a table are Any
        raise NotFound("no import {key}", key=key, field="import")

    async def content(self, key: BulkImportId) -> bytes:
        """Return its bytes. Refuses with: NotFound."""
        await self.get(key)
        if key not in self._draft.table("bulk_content"):
            raise NotFound("no import {key}, or it has ended", key=key, field="import")
        return bytes(self._draft.table("bulk_content")[key])

    async def page(self, request: PageRequest) -> Page[BulkImport]:
        """List by key."""
        return page_of(self._draft.seen("bulk_import"), request, lambda one: one.id)

    async def progress(self, key: BulkImportId, *, rows: int | None, seen: int) -> None:
        """Say how far it is, where it has not ended."""
        before = await self.get(key)
        if before.finished_at is None:
            now = replace(before, state=BulkState.RUNNING, rows=rows, seen=seen)
            self._draft.table("bulk_import")[key] = now

    async def finish(self, done: BulkImport, faults: Iterable[BulkFault], *, at: datetime) -> BulkImport:
        """Write its end with its faults, and forget its bytes."""
        kept = replace(done, finished_at=at)
        self._draft.table("bulk_import")[done.id] = kept
        self._draft.table("bulk_fault")[done.id] = tuple(faults)
        self._draft.table("bulk_content").pop(done.id, None)
        return kept

    async def faults(self, key: BulkImportId, request: PageRequest) -> Page[BulkFault]:
        """List its faults in their order. Refuses with: NotFound."""
        await self.get(key)
        after = request.after or 0
        found = self._draft.table("bulk_fault").get(key, ())
        return Page.of(found[after : after + request.first + 1], request)

    async def keys(self, kind: SheetKind, names: Sequence[str]) -> Mapping[str, tuple[int, bytes]]:
        """Return what the caller's external ids stand for, each with the content it came with."""
        rows = self._draft.table("bulk_key")
        return {name: rows[place] for name in names if (place := self._place(kind, name)) in rows}

    async def names(self, kind: SheetKind, keys: Sequence[int]) -> Mapping[int, str]:
        """Return the external ids of things, as the caller gave them."""
        actor = self._draft.actor
        own = (actor.operator, actor.reseller or 0, kind)
        rows = sorted(self._draft.table("bulk_key").items(), key=lambda row: row[0][3], reverse=True)
        return {one: place[3] for place, (one, _) in rows if place[:3] == own and one in set(keys)}

    async def put_keys(self, kind: SheetKind, found: Mapping[str, tuple[int, bytes]]) -> None:
        """Keep external ids. Refuses with: Conflict (somebody took one at the same time)."""
        rows = self._draft.table("bulk_key")
        for name, one in found.items():
            if self._place(kind, name) in rows:
                raise Conflict("another import takes the same rows at this moment; try again", field="externalId")
            rows[self._place(kind, name)] = one

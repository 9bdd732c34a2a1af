"""Stores of bulk imports, and of the external ids that their rows are known by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from domain.bulk.run import BulkFault, BulkImport
from domain.bulk.sheet import SheetKind
from domain.ids import BulkImportId
from domain.ports.page import Page, PageRequest


class Bulk(Protocol):
    """The imports that the unit's caller may see, and the external ids of his own rows."""

    async def add(self, new: BulkImport, content: bytes) -> BulkImport:
        """Keep a new one (its ``id`` is 0) with its bytes."""
        ...

    async def get(self, key: BulkImportId) -> BulkImport:
        """Return one. Refuses with: NotFound."""
        ...

    async def content(self, key: BulkImportId) -> bytes:
        """Return its bytes; none once it has ended. Refuses with: NotFound."""
        ...

    async def page(self, request: PageRequest) -> Page[BulkImport]:
        """List by key."""
        ...

    async def progress(self, key: BulkImportId, *, rows: int | None, seen: int) -> None:
        """Say how far it is, where it has not ended."""
        ...

    async def finish(self, done: BulkImport, faults: Iterable[BulkFault], *, at: datetime) -> BulkImport:
        """Write its end with its faults, and forget its bytes."""
        ...

    async def faults(self, key: BulkImportId, request: PageRequest) -> Page[BulkFault]:
        """List its faults in their order, by position from 1. Refuses with: NotFound."""
        ...

    async def keys(self, kind: SheetKind, names: Sequence[str]) -> Mapping[str, tuple[int, bytes]]:
        """Return what the caller's external ids stand for, each with the content it came with."""
        ...

    async def names(self, kind: SheetKind, keys: Sequence[int]) -> Mapping[int, str]:
        """Return the external ids of things that the caller may see."""
        ...

    async def put_keys(self, kind: SheetKind, found: Mapping[str, tuple[int, bytes]]) -> None:
        """Keep external ids. Refuses with: Conflict (somebody took one at the same time)."""
        ...

"""The store behind the work on records in suspense."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from domain.ids import FileId, SuspenseId
from domain.mediation.files import Suspended
from domain.mediation.suspense import Correction, OnDesk, SuspenseAction, SuspenseChange, SuspenseFilter
from domain.ports.page import Page, PageRequest


class SuspenseDesk(Protocol):
    """Open records of the unit's operator, and what was done to those that were."""

    async def page(self, request: PageRequest, chosen: SuspenseFilter) -> Page[Suspended]:
        """List open ones by key."""
        ...

    async def counts(self, chosen: SuspenseFilter) -> Mapping[str, int]:
        """Return how many are open per reason."""
        ...

    async def claim(self, keys: Collection[SuspenseId]) -> Sequence[OnDesk]:
        """Return those that are open, locked, by key."""
        ...

    async def correct(self, key: SuspenseId, correction: Correction) -> None:
        """Keep with what a record is to be released."""
        ...

    async def leave(self, keys: Collection[SuspenseId], resolution: str) -> None:
        """Resolve: ``released``, ``discarded`` or ``withdrawn``."""
        ...

    async def stay(self, key: SuspenseId, row: Mapping[str, Any]) -> None:
        """Let a resolved record stay open after all, as a row of ``domain.intake.rows.SUSPENDED`` says."""
        ...

    async def note(
        self, records: Sequence[OnDesk], action: SuspenseAction, why: str, reasons: Mapping[SuspenseId, str]
    ) -> None:
        """Add to the history of records, as they were before. ``reasons``: why some failed again."""
        ...

    async def history(self, key: SuspenseId) -> Sequence[SuspenseChange]:
        """Return what was done to a record, oldest first; also of one that has left."""
        ...

    async def open_of(self, file: FileId) -> Sequence[SuspenseId]:
        """Return the open ones of a file."""
        ...

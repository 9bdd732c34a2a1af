"""The store of drafts of the catalogue."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from domain.catalogue.draft import Changes, Draft
from domain.ports.page import Page, PageRequest


class Drafts(Protocol):
    """The operator's drafts. Of one name one is open at a time; what was published or discarded stays as it was."""

    async def open(self, name: str) -> Draft | None:
        """Return the open draft of this name with its changes, held until the unit ends; None: there is none."""
        ...

    async def latest(self, name: str) -> Draft:
        """Return the draft of this name that was made last, whatever became of it. Refuses with: NotFound."""
        ...

    async def list(self, request: PageRequest) -> Page[Draft]:
        """List drafts by key, without their changes."""
        ...

    async def add(self, name: str, *, at: datetime) -> Draft:
        """Keep a new, empty draft. Refuses with: Conflict (one of this name is open)."""
        ...

    async def put(
        self, draft: Draft, changes: Changes, *, withdraw: Collection[tuple[str, str]] = (), at: datetime
    ) -> Draft:
        """Withdraw (part, name), then lay changes over those of an open draft, and return it as it is now."""
        ...

    async def close(self, draft: Draft) -> None:
        """Keep that an open draft is published or discarded."""
        ...

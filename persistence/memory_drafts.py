"""Drafts of the catalogue in memory."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from domain.catalogue.draft import Changes, Draft, DraftState
from domain.ids import OperatorId
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound
from persistence.memory import Draft as Work
from persistence.memory import page_of


class MemoryDrafts:
    """Keeps ``domain.ports.drafts.Drafts``."""

    def __init__(self, work: Work) -> None:
        self._work = work

    @property
    def _rows(self) -> dict[tuple[OperatorId, int], Draft]:
        return self._work.table("catalogue_draft")

    def _own(self) -> list[Draft]:
        operator = self._work.actor.operator
        return sorted((row for (owner, _), row in self._rows.items() if owner == operator), key=lambda row: row.id)

    async def open(self, name: str) -> Draft | None:
        """Return the open draft of this name with its changes; None: there is none."""
        found = [row for row in self._own() if row.name == name and row.state is DraftState.OPEN]
        return found[0] if found else None

    async def latest(self, name: str) -> Draft:
        """Return the draft of this name that was made last, whatever became of it. Refuses with: NotFound."""
        found = [row for row in self._own() if row.name == name]
        if not found:
            raise NotFound("no draft {name!r}", name=name, field="name")
        return found[-1]

    async def list(self, request: PageRequest) -> Page[Draft]:
        """List drafts by key, without their changes."""
        return page_of([replace(row, changes={}) for row in self._own()], request, lambda row: row.id)

    async def add(self, name: str, *, at: datetime) -> Draft:
        """Keep a new, empty draft. Refuses with: Conflict (one of this name is open)."""
        if await self.open(name) is not None:
            raise Conflict("a draft {name!r} is open already", name=name, field="name")
        made = Draft(id=self._work.draw("catalogue_draft"), name=name, created_at=at, changed_at=at)
        self._rows[self._work.actor.operator, made.id] = made
        return made

    async def put(
        self, draft: Draft, changes: Changes, *, withdraw: Collection[tuple[str, str]] = (), at: datetime
    ) -> Draft:
        """Withdraw (part, name), then lay changes over those of an open draft, and return it as it is now."""
        assert draft.state is DraftState.OPEN, "a closed draft is never edited"
        parts = {part: dict(named) for part, named in draft.changes.items()}
        for part, name in withdraw:
            parts.get(part, {}).pop(name, None)
        for part, named in changes.items():
            parts.setdefault(part, {}).update(json.loads(json.dumps(dict(named))))
        full = {part: dict(sorted(named.items())) for part, named in sorted(parts.items()) if named}
        kept = replace(draft, changes=full, version=draft.version + 1, changed_at=at)
        self._rows[self._work.actor.operator, kept.id] = kept
        return kept

    async def close(self, draft: Draft) -> None:
        """Keep that an open draft is published or discarded."""
        self._rows[self._work.actor.operator, draft.id] = draft

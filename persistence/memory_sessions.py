"""Sessions whose parts come in several files, in memory."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime

import polars as pl

from domain.ids import FileId, SourceId
from domain.intake.joining import RATED, UNRATED, Identity
from domain.mediation.files import Suspended, SuspenseKind
from domain.mediation.held import Held, Told, read_part, reset_name, stored_part
from domain.ports.sessions import Undone
from domain.rating.clock import micros
from domain.rerating.columns import STORED
from domain.rerating.comparing import reversals
from persistence.memory import Draft
from persistence.memory_suspense import leave


class MemorySessions:
    """Keeps ``domain.ports.sessions.Sessions``. A row is JSON text, so that nobody changes what is kept."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._operator = int(draft.actor.operator)

    def _own(self, source: SourceId) -> dict[str, tuple[Held, datetime]]:
        rows = self._draft.table("session")
        return {
            name: (_held(name, text), touched)
            for (operator, of, name), (text, touched) in sorted(rows.items())
            if (operator, of) == (self._operator, int(source))
        }

    async def lock(self, source: SourceId) -> None:
        """Do nothing: the unit has everything locked."""

    async def load(self, source: SourceId, names: Collection[str]) -> dict[str, Held]:
        """Return those that are there."""
        return {name: held for name, (held, _) in self._own(source).items() if name in names}

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
        own = self._own(source)
        found = []
        for name, (held, touched) in own.items():
            restart = own.get(reset_name(held.scope)) if held.scope else None
            cut = restart is not None and restart[0].ended >= held.ended > 0
            over = touched >= touched_since and 0 < held.ended < micros(ended_before)
            old = touched < touched_before or over
            if held.open and name > after and (old or cut):
                found.append(name)
        return found[:first]

    async def of_file(self, source: SourceId, file: FileId) -> Sequence[str]:
        """Return those with a part of a file."""
        return [
            name for name, (held, _) in self._own(source).items() if any(part["_file"] == file for part in held.parts)
        ]

    async def keep(self, source: SourceId, held: Collection[Held], touched_at: datetime) -> None:
        """Write them; one without parts goes."""
        rows = self._draft.table("session")
        for one in held:
            key = (self._operator, int(source), one.name)
            if not one.parts:
                rows.pop(key, None)
                continue
            parts = [stored_part(part) for part in one.parts]
            text = json.dumps({"scope": one.scope, "parts": parts, "told": [asdict(told) for told in one.told]})
            rows[key] = (text, touched_at)

    async def undo(self, source: SourceId, identities: Collection[Identity]) -> Undone:
        """Return what takes events back that are rated, and resolve those in suspense as superseded."""
        usage, kept = self._draft.table("usage"), self._draft.table("usage_kept")
        rated = [place for place in sorted(usage) if place[1] == source and (place[0], place[2]) in identities]
        rows = [kept[place].row | {"start": place[0], "source": place[1]} for place in rated]
        frame = pl.DataFrame([[row[name] for name in STORED.names()] for row in rows], schema=STORED, orient="row")
        statuses: dict[Identity, str] = {(start, key): RATED for start, _, key in rated}
        for key, row in list(self._draft.table("suspense").items()):
            one: Suspended = row
            if one.source != source or one.kind is not SuspenseKind.UNRATED or one.start is None:
                continue
            identity = (micros(one.start), self._draft.table("suspense_told")[key]["key"])
            if identity in identities:
                statuses[identity] = UNRATED
                leave(self._draft, one, "superseded")
        return Undone(reversals(frame), statuses)

    async def drop(self, source: SourceId, places: Collection[tuple[int, int]]) -> Collection[tuple[int, int]]:
        """Resolve rejects as superseded, by file and record; return those that were open."""
        found = set()
        for row in list(self._draft.table("suspense").values()):
            one: Suspended = row
            if one.source == source and one.kind is SuspenseKind.REJECT and (one.file, one.record) in places:
                found.add((int(one.file), one.record))
                leave(self._draft, one, "superseded")
        return found

    async def forget(self, source: SourceId, *, touched_before: datetime) -> int:
        """Remove those of which nothing is expected any more; return how many."""
        gone = [
            name for name, (held, touched) in self._own(source).items() if not held.open and touched < touched_before
        ]
        for name in gone:
            del self._draft.table("session")[self._operator, int(source), name]
        return len(gone)


def _held(name: str, text: str) -> Held:
    data = json.loads(text)
    return Held(
        name=name,
        scope=data["scope"],
        parts=[read_part(part) for part in data["parts"]],
        told=[Told(**told) for told in data["told"]],
        stored=True,
    )

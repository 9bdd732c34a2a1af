"""Sources, CDR files and records in suspense in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from domain.ids import FileId, SourceId, SuspenseId
from domain.mediation.files import CdrFile, FileState, Source, SourceBalance, SourceVersion, Suspended
from domain.mediation.identity import event_keys
from domain.ports.page import Page, PageRequest
from domain.rating.clock import EPOCH, micros
from domain.refusal import NotFound
from persistence.files import BALANCED
from persistence.memory import Draft, page_of


class MemorySources:
    """Keeps ``domain.ports.files.Sources``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def by_name(self, name: str) -> Source:
        """Return one. Refuses with: NotFound."""
        for one in await self.all():
            if one.name == name:
                return one
        raise NotFound("no source {name!r}", name=name[:80], field="source")

    async def all(self) -> Sequence[Source]:
        """Return them by name."""
        rows: list[Source] = list(self._draft.table("source").values())
        return sorted((one for one in rows if one.operator == self._draft.actor.operator), key=lambda one: one.name)

    async def many(self, keys: Sequence[SourceId]) -> Mapping[SourceId, Source]:
        """Return those that exist."""
        return {one.id: one for one in await self.all() if one.id in set(keys)}

    async def put(self, source: Source, *, note: str | None = None) -> Source:
        """Keep a new one, or a new version of the one with this name where the profile differs."""
        known = next((one for one in await self.all() if one.name == source.name), None)
        if known is None:
            kept = replace(source, id=SourceId(self._draft.draw("source")), version=1)
        else:
            kept = replace(known, profile=source.profile, version=known.version + (known.profile != source.profile))
        self._draft.table("source")[kept.id] = kept
        self._draft.table("source_version").setdefault(
            (kept.id, kept.version),
            SourceVersion(
                source=kept.id,
                version=kept.version,
                profile=kept.profile,
                client=self._draft.actor.client,
                note=note,
                created_at=EPOCH,  # nothing here is told the time
            ),
        )
        return kept

    async def versions(self, key: SourceId) -> Sequence[SourceVersion]:
        """Return every profile that a source had, the latest first."""
        if key not in await self.many([key]):
            return []
        rows = self._draft.table("source_version")
        return [rows[place] for place in sorted(rows, reverse=True) if place[0] == key]

    async def balances(self) -> Sequence[SourceBalance]:
        """Add up the files of each source, by its name."""
        files, held = self._draft.table("cdr_file").values(), self._draft.table("suspense").values()
        found = []
        for one in await self.all():
            mine = [file for file in files if file.source == one.id]
            ignored = sum((Counter(file.ignored) for file in mine), Counter[str]())
            counts = {name: sum(getattr(file, name) for file in mine) for name in BALANCED}
            waiting = sum(row.source == one.id for row in held)
            unbalanced = sum(
                not file.balances() or sum(row.file == file.id for row in held) != file.rejects + file.unrated
                for file in mine
            )
            found.append(
                SourceBalance(
                    source=one.id, counts=counts, ignored=dict(ignored), suspense=waiting, unbalanced=unbalanced
                )
            )
        return found


class MemoryFiles:
    """Keeps ``domain.ports.files.Files``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _own(self) -> list[CdrFile]:
        rows = self._draft.table("cdr_file")
        return [rows[key] for key in sorted(rows) if rows[key].operator == self._draft.actor.operator]

    async def get(self, key: FileId) -> CdrFile:
        """Return one. Refuses with: NotFound."""
        found = await self.many([key])
        if key not in found:
            raise NotFound("no file {key}", key=key, field="file")
        return found[key]

    async def many(self, keys: Sequence[FileId]) -> Mapping[FileId, CdrFile]:
        """Return those that exist."""
        return {one.id: one for one in self._own() if one.id in set(keys)}

    async def page(self, request: PageRequest) -> Page[CdrFile]:
        """List by key."""
        return page_of(self._own(), request, lambda one: one.id)

    async def claim_content(self, file: CdrFile) -> CdrFile:
        """Return the file of this source with this content; the given one, kept as new, where there is none."""
        for one in self._own():
            if (one.source, one.sha256) == (file.source, file.sha256) and one.state is not FileState.WITHDRAWN:
                return one
        kept = replace(file, id=FileId(self._draft.draw("cdr_file")), operator=self._draft.actor.operator)
        self._draft.table("cdr_file")[kept.id] = kept
        return kept

    async def charged_elsewhere(self, file: CdrFile) -> CdrFile | None:
        """Return a file of another source with the same content of which something is rated."""
        same = (one for one in self._own() if one.sha256 == file.sha256 and one.source != file.source)
        return next((one for one in same if one.rated), None)

    async def claim(self, key: FileId) -> CdrFile:
        """Return one; the unit has everything locked. Refuses with: NotFound."""
        return await self.get(key)

    async def keep(self, file: CdrFile) -> None:
        """Write the counts, position and state."""
        self._draft.table("cdr_file")[file.id] = file


class MemorySuspense:
    """Keeps ``domain.ports.files.Suspense``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _own(self) -> list[Suspended]:
        rows = self._draft.table("suspense")
        return [rows[key] for key in sorted(rows) if rows[key].operator == self._draft.actor.operator]

    async def get(self, key: SuspenseId) -> Suspended:
        """Return an open one. Refuses with: NotFound."""
        for one in self._own():
            if one.id == key:
                return one
        raise NotFound("no record {key} is held", key=key, field="id")

    async def named(self, start_us: int, keys: Sequence[int]) -> Suspended | None:
        """Return the open unrated event of any source that starts then and has one of these keys."""
        return next((one for one in self._own() if self._is(one, start_us, keys)), None)

    @staticmethod
    def _is(one: Suspended, start_us: int, keys: Sequence[int]) -> bool:
        """Tell whether a record is the event that starts then and has one of these keys."""
        if one.event is None or one.start is None or micros(one.start) != start_us:
            return False
        frame = pl.DataFrame(
            {name: [one.event[name]] for name in ("source", "ref", "leg", "offset")} | {"start": [start_us]},
            schema={"source": pl.String, "ref": pl.String, "leg": pl.String, "offset": pl.Int64, "start": pl.Int64},
        )
        return int(event_keys(frame)[0]) in keys

    async def page(
        self, request: PageRequest, *, reason: str | None = None, file: FileId | None = None
    ) -> Page[Suspended]:
        """List the open ones by key."""
        chosen = [one for one in self._own() if reason in (None, one.reason) and file in (None, one.file)]
        return page_of(chosen, request, lambda one: one.id)

    async def counts(self) -> Mapping[str, int]:
        """Return how many are open per reason."""
        return dict(sorted(Counter(one.reason for one in self._own()).items()))

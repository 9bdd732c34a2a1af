"""The work on records in suspense, in memory. ``suspense`` holds the open ones, ``suspense_gone`` the others."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from domain.ids import FileId, SuspenseId
from domain.mediation.files import Suspended, SuspenseKind
from domain.mediation.suspense import Correction, OnDesk, SuspenseAction, SuspenseChange, SuspenseFilter
from domain.ports.page import Page, PageRequest
from domain.rating.clock import EPOCH, micros
from persistence.memory import Draft, page_of
from persistence.suspense import told_before


class MemorySuspenseDesk:
    """Keeps ``domain.ports.suspense.SuspenseDesk``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _own(self, chosen: SuspenseFilter) -> list[Suspended]:
        rows: dict[int, Suspended] = self._draft.table("suspense")
        own = self._draft.actor.operator
        return [rows[key] for key in sorted(rows) if rows[key].operator == own and _fits(rows[key], chosen)]

    async def page(self, request: PageRequest, chosen: SuspenseFilter) -> Page[Suspended]:
        """List open ones by key."""
        return page_of(self._own(chosen), request, lambda one: one.id)

    async def counts(self, chosen: SuspenseFilter) -> Mapping[str, int]:
        """Return how many are open per reason."""
        return dict(sorted(Counter(one.reason for one in self._own(chosen)).items()))

    async def claim(self, keys: Collection[SuspenseId]) -> Sequence[OnDesk]:
        """Return those that are open, by key."""
        corrections = self._draft.table("suspense_correction")
        found = self._own(SuspenseFilter(ids=tuple(keys)))
        return [OnDesk(record=one, correction=corrections.get(one.id)) for one in found]

    async def correct(self, key: SuspenseId, correction: Correction) -> None:
        """Keep with what a record is to be released."""
        self._draft.table("suspense_correction")[key] = correction

    async def leave(self, keys: Collection[SuspenseId], resolution: str) -> None:
        """Resolve: ``released``, ``discarded`` or ``withdrawn``."""
        for key in keys:
            leave(self._draft, self._draft.table("suspense")[key], resolution)

    async def stay(self, key: SuspenseId, row: Mapping[str, Any]) -> None:
        """Let a resolved record stay open after all, as a row of ``domain.intake.rows.SUSPENDED`` says."""
        one: Suspended = self._draft.table("suspense_gone").pop(key)[0]
        event = None if row["event"] is None else json.loads(row["event"])
        fields = {name: row[name] for name in ("reason", "detail", "start")}
        self._draft.table("suspense")[key] = replace(one, kind=SuspenseKind(row["kind"]), event=event, **fields)
        if row["kind"] == "unrated":
            place = (micros(row["start"]), int(one.source), row["key"])
            self._draft.table("suspense_kept")[place] = row["content"]
            self._draft.table("suspense_told")[key] = row

    async def note(
        self, records: Sequence[OnDesk], action: SuspenseAction, why: str, reasons: Mapping[SuspenseId, str]
    ) -> None:
        """Add to the history of records, as they were before. ``reasons``: why some failed again."""
        for one in records:
            number = self._draft.draw("suspense_change")
            self._draft.table("suspense_change")[number] = SuspenseChange(
                suspense=one.record.id,
                action=action,
                client=self._draft.actor.client,
                why=why,
                before=json.loads(json.dumps(told_before(one))),
                reason=reasons.get(one.record.id),
                created_at=EPOCH,  # nothing here is told the time
            )

    async def history(self, key: SuspenseId) -> Sequence[SuspenseChange]:
        """Return what was done to a record, oldest first; also of one that has left."""
        known = self._draft.table("suspense").get(key) or self._draft.table("suspense_gone").get(key, (None,))[0]
        if known is None or known.operator != self._draft.actor.operator:
            return []
        return [row for _, row in sorted(self._draft.table("suspense_change").items()) if row.suspense == key]

    async def open_of(self, file: FileId) -> Sequence[SuspenseId]:
        """Return the open ones of a file."""
        return [one.id for one in self._own(SuspenseFilter(file=file))]


def leave(draft: Draft, one: Suspended, resolution: str) -> None:
    """Resolve a record."""
    draft.table("suspense").pop(one.id)
    draft.table("suspense_gone")[one.id] = (one, resolution)
    if one.kind is SuspenseKind.UNRATED and one.start is not None:
        place = (micros(one.start), int(one.source), draft.table("suspense_told")[one.id]["key"])
        draft.table("suspense_kept").pop(place, None)


def _fits(one: Suspended, chosen: SuspenseFilter) -> bool:
    at = one.start or one.created_at
    texts = (one.raw, one.detail, json.dumps(one.event, ensure_ascii=False))
    return (
        chosen.source in (None, one.source)
        and chosen.file in (None, one.file)
        and chosen.reason in (None, one.reason)
        and chosen.kind in (None, one.kind)
        and (chosen.since is None or at >= chosen.since)
        and (chosen.until is None or at < chosen.until)
        and (chosen.text is None or any(chosen.text.lower() in text.lower() for text in texts))
        and (chosen.ids is None or one.id in chosen.ids)
    )

"""Records in suspense as somebody works on them: which are chosen, what is corrected, and what was done before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.ids import FileId, SourceId, SuspenseId
from domain.mediation.files import Suspended, SuspenseKind


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspenseFilter:
    """Open records; what is None does not matter.

    ``since`` and ``until`` bound the event's start, or when the record came in where it tells none. ``text`` stands
    somewhere in its raw line, its detail or its event, whatever the case.
    """

    source: SourceId | None = None
    file: FileId | None = None
    reason: str | None = None
    kind: SuspenseKind | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    ids: tuple[SuspenseId, ...] | None = None

    @property
    def empty(self) -> bool:
        """Whether everything is chosen."""
        return self == SuspenseFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """With what a record is released: another raw text, or other values of fields; the original stays as it is.

    ``fields``: of an unrated event, fields of the event; of a reject, columns of the record by the source's own names,
    or fields of the profile's map.
    """

    raw: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDesk:
    """An open record, locked, with its correction."""

    record: Suspended
    correction: Correction | None = None


class SuspenseAction(StrEnum):
    """What was done to a record."""

    CORRECT = "correct"
    RELEASE = "release"
    DISCARD = "discard"
    WITHDRAW = "withdraw"
    SUPERSEDE = "supersede"


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspenseChange:
    """One entry of a record's history: what was done by whom and why, and what the record was before.

    ``reason``: why a release failed again; None where the record left suspense, or was corrected.
    """

    suspense: SuspenseId
    action: SuspenseAction
    client: str
    why: str
    before: Mapping[str, object]
    reason: str | None
    created_at: datetime

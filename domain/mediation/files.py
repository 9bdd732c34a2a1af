"""What is known of a CDR file that was taken in, and of a record of it that is not rated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.ids import FileId, OperatorId, SourceId, SuspenseId


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A switch that CDR files come from. ``profile`` is the TOML text it is read by, or a shipped profile's name."""

    id: SourceId
    operator: OperatorId
    name: str
    profile: str
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceVersion:
    """A profile that a source has, or had: who put it, when, and why."""

    source: SourceId
    version: int
    profile: str
    client: str
    note: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceBalance:
    """Where the records of all files of a source went, and how many are open in suspense; names as in ``CdrFile``.

    ``unbalanced``: how many of its files do not balance by themselves, though together they may.
    """

    source: SourceId
    counts: Mapping[str, int]
    ignored: Mapping[str, int]
    suspense: int
    unbalanced: int = 0

    def holds(self) -> bool:
        """Tell whether every record ended in one place, and whether suspense holds what it should."""
        one = self.counts
        ends = ("events", "merged", "pending", "duplicates", "rejects")
        return (
            one["records"] == sum(one[name] for name in ends) + sum(self.ignored.values())
            and one["events"] == one["rated"] + one["unrated"]
            and self.suspense == one["rejects"] + one["unrated"]
            and not self.unbalanced
        )


class FileState(StrEnum):
    """Waiting for a worker → importing (a crash leaves it there; the next start continues) → done, or empty.

    An unreadable file is refused. A withdrawn one counts for nothing, and its bytes may come again.
    """

    WAITING = "waiting"
    IMPORTING = "importing"
    DONE = "done"
    EMPTY = "empty"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class CdrFile:
    """A file taken in once by its content. The counts hold for the chunks committed so far, up to ``position``.

    ``records = events + merged + pending + duplicates + rejects + ignored``; ``events = rated + unrated``.
    ``position`` is the byte offset in the decompressed content where an interrupted import continues. ``warnings``
    counts rated events that lack a level other than retail, as ``cost.no_rate``; ``fault`` says why it was refused;
    ``profile_version`` is the version of its source's profile that it was read with.
    """

    id: FileId
    operator: OperatorId
    source: SourceId
    name: str
    sha256: bytes
    size: int
    state: FileState
    received_at: datetime
    finished_at: datetime | None = None
    position: int = 0
    chunks: int = 0
    records: int = 0
    events: int = 0
    merged: int = 0
    pending: int = 0
    duplicates: int = 0
    rejects: int = 0
    ignored: Mapping[str, int] = field(default_factory=dict)
    rated: int = 0
    unrated: int = 0
    warnings: Mapping[str, int] = field(default_factory=dict)
    fault: str | None = None
    profile_version: int | None = None

    def balances(self) -> bool:
        """Tell whether every record of the committed chunks ended in exactly one place."""
        counted = self.events + self.merged + self.pending + self.duplicates + self.rejects + sum(self.ignored.values())
        return self.records == counted and self.events == self.rated + self.unrated


class SuspenseKind(StrEnum):
    """A reject is not a good record; an unrated event is good, but has no price."""

    REJECT = "reject"
    UNRATED = "unrated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspended:
    """A record that is not rated, with its one reason and its raw line."""

    id: SuspenseId
    operator: OperatorId
    source: SourceId
    file: FileId
    kind: SuspenseKind
    record: int
    byte_offset: int
    reason: str
    detail: str
    raw: str
    event: Mapping[str, object] | None = None
    start: datetime | None = None
    created_at: datetime

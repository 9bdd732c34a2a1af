"""A feed: a source's place, schedule and rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.commands import camel
from domain.feeds.schedule import check_schedule
from domain.ids import FeedId, OperatorId
from domain.refusal import BadValue
from domain.transports.names import check_pattern, check_sequence, safe
from domain.transports.place import CREDENTIALS, Place

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}", re.ASCII)
# Names under which programs write what is not finished: rsync and browsers, WinSCP, FileZilla, editors, our own.
TEMPORARY: Final = (".*", "*.tmp", "*.temp", "*.part", "*.partial", "*.filepart", "*.writing", "*.crdownload", "~*")
SECRET_MAX: Final = 20_000
PATTERNS_MAX: Final = 20


class Completeness(StrEnum):
    """How it is told that nobody writes a file any more."""

    STABLE = "stable"
    RENAME = "rename"
    END_MARKER = "end-marker"


class After(StrEnum):
    """What becomes of a file that is committed."""

    MOVE = "move"
    DELETE = "delete"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A secret: sealed here, or a reference to where it lies (``env:NAME``, ``file:NAME``). One of the two."""

    sealed: bytes | None = field(default=None, repr=False)
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Which files are fetched, when they are ready, what becomes of them, and what is watched.

    ``complete`` None: as the source's profile says (its ``end-marker`` is a record, which its reader looks for).
    ``marker``: what a ready file's companion is called, behind its name or in place of its extension. ``grows``: the
    file is appended to for ever, and each run takes its new whole lines. ``sequence``: where a name's number stands,
    as ``cdr_{seq}.csv``; after ``sequence_last`` it begins again. ``sequence_column``: a column of the profile's that
    counts records.
    """

    pattern: str = "*"
    ignored: tuple[str, ...] = TEMPORARY
    complete: Completeness | None = None
    stable_seconds: int = 60
    marker: str = ".done"
    grows: bool = False
    after: After = After.MOVE
    done_folder: str = "done"
    refused_folder: str = "refused"
    silent_after_minutes: int | None = None
    sequence: str | None = None
    sequence_last: int | None = None
    sequence_column: str | None = None
    watch_counts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed. ``source`` names the source that its files are of; ``schedule`` is read in the operator's zone."""

    id: FeedId
    operator: OperatorId
    name: str
    source: str
    place: Place
    credentials: Mapping[str, Credential] = field(default_factory=dict)
    schedule: str = "*/5 * * * *"
    active: bool = True
    rules: Rules = field(default_factory=Rules)
    version: int = 1
    created_at: datetime
    changed_at: datetime

    def about(self, credential: str) -> str:
        """Return what a sealed secret is bound to: it cannot be opened as another operator's, feed's or host's.

        A changed host therefore asks for the secret anew, so that nobody sends it where he likes.
        """
        place = self.place
        where = f"{place.protocol.value}:{place.host}:{place.port}:{place.user}:{place.bucket}:{place.endpoint or ''}"
        return f"{self.operator}:{self.name}:{where}:{credential}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a feed stands: who polls it until when, what came last, and what went wrong."""

    next_at: datetime | None = None
    polling_by: str | None = None
    polling_until: datetime | None = None
    failures: int = 0
    fault: str | None = None
    last_run_at: datetime | None = None
    last_success_at: datetime | None = None
    last_file_at: datetime | None = None
    last_sequence: int | None = None
    last_column: int | None = None
    counted_until: datetime | None = None


def check(feed: Feed) -> Feed:
    """Return a feed that can be kept. Refuses with: BadValue."""
    if not NAME.fullmatch(feed.name):
        raise BadValue("a feed's name has 1 to 60 letters, digits and ._-", field="name")
    check_schedule(feed.schedule)
    wanted = CREDENTIALS[feed.place.protocol]
    for name in feed.credentials:
        if name not in wanted:
            known = ", ".join(sorted(wanted)) or "none"
            raise BadValue(
                "{value} takes the credentials {known}",
                value=feed.place.protocol.value,
                known=known,
                field=f"credentials.{name[:40]}",
            )
    _check_rules(feed.rules)
    return feed


def _check_rules(rules: Rules) -> None:
    check_pattern(rules.pattern, field="pattern")
    if len(rules.ignored) > PATTERNS_MAX:
        raise BadValue("at most {patterns_max} patterns", patterns_max=PATTERNS_MAX, field="ignored")
    for pattern in rules.ignored:
        check_pattern(pattern, field="ignored")
    if not 0 <= rules.stable_seconds <= 86_400:
        raise BadValue("a file is stable after 0 to 86400 seconds", field="stableSeconds")
    if not (safe(f"x{rules.marker}") and rules.marker and "*" not in rules.marker):
        raise BadValue("a marker is the end of a name, such as .done", field="marker")
    for name in ("done_folder", "refused_folder"):
        if not safe(getattr(rules, name)) or getattr(rules, name).startswith("-"):
            raise BadValue("a folder is one name below the feed's own", field=camel(name))
    if rules.done_folder == rules.refused_folder:
        raise BadValue("done and refused files go to two folders", field="refusedFolder")
    if rules.grows and rules.after is not After.LEAVE:
        raise BadValue("a file that grows is left where it is", field="after")
    if rules.grows and rules.complete is Completeness.END_MARKER:
        raise BadValue("a file that grows has no end", field="complete")
    if rules.silent_after_minutes is not None and not 1 <= rules.silent_after_minutes <= 100_000:
        raise BadValue("silence is 1 to 100000 minutes", field="silentAfterMinutes")
    if rules.sequence is not None:
        check_sequence(rules.sequence)
    if rules.sequence_last is not None and not 1 <= rules.sequence_last < 10**18:
        raise BadValue("a sequence ends between 1 and 10^18", field="sequenceLast")
    if rules.sequence_column is not None and not 0 < len(rules.sequence_column) <= 100:
        raise BadValue("a column's name has 1 to 100 characters", field="sequenceColumn")

"""What is known of the names in a place, and what a listing means for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.feeds.feed import Completeness, Rules
from domain.transports.names import matching, safe

HELD_HOURS: Final = 24


class Seen(StrEnum):
    """Waiting → taken (committed) → done (put away or left); held: could not be read; refused: put aside."""

    WAITING = "waiting"
    TAKEN = "taken"
    DONE = "done"
    HELD = "held"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a listing says of a file: as long as it is the same, nobody has written."""

    size: int | None
    modified: datetime | None
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One name. ``since``: when it was first seen as it is now, by our own clock; the other side's may be wrong.

    ``offset``: how much of a file that grows is taken; ``guard``: SHA-256 of the bytes just before that place.
    """

    name: str
    look: Look
    since: datetime
    seen: Seen = Seen.WAITING
    sha256: bytes | None = None
    fault: str | None = None
    offset: int = 0
    guard: bytes | None = None
    changed_at: datetime


class Verdict(StrEnum):
    """What to do with a name now."""

    TAKE = "take"
    WAIT = "wait"
    PUT_AWAY = "put away"
    PUT_ASIDE = "put aside"
    NOTHING = "nothing"


def wanted(names: Sequence[str], rules: Rules) -> tuple[list[str], int]:
    """Return the names that a feed takes, each once and in order, and how many were no names of files at all.

    >>> wanted(["b.csv", "a.csv", "b.csv", "a.csv.part", ".x", "../c.csv", "d.csv.done"],
    ...        Rules(pattern="*.csv*", complete=Completeness.END_MARKER))
    (['a.csv', 'b.csv'], 1)
    """
    once = sorted({name for name in names if safe(name)})
    unsafe = sum(not safe(name) for name in names)
    keep = matching(once, rules.pattern)
    for pattern in rules.ignored:
        keep = [kept and not no for kept, no in zip(keep, matching(once, pattern), strict=True)]
    marker = rules.marker if rules.complete is Completeness.END_MARKER else None
    return [
        name for name, kept in zip(once, keep, strict=True) if kept and not (marker and name.endswith(marker))
    ], unsafe


def sighted(name: str, look: Look, known: Sighting | None, at: datetime) -> Sighting:
    """Return what is known of a name after it was seen; one that has changed waits anew."""
    if known is None:
        return Sighting(name=name, look=look, since=at, changed_at=at)
    if known.look == look:
        return known
    return replace(known, look=look, since=at, seen=Seen.WAITING, fault=None, changed_at=at)


def verdict(one: Sighting, rules: Rules, present: Collection[str], at: datetime, *, again: bool = False) -> Verdict:
    """Judge a name that was just seen. ``again``: what could not be read is tried once more."""
    match one.seen:
        case Seen.TAKEN:
            return Verdict.PUT_AWAY
        case Seen.DONE:
            return Verdict.NOTHING
        case Seen.REFUSED:
            return Verdict.TAKE if again else Verdict.NOTHING
        case Seen.HELD:
            if again:
                return Verdict.TAKE
            return Verdict.PUT_ASIDE if at - one.changed_at >= timedelta(hours=HELD_HOURS) else Verdict.WAIT
    return Verdict.TAKE if ready(one, rules, present, at) else Verdict.WAIT


def ready(one: Sighting, rules: Rules, present: Collection[str], at: datetime) -> bool:
    """Tell whether nobody writes the file any more."""
    match rules.complete:
        case Completeness.RENAME:
            return True
        case Completeness.END_MARKER:
            stem = one.name.rpartition(".")[0] or one.name
            return f"{one.name}{rules.marker}" in present or f"{stem}{rules.marker}" in present
    return rules.grows or at - one.since >= timedelta(seconds=rules.stable_seconds)


def next_look(waiting: Collection[Sighting], rules: Rules) -> datetime | None:
    """Return when the first of the waiting files may be stable; None where time alone makes none ready."""
    if rules.complete in {Completeness.RENAME, Completeness.END_MARKER}:
        return None
    moments = [one.since + timedelta(seconds=rules.stable_seconds) for one in waiting if one.seen is Seen.WAITING]
    return min(moments, default=None)


def gone(known: Mapping[str, Sighting], present: Collection[str]) -> list[Sighting]:
    """Return what is known and unfinished, and not there any more."""
    unfinished = {Seen.WAITING, Seen.HELD, Seen.TAKEN}
    return [one for name, one in known.items() if name not in present and one.seen in unfinished]

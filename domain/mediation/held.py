"""Sessions whose parts come in several files: everything that came under one key, and what is made of it.

What a session comes to depends on the set of its parts alone, never on the order or the files they came in: parts are
put into order, divided into sessions where a source uses a key again, and read by ``domain.mediation.session``. When a
part comes later, the same is done with one part more; what differs from before is corrected.

Words: a *verdict* is what one session comes to now; what was *told* is what was made of it before: an event, a reject,
or a duplicate of an event that another file brought whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from domain.mediation.finishing import fault_of, leg_of
from domain.mediation.instants import SECOND_US
from domain.mediation.profile import Profile
from domain.mediation.session import LATE_US, Row, Session, again, event_of, fold, number_of, signature

PARTS_MAX: Final = 10_000
NAME_MAX: Final = 400
# How long after its beginning a session may have begun to count: a gateway's seconds run from the answer.
_REACH_US: Final = 600 * SECOND_US

PENDING: Final = "pending"
MERGED: Final = "merged"
EVENT: Final = "event"
REJECT: Final = "reject"
DUPLICATE: Final = "duplicate"
CONTROL: Final = "control"  # tells that a device restarted
GONE: Final = "gone"  # was told, and has left suspense since by somebody's hand
# The state of a part, and the count of the balance that has it.
COUNTED: Final = {
    PENDING: "pending",
    MERGED: "merged",
    EVENT: "events",
    REJECT: "rejects",
    DUPLICATE: "duplicates",
}
# What of a part is kept, with the value that is left out.
_KEPT: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("source", "ref", "leg", "a", "b", "mode", "direction", "_part", "_seq", "_last", "_scope"), ""),
    **dict.fromkeys(("c", "trunk_in", "trunk_out", "cause", "visited", "session", "seized", "_seconds"), None),
    **dict.fromkeys(("start", "amount", "offset", "_line", "_offset", "_in", "_out", "_file", "_sign"), 0),
    **dict.fromkeys(("answered", "_holds", "_measured", "_volume", "_reuses", "_time_known", "_given"), False),
    "flags": None,
    "_key": "",
    "_raw": "",
    "_state": PENDING,
}


@dataclass(frozen=True, slots=True)
class Told:
    """What was made of a session: ``kind`` is EVENT, REJECT or DUPLICATE; it stands under ``record`` of ``file``.

    An event has its start (µs), its key, its content's hash and its flags; a reject its reason.
    """

    kind: str
    file: int
    record: int
    start: int = 0
    key: int = 0
    content: int = 0
    reason: str = ""
    flags: str = ""


@dataclass(slots=True)
class Held:
    """Everything that came under one key. ``stored``: whether the store has a row of it already."""

    name: str
    scope: str = ""
    parts: list[Row] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    stored: bool = False

    @property
    def open(self) -> bool:
        """Whether something is still expected."""
        return any(part["_state"] == PENDING for part in self.parts)

    @property
    def ended(self) -> int:
        """The last instant that its parts tell, in µs; 0 where none tells any."""
        return max((_until(part) for part in self.parts if part["_time_known"]), default=0)

    def take(self, row: Row, file: int) -> str | None:
        """Add a part of a file; return why it is not taken: duplicate, conflicting_duplicate or overflow.

        The same record of the same file again (it was corrected) takes the place of what it was.
        """
        place = (file, row["_line"])
        others = [part for part in self.parts if (part["_file"], part["_line"]) != place]
        sign = signature(row)
        if any(part["_sign"] == sign for part in others):
            return DUPLICATE
        if row["_part"] == "partial" and _numbered_again(row, others):
            return "conflicting_duplicate"
        if len(others) >= PARTS_MAX:
            return "overflow"
        self.scope = self.scope or str(row["_scope"]).replace("\0", "\x1a")
        state = CONTROL if row["_part"] == "reset" else PENDING
        self.parts = [*others, {**row, "_file": file, "_state": state, "_given": False, "_sign": sign}]
        self.told = [one for one in self.told if (one.file, one.record) != place]
        return None


@dataclass(slots=True)
class Verdict:
    """What one session comes to: an event, an event with a fault, or neither while it is waited for."""

    parts: list[Row]
    event: Row | None = None
    fault: str | None = None


def _numbered_again(row: Row, others: Iterable[Row]) -> bool:
    number = number_of(row)
    return number is not None and any(
        part["_part"] == "partial" and number_of(part) == number and abs(part["start"] - row["start"]) < _REACH_US * 6
        for part in others
    )


def name_of(row: Row) -> str:
    """Return the key of a part's session as it is stored: a very long one by its hash."""
    key = str(row["_key"]).replace("\0", "\x1a")
    if row["_part"] == "reset":
        return reset_name(str(row["_scope"]))
    return key if len(key.encode()) <= NAME_MAX else f"\x1f{signature({**row, '_seq': key}):x}"


def reset_name(scope: str) -> str:
    """Return the name under which the restarts of a device are kept."""
    return f"\x1ereset {scope}"[:NAME_MAX].replace("\0", "\x1a")


def verdicts(held: Held, profile: Profile, resets: Sequence[int]) -> list[Verdict]:
    """Return what each session under a key comes to. ``resets``: the instants at which its device restarted, in µs."""
    return [_verdict(parts, profile, resets) for parts in divided(held.parts, timeout_us(profile))]


def timeout_us(profile: Profile) -> int:
    """Return how long a source's sessions are waited for, in µs."""
    return profile.timeout_hours * 3600 * SECOND_US


def _verdict(parts: list[Row], profile: Profile, resets: Sequence[int]) -> Verdict:
    session = fold(parts)
    complete = session.closed or session.told
    # A session that its device's restart ended, or whose time has run out, is told of as far as it is known.
    cut = any(at >= session.latest for at in resets) and session.latest > 0
    if not complete and not cut and not any(part["_given"] for part in parts):
        return Verdict(parts)
    event = event_of(session, complete=complete)
    if not (session.known or session.measured):
        event["_fault"] = "missing_field"
    event["leg"] = leg_of(event, profile)
    return Verdict(parts, event, fault_of(event, profile))


def charged(parts: Sequence[Row]) -> bool:
    """Tell whether a session that is still open has used something by now."""
    session: Session = fold(parts)
    return session.charged


def divided(parts: Sequence[Row], timeout_us: int) -> list[list[Row]]:
    """Divide what came under one key into sessions.

    Where the source uses a key again (its event's key has the start), by the beginnings; elsewhere where nothing
    was heard for longer than the time-out.
    """
    if not parts:
        return []
    timed = sorted((part for part in parts if part["_time_known"]), key=lambda part: part["start"])
    untimed = [part for part in parts if not part["_time_known"]]
    if not timed:
        return [list(parts)]
    groups = _by_beginning(timed) if timed[0]["_reuses"] else _by_silence(timed, timeout_us)
    groups[0].extend(untimed)
    return groups


def _by_silence(timed: Sequence[Row], timeout_us: int) -> list[list[Row]]:
    groups: list[list[Row]] = []
    heard = 0
    for part in timed:
        if not groups or part["start"] - heard > timeout_us:
            groups.append([])
        groups[-1].append(part)
        heard = max(heard, _until(part))
    return groups


def _by_beginning(timed: Sequence[Row]) -> list[list[Row]]:
    """Give each part to the latest beginning before its own, which its seconds tell."""
    anchors: list[int] = []
    for at in sorted(part["start"] for part in timed if part["_part"] == "begin"):
        if not anchors or at - anchors[-1] > LATE_US:
            anchors.append(at)
    groups: dict[int, list[Row]] = {at: [] for at in anchors}
    strays: list[tuple[int, Row]] = []
    for part in timed:
        begun = _begun(part)
        before = [at for at in anchors if at <= begun + LATE_US]
        if before and (part["_part"] == "begin" or part["_seconds"] is None or begun - before[-1] <= _REACH_US):
            groups[before[-1]].append(part)
        else:
            strays.append((begun, part))
    latest: int | None = None
    for begun, part in sorted(strays, key=lambda stray: stray[0]):
        if (same := next((at for at in groups if again(part, groups[at])), None)) is not None:
            groups[same].append(part)
            continue
        if latest is None or begun - latest > LATE_US or latest not in groups:
            latest = begun
            groups[latest] = []
        groups[latest].append(part)
    return [groups[at] for at in sorted(groups) if groups[at]]


def _begun(part: Row) -> int:
    seconds = part["_seconds"]
    counts = part["_part"] in {"interim", "end"} and seconds is not None
    return int(part["start"] - seconds * SECOND_US if counts else part["start"])


def _until(part: Row) -> int:
    """Return the last instant that a part tells of."""
    lasted = part["amount"] if part["_part"] in {"partial", "segment"} and not part["_volume"] else 0
    return int(part["start"] + max(0, lasted))


def give_up(parts: Iterable[Row]) -> None:
    """Say that no more is waited for: the session is told of as far as it is known."""
    for part in parts:
        part["_given"] = True


def stored_part(row: Row) -> dict[str, Any]:
    """Return a part as JSON data, without what says nothing."""
    found = {name: row[name] for name, blank in _KEPT.items() if name in row and row[name] != blank}
    return {name: value for name, value in found.items() if value is not None and value != []}


def read_part(data: Mapping[str, Any]) -> Row:
    """Return a part as ``stored_part`` wrote it."""
    row = {**_KEPT, **data}
    row["flags"] = list(row["flags"] or [])
    return row

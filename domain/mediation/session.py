"""What the parts of one session say together, whatever order they came in: they are sorted before they are read.

A part is a row of ``normalise`` with the columns that ``correlate`` names. Times in µs, counters in octets or µs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from domain.mediation.instants import SECOND_US

LATE_US: Final = 60 * SECOND_US
# As long as sessions are remembered; what a device has not got through by then it has given up.
_AGAIN_US: Final = 5 * 24 * 3600 * SECOND_US
_CARRIED: Final = ("a", "b", "c", "trunk_in", "trunk_out", "cause", "visited", "session", "leg")
_RANK: Final = {
    name: place
    for place, name in enumerate(("begin", "answer", "interim", "partial", "segment", "note", "end", "close"))
}

Row = dict[str, Any]


def signature(row: Row) -> int:
    """Return 63 bits of what makes a part the same part when it comes again; the same on every machine."""
    told = (row["_part"], row["_seq"], row["start"], row["_in"], row["_out"], row["amount"], row["_seconds"])
    digest = hashlib.blake2b(repr(told).encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1


def in_order(parts: Iterable[Row]) -> list[Row]:
    """Sort parts by time; those that tell no time stand first, and a kind of part before what may follow it."""
    told = [((bool(row["_time_known"]), row["start"], _RANK[row["_part"]]), row) for row in parts]
    if len({key for key, _ in told}) < len(told):
        return [row for _, row in sorted(told, key=lambda one: (one[0], signature(one[1])))]
    return [row for _, row in sorted(told, key=lambda one: one[0])]


@dataclass(slots=True)
class Session:
    """What is known of one session."""

    first: Row
    begun: int | None = None
    answered_at: int | None = None
    ended: int | None = None
    end_told: tuple[int, int, int] | None = None
    latest: int = 0
    time_max: int | None = None
    in_max: int = 0
    out_max: int = 0
    total: int = 0
    incremental: bool = False
    measured: bool = False
    open_ended: bool = False
    last_sequence: int | None = None
    sequences: set[int] = field(default_factory=set)
    flags: set[str] = field(default_factory=set)
    values: Row = field(default_factory=dict)
    opened: bool = False
    over: bool = False
    closed: bool = False

    @property
    def charged(self) -> bool:
        """Whether enough is known for an event."""
        return self.measured or self.closed or (self.ended is not None and self.known)

    @property
    def known(self) -> bool:
        """Whether its beginning is known."""
        return self.begun is not None or self.answered_at is not None

    @property
    def told(self) -> bool:
        """Whether nothing is missing, though nothing said that it is complete."""
        return self.open_ended or (self.ended is not None and self.known and not self.incremental)

    def learn(self, row: Row) -> None:
        """Add one part to what is known."""
        part, at = row["_part"], row["start"]
        known_at = bool(row["_time_known"])
        self.latest = max(self.latest, at)
        for name in _CARRIED:
            # What the first beginning says counts; a later one is a change within the session.
            if row[name] and (not self.values.get(name) or (part == "begin" and not self.opened)):
                self.values[name] = row[name]
        if row["cause"] and (part == "end" or row["_last"] == "1"):
            self.values["cause"] = row["cause"]
        if row["flags"]:
            self.flags.update(row["flags"])
        if part == "begin" and known_at:
            self.begun = at if self.begun is None else min(self.begun, at)
        if part == "answer" or (part == "begin" and row["answered"] and known_at):
            explicit = part == "answer" or self.answered_at is None
            self.answered_at = at if explicit else self.answered_at
        if part in {"interim", "end"}:
            self._counters(row)
        if part == "end":
            told = ended_with(row)
            # The same end sent again says nothing of when the session ended: the first did.
            if told is None or told != self.end_told:
                self.ended = at if self.ended is None else max(self.ended, at)
                self.end_told = told
            self.over |= not row["_holds"]
        if part in {"partial", "segment"}:
            self._increment(row)
        # An end that overtook its beginning waits for it.
        self.over |= part == "close"
        self.closed |= self.over and (self.known or self.measured)
        self.opened |= part == "begin"

    def _counters(self, row: Row) -> None:
        """Take the highest of cumulative counters; one that went back while time went on has wrapped."""
        time_used = row["_seconds"]
        later = time_used is not None and (self.time_max is None or time_used >= self.time_max)
        if later and (row["_in"] < self.in_max or row["_out"] < self.out_max):
            self.flags.add("counter_wrap")
        self.in_max = max(self.in_max, row["_in"])
        self.out_max = max(self.out_max, row["_out"])
        if time_used is not None:
            self.time_max = max(self.time_max or 0, time_used)
        self.measured |= row["_measured"]

    def _increment(self, row: Row) -> None:
        self.incremental = self.measured = True
        self.open_ended |= row["_part"] == "segment"
        if row["answered"]:
            self.total += row["amount"]
            self.answered_at = min(row["start"], self.answered_at or row["start"])
        seized = row["seized"] if row["seized"] is not None else row["start"]
        self.begun = seized if self.begun is None else min(self.begun, seized)
        sequence = number_of(row)
        if sequence is not None:
            self.sequences.add(sequence)
        if row["_last"] == "1":
            self.last_sequence = sequence if sequence is not None else 1
            if sequence is None:
                self.sequences.add(1)
        last = self.last_sequence
        if last is not None and self.sequences >= set(range(1, last + 1)):
            self.closed = True


def ended_with(row: Row) -> tuple[int, int, int] | None:
    """Return the seconds and counters that an end tells; None of any other part and of an end that counts none."""
    told = (row["_seconds"] or 0, row["_in"], row["_out"])
    return told if row["_part"] == "end" and any(told) else None


def again(row: Row, parts: Iterable[Row]) -> bool:
    """Tell whether an end repeats one of ``parts``: a device sends it until it is answered, each time as of then.

    When it came says nothing, then: it is known by its session's name, by what it counted, and by between whom. Another
    session under the same name has a beginning of its own, or counted otherwise.
    """
    told = ended_with(row)
    return told is not None and any(
        ended_with(part) == told
        and (part["a"], part["b"]) == (row["a"], row["b"])
        and 0 <= row["start"] - part["start"] <= _AGAIN_US
        for part in parts
    )


def number_of(row: Row) -> int | None:
    """Return a partial record's number, None where it has none."""
    return int(row["_seq"]) if str(row["_seq"]).isdigit() else None


def fold(parts: Sequence[Row]) -> Session:
    """Return what all parts of one session say; the parts stay as they are."""
    ordered = in_order(parts)
    session = Session(first=ordered[0])
    for row in ordered:
        session.learn(row)
    return session


def event_of(session: Session, *, complete: bool) -> Row:
    """Return the session's event: the first part's columns with what all parts said."""
    row = dict(session.first)
    row.update(session.values)
    begun, answered_at, measured = _in_time(session)
    answered = answered_at is not None or (measured and not session.incremental)
    flags = session.flags | (set() if complete else {"incomplete"})
    row["answered"] = answered
    row["start"] = answered_at if answered_at is not None else begun if begun is not None else session.first["start"]
    row["seized"] = begun
    row["amount"] = _amount(session, answered_at) if answered else 0
    row["_elapsed"] = session.time_max
    row["flags"] = sorted(flags)
    return row


def _in_time(session: Session) -> tuple[int | None, int | None, bool]:
    """Return the beginning, the answer, and whether it was measured.

    The beginning by the session's time where only later parts told it, and the answer of a voice call.
    """
    begun, answered_at, measured = session.begun, session.answered_at, session.measured
    if session.time_max is None:
        return begun, answered_at, measured
    base = session.ended if session.ended is not None else session.latest
    began = base - session.time_max * SECOND_US
    if begun is None:
        begun = began
    if session.first["_volume"] or session.ended is None:
        return begun, answered_at, measured
    # A gateway's Start tells the setup; the seconds that it counts run from the answer.
    return begun, max(began, begun) if session.time_max else None, session.time_max > 0


def _amount(session: Session, answered_at: int | None) -> int:
    if session.incremental:
        return session.total
    if session.in_max or session.out_max or session.first["_volume"]:
        return session.in_max + session.out_max
    if session.time_max is not None:
        return session.time_max * SECOND_US
    if session.ended is None or answered_at is None:
        return 0
    return session.ended - answered_at

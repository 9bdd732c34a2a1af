"""Parts of one session joined into one event: INVITE and BYE, Start, Interim and Stop, partial records, segments.

A reader of such a format says what each record is in the column ``_part``:

    begin    the session's beginning; with ``answered`` it is charged from here on
    answer   charging begins
    interim  cumulative counters so far (the highest is taken)
    end      the session's end, with or without its own amount
    partial  an increment (``_seq`` from 1; ``_last`` says that no more follow)
    segment  an increment of a session whose end is never told
    note     belongs to the session and says nothing by itself
    close    the session is complete, whatever came
    reset    every open session of its ``_scope`` is over (a device restarted)
    whole    not a part: an event by itself

Parts may come in any order. A session that is complete becomes one event with the record number of its first part; the
others are *merged*. One that stays open becomes an event flagged ``incomplete`` when it is older than the profile's
time-out or when the run ends, if anything was used by then; otherwise its parts are *pending*.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from domain.mediation.instants import SECOND_US

PART_COLUMNS: Final = ("_part", "_seq", "_last", "_scope", "_key")
_LATE_US: Final = 60 * SECOND_US
_CARRIED: Final = ("a", "b", "c", "trunk_in", "trunk_out", "cause", "visited", "session", "leg")

Row = dict[str, Any]


@dataclass(slots=True)
class _Session:
    """What is known of one session so far. Times in µs, counters in octets or µs."""

    first: Row
    count: int = 0
    begun: int | None = None
    answered_at: int | None = None
    ended: int | None = None
    latest: int = 0
    touched: int = 0
    time_max: int | None = None
    in_max: int = 0
    out_max: int = 0
    total: int = 0
    incremental: bool = False
    measured: bool = False
    open_ended: bool = False
    last_sequence: int | None = None
    sequences: set[int] = field(default_factory=set)
    signatures: list[int] = field(default_factory=list)
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


@dataclass(frozen=True, slots=True)
class _Done:
    """What is remembered of a finished session, to know its parts when they come again or late."""

    begun: int
    ended: int
    computed: bool
    finished: int
    signatures: tuple[int, ...]


@dataclass(slots=True)
class Joined:
    """What a call brought: finished events, parts that contradict others, and how the records' balance moved."""

    rows: list[Row] = field(default_factory=list)
    conflicts: list[Row] = field(default_factory=list)
    merged: int = 0
    pending: int = 0
    duplicates: int = 0
    control: int = 0


class Sessions:
    """The open and the finished sessions of a run.

    Time is what the records tell: a session is given up, and a finished one forgotten, when the newest record seen has
    moved on by the time-out since it was touched. So neither the size of batches nor the order of files matters.
    """

    def __init__(self, timeout_hours: int) -> None:
        self._timeout = timeout_hours * 3600 * SECOND_US
        self._open: dict[str, _Session] = {}
        self._done: dict[str, _Done] = {}
        self._newest = 0

    def take(self, rows: Iterable[Row]) -> Joined:
        """Take normalised rows in file order."""
        out = Joined()
        for row in rows:
            self._newest = max(self._newest, row["start"])
            if row["_part"] == "whole":
                out.rows.append(row)
            elif row["_part"] == "reset":
                out.control += 1
                self._reset(row, out)
            else:
                self._part(row, out)
        self._age(out)
        return out

    def finish(self) -> Joined:
        """End the run: what was used becomes events, the rest stays pending."""
        out = Joined()
        for key, session in list(self._open.items()):
            if session.charged:
                self._emit(key, out, complete=session.told)
        return out

    def _part(self, row: Row, out: Joined) -> None:
        key = row["_key"]
        signature = hash((row["_part"], row["_seq"], row["start"], row["_in"], row["_out"], row["amount"]))
        session = self._open.get(key)
        if session is not None and self._waited(session):
            self._give_up(key, out)
            session = None
        if session is not None and row["_part"] == "begin" and self._restarted(session, row):
            self._emit(key, out, complete=False)
            session = None
        if session is None:
            done = self._done.get(key)
            if done is not None and signature in done.signatures:
                out.duplicates += 1
                return
            if done is not None and self._late(done, row):
                out.merged += 1
                return
            session = self._open[key] = _Session(first=row)
        elif signature in session.signatures:
            out.duplicates += 1
            return
        elif row["_part"] == "partial" and row["_seq"].isdigit() and int(row["_seq"]) in session.sequences:
            out.conflicts.append(row)
            return
        session.signatures.append(signature)
        session.touched = self._newest
        session.count += 1
        out.pending += 1
        self._learn(session, row)
        if session.closed:
            self._emit(key, out, complete=True)

    @staticmethod
    def _restarted(session: _Session, row: Row) -> bool:
        """Return whether a beginning is another session's: the source uses its identifiers again."""
        known = session.begun
        return (
            known is not None and bool(row["_reuses"] and row["_time_known"]) and abs(row["start"] - known) > _LATE_US
        )

    @staticmethod
    def _late(done: _Done, row: Row) -> bool:
        """Return whether a part belongs to a finished session that it came too late for."""
        if row["_part"] == "begin":
            # The beginning of a session that its end alone has told.
            return done.computed and bool(row["_time_known"]) and abs(int(row["start"]) - done.begun) <= _LATE_US
        if row["_part"] not in {"interim", "note", "close", "end"}:
            return False
        return done.begun - _LATE_US <= int(row["start"]) <= done.ended + _LATE_US

    def _learn(self, session: _Session, row: Row) -> None:
        """Add one part to what is known."""
        part, at = row["_part"], row["start"]
        known_at = bool(row["_time_known"])
        session.latest = max(session.latest, at)
        for name in _CARRIED:
            # What the first beginning says counts; a later one is a change within the session.
            if row[name] and (not session.values.get(name) or (part == "begin" and not session.opened)):
                session.values[name] = row[name]
        if row["cause"] and (part == "end" or row["_last"] == "1"):
            session.values["cause"] = row["cause"]
        if row["flags"]:
            session.flags.update(row["flags"])
        if part == "begin" and known_at:
            session.begun = at if session.begun is None else min(session.begun, at)
        if part == "answer" or (part == "begin" and row["answered"] and known_at):
            explicit = part == "answer" or session.answered_at is None
            session.answered_at = at if explicit else session.answered_at
        if part in {"interim", "end"}:
            self._counters(session, row)
        if part == "end":
            session.ended = at if session.ended is None else max(session.ended, at)
            session.over |= not row["_holds"]
        if part in {"partial", "segment"}:
            self._increment(session, row)
        # An end that overtook its beginning waits for it.
        session.over |= part == "close"
        session.closed |= session.over and (session.known or session.measured)
        session.opened |= part == "begin"

    @staticmethod
    def _counters(session: _Session, row: Row) -> None:
        """Take the highest of cumulative counters; one that went back while time went on has wrapped."""
        time_used = row["_seconds"]
        later = time_used is not None and (session.time_max is None or time_used >= session.time_max)
        if later and (row["_in"] < session.in_max or row["_out"] < session.out_max):
            session.flags.add("counter_wrap")
        session.in_max = max(session.in_max, row["_in"])
        session.out_max = max(session.out_max, row["_out"])
        if time_used is not None:
            session.time_max = max(session.time_max or 0, time_used)
        session.measured |= row["_measured"]

    @staticmethod
    def _increment(session: _Session, row: Row) -> None:
        session.incremental = session.measured = True
        session.open_ended |= row["_part"] == "segment"
        if row["answered"]:
            session.total += row["amount"]
            session.answered_at = min(row["start"], session.answered_at or row["start"])
        seized = row["seized"] if row["seized"] is not None else row["start"]
        session.begun = seized if session.begun is None else min(session.begun, seized)
        sequence = int(row["_seq"]) if str(row["_seq"]).isdigit() else None
        if sequence is not None:
            session.sequences.add(sequence)
        if row["_last"] == "1":
            session.last_sequence = sequence if sequence is not None else 1
            if sequence is None:
                session.sequences.add(1)
        last = session.last_sequence
        if last is not None and session.sequences >= set(range(1, last + 1)):
            session.closed = True

    def _reset(self, row: Row, out: Joined) -> None:
        for key in [key for key, session in self._open.items() if session.first["_scope"] == row["_scope"]]:
            self._emit(key, out, complete=False)

    def _age(self, out: Joined) -> None:
        """Give up what waited too long and forget what was finished long ago."""
        for key in [key for key, session in self._open.items() if self._waited(session)]:
            self._give_up(key, out)
        while self._done:
            key = next(iter(self._done))
            if self._newest - self._done[key].finished <= self._timeout:
                return
            del self._done[key]

    def _waited(self, session: _Session) -> bool:
        """Return whether time has moved on by the time-out; it begins with the first record that tells a time."""
        session.touched = session.touched or self._newest
        return self._newest - session.touched > self._timeout

    def _give_up(self, key: str, out: Joined) -> None:
        session = self._open[key]
        if not session.known and not session.measured:
            session.first = {**session.first, "_fault": "missing_field"}
        self._emit(key, out, complete=session.told)

    def _emit(self, key: str, out: Joined, *, complete: bool) -> None:
        session = self._open.pop(key)
        out.pending -= session.count
        out.merged += session.count - 1
        event = _event(session, complete=complete)
        out.rows.append(event)
        begun = session.begun if session.begun is not None else int(event["start"])
        self._done.pop(key, None)  # to the end of the line
        self._done[key] = _Done(
            begun=begun,
            ended=session.ended if session.ended is not None else session.latest,
            computed=session.time_max is not None,
            finished=self._newest,
            signatures=tuple(session.signatures),
        )


def _event(session: _Session, *, complete: bool) -> Row:
    """Return the session's event row: the first part's columns with what all parts said."""
    row = session.first
    row.update(session.values)
    _place_in_time(session)
    begun = session.begun if session.begun is not None else session.first["start"]
    amount = _amount(session)
    answered = session.answered_at is not None or (session.measured and not session.incremental)
    if not complete:
        session.flags.add("incomplete")
    row["answered"] = answered
    row["start"] = session.answered_at if session.answered_at is not None else begun
    row["seized"] = session.begun
    row["amount"] = amount if answered else 0
    row["flags"] = sorted(session.flags)
    return row


def _place_in_time(session: _Session) -> None:
    """Find the beginning by the session's time where only later parts told it, and the answer of a voice call."""
    if session.time_max is None:
        return
    base = session.ended if session.ended is not None else session.latest
    began = base - session.time_max * SECOND_US
    if session.begun is None:
        session.begun = began
    if session.first["_volume"] or session.ended is None:
        return
    # A gateway's Start tells the setup; the seconds that it counts run from the answer.
    session.answered_at = max(began, session.begun) if session.time_max else None
    session.measured = session.time_max > 0


def _amount(session: _Session) -> int:
    if session.incremental:
        return session.total
    if session.in_max or session.out_max or session.first["_volume"]:
        return session.in_max + session.out_max
    if session.time_max is not None:
        return session.time_max * SECOND_US
    if session.ended is None or session.answered_at is None:
        return 0
    return session.ended - session.answered_at

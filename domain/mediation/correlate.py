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

This is a run without a database; what joins parts of several files is ``domain.mediation.held``. Both let
``domain.mediation.session`` say what parts mean together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from domain.mediation.instants import SECOND_US
from domain.mediation.session import LATE_US, Row, Session, again, ended_with, event_of, fold, in_order, signature


@dataclass(slots=True)
class _Open:
    """A session that waits for more of its parts; ``state`` is what those that came so far say.

    ``overtaken``: its close came before its beginning, so that what lies between is still to come.
    """

    state: Session
    parts: list[Row] = field(default_factory=list)
    signatures: list[int] = field(default_factory=list)
    touched: int = 0
    overtaken: bool = False


@dataclass(frozen=True, slots=True)
class _Done:
    """What is remembered of a finished session, to know its parts when they come again or late."""

    begun: int
    ended: int
    computed: bool
    finished: int
    signatures: tuple[int, ...]
    ends: tuple[Row, ...]


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
        self._open: dict[str, _Open] = {}
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
            if session.state.charged:
                self._emit(key, out, complete=session.state.closed or session.state.told)
        return out

    def _part(self, row: Row, out: Joined) -> None:
        key = row["_key"]
        sign = signature(row)
        session = self._open.get(key)
        if session is not None and self._waited(session):
            self._give_up(key, out)
            session = None
        if session is not None and row["_part"] == "begin" and self._restarted(session, row):
            self._emit(key, out, complete=False)
            session = None
        if session is None:
            done = self._done.get(key)
            if done is not None and sign in done.signatures:
                out.duplicates += 1
                return
            if done is not None and self._late(done, row):
                out.merged += 1
                return
            session = self._open[key] = _Open(state=Session(first=row))
        elif sign in session.signatures:
            out.duplicates += 1
            return
        elif row["_part"] == "partial" and row["_seq"].isdigit() and int(row["_seq"]) in session.state.sequences:
            out.conflicts.append(row)
            return
        session.signatures.append(sign)
        session.parts.append(row)
        session.touched = self._newest
        out.pending += 1
        session.state.learn(row)
        session.overtaken |= row["_part"] == "close" and not session.state.opened
        if session.state.closed and not session.overtaken:
            self._emit(key, out, complete=True)

    @staticmethod
    def _restarted(session: _Open, row: Row) -> bool:
        """Return whether a beginning is another session's: the source uses its identifiers again."""
        known = session.state.begun
        return known is not None and bool(row["_reuses"] and row["_time_known"]) and abs(row["start"] - known) > LATE_US

    @staticmethod
    def _late(done: _Done, row: Row) -> bool:
        """Return whether a part belongs to a finished session that it came too late for."""
        if row["_part"] == "begin":
            if not row["_time_known"]:
                return False
            # The beginning of a session that its end alone has told, or a change within one whose end came before it.
            told = done.computed and abs(int(row["start"]) - done.begun) <= LATE_US
            return told or (not row["_reuses"] and done.begun <= int(row["start"]) <= done.ended)
        if row["_part"] not in {"interim", "note", "close", "end"}:
            return False
        return done.begun - LATE_US <= int(row["start"]) <= done.ended + LATE_US or again(row, done.ends)

    def _reset(self, row: Row, out: Joined) -> None:
        for key in [key for key, session in self._open.items() if session.parts[0]["_scope"] == row["_scope"]]:
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

    def _waited(self, session: _Open) -> bool:
        """Return whether time has moved on by the time-out; it begins with the first record that tells a time."""
        session.touched = session.touched or self._newest
        return self._newest - session.touched > self._timeout

    def _give_up(self, key: str, out: Joined) -> None:
        state = self._open[key].state
        fault = None if state.known or state.measured else "missing_field"
        self._emit(key, out, complete=state.closed or state.told, fault=fault)

    def _emit(self, key: str, out: Joined, *, complete: bool, fault: str | None = None) -> None:
        session = self._open.pop(key)
        out.pending -= len(session.parts)
        out.merged += len(session.parts) - 1
        state = session.state if _in_their_order(session.parts) else fold(session.parts)
        first = session.parts[0]
        event = event_of(state, complete=complete)
        event |= {name: first[name] for name in ("_line", "_offset", "_place", "_raw")}
        if fault is not None:
            event["_fault"] = fault
        out.rows.append(event)
        begun = event["seized"] if event["seized"] is not None else int(event["start"])
        self._done.pop(key, None)  # to the end of the line
        self._done[key] = _Done(
            begun=begun,
            ended=state.ended if state.ended is not None else state.latest,
            computed=state.time_max is not None,
            finished=self._newest,
            signatures=tuple(session.signatures),
            ends=tuple(part for part in session.parts if ended_with(part) is not None),
        )


def _in_their_order(parts: list[Row]) -> bool:
    """Tell whether parts came in the order that they are read in, so that what was learned on the way is all of it."""
    return len(parts) == 1 or all(one is other for one, other in zip(in_order(parts), parts, strict=True))

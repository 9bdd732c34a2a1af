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

Sessions that are plain are joined in columns (``domain.mediation.columnwise``); what comes of them is the same.

This is a run without a database; what joins parts of several files is ``domain.mediation.held``. Both let
``domain.mediation.session`` say what parts mean together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

from domain.mediation import columnwise
from domain.mediation.columnwise import Remembered
from domain.mediation.finishing import max_us_of
from domain.mediation.instants import SECOND_US
from domain.mediation.profile import Profile
from domain.mediation.session import LATE_US, Row, Session, again, ended_with, event_of, fold, in_order, signature
from domain.mediation.timing import AMOUNT_MAX, VOLUME_UNITS
from domain.ports.reader import RawText


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
    """What a call brought: finished events, parts that contradict others, and how the records' balance moved.

    ``frames``: events that were joined in columns, of ``UNFINISHED_SCHEMA`` with ``columnwise.ORDER``, each with their
    raw texts (None: in its column ``_raw``). ``rows`` have the same order in ``_told`` and ``_came``.
    """

    rows: list[Row] = field(default_factory=list)
    frames: list[tuple[pl.DataFrame, RawText | None]] = field(default_factory=list)
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

    def __init__(self, profile: Profile) -> None:
        self._timeout = profile.timeout_hours * 3600 * SECOND_US
        self._max_us = max_us_of(profile)
        self._volume = profile.unit in VOLUME_UNITS
        self._open: dict[str, _Open] = {}
        self._done: dict[str, _Done] = {}
        self._newest = 0
        self._count = self._at = 0
        # Of those that were joined in columns: the parts of finished ones, and segments that wait.
        self._told = Remembered()
        self._kept = Remembered()

    def join(self, parts: pl.DataFrame, raw: RawText) -> Joined:
        """Take a batch's normalised parts, in file order; ``raw`` gives their raw texts."""
        out = Joined()
        newest = pl.col("start").cum_max().clip(lower_bound=self._newest)
        parts = parts.with_columns(_newest=newest, _at=pl.int_range(pl.len(), dtype=pl.Int64) + self._count)
        keys = parts["_key"].unique().to_list()
        self._recall(keys)
        busy = [key for key in keys if key in self._open or key in self._done]
        plain = columnwise.join(parts, busy, self._timeout, self._max_us, volume=self._volume)
        self._told.add(columnwise.compact(plain.done))
        out.frames.append((plain.events, raw))
        out.merged += plain.merged
        out.pending += plain.kept.height
        if plain.kept.height:
            written = pl.Series("_raw", raw(plain.kept["_place"]), dtype=pl.String)
            self._kept.add(columnwise.compact(plain.kept.with_columns(written)))
        rest = plain.rest.with_columns(pl.Series("_raw", raw(plain.rest["_place"]), dtype=pl.String))
        self._take(rest.to_dicts(), out)
        self._count += parts.height
        if parts.height:
            self._newest = max(self._newest, int(parts["_newest"][-1]))
        self._at = self._count
        self._age(out)
        return out

    def _recall(self, keys: list[str]) -> None:
        """Join one by one what was joined in columns before, where more of it comes."""
        if (told := self._told.take(keys)) is not None:
            for key, parts in _by_key(told):
                self._done[key] = _Done(
                    begun=parts[0]["_begun"],
                    ended=parts[0]["_ended"],
                    computed=False,
                    finished=parts[0]["_finished"],
                    signatures=tuple(signature(part) for part in parts),
                    ends=(),
                )
            self._done = dict(sorted(self._done.items(), key=lambda one: one[1].finished))
        if (kept := self._kept.take(keys)) is not None:
            self._reopen(kept)

    def _reopen(self, kept: pl.DataFrame) -> None:
        for key, parts in _by_key(kept):
            session = self._open[key] = _Open(state=Session(first=parts[0]), parts=parts)
            for part in parts:
                session.signatures.append(signature(part))
                session.touched = part["_newest"]
                session.state.learn(part)

    def _take(self, rows: Iterable[Row], out: Joined) -> None:
        for row in rows:
            self._newest, self._at = row["_newest"], row["_at"]
            if row["_part"] == "whole":
                row |= {"_told": row["_at"], "_came": row["_at"]}
                out.rows.append(row)
            elif row["_part"] == "reset":
                out.control += 1
                self._reset(row, out)
            else:
                self._part(row, out)

    def finish(self) -> Joined:
        """End the run: what was used becomes events, the rest stays pending."""
        out = Joined()
        if (kept := self._kept.drain()) is not None:
            self._tell(kept, out)
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
        self._age_columns(out)
        for key in [key for key, session in self._open.items() if self._waited(session)]:
            self._give_up(key, out)
        while self._done:
            key = next(iter(self._done))
            if self._newest - self._done[key].finished <= self._timeout:
                return
            del self._done[key]

    def _age_columns(self, out: Joined) -> None:
        """Do the same with what was joined in columns."""
        before = self._newest - self._timeout
        for place, frame in list(self._told.frames.items()):
            if frame["_finished"].min() < before:  # type: ignore[operator]  # a column of integers
                old = frame["_finished"] < before
                for key in frame.filter(old)["_key"].unique().to_list():
                    self._told.places.pop(key, None)
                self._told.frames[place] = frame.filter(~old)
                if old.all():
                    del self._told.frames[place]
        if not any(frame["_newest"].min() < before for frame in self._kept.frames.values()):  # type: ignore[operator]
            return
        kept = pl.concat(self._kept.frames.values())
        waited = kept.group_by("_key").agg(pl.col("_newest").max()).filter(pl.col("_newest") < before)["_key"].to_list()
        if (over := self._kept.take(waited)) is not None:
            self._tell(over, out)

    def _tell(self, kept: pl.DataFrame, out: Joined) -> None:
        """Tell what segments come to; those that are too long together are judged one by one."""
        long = columnwise.longest(kept).filter(pl.col("_total") > (AMOUNT_MAX if self._volume else self._max_us))[
            "_key"
        ]
        hit = kept["_key"].is_in(long.implode())
        if hit.any():
            self._reopen(kept.filter(hit))
            for key in long.to_list():
                self._emit(key, out, complete=True)
        kept = kept.filter(~hit)
        events, done, merged = columnwise.of_segments(kept, self._at, self._newest)
        raws = kept.select("_raw", _came="_at")
        out.frames.append((events.join(raws, on="_came", how="left", maintain_order="left"), None))
        out.pending -= kept.height
        out.merged += merged
        self._told.add(done)

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
        event |= {"_told": self._at, "_came": first["_at"]}
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


def _by_key(parts: pl.DataFrame) -> Iterable[tuple[str, list[Row]]]:
    """Return the parts of each session, in the order they came in."""
    found: dict[str, list[Row]] = {}
    for part in parts.to_dicts():
        found.setdefault(part["_key"], []).append(part)
    return found.items()


def _in_their_order(parts: list[Row]) -> bool:
    """Tell whether parts came in the order that they are read in, so that what was learned on the way is all of it."""
    return len(parts) == 1 or all(one is other for one, other in zip(in_order(parts), parts, strict=True))

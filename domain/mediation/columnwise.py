"""Sessions that are plain and lie within one batch, joined in columns; the others are joined part by part.

What comes out is what ``domain.mediation.correlate`` makes of the same parts, event by event, in the same order. Plain
is:

    a dialog    one begin, one end, at most one answer, in that order of time, and nothing counted
    a stream    the same, with notes between and a close as its last part
    a lone one  one partial record that is its session's only one
    segments    increments of a session whose end is never told, no two at the same time; they are kept and told when
                the run ends or their time is out

Nothing of them is flagged, reset, longer than may be, or known from a batch before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import polars as pl

from domain.mediation.finishing import UNFINISHED_SCHEMA
from domain.mediation.timing import AMOUNT_MAX

CARRIED: Final = ("a", "b", "c", "trunk_in", "trunk_out", "cause", "visited", "session", "leg")
# What of a part is remembered to know it again.
_SIGNED: Final = ("_key", "_part", "_seq", "start", "_in", "_out", "amount", "_seconds")
_PARTS: Final = ("begin", "answer", "end", "segment", "partial", "note", "close")
# Where an event stands among those of its run: when it was told, and when its first part came.
ORDER: Final = ("_told", "_came")


@dataclass(slots=True)
class Columnwise:
    """What a batch's plain sessions came to.

    ``events``: of ``UNFINISHED_SCHEMA`` with ``ORDER``. ``rest``: the parts that are to be joined one by one.
    ``done``: the parts of what was told, with ``_begun``, ``_ended`` and ``_finished`` of their session.
    ``kept``: segments that wait. ``merged``: parts that went into another's event.
    """

    events: pl.DataFrame
    rest: pl.DataFrame
    done: pl.DataFrame
    kept: pl.DataFrame
    merged: int = 0


@dataclass(slots=True)
class Remembered:
    """Frames of sessions by their keys; a frame is dropped when nothing of it is remembered any more."""

    frames: dict[int, pl.DataFrame] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    _next: int = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Remember a frame's keys."""
        if not frame.height:
            return
        self.frames[self._next] = frame
        self.places.update(dict.fromkeys(frame["_key"].unique().to_list(), self._next))
        self._next += 1

    def take(self, keys: list[str]) -> pl.DataFrame | None:
        """Return and forget the rows of those of some keys that are remembered, in the order they were added in."""
        known = [key for key in keys if key in self.places]
        if not known:
            return None
        wanted = pl.Series(known, dtype=pl.String)
        places = sorted({self.places.pop(key) for key in known})
        found = []
        for place in places:
            frame = self.frames[place]
            hit = frame["_key"].is_in(wanted.implode())
            found.append(frame.filter(hit))
            self.frames[place] = frame.filter(~hit)
            if not self.frames[place].height:
                del self.frames[place]
        return pl.concat(found)

    def drain(self) -> pl.DataFrame | None:
        """Return and forget everything."""
        frames = [frame for _, frame in sorted(self.frames.items())]
        self.frames, self.places = {}, {}
        return pl.concat(frames) if frames else None


def join(parts: pl.DataFrame, busy: list[str], timeout_us: int, max_us: int, *, volume: bool) -> Columnwise:
    """Join the plain sessions of a batch.

    ``parts``: rows of ``normalise`` in file order with ``_at`` (their place in the run) and ``_newest`` (the newest
    record up to them). ``busy``: keys that are known already. ``max_us``: how long an event may be.
    """
    # A reset ends what is open when it comes, so that nothing is plain beside it.
    if not parts.height or (parts["_part"] == "reset").any() or parts["_reuses"].any():
        return Columnwise(_events(parts.clear()), parts, parts.clear(), parts.clear())
    part = pl.col("_part")
    counted = _counted(parts, timeout_us, AMOUNT_MAX if volume else max_us)
    counted = counted.filter(~pl.col("_key").is_in(pl.Series(busy, dtype=pl.String).implode()))
    sides = pl.col("begin") + pl.col("end") + pl.col("answer")
    dialog = (pl.col("begin") == 1) & (pl.col("end") == 1) & (pl.col("answer") <= 1) & ~pl.col("_counts")
    dialogs = counted.filter(dialog & (pl.col("_count") == sides) & ~pl.col("_holds"))
    streams = counted.filter(
        dialog & (pl.col("close") == 1) & (pl.col("_count") == sides + 1 + pl.col("note")) & pl.col("_timed")
        & ~pl.col("_twice") & pl.col("_framed")
    )  # fmt: skip
    lone = counted.filter(
        (pl.col("_count") == 1) & (pl.col("partial") == 1) & pl.col("_only") & pl.col("_short") & pl.col("_timed")
    )
    segments = counted.filter(
        (pl.col("segment") == pl.col("_count")) & pl.col("_apart") & pl.col("_timed") & pl.col("_unnumbered")
        & pl.col("_short")
    )  # fmt: skip
    dialog_events = pl.concat([
        _dialogs(parts.join(dialogs.select("_key"), on="_key", how="semi", maintain_order="left"), max_us),
        _streams(parts.join(streams.select("_key"), on="_key", how="semi", maintain_order="left"), max_us),
    ])  # fmt: skip
    lone_parts = parts.join(lone.select("_key"), on="_key", how="semi", maintain_order="left")
    kept = parts.join(segments.select("_key"), on="_key", how="semi", maintain_order="left").filter(part != "whole")
    whole = parts.filter(part == "whole")
    lone_events = _increments(lone_parts.filter(part != "whole"))
    told = pl.concat([dialog_events.select("_key"), lone.select("_key"), segments.select("_key")])
    mine = parts.join(told, on="_key", how="semi", maintain_order="left").filter(part != "whole")
    rest = parts.filter(part != "whole").join(told, on="_key", how="anti", maintain_order="left")
    judged = pl.concat([dialog_events, lone_events])
    done = mine.join(
        judged.select("_key", "_begun", "_ended", "_finished"), on="_key", how="inner", maintain_order="left"
    )
    events = pl.concat([_events(judged), _events(whole.with_columns(_told="_at", _came="_at"))]).sort(ORDER)
    return Columnwise(
        events, rest, done.select(*_SIGNED, "_begun", "_ended", "_finished"), kept, done.height - judged.height
    )


def _counted(parts: pl.DataFrame, timeout_us: int, most: int) -> pl.DataFrame:
    """Count what each session that may be plain has of each kind of part."""
    part, known = pl.col("_part"), pl.col("_time_known")
    odd = (pl.col("flags").list.len() > 0) | ~part.is_in(_PARTS)
    at, start = pl.col("_at"), pl.col("start")
    begun, closed = part == "begin", part == "close"
    framed = (at.filter(begun).min() == at.min()) & (start.filter(begun).min() == start.min())
    waited = pl.col("_newest").max() - pl.col("_newest").min()
    twice = parts.select("_key", "_part", "_seq", "start").is_duplicated()
    return (
        parts.with_columns(_twice=twice)
        .filter(part != "whole")
        .group_by("_key")
        .agg(
            *((part == name).sum().alias(name) for name in _PARTS),
            _count=pl.len(),
            _odd=odd.any(),
            _holds=pl.col("_holds").any(),
            _twice=pl.col("_twice").any(),
            _framed=framed & (at.filter(closed).max() == at.max()),
            _counts=(pl.col("_measured") | pl.col("_volume") | (~known & (part != "begin"))).any(),
            _near=waited <= timeout_us,
            _apart=pl.col("start").n_unique() == pl.len(),
            _timed=known.all(),
            _only=(pl.col("_seq").is_in(["", "1"]) & (pl.col("_last") == "1")).all(),
            _unnumbered=((pl.col("_seq") == "") & (pl.col("_last") == "")).all(),
            _short=pl.col("amount").is_between(0, most).all(),
        )
        .filter(~pl.col("_odd") & pl.col("_near"))
    )


def of_segments(parts: pl.DataFrame, told: int, newest: int) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """Return the events of kept segments, what is to be remembered of them, and how many parts went into another's."""
    now = {"_told": pl.lit(told, dtype=pl.Int64), "_finished": pl.lit(newest, dtype=pl.Int64)}
    found = _increments(parts).with_columns(**now)
    done = parts.join(
        found.select("_key", "_begun", "_ended", "_finished"), on="_key", how="inner", maintain_order="left"
    )
    return _events(found), done.select(*_SIGNED, "_begun", "_ended", "_finished"), parts.height - found.height


def _events(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the columns of an event that is not finished, with its order."""
    names = [name for name in ORDER if name in frame.columns]
    found = frame.select(*(pl.col(name).cast(kind) for name, kind in UNFINISHED_SCHEMA.items()), *names)
    return found.with_columns(pl.lit(0, dtype=pl.Int64).alias(name) for name in ORDER if name not in names)


def _told(name: str) -> pl.Expr:
    """Return a text, null where it is empty."""
    return pl.when(pl.col(name) != "").then(pl.col(name))


def _streams(parts: pl.DataFrame, max_us: int) -> pl.DataFrame:
    """Join begin, answer and end of streams whose other parts tell nothing that their beginning does not."""
    part = pl.col("_part")
    others = (
        parts.filter(part != "begin")
        .group_by("_key")
        .agg(((pl.col(name) != "") & ((part != "end") | pl.lit(name != "cause"))).any().alias(name) for name in CARRIED)
    )
    begun = parts.filter(part == "begin").join(others, on="_key", how="inner", suffix=":other", maintain_order="left")
    plain = begun.filter(_told(name).is_not_null() | ~pl.col(f"{name}:other") for name in CARRIED)
    joined = _dialogs(parts.join(plain.select("_key"), on="_key", how="semi", maintain_order="left"), max_us)
    # It is complete when its close comes.
    closed = parts.filter(part == "close").select("_key", _closed="_at", _until="_newest")
    joined = joined.join(closed, on="_key", how="inner", maintain_order="left")
    return joined.with_columns(_told="_closed", _finished="_until").select(*_COLUMNS)


def _dialogs(parts: pl.DataFrame, max_us: int) -> pl.DataFrame:
    """Join begin, answer and end; those that are not in order of time, or too long, are left out."""
    part = pl.col("_part")
    sides = [parts.filter(part == name) for name in ("begin", "answer", "end")]
    columns = ["_key", "start", "_at", "_newest", "_line", "_offset", "_place", *CARRIED]
    joined = sides[0].join(sides[2].select(columns), on="_key", how="inner", suffix=":end", maintain_order="left")
    joined = joined.join(sides[1].select(columns), on="_key", how="left", suffix=":answer", maintain_order="left")
    begun, answer, end = pl.col("start"), pl.col("start:answer"), pl.col("start:end")
    timed, at, at_answer, at_end = (pl.col(name) for name in ("_time_known", "_at", "_at:answer", "_at:end"))
    answered_at = pl.coalesce(answer, pl.when(pl.col("answered") & timed).then(begun))
    # The session is known by its answer or a begin with a time, and complete when its end is there as well.
    known_at = pl.when(timed).then(pl.min_horizontal(at, at_answer)).otherwise(at_answer)
    last = pl.max_horizontal(at, at_answer, at_end)
    first = pl.min_horizontal(at, at_answer, at_end)
    joined = joined.with_columns(_from=answered_at, _last_at=last, _came=first).filter(
        (timed | answer.is_not_null())
        & (~timed | ((begun <= end) & (answer.is_null() | (begun <= answer))))
        & (answer.is_null() | (answer <= end))
        & (pl.max_horizontal(known_at, at_end) == last)
        & (answered_at.is_null() | (end - answered_at <= max_us))
    )
    carried = {
        name: pl.coalesce(
            *([_told("cause:end")] if name == "cause" else []),
            _told(name),
            _told(f"{name}:answer"),
            _told(f"{name}:end"),
        )
        for name in CARRIED
    }
    # A text that no part tells stays what it was: empty, or none.
    carried = {name: pl.coalesce(one, pl.col(name)) for name, one in carried.items()}
    where = {
        name: pl.when(first == at).then(pl.col(name)).when(first == at_end).then(pl.col(f"{name}:end"))
        .otherwise(pl.col(f"{name}:answer"))
        for name in _PLACE
    }  # fmt: skip
    newest = pl.max_horizontal("_newest", "_newest:answer", "_newest:end")
    seized = pl.when(timed).then(begun)
    start = pl.coalesce("_from", begun)
    return joined.with_columns(
        **carried,
        **where,
        answered=pl.col("_from").is_not_null(),
        seized=seized,
        start=start,
        amount=pl.coalesce(end - pl.col("_from"), pl.lit(0, dtype=pl.Int64)),
        _told=last,
        _begun=pl.coalesce(seized, start),
        _ended=end,
        _finished=newest,
    ).select(*_COLUMNS)


def _increments(parts: pl.DataFrame) -> pl.DataFrame:
    """Add up the increments of each session."""
    seized = pl.coalesce("seized", "start")
    parts = parts.with_columns(
        *(_told(name).alias(f"{name}:told") for name in CARRIED),
        _seized=seized,
        _from=pl.when("answered").then("start"),
        _charged=pl.when("answered").then("amount").otherwise(0),
    )
    ordered = parts.sort("start", maintain_order=True)
    numbers = parts.group_by("_key").agg(pl.len().alias("_count"))
    many = numbers.filter(pl.col("_count") > 1).select("_key")
    single = ordered.join(many, on="_key", how="anti", maintain_order="left").with_columns(
        _came="_at", _latest="start", _touched="_newest"
    )
    several = ordered.join(many, on="_key", how="semi", maintain_order="left")
    came = several.sort("_at").group_by("_key", maintain_order=True).agg(
        pl.col(name).first() for name in _PLACE
    )  # fmt: skip
    own = {"_key", *_PLACE, *_ADDED, *(f"{name}:told" for name in CARRIED)}
    grouped = (
        several.group_by("_key", maintain_order=True)
        .agg(
            *(pl.col(name).first() for name in several.columns if name not in own),
            *(pl.col(f"{name}:told").drop_nulls().first() for name in CARRIED),
            pl.col("_seized").min(),
            pl.col("_from").min(),
            pl.col("_charged").sum(),
            _came=pl.col("_at").min(),
            _latest=pl.col("start").max(),
            _touched=pl.col("_newest").max(),
        )
        .join(came, on="_key", how="left")
    )
    joined = pl.concat([single, grouped.select(single.columns)])
    start = pl.coalesce("_from", "_seized")
    return joined.with_columns(
        *(pl.coalesce(f"{name}:told", name).alias(name) for name in CARRIED),
        answered=pl.col("_from").is_not_null(),
        seized="_seized",
        start=start,
        amount=pl.col("_charged"),
        _told="_at",
        _begun="_seized",
        _ended="_latest",
        _finished="_touched",
    ).select(*_COLUMNS)


_PLACE: Final = ("_line", "_offset", "_place")
_ADDED: Final = ("_seized", "_from", "_charged")
_COLUMNS: Final = ("_key", *UNFINISHED_SCHEMA, *ORDER, "_begun", "_ended", "_finished")


def longest(parts: pl.DataFrame) -> pl.DataFrame:
    """Return the keys of segments with what they come to together."""
    return parts.group_by("_key").agg(pl.when("answered").then("amount").otherwise(0).sum().alias("_total"))


def compact(parts: pl.DataFrame) -> pl.DataFrame:
    """Return parts whose texts are their own, so that what they were read from can go."""
    found = pl.from_arrow(parts.to_arrow(compat_level=pl.CompatLevel.oldest()))
    assert isinstance(found, pl.DataFrame)
    return found

"""One file of records made into events: decode, normalise, correlate, duplicates; a batch at a time, memory flat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from domain.mediation.columnwise import ORDER
from domain.mediation.correlate import Joined, Sessions
from domain.mediation.duplicates import CONFLICTING, EXACT, FRESH, Seen
from domain.mediation.events import REJECT_SCHEMA, Balance, Batch
from domain.mediation.finishing import FAULTS, UNFINISHED_SCHEMA, fault_of, finished, leg_of
from domain.mediation.normalise import normalise
from domain.mediation.profile import Profile
from domain.mediation.session import Row
from domain.mediation.verdicts import reject_rows
from domain.ports.reader import Decoded, RawText, Reader


@dataclass(slots=True)
class Run:
    """What a run over one or several files of a source remembers: the keys it met and the sessions still open.

    ``passed``: records that the profile left out of files before, where the run is over one file alone. ``apart``:
    parts of sessions are not joined here but handed on, for who joins them with those of other files.
    """

    seen: Seen = field(default_factory=Seen)
    sessions: Sessions | None = None
    passed: Seen | None = None
    apart: bool = False


def mediate(
    blocks: Iterable[bytes],
    profile: Profile,
    reader: Reader,
    *,
    records_per_batch: int = 50_000,
    start_at: int = 0,
    now_us: int | None = None,
    run: Run | None = None,
    passed: Seen | None = None,
    apart: bool = False,
) -> Iterator[Batch]:
    """Yield a file's batches in order. ``blocks`` are the file's bytes from its beginning, decompressed.

    ``start_at`` is a ``Batch.position``: what lies before it is read again, so that record numbers, duplicates and
    open sessions are the same as without the interruption, but not yielded. ``now_us``: when the file arrived, to
    tell times in the future. ``run``: memory to share between the files of one run; who gives it calls ``finish``.
    ``passed``: memory, where there is no ``run``, of the records that the profile leaves out, so that those in
    overlapping files count once. ``apart``: parts of sessions are handed on in ``Batch.parts``, as pending.

    Refuses with: Unreadable, LimitExceeded, BadValue.
    """
    own = run is None
    run = run or Run(passed=passed, apart=apart)
    pieces = (
        part
        for whole in reader.decode(blocks, profile, records_max=records_per_batch)
        for part in _parts(whole, start_at)
    )
    piece = next(pieces, None)
    while piece is not None:
        following = next(pieces, None)
        batch = batch_of(piece, profile, run, now_us)
        if own and following is None and (last := finish(profile, run, position=piece.position)) is not None:
            batch = _together(batch, last)
        batch.balance.check()
        if batch.position > start_at:
            yield batch
        piece = following


def finish(profile: Profile, run: Run, *, position: int = 0) -> Batch | None:
    """End a run: sessions that used something become events flagged incomplete; the others stay pending."""
    if run.sessions is None:
        return None
    batch = _of_joined(run.sessions.finish(), profile, run, position)
    batch.balance.check()
    return batch


def _together(first: Batch, second: Batch) -> Batch:
    """Join two batches of one piece; the second's places are told from the first's by their sign."""

    def raw(places: pl.Series) -> list[str]:
        return [
            first.raw(pl.Series([place]))[0] if place >= 0 else second.raw(pl.Series([~place]))[0] for place in places
        ]

    return Batch(
        pl.concat([first.events, second.events]),
        pl.concat([first.rejects, second.rejects]),
        first.balance + second.balance,
        second.position,
        pl.concat([first.origins, second.origins.with_columns(_place=-1 - pl.col("_place"))]),
        raw,
    )


def _parts(piece: Decoded, start_at: int) -> list[Decoded]:
    """Cut a piece where a restart begins, so that a batch never lies on both sides of it."""
    before = piece.records["_offset"] < start_at
    rejects_before = piece.rejects["offset"] < start_at
    if piece.position <= start_at or not (before.any() or rejects_before.any()):
        return [piece]
    first = Decoded(
        piece.records.filter(before), piece.raw, start_at, piece.rejects.filter(rejects_before), piece.ignored
    )
    second = Decoded(
        piece.records.filter(~before), piece.raw, piece.position, piece.rejects.filter(~rejects_before), {}
    )
    return [first, second]


def batch_of(piece: Decoded, profile: Profile, run: Run, now_us: int | None) -> Batch:
    """Make a piece's records into a batch."""
    normal = normalise(piece, profile, now_us=now_us)
    before = Balance(
        records=piece.count,
        rejects=piece.rejects.height + normal.rejects.height,
        ignored=_added(piece.ignored, normal.ignored),
    )
    bad = [frame for frame in (piece.rejects, normal.rejects) if frame.height]
    if "_part" not in normal.events.columns:
        batch = _unique(normal.events, profile, run, piece.raw, piece.position)
    else:
        parts = normal.events.filter(pl.col("_ignored") == "")
        left_out = normal.events.filter(pl.col("_ignored") != "")["_ignored"].value_counts()
        before += Balance(ignored={str(reason): int(count) for reason, count in left_out.iter_rows()})
        if run.apart:
            rows = parts.with_columns(_raw=pl.Series(piece.raw(parts["_place"]), dtype=pl.String)).to_dicts()
            whole = [row for row in rows if row["_part"] == "whole"]
            waiting = [row for row in rows if row["_part"] != "whole"]
            batch = _of_joined(Joined(rows=whole, pending=len(waiting)), profile, run, piece.position)
            batch = replace(batch, parts=waiting)
        else:
            run.sessions = run.sessions or Sessions(profile)
            batch = _of_joined(run.sessions.join(parts, piece.raw), profile, run, piece.position)
    rejects = pl.concat([*bad, batch.rejects]).sort("raw_line") if bad else batch.rejects
    return replace(batch, rejects=rejects, balance=before + batch.balance)


def _of_joined(joined: Joined, profile: Profile, run: Run, position: int) -> Batch:
    """Make finished sessions into events: judged as wholes, then met with the run's keys."""
    good, faults = (
        [],
        [(row, "conflicting_duplicate", "the same part came with other content") for row in joined.conflicts],
    )
    for row in joined.rows:
        fault = fault_of(row, profile)
        row["leg"] = leg_of(row, profile)
        if fault is None:
            good.append(row)
        else:
            faults.append((row, fault, FAULTS[fault]))
    events, raw = _told(good, joined)
    batch = _unique(events, profile, run, raw, position)
    ends = Balance(
        merged=joined.merged,
        pending=joined.pending,
        duplicates=joined.duplicates,
        rejects=len(faults),
        ignored={"control": joined.control} if joined.control else {},
    )
    balance = ends + batch.balance
    if not faults:
        return replace(batch, balance=balance)
    rejects = reject_rows(
        pl.Series([row["_line"] for row, _, _ in faults], dtype=pl.Int64),
        pl.Series([row["_offset"] for row, _, _ in faults], dtype=pl.Int64),
        [fault for _, fault, _ in faults],
        [detail for _, _, detail in faults],
        [row["_raw"] for row, _, _ in faults],
    )
    rejects = pl.concat([batch.rejects, rejects]).sort("raw_line", maintain_order=True)
    return replace(batch, rejects=rejects, balance=balance)


def _told(good: list[Row], joined: Joined) -> tuple[pl.DataFrame, RawText]:
    """Put events joined one by one and those joined in columns into their order; ``_place`` is what ``raw`` takes."""
    schema = {**UNFINISHED_SCHEMA, **dict.fromkeys(ORDER, pl.Int64)}
    one_by_one = [{**row, "_told": row.get("_told", 0), "_came": row.get("_came", 0)} for row in good]
    first = pl.DataFrame(one_by_one, schema=schema, infer_schema_length=None)
    frames = [first, *(frame.select(*schema) for frame, _ in joined.frames)]
    parts = [frame.with_columns(_of=pl.lit(of), _in=pl.int_range(pl.len())) for of, frame in enumerate(frames)]
    events = pl.concat(parts).sort(ORDER, maintain_order=True)
    of, inside, there = (events[name].to_list() for name in ("_of", "_in", "_place"))

    def raw(places: pl.Series) -> list[str]:
        return [text(int(place)) for place in places.to_list()]

    def text(place: int) -> str:
        if not of[place]:
            return str(good[inside[place]]["_raw"])
        frame, written = joined.frames[of[place] - 1]
        return str(frame["_raw"][inside[place]]) if written is None else written(pl.Series([there[place]]))[0]

    return events.with_columns(_place=pl.int_range(pl.len(), dtype=pl.Int64)).drop("_of", "_in", *ORDER), raw


def _unique(events: pl.DataFrame, profile: Profile, run: Run, raw: RawText, position: int) -> Batch:
    """Leave out what came before in this run and what the profile ignores; the balance is without ``records``."""
    found = run.seen.meet(events)
    kept = events["_ignored"] == ""
    new = ~kept.to_numpy() & (found != EXACT)
    if run.passed is not None and new.any():
        found[new] = np.where(run.passed.meet(events.filter(pl.Series(new))) == EXACT, EXACT, found[new])
    left_out = events["_ignored"].filter(~kept & pl.Series(found != EXACT))
    ignored = (
        {str(reason): int(count) for reason, count in left_out.value_counts().iter_rows()} if len(left_out) else {}
    )
    rejects = REJECT_SCHEMA.to_frame()
    if (held := kept & pl.Series(found == CONFLICTING)).any():
        rejects = _conflicting(events.filter(held), raw)
    fresh = kept & pl.Series(found == FRESH)
    events = events if fresh.all() else events.filter(fresh)
    balance = Balance(
        events=events.height,
        duplicates=int(np.count_nonzero(found == EXACT)),
        rejects=rejects.height,
        ignored=ignored,
    )
    return Batch(finished(events, profile), rejects, balance, position, events.select("_offset", "_place"), raw)


def _conflicting(held: pl.DataFrame, raw: RawText) -> pl.DataFrame:
    words = ["conflicting_duplicate"] * held.height
    details = [f"{ref}/{leg} came before with other content" for ref, leg in held.select("ref", "leg").iter_rows()]
    return reject_rows(held["_line"], held["_offset"], words, details, raw(held["_place"]))


def _added(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    return {reason: first.get(reason, 0) + second.get(reason, 0) for reason in (*first, *second)}

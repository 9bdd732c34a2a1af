"""One file of records made into events: decode, normalise, correlate, duplicates; a batch at a time, memory flat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl

from domain.mediation.duplicates import CONFLICTING, EXACT, FRESH, Seen
from domain.mediation.events import EVENT_SCHEMA, Balance, Batch
from domain.mediation.normalise import VOLUME_UNITS, normalise, reject_rows
from domain.mediation.profile import Profile
from domain.ports.reader import Decoded, Reader

_KILO: Final = 1_000
_SECOND: Final = 1_000_000


@dataclass(slots=True)
class Run:
    """What a run over one or several files of a source remembers: the keys it met."""

    seen: Seen = field(default_factory=Seen)


def mediate(
    blocks: Iterable[bytes],
    profile: Profile,
    reader: Reader,
    *,
    records_per_batch: int = 50_000,
    start_at: int = 0,
    now_us: int | None = None,
    run: Run | None = None,
) -> Iterator[Batch]:
    """Yield a file's batches in order. ``blocks`` are the file's bytes from its beginning, decompressed.

    ``start_at`` is a ``Batch.position``: what lies before it is read again, so that record numbers, duplicates and open
    sessions are the same as without the interruption, but not yielded. ``now_us``: when the file arrived, to
    tell times in the future. ``run``: memory to share between the files of one run.

    Refuses with: Unreadable, LimitExceeded, BadValue.
    """
    run = run or Run()
    for whole in reader.decode(blocks, profile, records_max=records_per_batch):
        for piece in _parts(whole, start_at):
            batch = _batch(piece, profile, run, now_us)
            batch.balance.check()
            if batch.position > start_at:
                yield batch


def _parts(piece: Decoded, start_at: int) -> list[Decoded]:
    """Cut a piece where a restart begins, so that a batch never lies on both sides of it."""
    before = piece.records["_offset"] < start_at
    if piece.position <= start_at or not before.any() or before.all():
        return [piece]
    rejects_before = piece.rejects["offset"] < start_at
    first = Decoded(
        piece.records.filter(before), piece.raw, start_at, piece.rejects.filter(rejects_before), piece.ignored
    )
    second = Decoded(
        piece.records.filter(~before), piece.raw, piece.position, piece.rejects.filter(~rejects_before), {}
    )
    return [first, second]


def _batch(piece: Decoded, profile: Profile, run: Run, now_us: int | None) -> Batch:
    normal = normalise(piece, profile, now_us=now_us)
    events = normal.events
    found = run.seen.meet(events)
    kept = events["_ignored"] == ""
    ignored = dict(piece.ignored)
    left_out = events["_ignored"].filter(~kept & pl.Series(found != EXACT))
    for reason, count in (*normal.ignored.items(), *left_out.value_counts().iter_rows()):
        ignored[reason] = ignored.get(reason, 0) + count
    rejects = [piece.rejects, normal.rejects]
    if (held := kept & pl.Series(found == CONFLICTING)).any():
        rejects.append(_conflicting(events.filter(held), piece))
    fresh = kept & pl.Series(found == FRESH)
    events = events if fresh.all() else events.filter(fresh)
    bad = pl.concat([frame for frame in rejects if frame.height] or rejects[:1]).sort("raw_line")
    balance = Balance(
        records=piece.count,
        events=events.height,
        duplicates=int(np.count_nonzero(found == EXACT)),
        rejects=bad.height,
        ignored=ignored,
    )
    origins = events.select("_offset", "_place")
    return Batch(finished(events, profile), bad, balance, piece.position, origins, piece.raw)


def _conflicting(held: pl.DataFrame, piece: Decoded) -> pl.DataFrame:
    words = ["conflicting_duplicate"] * held.height
    details = [f"{ref}/{leg} came before with other content" for ref, leg in held.select("ref", "leg").iter_rows()]
    return reject_rows(held["_line"], held["_offset"], words, details, piece.raw(held["_place"]))


def finished(events: pl.DataFrame, profile: Profile) -> pl.DataFrame:
    """Round the amount to whole units, once, as the profile says, and give the columns of ``EVENT_SCHEMA``."""
    unit = _KILO if profile.unit in VOLUME_UNITS else _SECOND
    amount = pl.col("amount")
    add = {"up": unit - 1, "half": unit // 2, "down": 0}[profile.round]
    used = (amount + add) // unit
    named = events.with_columns(used=used, raw_line=pl.col("_line"))
    return named.select(pl.col(name).cast(kind) for name, kind in EVENT_SCHEMA.items())

"""One chunk on its way: mediated, rated, and rid of what the database has already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from domain.alarms.alarm import Raised
from domain.intake.rater import Rater
from domain.intake.rows import (
    SUSPENDED,
    Flags,
    Priced,
    flag_rows,
    share_rows,
    suspended_events,
    suspended_rejects,
    usage_table,
    warnings,
)
from domain.margins.below_cost import below_cost
from domain.mediation.events import Balance, Batch
from domain.mediation.files import CdrFile


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A batch with its events rated; ``usage`` has a row per event that is billed.

    ``unmet``: what it writes where nothing of it is known, which is so of most. A changed copy has none.
    """

    batch: Batch
    rater: Rater
    priced: Priced
    usage: Any
    unmet: Settled | None = field(init=False, default=None)


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """What a chunk writes: rows of usage and of ``domain.intake.rows``, and its share of the file's counts.

    ``alarms``: what is to be raised with it.
    """

    usage: Any
    shares: pl.DataFrame
    flags: pl.DataFrame
    suspended: pl.DataFrame
    balance: Balance
    rated: int
    unrated: int
    missing: dict[str, int]
    position: int
    alarms: Sequence[Raised] = ()


def prepare(batch: Batch, rater: Rater) -> Prepared:
    """Rate a batch. Nothing of it depends on what the database has, so it runs while the chunk before is written."""
    priced = Priced.of(batch.events, rater)
    made = Prepared(batch, rater, priced, usage_table(priced, rater))
    object.__setattr__(made, "unmet", _settled(made, made.usage, *_none(made)))
    return made


def settle(made: Prepared, known: pl.DataFrame) -> Settled:
    """Take out what is known: the same content is a duplicate, another is held back as ``conflicting_duplicate``.

    ``known`` is a frame of ``domain.ports.intake.KNOWN`` and may hold more than these events. An event that was taken
    back may come again: under the version after the one that took it back.
    """
    if not known.height:
        return made.unmet or _settled(made, made.usage, *_none(made))
    past = taken_back(known)
    return _settled(made, _again(made, past) if past.height else made.usage, *met(made, known))


def _none(made: Prepared) -> tuple[Flags, Flags]:
    """Tell of no event that it is known."""
    none = np.zeros(len(made.priced.keys), np.bool_)
    return none, none.copy()


def _settled(made: Prepared, usage: Any, same: Flags, conflicting: Flags) -> Settled:
    gone = same | conflicting
    if gone.any():
        usage = usage.filter(pa.array(~gone[made.priced.billed]))
    rest = np.flatnonzero(~made.priced.billed & ~gone)
    held = np.flatnonzero(conflicting)
    before = made.batch.balance
    balance = replace(
        before,
        events=before.events - int(gone.sum()),
        duplicates=before.duplicates + int(same.sum()),
        rejects=before.rejects + len(held),
    )
    balance.check()
    assert balance.events == usage.num_rows + len(rest), "every event is rated or not"
    return Settled(
        usage=usage,
        shares=share_rows(made.priced, usage),
        flags=flag_rows(made.priced, made.priced.billed & ~gone, usage),
        suspended=_suspended(made, rest, held),
        balance=balance,
        rated=usage.num_rows,
        unrated=len(rest),
        missing=warnings(made.priced, made.priced.billed & ~gone),
        position=made.batch.position,
        alarms=below_cost(made.priced, made.rater, made.priced.billed & ~gone),
    )


def taken_back(known: pl.DataFrame) -> pl.DataFrame:
    """Return the identities of known events that hold no more, with their last version."""
    return known.group_by("start", "key").agg(pl.col("version").max()).filter(pl.col("version") % 2 == 0)


def _again(made: Prepared, past: pl.DataFrame) -> Any:
    """Return the rows of usage, those of events that were taken back with the version after that."""
    billed = made.priced.billed
    mine = pl.DataFrame({"start": made.priced.events.start[billed], "key": made.priced.keys[billed]})
    version = mine.join(past, on=["start", "key"], how="left", maintain_order="left")["version"].fill_null(0) + 1
    place = made.usage.column_names.index("version")
    return made.usage.set_column(place, "version", pa.array(version.to_numpy(), pa.int16()))


def met(made: Prepared, known: pl.DataFrame) -> tuple[Flags, Flags]:
    """Tell which events are known with the same content, and which with another."""
    priced = made.priced
    same, conflicting = _none(made)
    if not known.height or not len(same):
        return same, conflicting
    if (past := taken_back(known)).height:
        known = known.join(past, on=["start", "key"], how="anti")
    mine = pl.DataFrame({"start": priced.events.start, "key": priced.keys, "content": priced.contents})
    mine = mine.with_row_index("place")
    met = (
        mine.join(known, on=["start", "key"], suffix="_kept")
        .group_by("place")
        .agg((pl.col("content") == pl.col("content_kept")).any().alias("same"))
    )
    same[met.filter("same")["place"].to_numpy()] = True
    conflicting[met.filter(~pl.col("same"))["place"].to_numpy()] = True
    return same, conflicting


def _suspended(made: Prepared, rest: Any, held: Any) -> pl.DataFrame:
    frames = []
    if len(rest):
        frames.append(suspended_events(made.priced, rest, *made.batch.written(pl.Series(rest))))
    if len(held):
        frames.append(suspended_rejects(_conflicts(made, held)))
    if made.batch.rejects.height:
        frames.append(suspended_rejects(made.batch.rejects))
    return pl.concat(frames) if frames else SUSPENDED.to_frame()


def _conflicts(made: Prepared, held: Any) -> pl.DataFrame:
    rows = pl.Series(held)
    offsets, raws = made.batch.written(rows)
    events = made.batch.events[rows]
    return pl.DataFrame(
        {
            "raw_line": events["raw_line"],
            "offset": offsets,
            "reason": ["conflicting_duplicate"] * events.height,
            "detail": [
                f"{ref}/{leg} is kept already with other content"
                for ref, leg in events.select("ref", "leg").iter_rows()
            ],
            "raw": raws,
        },
        schema=made.batch.rejects.schema,
    )


def advanced(file: CdrFile, settled: Settled) -> CdrFile:
    """Return the file with a chunk's counts added."""
    balance = settled.balance
    after = replace(
        file,
        position=settled.position,
        chunks=file.chunks + 1,
        records=file.records + balance.records,
        events=file.events + balance.events,
        merged=file.merged + balance.merged,
        pending=file.pending + balance.pending,
        duplicates=file.duplicates + balance.duplicates,
        rejects=file.rejects + balance.rejects,
        ignored=_added(file.ignored, balance.ignored),
        rated=file.rated + settled.rated,
        unrated=file.unrated + settled.unrated,
        warnings=_added(file.warnings, settled.missing),
    )
    assert after.balances(), f"the balance of {file.name} does not hold: {after}"
    return after


def shifted(file: CdrFile, counts: Mapping[str, int]) -> CdrFile:
    """Return the file with counts moved, by their names; ``discarded`` and such are among the ignored."""
    named = {name: count for name, count in counts.items() if hasattr(file, name)}
    ignored = {name: count for name, count in counts.items() if name not in named}
    moved: dict[str, Any] = {name: getattr(file, name) + count for name, count in named.items()}
    left = {name: count for name, count in _added(file.ignored, ignored).items() if count}
    after = replace(file, **moved, ignored=left)
    assert after.balances(), f"the balance of {file.name} does not hold: {after}"
    return after


def _added(before: Any, more: Any) -> dict[str, int]:
    return {name: before.get(name, 0) + more.get(name, 0) for name in {**before, **more}}

"""One chunk of a file into the database, within one transaction: joined, rid of what is known, stored, counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa

from domain.buckets.claiming import draw_chunk
from domain.credit.counting import count_chunk
from domain.ids import FileId, SourceId, SuspenseId
from domain.intake.chunks import Prepared, Settled, advanced, prepare, settle, shifted
from domain.intake.joining import Identity, Joining, join
from domain.intake.rater import Rater
from domain.intake.rows import SUSPENDED
from domain.intake.spans import ends_of, months_of
from domain.intake.twins import known_to, twins_of
from domain.mediation.events import EVENT_SCHEMA, REJECT_SCHEMA, Balance, Batch
from domain.mediation.files import CdrFile
from domain.mediation.held import COUNTED, DUPLICATE, EVENT, REJECT, Held, name_of, reset_name
from domain.mediation.profile import Profile
from domain.ports.intake import KNOWN, Chunk
from domain.ports.unit import Unit
from domain.rerating.columns import written

_ORIGINS: Final = pl.Schema({"_offset": pl.Int64, "_place": pl.Int64})


@dataclass(frozen=True, slots=True, eq=False)
class Wrote:
    """What a chunk came to: its rows, the file with its counts, and sessions that another file must tell of.

    ``balance``, ``rated``, ``unrated``: how all counts moved, of this file and of those that brought other parts.
    ``stayed``: records that were released and stay in suspense, with the reason.
    """

    settled: Settled
    file: CdrFile
    balance: Balance
    rated: int
    unrated: int
    later: Collection[str] = ()
    stayed: Mapping[SuspenseId, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settled: Settled, file: CdrFile) -> Wrote:
        """Return what a chunk came to that moves no counts but its file's."""
        return cls(settled, file, settled.balance, settled.rated, settled.unrated)


def nothing(file: CdrFile) -> Batch:
    """Return a batch without records, for a chunk that only sessions or records in suspense make."""
    return Batch(
        EVENT_SCHEMA.to_frame(), REJECT_SCHEMA.to_frame(), Balance(), file.position, _ORIGINS.to_frame(), lambda _: []
    )


async def write_chunk(
    unit: Unit,
    made: Prepared,
    file: CdrFile,
    profile: Profile,
    *,
    at: datetime,
    held: Mapping[str, Held] | None = None,
    again: Mapping[int, SuspenseId] | None = None,
    twins: Sequence[SourceId] | None = None,
) -> Wrote | None:
    """Write a chunk of a claimed file and return it with its counts moved on; None where nothing changes by it.

    Raises ``Collision``.

    Where the batch has parts of sessions, the caller holds the lock of its source (``unit.sessions.lock``), taken
    before the file was claimed. ``held``: sessions to tell of besides, as the caller has read and changed them.
    ``again``: of records that are released, their keys in suspense; those that fail again stay under them.
    ``twins``: other sources whose events may be the same, where the caller has asked already.
    """
    joining: Joining | None = None
    known_as: Mapping[Identity, int] = {}
    rows = None
    if made.batch.parts or held:
        joining = await _joined(unit, made.batch, file, profile, held or {})
        if (
            held
            and not made.batch.parts
            and not joining.tellings
            and not joining.moved
            and not made.batch.balance.records
        ):
            return None
        made = await asyncio.to_thread(prepare, joining.batch, made.rater)
        undone = await unit.sessions.undo(file.source, [(t.start, t.key) for t in joining.undo if t.kind == EVENT])
        dropped = await unit.sessions.drop(file.source, [(told.file, told.record) for told in joining.dropped])
        rows = undone.rows
        known_as = {(start, key): version for start, key, version in rows.select("start", "key", "version").iter_rows()}
    if joining is not None or again:
        await unit.intake.partitions(months_of(made.priced.events.start[made.priced.billed]))
    if twins is None:
        twins = twins_of((await unit.sources.many([file.source]))[file.source], await unit.sources.all())
    known = await known_to(unit, file.source, twins, made)
    if known_as:
        known = _taken_back(known, known_as)
    source = (await unit.sources.many([file.source]))[file.source].name if made.rater.book.tariff.draws else ""
    made, back = await draw_chunk(unit, made, known, source, at=at, undone=rows)
    settled = settle(made, known)
    after = advanced(file, settled)
    usage = settled.usage
    if rows is not None and rows.height:
        usage = pa.concat_tables([_arrow(rows, usage.schema), usage])
    stayed, suspended = _apart(settled.suspended, again or {})
    for key, row in stayed.items():
        await unit.desk.stay(key, row)
    first, last = _span(made, rows)
    await unit.intake.store(
        Chunk(
            file=file.id,
            source=file.source,
            number=file.chunks,
            position=settled.position,
            first_start=first,
            last_start=last,
            believed_at=made.rater.subscribers.believed_at,
            usage=usage,
            suspended=suspended,
            shares=pl.concat([settled.shares, back]),
            flags=settled.flags,
        )
    )
    later: Collection[str] = ()
    shifts: Mapping[int, Mapping[str, int]] = {}
    if joining is not None:
        _decide(joining, settled)
        shifts = joining.shifts(undone.statuses, dropped)
        after = await _move(unit, after, shifts)
        await unit.sessions.keep(file.source, joining.held.values(), at)
        later = joining.later
    await unit.files.keep(after)
    await count_chunk(unit, usage, made.rater, at=at)
    if settled.alarms:
        await unit.alarms.raise_all(settled.alarms, at=at)
    moved = summed(shifts)
    return Wrote(
        settled=settled,
        file=after,
        balance=settled.balance + balance_of(moved),
        rated=settled.rated + moved.get("rated", 0),
        unrated=settled.unrated + moved.get("unrated", 0),
        later=later,
        stayed={key: str(row["reason"]) for key, row in stayed.items()},
    )


def _apart(
    suspended: pl.DataFrame, again: Mapping[int, SuspenseId]
) -> tuple[dict[SuspenseId, dict[str, Any]], pl.DataFrame]:
    """Return the rows of records that were released, by their keys, and the others."""
    if not again:
        return {}, suspended
    mine = pl.col("record").is_in(list(again))
    return {again[row["record"]]: row for row in suspended.filter(mine).to_dicts()}, suspended.filter(~mine)


def summed(shifts: Mapping[int, Mapping[str, int]]) -> dict[str, int]:
    """Add up how the counts of several files move."""
    total: Counter[str] = Counter()
    for counts in shifts.values():
        total.update(counts)  # adds, also what is negative
    return dict(total)


def balance_of(counts: Mapping[str, int]) -> Balance:
    """Return counts by their names as a balance; what has none of its own is among the ignored."""
    own = {name: count for name, count in counts.items() if name in COUNTED.values()}
    ignored = {name: n for name, n in counts.items() if name not in own and name not in {"rated", "unrated"} and n}
    return Balance(**own, ignored=ignored)


async def take_back(unit: Unit, file: CdrFile, rows: pl.DataFrame, rater: Rater, *, at: datetime) -> CdrFile:
    """Write reversals (``STORED``) of a claimed file as a chunk, and return it with their events as withdrawn.

    What they drew is given back. Raises ``Collision``.
    """
    made = prepare(nothing(file), rater)
    _, back = await draw_chunk(unit, made, KNOWN.to_frame(), "", at=at, undone=rows)
    first, last = _span(made, rows)
    reversals = _arrow(rows, made.usage.schema)
    await unit.intake.store(
        Chunk(
            file=file.id,
            source=file.source,
            number=file.chunks,
            position=file.position,
            first_start=first,
            last_start=last,
            believed_at=rater.subscribers.believed_at,
            usage=reversals,
            suspended=SUSPENDED.to_frame(),
            shares=back,
        )
    )
    count = rows.height
    after = shifted(file, {"chunks": 1, "events": -count, "rated": -count, "withdrawn": count})
    await unit.files.keep(after)
    await count_chunk(unit, reversals, rater, at=at)
    return after


async def _joined(unit: Unit, batch: Batch, file: CdrFile, profile: Profile, held: Mapping[str, Held]) -> Joining:
    """Read the sessions that a batch has parts of, and add those."""
    names = {place: name_of(row) for place, row in enumerate(batch.parts)}
    scopes = {str(row["_scope"]) for row in batch.parts if row["_scope"]} | {
        one.scope for one in held.values() if one.scope
    }
    wanted = {*names.values(), *(reset_name(scope) for scope in scopes)} - held.keys()
    found = {**await unit.sessions.load(file.source, wanted), **held}
    every = {name: found.get(name) or Held(name) for name in {*names.values(), *found}}
    return await asyncio.to_thread(join, batch, every, profile, int(file.id), names=names, touched=held.keys())


async def _move(unit: Unit, file: CdrFile, shifts: Mapping[int, Mapping[str, int]]) -> CdrFile:
    """Move the counts of files whose parts are told of otherwise now; return this one."""
    for key in sorted(shifts):
        if key == file.id:
            file = shifted(file, shifts[key])
        else:
            await unit.files.keep(shifted(await unit.files.claim(FileId(key)), shifts[key]))
    return file


def _decide(joining: Joining, settled: Settled) -> None:
    """Note what became of the events that were told: some are known from elsewhere."""
    starts = pa.compute.cast(settled.usage["start"], pa.int64()).to_pylist()
    there = set(zip(starts, settled.usage["key"].to_pylist(), strict=True))
    waiting = settled.suspended.filter(pl.col("kind") == "unrated").select(
        pl.col("start").dt.epoch("us").alias("start"), "key"
    )
    there |= set(waiting.iter_rows())
    refused = settled.suspended.filter(pl.col("reason") == "conflicting_duplicate")["record"].to_list()
    for one in joining.tellings:
        told = one.told
        if told.kind == EVENT and (told.start, told.key) not in there:
            bad = told.record in refused
            told = replace(told, kind=REJECT if bad else DUPLICATE, reason="conflicting_duplicate" if bad else "")
            one.place["_state"] = told.kind
        one.held.told.append(told)


def _taken_back(known: pl.DataFrame, versions: Mapping[Identity, int]) -> pl.DataFrame:
    """Return what is known with the reversals that this chunk writes, which are not there yet."""
    extra = [(start, key, 0, version) for (start, key), version in versions.items()]
    return pl.concat([known, pl.DataFrame(extra, schema=known.schema, orient="row")])


def _arrow(rows: pl.DataFrame, schema: Any) -> Any:
    table = written(rows).drop("source").to_arrow(compat_level=pl.CompatLevel.oldest())
    return table.select(schema.names).cast(schema)


def _span(made: Prepared, rows: pl.DataFrame | None) -> tuple[datetime | None, datetime | None]:
    """Return the first and last instant of a chunk's events, rated or not."""
    starts = made.priced.events.start
    if rows is not None and rows.height:
        starts = np.concatenate([starts, rows["start"].to_numpy()])
    return ends_of(starts)

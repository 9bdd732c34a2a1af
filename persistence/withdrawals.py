"""What a file has brought, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.access.actor import Actor
from domain.ids import SourceId
from domain.mediation.files import CdrFile
from domain.ports.withdrawals import Place
from domain.rating.clock import EPOCH
from persistence.engine import Transaction
from persistence.files import FILE, file_of
from persistence.rerating import READ, copied

SECONDS: Final = 600
FILES_MAX: Final = 100
# The file of an event is that of its last version that a file brought, or of the record that a re-rating released.
_IDENTITIES: Final = """
with mine as (select id, first_start, last_start from chunk where operator = $1 and file = $2),
brought as (
    select u.start, u.key from usage u
     where u.operator = $1 and u.source = $3 and u.chunk in (select id from mine) and u.version % 2 = 1
       and u.start between (select min(first_start) from mine) and (select max(last_start) from mine)
    union
    select s.start, s.key from suspense s where s.operator = $1 and s.file = $2 and s.kind = 'unrated'
       and s.resolution = 'released')
select start, key, (extract(epoch from start) * 1000000)::bigint as micros from brought
 where (start, key) > ($4, $5) order by start, key limit $6
"""
_PRESENT: Final = (
    f"select {READ} from (select distinct on (u.start, u.source, u.key) u.*"  # noqa: S608  (our own words)
    " from unnest($3::timestamptz[], $4::bigint[]) wanted (start, key) join usage u on u.operator = $1"
    " and u.source = $2 and u.start = wanted.start and u.key = wanted.key"
    " order by u.start, u.source, u.key, u.version desc) u where u.version % 2 = 1 and $5 = coalesce("
    "(select c.file from usage o join chunk c on c.operator = o.operator and c.id = o.chunk where o.operator = $1"
    " and o.source = u.source and o.start = u.start and o.key = u.key and o.version % 2 = 1 and c.file is not null"
    " order by o.version desc limit 1), $5) order by u.start, u.source, u.key"
)
_BILLED: Final = (
    "select count(*) from unnest($3::timestamptz[], $4::bigint[], $5::smallint[]) wanted (start, key, version)"
    " join usage u on u.operator = $1 and u.source = $2 and u.start = wanted.start and u.key = wanted.key"
    " and u.version = wanted.version where exists (select from billed_through b where b.operator = u.operator"
    " and b.customer = u.customer and u.start < b.period_end and u.chunk <= b.horizon"
    " and (b.since is null or u.start >= b.since))"
)
# Charged once and taken back, or held once and withdrawn; and not there any more, in the source and its twins.
_RESTORABLE: Final = """
with wanted as (select * from unnest($4::timestamptz[], $5::bigint[], $6::bigint[]) with ordinality
    w (start, key, record, place)),
mine as materialized (select record from suspense where operator = $1 and file = $2),
held as materialized (select start, key, resolution from suspense where operator = $1 and source = any($3)
    and kind = 'unrated' and (resolved_at is null or resolution = 'withdrawn')
    and start between (select min(start) from wanted) and (select max(start) from wanted)),
each as (select distinct on (u.start, u.key, u.source) u.start, u.key, u.version from wanted w
    join usage u on u.operator = $1 and u.source = any($3) and u.start = w.start and u.key = w.key
    order by u.start, u.key, u.source, u.version desc),
last as (select start, key, bool_and(version % 2 = 0) as gone from each group by start, key)
select w.place - 1 as place from wanted w left join last l on l.start = w.start and l.key = w.key
where w.record not in (select record from mine)
  and not exists (select from held h where h.start = w.start and h.key = w.key and h.resolution is null)
  and coalesce(l.gone, exists (select from held h where h.start = w.start and h.key = w.key))
order by w.place
"""


class WithdrawalStore:
    """Keeps ``domain.ports.withdrawals.Withdrawals``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = int(actor.operator)

    @property
    def _connection(self) -> Any:
        return self._transaction.connection

    async def events(self, file: CdrFile, after: Place | None, *, first: int) -> tuple[pl.DataFrame, Place | None]:
        """Return what the next events that hold of a file are now, as ``domain.rerating.columns.STORED``."""
        await self._connection.execute(f"set local statement_timeout = '{SECONDS}s'")
        moment = EPOCH + timedelta(microseconds=after[0]) if after is not None else EPOCH - timedelta(days=36_500)
        rows = await self._connection.fetch(
            _IDENTITIES, self._operator, file.id, file.source, moment, after[1] if after is not None else 0, int(first)
        )
        starts, keys = [row["start"] for row in rows], [row["key"] for row in rows]
        arguments = (self._operator, int(file.source), starts, keys, int(file.id))
        frame = await copied(self._connection, _PRESENT, arguments)
        last = (rows[-1]["micros"], rows[-1]["key"]) if len(rows) == first else None
        return frame, last

    async def billed(self, rows: pl.DataFrame) -> int:
        """Return how many of such events stand on an invoice."""
        if not rows.height:
            return 0
        starts = [EPOCH + timedelta(microseconds=start) for start in rows["start"].to_list()]
        found = await self._connection.fetchval(
            _BILLED,
            *(self._operator, int(rows["source"][0]), starts, rows["key"].to_list(), rows["version"].to_list()),
        )
        return int(found)

    async def restorable(
        self,
        file: CdrFile,
        starts: NDArray[np.int64],
        keys: NDArray[np.int64],
        records: NDArray[np.int64],
        twins: Sequence[SourceId] = (),
    ) -> Sequence[int]:
        """Return which of a file's events, by their rows, are nowhere since who brought them was withdrawn."""
        await self._connection.execute(f"set local statement_timeout = '{SECONDS}s'")
        moments = [EPOCH + timedelta(microseconds=start) for start in starts.tolist()]
        rows = await self._connection.fetch(
            _RESTORABLE, *(self._operator, file.id, [file.source, *twins], moments, keys.tolist(), records.tolist())
        )
        return [row["place"] for row in rows]

    async def overlapping(self, file: CdrFile, twins: Sequence[SourceId] = ()) -> Sequence[CdrFile]:
        """Return other files of the source, its twins and the same time that had duplicates, perhaps of this one."""
        rows = await self._connection.fetch(
            f"select {FILE} from cdr_file f where operator = $1 and source = any($3) and id <> $2 and duplicates > 0"  # noqa: S608  (our own words)
            " and state <> 'withdrawn' and (not exists (select from chunk c where c.operator = f.operator"
            " and c.file = f.id and c.first_start is not null) or exists (select from chunk c join chunk m"
            " on m.operator = c.operator and m.file = $2 and m.first_start <= c.last_start"
            " and c.first_start <= m.last_start where c.operator = f.operator and c.file = f.id)) order by id limit $4",
            *(self._operator, file.id, [file.source, *twins], FILES_MAX),
        )
        return [file_of(row) for row in rows]

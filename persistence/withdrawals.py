"""What a file has brought, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import polars as pl

from domain.access.actor import Actor
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
    " and b.customer = u.customer and u.start < b.period_end and u.chunk <= b.horizon)"
)


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

    async def overlapping(self, file: CdrFile) -> Sequence[CdrFile]:
        """Return other files of the source and the same time that had duplicates, perhaps of this one."""
        rows = await self._connection.fetch(
            f"select {FILE} from cdr_file f where operator = $1 and source = $3 and id <> $2 and duplicates > 0"  # noqa: S608  (our own words)
            " and state <> 'withdrawn' and (not exists (select from chunk c where c.operator = f.operator"
            " and c.file = f.id and c.first_start is not null) or exists (select from chunk c join chunk m"
            " on m.operator = c.operator and m.file = $2 and m.first_start <= c.last_start"
            " and c.first_start <= m.last_start where c.operator = f.operator and c.file = f.id)) order by id limit $4",
            *(self._operator, file.id, file.source, FILES_MAX),
        )
        return [file_of(row) for row in rows]

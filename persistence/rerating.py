"""Re-rating in PostgreSQL: stored events leave as CSV by COPY, straight into columns, and return by binary COPY."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg
import polars as pl
import pyarrow as pa

from domain.access.actor import Actor
from domain.ids import ChunkId, OperatorId, ReratingId
from domain.intake.rows import MOMENT
from domain.ports.intake import Collision
from domain.ports.page import Page, PageRequest
from domain.rating.clock import EPOCH
from domain.refusal import NotFound
from domain.rerating.columns import HELD, LONGS, STORED, written
from domain.rerating.rerating import Position, Reason, Rerating, ReratingState, Selection, Tally
from persistence.copying import Target
from persistence.engine import Transaction
from persistence.locks import CHUNKS
from persistence.traffic import read_traffic
from persistence.usage import currency_of

SECONDS: Final = 600
_EPOCH_US: Final = "(extract(epoch from {name}) * 1000000)::bigint as {name}"
_ARRAYS: Final = ("wholesale_micro", "wholesale_rate")
READ: Final = ", ".join(
    _EPOCH_US.format(name="start")
    if name == "start"
    else f"to_json({name}) as {name}"
    if name in _ARRAYS
    else f'"{name}"'
    for name in STORED.names()
)
# What is released is rated from now on, on its file as well.
_RELEASED: Final = (
    "with gone as (update suspense set resolved_at = now(), resolution = 'released' where operator = $1"
    " and id = any ($2::bigint[]) returning file), each as (select file, count(*) as n from gone group by file),"
    " locked as (select id from cdr_file where operator = $1 and id in (select file from each) order by id for update)"
    " update cdr_file f set rated = f.rated + each.n, unrated = f.unrated - each.n from each join locked"
    " on locked.id = each.file where f.operator = $1 and f.id = each.file"
)
_SOURCE: Final = " and source = (select s.id from source s where s.operator = $1 and s.name = ${place})"


class ReratingStore:
    """Keeps ``domain.ports.rerating.Reratings``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = int(actor.operator)

    @property
    def _connection(self) -> Any:
        return self._transaction.connection

    async def start(self, run: Rerating) -> Rerating:
        """Keep a new run (its ``id`` is 0), or return the unfinished one that was asked for in the same words."""
        asked = json.dumps(run.selection.told())
        row = await self._connection.fetchrow(
            "select * from rerating where operator = $1 and state = 'running' and reason = $2 and selection = $3::jsonb"
            " order by id limit 1 for update",
            *(self._operator, run.reason.value, asked),
        )
        if row is None:
            row = await self._connection.fetchrow(
                "insert into rerating (operator, reason, selection, client, state, tally, created_at)"
                " values ($1, $2, $3::jsonb, $4, $5, $6::jsonb, $7) returning *",
                *(self._operator, run.reason.value, asked, run.client, run.state.value),
                *(json.dumps(told_tally(run.tally)), run.created_at),
            )
        return run_of(row)

    async def claim(self, key: ReratingId) -> Rerating:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        row = await self._connection.fetchrow(
            "select * from rerating where operator = $1 and id = $2 for update", self._operator, key
        )
        if row is None:
            raise NotFound("no re-rating {key}", key=key)
        return run_of(row)

    async def keep(self, run: Rerating) -> None:
        """Write how far a run is."""
        position = None if run.position is None else json.dumps(list(run.position))
        await self._connection.execute(
            "update rerating set state = $3, position = $4::jsonb, held = $5, tally = $6::jsonb, finished_at = $7"
            " where operator = $1 and id = $2",
            *(self._operator, run.id, run.state.value, position, run.held, json.dumps(told_tally(run.tally))),
            run.finished_at,
        )

    async def page(self, request: PageRequest) -> Page[Rerating]:
        """List by key."""
        rows = await self._connection.fetch(
            "select * from rerating where operator = $1 and id > $2 order by id limit $3",
            *(self._operator, request.after or 0, request.first + 1),
        )
        return Page.of([run_of(row) for row in rows], request)

    async def count(self, selection: Selection) -> int:
        """Return about how many rated events the period of a selection has."""
        found = await self._connection.fetchval(
            "select coalesce(sum(rated), 0)::bigint from chunk where operator = $1 and last_start >= $2"
            " and first_start < $3 and rerating is null",
            *(self._operator, selection.since, selection.until),
        )
        return int(found)

    async def stored(self, selection: Selection, after: Position | None, *, first: int) -> pl.DataFrame:
        """Return the present versions of the next rated events, as ``domain.rerating.columns.STORED``, in order."""
        await self._connection.execute(f"set local statement_timeout = '{SECONDS}s'")
        arguments: list[Any] = [self._operator, selection.since, selection.until]
        within = "operator = $1 and start >= $2 and start < $3"
        if after is not None:
            moment = EPOCH + timedelta(microseconds=after[0])
            arguments += [moment, after[1], after[2]]
            # The first condition once more for the index, which knows nothing of the row.
            within += " and start >= $4 and (start, source, key) > ($4, $5, $6)"
        if selection.source is not None:
            arguments.append(selection.source)
            within += _SOURCE.format(place=len(arguments))
        present = await self._present(selection, arguments)
        # COPY puts the arguments into the statement as literals, quoted by the server.
        query = (
            f"select {READ} from (select distinct on (start, source, key) * from usage where {within}"  # noqa: S608  (our own words)
            f" order by start, source, key, version desc) u where u.version % 2 = 1 and {present}"
            f" order by u.start, u.source, u.key limit {int(first)}"
        )
        return await copied(self._connection, query, arguments)

    async def traffic(
        self, since: datetime, until: datetime, after: Position | None, *, first: int
    ) -> tuple[pl.DataFrame, Position | None]:
        """Return the present versions of the next events, and where to go on; None: nothing is left."""
        await self._connection.execute(f"set local statement_timeout = '{SECONDS}s'")
        return await read_traffic(self._connection, self._operator, (since, until), after, first)

    async def _present(self, selection: Selection, arguments: list[Any]) -> str:
        """Return the conditions on what an event is now, adding their arguments."""
        conditions = ["true"]
        for name in ("customer", "contract", "subscription"):
            if (key := getattr(selection, name)) is not None:
                arguments.append(key)
                conditions.append(f"u.{name} = ${len(arguments)}")
        if selection.destination is not None:
            arguments.append(await self._ids("destination", "name", selection.destination))
            conditions.append(f"u.destination = any (${len(arguments)}::bigint[])")
        if selection.price_list is not None:
            arguments.append(await self._ids("rate", "price_list", selection.price_list))
            keys = f"${len(arguments)}::bigint[]"
            on = (f"u.retail_rate = any ({keys})", f"u.cost_rate = any ({keys})", f"u.wholesale_rate && {keys}")
            conditions.append(f"({' or '.join(on)})")
        return " and ".join(conditions)

    async def _ids(self, table: str, column: str, name: str) -> list[int]:
        rows = await self._connection.fetch(
            f"select id from {table} where operator = $1 and {column} = $2",  # noqa: S608  (our own words)
            *(self._operator, name),
        )
        return [row["id"] for row in rows]

    async def held(self, selection: Selection, after: int, *, first: int) -> pl.DataFrame:
        """Return the next unrated events in suspense, as ``domain.rerating.columns.HELD``, by key."""
        arguments: list[Any] = [self._operator, selection.since, selection.until, after]
        conditions = "operator = $1 and start >= $2 and start < $3 and id > $4 and kind = 'unrated'"
        if selection.source is not None:
            arguments.append(selection.source)
            conditions += _SOURCE.format(place=len(arguments))
        if selection.unrated is not None:
            arguments.append(selection.unrated)
            conditions += f" and reason = ${len(arguments)}"
        query = (
            f"select id, source, event, key, content from suspense where {conditions} and resolved_at is null"  # noqa: S608  (our own words)
            f" order by id limit {int(first)}"
        )
        rows = await self._connection.fetch(query, *arguments)
        return pl.DataFrame([tuple(row) for row in rows], schema=HELD, orient="row")

    async def rates(self, keys: Sequence[int]) -> Mapping[int, tuple[str, str]]:
        """Return the price list and currency of rate versions, replaced ones too."""
        if not keys:
            return {}
        priced = await self._connection.fetch(
            "select id, price_list from rate where operator = $1 and id = any ($2::bigint[])", self._operator, keys
        )
        named = await self._connection.fetch(
            "select distinct on (name) name, parent, currency from price_list where operator = $1"
            " order by name, replaced_at desc nulls first",
            self._operator,
        )
        above = {row["name"]: (row["parent"], row["currency"]) for row in named}
        return {row["id"]: (row["price_list"], currency_of(row["price_list"], above)) for row in priced}

    async def known(self, price_list: str | None, destination: str | None) -> tuple[bool, bool]:
        """Tell whether there is, or ever was, a price list and a destination of these names."""
        row = await self._connection.fetchrow(
            "select exists (select from price_list where operator = $1 and name = $2) as lists,"
            " exists (select from destination where operator = $1 and name = $3) as destinations",
            *(self._operator, price_list, destination),
        )
        return row["lists"], row["destinations"]

    async def destinations(self, keys: Sequence[int]) -> Mapping[int, str]:
        """Return the names of destinations, replaced ones too."""
        rows = await self._connection.fetch(
            "select id, name from destination where operator = $1 and id = any ($2::int[])", self._operator, keys
        )
        return {row["id"]: row["name"] for row in rows}

    async def write(
        self,
        run: Rerating,
        believed_at: datetime,
        rows: pl.DataFrame,
        released: Sequence[int],
        shares: pl.DataFrame | None = None,
    ) -> ChunkId:
        """Write rows of ``STORED`` as one chunk, with what they drew (``KEPT``), and resolve what they release.

        Raises ``Collision``.
        """
        table = written(rows)
        await self._make_room(table)
        await self._connection.execute("select pg_advisory_xact_lock_shared($1, $2)", CHUNKS, self._operator)
        key = ChunkId(
            await self._connection.fetchval(
                "insert into chunk (operator, number, position, first_start, last_start, rated, unrated, believed_at,"
                " rerating) values ($1, 0, 0, $2, $3, $4, 0, $5, $6) returning id",
                *(self._operator, table["start"].min(), table["start"].max(), rows.height, believed_at, run.id),
            )
        )
        try:
            await self._copy("usage", table, key)
            if shares is not None:
                times = [pl.from_epoch(name, time_unit="us").cast(MOMENT) for name in ("start", "since")]
                await self._copy("usage_share", shares.with_columns(times), key)
        except asyncpg.UniqueViolationError as fault:
            raise Collision(str(fault)) from None
        if released:
            try:
                await self._connection.execute(_RELEASED, self._operator, list(released))
            except asyncpg.DeadlockDetectedError as fault:
                raise Collision(str(fault)) from None
        return key

    async def _copy(self, name: str, table: pl.DataFrame, chunk: ChunkId) -> None:
        target = await Target.of(self._connection, name)
        arrow = pa.table(table.to_arrow(compat_level=pl.CompatLevel.oldest()))
        for column, value in (("operator", self._operator), ("chunk", int(chunk))):
            arrow = arrow.append_column(column, pa.repeat(pa.scalar(value, pa.int64()), arrow.num_rows))
        await target.copy(self._connection, arrow)

    async def _make_room(self, table: pl.DataFrame) -> None:
        """Make the partitions of months that only events in suspense are of."""
        months = table.select(pl.col("start").cast(MOMENT).dt.date().dt.month_start().unique().sort()).to_series()
        for month in months.to_list():
            await self._connection.execute("select usage_partition($1)", month)


async def copied(connection: Any, query: str, arguments: Sequence[Any]) -> pl.DataFrame:
    """Return what a query of ``READ`` finds, as ``STORED``: it leaves the database as CSV, straight into columns."""
    sink = io.BytesIO()

    async def take(data: bytes) -> None:
        sink.write(data)

    await connection.copy_from_query(query, *arguments, output=take, format="csv")
    sink.seek(0)
    read: dict[str, Any] = dict(STORED) | dict.fromkeys(_ARRAYS, pl.String)
    frame = pl.read_csv(sink, has_header=False, schema=read) if sink.getbuffer().nbytes else pl.DataFrame(schema=read)
    return frame.with_columns(pl.col(name).str.json_decode(LONGS) for name in _ARRAYS)


def told_tally(tally: Tally) -> dict[str, Any]:
    """Return counts as JSON data."""
    return {name: getattr(tally, name) for name in Tally.__slots__}


def run_of(row: Mapping[str, Any]) -> Rerating:
    """Make the run of a row."""
    asked, tally = json.loads(row["selection"]), json.loads(row["tally"])
    since, until = (datetime.fromisoformat(asked.pop(name)) for name in ("since", "until"))
    position = None if row["position"] is None else json.loads(row["position"])
    tally["amounts"] = {name: (before, after) for name, (before, after) in tally["amounts"].items()}
    return Rerating(
        id=ReratingId(row["id"]),
        operator=OperatorId(row["operator"]),
        reason=Reason(row["reason"]),
        selection=Selection(since=since, until=until, **asked),
        client=row["client"],
        state=ReratingState(row["state"]),
        created_at=row["created_at"],
        finished_at=row["finished_at"],
        position=None if position is None else (position[0], position[1], position[2]),
        held=row["held"],
        tally=Tally(**tally),
    )

"""Arrow columns into a table by binary COPY: cast to the table's own types, counted, and streamed.

An Arrow type is no column's type: an int64 written into a numeric column would be stored as 0 without an error. So the
target's columns are read from the catalogue, and the Arrow table is cast to what they hold before a byte is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any, Final

import pyarrow as pa

from persistence.copy_rows import PIECE_ROWS, Column, Integers, Lists, Texts, pieces

# PostgreSQL counts instants from 2000 on.
_EPOCH_US: Final = 946_684_800_000_000
_JSONB_VERSION: Final = b"\1"

# PostgreSQL type -> what Arrow holds it as.
_TYPES: Final = {
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "text": pa.string(),
    "jsonb": pa.string(),
    "timestamptz": pa.timestamp("us", "UTC"),
    "_int8": pa.list_(pa.int64()),
}
_COLUMNS: Final = (
    "select a.attname::text as name, t.typname::text as type, a.attnotnull as required from pg_attribute a"
    " join pg_type t on t.oid = a.atttypid where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped"
)


class Target:
    """A table as a place to copy to: the Arrow and PostgreSQL types of its columns."""

    def __init__(self, name: str, columns: dict[str, str], required: frozenset[str]) -> None:
        self.name = name
        self._columns = columns
        self._required = required

    @classmethod
    async def of(cls, connection: Any, name: str) -> Target:
        """Read a table's columns."""
        rows = await connection.fetch(_COLUMNS, name)
        return cls(name, {r["name"]: r["type"] for r in rows}, frozenset(r["name"] for r in rows if r["required"]))

    def cast(self, table: Any) -> Any:
        """Return the Arrow table in the column types of the target; a value that does not fit is a bug and raises."""
        schema = pa.schema([(name, _TYPES[self._columns[name]]) for name in table.column_names])
        table = table if table.schema.equals(schema) else table.cast(schema)
        for name in self._required & set(table.column_names):
            assert table[name].null_count == 0, f"{self.name}.{name} must not be null"
        return table

    async def copy(self, connection: Any, table: Any, *, turn: asyncio.Lock | None = None) -> None:
        """Copy the rows of an Arrow table, and check that as many arrived.

        Where there is a ``turn``, they are encoded before, and sent while it is held: so the server, which has begun to
        wait for them, never waits for their encoding.
        """
        if table.num_rows == 0:
            return
        table = self.cast(table)
        async with aclosing(self.encoded(table) if turn is None else self._in_turn(table, turn)) as source:
            said = await connection.copy_to_table(self.name, source=source, columns=table.column_names, format="binary")
        assert said == f"COPY {table.num_rows}", f"{said} into {self.name}, of {table.num_rows} rows"

    async def _in_turn(self, table: Any, turn: asyncio.Lock) -> AsyncGenerator[bytes, None]:
        """Yield a table that was cast, encoded whole in a thread, when it is its turn; give the turn on behind it."""
        made = await asyncio.to_thread(list, self._pieces(table))
        async with turn:
            for piece in made:
                yield piece

    async def encoded(self, table: Any) -> AsyncGenerator[bytes, None]:
        """Yield a table that was cast, as pieces of COPY's binary form; large ones are made in a thread."""
        made = self._pieces(table)
        if table.num_rows <= PIECE_ROWS:
            for piece in made:
                yield piece
            return
        while piece := await asyncio.to_thread(next, made, b""):
            yield piece

    def _pieces(self, table: Any) -> Iterator[Any]:
        return pieces([self._column(name, table[name]) for name in table.column_names], table.num_rows)

    def _column(self, name: str, values: Any) -> Column:
        """Return a column as its type is written."""
        array = values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()
        match self._columns[name]:
            case "text":
                return Texts(array)
            case "jsonb":
                return Texts(array, before=_JSONB_VERSION)
            case "_int8":
                return Lists(array)
            case "timestamptz":
                return Integers(array, 8, shift=_EPOCH_US)
            case kind:
                return Integers(array, int(kind[-1]))

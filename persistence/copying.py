"""Arrow columns into a table by binary COPY: cast to the table's own types, counted, and streamed.

pgpq encodes an Arrow type as *a* PostgreSQL type, not as the column's: an int64 in a numeric column would be stored as
0 without an error. So the target's columns are read from the catalogue, the Arrow table is cast to what they hold, and
the encoder's own answer is compared with them before a byte is sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import pyarrow as pa
from pgpq import ArrowToPostgresBinaryEncoder
from pgpq.encoders import StringEncoderBuilder
from pgpq.schema import Jsonb

PIECE_ROWS: Final = 10_000

# PostgreSQL type -> what Arrow holds it as, and what pgpq calls it.
_TYPES: Final = {
    "int2": (pa.int16(), "INT2"),
    "int4": (pa.int32(), "INT4"),
    "int8": (pa.int64(), "INT8"),
    "text": (pa.string(), "TEXT"),
    "jsonb": (pa.string(), "JSONB"),
    "timestamptz": (pa.timestamp("us", "UTC"), "TIMESTAMP"),
    "_int8": (pa.list_(pa.int64()), "INT8[]"),
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
        schema = pa.schema([(name, _TYPES[self._columns[name]][0]) for name in table.column_names])
        table = table if table.schema.equals(schema) else table.cast(schema)
        for name in self._required & set(table.column_names):
            assert table[name].null_count == 0, f"{self.name}.{name} must not be null"
        return table

    async def copy(self, connection: Any, table: Any) -> None:
        """Copy the rows of an Arrow table, and check that as many arrived."""
        if table.num_rows == 0:
            return
        table = self.cast(table)
        said = await connection.copy_to_table(
            self.name, source=self.encoded(table), columns=table.column_names, format="binary"
        )
        assert said == f"COPY {table.num_rows}", f"{said} into {self.name}, of {table.num_rows} rows"

    async def encoded(self, table: Any) -> AsyncIterator[bytes]:
        """Yield a table that was cast, as pieces of COPY's binary form."""
        builders = {
            field.name: StringEncoderBuilder.new_with_output(field, Jsonb())
            if self._columns[field.name] == "jsonb"
            else ArrowToPostgresBinaryEncoder.infer_encoder(field)
            for field in table.schema
        }
        encoder = ArrowToPostgresBinaryEncoder.new_with_encoders(table.schema, builders)
        for column in encoder.schema().columns:
            assert column.data_type.ddl() == _TYPES[self._columns[column.name]][1], f"{self.name}.{column.name}"
        yield encoder.write_header()
        for batch in table.to_batches(max_chunksize=PIECE_ROWS):
            yield encoder.write_batch(batch)
        yield encoder.finish()

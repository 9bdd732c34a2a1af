"""Many rows into a table at once: by COPY where row-level security does not watch the role, else row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_MAY_COPY = "select rolbypassrls or rolsuper from pg_roles where rolname = current_user"


async def may_copy(connection: Any) -> bool:
    """Tell whether rows can be written by COPY."""
    return bool(await connection.fetchval(_MAY_COPY))


async def insert_rows(connection: Any, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows whose cells are in the order of ``columns``; the names are our own, never a caller's."""
    if not rows:
        return
    if await may_copy(connection):
        await connection.copy_records_to_table(table, records=rows, columns=columns)
        return
    places = ", ".join(f"${index}" for index in range(1, len(columns) + 1))
    statement = f"insert into {table} ({', '.join(columns)}) values ({places})"  # noqa: S608  (our own words)
    await connection.executemany(statement, rows)


async def insert_at_once(
    connection: Any, table: str, columns: Mapping[str, str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows by one statement, whatever the role; ``columns`` are our own names with their types."""
    if await may_copy(connection):
        await insert_rows(connection, table, tuple(columns), rows)
    elif rows:
        arrays = ", ".join(f"${index}::{kind}[]" for index, kind in enumerate(columns.values(), 1))
        statement = f"insert into {table} ({', '.join(columns)}) select * from unnest({arrays})"  # noqa: S608  (our own words)
        await connection.execute(statement, *map(list, zip(*rows, strict=True)))

"""Writing a change of the catalogue to PostgreSQL: rows end, rows begin, nothing is overwritten.

Many rows go as one statement over arrays: COPY cannot run under row-level security.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from domain.catalogue.tariff import Rate, Tariff
from persistence.catalogue_changes import PARTS, Changes, span
from persistence.catalogue_rows import RATE_COLUMNS, list_to_row, part_to_json, rates_to_columns

_RATE_TYPES = dict.fromkeys(RATE_COLUMNS, "text") | {
    "setup_nano": "bigint",
    "grace": "bigint",
    "min_charge_nano": "bigint",
    "max_charge_nano": "bigint",
    "first": "bigint",
    "steps": "jsonb",
    "adjust": "jsonb",
    "valid_from": "timestamptz",
    "valid_to": "timestamptz",
}


async def write(connection: Any, operator: int, changes: Changes, tariff: Tariff, at: datetime) -> None:
    """Write what turns the operator's catalogue into ``tariff``."""
    await _write_destinations(connection, operator, changes, at)
    await _write_lists(connection, operator, changes, at)
    await end_rates(connection, operator, changes.ended_rates, at)
    await add_rates(connection, operator, changes.new_rates, at)
    for part in changes.parts:
        await connection.execute(
            "update catalogue_part set replaced_at = $3 where operator = $1 and part = $2 and replaced_at is null",
            operator,
            part,
            at,
        )
        await connection.execute(
            "insert into catalogue_part (operator, part, body, recorded_at) values ($1, $2, $3, $4)",
            operator,
            part,
            part_to_json(getattr(tariff, PARTS[part])),
            at,
        )


async def _write_destinations(connection: Any, operator: int, changes: Changes, at: datetime) -> None:
    gone = [one.id for one in changes.ended_destinations]
    await connection.execute(
        "update destination set replaced_at = $3 where operator = $1 and id = any ($2::int[])", operator, gone, at
    )
    emptied = gone + [old.id for old, new in changes.prefixes if span(old) != span(new)]
    await connection.execute(
        """update prefix set replaced_at = $3
           where operator = $1 and destination = any ($2::int[]) and replaced_at is null""",
        operator,
        emptied,
        at,
    )
    removed, added = _moved_prefixes(changes)
    if removed:
        await connection.execute(
            """update prefix set replaced_at = $4 from unnest($2::int[], $3::text[]) as gone (destination, prefix)
               where operator = $1 and replaced_at is null
               and prefix.destination = gone.destination and prefix.prefix = gone.prefix""",
            operator,
            [key for key, _ in removed],
            [prefix for _, prefix in removed],
            at,
        )
    keys = await connection.fetch(
        """insert into destination (operator, name, groups, recorded_at)
           select $1, name, string_to_array(groups, chr(31)), $4
           from unnest($2::text[], $3::text[]) with ordinality as new (name, groups, place) order by place
           returning id, name""",
        operator,
        [one.name for one in changes.new_destinations],
        ["\x1f".join(one.groups) for one in changes.new_destinations],
        at,
    )
    by_name = {row["name"]: row["id"] for row in keys}
    for one in changes.new_destinations:
        added += [(by_name[one.name], prefix, *span(one)) for prefix in sorted(set(one.prefixes))]
    await connection.execute(
        """insert into prefix (operator, destination, prefix, valid_from, valid_to, recorded_at)
           select $1, new.*, $6 from unnest($2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[]) as new""",
        operator,
        *([row[column] for row in added] for column in range(4)),
        at,
    )


async def _write_lists(connection: Any, operator: int, changes: Changes, at: datetime) -> None:
    rows = await connection.fetch(
        """update price_list set replaced_at = $3 where operator = $1 and id = any ($2::bigint[])
           returning name, reseller""",
        operator,
        [one.id for one in changes.ended_lists],
        at,
    )
    owners = {row["name"]: row["reseller"] for row in rows}
    await connection.executemany(
        """insert into price_list (operator, name, parent, currency, zone, band_policy, decimals, rounding,
           reseller, recorded_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        [(operator, *list_to_row(one), owners.get(one.name), at) for one in changes.new_lists],
    )


async def end_rates(connection: Any, operator: int, ended: Sequence[Rate], at: datetime) -> None:
    """End rates at an instant."""
    await connection.execute(
        "update rate set replaced_at = $3 where operator = $1 and id = any ($2::bigint[])",
        operator,
        [rate.id for rate in ended],
        at,
    )


async def add_rates(connection: Any, operator: int, new: Sequence[tuple[str, Rate]], at: datetime) -> list[Rate]:
    """Keep rates of lists in one statement and return them with their keys."""
    if not new:
        return []
    columns = ", ".join(RATE_COLUMNS)
    arrays = ", ".join(f"${place}::{_RATE_TYPES[name]}[]" for place, name in enumerate(RATE_COLUMNS, 2))
    rows = await connection.fetch(
        f"""insert into rate (operator, {columns}, recorded_at)
            select $1, {columns}, ${len(RATE_COLUMNS) + 2}
            from unnest({arrays}) with ordinality as new ({columns}, place) order by place returning id""",  # noqa: S608  (constants)
        operator,
        *rates_to_columns(new),
        at,
    )
    keys = sorted(row["id"] for row in rows)
    return [replace(rate, id=key, recorded_at=at) for key, (_, rate) in zip(keys, new, strict=True)]


def _moved_prefixes(changes: Changes) -> tuple[list[tuple[int, str]], list[tuple[Any, ...]]]:
    """Return (destination, prefix) that end and (destination, prefix, from, to) that begin in those that stay."""
    removed: list[tuple[int, str]] = []
    added: list[tuple[Any, ...]] = []
    for old, new in changes.prefixes:
        before, after = set(old.prefixes), set(new.prefixes)
        if span(old) != span(new):
            before = set()  # they all end and begin anew
        removed += [(old.id, prefix) for prefix in sorted(before - after)]
        added += [(old.id, prefix, *span(new)) for prefix in sorted(after - before)]
    return removed, added

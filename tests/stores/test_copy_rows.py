"""Rows in COPY's binary form: beside a plain encoder, and read back from a table."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import asyncpg
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persistence.copy_rows import HEADER, PIECE_ROWS, TRAILER, Integers, Lists, Texts, pieces
from persistence.copying import Target

LONGS = st.integers(-(2**63), 2**63 - 1)
SHORTS = st.integers(-(2**15), 2**15 - 1)
ROWS = st.lists(
    st.tuples(
        st.none() | LONGS,
        SHORTS,
        st.none() | st.text(max_size=20),
        st.none() | st.lists(st.none() | LONGS, max_size=3),
    ),
    max_size=12,
)


def plain(row: tuple[int | None, int, str | None, list[int | None] | None]) -> bytes:
    """A row as PostgreSQL's documentation has it."""
    long, short, text, many = row

    def field(data: bytes | None) -> bytes:
        return b"\xff\xff\xff\xff" if data is None else len(data).to_bytes(4) + data

    made = [
        None if long is None else long.to_bytes(8, signed=True),
        short.to_bytes(2, signed=True),
        None if text is None else b"\x01" + text.encode(),
    ]
    if many is None:
        made.append(None)
    else:
        head = (1 if many else 0).to_bytes(4) + (None in many).to_bytes(4) + (20).to_bytes(4)
        head += len(many).to_bytes(4) + (1).to_bytes(4) if many else b""
        made.append(head + b"".join(field(None if one is None else one.to_bytes(8, signed=True)) for one in many))
    return (4).to_bytes(2) + b"".join(field(one) for one in made)


@given(rows=ROWS, skip=st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_the_form_is_the_documented_one(rows, skip):
    long, short, text, many = ([row[place] for row in rows] for place in range(4))
    columns = [
        Integers(pa.array(long, pa.int64())[skip:], 8),
        Integers(pa.array(short, pa.int16())[skip:], 2),
        Texts(pa.array(text, pa.large_string())[skip:], before=b"\1"),
        Lists(pa.array(many, pa.list_(pa.int64()))[skip:]),
    ]
    kept = rows[skip:]
    assert b"".join(pieces(columns, len(kept))) == HEADER + b"".join(map(plain, kept)) + TRAILER


@pytest.mark.parametrize("rows", [1, PIECE_ROWS, 2 * PIECE_ROWS + 1])
async def test_every_type_is_read_back_as_it_was(database, rows):
    begin = datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    times = [begin + timedelta(days=place, microseconds=place) for place in range(rows)]
    async with database.transaction(role="owner") as transaction:
        connection = transaction.connection
        await connection.execute(
            "create table t (small int2, middle int4, large int8, words text, told jsonb, at timestamptz, many int8[])"
        )
        table = pa.table(
            {
                "small": pa.array([place % 3 - 1 for place in range(rows)], pa.int16()),
                "middle": pa.array([-(2**31) if place % 2 else None for place in range(rows)], pa.int32()),
                "large": pa.array([2**63 - 1 - place for place in range(rows)], pa.int64()),
                "words": pa.array(["" if place % 5 else "å\n\\" * place for place in range(rows)], pa.string()),
                "told": pa.array([json.dumps({"n": place}) if place % 7 else None for place in range(rows)]),
                "at": pa.array(times, pa.timestamp("us", "UTC")),
                "many": pa.array([[place, None] if place % 2 else [] for place in range(rows)], pa.list_(pa.int64())),
            }
        )
        await (await Target.of(connection, "t")).copy(connection, table)
        found = await connection.fetch("select *, (told ->> 'n')::int as n from t order by at")
    assert len(found) == rows
    for place, row in enumerate(found):
        assert (row["small"], row["middle"], row["large"]) == (
            place % 3 - 1,
            -(2**31) if place % 2 else None,
            2**63 - 1 - place,
        )
        assert row["words"] == ("" if place % 5 else "å\n\\" * place)
        assert row["n"] == (place if place % 7 else None)
        assert row["at"] == times[place]
        assert row["many"] == ([place, None] if place % 2 else [])


async def test_a_copy_waits_for_its_turn_and_gives_it_on_also_where_it_fails(database):
    turn = asyncio.Lock()
    table = pa.table({"n": pa.array(range(3 * PIECE_ROWS), pa.int64())})
    async with database.transaction(role="owner") as transaction:
        await transaction.connection.execute("create table t (n int8 check (n >= 0))")
        target = await Target.of(transaction.connection, "t")
    async with database.transaction(role="owner") as transaction:
        connection = transaction.connection
        async with turn:
            waiting = asyncio.create_task(target.copy(connection, table, turn=turn))
            done, _ = await asyncio.wait([waiting], timeout=0.3)
            assert not done
        await waiting
        assert not turn.locked()
        assert await connection.fetchval("select count(*) = max(n) + 1 from t")
    bad = pa.table({"n": pa.array([-1] * len(table), pa.int64())})

    async def fail():
        async with database.transaction(role="owner") as transaction:
            await target.copy(transaction.connection, bad, turn=turn)

    with pytest.raises(asyncpg.CheckViolationError):
        await fail()
    assert not turn.locked()


async def test_a_copy_whose_server_goes_while_it_waits_gives_its_turn_on(database):
    turn = asyncio.Lock()
    table = pa.table({"n": pa.array(range(3 * PIECE_ROWS), pa.int64())})
    connection = await database.apart("waiting")
    await connection.execute("create temporary table t (n int8)")
    target = await Target.of(connection, "t")
    async with turn:
        waiting = asyncio.create_task(target.copy(connection, table, turn=turn))
        await asyncio.sleep(0.2)
        async with database.transaction(role="owner") as transaction:
            assert await transaction.connection.fetchval(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'waiting'"
                " and datname = current_database()"
            )
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await asyncio.wait_for(waiting, 10)
    assert not turn.locked()

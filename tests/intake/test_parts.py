"""The parts of the pipeline by themselves."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import time
from dataclasses import replace
from datetime import timedelta

import asyncpg
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.contracts.subscription import NumberAssignment
from domain.intake.spans import spans
from domain.ports.usage import UsageFilter
from domain.refusal import LimitExceeded, NotFound
from persistence import intake
from persistence.blobs import FORGOTTEN_SECONDS, FileBlobs
from persistence.copying import Target
from tests.intake import world as made

FIXED = "46850000000"
ALL = UsageFilter(since=made.FIRST - timedelta(days=1), until=made.FIRST + timedelta(days=40))


@given(st.lists(st.integers(-(10**15), 10**15), max_size=60), st.integers(1, 8), st.integers(1, 10**12))
def test_spans_hold_every_instant_and_do_not_overlap(starts, most, gap):
    found = spans(np.array(starts, np.int64), spans_max=most, gap_us=gap)
    assert len(found) <= most
    assert all(sum(first <= start <= last for first, last in found) == 1 for start in starts)
    assert all(one[1] < other[0] for one, other in itertools.pairwise(found))
    assert {bound for span in found for bound in span} <= set(starts)


async def test_bytes_are_kept_once_and_read_back(tmp_path):
    blobs = FileBlobs(tmp_path)
    data = os.urandom(300_000)
    first = await blobs.keep(made.content(data), size_max=1 << 20)
    again = await blobs.keep(made.content(data, block=777), size_max=1 << 20)
    assert (first.new, again.new, first.size) == (True, False, len(data))
    assert first.sha256 == again.sha256 == hashlib.sha256(data).digest()
    with await blobs.open(first.sha256) as file:
        assert file.read() == data
    name = first.sha256.hex()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / name[:2] / name[2:]]
    at_once = await asyncio.gather(*(blobs.keep(made.content(b"x" * 99), size_max=100) for _ in range(4)))
    assert len({one.sha256 for one in at_once}) == 1
    with pytest.raises(LimitExceeded):
        await blobs.keep(made.content(b"y" * 101), size_max=100)
    with pytest.raises(NotFound):
        await blobs.open(bytes(32))


async def test_what_a_crash_left_behind_is_swept_later(tmp_path):
    (tmp_path / "incoming").mkdir()
    old, fresh = tmp_path / "incoming" / "old", tmp_path / "incoming" / "fresh"
    for path in (old, fresh):
        path.write_bytes(b"half")
    long_ago = time.time() - FORGOTTEN_SECONDS - 5
    os.utime(old, (long_ago, long_ago))
    await FileBlobs(tmp_path).keep(made.content(b"x"), size_max=10)
    assert not old.exists()
    assert fresh.exists()


async def test_a_column_is_cast_to_the_tables_own_type(database):
    async with database.transaction(role="owner") as transaction:
        connection = transaction.connection
        await connection.execute("create table t (small int2 not null, amount int8, words text, at timestamptz)")
        target = await Target.of(connection, "t")
        table = pa.table(
            {
                "small": pa.array([1, 2], pa.int64()),
                "amount": pa.array([5, None], pa.int32()),
                "words": pa.array(["å", None], pa.large_string()),
                "at": pa.array([0, None], pa.timestamp("us", "UTC")),
            }
        )
        await target.copy(connection, table)
        rows = await connection.fetch("select small, amount, words, extract(epoch from at)::int as at from t")
        assert [tuple(row) for row in rows] == [(1, 5, "å", 0), (2, None, None, None)]
        with pytest.raises(pa.ArrowInvalid):
            target.cast(pa.table({"small": pa.array([70_000])}))
        with pytest.raises(AssertionError, match="must not be null"):
            target.cast(pa.table({"small": pa.array([None], pa.int16())}))
        await connection.execute("create table n (amount numeric)")
        with pytest.raises(KeyError):
            (await Target.of(connection, "n")).cast(pa.table({"amount": pa.array([5])}))


async def events(wiring, world):
    async with wiring.begin(world.actor) as unit:
        return (await unit.usage.page(ALL, first=1000))[0]


async def test_a_text_that_a_switch_writes_is_a_number_too(wiring, world, load):
    async with wiring.begin(world.actor) as unit:
        line = await unit.subscriptions.claim(world.subscriptions[3])
        named = NumberAssignment(number="alice", valid_from=made.BEGAN, valid_to=made.FIRST + timedelta(days=1))
        await unit.subscriptions.keep(replace(line, numbers=(*line.numbers, named)))
    late = made.row(2, a="alice", b=FIXED, start=made.FIRST + timedelta(days=2))
    done = await load(made.lines(made.row(1, a="alice", b=FIXED), late))
    assert (done.file.rated, done.file.unrated) == (1, 1)
    assert [one.customer for one in await events(wiring, world)] == [world.customers[3]]


async def test_a_nul_in_a_field_does_not_stop_its_file(wiring, world, load):
    rows = [made.row(1, a=made.number(0), b=FIXED, trunk="T\0"), made.row(2, a="4679\0", b=FIXED)]
    done = await load(made.lines(*rows, made.row(3, a=made.number(0), b=FIXED)))
    assert done.file.records == 3
    assert done.file.balances()
    assert any(one.trunk == "T1" for one in await events(wiring, world))


async def test_the_rater_is_made_again_only_after_a_change(wiring, world):
    first = await wiring.raters.present(world.actor, wiring.begin)
    assert await wiring.raters.present(world.actor, wiring.begin) is first
    async with wiring.begin(world.actor) as unit:
        customer = await unit.customers.claim(world.customers[0])
        await unit.customers.keep(replace(customer, price_list="retail B"))
    second = await wiring.raters.present(world.actor, wiring.begin)
    assert second is not first
    assert second.book is first.book  # the catalogue stayed
    assert second.subscribers.pricings[second.subscribers.pricing[0]].retail == "retail B"
    other = await made.with_source(wiring, f"y{world.operator}")
    assert (await wiring.raters.present(other.actor, wiring.begin)).subscribers.customer.tolist() == list(
        other.customers
    )


async def test_known_events_are_found_however_many_there_are(wiring, world, load, monkeypatch):
    await load(made.calls(40))
    # As if the database had far more of that time than the chunk: asked for by key instead of by time.
    monkeypatch.setattr(intake, "DENSITY_MAX", -1_000_000)
    done = await load(made.calls(40, first=30), name="2.csv")
    assert (done.file.events, done.file.duplicates) == (30, 10)
    assert len(await events(wiring, world)) == 70


async def test_old_notes_of_changes_go_when_they_are_many(stored, monkeypatch):
    monkeypatch.setattr(intake, "CHANGES_MAX", 3)
    world = await made.with_source(stored, "notes")
    before = await stored.raters.present(world.actor, stored.begin)
    await made.load(stored, world, made.calls(4))
    async with stored.database.transaction(role="owner") as transaction:
        left = await transaction.connection.fetchval(
            "select count(*) from subscriber_change where operator = $1", int(world.operator)
        )
    assert left == 1
    after = await stored.raters.present(world.actor, stored.begin)
    assert after.subscribers.customer.tolist() == before.subscribers.customer.tolist()


async def test_nobody_but_the_ingest_role_may_copy_and_nobody_may_change_usage(stored):
    world = await made.with_source(stored, "rights")
    await made.load(stored, world, made.calls(4))
    for role in ("tollwright_app", "tollwright_ingest"):
        for statement in ("update usage set retail_micro = 0", "delete from usage"):
            async with stored.database.transaction(role=role, operator=world.operator) as transaction:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await transaction.connection.execute(statement)


async def test_a_month_is_made_while_others_read_and_write(stored):
    """A bill run may read for a long time; an import that meets a new month does not wait for it."""
    world = await made.with_source(stored, "month")
    await made.load(stored, world, made.calls(4))
    other_month = made.FIRST - timedelta(days=400)
    async with stored.database.transaction(role="owner") as transaction:
        await transaction.connection.execute("select * from usage limit 1 for update")
        line = made.row(1, a=made.number(0), b=FIXED, start=other_month)

        async def other():
            return await asyncio.wait_for(made.load(stored, world, made.lines(line), name="2.csv"), 60)

        done = await asyncio.create_task(other())
    assert done.file.rated == 1


async def test_a_month_is_made_once_when_many_meet_it_at_once(stored):
    month = made.FIRST.date().replace(year=2021, day=1)

    async def ask():
        async with stored.database.transaction(role="tollwright_ingest", operator=1) as transaction:
            await transaction.connection.fetchval("select count(*) from usage")  # fills the session's caches
            await transaction.connection.execute("select to_regclass('usage_q1_2021_03')")
            await transaction.connection.execute("select usage_partition($1)", month)
            await asyncio.sleep(0.05)

    await asyncio.gather(*(ask() for _ in range(6)))
    async with stored.database.transaction(role="owner") as transaction:
        made_of = await transaction.connection.fetchval(
            "select count(*) from pg_inherits where inhparent = 'usage'::regclass"
            " and inhrelid = 'usage_q1_2021_03'::regclass"
        )
    assert made_of == 1

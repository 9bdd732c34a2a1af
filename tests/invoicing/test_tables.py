"""What the database itself holds to, whoever writes: entries in balance, and nothing issued ever changed."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from persistence.engine import APP, INGEST, Database
from persistence.locks import CHUNKS
from persistence.units import StoredUnits
from tests.invoicing.conftest import Office, make_office


@pytest.fixture
async def billed(database: Database) -> Office:
    office = await make_office(StoredUnits(database), database)
    _, _, line = await office.customer()
    await office.use(line, 1_000_000)
    await office.bill()
    return office


@pytest.mark.parametrize("role", [APP, INGEST])
@pytest.mark.parametrize("table", ["invoice", "invoice_line", "ledger_entry", "ledger_posting"])
async def test_nobody_may_change_or_remove_what_was_issued(billed: Office, database: Database, role, table) -> None:
    for statement in (f"update {table} set operator = operator", f"delete from {table}", f"truncate {table} cascade"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.transaction(role=role, operator=billed.actor.operator) as unit:
                await unit.connection.execute(statement)


async def test_an_entry_that_is_out_of_balance_never_commits(billed: Office, database: Database) -> None:
    operator = billed.actor.operator
    for amounts in ([100], [100, -99]):
        with pytest.raises(asyncpg.CheckViolationError, match="does not sum to zero"):
            await _post(database, operator, amounts)
    # Nor can something be added to an entry that was in balance.
    with pytest.raises(asyncpg.CheckViolationError):
        async with database.transaction(role=INGEST, operator=operator) as unit:
            await unit.connection.execute(
                "insert into ledger_posting select operator, entry, 99, '1510', 'SEK', 1 from ledger_posting limit 1"
            )


async def _post(database: Database, operator: int, amounts: list[int]) -> None:
    async with database.transaction(role=INGEST, operator=operator) as unit:
        await unit.connection.execute(
            "with entry as (insert into ledger_entry (operator, key, booked_on, text)"
            " values ($1, 'x', now(), 'x') returning id)"
            " insert into ledger_posting select $1, entry.id, place, '1510', 'SEK', amount"
            " from entry, unnest($2::bigint[]) with ordinality as each (amount, place)",
            *(operator, amounts),
        )


async def test_totals_that_do_not_add_up_are_not_kept(billed: Office, database: Database) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        async with database.transaction(role=INGEST, operator=billed.actor.operator) as unit:
            await unit.connection.execute(
                "insert into invoice select operator, customer, id + 1, kind, '9', reseller, run, usage_until, horizon,"
                " currency, period_start, period_end, issued_on, due_on, reference, net, vat, rounding, total + 1,"
                " original, document from invoice"
            )


async def test_a_finished_run_leaves_no_working_rows(billed: Office, database: Database) -> None:
    async with database.transaction(role="owner") as unit:
        assert await unit.connection.fetchval("select count(*) from bill_run_usage") == 0


async def test_a_run_waits_for_a_chunk_that_is_being_committed(billed: Office, database: Database) -> None:
    """The horizon is read under the lock that every importer holds shared from before it draws a chunk's id."""
    operator = int(billed.actor.operator)
    async with database.transaction(role=INGEST, operator=operator) as importer:
        await importer.connection.execute("select pg_advisory_xact_lock_shared($1, $2)", CHUNKS, operator)
        running = asyncio.create_task(billed.bill())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(running), 0.5)
    assert (await running).invoices == 0

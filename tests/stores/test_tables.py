"""The definitions of Piccolo's tables against the database as the migrations made it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from piccolo.columns import Column
from piccolo.table import Table

from persistence.access import ClientRow, OperatorRow
from persistence.contracts import ContractRow, ContractServiceRow
from persistence.customers import CustomerRow
from persistence.engine import OWNER, Database
from persistence.resellers import ResellerRow
from persistence.services import ServiceRow
from persistence.subscriptions import NumberRow, SubscriptionRow

TABLES = (
    ClientRow,
    ContractRow,
    ContractServiceRow,
    CustomerRow,
    NumberRow,
    OperatorRow,
    ResellerRow,
    ServiceRow,
    SubscriptionRow,
)
# What the database fills in by itself and no store writes.
OWN_BUSINESS = {
    ("number_assignment", "ip"),
    ("customer", "search"),
    ("customer", "pays_through"),
    ("operator", "created_at"),
}
# Piccolo's words for a type, and PostgreSQL's. char(n) is fixed in length, which Piccolo does not know.
WORDS = {
    "VARCHAR(2)": "character",
    "VARCHAR(3)": "character",
    "BIGSERIAL": "bigint",
    "SERIAL": "integer",
    "TIMESTAMPTZ": "timestamp with time zone",
    "TEXT[]": "ARRAY",
}


def as_written(column: Column) -> tuple[str, bool]:
    word = column.column_type
    return WORDS.get(word, word.lower()), bool(column._meta.null)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table._meta.tablename))
async def test_a_table_is_defined_as_it_is(stores_database: Database, table: type[Table]) -> None:
    name = table._meta.tablename
    async with stores_database.transaction(role=OWNER) as transaction:
        rows = await transaction.connection.fetch(
            "select column_name, data_type, is_nullable = 'YES' as nullable from information_schema.columns"
            " where table_schema = 'public' and table_name = $1",
            name,
        )
    real = {row["column_name"]: (row["data_type"], row["nullable"]) for row in rows}
    written = {column._meta.name: as_written(column) for column in table._meta.columns}
    assert written == {key: value for key, value in real.items() if (name, key) not in OWN_BUSINESS}


async def test_every_table_of_a_tenant_is_guarded(stores_database: Database) -> None:
    """A table with a column ``operator`` has row-level security; what else there is, is named here."""
    async with stores_database.transaction(role=OWNER) as transaction:
        rows = await transaction.connection.fetch(
            """select c.relname, c.relrowsecurity,
                   exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'operator') as owned
               from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where n.nspname = 'public' and c.relkind in ('r', 'p')
               and not c.relispartition order by c.relname"""
        )
    guarded = {row["relname"] for row in rows if row["relrowsecurity"]}
    assert {row["relname"] for row in rows if row["owned"]} <= guarded
    assert {row["relname"] for row in rows} - guarded <= {"migration", "signing_key", "retention_rule"}


async def test_every_constraint_that_stands_for_a_refusal_exists(stores_database: Database) -> None:
    """A constraint that is renamed would make a refusal a crash."""
    folder = Path(__file__).resolve().parents[2] / "persistence"
    rule = re.compile(r'"(\w+_(?:key|fkey|pkey|check|overlap|present))": ')
    named = {name for file in folder.glob("*.py") for name in rule.findall(file.read_text(encoding="utf-8"))}
    async with stores_database.transaction(role=OWNER) as transaction:
        rows = await transaction.connection.fetch(
            "select conname as name from pg_constraint union select relname from pg_class where relkind = 'i'"
        )
    assert len(named) > 10
    assert named <= {row["name"] for row in rows}

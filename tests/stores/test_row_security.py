"""Row-level security by itself: raw SQL as the application's role, without any check of ours before it."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg
import pytest

from domain.access.actor import Actor
from domain.catalogue.tariff import Tariff, Zone
from domain.contracts.changes import ChangeKind
from domain.contracts.contract import ContractService
from domain.ids import OperatorId, QuoteId
from domain.ports.page import PageRequest
from domain.provisioning.order import OrderNote
from domain.quotes.quote import Quote, QuoteLine
from domain.usecases.fit_contract import done
from persistence.engine import APP, OWNER, Database
from persistence.units import StoredUnits
from tests.stores import bucket_rows
from tests.stores.test_contracts import number
from tests.stores.test_provisioning import barring, order
from tests.stores.worlds import NOON, World, build, contract, customer, service, subscription

# Tables that a reseller sees his part of; of the others he sees the operator's or nothing at all.
HIS_PART = (
    "customer", "contract", "contract_change", "contract_service", "quote", "subscription", "number_assignment",
    "reseller", "network_order", "network_order_note", "subscription_barring",
    *bucket_rows.TABLES,
)  # fmt: skip


@dataclass
class Filled:
    world: World
    database: Database


@pytest.fixture
async def filled(stores_database: Database) -> Filled:
    """Two operators with a bit of everything; the first one's resellers with customers of their own."""
    world = await build(StoredUnits(stores_database), stores_database)
    for actor in (world.operator, world.other_operator):
        async with world.begin(actor) as unit:
            await unit.services.add(service(actor))
            zone = Zone(name="EU", countries=("DE",))
            await unit.catalogue.publish(Tariff(zones={"EU": zone}), recorded_at=NOON)
            await unit.outbox.promise("told", {})
            await unit.answers.claim("k", bytes(32))
    async with world.begin(world.operator) as unit:
        line = ContractService(
            service=next(iter((await unit.services.page(PageRequest())).items)).id, start=NOON.date()
        )
    for index, actor in enumerate((world.operator, world.north, world.north_east, world.south)):
        async with world.begin(actor) as unit:
            owner = await unit.customers.add(customer(actor))
            one = await unit.contracts.add(contract(owner, services=(line,)))
            held = await unit.subscriptions.add(subscription(one, numbers=(number(f"n{index}"),)))
            await bucket_rows.fill(unit, held)
            placed = await unit.orders.add(order(held))
            await unit.orders.note(placed, OrderNote(at=NOON, client="c", event="placed"))
            await unit.orders.keep_barrings([barring(placed)])
            made = done(ChangeKind.CREATE, one, actor=actor, at=NOON, on=NOON.date())
            await unit.contract_changes.add(made, one)
            offered = QuoteLine(service=line.service)
            await unit.quotes.add(
                Quote(
                    id=QuoteId(0),
                    operator=actor.operator,
                    customer=owner.id,
                    number=await unit.quotes.next_number(),
                    valid_until=NOON.date(),
                    lines=(offered,),
                    reseller=owner.reseller,
                )
            )
    return Filled(world, stores_database)


async def tenant_tables(database: Database) -> list[str]:
    async with database.transaction(role=OWNER) as transaction:
        rows = await transaction.connection.fetch(
            """select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where n.nspname = 'public' and c.relkind in ('r', 'p') and c.relrowsecurity
               and has_table_privilege('tollwright_app', c.oid, 'select') order by 1"""
        )
    return [row["relname"] for row in rows]


async def count(database: Database, table: str, actor: Actor | None) -> int:
    """Count what the application's role sees of a table for an actor; None: the tenant is not set."""
    operator = None if actor is None else actor.operator
    resellers = None if actor is None or actor.reseller is None else actor.resellers
    async with database.transaction(role=APP, operator=operator, resellers=resellers) as transaction:
        return int(await transaction.connection.fetchval(f"select count(*) from {table}"))


async def test_without_a_tenant_there_are_no_rows_at_all(filled: Filled) -> None:
    tables = await tenant_tables(filled.database)
    assert set(HIS_PART) <= set(tables)
    assert {table: await count(filled.database, table, None) for table in tables} == dict.fromkeys(tables, 0)


async def test_without_any_setting_there_are_no_rows_either(filled: Filled) -> None:
    """A connection that has only taken the role, as a slip in our own code would leave it."""
    tables = await tenant_tables(filled.database)
    connection = await filled.database.acquire()
    try:
        async with connection.transaction():
            await connection.execute("set local role tollwright_app")
            for table in tables:
                assert await connection.fetchval(f"select count(*) from {table}") == 0, table
    finally:
        await filled.database.release(connection)


@pytest.mark.parametrize("table", HIS_PART)
async def test_a_reseller_sees_his_part(filled: Filled, table: str) -> None:
    world = filled.world
    seen = {
        name: await count(filled.database, table, getattr(world, name))
        for name in ("operator", "north", "north_east", "south")
    }
    if table == "reseller":
        assert seen == {"operator": 3, "north": 2, "north_east": 1, "south": 1}
    else:
        assert seen == {"operator": 4, "north": 2, "north_east": 1, "south": 1}


async def test_an_empty_list_of_resellers_is_nobody(filled: Filled) -> None:
    for table in HIS_PART:
        operator = filled.world.operator.operator
        async with filled.database.transaction(role=APP, operator=operator, resellers=()) as transaction:
            assert await transaction.connection.fetchval(f"select count(*) from {table}") == 0, table


async def test_nobody_writes_for_another_tenant(filled: Filled) -> None:
    stranger = filled.world.other_operator.operator
    statements = {
        "customer": "update customer set name = 'mine' where operator = $1",
        "contract": "update contract set state = 'ended' where operator = $1",
        "rate": "update rate set setup_nano = 0 where operator = $1",
        "api_client": "update api_client set revoked_at = null where operator = $1",
        "series": "update series set next = 1 where operator = $1",
    }
    async with filled.database.transaction(role=APP, operator=stranger) as transaction:
        for statement in statements.values():
            assert await transaction.connection.execute(statement, filled.world.operator.operator) == "UPDATE 0"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with filled.database.transaction(role=APP, operator=stranger) as transaction:
            await transaction.connection.execute(
                "insert into outbox (operator, kind, payload) values ($1, 'x', '{}')", filled.world.operator.operator
            )


@pytest.mark.parametrize(
    "statement",
    [
        "select * from signing_key",
        "update audit set action = 'nothing'",
        "delete from audit",
        "delete from customer",
        "delete from rate",
        "truncate customer",
        "alter table customer disable row level security",
        "update operator set code = 'x' where id = app_operator(); drop table customer",
    ],
)
async def test_what_the_application_may_never_do(filled: Filled, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with filled.database.transaction(role=APP, operator=filled.world.operator.operator) as transaction:
            await transaction.connection.execute(statement)


async def test_the_application_does_not_make_operators(filled: Filled) -> None:
    other = OperatorId(filled.world.other_operator.operator)
    async with filled.database.transaction(role=APP, operator=filled.world.operator.operator) as transaction:
        assert await transaction.connection.fetchval("select count(*) from operator where id = $1", other) == 0
        assert await transaction.connection.execute("update operator set name = 'x' where id = $1", other) == "UPDATE 0"

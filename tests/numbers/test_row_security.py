"""Row-level security of lines' histories, the stock and orders by itself, as the application's role."""

from __future__ import annotations

import asyncpg
import pytest

from domain.access.actor import Actor
from domain.numbers.ordering import OrderKind
from domain.usecases.manage_numbers import GiveNumbers, give_numbers
from domain.usecases.port_number import RequestPort, request_port
from domain.usecases.reserve_numbers import ReserveNumbers, reserve_numbers
from persistence.engine import APP, Database
from persistence.units import StoredUnits
from tests.numbers.made import LATER, at, held, line, series
from tests.stores.worlds import World, build


@pytest.fixture
async def filled(stores_database: Database) -> World:
    world = await build(StoredUnits(stores_database), stores_database)
    await series(world)
    for place, actor in enumerate((world.operator, world.north, world.north_east, world.south)):
        number = f"4681234560{place}"
        if actor.reseller is not None:
            cmd = GiveNumbers(first_number=number, last_number=number, reseller=actor.reseller)
            await give_numbers(cmd, **at(world))
        await reserve_numbers(ReserveNumbers(until=LATER, numbers=(number,)), **at(world, actor))
        one = await line(world, held(number), actor=actor)
        asked = RequestPort(kind=OrderKind.PORT_OUT, subscription=one.id, number=number, other="T", wanted_at=LATER)
        await request_port(asked, **at(world, actor))
    return world


async def count(world: World, table: str, actor: Actor | None, where: str = "true") -> int:
    assert isinstance(world.database, Database)
    operator = None if actor is None else actor.operator
    resellers = None if actor is None or actor.reseller is None else actor.resellers
    async with world.database.transaction(role=APP, operator=operator, resellers=resellers) as transaction:
        return int(await transaction.connection.fetchval(f"select count(*) from {table} where {where}"))


@pytest.mark.parametrize(
    ("table", "whole", "where"),
    [
        ("subscription_state", 4, "true"),
        ("number_order", 4, "true"),
        ("number_order_step", 4, "true"),
        ("number_reservation", 4, "true"),
        ("number_stock", 4, "status = 'assigned'"),
    ],
)
async def test_each_sees_his_part(filled: World, table: str, whole: int, where: str) -> None:
    callers = ("operator", "north", "north_east", "south", "other_operator")
    seen = [await count(filled, table, getattr(filled, name), where) for name in callers]
    assert seen == [whole, 2, 1, 1, 0]
    assert await count(filled, table, None) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "delete from number_stock",
        "delete from number_order",
        "update subscription_state set state = 'active'",
        "delete from number_order_step",
    ],
)
async def test_what_was_recorded_stays(filled: World, statement: str) -> None:
    assert isinstance(filled.database, Database)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with filled.database.transaction(role=APP, operator=filled.operator.operator) as transaction:
            await transaction.connection.execute(statement)


async def test_nobody_takes_numbers_by_hand(filled: World) -> None:
    assert isinstance(filled.database, Database)
    north = filled.north
    async with filled.database.transaction(role=APP, operator=north.operator, resellers=north.resellers) as transaction:
        done = await transaction.connection.execute(
            "update number_stock set reseller = $1 where reseller is null", north.reseller
        )
        assert done == "UPDATE 0"

"""Operators, API clients, answers, the audit trail and the outbox, as their ports promise."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.access.actor import Action, system
from domain.access.client import ApiClient
from domain.ids import OperatorId, ResellerId
from domain.refusal import Conflict, NotFound
from persistence.access import DirectoryReader
from persistence.engine import OWNER, Database
from persistence.memory import MemoryDatabase
from persistence.memory_access import MemoryDirectory
from tests.stores.worlds import NOON, World, operator


def client(world: World, client_id: str, **fields: object) -> ApiClient:
    values: dict[str, object] = {
        "client_id": client_id,
        "operator": world.operator.operator,
        "name": "Ett system",
        "secret_sha256": bytes(range(32)),
        "scopes": frozenset({Action.READ_USAGE, Action.IMPORT_CDR}),
        "created_at": NOON,
    }
    return ApiClient(**(values | fields))  # type: ignore[arg-type]  # a table of fields


async def test_an_operator_comes_back_as_it_was_kept(world: World) -> None:
    whole = replace(
        operator(f"whole-{world.operator.operator}-{id(world)}"),
        bankgiro="1234567",
        iban="SE3550000000054910000003",
        email="a@b.se",
        phone="08",
        endpoint="0007:5560360793",
        zone="Europe/Helsinki",
        currency="EUR",
        payment_terms_days=14,
        rounds_to_krona=False,
        ocr_level="fixed",
    )
    async with world.begin(system(OperatorId(0)), bulk=True) as unit:
        kept = await unit.operators.add(whole)
    assert kept == replace(whole, id=kept.id)
    async with world.begin(system(kept.id)) as unit:
        assert await unit.operators.own() == kept
        assert await unit.customers.next_number() == "100001"
        assert await unit.contracts.next_number() == "200001"
        assert await unit.catalogue.revision() == 0
    with pytest.raises(Conflict):
        async with world.begin(system(OperatorId(0)), bulk=True) as unit:
            await unit.operators.add(whole)
    database = world.database
    directory = (
        MemoryDirectory(database) if isinstance(database, MemoryDatabase) else DirectoryReader(database)  # type: ignore[arg-type]  # one or the other
    )
    assert kept in await directory.operators()


async def test_nobody_is_of_no_operator(world: World) -> None:
    async with world.begin(system(OperatorId(0))) as unit:
        with pytest.raises(NotFound):
            await unit.operators.own()


async def test_a_client_comes_back_as_it_was_kept(world: World) -> None:
    name = f"c-{world.operator.operator}-{id(world)}"
    whole = client(world, name, reseller=world.north.reseller)
    async with world.begin(world.operator) as unit:
        await unit.clients.add(whole)
    async with world.begin(world.operator) as unit:
        assert list(await unit.clients.all()) == [whole]
        claimed = await unit.clients.claim(name)
        await unit.clients.keep(replace(claimed, revoked_at=datetime(2026, 3, 2, tzinfo=UTC)))
    async with world.begin(world.operator) as unit:
        assert (await unit.clients.claim(name)).revoked_at == datetime(2026, 3, 2, tzinfo=UTC)
        with pytest.raises(NotFound):
            await unit.clients.claim("nobody")
    async with world.begin(world.other_operator) as unit:
        assert not await unit.clients.all()
        with pytest.raises(NotFound):
            await unit.clients.claim(name)
    with pytest.raises(Conflict):
        async with world.begin(world.operator) as unit:
            await unit.clients.add(whole)
    with pytest.raises(NotFound):
        async with world.begin(world.operator) as unit:
            await unit.clients.add(client(world, f"{name}-2", reseller=ResellerId(4711)))


async def test_an_answer_is_kept_with_its_unit(world: World) -> None:
    one, other = bytes(32), bytes([1] * 32)
    async with world.begin(world.operator) as unit:
        assert await unit.answers.claim("k", one) is None
        await unit.answers.keep("k", 42)
    async with world.begin(world.operator) as unit:
        assert await unit.answers.claim("k", one) == 42
    with pytest.raises(Conflict):
        async with world.begin(world.operator) as unit:
            await unit.answers.claim("k", other)
    for stranger in (world.north, world.other_operator):
        async with world.begin(stranger) as unit:
            assert await unit.answers.claim("k", other) is None
            await unit.answers.keep("k", 7)

    async def fails() -> None:
        async with world.begin(world.operator) as unit:
            await unit.answers.claim("undone", one)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    async with world.begin(world.operator) as unit:
        assert await unit.answers.claim("undone", other) is None
        await unit.answers.keep("undone", 1)


async def test_who_claims_a_key_second_waits_for_nobody(world: World) -> None:
    claimed, over = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with world.begin(world.operator) as unit:
            assert await unit.answers.claim("k", bytes(32)) is None
            claimed.set()
            await asyncio.sleep(0.1)
            await unit.answers.keep("k", 42)
        over.set()

    async def second() -> int | None:
        await claimed.wait()
        async with world.begin(world.operator) as unit:
            return await unit.answers.claim("k", bytes(32))

    running = asyncio.create_task(first())
    with pytest.raises(Conflict):
        await second()
    assert isinstance(world.database, MemoryDatabase) or not over.is_set()  # in memory units follow one another
    await running
    assert await second() == 42


async def test_the_trail_and_the_promises_go_with_the_unit(world: World) -> None:
    caller = replace(world.north, address="192.0.2.7")

    async def fails() -> None:
        async with world.begin(caller) as unit:
            await unit.audit.write("undone", "nothing")
            await unit.outbox.promise("undone", {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    async with world.begin(caller) as unit:
        await unit.audit.write("did", "customer:1", {"when": NOON, "ö": 1})
        await unit.outbox.promise("told", {"invoice": 1})
    database, operator_id = world.database, caller.operator
    if isinstance(database, MemoryDatabase):
        lines = [one for one in database.state.tables["audit"].values() if one.operator == operator_id]
        promised = [one for one in database.state.tables["outbox"].values() if one.operator == operator_id]
        last = lines[-1]
        assert (last.actor.client, last.actor.address, last.action, last.target) == (
            "north-client",
            "192.0.2.7",
            "did",
            "customer:1",
        )
        assert [(one.kind, one.data) for one in promised][-1] == ("told", {"invoice": 1})
        return
    assert isinstance(database, Database)
    async with database.transaction(role=OWNER) as transaction:
        rows = await transaction.connection.fetch("select * from audit where operator = $1 order by id", operator_id)
        told = await transaction.connection.fetch("select * from outbox where operator = $1", operator_id)
    last = rows[-1]
    assert "undone" not in {row["action"] for row in rows}
    assert (last["client"], last["reseller"], last["address"]) == ("north-client", caller.reseller, "192.0.2.7")
    assert (last["action"], last["target"]) == ("did", "customer:1")
    assert json.loads(last["detail"])["ö"] == 1
    last = max(told, key=lambda row: row["id"])
    assert (last["kind"], json.loads(last["payload"])) == ("told", {"invoice": 1})
    assert "undone" not in {row["kind"] for row in told}

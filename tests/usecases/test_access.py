"""Operators, resellers and API clients: what the use cases promise, for each who may call."""

from __future__ import annotations

import hashlib
import itertools
import secrets
from dataclasses import replace
from typing import Any

import pytest

from domain.access.actor import Action, Actor
from domain.ids import ResellerId
from domain.operators import Operator
from domain.refusal import BadValue, Conflict, NotAllowed, NotFound
from domain.resellers.reseller import TIERS_MAX
from domain.usecases.create_client import CreateClient, NewClient, create_client
from domain.usecases.create_customer import create_customer
from domain.usecases.create_operator import create_operator
from domain.usecases.create_reseller import CreateReseller, create_reseller
from domain.usecases.get_operator import get_operator
from domain.usecases.list_clients import list_clients
from domain.usecases.list_resellers import list_resellers
from domain.usecases.load_batches import resellers_by_ids
from domain.usecases.revoke_client import revoke_client
from tests.stores.worlds import PLACE, World, operator
from tests.usecases.test_customers import new as new_customer
from tests.usecases.test_prices import load
from tests.usecases.trail import trail

_codes = (f"made-{index}" for index in itertools.count())


async def client(world: World, *, by: Actor | None = None, **fields: object) -> NewClient:
    cmd = CreateClient(**({"name": "ERP", "scopes": frozenset({Action.READ_USAGE})} | fields))  # type: ignore[arg-type]  # a table of fields
    caller = by or world.operator
    return await create_client(cmd, actor=caller, begin=world.begin, clock=world.clock, draw=secrets.token_urlsafe)


async def test_an_operator_is_created_with_compact_numbers(world: World) -> None:
    code = next(_codes)
    new = replace(operator(code), organisation_number="556703-7485", vat_id="SE 556703 7485 01")
    made = await create_operator(new, begin=world.begin)
    assert (made.organisation_number, made.vat_id) == ("5567037485", "SE556703748501")
    own = replace(world.operator, operator=made.id)
    assert await get_operator(actor=own, begin=world.begin) == made
    with pytest.raises(Conflict):
        await create_operator(operator(code), begin=world.begin)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"code": "a b"}, "code"),
        ({"name": ""}, "name"),
        ({"country": "sE"}, "country"),
        ({"address": replace(PLACE, country="NO")}, "address.country"),
        ({"zone": "Europe/Nowhere"}, "zone"),
        ({"bankgiro": "123-4567"}, "bankgiro"),
        ({"endpoint": "0007"}, "endpoint"),
        ({"language": ""}, "language"),
        ({"payment_terms_days": -1}, "paymentTermsDays"),
        ({"ocr_level": "hard"}, "ocrLevel"),
        ({"organisation_number": "5567037486"}, "organisationNumber"),
        ({"vat_id": "SE1"}, "vatId"),
        ({"email": "a\x07"}, "email"),
    ],
)
async def test_a_bad_operator_is_refused_by_the_field(world: World, fields: dict[str, object], field: str) -> None:
    bad: Operator = replace(operator(next(_codes)), **fields)  # type: ignore[arg-type]  # a table of fields
    with pytest.raises(BadValue) as no:
        await create_operator(bad, begin=world.begin)
    assert no.value.field == field


async def test_everybody_knows_his_own_operator(world: World) -> None:
    for caller in (world.operator, replace(world.north, scopes=frozenset())):
        assert (await get_operator(actor=caller, begin=world.begin)).id == caller.operator


async def test_a_reseller_is_made_once_and_checked(world: World) -> None:
    await load(world)
    cmd = CreateReseller(code="west", name="West", price_list="gold", idempotency_key="k")
    made = await create_reseller(cmd, actor=world.operator, begin=world.begin)
    assert await create_reseller(cmd, actor=world.operator, begin=world.begin) == made
    assert made.price_list == "gold"
    assert (await trail(world))[-1] == ("boss", "create_reseller", f"reseller:{made.id}")
    for caller in (world.north, world.operator):
        with pytest.raises(NotAllowed):
            await create_reseller(cmd, actor=replace(caller, scopes=frozenset()), begin=world.begin)
    for fields, kind, field in (
        ({"code": " "}, BadValue, "code"),
        ({"name": ""}, BadValue, "name"),
        ({"parent": ResellerId(4711)}, NotFound, "parent"),
        ({"price_list": "none"}, NotFound, "priceList"),
        ({"code": "north"}, Conflict, "code"),
    ):
        bad = replace(cmd, idempotency_key=None, **{"code": "new"} | fields)  # type: ignore[arg-type]  # a table of fields
        with pytest.raises(kind) as no:
            await create_reseller(bad, actor=world.operator, begin=world.begin)
        assert no.value.field == field


async def test_a_reseller_makes_resellers_below_himself_alone(world: World) -> None:
    own, below = world.north.resellers
    for parent, expected in ((None, own), (own, own), (below, below)):
        cmd = CreateReseller(code=f"sub-{parent}", name="Sub", parent=parent)
        made = await create_reseller(cmd, actor=world.north, begin=world.begin)
        present = await list_resellers(actor=world.operator, begin=world.begin)
        assert {one.id: one.parent for one in present}[made.id] == expected
    for parent in (world.south.resellers[0], ResellerId(4711)):
        with pytest.raises(NotFound):
            await create_reseller(
                CreateReseller(code="aside", name="Aside", parent=parent), actor=world.north, begin=world.begin
            )


async def test_a_tree_of_resellers_has_a_greatest_depth(world: World) -> None:
    parent = world.north.resellers[1]  # the second tier
    for tier in range(3, TIERS_MAX + 1):
        cmd = CreateReseller(code=f"t{tier}", name="T", parent=parent)
        parent = (await create_reseller(cmd, actor=world.operator, begin=world.begin)).id
    with pytest.raises(BadValue):
        await create_reseller(
            CreateReseller(code="deep", name="T", parent=parent), actor=world.operator, begin=world.begin
        )


async def test_four_callers_see_their_resellers(world: World) -> None:
    every = [world.north.resellers[0], world.north.resellers[1], world.south.resellers[0]]
    may = {"operator": every, "own": every[:2], "sibling": every[2:], "other_operator": []}
    for name, caller in world.callers.items():
        seen = [one.id for one in await list_resellers(actor=caller, begin=world.begin)]
        assert sorted(seen) == sorted(may[name]), name
        assert set(await resellers_by_ids(every, actor=caller, begin=world.begin)) == set(may[name]), name


async def test_nothing_is_made_under_another_operators_reseller(world: World) -> None:
    foreign = world.north.resellers[0]
    for call in (
        create_reseller(
            CreateReseller(code="x", name="X", parent=foreign), actor=world.other_operator, begin=world.begin
        ),
        client(world, by=world.other_operator, reseller=foreign),
        create_customer(new_customer(reseller=foreign), actor=world.other_operator, begin=world.begin),
    ):
        with pytest.raises(NotFound):
            await call
    made = await client(world)
    assert made.client not in await list_clients(actor=world.other_operator, begin=world.begin)


async def test_a_clients_secret_is_told_once_and_kept_as_a_hash(world: World) -> None:
    made = await client(world, reseller=world.north.reseller)
    assert len(made.secret) >= 43
    assert made.client.secret_sha256 == hashlib.sha256(made.secret.encode()).digest()
    assert made.client.knows(made.secret)
    assert not made.client.knows(made.secret + "x")
    assert list(await list_clients(actor=world.operator, begin=world.begin)) == [made.client]
    assert (await trail(world))[-1] == ("boss", "create_client", f"client:{made.client.client_id}")
    assert made.secret not in repr(await trail(world))


async def test_a_revoked_client_stays_revoked(world: World) -> None:
    made = await client(world, client_id=f"fixed-{secrets.token_hex(4)}")
    revoked = await revoke_client(made.client.client_id, actor=world.operator, begin=world.begin, clock=world.clock)
    assert not revoked.knows(made.secret)
    at = revoked.revoked_at
    world.clock.pass_by(hours=1)
    again = await revoke_client(made.client.client_id, actor=world.operator, begin=world.begin, clock=world.clock)
    assert again.revoked_at == at
    with pytest.raises(Conflict):
        await client(world, client_id=made.client.client_id)
    for stranger in (world.other_operator,):
        with pytest.raises(NotFound):
            await revoke_client(made.client.client_id, actor=stranger, begin=world.begin, clock=world.clock)


@pytest.mark.parametrize(
    ("fields", "kind", "field"),
    [
        ({"name": " "}, BadValue, "name"),
        ({"name": "a\n"}, BadValue, "name"),
        ({"client_id": "a b"}, BadValue, "clientId"),
        ({"client_id": "x" * 65}, BadValue, "clientId"),
        ({"scopes": frozenset()}, BadValue, "scopes"),
        ({"reseller": ResellerId(4711)}, NotFound, "reseller"),
        ({"reseller": ResellerId(4711), "scopes": frozenset({Action.READ_COSTS})}, BadValue, "scopes"),
    ],
)
async def test_a_bad_client_is_refused_by_the_field(
    world: World, fields: dict[str, Any], kind: type[Exception], field: str
) -> None:
    with pytest.raises(kind) as no:
        await client(world, **fields)
    assert getattr(no.value, "field", None) == field


async def test_nobody_gives_what_he_does_not_hold(world: World) -> None:
    poor = replace(world.operator, scopes=frozenset({Action.MANAGE_CLIENTS, Action.READ_USAGE}))
    await client(world, by=poor)
    with pytest.raises(NotAllowed):
        await client(world, by=poor, scopes=frozenset({Action.READ_USAGE, Action.RUN_BILLS}))


async def test_a_resellers_administrator_manages_the_clients_of_his_part_of_the_tree(world: World) -> None:
    own, below = world.north.resellers
    (south,) = world.south.resellers
    theirs = await client(world)
    sibling = await client(world, reseller=south)
    made = [await client(world, by=world.north, reseller=which) for which in (None, own, below)]
    assert [one.client.reseller for one in made] == [own, own, below]
    seen = await list_clients(actor=world.north, begin=world.begin)
    assert {one.client_id for one in seen} == {one.client.client_id for one in made}
    assert {one.client_id for one in await list_clients(actor=world.north_east, begin=world.begin)} == {
        made[2].client.client_id
    }
    for stranger in (theirs, sibling):
        with pytest.raises(NotFound):
            await revoke_client(stranger.client.client_id, actor=world.north, begin=world.begin, clock=world.clock)
    gone = await revoke_client(made[2].client.client_id, actor=world.north, begin=world.begin, clock=world.clock)
    assert gone.revoked_at is not None
    with pytest.raises(NotFound):
        await client(world, by=world.north, reseller=south)
    with pytest.raises(NotFound):
        await client(world, by=world.north_east, reseller=own)
    with pytest.raises(BadValue):
        await client(world, by=world.north, scopes=frozenset({Action.READ_COSTS}))
    poor = replace(world.north, scopes=frozenset({Action.MANAGE_CLIENTS}))
    with pytest.raises(NotAllowed):
        await client(world, by=poor)

"""Why was I refused: told to those who may know, and only to them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.access.actor import Action, Actor, allow
from domain.access.approval import ApprovalKind, ApprovalRule
from domain.access.client import ApiClient
from domain.access.editions import Edition
from domain.access.limits import Limits
from domain.refusal import BadValue, NotAllowed, NotFound
from domain.usecases.list_operations import every, list_operations
from domain.usecases.why_refused import GIVING, Judged, Obstacle, WhyRefused, permissions, why_refused
from tests.access.people import built_in, in_group, level, person
from tests.access.test_approvals import rules
from tests.access.test_levels import sek
from tests.stores.worlds import World


async def why(world: World, by: Actor, operation: str, **whose: Any) -> Judged:
    return await why_refused(WhyRefused(operation=operation, **whose), actor=by, begin=world.begin)


def told(judged: Judged) -> list[Obstacle]:
    return [one.obstacle for one in judged.reasons]


async def test_the_level_that_lacks_it_is_named_with_the_permission(world: World) -> None:
    anna = await person(world, await built_in(world, "support"))
    judged = await why(world, anna, "create_contract")
    (reason,) = judged.reasons
    assert not judged.allowed
    assert (reason.obstacle, reason.permission) == (Obstacle.LEVEL, Action.WRITE_CONTRACTS)
    assert "Support" in reason.said.message
    assert "contracts:write" in reason.said.message
    assert (await why(world, anna, "swap_sim")).allowed
    # The same, asked of her by who sees users.
    assert told(await why(world, world.operator, "create_contract", user=anna.user)) == [Obstacle.LEVEL]
    with pytest.raises(NotAllowed):
        await why(world, anna, "create_contract", user=anna.user)


async def test_every_kind_of_obstacle_is_told(world: World) -> None:
    boss = world.operator
    anna = await person(world, await level(world, permissions=frozenset({"bills:run", "events:read"}), limits=sek(5)))
    assert told(await why(world, anna, "credit_invoice")) == [Obstacle.LIMIT]
    await rules(world, ApprovalRule(kind=ApprovalKind.CREDIT, above=Decimal(9)))
    judged = await why(world, anna, "credit_invoice")
    assert judged.allowed
    assert told(judged) == [Obstacle.LIMIT, Obstacle.APPROVAL]
    await in_group(world, "gold")
    some = Limits(groups=frozenset({"gold"}))
    bo = await person(world, await level(world, permissions=frozenset({"events:read"}), limits=some))
    assert told(await why(world, boss, "list_events", user=bo.user)) == [Obstacle.GROUPS]
    rater = replace(boss, edition=Edition.RATING_ONLY)
    assert told(await why(world, rater, "create_customer", user=bo.user)) == [Obstacle.EDITION]
    north = await person(world, await built_in(world, "reseller_support"), by=world.north)
    assert told(await why(world, boss, "publish_draft", user=north.user)) == [Obstacle.OPERATOR_ONLY]
    narrow = replace(boss, client="erp", scopes=frozenset({Action.READ_CUSTOMERS}))
    assert told(await why(world, narrow, "create_customer")) == [Obstacle.CLIENT]


async def test_what_is_not_there_is_not_found(world: World) -> None:
    for operation, client in (("fly", None), ("swap_sim", "nobody")):
        with pytest.raises(NotFound):
            await why(world, world.operator, operation, client=client)
    stranger = await person(world, await built_in(world, "support"))
    with pytest.raises(NotFound):
        await why(world, world.other_operator, "swap_sim", user=stranger.user)
    with pytest.raises(BadValue) as no:
        await why(world, world.operator, "swap_sim", user=stranger.user, client="x")
    assert no.value.field == "clientId"


async def test_a_resellers_people_are_told_whether_and_those_who_look_after_levels_why(world: World) -> None:
    anna = await person(world, await built_in(world, "reseller_support"), by=world.north)
    judged = await why(world, anna, "create_contract")
    assert not judged.allowed
    assert judged.reasons == ()
    with pytest.raises(NotAllowed) as no:
        allow(anna, Action.WRITE_CONTRACTS, "create_contract")
    assert no.value.message == "this is not allowed"
    chief = await person(world, await built_in(world, "reseller_administrator"), by=world.north)
    assert told(await why(world, chief, "create_contract", user=anna.user)) == [Obstacle.LEVEL]
    with pytest.raises(NotAllowed) as no:
        allow(replace(chief, scopes=frozenset({Action.READ_USERS})), Action.WRITE_CONTRACTS)
    assert "contracts:write" in no.value.message


async def test_a_machine_of_a_level_that_the_caller_does_not_see_is_told_of_all_the_same(world: World) -> None:
    own = await level(world, permissions=frozenset({"customers:read"}))
    async with world.begin(world.operator) as unit:
        await unit.clients.add(
            ApiClient(
                client_id="norths-erp",
                operator=world.operator.operator,
                name="ERP",
                secret_sha256=bytes(32),
                scopes=frozenset({Action.READ_CUSTOMERS}),
                reseller=world.north.reseller,
                level=own.id,
                created_at=world.clock.now(),
            )
        )
    chief = await person(world, await built_in(world, "reseller_administrator"), by=world.north)
    assert not (await why(world, chief, "list_customers", client="norths-erp")).allowed
    assert (await why(world, world.operator, "list_customers", client="norths-erp")).allowed


async def test_a_portal_knows_what_to_show(world: World) -> None:
    anna = await person(world, await built_in(world, "support"))
    shown = await permissions(actor=anna, begin=world.begin)
    assert {"list_customers", "swap_sim"} <= set(shown)
    assert not {"create_contract", "run_bills", "create_level"} & set(shown)
    for name in shown:
        assert (await why(world, anna, name)).allowed


async def test_operations_say_what_they_do_and_ask_for(world: World) -> None:
    found = {one.name: one for one in await list_operations(actor=world.operator, begin=world.begin)}
    assert set(found) == set(every())
    assert len(found) > 250
    assert all(one.description and one.description[0].isupper() for one in found.values())
    assert found["price_contract"].scopes == (Action.WRITE_CONTRACTS, Action.WRITE_PRICES)
    assert set(found) >= GIVING
    anna = await person(world, await built_in(world, "support"))
    with pytest.raises(NotAllowed):
        await list_operations(actor=anna, begin=world.begin)

"""Levels: made, copied, changed and removed; nobody gives more than he has; what is taken away is gone."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.access.actor import Action, allow
from domain.access.giving import check_gives
from domain.access.level import BUILT_IN, TWICE, with_level
from domain.access.limits import Ceiling, Limits
from domain.ids import LevelId, ResellerId
from domain.ports.access import TrailFilter
from domain.ports.page import PageRequest
from domain.refusal import BadValue, Conflict, NotAllowed, NotFound, Stale, WrongState
from domain.usecases.create_client import CreateClient, create_client
from domain.usecases.list_customers import ListCustomers, list_customers
from domain.usecases.list_trail import list_trail
from domain.usecases.manage_levels import ChangeLevel, change_level, get_level, levels_by_ids, list_levels, remove_level
from domain.usecases.swap_sim import swap_sim
from tests.access.people import built_in, in_group, level, person
from tests.stores.worlds import World

READS = frozenset({"customers:read"})


def sek(each: int, day: int | None = None) -> Limits:
    return Limits(amounts=(Ceiling(currency="SEK", each=Decimal(each), day=None if day is None else Decimal(day)),))


async def test_every_operator_has_the_built_in_levels_from_the_start(world: World) -> None:
    for actor in (world.operator, world.other_operator):
        found = {one.built_in: one for one in await list_levels(actor=actor, begin=world.begin) if one.built_in}
        assert set(found) == set(BUILT_IN)
        assert {one.built_in for one in found.values() if one.requires_second_factor} == TWICE
        assert all(one.operator == actor.operator and one.held == BUILT_IN[key or ""] for key, one in found.items())


async def test_a_reseller_sees_the_levels_that_his_people_may_have_and_his_own(world: World) -> None:
    await level(world, permissions=READS)
    own = await level(world, by=world.north, permissions=READS)
    theirs = await level(world, by=world.south, permissions=READS)
    seen = await list_levels(actor=world.north, begin=world.begin)
    assert {one.built_in for one in seen} == {"reseller_administrator", "reseller_support", None}
    assert [one.id for one in seen if one.built_in is None] == [own.id]
    assert own.reseller == world.north.reseller
    assert await levels_by_ids([theirs.id], actor=world.north, begin=world.begin) == {}
    with pytest.raises(NotFound):
        await get_level(theirs.id, actor=world.north, begin=world.begin)
    # Who is above sees those of who is below.
    below = await level(world, by=world.north_east, permissions=READS)
    assert below.id in {one.id for one in await list_levels(actor=world.north, begin=world.begin)}
    assert below.id not in {one.id for one in await list_levels(actor=world.other_operator, begin=world.begin)}


async def test_a_built_in_level_is_copied_and_not_changed(world: World) -> None:
    support = await built_in(world, "support")
    with pytest.raises(WrongState):
        await change_level(
            ChangeLevel(level=support.id, version=support.version, name="Mine"), actor=world.operator, begin=world.begin
        )
    with pytest.raises(WrongState):
        await remove_level(support.id, support.version, actor=world.operator, begin=world.begin)
    copied = await level(world, name="Support, day", copy_of=support.id, requires_second_factor=True)
    assert copied.held == BUILT_IN["support"]
    assert copied.built_in is None
    assert copied.requires_second_factor
    with pytest.raises(NotFound):
        await level(world, copy_of=LevelId(10**12))


async def test_a_change_tells_what_was_before_and_after(world: World) -> None:
    made = await level(world, permissions=READS)
    cmd = ChangeLevel(level=made.id, version=made.version, permissions=frozenset({"swap_sim", "contracts:read"}))
    changed = await change_level(cmd, actor=world.operator, begin=world.begin)
    assert changed.version == made.version + 1
    assert changed.operations == {"swap_sim"}
    assert await change_level(replace(cmd, version=2), actor=world.operator, begin=world.begin) == changed
    with pytest.raises(Stale):
        await change_level(cmd, actor=world.operator, begin=world.begin)
    page = await list_trail(PageRequest(), TrailFilter(action="change_level"), actor=world.operator, begin=world.begin)
    (line,) = [one.line for one in page.items if one.line.target == f"level:{made.id}"]
    detail: Any = line.detail
    assert detail["before"]["permissions"] == ["customers:read"]
    assert detail["after"]["permissions"] == ["contracts:read", "swap_sim"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"permissions": frozenset()}, "permissions"),
        ({"permissions": frozenset({"customers:everything"})}, "permissions"),
        ({"permissions": frozenset({"__import__"})}, "permissions"),
        ({"limits": Limits(amounts=(Ceiling(currency="kronor", each=Decimal(1)),))}, None),
        ({"limits": sek(-1)}, "limits.amounts.0.each"),
        ({"limits": Limits(amounts=(Ceiling(currency="SEK", each=Decimal("0.001")),))}, "limits.amounts.0.each"),
        (
            {"limits": Limits(amounts=(Ceiling(currency="SEK", each=Decimal(9), day=Decimal(8)),))},
            "limits.amounts.0.day",
        ),
        ({"limits": Limits(amounts=(Ceiling(currency="SEK", each=Decimal(9)),) * 2)}, "limits.amounts.1.currency"),
        ({"limits": Limits(groups=frozenset({""}))}, "limits.groups"),
    ],
)
async def test_what_is_no_level_is_refused_with_its_place(
    world: World, fields: dict[str, Any], field: str | None
) -> None:
    with pytest.raises(BadValue) as no:
        await level(world, **({"permissions": READS} | fields))
    assert no.value.field == field


async def test_a_name_is_given_once_to_each(world: World) -> None:
    await level(world, name="Day", permissions=READS)
    with pytest.raises(Conflict):
        await level(world, name="day", permissions=READS)
    own = await level(world, by=world.north, name="Day", permissions=READS)
    again = await level(world, by=world.north, name="Night", permissions=READS, idempotency_key="k")
    same = await level(world, by=world.north, name="Night", permissions=READS, idempotency_key="k")
    assert again == same != own
    await remove_level(again.id, again.version, actor=world.north, begin=world.begin)
    assert (await level(world, by=world.north, name="Night", permissions=READS)).id != again.id


async def test_nobody_puts_more_into_a_level_than_he_has(world: World) -> None:
    chief = await level(world, permissions=frozenset({"levels:manage", "users:read", "customers:read", "swap_sim"}))
    anna = await person(world, chief)
    fine = await level(world, by=anna, permissions=frozenset({"customers:read", "swap_sim"}))
    for words in ({"customers:write"}, {"create_contract"}, {"contracts:write"}):
        with pytest.raises(NotAllowed) as no:
            await level(world, by=anna, permissions=frozenset(words))
        assert next(iter(words)) in no.value.message
    with pytest.raises(NotAllowed):
        await level(world, by=anna, copy_of=(await built_in(world, "administrator")).id)
    # Nor does he touch one that holds more.
    more = await level(world, permissions=frozenset({"customers:write"}))
    with pytest.raises(NotAllowed):
        await change_level(ChangeLevel(level=more.id, version=1, permissions=READS), actor=anna, begin=world.begin)
    with pytest.raises(NotAllowed):
        check_gives(anna, await built_in(world, "billing"))
    check_gives(anna, fine)


async def test_a_group_that_nobody_was_ever_in_is_a_slip_of_the_pen(world: World) -> None:
    with pytest.raises(BadValue) as no:
        await level(world, permissions=frozenset({"customers:read"}), limits=Limits(groups=frozenset({"gold", "no"})))
    assert no.value.field == "limits.groups"
    await in_group(world, "gold")
    made = await level(world, permissions=frozenset({"customers:read"}), limits=Limits(groups=frozenset({"gold"})))
    cmd = ChangeLevel(level=made.id, version=made.version, limits=Limits(groups=frozenset({"gold", "never"})))
    with pytest.raises(BadValue):
        await change_level(cmd, actor=world.operator, begin=world.begin)


async def test_who_is_limited_gives_no_level_that_is_limited_less(world: World) -> None:
    await in_group(world, "gold")
    ceiling = Limits(
        amounts=(Ceiling(currency="SEK", each=Decimal(100), day=Decimal(300)),), groups=frozenset({"gold"})
    )
    chief = await level(
        world, permissions=frozenset({"levels:manage", "customers:read", "clients:manage"}), limits=ceiling
    )
    anna = await person(world, chief)
    fine = replace(ceiling, amounts=sek(50, 50).amounts)
    narrow = await level(world, by=anna, permissions=READS, limits=fine)
    for wider in (
        Limits(),
        replace(ceiling, groups=frozenset()),
        replace(ceiling, groups=frozenset({"gold", "silver"})),
        replace(ceiling, amounts=()),
        replace(ceiling, amounts=sek(101, 300).amounts),
        replace(ceiling, amounts=sek(100).amounts),
        replace(ceiling, amounts=(*ceiling.amounts, Ceiling(currency="EUR", each=Decimal(1)))),
    ):
        with pytest.raises(NotAllowed):
            await level(world, by=anna, permissions=READS, limits=wider)

    # Nor a client without a level, which would be limited by nothing.
    async def client(of: LevelId | None) -> None:
        cmd = CreateClient(name="x", scopes=frozenset({Action.READ_CUSTOMERS}), level=of)
        await create_client(cmd, actor=anna, begin=world.begin, clock=world.clock, draw=lambda n: f"{id(cmd)}-{n}")

    with pytest.raises(NotAllowed):
        await client(None)
    await client(narrow.id)


async def test_a_resellers_administrator_makes_levels_within_what_is_a_resellers(world: World) -> None:
    boss = await person(world, await built_in(world, "reseller_administrator"), by=world.north)
    made = await level(world, by=boss, permissions=frozenset({"customers:read", "swap_sim"}))
    assert made.reseller == world.north.reseller
    for words in ({"bills:run"}, {"costs:read"}, {"publish_draft"}):
        with pytest.raises(BadValue):
            await level(world, by=boss, permissions=frozenset(words))
    with pytest.raises(NotFound):
        await level(world, by=boss, permissions=READS, reseller=world.south.reseller)
    below = await level(world, by=boss, permissions=READS, reseller=world.north_east.reseller)
    assert below.reseller == world.north_east.reseller
    with pytest.raises(NotFound):
        await level(world, by=boss, permissions=READS, limits=Limits(reseller=world.south.reseller))
    with pytest.raises(NotFound):
        await change_level(ChangeLevel(level=made.id, version=1, name="Mine"), actor=world.south, begin=world.begin)


async def test_a_level_that_somebody_has_is_not_removed(world: World) -> None:
    held = await level(world, permissions=READS)
    anna = await person(world, held)
    with pytest.raises(Conflict):
        await remove_level(held.id, held.version, actor=world.operator, begin=world.begin)
    async with world.begin(world.operator) as unit:
        assert anna.user is not None
        user = await unit.users.claim(anna.user)
        await unit.users.keep(replace(user, level=(await unit.levels.built_in("support")).id))
    await remove_level(held.id, held.version, actor=world.operator, begin=world.begin)
    with pytest.raises(NotFound):
        await get_level(held.id, actor=world.operator, begin=world.begin)


async def test_a_single_operation_is_no_more_than_itself(world: World) -> None:
    desk = await person(world, await level(world, permissions=frozenset({"customers:read", "swap_sim"})))
    assert (await list_customers(ListCustomers(), actor=desk, begin=world.begin)).items == []
    allow(desk, Action.WRITE_CONTRACTS, "swap_sim")
    assert swap_sim.__name__ in desk.operations
    for other in (None, "create_contract", "swap_sims"):
        with pytest.raises(NotAllowed):
            allow(desk, Action.WRITE_CONTRACTS, other)


async def test_an_operation_of_several_permissions_is_given_by_who_has_them_all(world: World) -> None:
    """``list_approvals`` shows all to who may decide, so that nobody gives it who may not."""
    clerk = await person(world, await level(world, permissions=frozenset({"levels:manage", "contracts:write"})))
    with pytest.raises(NotAllowed) as no:
        await level(world, by=clerk, permissions=frozenset({"list_approvals"}))
    assert "list_approvals" in no.value.message
    given = await level(world, permissions=frozenset({"list_approvals"}))
    narrow = replace(world.operator, scopes=frozenset({Action.WRITE_CONTRACTS}))
    assert with_level(narrow, given).operations == frozenset()
    assert with_level(world.operator, given).operations == {"list_approvals"}


async def test_a_resellers_level_holds_an_operation_that_one_permission_of_his_opens(world: World) -> None:
    of = await level(world, by=world.north, permissions=frozenset({"change_prices"}))
    eve = await person(world, of, by=world.north)
    assert eve.may(Action.WRITE_OWN_PRICES, "change_prices")
    assert not eve.may(Action.WRITE_PRICES, "change_prices")
    with pytest.raises(BadValue):
        await level(world, by=world.north, permissions=frozenset({"get_approval_rules"}))


async def test_a_portal_gives_nobody_more_than_itself_has(world: World) -> None:
    support = await built_in(world, "support")
    narrow = replace(world.operator, scopes=frozenset({Action.READ_CUSTOMERS}))
    met = with_level(narrow, support)
    assert met.scopes == {Action.READ_CUSTOMERS}
    assert met.operations == frozenset()  # they ask for scopes that the portal has not
    part = with_level(replace(narrow, scopes=frozenset({Action.WRITE_CUSTOMERS})), support)
    assert part.scopes == frozenset()
    assert part.operations == {"change_customer", "note_customer"}


async def test_an_operation_of_the_operators_is_not_a_resellers_however_it_is_named(world: World) -> None:
    sly = replace(world.north, scopes=frozenset(), operations=frozenset({"publish_draft"}))
    with pytest.raises(NotAllowed):
        allow(sly, Action.WRITE_PRICES, "publish_draft")
    assert sly.reseller == ResellerId(world.north.reseller or 0)

"""People of a level, as authentication makes them: through a portal that may do everything."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

from domain.access.actor import Action, Actor
from domain.access.level import Level, with_level
from domain.access.user import User, UserState
from domain.ids import LevelId, UserId
from domain.usecases.create_customer import create_customer
from domain.usecases.group_customers import JoinGroup, join_group
from domain.usecases.list_operations import every
from domain.usecases.manage_levels import CreateLevel, create_level
from tests.stores.worlds import NOON, World
from tests.usecases.test_customers import new

_emails = (f"anna{index}@example.se" for index in itertools.count())
every()  # so that single operations of a level are known


async def level(world: World, *, by: Actor | None = None, **fields: Any) -> Level:
    """Make a level; a name of its own, where none is given."""
    asked: dict[str, Any] = {"name": f"Level {next(_emails)}"} | fields
    return await create_level(CreateLevel(**asked), actor=by or world.operator, begin=world.begin)


async def built_in(world: World, name: str) -> Level:
    async with world.begin(world.operator) as unit:
        return await unit.levels.built_in(name)


async def person(world: World, of: Level, *, portal: str = "portal", by: Actor | None = None) -> Actor:
    """Add somebody of a level and return him as an actor."""
    boss = by or world.operator
    async with world.begin(boss) as unit:
        kept = await unit.users.add(
            User(
                id=UserId(0),
                operator=boss.operator,
                reseller=boss.reseller,
                email=next(_emails),
                name="Anna",
                language="sv",
                level=of.id,
                state=UserState.ACTIVE,
                second_factor=True,
                created_at=NOON,
            )
        )
    return again(boss, of, kept.id, portal=portal)


def again(boss: Actor, of: Level, key: UserId, *, portal: str = "portal") -> Actor:
    """Return somebody who has signed in through a portal."""
    plain = replace(boss, client=portal, scopes=frozenset(Action), user=key, factor="password+totp", level=LevelId(0))
    return with_level(plain, of)


async def in_group(world: World, name: str) -> None:
    """Put a new customer into a group, so that there is one of this name."""
    owner = await create_customer(new(name=name), actor=world.operator, begin=world.begin)
    await join_group(JoinGroup(customer=owner.id, name=name, valid_from=NOON), actor=world.operator, begin=world.begin)

"""Whoever makes, renews or replaces what others prove themselves by gets no further by it than he is himself."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from domain.access.actor import Action, Actor
from domain.access.level import with_level
from domain.access.limits import Ceiling, Limits
from domain.access.session import UserSession
from domain.ids import ApiKeyId, SessionId, UserId
from domain.ports.page import PageRequest
from domain.ports.transports import Vault
from domain.refusal import NotAllowed, NotFound
from domain.usecases.create_client import CreateClient, create_client
from domain.usecases.create_portal import RenewClientSecret, SetClientKeys, renew_client_secret, set_client_keys
from domain.usecases.end_session import end_own_session, own_sessions
from domain.usecases.get_myself import get_myself
from domain.usecases.list_users import get_user
from domain.usecases.manage_api_keys import CreateApiKey, NewApiKey, RotateApiKey, create_api_key, rotate_api_key
from tests.access.people import level, person
from tests.stores.worlds import World

NO_VAULT = cast("Vault", None)  # nothing is sealed where nobody asks for a digest
KEYS = frozenset({"clients:manage", "customers:read", "contracts:write"})
READS = frozenset({Action.READ_CUSTOMERS})


async def new_key(world: World, by: Actor, scopes: frozenset[Action] = READS) -> NewApiKey:
    cmd = CreateApiKey(name="shop", scopes=scopes, ends_at=world.clock.now() + timedelta(days=9))
    return await create_api_key(cmd, actor=by, begin=world.begin, clock=world.clock, draw=secrets.token_urlsafe)


async def rotate(world: World, key: ApiKeyId, by: Actor) -> NewApiKey:
    cmd = RotateApiKey(key=key)
    return await rotate_api_key(cmd, actor=by, begin=world.begin, clock=world.clock, draw=secrets.token_urlsafe)


async def new_client(world: World, by: Actor, **fields: Any) -> str:
    cmd = CreateClient(**({"name": "erp", "scopes": READS} | fields))
    made = await create_client(cmd, actor=by, begin=world.begin, clock=world.clock, draw=secrets.token_urlsafe)
    return made.client.client_id


async def renew(world: World, client: str, by: Actor) -> None:
    cmd = RenewClientSecret(client_id=client)
    await renew_client_secret(cmd, actor=by, begin=world.begin, draw=secrets.token_urlsafe, vault=NO_VAULT)


async def test_an_operation_alone_opens_nothing_of_what_others_hold(world: World) -> None:
    words = ("create_api_key", "rotate_api_key", "renew_client_secret", "set_client_keys")
    anna = await person(world, await level(world, permissions=frozenset(words)))
    key, client = await new_key(world, world.operator), await new_client(world, world.operator)
    with pytest.raises(NotAllowed):
        await new_key(world, anna, frozenset({Action.MANAGE_USERS}))
    with pytest.raises(NotAllowed):
        await rotate(world, key.key.id, anna)
    with pytest.raises(NotAllowed):
        await renew(world, client, anna)
    with pytest.raises(NotAllowed):
        await set_client_keys(
            SetClientKeys(client_id=client, keys={}), actor=anna, begin=world.begin, read_keys=lambda keys: keys
        )


async def test_who_is_limited_takes_over_nothing_that_is_not(world: World) -> None:
    most = Limits(amounts=(Ceiling(currency="SEK", each=Decimal(1000)),))
    narrow = await level(world, permissions=KEYS, limits=most)
    wide = await level(world, permissions=KEYS)
    anna, bo = await person(world, narrow), await person(world, wide)
    key = await new_key(world, world.operator)
    with pytest.raises(NotAllowed):
        await rotate(world, key.key.id, anna)
    for free in (await new_client(world, bo), await new_client(world, bo, level=wide.id)):
        with pytest.raises(NotAllowed):
            await renew(world, free, anna)
        await renew(world, free, bo)
    await renew(world, await new_client(world, bo, level=narrow.id), anna)


async def test_whose_secret_or_key_it_is_answers_for_it(world: World) -> None:
    of = await level(world, permissions=KEYS)
    anna, bo = await person(world, of), await person(world, of)
    client = await new_client(world, bo)
    key = (await new_key(world, anna)).key
    shown = replace(anna, user=None, client=key.prefix, factor="api-key")
    child = await new_client(world, shown)
    await renew(world, client, anna)

    async def makers(who: str) -> frozenset[str]:
        async with world.begin(world.operator) as unit:
            return await unit.approvals.makers(who)

    assert anna.person in await makers(f"client:{key.prefix}")
    assert anna.person in await makers(f"client:{child}")
    assert await makers(f"client:{client}") == {f"client:{client}", anna.person}
    theirs = (await rotate(world, key.id, bo)).key
    assert await makers(f"client:{theirs.prefix}") == {f"client:{theirs.prefix}", bo.person}
    # What was made at the installation's own command line is nobody's.
    plain = (await new_key(world, world.operator)).key
    assert await makers(f"client:{plain.prefix}") == {f"client:{plain.prefix}"}


async def test_who_is_limited_to_a_part_of_the_tree_is_still_himself(world: World) -> None:
    words = frozenset({"customers:read", "users:read"})
    of = await level(world, permissions=words, limits=Limits(reseller=world.north.reseller))
    anna = await person(world, of)
    now, key = world.clock.now(), cast("UserId", anna.user)
    portal = await new_client(world, world.operator)
    async with world.begin(world.operator) as unit:
        kept = await unit.sign_ins.add(
            UserSession(
                id=SessionId(0),
                operator=anna.operator,
                reseller=None,
                user=key,
                sid=secrets.token_urlsafe(8),
                client_id=portal,
                factor="password",
                scopes=(),
                address=None,
                created_at=now,
                renewed_at=now,
                ends_at=now + timedelta(hours=1),
            )
        )
    # As authentication makes him: he acts for the reseller that his level limits him to.
    limited = replace(anna, reseller=world.north.reseller, resellers=world.north.resellers, session=kept.sid)
    limited = with_level(replace(limited, scopes=frozenset(Action)), of)
    with pytest.raises(NotFound):
        await get_user(key, actor=limited, begin=world.begin)
    assert (await get_myself(me=limited, begin=world.begin)).user.id == key
    page = await own_sessions(PageRequest(), actor=limited, begin=world.begin, clock=world.clock)
    assert [one.id for one in page.items] == [kept.id]
    await end_own_session(None, actor=limited, begin=world.begin, clock=world.clock)
    page = await own_sessions(PageRequest(), actor=limited, begin=world.begin, clock=world.clock)
    assert page.items == []

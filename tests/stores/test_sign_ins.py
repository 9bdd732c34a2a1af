"""Sessions, codes, refresh tokens, API keys and identity providers, as their ports promise."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.access.actor import Action, Actor
from domain.access.api_key import ApiKey
from domain.access.client import ApiClient, Portal
from domain.access.identity_provider import IdentityProvider, LevelRule
from domain.access.session import AuthorizationCode, UserSession, digest
from domain.access.user import User, UserState
from domain.ids import ApiKeyId, IdentityProviderId, SessionId, UserId
from domain.ports.page import PageRequest
from domain.ports.sign_ins import Attempt
from domain.refusal import Conflict, NotFound, Stale
from tests.stores.worlds import NOON, World

LATER = NOON + timedelta(hours=12)
ALL = PageRequest(1000)


async def somebody(world: World, actor: Actor, name: str) -> tuple[User, str]:
    """Keep a person and a portal; their names are of this test's operator."""
    portal = ApiClient(
        client_id=f"portal.{name}.{actor.operator}.{id(world)}",
        operator=actor.operator,
        name="Portal",
        secret_sha256=bytes(32),
        scopes=frozenset({Action.READ_USAGE}),
        reseller=actor.reseller,
        created_at=NOON,
        portal=Portal(redirect_uris=("https://p.example/back",), origins=("https://p.example",)),
    )
    async with world.begin(actor) as unit:
        level = await unit.levels.built_in("reseller_support")
        user = User(
            id=UserId(0),
            operator=actor.operator,
            reseller=actor.reseller,
            email=f"{name}@example.se",
            name=name,
            language="sv",
            level=level.id,
            state=UserState.ACTIVE,
            created_at=NOON,
        )
        kept = await unit.users.add(user)
        assert await unit.clients.add(portal) == portal
        assert await unit.clients.claim(portal.client_id) == portal
    return kept, portal.client_id


def session(user: User, client_id: str, sid: str) -> UserSession:
    return UserSession(
        id=SessionId(0),
        operator=user.operator,
        reseller=user.reseller,
        user=user.id,
        sid=f"{sid}-{user.operator}-{client_id}",
        client_id=client_id,
        factor="password+totp",
        scopes=("openid", "usage:read"),
        address="192.0.2.1",
        created_at=NOON,
        renewed_at=NOON,
        ends_at=LATER,
    )


async def test_a_session_with_its_code_and_tokens_is_found_used_and_ended(world: World) -> None:
    user, portal = await somebody(world, world.operator, "anna")
    secret = f"{portal} secret"
    async with world.begin(world.operator) as unit:
        kept = await unit.sign_ins.add(session(user, portal, "one"))
        assert kept == replace(session(user, portal, "one"), id=kept.id)
        code = AuthorizationCode(
            sha256=digest(secret),
            session=kept.id,
            client_id=portal,
            redirect_uri="https://p.example/back",
            challenge="c" * 43,
            nonce="n",
            expires_at=NOON + timedelta(minutes=2),
        )
        await unit.sign_ins.add_code(code)
        await unit.sign_ins.add_refresh(kept.id, digest(f"{secret} 1"), at=NOON)
    async with world.begin(world.operator) as unit:
        assert await unit.sign_ins.show_code(digest(secret), "another portal", at=NOON) is None
        first = await unit.sign_ins.show_code(digest(secret), portal, at=NOON)
        assert first is not None
        assert (first.first, first.session, first.code) == (True, kept, code)
        again = await unit.sign_ins.show_code(digest(secret), portal, at=NOON)
        assert again is not None
        assert not again.first
        assert await unit.sign_ins.show_refresh(digest(f"{secret} 2"), portal, at=NOON) is None
        assert await unit.sign_ins.show_refresh(digest(f"{secret} 1"), "another portal", at=NOON) is None
        shown = [await unit.sign_ins.show_refresh(digest(f"{secret} 1"), portal, at=NOON) for _ in range(2)]
        assert [one is not None and one.first for one in shown] == [True, False]
        await unit.sign_ins.renew(kept.id, at=NOON + timedelta(minutes=5))
        assert (await unit.sign_ins.claim(kept.sid)).renewed_at == NOON + timedelta(minutes=5)
        assert await unit.sign_ins.finish(kept.id, at=NOON, why="over")
        assert not await unit.sign_ins.finish(kept.id, at=NOON, why="again")
        assert (await unit.sign_ins.claim_by_key(kept.id)).ended_why == "over"


async def test_all_sessions_of_a_person_end_but_one_and_nobody_elses(world: World) -> None:
    user, portal = await somebody(world, world.operator, "anna")
    other, _ = await somebody(world, world.operator, "bo")
    async with world.begin(world.operator) as unit:
        kept = [await unit.sign_ins.add(session(user, portal, name)) for name in "abc"]
        his = await unit.sign_ins.add(session(other, portal, "his"))
        assert await unit.sign_ins.end(user.id, at=NOON, why="password", except_sid=kept[1].sid) == 2
        page = await unit.sign_ins.page(ALL, user=user.id, living_at=NOON)
        assert [one.id for one in page.items] == [kept[1].id]
        living = await unit.sign_ins.page(ALL, living_at=NOON)
        assert [one.id for one in living.items] == [kept[1].id, his.id]
        assert not (await unit.sign_ins.page(ALL, living_at=LATER)).items


async def test_a_reseller_sees_sessions_and_keys_of_his_part_alone(world: World) -> None:
    user, portal = await somebody(world, world.north, "eve")
    async with world.begin(world.north) as unit:
        kept = await unit.sign_ins.add(session(user, portal, "eve"))
        key = await unit.api_keys.add(api_key(world.north, "tw_north000"))
    for actor, sees in (
        (world.operator, True),
        (world.north, True),
        (world.south, False),
        (world.other_operator, False),
    ):
        async with world.begin(actor) as unit:
            listed = (await unit.sign_ins.page(ALL, user=user.id, living_at=NOON)).items
            assert (kept.id in {one.id for one in listed if one.operator == kept.operator}) is sees
            assert (key in (await unit.api_keys.page(ALL)).items) is sees
            if not sees:
                with pytest.raises(NotFound):
                    await unit.sign_ins.claim(kept.sid)
                with pytest.raises(NotFound):
                    await unit.api_keys.find(key.prefix)


def api_key(actor: Actor, prefix: str) -> ApiKey:
    return ApiKey(
        id=ApiKeyId(0),
        operator=actor.operator,
        reseller=actor.reseller,
        prefix=f"{prefix}-{actor.operator}",
        name="shop",
        sha256=digest(f"{prefix} {actor.operator}"),
        scopes=frozenset({Action.READ_USAGE}),
        created_at=NOON,
        created_by="test",
        ends_at=LATER,
    )


async def test_an_api_key_is_kept_and_changed(world: World) -> None:
    async with world.begin(world.operator) as unit:
        kept = await unit.api_keys.add(api_key(world.operator, "tw_first000"))
        follower = await unit.api_keys.add(replace(api_key(world.operator, "tw_second00"), replaces=kept.id))
        assert follower.replaces == kept.id
        changed = await unit.api_keys.keep(replace(kept, ends_at=NOON, revoked_at=NOON))
        assert await unit.api_keys.claim(kept.id) == changed
        assert await unit.api_keys.find(kept.prefix) == changed
        page = await unit.api_keys.page(PageRequest(1))
        assert page.more
        for key in (0, 2**63):
            with pytest.raises(NotFound):
                await unit.api_keys.claim(ApiKeyId(key))


async def test_identity_providers_with_who_is_there_now_and_who_is_who(world: World) -> None:
    user, _ = await somebody(world, world.operator, "anna")
    made = IdentityProvider(
        id=IdentityProviderId(0),
        operator=world.operator.operator,
        reseller=None,
        name="entra",
        issuer="https://login.example",
        client_id="us",
        sealed_secret=b"sealed",
        rules=(LevelRule(claim="groups", value="desk", level=user.level),),
        makes_users=True,
        created_at=NOON,
    )
    state = digest(f"state {world.operator.operator} {id(world)}")
    async with world.begin(world.operator) as unit:
        kept = await unit.identity_providers.add(made)
        assert kept == replace(made, id=kept.id)
        attempt = Attempt(
            state_sha256=state,
            provider=kept.id,
            nonce="n",
            sealed_verifier=b"v",
            asked={"state": "s"},
            expires_at=LATER,
        )
        await unit.identity_providers.begin(attempt)
        await unit.identity_providers.know(kept.id, "p-17", user.id)
    with pytest.raises(Conflict):
        async with world.begin(world.operator) as unit:
            await unit.identity_providers.add(made)
    async with world.begin(world.other_operator) as unit:
        assert await unit.identity_providers.take(state) is None
        assert kept not in await unit.identity_providers.all()
    async with world.begin(world.operator) as unit:
        assert await unit.identity_providers.take(state) == attempt
        assert await unit.identity_providers.take(state) is None
        assert await unit.identity_providers.user_of(kept.id, "p-17") == user.id
        changed = await unit.identity_providers.keep(replace(kept, active=False))
        assert await unit.identity_providers.by_name("entra") == changed
        with pytest.raises(Stale):
            await unit.identity_providers.keep(kept)
        await unit.identity_providers.forget_people(kept.id)
        assert await unit.identity_providers.user_of(kept.id, "p-17") is None
        await unit.identity_providers.remove(kept.id)
        assert kept.id not in {one.id for one in await unit.identity_providers.all()}

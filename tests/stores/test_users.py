"""People and what they prove themselves by, on PostgreSQL and on its twin in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.access.actor import Actor
from domain.access.proof import Challenge, Purpose, SecurityKey, Step, digest
from domain.access.user import User, UserState
from domain.ids import LevelId, ResellerId, UserId
from domain.ports.page import PageRequest
from domain.refusal import Conflict, NotFound, Stale
from tests.stores.worlds import NOON, World

SOON = NOON + timedelta(minutes=10)


async def user_of(world: World, actor: Actor, email: str, **more: object) -> User:
    async with world.begin(world.operator if actor.operator == world.operator.operator else actor) as unit:
        level = (await unit.levels.built_in("support" if actor.reseller is None else "reseller_support")).id
    return replace(
        User(
            id=UserId(0),
            operator=actor.operator,
            reseller=actor.reseller,
            email=email,
            name="Anna Berg",
            language="sv",
            level=level,
            created_at=NOON,
        ),
        **more,  # type: ignore[arg-type]  # its own fields
    )


async def test_a_user_is_kept_changed_and_found(world: World) -> None:
    new = await user_of(world, world.operator, "Anna@North.example")
    async with world.begin(world.operator) as unit:
        kept = await unit.users.add(new)
    assert kept.version == 1
    assert kept.state is UserState.INVITED
    async with world.begin(world.operator) as unit:
        assert await unit.users.by_email("anna@north.example") == kept
        assert await unit.users.by_email("Anna@North.example") is None
        changed = await unit.users.keep(replace(kept, name="Anna B.", state=UserState.ACTIVE, second_factor=True))
        assert (changed.version, changed.name) == (2, "Anna B.")
        await unit.users.signed_in(kept.id, NOON)
        assert (await unit.users.get(kept.id)).signed_in_at == NOON
    with pytest.raises(Stale):
        async with world.begin(world.operator) as unit:
            await unit.users.keep(kept)
    with pytest.raises(Conflict):
        async with world.begin(world.operator) as unit:
            await unit.users.add(replace(new, email="ANNA@north.example"))
    with pytest.raises(NotFound):
        async with world.begin(world.operator) as unit:
            await unit.users.add(replace(new, email="b@north.example", level=LevelId(99_999)))
    with pytest.raises(NotFound):
        async with world.begin(world.operator) as unit:
            await unit.users.add(replace(new, email="b@north.example", reseller=ResellerId(99_999)))
    with pytest.raises(NotFound):
        async with world.begin(world.operator) as unit:
            await unit.users.get(UserId(2**70))


async def test_who_sees_whom(world: World) -> None:
    actors = (world.operator, world.north, world.north_east, world.south, world.other_operator)
    keys = {}
    for index, actor in enumerate(actors):
        new = await user_of(world, actor, f"u{index}@x.example")
        async with world.begin(actor) as unit:
            keys[index] = (await unit.users.add(new)).id
    seen = {}
    for index, actor in enumerate(actors):
        async with world.begin(actor) as unit:
            page = await unit.users.page(PageRequest())
            seen[index] = {one.id for one in page.items}
            assert {one.id for one in await unit.users.by_ids(list(keys.values()))} == seen[index]
            for key in keys.values():
                if key not in seen[index]:
                    with pytest.raises(NotFound):
                        await unit.users.get(key)
    assert seen == {
        0: {keys[0], keys[1], keys[2], keys[3]},
        1: {keys[1], keys[2]},
        2: {keys[2]},
        3: {keys[3]},
        4: {keys[4]},
    }
    foreign = await user_of(world, world.north, "x@x.example")
    with pytest.raises(NotFound):
        async with world.begin(world.south) as unit:
            await unit.users.add(foreign)


async def test_lists_are_searched_and_who_is_erased_is_not_in_them(world: World) -> None:
    async with world.begin(world.operator) as unit:
        level = (await unit.levels.built_in("support")).id
    for name, email in (("Anna Berg", "a@x.example"), ("Bo Alm", "berg@x.example"), ("Eva Ek", "e@x.example")):
        new = await user_of(world, world.operator, email, name=name)
        async with world.begin(world.operator) as unit:
            await unit.users.add(new)
    async with world.begin(world.operator) as unit:
        found = (await unit.users.page(PageRequest(), text="BERG")).items
        assert [one.name for one in found] == ["Anna Berg", "Bo Alm"]
        await unit.users.keep(replace(found[0], erased_at=NOON, state=UserState.DISABLED))
        assert [one.name for one in (await unit.users.page(PageRequest(), text="berg")).items] == ["Bo Alm"]
        assert not (await unit.users.page(PageRequest(), state=UserState.DISABLED)).items
        assert len((await unit.users.page(PageRequest(), level=level)).items) == 2
        first = await unit.users.page(PageRequest(first=1))
        assert first.more
        assert await unit.users.by_email("a@x.example") is None


async def made(world: World, email: str = "anna@x.example") -> UserId:
    new = await user_of(world, world.operator, email)
    async with world.begin(world.operator) as unit:
        return (await unit.users.add(new)).id


async def test_passwords_seeds_and_codes(world: World) -> None:
    key = await made(world)
    async with world.begin(world.operator) as unit:
        proofs = unit.proofs
        assert (await proofs.of(key)).factors == ()
        await proofs.put_password(key, "one", NOON)
        await proofs.swap_hash(key, "other", "two")
        assert (await proofs.of(key)).password == "one"
        await proofs.swap_hash(key, "one", "two")
        assert (await proofs.of(key)).password == "two"
        await proofs.start_totp(key, b"old")
        await proofs.start_totp(key, b"seed")
        assert not await proofs.confirm_totp(key, b"old", 5)
        assert await proofs.confirm_totp(key, b"seed", 5)
        assert not await proofs.confirm_totp(key, b"seed", 5)
        assert [await proofs.take_step(key, step) for step in (5, 4, 6, 6, 7)] == [False, False, True, False, True]
        await proofs.put_recovery(key, [digest("a"), digest("b")])
        assert (await proofs.of(key)).recovery == 2
        assert [await proofs.use_recovery(key, digest(one), NOON) for one in "aaxb"] == [True, False, False, True]
        assert (await proofs.of(key)).recovery == 0
        await proofs.put_recovery(key, [digest("a")])
        await proofs.drop_factors(key)
        kept = await proofs.of(key)
        assert (kept.totp, kept.recovery, kept.password) == (None, 0, "two")


async def test_security_keys(world: World) -> None:
    key, other = await made(world), await made(world, "bo@x.example")
    one = SecurityKey(rp="x", credential=b"c", public_key=b"p", sign_count=1, name="Blue", created_at=NOON)
    async with world.begin(world.operator) as unit:
        await unit.proofs.ask_key(key, b"asked", "x", SOON)
        assert await unit.proofs.asked_key(key, NOON) == (b"asked", "x")
        assert await unit.proofs.asked_key(key, NOON) is None
        await unit.proofs.ask_key(key, b"asked", "x", SOON)
        assert await unit.proofs.asked_key(key, SOON) is None
        kept = await unit.proofs.add_key(key, one)
        assert await unit.proofs.use_key(key, kept.id, 1, 5, NOON)
        assert not await unit.proofs.use_key(key, kept.id, 1, 6, NOON)
        assert not await unit.proofs.use_key(other, kept.id, 5, 6, NOON)
        (found,) = (await unit.proofs.of(key)).keys
        assert (found.sign_count, found.used_at, found.credential) == (5, NOON, b"c")
    with pytest.raises(Conflict):
        async with world.begin(world.operator) as unit:
            await unit.proofs.add_key(other, one)
    async with world.begin(world.operator) as unit:
        with pytest.raises(NotFound):
            await unit.proofs.remove_key(other, kept.id)
        assert (await unit.proofs.remove_key(key, kept.id)).name == "Blue"
        assert not (await unit.proofs.of(key)).keys


async def test_links_and_half_logins_are_good_once_and_not_for_ever(world: World) -> None:
    key = await made(world)
    first, second = digest("1"), digest("2")
    async with world.begin(world.operator) as unit:
        proofs = unit.proofs
        await proofs.put_link(key, Purpose.RESET, first, NOON, SOON)
        await proofs.put_link(key, Purpose.RESET, second, NOON, SOON)
        assert await proofs.linked_at(key, Purpose.RESET) == NOON
        assert await proofs.linked(first, Purpose.RESET, NOON) is None
        assert await proofs.linked(second, Purpose.INVITATION, NOON) is None
        assert await proofs.linked(second, Purpose.RESET, SOON) is None
        assert await proofs.linked(second, Purpose.RESET, NOON) == key
        assert [await proofs.use_link(second, Purpose.RESET, NOON) for _ in "ab"] == [key, None]
        half = Challenge(sha256=first, person=key, first="password", request={"a": None}, expires_at=SOON)
        await proofs.add_challenge(half)
        assert await proofs.challenge(first, NOON) == half
        assert await proofs.challenge(first, SOON) is None
        await proofs.ask_challenge(first, b"asked")
        assert await proofs.challenge(first, NOON) == replace(half, asked=b"asked")
        assert [await proofs.end_challenge(first) for _ in "ab"] == [True, False]
        await proofs.add_challenge(half)
        await proofs.put_link(key, Purpose.RESET, second, NOON, SOON)
        await proofs.end_openings(key)
        assert await proofs.challenge(first, NOON) is None
        assert await proofs.linked(second, Purpose.RESET, NOON) is None
    async with world.begin(world.operator) as unit:
        await unit.proofs.add_challenge(half)
        await unit.proofs.put_link(key, Purpose.RESET, second, NOON, SOON)
    async with world.begin(world.other_operator) as unit:
        assert await unit.proofs.challenge(first, NOON) is None
        assert await unit.proofs.use_link(second, Purpose.RESET, NOON) is None


async def test_attempts_are_counted_per_place_and_wait_longer_each_time(world: World) -> None:
    key = await made(world)
    async with world.begin(world.operator) as unit:
        proofs = unit.proofs

        async def attempt(after: float, place: str = "") -> int | None:
            return await proofs.attempt(key, Step.PASSWORD, place, NOON + timedelta(seconds=after))

        assert [await attempt(0) for _ in range(7)] == [1, 2, 3, 4, 5, None, None]
        assert await attempt(0, "192.0.2.1") == 1
        assert [await attempt(29), await attempt(30), await attempt(89), await attempt(90)] == [None, 6, None, 7]
        await proofs.succeed(key, Step.PASSWORD, "")
        assert await attempt(91) == 1
        assert await attempt(91, "192.0.2.1") == 2
        assert [await attempt(100) for _ in range(4)] == [2, 3, 4, 5]
        assert await attempt(100 + 86_401) == 1  # forgotten after a day
        await proofs.unlock(key)
        assert await attempt(0, "192.0.2.1") == 1
        assert not await proofs.knows_place(key, "192.0.2.1", NOON - timedelta(days=1))
        await proofs.keep_place(key, "192.0.2.1", NOON)
        assert await proofs.knows_place(key, "192.0.2.1", NOON - timedelta(days=1))
        assert not await proofs.knows_place(key, "192.0.2.1", NOON)
        await proofs.forget(key)
        assert not await proofs.knows_place(key, "192.0.2.1", NOON - timedelta(days=1))

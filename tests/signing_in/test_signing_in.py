"""Signing in by password, at a portal, without a token."""

from __future__ import annotations

import asyncio
import statistics
import time
from datetime import timedelta

from argon2 import PasswordHasher

from domain.access.actor import system
from domain.access.proof import Step
from domain.ids import OperatorId
from domain.usecases.change_user import ChangeUser, change_user, disable_user
from persistence.engine import OWNER
from tests.api.conftest import House
from tests.signing_in.people import PASSWORD, enrolled, invited, link_of, make_portal, person

MYSELF = "{ myself { user { email name state levelName version } factors recoveryCodesLeft permissions } }"


async def trail(house: House, action: str) -> list[str]:
    async with house.database.transaction(role=OWNER) as unit:
        rows = await unit.connection.fetch("select target from audit where action = $1 order by 1", action)
    return [row["target"] for row in rows]


async def test_a_password_leads_to_a_code_and_the_code_to_a_token(house: House) -> None:
    portal = await make_portal(house)
    user = await person(house, "Anna.Berg@north.example")
    signed = await portal.login("anna.berg@NORTH.example")
    assert signed["redirectUri"] == "https://portal.example/back"
    assert signed["state"] == "s"
    token = await portal.redeem(signed["code"])
    me = await portal.ask(MYSELF, token=token)
    assert me["user"]["email"] == "Anna.Berg@north.example"
    assert me["user"]["state"] == "ACTIVE"
    assert me["user"]["levelName"] == "Support"
    assert me["factors"] == []
    assert "customers:read" in me["permissions"]
    assert await trail(house, "sign_in") == [f"user:{user.id}"]


async def test_p2_whatever_is_wrong_is_answered_alike(house: House) -> None:
    portal, other = await make_portal(house), await make_portal(house, operator=2)
    await person(house, "anna@north.example")
    await invited(house, "invited@north.example")
    gone = await person(house, "gone@north.example")
    await disable_user(gone.id, gone.version, actor=system(OperatorId(1)), begin=house.wiring.begin, clock=house.clock)
    answers = [
        await portal.login("anna@north.example", "not the password at all"),
        await portal.login("nobody@north.example"),
        await portal.login("invited@north.example"),
        await portal.login("gone@north.example"),
        await other.login("anna@north.example"),
        await portal.login("x" * 300),
    ]
    assert answers[0]["code"] == "NOT_ALLOWED"
    assert all(answer == answers[0] for answer in answers)
    assert await trail(house, "miss_sign_in") == ["user:0"] * 5 + ["user:1"]
    async with house.database.transaction(role=OWNER) as unit:
        rows = await unit.connection.fetch("select distinct action, outcome from audit where kind = 'sign_in'")
    assert {row["outcome"] for row in rows if row["action"] == "miss_sign_in"} == {"refused"}
    assert {row["outcome"] for row in rows if row["action"] != "miss_sign_in"} <= {"done"}


async def test_p2_a_refusal_takes_the_same_time(house: House) -> None:
    portal = await make_portal(house)
    await person(house, "anna@north.example")
    times: dict[str, list[float]] = {"anna@north.example": [], "nobody@north.example": []}
    for round_ in range(6):
        for email, spent in times.items():
            house.clock.at += timedelta(hours=25)  # nobody is locked
            began = time.perf_counter()
            await portal.login(email, f"not the password at all {round_}")
            spent.append(time.perf_counter() - began)
    known, unknown = (statistics.median(each) for each in times.values())
    assert abs(known - unknown) < 0.03, times
    assert known > 0.24


async def test_p1_guessing_is_stopped_for_a_while_and_who_signs_in_from_his_own_place_is_not(house: House) -> None:
    portal = await make_portal(house)
    user = await person(house, "anna@north.example")
    guesses = await asyncio.gather(
        *(portal.login("anna@north.example", f"a wrong password, number {n}") for n in range(30))
    )
    assert {guess["code"] for guess in guesses} == {"NOT_ALLOWED"}
    async with house.database.transaction(role=OWNER) as unit:
        tried = await unit.connection.fetchval("select attempts from user_attempt where person = $1", user.id)
    assert tried == 5  # the others were not looked at
    assert await trail(house, "lock_user") == [f"user:{user.id}"]
    assert (await portal.login("anna@north.example"))["code"] == "NOT_ALLOWED"  # right, and locked
    house.clock.at += timedelta(seconds=31)
    assert "redirectUri" in await portal.login("anna@north.example")
    # From where he has signed in, his attempts count apart from those of others elsewhere.
    async with house.wiring.begin(system(OperatorId(1))) as unit_:
        for _ in range(8):
            await unit_.proofs.attempt(user.id, Step.PASSWORD, "", house.clock.now())
    assert "redirectUri" in await portal.login("anna@north.example")


async def test_p1_the_wait_grows_and_ends(house: House) -> None:
    portal = await make_portal(house)
    await person(house, "anna@north.example")
    for n in range(5):
        await portal.login("anna@north.example", f"a wrong password, number {n}")
    waits = []
    for n in range(8):
        seconds = 0
        while True:
            house.clock.at += timedelta(seconds=30)
            seconds += 30
            async with house.wiring.begin(system(OperatorId(1))) as unit:
                user = await unit.users.by_email("anna@north.example")
                assert user is not None
                if await unit.proofs.attempt(user.id, Step.PASSWORD, "", house.clock.now()) is not None:
                    break
            assert seconds < 3600, n
        waits.append(seconds)
    assert waits[:3] == [30, 60, 120]
    assert max(waits) == 900


async def test_p6_passwords_are_taken_as_they_are(house: House) -> None:
    portal = await make_portal(house)
    for n, password in enumerate(("   åäö 雪が降る лес 12 ", "correct horse battery staple " * 30)):
        email = f"p{n}@north.example"
        await person(house, email, password=password)
        assert "redirectUri" in await portal.login(email, password)
        assert "redirectUri" not in await portal.login(email, password.strip())
        assert "redirectUri" not in await portal.login(email, password.upper())


async def test_p6_a_password_of_a_megabyte_is_refused_before_it_is_looked_at(house: House) -> None:
    portal = await make_portal(house)
    await person(house, "anna@north.example")
    query = "mutation($i: LoginInput!) { login(input: $i) { __typename } }"
    value = {"email": "anna@north.example", "password": "x" * 1_000_000, "clientId": "c", "redirectUri": "r"}
    answer = await portal.raw(query, {"i": value | {"codeChallenge": "c"}})
    assert answer.status_code == 413
    long = await portal.login("anna@north.example", "x" * 1001)
    assert long["code"] == "LIMIT_EXCEEDED"
    assert long["field"] == "password"
    assert await trail(house, "miss_sign_in") == []


async def test_a_hash_with_other_parameters_is_renewed_when_he_signs_in(house: House) -> None:
    portal = await make_portal(house)
    user = await person(house, "anna@north.example")
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    async with house.wiring.begin(system(OperatorId(1))) as unit:
        await unit.proofs.put_password(user.id, weak, house.clock.now())
    assert "redirectUri" in await portal.login("anna@north.example")
    async with house.wiring.begin(system(OperatorId(1))) as unit:
        kept = (await unit.proofs.of(user.id)).password
    assert kept is not None
    assert "m=19456,t=2,p=1" in kept
    assert kept.startswith("$argon2id$")
    assert "redirectUri" in await portal.login("anna@north.example")


async def test_at_a_resellers_portal_only_his_own_people_sign_in(house: House) -> None:
    portal = await make_portal(house, reseller=1)
    for name, reseller in (("own", None), ("east", 1), ("below", 3), ("west", 2)):
        of = "support" if reseller is None else "reseller_support"
        await person(house, f"{name}@north.example", of=of, reseller=reseller)
    signed = {
        name: "redirectUri" in await portal.login(f"{name}@north.example") for name in ("own", "east", "below", "west")
    }
    assert signed == {"own": False, "east": True, "below": True, "west": False}


async def test_another_address_of_the_portal_or_no_challenge_is_refused_before_the_password(house: House) -> None:
    portal = await make_portal(house)
    await person(house, "anna@north.example")
    for wrong in ({"redirectUri": "https://evil.example/"}, {"codeChallenge": "plain"}, {"clientId": "nobody"}):
        answer = await portal.login("anna@north.example", **wrong)
        assert answer["code"] == "BAD_VALUE", answer
    assert await trail(house, "miss_sign_in") == []


async def test_p3_an_invitation_works_once_and_not_for_ever(house: House) -> None:
    portal = await make_portal(house)
    user = await invited(house, "anna@north.example")
    first, token = await link_of(house, user), await link_of(house, user)

    async def accept(token: str, password: str = PASSWORD) -> str | None:
        value = {"token": token, "password": password, "name": "Anna B."}
        answer = await portal.mutate("acceptInvitation", "ChoosePasswordInput", value, "... on Accepted { accepted }")
        return answer.get("code")

    assert await accept(first) == "NOT_ALLOWED"  # a new link ends the one before
    assert await accept(token[:-1] + ("A" if token[-1] != "A" else "B")) == "NOT_ALLOWED"
    assert await accept("2" + token[1:]) == "NOT_ALLOWED"
    assert await accept("x") == "NOT_ALLOWED"
    assert await accept(token, "short") == "BAD_VALUE"  # which does not use it up
    assert await accept(token, "Sommarlov2026 North Telecom") == "BAD_VALUE"  # the operator's name
    assert await accept(token, "Password12345") == "BAD_VALUE"
    both = await asyncio.gather(accept(token), accept(token))
    assert sorted(map(str, both)) == ["NOT_ALLOWED", "None"]
    assert await accept(token) == "NOT_ALLOWED"
    me = await portal.ask(MYSELF, token=await portal.session("anna@north.example"))
    assert me["user"]["name"] == "Anna B."
    late = await invited(house, "late@north.example")
    token = await link_of(house, late)
    house.clock.at += timedelta(days=7)
    assert await accept(token) == "NOT_ALLOWED"


async def test_changing_the_password_needs_the_old_one_and_ends_other_sessions(house: House) -> None:
    portal = await make_portal(house)
    await person(house, "anna@north.example")
    here, there = await portal.session("anna@north.example"), await portal.session("anna@north.example")

    async def change(old: str, new: str) -> str | None:
        value = {"oldPassword": old, "newPassword": new}
        answer = await portal.mutate(
            "changePassword", "ChangePasswordInput", value, "... on Myself { passwordChangedAt }", token=here
        )
        return answer.get("code")

    new = "Sju sjösjuka sjömän"
    assert await change("wrong password wrong", new) == "NOT_ALLOWED"
    assert await change(PASSWORD, "kort") == "BAD_VALUE"
    assert await change(PASSWORD, PASSWORD) == "BAD_VALUE"
    assert await change(PASSWORD, "my name is Anna Berg-North") == "BAD_VALUE"
    assert await change(PASSWORD, new) is None
    assert "myself" in (await portal.raw(MYSELF, token=here)).text
    deadline = time.monotonic() + 10
    while (await portal.raw(MYSELF, token=there)).status_code != 401:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.5)
    assert "redirectUri" not in await portal.login("anna@north.example")
    assert "redirectUri" in await portal.login("anna@north.example", new)


async def test_t4_a_half_login_opens_nothing_else(house: House) -> None:
    portal = await make_portal(house)
    await person(house, "anna@north.example", of="administrator")
    half = await portal.login("anna@north.example")
    assert half["mustEnrol"]
    assert half["factors"] == []
    for token in (half["token"], half["token"].partition("-")[2]):
        assert (await portal.raw(MYSELF, token=token)).status_code == 401
        assert (await portal.raw("{ customers { edges { node { id } } } }", token=token)).status_code == 401
        answer = await house.http.get("/rest/v1/files", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401
    answer = await house.http.post(
        "/oauth/token",
        data={
            "grant_type": "authorization_code",
            "code": half["token"],
            "client_id": portal.client_id,
            "redirect_uri": "https://portal.example/back",
            "code_verifier": portal.verifier,
        },
    )
    assert answer.status_code == 400
    _, _, signed = await enrolled(portal, "anna@north.example")
    # Where there is a factor, the half-login cannot enrol another in its stead.
    half = await portal.login("anna@north.example")
    assert half["factors"] == ["TOTP", "RECOVERY"]
    assert not half["mustEnrol"]
    refused = await portal.mutate("enrolTotp", "EnrolInput", {"token": half["token"]}, "... on TotpSeed { secret }")
    assert refused["code"] == "NOT_ALLOWED"
    assert signed["recoveryCodes"]


async def test_changing_the_address_signs_him_out_and_ends_links(house: House) -> None:
    portal = await make_portal(house)
    user = await person(house, "anna@north.example")
    token = await portal.session("anna@north.example")
    cmd = ChangeUser(user=user.id, version=user.version, email="new@north.example")
    await change_user(cmd, actor=system(OperatorId(1)), begin=house.wiring.begin, clock=house.clock)
    deadline = time.monotonic() + 10
    while (await portal.raw(MYSELF, token=token)).status_code != 401:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.5)
    assert "redirectUri" in await portal.login("new@north.example")
    assert "redirectUri" not in await portal.login("anna@north.example")

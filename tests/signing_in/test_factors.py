"""Second factors: one-time codes, recovery codes, security keys."""

from __future__ import annotations

import asyncio
import base64
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyotp

from domain.access.actor import system
from domain.ids import OperatorId
from domain.usecases.change_user import reset_second_factor
from persistence.engine import OWNER
from persistence.vault import SealedVault
from tests.api.conftest import House
from tests.signing_in.authenticator import Authenticator
from tests.signing_in.people import ORIGIN, PASSWORD, Portal, enrolled, make_portal, person

ANNA = "anna@north.example"
STEP = timedelta(seconds=30)


def code_at(house: House, seed: str, steps: int = 0) -> str:
    return pyotp.TOTP(seed).at(house.clock.now() + steps * STEP)


async def half(portal: Portal, email: str = ANNA) -> str:
    answer = await portal.login(email)
    assert not answer["mustEnrol"], answer
    return str(answer["token"])


def signed(answer: Any) -> bool:
    return "redirectUri" in answer


async def test_who_must_have_a_factor_is_led_to_enrol_it_before_anything_else(house: House) -> None:
    portal = await make_portal(house)
    await person(house, ANNA, of="administrator")
    answer = await portal.login(ANNA)
    assert answer["mustEnrol"]
    token = answer["token"]
    seed = await portal.mutate("enrolTotp", "EnrolInput", {"token": token}, "... on TotpSeed { secret uri svg png }")
    assert seed["uri"].startswith("otpauth://totp/North%20Telecom%20AB:anna%40north.example?secret=")
    assert "issuer=North%20Telecom%20AB" in seed["uri"]
    assert seed["svg"].startswith("<svg")
    assert base64.b64decode(seed["png"]).startswith(b"\x89PNG")
    wanted = "... on FactorEnrolled { recoveryCodes signedIn { code redirectUri recoveryCodes } }"
    wrong = await portal.mutate("confirmTotp", "ConfirmTotpInput", {"token": token, "code": "000000"}, wanted)
    assert wrong["code"] == "NOT_ALLOWED"
    value = {"token": token, "code": code_at(house, seed["secret"])}
    done = await portal.mutate("confirmTotp", "ConfirmTotpInput", value, wanted)
    assert len(set(done["recoveryCodes"])) == 10
    assert all(re.fullmatch(r"([a-z2-7]{4}-){3}[a-z2-7]{4}", one) for one in done["recoveryCodes"])
    access = await portal.redeem(done["signedIn"]["code"])
    me = await portal.ask("{ myself { factors recoveryCodesLeft user { secondFactor } } }", token=access)
    assert me == {"factors": ["TOTP", "RECOVERY"], "recoveryCodesLeft": 10, "user": {"secondFactor": True}}
    # The half-login is used up.
    again = await portal.mutate("confirmTotp", "ConfirmTotpInput", value, wanted)
    assert again["code"] == "NOT_ALLOWED"


async def test_the_seed_is_sealed_and_codes_are_hashed(house: House) -> None:
    portal = await make_portal(house)
    await person(house, ANNA, of="administrator")
    seed, codes, _ = await enrolled(portal, ANNA)
    async with house.database.transaction(role=OWNER) as unit:
        rows = await unit.connection.fetch(
            "select to_jsonb(s)::text as t from user_secret s union all"
            " select to_jsonb(c)::text from user_recovery_code c union all select to_jsonb(a)::text from audit a"
            " union all select to_jsonb(o)::text from outbox o union all select to_jsonb(j)::text from job j"
        )
        sealed = await unit.connection.fetchval("select totp from user_secret")
    everything = "\n".join(row["t"] for row in rows)
    for secret in (seed, base64.b32decode(seed).hex(), PASSWORD, *codes, *(code.replace("-", "") for code in codes)):
        assert secret not in everything
    assert seed.encode() not in bytes(sealed)


async def test_t1_a_code_is_good_once(house: House) -> None:
    portal = await make_portal(house)
    await person(house, ANNA, of="administrator")
    seed, _, _ = await enrolled(portal, ANNA)
    # The code that confirmed the seed is used up as well.
    assert not signed(await portal.answer(await half(portal), code=code_at(house, seed)))
    house.clock.at += STEP
    code = code_at(house, seed)
    tokens = [await half(portal), await half(portal), await half(portal)]
    answers = await asyncio.gather(*(portal.answer(token, code=code) for token in tokens))
    assert sorted(map(signed, answers)) == [False, False, True]
    assert not signed(await portal.answer(await half(portal), code=code))
    house.clock.at += STEP
    assert not signed(await portal.answer(await half(portal), code=code_at(house, seed, -1)))


async def test_t3_a_code_of_another_time_is_refused_but_for_one_step(house: House) -> None:
    portal = await make_portal(house)
    await person(house, ANNA, of="administrator")
    seed, _, _ = await enrolled(portal, ANNA)
    house.clock.at += timedelta(hours=1)
    for steps in (-10, -2, 2, 10):
        assert not signed(await portal.answer(await half(portal), code=code_at(house, seed, steps))), steps
    house.clock.at += timedelta(hours=1)
    assert signed(await portal.answer(await half(portal), code=code_at(house, seed, -1)))
    assert signed(await portal.answer(await half(portal), code=code_at(house, seed, 0)))
    assert signed(
        await portal.answer(await half(portal), code=f" {code_at(house, seed, 1)[:3]} {code_at(house, seed, 1)[3:]}")
    )
    assert not signed(await portal.answer(await half(portal), code="\uff11\uff12\uff13\uff14\uff15\uff16"))


async def test_t2_guessing_codes_is_stopped_per_account_and_for_a_while(house: House) -> None:
    portal = await make_portal(house)
    user = await person(house, ANNA, of="administrator")
    seed, _, _ = await enrolled(portal, ANNA)
    house.clock.at += timedelta(hours=1)
    tokens = [await half(portal) for _ in range(4)]
    right = {code_at(house, seed, steps) for steps in (-1, 0, 1)}
    wrong = [f"{n:06}" for n in range(100) if f"{n:06}" not in right][:40]
    answers = await asyncio.gather(*(portal.answer(tokens[n % 4], code=code) for n, code in enumerate(wrong)))
    assert not any(map(signed, answers))
    async with house.database.transaction(role=OWNER) as unit:
        tried = await unit.connection.fetchval(
            "select attempts from user_attempt where person = $1 and step = 'factor'", user.id
        )
        locked = await unit.connection.fetchval("select count(*) from audit where action = 'lock_user'")
        told = await unit.connection.fetch("select kind from outbox where kind like 'user.%' and kind like '%locked'")
    assert (tried, locked, len(told)) == (5, 1, 1)
    assert not signed(await portal.answer(tokens[0], code=code_at(house, seed)))  # right, and locked
    house.clock.at += timedelta(seconds=31)
    assert signed(await portal.answer(tokens[0], code=code_at(house, seed)))


async def test_a_recovery_code_stands_in_once(house: House) -> None:
    portal = await make_portal(house)
    await person(house, ANNA, of="administrator")
    _, codes, _ = await enrolled(portal, ANNA)
    tokens = [await half(portal), await half(portal)]
    answers = await asyncio.gather(*(portal.answer(token, recoveryCode=codes[0].upper()) for token in tokens))
    assert sorted(map(signed, answers)) == [False, True]
    assert not signed(await portal.answer(await half(portal), recoveryCode=codes[0]))
    assert signed(await portal.answer(await half(portal), recoveryCode=codes[1].replace("-", " ")))
    both = await portal.answer(await half(portal), recoveryCode=codes[2], code="123456")
    assert both["code"] == "BAD_VALUE"


async def test_a_half_login_ends(house: House) -> None:
    portal = await make_portal(house)
    user = await person(house, ANNA, of="administrator")
    seed, _, _ = await enrolled(portal, ANNA)
    house.clock.at += timedelta(hours=1)
    late = await half(portal)
    house.clock.at += timedelta(minutes=10)
    assert not signed(await portal.answer(late, code=code_at(house, seed)))
    reset = await half(portal)
    async with house.wiring.begin(system(OperatorId(1))) as unit:
        present = await unit.users.get(user.id)
    await reset_second_factor(
        user.id, present.version, actor=system(OperatorId(1)), begin=house.wiring.begin, clock=house.clock
    )
    assert not signed(await portal.answer(reset, code=code_at(house, seed)))
    assert (await portal.login(ANNA))["mustEnrol"]


ENROL = "... on SecurityKeyRequest { options }"
ENROLLED = "... on FactorEnrolled { recoveryCodes signedIn { code redirectUri } }"


async def with_key(portal: Portal) -> Authenticator:
    """Lead somebody through enrolling a security key as his first factor."""
    token = (await portal.login(ANNA))["token"]
    asked = await portal.mutate("enrolSecurityKey", "EnrolInput", {"token": token}, ENROL)
    key = Authenticator(ORIGIN)
    value = {"token": token, "name": "Blue key", "key": key.create(asked["options"])}
    done = await portal.mutate("confirmSecurityKey", "ConfirmSecurityKeyInput", value, ENROLLED)
    assert done["signedIn"]["redirectUri"], done
    assert len(done["recoveryCodes"]) == 10
    return key


async def options(portal: Portal, token: str) -> str:
    query = f"mutation($t: String!) {{ askSecurityKey(token: $t) {{ {ENROL} }} }}"
    return str((await portal.ask(query, {"t": token}))["options"])


async def test_a_security_key_is_a_second_factor(house: House) -> None:
    portal = await make_portal(house)
    await person(house, ANNA, of="administrator")
    key = await with_key(portal)
    first = await portal.login(ANNA)
    assert first["factors"] == ["WEBAUTHN", "RECOVERY"]
    sent = key.get(await options(portal, first["token"]))
    answer = await portal.answer(first["token"], key=sent)
    access = await portal.redeem(answer["code"])
    me = await portal.ask("{ myself { securityKeys { name host usedAt } } }", token=access)
    assert [(one["name"], one["host"]) for one in me["securityKeys"]] == [("Blue key", "portal.example")]
    assert me["securityKeys"][0]["usedAt"]
    assert not signed(await portal.answer(await half(portal), key=sent))  # replayed
    async with house.database.transaction(role=OWNER) as unit:
        factors = await unit.connection.fetch("select factor from user_session order by id")
    assert [row["factor"] for row in factors] == ["password+webauthn"] * 2


async def test_what_a_security_key_sends_is_looked_at(house: House) -> None:
    portal = await make_portal(house)
    await person(house, ANNA, of="administrator")
    key = await with_key(portal)
    token = await half(portal)
    assert not signed(await portal.answer(token, key="{}"))
    assert not signed(await portal.answer(token, key="[" * 5000))
    house.clock.at += timedelta(hours=25)
    token = await half(portal)
    assert not signed(
        await portal.answer(token, key=key.get(await options(portal, token), origin="https://evil.example"))
    )
    stranger = replace(Authenticator(ORIGIN), credential=key.credential)
    assert not signed(await portal.answer(token, key=stranger.get(await options(portal, token))))
    assert not signed(await portal.answer(token, key=key.get(await options(portal, token), count=0)))  # it went back
    key.count = 10
    assert signed(await portal.answer(token, key=key.get(await options(portal, token))))


async def test_several_keys_have_names_and_the_last_factor_stays_where_it_must(house: House) -> None:
    portal = await make_portal(house)
    await person(house, ANNA, of="administrator")
    key = await with_key(portal)
    token = await half(portal)
    answer = await portal.answer(token, key=key.get(await options(portal, token)))
    access = await portal.redeem(answer["code"])
    no = await portal.mutate("enrolSecurityKey", "EnrolInput", {"password": "not it, not it"}, ENROL, token=access)
    assert no["code"] == "NOT_ALLOWED"
    asked = await portal.mutate("enrolSecurityKey", "EnrolInput", {"password": PASSWORD}, ENROL, token=access)
    second = Authenticator(ORIGIN)
    value = {"name": "Red key", "key": second.create(asked["options"], origin="https://evil.example")}
    refused = await portal.mutate("confirmSecurityKey", "ConfirmSecurityKeyInput", value, ENROLLED, token=access)
    assert refused["code"] == "NOT_ALLOWED"
    asked = await portal.mutate("enrolSecurityKey", "EnrolInput", {"password": PASSWORD}, ENROL, token=access)
    value = {"name": "Red key", "key": second.create(asked["options"])}
    done = await portal.mutate("confirmSecurityKey", "ConfirmSecurityKeyInput", value, ENROLLED, token=access)
    assert done == {"recoveryCodes": [], "signedIn": None}
    me = await portal.ask("{ myself { securityKeys { id name } } }", token=access)
    assert [one["name"] for one in me["securityKeys"]] == ["Blue key", "Red key"]
    kept = "... on Myself { factors securityKeys { name } }"
    value = {"factor": "WEBAUTHN", "password": PASSWORD, "key": me["securityKeys"][0]["id"]}
    left = await portal.mutate("removeFactor", "RemoveFactorInput", value, kept, token=access)
    assert [one["name"] for one in left["securityKeys"]] == ["Red key"]
    value |= {"key": me["securityKeys"][1]["id"]}
    last = await portal.mutate("removeFactor", "RemoveFactorInput", value, kept, token=access)
    assert last["code"] == "WRONG_STATE"
    query = f"mutation {{ renewRecoveryCodes(password: {PASSWORD!r}) {{ ... on RecoveryCodes {{ codes }} }} }}".replace(
        "'", '"'
    )
    codes = (await portal.ask(query, token=access))["codes"]
    assert len(codes) == 10
    assert signed(await portal.answer(await half(portal), recoveryCode=codes[0]))


async def test_codes_that_cannot_be_checked_say_what_to_do_and_a_recovery_code_lets_in(house: House) -> None:
    """Behind a restore without the master key."""
    portal = await make_portal(house)
    await person(house, ANNA, of="administrator")
    seed, codes, _ = await enrolled(portal, ANNA)
    house.clock.at += timedelta(minutes=2)
    other = SealedVault(keys=[bytes(32)])
    async with house.database.transaction(role=OWNER) as unit:
        (row,) = await unit.connection.fetch("select operator, person from user_secret where totp is not null")
        sealed = other.seal(seed, about=f"totp of user {row['operator']}:{row['person']}")
        await unit.connection.execute("update user_secret set totp = $1", sealed)
    refused = await portal.answer(await half(portal), code=code_at(house, seed))
    assert (refused["code"], refused["field"]) == ("WRONG_STATE", "code")
    assert "recovery code" in refused["message"]
    assert signed(await portal.answer(await half(portal), recoveryCode=codes[0]))

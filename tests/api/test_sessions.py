"""People's sessions: codes with PKCE, tokens that rotate, what ends a session, and attacks J5 to J7 and P4."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from api.auth.keyring import LEAD, follow, retire_before
from api.auth.tokens import Tokens, make_key
from api.graphql.ids import global_id
from domain.access.actor import Action
from domain.refusal import BadValue, NotAllowed
from persistence.engine import OWNER
from tests.api.conftest import SECRET, House
from tests.api.entrance import BACK, Person, add_portal, add_user, ask, code_for, enter, form, pkce, renewed


@pytest.fixture(autouse=True)
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered of a caller, so that what ends holds in the next request."""
    monkeypatch.setattr("api.auth.bearer.CACHE_SECONDS", 0.0)
    monkeypatch.setattr("api.auth.bearer.SESSION_SECONDS", 0.0)


@pytest.fixture
async def anna(house: House) -> Person:
    await add_portal(house)
    return await enter(house, await add_user(house, "anna@north.example"), nonce="once-only")


async def sql(house: House, query: str, *values: object) -> Any:
    async with house.database.transaction(role=OWNER) as unit:
        return await unit.connection.fetchval(query, *values)


async def test_a_code_becomes_tokens_which_say_who_signed_in_and_how(house: House, anna: Person) -> None:
    told = anna.tokens
    assert told["expires_in"] == 900
    keys = KeySet.import_key_set((await house.http.get("/oauth/jwks")).json())
    access = jwt.decode(told["access_token"], keys, algorithms=["ES256"])
    assert access.header["typ"] == "at+jwt"
    assert access.claims["sub"] == f"user:{anna.user}"
    assert access.claims["client_id"] == "portal"
    assert access.claims["operator"] == 1
    assert access.claims["amr"] == ["pwd", "otp", "mfa"]
    assert access.claims["acr"] == "2"
    identity = jwt.decode(told["id_token"], keys, algorithms=["ES256"]).claims
    assert identity["aud"] == "portal"
    assert identity["nonce"] == "once-only"
    assert identity["sub"] == access.claims["sub"]
    assert identity["sid"] == access.claims["sid"]
    half = hashlib.sha256(told["access_token"].encode()).digest()[:16]
    assert identity["at_hash"] == base64.urlsafe_b64encode(half).decode().rstrip("=")
    answer = await ask(house, anna)
    assert answer.json()["data"]["operator"]["name"] == "North Telecom AB"


async def test_a_person_can_do_what_his_level_and_his_portal_both_say(house: House, anna: Person) -> None:
    refused = await ask(house, anna, "{ clients { clientId } }")  # support manages no clients
    assert refused.json()["errors"][0]["extensions"]["code"] == "NOT_ALLOWED"
    await add_portal(house, "narrow", scopes={Action.READ_USAGE})
    boss = await enter(house, await add_user(house, "boss@north.example", level="administrator"), "narrow")
    refused = await ask(house, boss, "{ clients { clientId } }")
    assert refused.json()["errors"][0]["extensions"]["code"] == "NOT_ALLOWED"
    await add_portal(house, "wide")
    boss = await enter(house, boss.user, "wide")
    assert (await ask(house, boss, "{ clients { clientId } }")).json()["data"]["clients"]


async def test_a_level_that_is_taken_away_holds_in_the_next_request(house: House) -> None:
    """A10."""
    await add_portal(house)
    boss = await enter(house, await add_user(house, "boss@north.example", level="administrator"))
    assert "errors" not in (await ask(house, boss, "{ clients { clientId } }")).json()
    await sql(
        house,
        "update app_user set level = (select id from user_level where operator = 1 and built_in = 'seller')"
        " where id = $1",
        boss.user,
    )
    refused = await ask(house, boss, "{ clients { clientId } }")
    assert refused.json()["errors"][0]["extensions"]["code"] == "NOT_ALLOWED"


async def test_a_level_that_asks_for_a_second_factor_by_now_ends_what_was_begun_without(house: House) -> None:
    await add_portal(house)
    person = await enter(house, await add_user(house, "bo@north.example"), factor="password")
    assert (await ask(house, person)).status_code == 200
    level = "update app_user set level = (select id from user_level where operator = 1 and built_in = $2) where id = $1"
    await sql(house, level, person.user, "administrator")
    assert (await ask(house, person)).status_code == 401


async def test_a_resellers_person_reaches_his_part_of_the_tree_alone(house: House) -> None:
    await add_portal(house)
    person = await enter(house, await add_user(house, "eve@east.example", level="reseller_administrator", reseller=1))
    answer = (await ask(house, person, "{ resellers { code } }")).json()
    assert {one["code"] for one in answer["data"]["resellers"]} == {"east", "below"}


async def test_of_eight_who_redeem_a_code_at_once_one_does_and_the_session_ends(house: House) -> None:
    await add_portal(house)
    user = await add_user(house, "anna@north.example")
    verifier, challenge = pkce()
    code = await code_for(house, user, challenge=challenge)
    answers = await asyncio.gather(*(house.http.post("/oauth/token", data=form(code, verifier)) for _ in range(8)))
    good = [one for one in answers if one.status_code == 200]
    assert len(good) == 1
    assert {one.json()["error"] for one in answers if one.status_code != 200} == {"invalid_grant"}
    assert (await ask(house, Person(user, "portal", good[0].json()))).status_code == 401
    assert await sql(house, "select count(*) from alarm where kind = 'session_stolen'") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"code_verifier": "x" * 43},
        {"code_verifier": ""},
        {"redirect_uri": "https://portal.example/other"},
        {"redirect_uri": ""},
        {"code": "guess"},
        {"client_id": "other portal"},
    ],
)
async def test_a_code_is_good_for_its_own_verifier_address_and_portal_alone(
    house: House, wrong: dict[str, str]
) -> None:
    await add_portal(house)
    await add_portal(house, "other portal")
    verifier, challenge = pkce()
    code = await code_for(house, await add_user(house, "anna@north.example"), challenge=challenge)
    answer = await house.http.post("/oauth/token", data=form(code, verifier) | wrong)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_grant"


async def test_a_code_is_old_after_two_minutes(house: House) -> None:
    await add_portal(house)
    verifier, challenge = pkce()
    code = await code_for(house, await add_user(house, "anna@north.example"), challenge=challenge)
    house.clock.at += timedelta(minutes=2)
    answer = await house.http.post("/oauth/token", data=form(code, verifier))
    assert answer.json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"portal": "operator"}, "clientId"),  # a machine
        ({"portal": "nobody"}, "clientId"),
        ({"challenge": "plain"}, "codeChallenge"),
        ({"scope": "nonsense"}, "scope"),
        ({"nonce": "n" * 501}, "nonce"),
    ],
)
async def test_a_code_is_made_for_portals_by_s256_alone(house: House, fields: dict[str, str], field: str) -> None:
    await add_portal(house)
    user = await add_user(house, "anna@north.example")
    asked: dict[str, Any] = {"challenge": pkce()[1]} | fields
    with pytest.raises(BadValue) as no:
        await code_for(house, user, **asked)
    assert no.value.field == field


async def test_nobody_of_another_operator_or_reseller_gets_a_code(house: House) -> None:
    await add_portal(house, reseller=1)
    await add_portal(house, "south", operator=2)
    for user, portal, operator in (
        (await add_user(house, "anna@north.example"), "portal", 1),
        (await add_user(house, "w@west.example", reseller=2, level="reseller_support"), "portal", 1),
        (await add_user(house, "anna2@north.example"), "south", 1),
    ):
        with pytest.raises(NotAllowed):
            await code_for(house, user, portal, operator=operator, challenge=pkce()[1])
    below = await add_user(house, "b@below.example", reseller=3, level="reseller_support")
    assert await code_for(house, below, challenge=pkce()[1])


async def test_refresh_tokens_rotate_and_the_session_goes_on(house: House, anna: Person) -> None:
    sid = await sql(house, "select sid from user_session")
    for _ in range(3):
        house.clock.at += timedelta(minutes=50)
        answer = await renewed(house, anna)
        assert answer.status_code == 200
        assert answer.json()["refresh_token"] != anna.tokens["refresh_token"]
        anna.tokens = answer.json()
        assert (await ask(house, anna)).status_code == 200
    assert await sql(house, "select sid from user_session") == sid


async def test_a_refresh_token_shown_twice_ends_the_session_for_both(house: House, anna: Person) -> None:
    """J7."""
    stolen = anna.tokens["refresh_token"]
    thief = Person(anna.user, "portal", (await renewed(house, anna, stolen)).json())
    assert (await ask(house, thief)).status_code == 200
    assert (await renewed(house, anna, stolen)).json()["error"] == "invalid_grant"
    assert (await ask(house, thief)).status_code == 401
    assert (await ask(house, anna)).status_code == 401
    assert (await renewed(house, thief)).json()["error"] == "invalid_grant"
    assert await sql(house, "select severity from alarm where kind = 'session_stolen'") == "critical"
    line = "select detail->>'why' from audit where action = 'end_session'"
    assert await sql(house, line) == "a refresh token was shown twice"


async def test_of_eight_refreshes_at_once_one_is_answered(house: House, anna: Person) -> None:
    answers = await asyncio.gather(*(renewed(house, anna) for _ in range(8)))
    assert sorted(one.status_code for one in answers) == [200, *[400] * 7]


async def test_sessions_end_when_idle_and_at_their_end(house: House, anna: Person) -> None:
    began = house.clock.at
    house.clock.at = began + timedelta(minutes=60)
    assert (await renewed(house, anna)).json()["error"] == "invalid_grant"
    other = await enter(house, anna.user)
    for _ in range(14):
        house.clock.at += timedelta(minutes=55)
        if (answer := await renewed(house, other)).status_code != 200:
            break
        other.tokens = answer.json()
    assert timedelta(hours=11) < house.clock.at - began - timedelta(hours=1) < timedelta(hours=13)
    assert answer.json()["error"] == "invalid_grant"


async def test_an_access_token_is_short_and_a_refresh_token_is_none(house: House, anna: Person) -> None:
    """J5."""
    refresh = {"Authorization": f"Bearer {anna.tokens['refresh_token']}"}
    identity = {"Authorization": f"Bearer {anna.tokens['id_token']}"}
    for headers in (refresh, identity):
        answer = await house.http.post("/graphql", json={"query": "{ operator { name } }"}, headers=headers)
        assert answer.status_code == 401
    house.clock.at += timedelta(minutes=15)
    assert (await ask(house, anna)).status_code == 401


async def test_a_scope_can_be_narrowed_and_never_widened(house: House) -> None:
    await add_portal(house)
    user = await add_user(house, "anna@north.example", level="administrator")
    person = await enter(house, user, scope="openid usage:read customers:read")
    assert set(person.tokens["scope"].split()) == {"openid", "usage:read", "customers:read"}
    fields = {"grant_type": "refresh_token", "client_id": "portal", "refresh_token": person.tokens["refresh_token"]}
    narrow = (await house.http.post("/oauth/token", data=fields | {"scope": "usage:read"})).json()
    assert narrow["scope"] == "usage:read"
    assert "id_token" not in narrow
    fields["refresh_token"] = narrow["refresh_token"]
    wide = await house.http.post("/oauth/token", data=fields | {"scope": "bills:run"})
    assert wide.json()["error"] == "invalid_scope"


@pytest.mark.parametrize(
    "way", ["logout", "revoke refresh", "revoke access", "id token", "endSession", "disabled", "all"]
)
async def test_what_ends_a_session_holds_in_the_next_request(house: House, anna: Person, way: str) -> None:
    """J6."""
    assert (await ask(house, anna)).status_code == 200
    if way == "logout":
        done = (await ask(house, anna, "mutation { logout { __typename } }")).json()
        assert done["data"]["logout"]["__typename"] == "UserSession"
    elif way.startswith("revoke"):
        token = anna.tokens["refresh_token" if way == "revoke refresh" else "access_token"]
        answer = await house.http.post("/oauth/revoke", data={"client_id": "portal", "token": token})
        assert answer.status_code == 200
    elif way == "id token":
        asked = {"id_token_hint": anna.tokens["id_token"], "post_logout_redirect_uri": BACK, "state": "s"}
        answer = await house.http.get("/oauth/logout", params=asked)
        assert answer.status_code == 303
        assert answer.headers["location"] == f"{BACK}?state=s"
    elif way == "endSession":
        mine = (await ask(house, anna, "{ mySessions { edges { node { id current factor } } } }")).json()
        (edge,) = mine["data"]["mySessions"]["edges"]
        assert edge["node"]["current"]
        query = "mutation($s: ID!) { endSession(session: $s) { __typename } }"
        assert "errors" not in (await ask(house, anna, query, s=edge["node"]["id"])).json()
    elif way == "disabled":
        await sql(house, "update app_user set state = 'disabled' where id = $1", anna.user)
    else:
        query = "mutation($u: ID!) { endUserSessions(user: $u) { ... on Ended { sessions } } }"
        body = {"query": query, "variables": {"u": global_id("User", anna.user)}}
        done = (await house.call("operator", "POST", "/graphql", json=body)).json()
        assert done["data"]["endUserSessions"] == {"sessions": 1}
    assert (await ask(house, anna)).status_code == 401
    assert (await renewed(house, anna)).json()["error"] == "invalid_grant"


async def test_every_sign_in_is_a_new_session(house: House, anna: Person) -> None:
    """P4: nothing that existed before a sign-in names the session after it."""
    again = await enter(house, anna.user)
    assert await sql(house, "select count(distinct sid) from user_session") == 2
    assert (await ask(house, again, "mutation { logout { __typename } }")).status_code == 200
    assert (await ask(house, again)).status_code == 401
    assert (await ask(house, anna)).status_code == 200, "the other session is another's"


async def test_nobody_sees_or_ends_sessions_that_are_not_his(house: House, anna: Person) -> None:
    other = await enter(house, await add_user(house, "bo@north.example"))
    ids = await sql(house, "select array_agg(id order by id) from user_session")
    query = "mutation($s: ID!) { endSession(session: $s) { ... on NotFound { code } } }"
    answer = (await ask(house, other, query, s=global_id("UserSession", ids[0]))).json()
    assert answer["data"]["endSession"] == {"code": "NOT_FOUND"}
    listed = "{ userSessions { edges { node { userId } } } }"
    for client, count in (("operator", 2), ("reseller", 0), ("other", 0)):
        body = (await house.call(client, "POST", "/graphql", json={"query": listed})).json()
        assert len(body["data"]["userSessions"]["edges"]) == count, client
    mine = (
        await house.call("operator", "POST", "/graphql", json={"query": "{ mySessions { edges { cursor } } }"})
    ).json()
    assert mine["errors"][0]["extensions"]["code"] == "NOT_ALLOWED", "a machine has none"
    assert (await ask(house, anna)).status_code == 200


async def test_a_confidential_portal_proves_itself_too(house: House) -> None:
    await add_portal(house, "server", public=False)
    user = await add_user(house, "anna@north.example")
    verifier, challenge = pkce()
    code = await code_for(house, user, "server", challenge=challenge)
    fields = form(code, verifier, "server")
    bare = await house.http.post("/oauth/token", data=fields)
    assert bare.json()["error"] == "invalid_client"
    good = await house.http.post("/oauth/token", data=fields | {"client_secret": SECRET.format("server")})
    assert good.status_code == 200
    alone = {"grant_type": "client_credentials", "client_id": "server", "client_secret": SECRET.format("server")}
    assert (await house.http.post("/oauth/token", data=alone)).json()["error"] == "unauthorized_client"
    pushed = await house.http.post("/rest/v1/cdr/x", json=[], auth=("server", SECRET.format("server")))
    assert pushed.status_code == 401, "it acts for people, never for itself"


async def test_a_public_portal_has_no_secret_that_opens_anything(house: House, anna: Person) -> None:
    secret = SECRET.format("portal")
    alone = {"grant_type": "client_credentials"}
    assert (await house.http.post("/oauth/token", data=alone, auth=("portal", secret))).json()["error"] in {
        "invalid_client",
        "unauthorized_client",
    }
    pushed = await house.http.post("/rest/v1/cdr/x", json=[], auth=("portal", secret))
    assert pushed.status_code == 401
    del anna


async def test_authorize_leads_to_the_portals_page_and_nowhere_else(house: House) -> None:
    await add_portal(house, login_url="https://portal.example/login?theme=dark")
    challenge = pkce()[1]
    asked = {
        "client_id": "portal", "redirect_uri": BACK, "response_type": "code", "state": "s t",
        "code_challenge": challenge, "code_challenge_method": "S256", "nonce": "n",
    }  # fmt: skip
    there = await house.http.get("/oauth/authorize", params=asked)
    assert there.status_code == 303
    place = there.headers["location"]
    assert place.startswith("https://portal.example/login?theme=dark&client_id=portal&")
    assert "state=s+t" in place
    assert challenge in place
    for wrong in ({"client_id": "nobody"}, {"redirect_uri": f"{BACK}/more"}, {"redirect_uri": "https://evil.example"}):
        answer = await house.http.get("/oauth/authorize", params=asked | wrong)
        assert answer.status_code == 400
        assert "location" not in answer.headers
    for wrong, word in (
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"prompt": "none"}, "login_required"),
    ):
        answer = await house.http.get("/oauth/authorize", params=asked | wrong)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith(f"{BACK}?error={word}&")
        assert answer.headers["location"].endswith("&state=s+t")


async def test_userinfo_and_introspection_tell_the_portal_who_it_is(house: House, anna: Person) -> None:
    told = (await house.http.get("/oauth/userinfo", headers=anna.bearer)).json()
    assert told["sub"] == f"user:{anna.user}"
    assert told["email"] == "anna@north.example"
    assert told["level"] == "Support"
    machine = {"Authorization": f"Bearer {await house.token('operator')}"}
    assert (await house.http.get("/oauth/userinfo", headers=machine)).status_code == 403

    async def looked(client: str, token: str) -> Any:
        answer = await house.http.post("/oauth/introspect", data={"token": token}, auth=(client, SECRET.format(client)))
        assert answer.status_code == 200
        return answer.json()

    await add_portal(house, "server", public=False)
    person = await enter_confidential(house, anna.user)
    seen = await looked("server", person["access_token"])
    assert seen["active"]
    assert seen["client_id"] == "server"
    assert "clients:manage" not in seen["scope"].split(), "what the level does not give is not told"
    assert await looked("server", anna.tokens["access_token"]) == {"active": False}, "another's token"
    assert await looked("server", "nonsense") == {"active": False}
    bare = await house.http.post("/oauth/introspect", data={"client_id": "portal", "token": "x"})
    assert bare.status_code in {400, 401}


async def enter_confidential(house: House, user: int) -> Any:
    verifier, challenge = pkce()
    code = await code_for(house, user, "server", challenge=challenge)
    fields = form(code, verifier, "server") | {"client_secret": SECRET.format("server")}
    return (await house.http.post("/oauth/token", data=fields)).json()


async def test_both_discovery_documents_name_the_endpoints_that_there_are(house: House) -> None:
    one = (await house.http.get("/.well-known/openid-configuration")).json()
    assert one == (await house.http.get("/.well-known/oauth-authorization-server")).json()
    assert one["code_challenge_methods_supported"] == ["S256"]
    for name, url in one.items():
        if name.endswith("_endpoint") or name == "jwks_uri":
            path = url.removeprefix("https://billing.example")
            answer = await house.http.request("GET" if "jwks" in name else "POST", path)
            assert answer.status_code != 404, name


async def test_a_new_key_is_published_then_signs_and_the_old_one_is_believed_until_nobody_needs_it(
    house: House, anna: Person
) -> None:
    credentials, began = house.wiring.credentials, house.clock.at
    first = await credentials.keys(lambda: make_key(began))
    tokens = Tokens.of("https://billing.example", first, house.clock)
    stored = await credentials.add_key(lambda keys: follow(keys, began, LEAD), retire_before=retire_before(began))
    assert len(stored) == 2
    assert (
        len(await credentials.add_key(lambda keys: follow(keys, began, LEAD), retire_before=retire_before(began))) == 2
    )
    tokens.take(stored)
    assert len(tokens.public()["keys"]) == 2  # type: ignore[arg-type]  # a list, in JSON
    assert tokens.signs_with == first[0].kid, "published, and not signing yet"
    house.clock.at = began + LEAD
    assert tokens.signs_with == stored[0].kid
    assert tokens.check(anna.tokens["access_token"]), "the old key is believed"
    house.clock.at = began + LEAD + timedelta(minutes=66)
    kept = await credentials.add_key(lambda _: None, retire_before=retire_before(house.clock.at))
    tokens.take(kept)
    assert list(tokens.keys) == [stored[0].kid]


async def test_a_session_leaves_lines_in_the_trail_with_the_factor(house: House, anna: Person) -> None:
    await ask(house, anna, "mutation { logout { __typename } }")
    async with house.database.transaction(role=OWNER) as unit:
        rows = await unit.connection.fetch(
            "select action, client, detail from audit where action in ('start_session', 'end_session') order by id"
        )
    assert [row["action"] for row in rows] == ["start_session", "end_session"]
    assert json.loads(rows[0]["detail"])["factor"] == "password+totp"

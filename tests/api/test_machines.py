"""Programs that call: API keys, signed assertions, SOAP's Security header, pages of portals, and attack P5."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
import secrets
from datetime import datetime, timedelta
from typing import Any

import pytest
import zeep
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from zeep.exceptions import Fault
from zeep.wsse.username import UsernameToken

from api.graphql.ids import global_id
from domain.access.actor import Action, system
from domain.ids import OperatorId
from domain.usecases.create_portal import RenewClientSecret, renew_client_secret
from persistence.engine import OWNER
from tests.api.conftest import SECRET, House, add_client
from tests.api.entrance import ORIGIN, add_portal, add_user, enter

ASK = {"query": "{ operator { name } }"}
SMALL = {
    "kty": "RSA",
    "kid": "k1",
    "e": "AQAB",
    "n": base64.urlsafe_b64encode(b"\xc1" + b"\x01" * 127).decode().rstrip("="),
}
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture(autouse=True)
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.auth.bearer.CACHE_SECONDS", 0.0)
    monkeypatch.setattr("api.auth.bearer.SESSION_SECONDS", 0.0)


async def graphql(house: House, client: str, query: str, **variables: Any) -> Any:
    answer = await house.call(client, "POST", "/graphql", json={"query": query, "variables": variables})
    assert answer.status_code == 200, answer.text
    (value,) = answer.json()["data"].values()
    return value


CREATE = """mutation($i: CreateApiKeyInput!) { createApiKey(input: $i) { __typename
 ... on NewApiKey { text key { id prefix scopes endsAt } } ... on Refusal { code field message } } }"""
ROTATE = """mutation($i: RotateApiKeyInput!) { rotateApiKey(input: $i) { __typename
 ... on NewApiKey { text key { id } } ... on Refusal { code field message } } }"""


async def new_key(house: House, client: str = "reseller", **fields: Any) -> Any:
    ends = (house.clock.at + timedelta(days=90)).isoformat()
    asked = {"name": "their shop", "scopes": ["customers:read"], "endsAt": ends} | fields
    return await graphql(house, client, CREATE, i=asked)


async def opens(house: House, text: str) -> int:
    answer = await house.http.post("/graphql", json=ASK, headers={"Authorization": f"Bearer {text}"})
    return answer.status_code


async def test_a_key_opens_what_it_was_given_and_is_kept_as_a_hash(house: House) -> None:
    made = await new_key(house)
    assert made["text"].startswith(f"{made['key']['prefix']}_")
    headers = {"Authorization": f"Bearer {made['text']}"}
    answer = await house.http.post("/graphql", json={"query": "{ resellers { code } }"}, headers=headers)
    assert {one["code"] for one in answer.json()["data"]["resellers"]} == {"east", "below"}
    answer = await house.http.post("/graphql", json={"query": "{ clients { name } }"}, headers=headers)
    assert answer.json()["errors"][0]["extensions"]["code"] == "NOT_ALLOWED"
    async with house.database.transaction(role=OWNER) as unit:
        row = await unit.connection.fetchrow("select * from api_key")
        trail = await unit.connection.fetchval("select string_agg(detail::text, ' ') from audit")
    assert row["sha256"] == hashlib.sha256(made["text"].encode()).digest()
    assert row["last_used_at"] is not None
    secret = made["text"].rpartition("_")[2]
    assert secret not in str(dict(row))
    assert made["text"] not in trail
    listed = await graphql(house, "reseller", "{ apiKeys { edges { node { prefix lastUsedAt } } } }")
    assert [one["node"]["prefix"] for one in listed["edges"]] == [made["key"]["prefix"]]


async def test_two_keys_are_good_while_one_follows_the_other(house: House) -> None:
    old = await new_key(house)
    until = house.clock.at + timedelta(days=7)
    new = await graphql(house, "reseller", ROTATE, i={"key": old["key"]["id"], "oldEndsAt": until.isoformat()})
    assert await opens(house, old["text"]) == await opens(house, new["text"]) == 200
    house.clock.at = until
    assert await opens(house, old["text"]) == 401
    assert await opens(house, new["text"]) == 200
    house.tokens.clear()
    again = await graphql(house, "reseller", ROTATE, i={"key": old["key"]["id"]})
    assert again["code"] == "WRONG_STATE"
    query = "mutation($k: ID!) { revokeApiKey(key: $k) { __typename ... on ApiKey { revokedAt } } }"
    assert (await graphql(house, "reseller", query, k=new["key"]["id"]))["revokedAt"]
    assert await opens(house, new["text"]) == 401


@pytest.mark.parametrize(
    ("client", "fields", "code"),
    [
        ("reseller", {"scopes": ["costs:read"]}, "BAD_VALUE"),
        ("reseller", {"scopes": []}, "BAD_VALUE"),
        ("reseller", {"scopes": ["nonsense"]}, "BAD_VALUE"),
        ("reseller", {"reseller": global_id("Reseller", 2)}, "NOT_FOUND"),
        ("narrow", {"scopes": ["customers:read"]}, "NOT_ALLOWED"),
        ("reader", {}, "NOT_ALLOWED"),
        ("reseller", {"endsAt": "2020-01-01T00:00:00Z"}, "BAD_VALUE"),
        ("reseller", {"endsAt": "2029-01-01T00:00:00Z"}, "BAD_VALUE"),
        ("reseller", {"name": " "}, "BAD_VALUE"),
    ],
)
async def test_a_key_that_says_too_much_is_refused(house: House, client: str, fields: Any, code: str) -> None:
    await add_client(house.database, "narrow", 1, scopes={Action.MANAGE_CLIENTS})
    await add_client(house.database, "reader", 1, scopes={Action.READ_CUSTOMERS})
    assert (await new_key(house, client, **fields))["code"] == code


async def test_nobody_reaches_anothers_keys(house: House) -> None:
    made = await new_key(house, "sibling")
    for client in ("reseller", "other"):
        assert (await graphql(house, client, ROTATE, i={"key": made["key"]["id"]}))["code"] == "NOT_FOUND"
        assert not (await graphql(house, client, "{ apiKeys { edges { cursor } } }"))["edges"]
    mine = await graphql(house, "operator", "{ apiKeys { edges { cursor } } }")
    assert len(mine["edges"]) == 1


@pytest.mark.parametrize("name", ["api_key", "access_token", "key", "Token"])
async def test_a_key_in_a_url_is_refused_and_never_logged(
    house: House, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """P5."""
    made = await new_key(house)
    with caplog.at_level(logging.DEBUG):
        answer = await house.http.post(f"/graphql?{name}={made['text']}", json=ASK)
    assert answer.status_code == 400
    assert answer.json()["code"] == "secret_in_url"
    assert made["text"] not in answer.text
    ours = [one for one in caplog.records if not one.name.startswith(("httpx", "httpcore"))]
    assert not any(made["text"] in one.getMessage() for one in ours)


@pytest.mark.parametrize("text", ["tw_", "tw_short_x", "tw_ab12cd34_" + "A" * 43, "tw_" + "x" * 5000])
async def test_what_is_no_key_opens_nothing(house: House, text: str) -> None:
    assert await opens(house, text) == 401


# Signed assertions (RFC 7523).


async def with_keys(house: House, *keys: ECKey | RSAKey, client: str = "signer") -> None:
    await add_client(house.database, client, 1)
    query = """mutation($c: String!, $k: JsonText!) { setClientKeys(clientId: $c, keys: $k) { __typename
     ... on Refusal { message field } } }"""
    told = json.dumps({"keys": [{**key.as_dict(private=False), "kid": key.kid} for key in keys]})
    assert (await graphql(house, "operator", query, c=client, k=told))["__typename"] == "Client"


def assertion(house: House, key: Any, alg: str = "ES256", *, head: Any = None, **claims: Any) -> str:
    now = int(house.clock.at.timestamp())
    told = {
        "iss": "signer", "sub": "signer", "aud": "https://billing.example/oauth/token", "iat": now, "exp": now + 60,
        "jti": secrets.token_urlsafe(8),
    } | claims  # fmt: skip
    told = {name: value for name, value in told.items() if value is not None}
    return jwt.encode({"alg": alg, "kid": "k1"} | (head or {}), told, key, algorithms=[alg])


async def shown(house: House, text: str, **fields: str) -> Any:
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": text} | fields
    return await house.http.post("/oauth/token", data=form)


async def test_a_client_proves_itself_by_a_signed_assertion_once(house: House) -> None:
    ec, rsa = ECKey.generate_key("P-256", {"kid": "k1"}), RSAKey.generate_key(2048, {"kid": "k2"})
    await with_keys(house, ec, rsa)
    text = assertion(house, ec)
    good = await shown(house, text)
    assert good.status_code == 200, good.text
    headers = {"Authorization": f"Bearer {good.json()['access_token']}"}
    assert (await house.http.post("/graphql", json=ASK, headers=headers)).status_code == 200
    assert (await shown(house, text)).status_code == 401, "an assertion is good once"
    other = assertion(house, rsa, "RS256", head={"kid": "k2"}, aud="https://billing.example")
    assert (await shown(house, other)).status_code == 200
    text = assertion(house, ec)
    answers = await asyncio.gather(*(shown(house, text) for _ in range(8)))
    assert sorted(one.status_code for one in answers) == [200, *[401] * 7]
    secret = {"grant_type": "client_credentials"}
    answer = await house.http.post("/oauth/token", data=secret, auth=("signer", SECRET.format("signer")))
    assert answer.json()["error"] == "invalid_client", "its secret has ended"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"aud": "https://elsewhere.example"}, "for somebody else"),
        ({"aud": None}, "for nobody"),
        ({"exp": None}, "without an end"),
        ({"jti": None}, "without a name"),
        ({"jti": 7}, "a name that is none"),
        ({"iss": "operator"}, "by somebody else"),
        ({"sub": "operator", "iss": "operator"}, "of somebody else"),
    ],
)
async def test_an_assertion_that_says_something_else_is_refused(house: House, claims: Any, why: str) -> None:
    key = ECKey.generate_key("P-256", {"kid": "k1"})
    await with_keys(house, key)
    answer = await shown(house, assertion(house, key, **claims))
    assert answer.status_code in {400, 401}, why
    assert answer.json()["error"] == "invalid_client", why


async def test_an_assertion_of_another_time_or_key_is_refused(house: House) -> None:
    key, other = ECKey.generate_key("P-256", {"kid": "k1"}), ECKey.generate_key("P-256", {"kid": "k1"})
    await with_keys(house, key)
    now = int(house.clock.at.timestamp())
    public = key.as_dict(private=False)
    hmac_key = OctKey.import_key(json.dumps(public))
    tried = [
        assertion(house, key, exp=now - 120),
        assertion(house, key, exp=now + 3600),
        assertion(house, key, nbf=now + 600),
        assertion(house, other),
        assertion(house, other, head={"jwk": other.as_dict(private=False)}),
        assertion(house, hmac_key, "HS256", head={"kid": "k1"}),
        assertion(house, key).rpartition(".")[0] + ".",
        "a.b.c",
        "",
    ]
    for text in tried:
        answer = await shown(house, text)
        assert answer.status_code in {400, 401}, text
        assert answer.json()["error"] == "invalid_client", answer.text


@pytest.mark.parametrize("kind", ["private", "small", "symmetric", "none", "twice", "nameless"])
async def test_keys_that_are_private_weak_or_none_are_refused(house: House, kind: str) -> None:
    await add_client(house.database, "signer", 1)
    good = ECKey.generate_key("P-256", {"kid": "k1"})
    keys: dict[str, Any] = {
        "private": [good.as_dict(private=True) | {"kid": "k1"}],
        "small": [SMALL],
        "symmetric": [{"kty": "oct", "k": "c2VjcmV0", "kid": "k1"}],
        "none": [],
        "twice": [good.as_dict(private=False) | {"kid": "k1"}] * 2,
        "nameless": [{k: v for k, v in good.as_dict(private=False).items() if k != "kid"}],
    }
    query = 'mutation($k: JsonText!) { setClientKeys(clientId: "signer", keys: $k) { ... on Refusal { code field } } }'
    told = await graphql(house, "operator", query, k=json.dumps({"keys": keys[kind]}))
    assert told["code"] == "BAD_VALUE"
    assert told["field"].startswith("keys")


# WS-Security.


def refused(service: Any) -> str:
    with pytest.raises(Fault) as no:
        service.GetOperator()
    return str(no.value.message)


async def digest_secret(house: House) -> str:
    made = await renew_client_secret(
        RenewClientSecret(client_id="operator", for_digest=True),
        actor=system(OperatorId(1)),
        begin=house.wiring.begin,
        draw=secrets.token_urlsafe,
        vault=house.wiring.vault,
    )
    assert made.secret is not None
    return made.secret


async def test_a_client_shows_itself_by_username_token_in_both_ways_and_versions(live: House) -> None:
    live.clock.at = datetime.now(tz=live.clock.at.tzinfo)
    text = UsernameToken("reseller", SECRET.format("reseller"))
    secret = await digest_secret(live)
    hashed = UsernameToken("operator", secret, use_digest=True)
    key = await new_key(live, scopes=["customers:read"])
    by_key = UsernameToken(key["key"]["prefix"], key["text"])

    def call(client: Any) -> None:
        for port in client.wsdl.services["Billing"].ports:
            assert client.bind("Billing", port).GetOperator().name == "North Telecom AB"

    address = str(live.http.base_url).rstrip("/")
    for wsse in (text, hashed, by_key):
        await asyncio.to_thread(lambda wsse=wsse: call(zeep.Client(f"{address}/soap?wsdl", wsse=wsse)))


WRONG = {
    "wrong secret": ("operator", "guess", {}),
    "unknown": ("nobody", "guess", {}),
    "digest of a secret that is a hash here": ("reseller", SECRET.format("reseller"), {"use_digest": True}),
}


@pytest.mark.parametrize("kind", WRONG)
async def test_who_shows_something_else_gets_a_fault_and_nothing_is_told(live: House, kind: str) -> None:
    live.clock.at = datetime.now(tz=live.clock.at.tzinfo)
    username, password, more = WRONG[kind]
    address = str(live.http.base_url).rstrip("/")

    def call() -> str:
        client = zeep.Client(f"{address}/soap?wsdl", wsse=UsernameToken(username, password, **more))
        return refused(client.bind("Billing", next(iter(client.wsdl.services["Billing"].ports))))

    assert await asyncio.to_thread(call) == "the Security header's UsernameToken does not let you in"


def header(username: str, password: str, *, nonce: bytes, created: str, hashed: bool, understand: bool = True) -> str:
    """Return an envelope that asks for the operator, as other toolkits write it."""
    profile = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"
    base = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity"
    if hashed:
        made = hashlib.sha1(nonce + created.encode() + password.encode()).digest()
        password = base64.b64encode(made).decode()
    kind = f"{profile}#Password{'Digest' if hashed else 'Text'}"
    must = ' s:mustUnderstand="1"' if understand else ""
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">'
        f'<s:Header><w:Security xmlns:w="{base}-secext-1.0.xsd" xmlns:u="{base}-utility-1.0.xsd"{must}>'
        f"<w:UsernameToken><w:Username>{username}</w:Username>"
        f'<w:Password Type="{kind}">{password}</w:Password>'
        f"<w:Nonce>{base64.b64encode(nonce).decode()}</w:Nonce><u:Created>{created}</u:Created>"
        "</w:UsernameToken></w:Security></s:Header>"
        '<s:Body><t:GetOperator xmlns:t="urn:tollwright:billing:1"/></s:Body></s:Envelope>'
    )


async def post(house: House, body: str) -> Any:
    return await house.http.post("/soap", content=body, headers={"Content-Type": "text/xml; charset=utf-8"})


async def test_a_digest_is_good_once_and_for_minutes_and_only_for_the_secret(house: House) -> None:
    secret = await digest_secret(house)
    now = house.clock.at
    first = header("operator", secret, nonce=b"n" * 16, created=now.isoformat(), hashed=True)
    assert (await post(house, first)).status_code == 200
    again = await post(house, first)
    assert again.status_code == 401
    assert "does not let you in" in again.text
    for nonce, at in ((b"a" * 16, now - timedelta(minutes=6)), (b"b" * 16, now + timedelta(minutes=6)), (b"c", now)):
        answer = await post(house, header("operator", secret, nonce=nonce, created=at.isoformat(), hashed=True))
        assert answer.status_code == 401
    wrong = header("operator", "guess", nonce=b"d" * 16, created=now.isoformat(), hashed=True)
    assert (await post(house, wrong)).status_code == 401
    house.clock.at = now + timedelta(minutes=4)
    assert (await post(house, first)).status_code == 401, "still remembered"
    async with house.database.transaction(role=OWNER) as unit:
        sealed = await unit.connection.fetchval("select sealed_secret from api_client where client_id = 'operator'")
    assert secret.encode() not in sealed


async def test_a_password_in_the_open_is_refused(house: House) -> None:
    body = header(
        "operator", SECRET.format("operator"), nonce=b"n" * 16, created=house.clock.at.isoformat(), hashed=False
    )
    assert (await post(house, body)).status_code == 200, "over TLS"
    headers = {"Content-Type": "text/xml; charset=utf-8"}
    answer = await house.http.post("http://billing.example/soap", content=body, headers=headers)
    assert answer.status_code == 401
    signed = await digest_secret(house)
    body = header("operator", signed, nonce=b"m" * 16, created=house.clock.at.isoformat(), hashed=True)
    answer = await house.http.post("http://billing.example/soap", content=body, headers=headers)
    assert answer.status_code == 200, "a digest tells nobody the secret"


async def test_a_security_header_is_understood_and_any_other_is_not(house: House) -> None:
    body = header(
        "operator", SECRET.format("operator"), nonce=b"n" * 16, created=house.clock.at.isoformat(), hashed=False
    )
    assert (await post(house, body)).status_code == 200
    twice = body.replace("</s:Header>", body.partition("<s:Header>")[2].partition("</s:Header>")[0] + "</s:Header>")
    assert (await post(house, twice)).status_code == 400
    other = body.replace("</s:Header>", '<x xmlns="urn:x" s:mustUnderstand="1"/></s:Header>')
    answer = await post(house, other)
    assert answer.status_code == 400
    assert "MustUnderstand" in answer.text
    bare = body.partition("<s:Header>")[0] + body.partition("</s:Header>")[2]
    assert (await post(house, bare)).status_code == 401


# Pages of portals.


async def test_pages_of_portals_may_call_and_no_others(house: House) -> None:
    await add_portal(house)
    await add_portal(house, "second", origins=["https://second.example"])
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    for path in ("/graphql", "/oauth/token", "/rest/v1/files"):
        there = await house.http.options(path, headers=asked | {"Origin": ORIGIN})
        assert there.status_code == 204, path
        assert there.headers["access-control-allow-origin"] == ORIGIN
        assert "authorization" in there.headers["access-control-allow-headers"]
        assert "access-control-allow-credentials" not in there.headers
        for origin in ("https://evil.example", "null", f"{ORIGIN}.evil.example", "https://PORTAL.example"):
            no = await house.http.options(path, headers=asked | {"Origin": origin})
            assert no.status_code != 204, origin
            assert "access-control-allow-origin" not in no.headers, origin
    person = await enter(house, await add_user(house, "anna@north.example"))
    for origin, allowed in ((ORIGIN, ORIGIN), ("https://second.example", None), ("https://evil.example", None)):
        answer = await house.http.post("/graphql", json=ASK, headers=person.bearer | {"Origin": origin})
        assert answer.status_code == 200
        assert answer.headers.get("access-control-allow-origin") == allowed
        assert "origin" in answer.headers["vary"].lower()
    refused = await house.http.post("/graphql", json=ASK, headers={"Origin": ORIGIN, "Authorization": "Bearer x"})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == ORIGIN, "so that the page learns it"
    assert (
        "access-control-allow-origin"
        not in (await house.http.options("/soap", headers=asked | {"Origin": ORIGIN})).headers
    )


async def test_on_whose_behalf_somebody_acts_stands_in_the_trail_and_opens_nothing(house: House) -> None:
    made = await new_key(house)
    headers = {"Tollwright-On-Behalf-Of": "Anna Berg"}
    body = {
        "query": "mutation($k: ID!) { revokeApiKey(key: $k) { __typename } }",
        "variables": {"k": made["key"]["id"]},
    }
    assert (await house.call("reseller", "POST", "/graphql", json=body, headers=headers)).status_code == 200
    async with house.database.transaction(role=OWNER) as unit:
        row = await unit.connection.fetchrow("select client, behalf from audit where action = 'revoke_api_key'")
    assert (row["client"], row["behalf"]) == ("reseller", "Anna Berg")
    for wrong in ("x" * 201, " "):
        answer = await house.call("reseller", "POST", "/graphql", json=ASK, headers={"Tollwright-On-Behalf-Of": wrong})
        assert answer.status_code == 400


async def test_portals_are_made_with_addresses_that_are_safe(house: House) -> None:
    query = """mutation($i: CreatePortalInput!) { createPortal(input: $i) { __typename
     ... on NewPortal { secret client { clientId portal { public } } } ... on Refusal { code field } } }"""
    asked = {"name": "p", "scopes": ["customers:read"], "redirectUris": ["https://p.example/back"]}
    made = await graphql(house, "operator", query, i=asked)
    assert made["secret"] is None
    assert made["client"]["portal"] == {"public": True}
    kept = await graphql(house, "operator", query, i=asked | {"public": False})
    assert kept["secret"]
    for wrong, field in (
        ({"redirectUris": ["http://p.example/back"]}, "redirectUris.0"),
        ({"redirectUris": ["https://p.example/back#x"]}, "redirectUris.0"),
        ({"redirectUris": ["https://u@p.example/back"]}, "redirectUris.0"),
        ({"redirectUris": ["javascript:alert(1)"]}, "redirectUris.0"),
        ({"redirectUris": []}, "redirectUris"),
        ({"origins": ["https://p.example/"]}, "origins.0"),
        ({"origins": ["*"]}, "origins.0"),
        ({"loginUrl": "http://p.example"}, "loginUrl"),
        ({"scopes": []}, "scopes"),
    ):
        refused = await graphql(house, "operator", query, i=asked | wrong)
        assert (refused["code"], refused["field"]) == ("BAD_VALUE", field)
    no = await graphql(house, "reseller", query, i=asked | {"reseller": global_id("Reseller", 2)})
    assert no["code"] == "NOT_FOUND"
    no = await graphql(house, "reseller", query, i=asked | {"scopes": ["costs:read"]})
    assert no["code"] == "BAD_VALUE"
    ok = await graphql(house, "reseller", query, i=asked)
    assert (await ask_clients(house)) >= {ok["client"]["clientId"]}


async def ask_clients(house: House) -> set[str]:
    return {one["clientId"] for one in await graphql(house, "reseller", "{ clients { clientId } }")}

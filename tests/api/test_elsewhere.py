"""Signing in at an operator's own identity provider: a real one, over HTTP, that says what a test wants it to say."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest
import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from api.app import application
from api.graphql.ids import global_id
from integrations.oidc import CheckedOidc
from integrations.transports.addresses import read_networks
from integrations.transports.http import CheckedHttp
from persistence.engine import OWNER
from tests.api.conftest import House
from tests.api.entrance import BACK, add_portal, add_user, form, pkce
from tests.api.holdings import plainly

SECRET = "of our client there: å&="


@dataclass
class Provider:
    """A provider with one person, who says yes at once."""

    issuer: str
    clock: Any
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "p1"}))
    claims: dict[str, Any] = field(default_factory=dict)
    drop: set[str] = field(default_factory=set)
    asked: dict[str, dict[str, str]] = field(default_factory=dict)
    signs: Any = None
    alg: str = "ES256"
    error: str | None = None

    def routes(self) -> list[Route]:
        return [
            Route("/.well-known/openid-configuration", self.discovery),
            Route("/authorize", self.authorize),
            Route("/token", self.token, methods=["POST"]),
            Route("/jwks", self.jwks),
        ]

    async def discovery(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        if self.error:
            return RedirectResponse(f"{asked['redirect_uri']}?error={self.error}&state={asked['state']}")
        code = secrets.token_urlsafe(8)
        self.asked[code] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?code={code}&state={asked['state']}")

    async def jwks(self, _: Request) -> Response:
        return JSONResponse({"keys": [{**self.key.as_dict(private=False), "kid": "p1"}]})

    async def token(self, request: Request) -> Response:
        fields = dict(parse_qsl((await request.body()).decode()))
        asked = self.asked.pop(fields["code"], None)
        pair = base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
        made = hashlib.sha256(fields["code_verifier"].encode()).digest()
        right = asked and asked["code_challenge"] == base64.urlsafe_b64encode(made).decode().rstrip("=")
        if not right or not asked or pair != "us:of%20our%20client%20there%3A%20%C3%A5%26%3D":
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(self.clock.now().timestamp())
        claims = {
            "iss": self.issuer, "aud": "us", "sub": "p-17", "iat": now, "exp": now + 300, "nonce": asked["nonce"],
            "email": "anna@north.example", "email_verified": True, "name": "Anna", "groups": ["staff", "desk"],
            "amr": ["pwd"],
        } | self.claims  # fmt: skip
        told = {name: value for name, value in claims.items() if name not in self.drop}
        signed = jwt.encode({"alg": self.alg, "kid": "p1"}, told, self.signs or self.key, algorithms=[self.alg])
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": signed})


@pytest.fixture
async def provider(house: House) -> AsyncIterator[Provider]:
    """A provider on this machine, which this installation may reach."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    made = Provider(f"http://127.0.0.1:{listener.getsockname()[1]}", house.clock)
    app = Starlette(routes=made.routes())
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none", access_log=False))
    running = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110  (uvicorn has no event for it)
        await asyncio.sleep(0.01)
    reached = CheckedOidc(CheckedHttp(read_networks("127.0.0.0/8")))
    wiring = replace(house.wiring, oidc=reached)
    transport = httpx.ASGITransport(app=await application(wiring), client=("192.0.2.7", 4711))
    await house.http.aclose()
    try:
        async with httpx.AsyncClient(transport=transport, base_url="https://billing.example") as http:
            house.wiring, house.http = wiring, http
            await add_portal(house)
            yield made
    finally:
        server.should_exit = True
        await running
        listener.close()


async def graphql(house: House, query: str, client: str = "operator", **variables: Any) -> Any:
    answer = await house.call(client, "POST", "/graphql", json={"query": query, "variables": variables})
    (value,) = answer.json()["data"].values()
    return value


async def level(house: House, name: str) -> str:
    async with house.database.transaction(role=OWNER) as unit:
        key = await unit.connection.fetchval("select id from user_level where operator = 1 and built_in = $1", name)
    return global_id("UserLevel", key)


CREATE = """mutation($i: CreateIdentityProviderInput!) { createIdentityProvider(input: $i) { __typename
 ... on IdentityProvider { id version hasSecret rules { claim value } } ... on Refusal { code field message } } }"""


async def registered(house: House, provider: Provider, **fields: Any) -> Any:
    rules = [
        {"claim": "groups", "value": "boss", "level": await level(house, "administrator")},
        {"claim": "groups", "value": "desk", "level": await level(house, "support")},
    ]
    asked = {
        "name": "entra", "issuer": provider.issuer, "clientId": "us", "secret": SECRET, "rules": rules,
        "makesUsers": True,
    } | fields  # fmt: skip
    return await graphql(house, CREATE, i=asked)


BEGIN = """mutation($i: SignInElsewhereInput!) { signInElsewhere(input: $i) { __typename
 ... on Elsewhere { url } ... on Refusal { code field } } }"""


async def begun(house: House, **fields: Any) -> tuple[Any, str]:
    """Ask where to go, without a token; return that and the portal's verifier."""
    verifier, challenge = pkce()
    asked = {
        "clientId": "portal", "provider": "entra", "redirectUri": BACK, "codeChallenge": challenge,
        "state": "portal's own state", "nonce": "portal's nonce",
    } | fields  # fmt: skip
    answer = await house.http.post("/graphql", json={"query": BEGIN, "variables": {"i": asked}})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["signInElsewhere"], verifier


async def walked(house: House, url: str) -> str:
    """Go where a browser goes: to the provider, back here; return where it is sent then."""
    async with httpx.AsyncClient() as browser:
        there = await browser.get(url)
    back = await house.http.get(there.headers["location"])
    assert back.status_code == 303, back.text
    return back.headers["location"]


async def tried(house: House) -> tuple[dict[str, str], str]:
    begun_, verifier = await begun(house)
    location = await walked(house, begun_["url"])
    assert location.startswith(f"{BACK}?")
    return {name: one[0] for name, one in parse_qs(urlsplit(location).query).items()}, verifier


async def test_somebody_signs_in_at_the_provider_and_gets_the_level_of_his_group(
    house: House, provider: Provider
) -> None:
    made = await registered(house, provider)
    assert made["__typename"] == "IdentityProvider", made
    assert made["hasSecret"]
    came, verifier = await tried(house)
    assert came["state"] == "portal's own state"
    tokens = (await house.http.post("/oauth/token", data=form(came["code"], verifier))).json()
    told = await house.http.get("/oauth/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert told.json()["email"] == "anna@north.example"
    assert told.json()["level"] == "Support"
    async with house.database.transaction(role=OWNER) as unit:
        assert await unit.connection.fetchval("select factor from user_session") == "idp"
        sealed = await unit.connection.fetchval("select sealed_secret from identity_provider")
        assert SECRET.encode() not in sealed
        assert await unit.connection.fetchval("select count(*) from provider_attempt") == 0
    provider.claims = {"email": "new@north.example", "groups": ["boss"], "amr": ["pwd", "mfa"]}
    came, _ = await tried(house)
    assert "code" in came, "known again by the subject, under another address"
    async with house.database.transaction(role=OWNER) as unit:
        row = await unit.connection.fetchrow(
            "select count(*) over () as people, l.built_in from app_user u join user_level l on l.id = u.level"
        )
    assert (row["people"], row["built_in"]) == (1, "administrator")


async def test_who_was_invited_is_known_by_a_verified_address_alone(house: House, provider: Provider) -> None:
    await registered(house, provider, makesUsers=False, rules=[])
    assert (await tried(house))[0]["error"] == "access_denied", "a stranger"
    user = await add_user(house, "Anna@north.example", level="seller")
    provider.claims = {"email_verified": False}
    assert (await tried(house))[0]["error"] == "access_denied"
    provider.claims = {"email_verified": "true"}
    assert (await tried(house))[0]["error"] == "access_denied"
    provider.claims = {}
    assert "code" in (await tried(house))[0]
    async with house.database.transaction(role=OWNER) as unit:
        assert await unit.connection.fetchval("select user_id from provider_subject") == user
        await unit.connection.execute("update app_user set state = 'disabled'")
    assert (await tried(house))[0]["error"] == "access_denied"


async def test_who_is_in_no_group_of_the_rules_or_lacks_a_second_factor_stays_out(
    house: House, provider: Provider
) -> None:
    await registered(house, provider)
    provider.claims = {"groups": ["staff"]}
    assert (await tried(house))[0]["error"] == "access_denied"
    provider.claims = {"groups": ["boss"]}
    came, _ = await tried(house)
    assert "second factor" in came["error_description"]
    provider.error = "login_required"
    assert (await tried(house))[0]["error"] == "access_denied"


async def test_a_resellers_person_is_not_taken_by_the_operators_provider(house: House, provider: Provider) -> None:
    await registered(house, provider)
    await add_user(house, "anna@north.example", reseller=1, level="reseller_support")
    assert (await tried(house))[0]["error"] == "access_denied"


WRONG: dict[str, dict[str, Any]] = {
    "another's nonce": {"claims": {"nonce": "x"}},
    "no nonce": {"drop": {"nonce"}},
    "for another": {"claims": {"aud": "them"}},
    "for two, made for another": {"claims": {"aud": ["us", "them"], "azp": "them"}},
    "by another": {"claims": {"iss": "https://evil.example"}},
    "over": {"claims": {"exp": 1}},
    "old": {"claims": {"iat": 1_000_000_000}},
    "of nobody": {"drop": {"sub"}},
    "signed by another": {"signs": ECKey.generate_key("P-256", {"kid": "p1"})},
    "signed by a secret": {"signs": OctKey.import_key(SECRET + "-" * 32), "alg": "HS256"},
}


@pytest.mark.parametrize("kind", WRONG)
async def test_an_id_token_that_is_not_right_lets_nobody_in(house: House, provider: Provider, kind: str) -> None:
    await registered(house, provider)
    for name, value in WRONG[kind].items():
        setattr(provider, name, value)
    came, _ = await tried(house)
    assert came["error"] == "access_denied"
    assert "HTTP" not in came["error_description"], "it is the ID token that is wrong"
    async with house.database.transaction(role=OWNER) as unit:
        assert await unit.connection.fetchval("select count(*) from app_user") == 0
        assert await unit.connection.fetchval("select count(*) from user_session") == 0


async def test_a_sign_in_comes_back_once_and_in_its_time(house: House, provider: Provider) -> None:
    await registered(house, provider)
    there, _ = await begun(house)
    async with httpx.AsyncClient() as browser:
        place = (await browser.get(there["url"])).headers["location"]
    assert (await house.http.get(place)).status_code == 303
    again = await house.http.get(place)
    assert again.status_code == 400
    assert (await house.http.get("/oauth/callback?state=guess&code=x")).status_code == 400


async def test_a_provider_is_the_administrators_to_register_and_reached_with_care(
    house: House, provider: Provider
) -> None:
    made = await registered(house, provider)
    assert (await registered(house, provider))["code"] == "CONFLICT"
    for wrong, name in (
        ({"name": "b", "issuer": f"{provider.issuer}/other"}, "issuer"),
        ({"name": "b", "issuer": "http://169.254.169.254"}, "issuer"),
        ({"name": "b", "issuer": "https://10.0.0.1"}, "issuer"),
        ({"name": "b", "issuer": "ftp://x"}, "issuer"),
        ({"name": "B!"}, "name"),
        ({"name": "b", "scopes": ["email"]}, "scopes"),
    ):
        refused = await registered(house, provider, **wrong)
        assert (refused["code"], refused["field"]) == ("BAD_VALUE", name), refused
    rule = {"claim": "groups", "value": "boss", "level": await level(house, "support")}
    asked = {"name": "c", "issuer": provider.issuer, "clientId": "us", "secret": SECRET}
    strangers = (
        ("other", {"rules": [rule]}, {"rules": [rule | {"level": global_id("UserLevel", 999_999)}]}),
        ("reseller", {"reseller": global_id("Reseller", 2)}, {"reseller": global_id("Reseller", 999_999)}),
        ("other", {"reseller": global_id("Reseller", 1)}, {"reseller": global_id("Reseller", 999_999)}),
    )
    for client, anothers, nobodys in strangers:
        found = [await graphql(house, CREATE, client, i=asked | more) for more in (anothers, nobodys)]
        assert plainly(str(found[0])) == plainly(str(found[1])), (client, anothers)
        assert found[0]["code"] == "NOT_FOUND", (client, found)
    change = """mutation($i: ChangeIdentityProviderInput!) { changeIdentityProvider(input: $i) { __typename
     ... on IdentityProvider { active version } ... on Refusal { code } } }"""
    asked = {"provider": made["id"], "version": 1, "active": False}
    for client in ("reseller", "other"):
        assert (await graphql(house, change, client, i=asked))["code"] == "NOT_FOUND"
    assert (await graphql(house, change, i=asked))["version"] == 2
    assert (await graphql(house, change, i=asked))["code"] == "STALE"
    assert (await begun(house))[0]["code"] == "NOT_FOUND", "it is not used any more"
    remove = """mutation($p: ID!) { removeIdentityProvider(provider: $p, version: 2) { __typename } }"""
    assert (await graphql(house, remove, p=made["id"]))["__typename"] == "IdentityProvider"
    assert await graphql(house, "{ identityProviders { name } }") == []

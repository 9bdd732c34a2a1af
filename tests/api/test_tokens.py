"""Tokens: how they are got, what is in them, and the attacks J1 to J5 and P5 of the list in docs/security.md."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from api.auth import bearer
from api.auth.tokens import Tokens, make_key
from domain.access.actor import Action
from persistence.engine import OWNER
from tests.api.conftest import NOW, SECRET, House, add_client

FILES = "/metrics"


async def _try(house: House, token: str) -> int:
    answer = await house.http.get(FILES, headers={"Authorization": f"Bearer {token}"})
    return answer.status_code


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    head, body, signature = token.split(".")
    return _json(head), _json(body), signature


def _json(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


def _b64(value: dict[str, Any] | bytes) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


async def _own_key(house: House) -> ECKey:
    stored = await house.wiring.credentials.keys(lambda: make_key(NOW))
    return ECKey.import_key(stored[0].private_pem)


async def test_basic_and_post_both_give_a_token_of_the_profile(house: House) -> None:
    secret = SECRET.format("reseller")
    basic = await house.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=("reseller", secret))
    form = {"grant_type": "client_credentials", "client_id": "reseller", "client_secret": secret}
    post = await house.http.post("/oauth/token", data=form)
    for answer in (basic, post):
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        body = answer.json()
        assert body["token_type"] == "Bearer"
        assert body["expires_in"] == 3600
        head, claims, _ = _parts(body["access_token"])
        assert head["typ"] == "at+jwt"
        assert head["alg"] == "ES256"
        assert claims["iss"] == claims["aud"] == "https://billing.example"
        assert claims["operator"] == 1
        assert claims["reseller"] == 1
        assert claims["client_id"] == "reseller"
        assert claims["exp"] - claims["iat"] == 3600
        assert set(claims["scope"].split()) == set(body["scope"].split())
    assert _parts(basic.json()["access_token"])[1]["jti"] != _parts(post.json()["access_token"])[1]["jti"]


async def test_a_reseller_is_never_given_what_is_the_operators_alone(house: House) -> None:
    _, claims, _ = _parts(await house.token("reseller"))
    assert "costs:read" not in claims["scope"]
    assert "customers:read" in claims["scope"]
    asked = await house.http.post(
        "/oauth/token",
        data={"grant_type": "client_credentials", "scope": "costs:read"},
        auth=("reseller", SECRET.format("reseller")),
    )
    assert asked.status_code == 400
    assert asked.json()["error"] == "invalid_scope"


@pytest.mark.parametrize("scope", ["nonsense", "customers:read nonsense", "customers:write"])
async def test_a_scope_that_is_not_the_clients_is_refused_not_left_out(house: House, scope: str) -> None:
    await add_client(house.database, "narrow", 1, scopes={Action.READ_CUSTOMERS})
    fields = {"grant_type": "client_credentials", "scope": scope}
    answer = await house.http.post("/oauth/token", data=fields, auth=("narrow", SECRET.format("narrow")))
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_scope"


async def test_an_unknown_client_and_a_wrong_secret_are_answered_alike(house: House) -> None:
    fields = {"grant_type": "client_credentials"}
    wrong = await house.http.post("/oauth/token", data=fields, auth=("operator", "guess"))
    unknown = await house.http.post("/oauth/token", data=fields, auth=("nobody", "guess"))
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert wrong.json()["error"] == "invalid_client"
    assert "secret is wrong" in wrong.json()["error_description"]
    assert "www-authenticate" in wrong.headers or wrong.json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"scope": "customers:read"}, "unsupported_grant_type"),
        ({}, "invalid_request"),
        ({"grant_type": "client_credentials", "client_secret": "also here"}, "invalid_request"),
    ],
)
async def test_a_wrong_token_request_is_worded_by_the_standard(
    house: House, fields: dict[str, str], error: str
) -> None:
    answer = await house.http.post("/oauth/token", data=fields, auth=("operator", SECRET.format("operator")))
    assert answer.status_code == 400
    assert answer.json()["error"] == error


async def test_a_token_request_that_is_no_form_or_too_large(house: House) -> None:
    auth = ("operator", SECRET.format("operator"))
    as_json = await house.http.post("/oauth/token", json={"grant_type": "client_credentials"}, auth=auth)
    assert as_json.status_code == 400
    twice = "grant_type=client_credentials&grant_type=client_credentials"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await house.http.post("/oauth/token", content=twice, headers=headers, auth=auth)).status_code == 400
    large = "grant_type=client_credentials&x=" + "y" * 20_000
    assert (await house.http.post("/oauth/token", content=large, headers=headers, auth=auth)).status_code == 413


async def test_a_valid_token_opens_and_a_missing_one_does_not(house: House) -> None:
    assert await _try(house, await house.token("operator")) == 200
    answer = await house.http.get(FILES)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_j1_a_token_without_a_signature_is_refused(house: House) -> None:
    head, claims, signature = _parts(await house.token("operator"))
    for algorithm in ("none", "None", "NONE", "nOnE"):
        forged = f"{_b64(head | {'alg': algorithm})}.{_b64(claims)}"
        assert await _try(house, f"{forged}.") == 401
        assert await _try(house, f"{forged}.{signature}") == 401
    assert await _try(house, f"{_b64(head)}.{_b64(claims)}.") == 401


async def test_j2_the_public_key_is_no_shared_secret(house: House) -> None:
    head, claims, _ = _parts(await house.token("operator"))
    key = await _own_key(house)
    for secret in (key.as_pem(private=False), json.dumps(key.as_dict(private=False)).encode()):
        signed = f"{_b64(head | {'alg': 'HS256'})}.{_b64(claims)}"
        signature = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
        assert await _try(house, f"{signed}.{_b64(signature)}") == 401


@pytest.mark.parametrize("kid", ["../../dev/null", "x' union select 'k", "", 7, None, {"a": 1}])
async def test_j3_a_strange_kid_is_a_stranger(house: House, kid: object) -> None:
    head, claims, _ = _parts(await house.token("operator"))
    signed = f"{_b64(head | {'kid': kid})}.{_b64(claims)}"
    key = await _own_key(house)
    good = jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": "x"}, claims, key).rsplit(".", 1)[1]
    assert await _try(house, f"{signed}.{good}") == 401


async def test_j4_a_key_that_the_token_brings_is_ignored(house: House) -> None:
    head, claims, _ = _parts(await house.token("operator"))
    mine = ECKey.generate_key("P-256")
    for extra in (
        {"jwk": mine.as_dict(private=False)},
        {"jku": "https://attacker.example/jwks"},
        {"x5u": "https://attacker.example/cert"},
    ):
        for kid in (head["kid"], mine.thumbprint()):
            forged = jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": kid} | extra, dict(claims), mine)
            assert await _try(house, forged) == 401


@pytest.mark.parametrize(
    "change",
    [
        {"exp": int(NOW.timestamp()) - 1},
        {"nbf": int(NOW.timestamp()) + 600},
        {"iat": int(NOW.timestamp()) + 600},
        {"aud": "https://other.example"},
        {"iss": "https://other.example"},
        {"exp": int(NOW.timestamp()) + 90_000},
        {"operator": 2},
        {"reseller": 1},
        {"client_id": "nobody"},
        {"exp": None},
        {"exp": "tomorrow"},
        {"operator": None},
    ],
)
async def test_j5_a_token_that_does_not_hold_is_refused(house: House, change: dict[str, object]) -> None:
    _, claims, _ = _parts(await house.token("operator"))
    key = await _own_key(house)
    header = {"alg": "ES256", "typ": "at+jwt", "kid": key.thumbprint()}
    again = jwt.encode(header, dict(claims), key)
    assert await _try(house, again) == 200, "the key and the header are right, so only the change is refused"
    assert await _try(house, jwt.encode(header, claims | change, key)) == 401


async def test_j5_another_kind_of_token_and_a_changed_one_are_refused(house: House) -> None:
    token = await house.token("operator")
    head, claims, signature = _parts(token)
    key = await _own_key(house)
    for kind in ("JWT", "rt+jwt", "id+jwt"):
        other = jwt.encode({"alg": "ES256", "typ": kind, "kid": key.thumbprint()}, dict(claims), key)
        assert await _try(house, other) == 401
    raised = claims | {"scope": claims["scope"] + " more"}
    assert await _try(house, f"{_b64(head)}.{_b64(raised)}.{signature}") == 401
    for wrong in ("", "a.b.c", "....", token[:-4] + "AAAA", token + "x", "x" * 10_000, "é.é.é"):
        answer = await house.http.get(FILES, headers=[(b"authorization", f"Bearer {wrong}".encode())])
        assert answer.status_code == 401, wrong[:20]


async def test_j5_a_token_ends_after_an_hour(house: House) -> None:
    token = await house.token("operator")
    house.clock.at = NOW + timedelta(minutes=59)
    assert await _try(house, token) == 200
    house.clock.at = NOW + timedelta(minutes=60, seconds=1)
    assert await _try(house, token) == 401


async def test_a_revoked_client_and_a_lost_scope_hold_within_seconds(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await house.token("operator")
    assert await _try(house, token) == 200
    monkeypatch.setattr("api.auth.bearer.CACHE_SECONDS", 0.0)
    async with house.database.transaction(role=OWNER) as unit:
        await unit.connection.execute("update api_client set scopes = '{customers:read}' where client_id = 'operator'")
    assert await _try(house, token) == 403
    async with house.database.transaction(role=OWNER) as unit:
        await unit.connection.execute("update api_client set revoked_at = now() where client_id = 'operator'")
    assert await _try(house, token) == 401
    again = await house.http.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, auth=("operator", SECRET.format("operator"))
    )
    assert again.status_code == 401


def test_what_is_remembered_of_a_client_is_forgotten_within_ten_seconds() -> None:
    assert bearer.CACHE_SECONDS <= 10


@pytest.mark.parametrize("name", ["access_token", "api_key", "client_secret", "Token", "key"])
async def test_p5_a_secret_in_the_url_is_refused_and_not_logged(
    house: House, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    token = await house.token("operator")
    caplog.clear()
    answer = await house.http.get(FILES, params={name: token}, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 400
    assert answer.json()["code"] == "secret_in_url"
    ours = "".join(one.getMessage() for one in caplog.records if one.name.startswith("tollwright"))
    assert ours
    assert token not in ours


async def test_two_processes_agree_on_one_signing_key(house: House) -> None:
    key = await _own_key(house)
    stored = await house.wiring.credentials.keys(lambda: pytest.fail("there is one already"))
    assert [one.kid for one in stored] == [key.thumbprint()]
    jwks = (await house.http.get("/oauth/jwks")).json()
    assert [one["kid"] for one in jwks["keys"]] == [key.thumbprint()]
    assert "d" not in jwks["keys"][0], "the private half never leaves"


async def test_discovery_names_what_exists(house: House) -> None:
    body = (await house.http.get("/.well-known/oauth-authorization-server")).json()
    assert body["issuer"] == "https://billing.example"
    assert set(body["scopes_supported"]) == {action.value for action in Action} | {"openid", "profile", "email"}
    for url in (body["token_endpoint"], body["jwks_uri"]):
        assert url.startswith("https://billing.example/oauth/")


def test_a_retired_key_is_not_believed() -> None:
    class Still:
        def now(self) -> Any:
            return NOW

    old, new = replace(make_key(NOW), retired_at=NOW), make_key(NOW)
    tokens = Tokens.of("https://a", [new, old], Still())
    assert set(tokens.keys) == {new.kid}

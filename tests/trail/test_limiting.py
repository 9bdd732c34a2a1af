"""Limits of rates: shared by processes, told alike by every protocol, and not escaped by a header (A12, L2, P1)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from api.app import application
from api.auth.gate import forwarded
from api.settings import Settings
from domain.access.rate import Rate
from integrations.transports.addresses import read_networks
from persistence.engine import OWNER, Database
from persistence.limiting import MemoryBuckets, StoredBuckets
from persistence.memory import MemoryDatabase
from tests.api.conftest import House, house
from tests.signing_in.people import REDIRECT, make_portal, person

__all__ = ["house"]


@asynccontextmanager
async def another(house: House, address: str = "192.0.2.7", **settings: Any) -> AsyncIterator[House]:
    """Return the same installation with other settings, as another process of it serves it."""
    wiring = replace(house.wiring, settings=replace(house.wiring.settings, **settings))
    transport = httpx.ASGITransport(app=await application(wiring), client=(address, 4711))
    async with httpx.AsyncClient(transport=transport, base_url="https://billing.example") as http:
        yield House(wiring, house.database, house.clock, http, house.tokens)


@pytest.fixture(params=["memory", "postgresql"])
def buckets(request: pytest.FixtureRequest) -> Callable[[], Any]:
    if request.param == "memory":
        one = MemoryBuckets(MemoryDatabase())
        return lambda: one
    database: Database = request.getfixturevalue("database")
    return lambda: StoredBuckets(database)


async def test_a_bucket_gives_no_token_twice(buckets: Callable[[], Any]) -> None:
    """Many processes at the same moment: together they get what is in it."""
    rate = Rate(0.001, 100)
    given = await asyncio.gather(*(buckets().take("k", 7, rate) for _ in range(30)))
    assert sum(count for count, _ in given) == 100
    assert (await buckets().take("other", 7, rate))[0] == 7


async def test_a_bucket_fills_again(buckets: Callable[[], Any]) -> None:
    rate = Rate(50, 5)
    assert (await buckets().take("k", 9, rate))[0] == 5
    await asyncio.sleep(0.1)
    assert 1 <= (await buckets().take("k", 9, rate))[0] <= 5


async def test_two_processes_let_no_more_pass_than_one(house: House) -> None:
    token = await house.token("operator")
    headers = {"Authorization": f"Bearer {token}"}
    limits: dict[str, Any] = {"requests_per_second_client": 2}
    async with another(house, **limits) as one, another(house, **limits) as two:
        answers = await asyncio.gather(
            *(each.http.get("/rest/v1/files", headers=headers) for _ in range(20) for each in (one, two))
        )
    found = Counter(answer.status_code for answer in answers)
    # A burst of five seconds' worth, and what has come meanwhile.
    assert 10 <= found[200] <= 20
    assert found[200] + found[429] == 40


async def test_every_protocol_says_when_to_come_again(house: House) -> None:
    token = await house.token("operator")
    headers = {"Authorization": f"Bearer {token}"}
    async with another(house, requests_per_second_client=1) as slow:
        for _ in range(6):
            answer = await slow.http.get("/rest/v1/files", headers=headers)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.headers["ratelimit-policy"] == '"client";q=5;w=5'
        assert answer.headers["ratelimit"].startswith('"client";r=0;t=')
        assert (answer.json()["code"], answer.headers["content-type"]) == ("rate_limited", "application/problem+json")
        answer = await slow.http.post("/graphql", headers=headers, json={"query": "{ operator { name } }"})
        assert answer.status_code == 429
        assert answer.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
        for media, mark in (("text/xml", "env:Client.rate_limited"), ("application/soap+xml", "env:Sender")):
            answer = await slow.http.post("/soap", headers=headers | {"Content-Type": media}, content=b"<x/>")
            assert answer.status_code == 429
            assert mark in answer.text
            assert answer.headers["retry-after"]
    # Another client is not concerned.
    assert (await house.call("reseller", "GET", "/rest/v1/files")).status_code == 403


async def test_p1_attempts_to_sign_in_are_counted_one_by_one(house: House) -> None:
    await house.token("operator")
    async with another(house, sign_ins_per_minute=4) as strict:
        codes = [
            (await strict.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=("operator", "no")))
            .status_code
            for _ in range(8)
        ]  # fmt: skip
        assert codes[:4] == [401] * 4
        assert codes[4:] == [429] * 4
        # Who has a token goes on, and so does another address.
        assert (await strict.call("operator", "GET", "/rest/v1/files")).status_code == 200
    async with another(house, address="192.0.2.8", sign_ins_per_minute=5) as other:
        answer = await other.http.post(
            "/oauth/token", data={"grant_type": "client_credentials"}, auth=("operator", "no")
        )
        assert answer.status_code == 401


async def test_going_on_with_a_session_is_no_attempt_to_sign_in_unless_it_fails(house: House) -> None:
    portal = await make_portal(house)
    await person(house, "anna@north.example", of="support")
    signed = await portal.login("anna@north.example")
    fields = {"grant_type": "authorization_code", "client_id": portal.client_id, "redirect_uri": REDIRECT}
    fields |= {"code": signed["code"], "code_verifier": portal.verifier}
    refresh = (await house.http.post("/oauth/token", data=fields)).json()["refresh_token"]
    async with another(house, sign_ins_per_minute=3) as strict:

        async def renew(token: str) -> httpx.Response:
            asked = {"grant_type": "refresh_token", "client_id": portal.client_id, "refresh_token": token}
            return await strict.http.post("/oauth/token", data=asked)

        for _ in range(6):
            answer = await renew(refresh)
            assert answer.status_code == 200, answer.text
            refresh = answer.json()["refresh_token"]
        assert [(await renew("1-guessed")).status_code for _ in range(5)] == [400, 400, 400, 429, 429]
        assert (await renew(refresh)).status_code == 200


async def test_p1_a_host_that_has_a_network_of_addresses_is_one(house: House) -> None:
    codes = []
    for last in range(4):
        async with another(house, address=f"2001:db8:7::{last + 1}", sign_ins_per_minute=3) as strict:
            answer = await strict.http.post(
                "/oauth/token", data={"grant_type": "client_credentials"}, auth=("operator", "no")
            )
            codes.append(answer.status_code)
    assert codes == [401, 401, 401, 429]


async def test_l2_a_forged_header_escapes_nothing(house: House) -> None:
    async with another(house, sign_ins_per_minute=3) as strict:
        codes = [
            (await strict.http.post("/oauth/token", data={}, headers={"X-Forwarded-For": f"198.51.100.{index}"}))
            .status_code
            for index in range(5)
        ]  # fmt: skip
    assert codes[3:] == [429, 429]


@pytest.mark.parametrize(
    ("peer", "header", "found"),
    [
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_l2_only_what_our_proxies_wrote_is_read(peer: str, header: str, found: str) -> None:
    scope = {"type": "http", "client": (peer, 1), "headers": [(b"x-forwarded-for", header.encode())]}
    assert (forwarded(scope, read_networks("10.0.0.0/8")) or ("",))[0] == found


async def test_a12_who_counts_through_keys_is_slowed_down_and_told_of(house: House) -> None:
    query = {"query": 'query { customer(number: "%s") { name } }'}
    async with another(house, missing_per_minute=20) as strict:
        codes = []
        for index in range(60):
            body = {"query": query["query"] % f"none-{index}"}
            codes.append((await strict.call("operator", "POST", "/graphql", json=body)).status_code)
        assert codes[:20] == [200] * 20
        assert codes.count(429) > 10
        # Somebody else of the same operator is not concerned.
        assert (
            await strict.call("reseller", "POST", "/graphql", json={"query": "{ operator { name } }"})
        ).status_code == 200
    async with house.database.transaction(role=OWNER) as unit:
        rows = await unit.connection.fetch("select kind, subject, count from alarm")
    assert [(row["kind"], row["subject"]) for row in rows] == [("enumeration", "client operator")]


async def test_what_an_operator_set_holds_in_place_of_the_installations(house: House) -> None:
    async with house.database.transaction(role=OWNER) as unit:
        await unit.connection.execute(
            "insert into rate_limit (operator, client, per_second, burst) values (1, 'reseller', 0.5, 2),"
            " (1, '', 50, 50)"
        )
    await house.token("reseller")
    async with another(house) as one:
        # What was set is read beside the first request.
        codes = [(await one.call("reseller", "GET", "/rest/v1/files")).status_code for _ in range(6)]
        assert codes.count(429) >= 3
        assert (await one.call("operator", "GET", "/rest/v1/files")).status_code == 200


def test_settings_without_limits_are_possible() -> None:
    assert Settings(requests_per_second_client=0).requests_per_second_client == 0

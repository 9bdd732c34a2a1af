"""Registered documents of GraphQL: asked for by their SHA-256, and where that is set, nothing else."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.api.conftest import House, house
from tests.trail.test_limiting import another

__all__ = ["house"]
DOCUMENT = "query Name { operator { name } }"
SHA256 = hashlib.sha256(DOCUMENT.encode()).hexdigest()
REGISTER = """mutation($document: String!) { registerDocument(input: {name: "name", document: $document}) {
    ... on RegisteredDocument { sha256 name } ... on Refusal { code message field } } }"""


async def ask(house: House, client: str, **body: Any) -> Any:
    return (await house.call(client, "POST", "/graphql", json=body)).json()


def named(sha256: str = SHA256) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256}}}


async def register(house: House, document: str = DOCUMENT) -> Any:
    answer = await ask(house, "operator", query=REGISTER, variables={"document": document})
    return answer["data"]["registerDocument"]


async def test_a_registered_document_is_asked_for_by_its_sha256(house: House) -> None:
    assert (await ask(house, "operator", **named()))["code"] == "persisted_query_not_found"
    assert await register(house) == {"sha256": SHA256, "name": "name"}
    assert (await ask(house, "operator", **named()))["data"] == {"operator": {"name": "North Telecom AB"}}
    # Every client of the operator asks as himself; of another operator it is not.
    assert (await ask(house, "reseller", **named()))["data"] == {"operator": {"name": "North Telecom AB"}}
    assert (await ask(house, "other", **named()))["code"] == "persisted_query_not_found"
    assert (await ask(house, "operator", query="{ operator { id } }", **named()))["code"] == "persisted_query_mismatch"
    assert "data" in await ask(house, "operator", query=DOCUMENT, **named())


async def test_nothing_is_registered_by_being_asked_for(house: House) -> None:
    await ask(house, "operator", query=DOCUMENT, **named())
    assert (await ask(house, "operator", **named()))["code"] == "persisted_query_not_found"


async def test_where_that_is_set_nothing_else_is_executed(house: House) -> None:
    await register(house)
    async with another(house, graphql_documents="only") as strict:
        assert (await ask(strict, "operator", **named()))["data"]
        assert (await ask(strict, "operator", query=DOCUMENT))["data"]
        for query in ("{ operator { id } }", DOCUMENT + " "):
            assert (await ask(strict, "operator", query=query))["code"] == "not_registered"
    async with another(house, graphql_documents="off") as plain:
        assert (await ask(plain, "operator", **named()))["code"] == "malformed"


@pytest.mark.parametrize("extensions", [{}, {"persistedQuery": 1}, {"persistedQuery": {"version": 2}}])
async def test_what_names_no_document_is_malformed(house: House, extensions: Any) -> None:
    answer = await house.call("operator", "POST", "/graphql", json={"extensions": extensions})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


async def test_only_what_fits_the_schema_is_registered_and_only_by_the_operator(house: House) -> None:
    refused = await register(house, "{ nothing }")
    assert (refused["code"], refused["field"]) == ("BAD_VALUE", "document")
    answer = await ask(house, "reseller", query=REGISTER, variables={"document": DOCUMENT})
    assert answer["data"]["registerDocument"]["code"] == "NOT_ALLOWED"
    await register(house)
    forget = 'mutation { forgetDocument(sha256: "%s") { ... on RegisteredDocument { name } ... on Refusal { code } } }'
    assert (await ask(house, "operator", query=forget % SHA256))["data"]["forgetDocument"] == {"name": "name"}
    assert (await ask(house, "operator", query=forget % SHA256))["data"]["forgetDocument"] == {"code": "NOT_FOUND"}
    assert (await ask(house, "operator", query="{ registeredDocuments { name } }"))["data"] == {
        "registeredDocuments": []
    }


async def test_limits_are_set_changed_and_taken_away(house: House) -> None:
    said = "{ ... on RateLimit { client perSecond burst version } ... on Refusal { code field } }"
    put = "mutation($i: SetRateLimitInput!) { setRateLimit(input: $i) " + said + " }"
    wanted = {"client": "reseller", "perSecond": 2.5, "burst": 10}
    answer = (await ask(house, "operator", query=put, variables={"i": wanted}))["data"]["setRateLimit"]
    assert answer == wanted | {"version": 1}
    answer = (await ask(house, "operator", query=put, variables={"i": wanted}))["data"]["setRateLimit"]
    assert answer["code"] == "STALE"
    await ask(house, "operator", query=put, variables={"i": wanted | {"burst": 20, "version": 1}})
    for wrong, field in (({"perSecond": 0}, "perSecond"), ({"burst": 0}, "burst"), ({"client": "nobody"}, "clientId")):
        answer = (await ask(house, "operator", query=put, variables={"i": wanted | wrong}))["data"]["setRateLimit"]
        assert answer["field"] == field
    assert (await ask(house, "reseller", query=put, variables={"i": wanted}))["data"]["setRateLimit"]["code"] == (
        "NOT_ALLOWED"
    )
    found = (await ask(house, "operator", query="{ rateLimits { client burst version } }"))["data"]["rateLimits"]
    assert found == [{"client": "reseller", "burst": 20, "version": 2}]
    gone = 'mutation { removeRateLimit(client: "reseller", version: 2) ' + said + " }"
    assert (await ask(house, "operator", query=gone))["data"]["removeRateLimit"]["burst"] == 20

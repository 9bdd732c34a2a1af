"""Drafts over GraphQL, for each who may call."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.api.conftest import House, house
from tests.api.test_graphql_parties import REFUSAL, gql
from tests.catalogue_work.test_drafts import document, price

__all__ = ["house"]
PUT = """mutation($n: String!, $c: JsonText) { putDraft(input: {name: $n, changes: $c}) { %s
    ... on Draft { version state changes } } }"""
PUBLISH = """mutation($n: String!, $w: Boolean!) { publishDraft(input: {name: $n, acceptWarnings: $w}) { %s
    ... on DraftPublished { began ended draft { state revision } } ... on DraftFaults { faults { path message } } } }"""
CHECK = "query($n: String!) { checkDraft(name: $n) { faults { path } warnings { path } draft { version } } }"


async def put(house: House, client: str, changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = await gql(house, client, PUT % REFUSAL, n="spring", c=json.dumps(changes))
    return dict(found["putDraft"])


async def publish(house: House, client: str, accept: bool = True) -> dict[str, Any]:
    found = await gql(house, client, PUBLISH % REFUSAL, n="spring", w=accept)
    return dict(found["publishDraft"])


async def test_a_draft_is_edited_checked_and_published(house: House) -> None:
    lists = {"extra": {"currency": "SEK", "rates": [price("Nowhere", "1")]}}
    made = await put(house, "operator", {"price_lists": lists})
    assert (made["state"], json.loads(made["changes"])) == ("OPEN", {"price_lists": lists})
    checked = (await gql(house, "operator", CHECK, n="spring"))["checkDraft"]
    assert [one["path"] for one in checked["faults"]] == ["$.price_lists.extra.rates[0].to"]
    refused = await publish(house, "operator")
    assert refused["__typename"] == "DraftFaults"
    assert refused["faults"][0]["path"] == "$.price_lists.extra.rates[0].to"
    await put(house, "operator", {"destinations": {"Nowhere": {"prefixes": ["888"]}}})
    done = await publish(house, "operator")
    assert done["draft"]["state"] == "PUBLISHED"
    text = (await gql(house, "operator", "{ tariffDocument }"))["tariffDocument"]
    assert json.loads(text)["destinations"]["Nowhere"] == {"prefixes": ["888"]}
    listed = (await gql(house, "operator", "{ drafts { edges { node { name state version } } } }"))["drafts"]["edges"]
    assert [edge["node"] for edge in listed] == [{"name": "spring", "state": "PUBLISHED", "version": 3}]


async def test_warnings_stand_in_the_way_until_they_are_accepted(house: House) -> None:
    await put(house, "operator", {"price_lists": {"cheap": {"currency": "SEK", "rates": [price("A", "1")]}}})
    await put(house, "operator", {"destinations": {"A": {"prefixes": ["881"]}, "B": {"prefixes": ["882"]}}})
    refused = await publish(house, "operator", accept=False)
    assert (refused["__typename"], refused["field"]) == ("Conflict", "acceptWarnings")
    assert (await publish(house, "operator"))["__typename"] == "DraftPublished"


async def read(house: House, client: str, text: str, **more: Any) -> dict[str, Any]:
    query = """mutation($i: ReadRateSheetInput!) { readRateSheet(input: $i) { %s ... on RateSheetRead {
        rows faults { row message } counts { kind lines } lines { kind destination percent new { steps { price } } }
        draft { state changes } } } }"""
    given = {"content": base64.b64encode(text.encode()).decode(), "priceList": "sat", "currency": "EUR"} | more
    return dict((await gql(house, client, query % REFUSAL, i=given))["readRateSheet"])


async def test_a_rate_sheet_is_previewed_and_drafted(house: House) -> None:
    text = "Prefix,Destination,Rate\n881,Satellite,1.50\n"
    seen = await read(house, "operator", text)
    assert seen["lines"] == [
        {"kind": "new", "destination": "Satellite", "percent": None, "new": {"steps": [{"price": "1.500000000"}]}}
    ]
    assert seen["draft"] is None
    drafted = await read(house, "operator", text, draft="deck", columns=[{"role": "price", "heading": "rate"}])
    assert drafted["draft"]["state"] == "OPEN"
    wrong = await read(house, "operator", "Prefix,Rate\n881,free\n")
    assert [one["row"] for one in wrong["faults"]] == [2]
    assert (await read(house, "operator", text, content="%"))["code"] == "BAD_VALUE"
    assert (await read(house, "reseller", text))["code"] == "NOT_ALLOWED"
    assert (await read(house, "sibling", text))["code"] == "NOT_ALLOWED"


@pytest.mark.parametrize("client", ["reseller", "sibling"])
async def test_a_reseller_has_no_drafts_and_no_document(house: House, client: str) -> None:
    await put(house, "operator", {"bands": {"a": {}}})
    assert (await put(house, client, document()["bands"] and {"bands": {"a": {}}}))["code"] == "NOT_ALLOWED"
    assert (await publish(house, client))["code"] == "NOT_ALLOWED"
    for query in ("{ tariffDocument }", "{ drafts { edges { node { name } } } }", '{ draft(name: "spring") { name } }'):
        body = (await house.call(client, "POST", "/graphql", json={"query": query})).json()
        assert body["errors"][0]["extensions"]["code"] == "NOT_ALLOWED"


async def test_another_operator_finds_nothing(house: House) -> None:
    await put(house, "operator", {"bands": {"a": {}}})
    assert (await publish(house, "other"))["code"] == "NOT_FOUND"
    body = (await house.call("other", "POST", "/graphql", json={"query": '{ draft(name: "spring") { name } }'})).json()
    assert body["errors"][0]["extensions"]["code"] == "NOT_FOUND"

"""A made-up language, whose sentences stand in brackets: what is told without them slipped past the catalogues.

Every case provokes a fault of another kind, in GraphQL, SOAP and REST.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

import api.catalogues as catalogues
from api.catalogues import told
from api.catalogues.gathering import gathered
from tests.api.conftest import House

PSEUDO = {"Accept-Language": "sv"}
REFUSAL = "... on Refusal { code message field }"
DOCUMENTS = [
    ("{ nothing }", {}),
    ("{ customer(id: 5) { nam } }", {}),
    ("{ customers }", {}),
    ("{ operator { name { more } } }", {}),
    ("{ customers(firs: 1) { count } }", {}),
    ("{ customers(first: true) { edges { node { name } } } }", {}),
    ("{ operator { name }", {}),
    ("{ operator \\u0001 { name } }", {}),
    ('{ a: customer(id: "x) { name } }', {}),
    ("query($a: Int!) { operator { name } }", {}),
    ("query($a: Nothing) { customers(first: $a) { edges { node { name } } } }", {}),
    ("{ ...a }", {}),
    ("{ ...a } fragment a on Query { ...a }", {}),
    ("{ operator { name @nothing } }", {}),
    ("{ operator { name } } { operator { name } }", {}),
    ("{ a: operator { name } a: operator { code } ...b }", {}),
    ("{" + " ".join(f"a{i}: operator {{ name }}" for i in range(31)) + "}", {}),
    ("{ customers { edges { node { " + "parent { " * 12 + "name" + " }" * 12 + " } } } }", {}),
    ("{ customers(first: 99999999) { edges { node { name } } } }", {}),
    ("{ operator { " + "name " * 5000 + "} }", {}),
    ('{ customer(id: "bm90aGluZw==") { name } }', {}),
    ("query($n: Int!) { customers(first: $n) { edges { node { name } } } }", {"n": "x"}),
    ("query($n: Int!) { customers(first: $n) { edges { node { name } } } }", {}),
    ("mutation { a: sweepSessions(source: 5) { __typename } }", {}),
]
MUTATIONS = [
    'changeCustomer(input: {customer: "x", version: 1})',
    'createPriceList(input: {name: "", currency: "SEKK"})',
    'createContract(input: {customer: "Q3VzdG9tZXI6OTk5OTk5"})',
    'importTariff(input: {document: "{\\"format\\": 1, \\"price_lists\\": {\\"a\\": 5}, \\"x\\": 1}"})',
    'importTariff(input: {document: "no JSON"})',
    'putFeed(input: {name: "a b/c", version: 0})',
    'putSource(input: {name: "x", profile: "reader = 5"})',
    'startBillRun(input: {month: "2026-13"})',
]
REST = [
    ("GET", "/nothing", {}),
    ("PUT", "/healthz", {}),
    ("GET", "/rest/v1/bulk/imports/999999", {}),
    ("GET", "/rest/v1/bulk/imports/999999?a=1&a=2", {}),
    ("GET", "/rest/v1/bulk/imports/999999?token=x", {}),
    ("GET", "/rest/v1/bulk/imports/a%0Ab", {}),
    ("POST", "/rest/v1/rate", {"content": b"{", "headers": {"Content-Type": "application/json"}}),
    ("POST", "/rest/v1/rate", {"content": b'{"a": 1, "a": 2}', "headers": {"Content-Type": "application/json"}}),
    ("POST", "/rest/v1/rate", {"content": b"[" * 300, "headers": {"Content-Type": "application/json"}}),
    ("POST", "/rest/v1/rate", {"json": {"events": [{"mode": 5}], "tariff": {"format": 1}}}),
    ("POST", "/rest/v1/rate", {"json": {"nothing": 1}}),
    ("POST", "/rest/v1/rate", {"content": b"x", "headers": {"Content-Type": "text/plain"}}),
    ("POST", "/rest/v1/price-call", {"json": []}),
    ("POST", "/rest/v1/price-call", {"json": {"nothing": 1}}),
    ("POST", "/graphql", {"json": []}),
    ("POST", "/graphql", {"json": {"query": 5}}),
    ("POST", "/graphql", {"json": {"query": "{ operator { name } }", "more": 1}}),
    ("GET", "/soap", {}),
    ("POST", "/soap", {"content": b"x", "headers": {"Content-Type": "text/plain"}}),
]
SOAP = 'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="urn:tollwright:billing:1"'
ENVELOPES = [
    b"",
    b"<a>",
    b"<a/>",
    b"<!DOCTYPE a><a/>",
    f"<s:Envelope {SOAP}><s:Body/></s:Envelope>".encode(),
    f'<s:Envelope {SOAP}><s:Header><t:x s:mustUnderstand="1"/></s:Header><s:Body><t:x/></s:Body></s:Envelope>'.encode(),
    f"<s:Envelope {SOAP}><s:Body><t:GetBulkImport><t:id>999999</t:id></t:GetBulkImport></s:Body></s:Envelope>".encode(),
    f"<s:Envelope {SOAP}><s:Body><t:GetBulkImport><t:id>a</t:id></t:GetBulkImport></s:Body></s:Envelope>".encode(),
    f"<s:Envelope {SOAP}><s:Body><t:GetBulkImport><t:no>1</t:no></t:GetBulkImport></s:Body></s:Envelope>".encode(),
    f"<s:Envelope {SOAP}><s:Body><t:GetBulkImport/></s:Body></s:Envelope>".encode(),
    f"<s:Envelope {SOAP}><s:Body><t:NoOperation/></s:Body></s:Envelope>".encode(),
]


@pytest.fixture(autouse=True)
def _pseudo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let Swedish be English in brackets."""
    made = {template: f"\u27e6{template}\u27e7" for template in gathered()}
    own = catalogues.catalogue
    monkeypatch.setattr(catalogues, "catalogue", lambda language: made if language == "sv" else own(language))
    catalogues._index.cache_clear()
    yield
    catalogues._index.cache_clear()


def bracketed(text: str) -> bool:
    """Tell whether every word of a text stands in brackets, or in quotes: a caller's own."""
    while (less := re.sub(r"\u27e6[^\u27e6\u27e7]*\u27e7", " ", text)) != text:
        text = less
    # What is left is a place, such as ``rates[0].price:``, or what the caller wrote himself.
    return len(re.findall(r"(?<![\w./\[\]'])[a-z]{2,}(?![\w./:\[\]'(])", text)) < 2


def messages(body: dict[str, Any]) -> Iterator[str]:
    for error in body.get("errors") or ():
        yield error["message"]
    for found in (body.get("data") or {}).values():
        if isinstance(found, dict) and "message" in found:
            yield found["message"]


async def ask(house: House, query: str, variables: dict[str, Any]) -> list[str]:
    answer = await house.call(
        "operator", "POST", "/graphql", json={"query": query, "variables": variables}, headers=PSEUDO
    )
    return list(messages(answer.json()))


async def test_documents_that_are_wrong(house: House) -> None:
    slipped = []
    for query, variables in DOCUMENTS:
        found = await ask(house, query, variables)
        assert found, query
        slipped += [(query[:60], one) for one in found if not bracketed(one) or "\u27e6" not in one]
    assert slipped == []


async def test_refusals_of_mutations(house: House) -> None:
    slipped = []
    for mutation in MUTATIONS:
        found = await ask(house, f"mutation {{ a: {mutation} {{ __typename {REFUSAL} }} }}", {})
        assert found, mutation
        slipped += [one for one in found if not bracketed(one)]
    assert slipped == []


async def test_problems_of_http(house: House) -> None:
    slipped = []
    for method, path, options in REST:
        more = {**options, "headers": {**options.get("headers", {}), **PSEUDO}}
        answer = await house.call("operator", method, path, **more)
        assert answer.status_code >= 400, path
        detail = answer.json()["detail"]
        if not bracketed(detail) or "\u27e6" not in detail:
            slipped.append((path, detail))
    anonymous = await house.http.get("/rest/v1/bulk/imports/1", headers=PSEUDO)
    assert anonymous.status_code == 401
    assert bracketed(anonymous.json()["detail"])
    assert slipped == []


async def test_faults_of_soap(house: House) -> None:
    slipped = []
    for content in ENVELOPES:
        headers = {"Content-Type": "text/xml; charset=utf-8", **PSEUDO}
        answer = await house.call("operator", "POST", "/soap", content=content, headers=headers)
        assert answer.status_code >= 400
        found = re.search(r"<faultstring>(.*?)</faultstring>", answer.text, re.DOTALL)
        assert found, answer.text
        if not bracketed(found[1]) or "\u27e6" not in found[1]:
            slipped.append((content[-120:], found[1]))
    assert slipped == []


def test_the_kinds_of_kept_reasons() -> None:
    """What stood in a table for months is told like what happens now."""
    kept = [
        "the duration does not agree with the times; see usage.unit and map.used",
        "rows[5]: no subscription had this number at that time",
        "north has brought nothing since 2026-03-01 08:00 UTC",
        "customer 1010 needs a street, a postcode and a city",
        "it could not be done; and it could not be undone: the network did not answer",
        json.dumps("no answer came in time")[1:-1],
    ]
    assert [one for one in kept if not bracketed(told(one, "sv"))] == []

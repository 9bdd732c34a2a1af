"""Usage, invoices, prices, files and clients over GraphQL."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from persistence.statements import Statements, counted
from tests.api.conftest import SECRET, House
from tests.api.month import PERIOD, Month, call, make_month
from tests.api.test_graphql_parties import gql


@pytest.fixture
async def month(house: House) -> Month:
    return await make_month(house)


def _own(statements: Statements) -> int:
    return sum("typeinfo" not in text and "jit" not in text for text in statements.texts)


async def test_usage_comes_in_pages_and_adds_up(house: House, month: Month) -> None:
    seen: list[str] = []
    after = ""
    for _ in range(3):
        page = (
            await gql(
                house,
                "operator",
                f"{{ usage({PERIOD}, first: 1{after}) {{ edges {{ node {{ id a margin {{ value }} }} }}"
                " pageInfo { endCursor hasNextPage } } }",
            )
        )["usage"]
        seen += [edge["node"]["a"] for edge in page["edges"]]
        assert page["edges"][0]["node"]["margin"]["value"] == "0.500000"
        after = f', after: "{page["pageInfo"]["endCursor"]}"'
    assert sorted(seen) == ["46850000001", "46850000002", "46850000003"]
    assert page["pageInfo"]["hasNextPage"] is False
    totals = await gql(
        house, "operator", f"{{ usageTotals({PERIOD}) {{ destination events used retail {{ value }} }} }}"
    )
    assert totals["usageTotals"] == [
        {"destination": "SE mobile", "events": "3", "used": "180", "retail": {"value": "1.800000"}}
    ]


async def test_an_event_is_explained_on_the_levels_that_one_may_see(house: House, month: Month) -> None:
    query = (
        "query($id: ID!) { explanation(event: $id) { destination how text event { retail { amount { value } } }"
        " levels { level amount currency priceList billed considered { priceList decided why }"
        " rate { id to } segments { begin end price per amount } } } }"
    )
    for client, levels in (("operator", ["retail", "cost"]), ("reseller", ["retail"])):
        found = (await gql(house, client, query, id=month.owned[client].events[0]))["explanation"]
        assert [one["level"] for one in found["levels"]] == levels
        retail = found["levels"][0]
        assert retail["amount"] == found["event"]["retail"]["amount"]["value"] == "0.600000"
        assert retail["considered"][0] == {
            "priceList": "Retail",
            "decided": True,
            "why": retail["considered"][0]["why"],
        }
        assert retail["segments"] == [
            {"begin": "0", "end": "60", "price": "0.600000000", "per": "60", "amount": "0.600000000"}
        ]
        assert found["destination"] == "SE mobile"
        assert ("Kostnad" in found["text"]) is (client == "operator")


async def test_an_invoice_has_its_lines_and_its_documents(house: House, month: Month) -> None:
    invoice = (
        await gql(
            house,
            "operator",
            "{ invoices(first: 1) { edges { node { number net vatTotal total payment { reference } pdfUrl"
            " lines { kind net events customer { id } } vat { percent taxable tax } customer { id } } } } }",
        )
    )["invoices"]["edges"][0]["node"]
    assert invoice["lines"] == [
        {"kind": "USAGE", "net": "0.60", "events": "1", "customer": {"id": month.owned["operator"].customer["id"]}}
    ]
    assert invoice["vat"] == [{"percent": "25", "taxable": "0.60", "tax": "0.15"}]
    path = invoice["pdfUrl"].removeprefix("https://billing.example")
    answer = await house.call("operator", "GET", path)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].endswith(f"{invoice['number']}.pdf")
    again = await gql(
        house,
        "operator",
        'mutation { runBills(input: {month: "2026-03"}) { ... on BillRunDone { run { id invoices nothing } } } }',
    )
    assert again["runBills"]["run"]["invoices"] == 0
    dry = await gql(
        house,
        "operator",
        'mutation { runBills(input: {month: "2026-04", dryRun: true}) { ... on BillRunDone { run { id invoices }'
        " drafts { total payer { name } lines { text net } } } } }",
    )
    assert dry["runBills"]["run"]["id"] is None
    assert len(dry["runBills"]["drafts"]) == dry["runBills"]["run"]["invoices"]
    assert all(one["lines"] for one in dry["runBills"]["drafts"])
    for period, field in (
        ('month: "2026-13"', "month"),
        ('start: "2026-03-01", end: "2026-03-01"', "end"),
        ('start: "2026-03-01"', "month"),
    ):
        text = f"mutation {{ runBills(input: {{{period}}}) {{ ... on Refusal {{ code field }} }} }}"
        assert (await gql(house, "operator", text))["runBills"] == {"code": "BAD_VALUE", "field": field}


async def test_the_statements_do_not_grow_with_a_page_of_usage_or_invoices_or_prices(
    house: House, month: Month
) -> None:
    fields = "customer { name } contract { number } subscription { label }"
    queries = {
        "usage": f"{{ usage({PERIOD}, first: SIZE) {{ edges {{ node {{ a {fields} }} }} }} }}",
        "invoices": "{ invoices(first: SIZE) { edges { node { customer { name } lines { customer { name } } } } } }",
        "priceLists": (
            "{ priceLists(first: SIZE) "
            "{ edges { node { parent { name } rates(first: 2) { edges { node { to } } } } } } }"
        ),
        "files": "{ suspense(first: SIZE) { edges { node { file { name } source { name } } } } }",
    }
    for name, query in queries.items():
        counts = []
        for size in (1, 3):
            with counted() as statements:
                page = await gql(house, "operator", query.replace("SIZE", str(size)))
            assert next(iter(page.values()))["edges"], name
            counts.append(_own(statements))
        assert counts[0] == counts[1], (name, counts)


async def test_a_small_file_is_imported_from_base64(house: House, month: Month) -> None:
    content = call("46850000001", "46850000009", "1772442000.500")
    query = (
        'mutation($c: String!) { importCdrFile(input: {source: "asterisk", name: "a.csv", content: $c}) '
        "{ __typename ... on ImportedFile { again file { records rated unrated } } ... on Refusal { code field } } }"
    )
    done = (await gql(house, "operator", query, c=base64.b64encode(content.encode()).decode()))["importCdrFile"]
    assert done == {
        "__typename": "ImportedFile",
        "again": False,
        "file": {"records": "1", "rated": "1", "unrated": "0"},
    }
    wrong = (await gql(house, "operator", query, c="***"))["importCdrFile"]
    assert wrong == {"__typename": "BadValue", "code": "BAD_VALUE", "field": "content"}
    large = (await gql(house, "operator", query, c=base64.b64encode(b"x" * 1_000_001).decode()))["importCdrFile"]
    assert large["__typename"] == "LimitExceeded"


async def test_suspense_tells_why_and_counts(house: House, month: Month) -> None:
    found = await gql(
        house,
        "operator",
        '{ suspense(reason: "no_party") { edges { node { reason raw file { name } } } }'
        " suspenseCounts { reason count } }",
    )
    assert found["suspenseCounts"] == [{"reason": "no_party", "count": "1"}]
    (edge,) = found["suspense"]["edges"]
    assert "46899999999" in edge["node"]["raw"]
    assert edge["node"]["file"]["name"] == "Master.csv"


async def test_prices_change_from_a_moment_on(house: House, month: Month) -> None:
    query = (
        "mutation($input: ChangePricesInput!) { changePrices(input: $input) "
        "{ __typename ... on PricesChanged { rates { to validFrom steps { price per } } } "
        "... on Refusal { code field } } }"
    )
    rate = {"to": "SE mobile", "mode": "voice", "steps": [{"price": "0.75", "per": "60"}]}
    asked: dict[str, Any] = {"priceList": "Retail", "rates": [rate], "validFrom": "2026-05-01T00:00:00+02:00"}
    done = (await gql(house, "operator", query, input=asked))["changePrices"]
    assert done["rates"] == [
        {"to": "SE mobile", "validFrom": "2026-04-30T22:00:00Z", "steps": [{"price": "0.750000000", "per": "60"}]}
    ]
    line = month.owned["operator"].subscription
    for at, price in (("2026-04-30T12:00:00+02:00", "0.600000"), ("2026-05-01T12:00:00+02:00", "0.750000")):
        quote = await gql(
            house,
            "operator",
            f'{{ priceCall(input: {{subscription: "{line}", number: "46701740605", at: "{at}"}}) '
            "{ retail { amount { value } } } }",
        )
        assert quote["priceCall"]["retail"]["amount"]["value"] == price
    wrong = asked | {"rates": [rate | {"to": "Nowhere"}]}
    assert (await gql(house, "operator", query, input=wrong))["changePrices"]["code"] == "BAD_VALUE"
    exact = asked | {"rates": [rate | {"steps": [{"price": "0.0000000001"}]}]}
    refused = (await gql(house, "operator", query, input=exact))["changePrices"]
    assert refused == {"__typename": "BadValue", "code": "BAD_VALUE", "field": "rates.0.steps.0"}


async def test_a_client_is_made_used_and_revoked(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    make = (
        'mutation($s: [String!]!) { createClient(input: {name: "CRM", scopes: $s}) '
        "{ __typename ... on NewClient { secret client { clientId scopes } } ... on Refusal { code } } }"
    )
    made = (await gql(house, "operator", make, s=["customers:read"]))["createClient"]
    auth = (made["client"]["clientId"], made["secret"])
    got = await house.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=auth)
    assert got.json()["scope"] == "customers:read"
    house.tokens[f"{auth[0]} None"] = got.json()["access_token"]
    assert await gql(house, auth[0], "{ customers { edges { cursor } } }") == {"customers": {"edges": []}}
    answer = await house.call(auth[0], "POST", "/graphql", json={"query": "{ clients { name } }"})
    assert answer.json()["errors"][0]["extensions"]["code"] == "NOT_ALLOWED"
    monkeypatch.setattr("api.auth.bearer.CACHE_SECONDS", 0.0)
    revoke = f'mutation {{ revokeClient(clientId: "{auth[0]}") {{ ... on Client {{ revokedAt }} }} }}'
    assert (await gql(house, "operator", revoke))["revokeClient"]["revokedAt"]
    after = await house.call(auth[0], "POST", "/graphql", json={"query": "{ operator { name } }"})
    assert after.status_code == 401
    listed = await gql(house, "operator", "{ clients { clientId } }")
    assert SECRET.format("operator") not in str(listed)
    assert (await gql(house, "operator", make, s=["nonsense"]))["createClient"]["code"] == "BAD_VALUE"


async def test_events_are_rated_by_the_own_catalogue_on_the_levels_one_may_see(house: House, month: Month) -> None:
    def event(client: str, **more: Any) -> dict[str, Any]:
        start = "2026-03-02T10:00:00+01:00"
        own = {"id": client, "mode": "voice", "a": month.owned[client].number, "b": "46701740605"}
        return own | {"start": start, "used": 90, "trunk": "T1"} | more

    asked = [event("operator"), event("reseller"), event("sibling"), event("other"), event("operator", party="p")]
    sees = {"operator": ["operator", "reseller", "sibling"], "reseller": ["reseller"], "other": ["other"]}
    for client, rated in sees.items():
        answer = await house.call(client, "POST", "/rest/v1/rate", json={"events": asked})
        assert answer.status_code == 200, answer.text
        lines = [json.loads(line) for line in answer.text.splitlines()]
        assert [one["id"] for one in lines if "unrated" not in one] == rated
        for line in lines[:4]:
            if line["id"] in rated:
                assert line["retail"]["amount"] == "0.900000"
                assert (line["cost"] is None) is (client == "reseller")
            else:
                assert line["unrated"] == "no_party"
        assert lines[4]["unrated"] == "bad_event"
    narrow = await house.call("operator", "POST", "/rest/v1/rate", json={"events": []})
    assert narrow.text == ""

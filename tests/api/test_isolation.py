"""Who finds what: four callers over every field, mutation, operation and route that takes an id (A1 to A5, G7).

A thing that is another's is answered exactly as a thing that is not there.
"""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from api.graphql.ids import global_id, read_id
from tests.api.conftest import House
from tests.api.month import PERIOD, Month, Owned, make_month
from tests.api.test_graphql_parties import gql

# Who may see whose: the operator everything below him, a reseller his own alone, nobody another operator's.
FORBIDDEN = [
    ("reseller", "operator"),
    ("reseller", "sibling"),
    ("sibling", "reseller"),
    ("reseller", "other"),
    ("operator", "other"),
    ("other", "operator"),
    ("other", "reseller"),
]
ABSENT = 999_999_999
ADDRESS = '{street: "a", postcode: "1", city: "b", country: "SE"}'


@pytest.fixture
async def month(house: House) -> Month:
    return await make_month(house)


def _queries(owned: Owned, absent: bool) -> dict[str, str]:
    """Every query field that takes an id of something that belongs to somebody."""

    def key(kind: str, own: str) -> str:
        return global_id(kind, ABSENT) if absent else own

    customer = key("Customer", owned.customer["id"])
    contract = key("Contract", owned.contract["id"])
    line = key("Subscription", owned.subscription)
    invoice = key("Invoice", owned.invoices[0]["id"])
    event = global_id("Usage", f"1.1.{ABSENT}") if absent else owned.events[0]
    number = str(ABSENT) if absent else owned.customer["number"]
    return {
        "Query.customer(id)": f'{{ customer(id: "{customer}") {{ id name }} }}',
        "Query.customer(number)": f'{{ customer(number: "{number}") {{ id name }} }}',
        "Query.customers(parent)": f'{{ customers(parent: "{customer}") {{ edges {{ node {{ id }} }} }} }}',
        "Query.contract(id)": f'{{ contract(id: "{contract}") {{ id number }} }}',
        "Query.contracts(customer)": f'{{ contracts(customer: "{customer}") {{ edges {{ node {{ id }} }} }} }}',
        "Query.subscription(id)": f'{{ subscription(id: "{line}") {{ id }} }}',
        "Query.subscriptions(customer)": f'{{ subscriptions(customer: "{customer}") {{ edges {{ node {{ id }} }} }} }}',
        "Query.subscriptions(contract)": f'{{ subscriptions(contract: "{contract}") {{ edges {{ node {{ id }} }} }} }}',
        "Query.invoice(id)": f'{{ invoice(id: "{invoice}") {{ id number total }} }}',
        "Query.invoices(customer)": f'{{ invoices(customer: "{customer}") {{ edges {{ node {{ id }} }} }} }}',
        "Query.event(id)": f'{{ event(id: "{event}") {{ id a b }} }}',
        "Query.explanation(event)": f'{{ explanation(event: "{event}") {{ text levels {{ level }} }} }}',
        "Query.usage(filter.customer)": _usage(f'customer: "{customer}"'),
        "Query.usage(filter.contract)": _usage(f'contract: "{contract}"'),
        "Query.usage(filter.subscription)": _usage(f'subscription: "{line}"'),
        **{
            f"Query.usageTotals(filter.{name})": f'{{ usageTotals({PERIOD[:-1]}, {name}: "{one}"}}) {{ events }} }}'
            for name, one in (("customer", customer), ("contract", contract), ("subscription", line))
        },
        **{
            f"Query.allowances({name})": f'{{ allowances({name}: "{one}") {{ bucket left }} }}'
            for name, one in (("customer", customer), ("contract", contract), ("subscription", line))
        },
        **{
            f"Query.bucketHistory({name})": f'{{ bucketHistory({name}: "{one}", since: "2026-03-01T00:00:00Z", '
            'until: "2026-04-01T00:00:00Z") { bucket amount } }'
            for name, one in (("customer", customer), ("contract", contract), ("subscription", line))
        },
        "Query.planAssignments(contract)": f'{{ planAssignments(contract: "{contract}") {{ plan }} }}',
        "Query.customerGroups(customer)": f'{{ customerGroups(customer: "{customer}") {{ name }} }}',
        "Query.priceCall(input.subscription)": (
            f'{{ priceCall(input: {{subscription: "{line}", number: "46701740605"}}) {{ billed retail {{ rate }} }} }}'
        ),
        "Query.explainCall(input.subscription)": (
            f'{{ explainCall(input: {{subscription: "{line}", number: "46701740605"}}) {{ text }} }}'
        ),
        **{
            f"Query.node(id) {kind}": f'{{ node(id: "{one}") {{ id __typename }} }}'
            for kind, one in (
                ("Customer", customer),
                ("Contract", contract),
                ("Subscription", line),
                ("Invoice", invoice),
                ("Usage", event),
            )
        },
    }


def _usage(wanted: str) -> str:
    return f"{{ usage({PERIOD[:-1]}, {wanted}}}) {{ edges {{ node {{ id }} }} }} }}"


def _mutations(owned: Owned, absent: bool) -> dict[str, str]:
    def key(kind: str, own: str) -> str:
        return global_id(kind, ABSENT) if absent else own

    customer = key("Customer", owned.customer["id"])
    contract = key("Contract", owned.contract["id"])
    line = key("Subscription", owned.subscription)
    outcome = "{ __typename ... on Refusal { code field } }"
    return {
        "changeCustomer.customer": (
            f'changeCustomer(input: {{customer: "{customer}", version: 2, name: "Stolen"}}) {outcome}'
        ),
        "createCustomer.parent": (
            f'createCustomer(input: {{name: "A", kind: PERSON, address: {ADDRESS}, parent: "{customer}"}}) {outcome}'
        ),
        "createContract.customer": f'createContract(input: {{customer: "{customer}", start: "2026-03-01"}}) {outcome}',
        "changeContract.contract": (
            f'changeContract(input: {{contract: "{contract}", version: 1, state: SUSPENDED}}) {outcome}'
        ),
        "addSubscription.contract": f'addSubscription(input: {{contract: "{contract}", kind: FIXED}}) {outcome}',
        "assignNumbers.subscription": (
            f'assignNumbers(input: {{subscription: "{line}", '
            f'numbers: [{{number: "46855555555", validFrom: "2026-01-01T00:00:00Z"}}]}}) {outcome}'
        ),
        "releaseNumbers.subscription": (
            f'releaseNumbers(input: {{subscription: "{line}", numbers: ["{owned.number}"], '
            f'at: "2026-01-02T00:00:00Z"}}) {outcome}'
        ),
    }


async def _ask(house: House, client: str, text: str) -> Any:
    answer = await house.call(client, "POST", "/graphql", json={"query": text})
    body = answer.json()
    for error in body.get("errors", []):
        error.pop("locations", None)
        error["message"] = re.sub(r"-?\d+", "N", error["message"])
    return {"status": answer.status_code, **body}


@pytest.mark.parametrize(("caller", "owner"), FORBIDDEN)
async def test_graphql_answers_anothers_as_nobodys(house: House, month: Month, caller: str, owner: str) -> None:
    owned = month.owned[owner]
    absent = _queries(owned, absent=True)
    for name, text in _queries(owned, absent=False).items():
        found = await _ask(house, caller, text)
        assert found == await _ask(house, caller, absent[name]), name
        (value,) = (found["data"] or {"": None}).values()
        if value != {"edges": []}:
            assert value is None, (name, found)
            assert found["errors"][0]["extensions"]["code"] == "NOT_FOUND", (name, found)
    absent = _mutations(owned, absent=True)
    for name, text in _mutations(owned, absent=False).items():
        found = (await gql(house, caller, f"mutation {{ a: {text} }}"))["a"]
        assert found == (await gql(house, caller, f"mutation {{ a: {absent[name]} }}"))["a"], name
        assert found["code"] == "NOT_FOUND", (name, found)


@pytest.mark.parametrize("client", ["operator", "reseller", "sibling", "other"])
async def test_the_same_questions_find_what_is_ones_own(house: House, month: Month, client: str) -> None:
    for name, text in _queries(month.owned[client], absent=False).items():
        found = await _ask(house, client, text)
        assert "errors" not in found, (name, found)
    for name, text in _mutations(month.owned[client], absent=False).items():
        found = (await gql(house, client, f"mutation {{ a: {text} }}"))["a"]
        assert found["__typename"] in {"Customer", "Contract", "Subscription"}, (name, found)


async def test_lists_hold_only_what_is_ones_own(house: House, month: Month) -> None:
    kinds = {
        "customers": "customer",
        "contracts": "contract",
        "subscriptions": "subscription",
        "invoices": "invoices",
        f"usage({PERIOD})": "events",
    }
    sees = {
        "operator": {"operator", "reseller", "sibling"},
        "reseller": {"reseller"},
        "sibling": {"sibling"},
        "other": {"other"},
    }
    for client, owners in sees.items():
        for query, attribute in kinds.items():
            page = await gql(house, client, f"{{ {query} {{ edges {{ node {{ id }} }} }} }}")
            found = {edge["node"]["id"] for edge in next(iter(page.values()))["edges"]}
            expected: set[str] = set()
            for owner in owners:
                value = getattr(month.owned[owner], attribute)
                values = value if isinstance(value, list) else [value]
                expected |= {one["id"] if isinstance(one, dict) else one for one in values}
            assert found == expected, (client, query)


async def test_a5_cost_and_margin_are_the_operators_alone(house: House, month: Month) -> None:
    fields = "a trunk retail { amount { value } } wholesale { priceList } cost { amount { value } } margin { value }"
    for client in ("operator", "reseller", "sibling"):
        page = await gql(house, client, f"{{ usage({PERIOD}) {{ edges {{ node {{ {fields} }} }} }} }}")
        for edge in page["usage"]["edges"]:
            node = edge["node"]
            assert (node["cost"] is None) is (client != "operator"), (client, node)
            assert (node["margin"] is None) is (client != "operator")
        line = month.owned[client].subscription
        quote = await gql(
            house,
            client,
            f'{{ priceCall(input: {{subscription: "{line}", number: "46701740605", trunk: "T1"}}) '
            "{ retail { rate } cost { amount { value } } } }",
        )
        assert (quote["priceCall"]["cost"] is None) is (client != "operator")


@pytest.mark.parametrize(
    "text",
    [
        'importTariff(input: {document: "{}"})',
        'importCdrFile(input: {source: "asterisk", name: "a.csv", content: ""})',
        'runBills(input: {month: "2026-03"})',
        f'retryJob(job: "{global_id("Job", 1)}")',
        f'cancelJob(job: "{global_id("Job", 1)}")',
        'createService(input: {code: "S", name: "S"})',
        'changeOperator(input: {version: 1, name: "S"})',
        'putCommissionRule(input: {name: "S", basis: FEES, percent: 1, validFrom: "2026-01-01"})',
        "takeBasis",
        "syncCustomers(input: {customers: []})",
        'rerate(input: {since: "2026-03-01T00:00:00Z", until: "2026-04-01T00:00:00Z", reason: WRONG_PRICE})',
    ],
)
async def test_a6_what_is_the_operators_alone_is_refused_to_a_reseller(house: House, text: str) -> None:
    found = (await gql(house, "reseller", f"mutation {{ a: {text} {{ __typename ... on Refusal {{ code }} }} }}"))["a"]
    assert found == {"__typename": "NotAllowed", "code": "NOT_ALLOWED"}


def _rerate(owned: Owned, absent: bool) -> dict[str, str]:
    own = {"customer": owned.customer["id"], "contract": owned.contract["id"], "subscription": owned.subscription}
    of = {name: global_id(name.title(), ABSENT) for name in own} if absent else own
    period = 'since: "2026-03-01T00:00:00Z", until: "2026-04-01T00:00:00Z", reason: WRONG_PRICE'
    return {
        f"rerate.{name}": f'rerate(input: {{{period}, {name}: "{key}"}}) '
        "{ __typename ... on Refusal { code field } }"
        for name, key in of.items()
    }


@pytest.mark.parametrize(("caller", "owner"), [("operator", "other"), ("other", "operator"), ("other", "reseller")])
async def test_rerating_takes_anothers_as_nobodys(house: House, month: Month, caller: str, owner: str) -> None:
    absent = _rerate(month.owned[owner], absent=True)
    for name, text in _rerate(month.owned[owner], absent=False).items():
        found = (await gql(house, caller, f"mutation {{ a: {text} }}"))["a"]
        assert found == (await gql(house, caller, f"mutation {{ a: {absent[name]} }}"))["a"], name
        assert found["code"] == "NOT_FOUND", (name, found)
    for name, text in _rerate(month.owned[caller], absent=False).items():
        assert (await gql(house, caller, f"mutation {{ a: {text} }}"))["a"] == {"__typename": "Rerating"}, name


async def test_a_job_is_the_operators_alone(house: House) -> None:
    assert (await house.call("operator", "PUT", "/rest/v1/cdr/asterisk/a.csv", content=b"x")).status_code == 202
    edges = (await gql(house, "operator", "{ jobs { edges { node { id state } } } }"))["jobs"]["edges"]
    key = edges[0]["node"]["id"]
    assert (await gql(house, "other", "{ jobs { edges { node { id } } } jobCounts { count } }")) == {
        "jobs": {"edges": []},
        "jobCounts": [],
    }
    for name in ("retryJob", "cancelJob"):
        for client, job, code in (
            ("other", key, "NOT_FOUND"),
            ("other", global_id("Job", ABSENT), "NOT_FOUND"),
            ("reseller", key, "NOT_ALLOWED"),
            ("sibling", key, "NOT_ALLOWED"),
        ):
            done = await gql(house, client, f'mutation {{ a: {name}(job: "{job}") {{ ... on Refusal {{ code }} }} }}')
            assert done["a"] == {"code": code}, (client, name)
        nobody = await house.http.post(
            "/graphql", json={"query": f'mutation {{ a: {name}(job: "{key}") {{ __typename }} }}'}
        )
        assert nobody.status_code == 401
    assert (await _ask(house, "reseller", "{ jobCounts { count } }"))["errors"][0]["extensions"][
        "code"
    ] == "NOT_ALLOWED"
    for name, state in (("retryJob", "WAITING"), ("cancelJob", "DEAD"), ("retryJob", "WAITING")):
        done = await gql(house, "operator", f'mutation {{ a: {name}(job: "{key}") {{ ... on Job {{ state }} }} }}')
        assert done["a"] == {"state": state}


async def test_rest_answers_anothers_as_nobodys(house: House, month: Month) -> None:
    def same(one: httpx.Response, other: httpx.Response) -> None:
        assert one.status_code == other.status_code == 404
        assert re.sub(r"\d+", "N", one.text) == re.sub(r"\d+", "N", other.text)

    for caller, owner in FORBIDDEN:
        for invoice in month.owned[owner].invoices:
            key = _plain(invoice["id"])
            for suffix in ("pdf", "xml"):
                mine = await house.call(caller, "GET", f"/rest/v1/invoices/{key}.{suffix}")
                same(mine, await house.call(caller, "GET", f"/rest/v1/invoices/{ABSENT}.{suffix}"))
    file = _plain(month.file)
    same(
        await house.call("other", "GET", f"/rest/v1/files/{file}"),
        await house.call("other", "GET", f"/rest/v1/files/{ABSENT}"),
    )
    for path in (f"/rest/v1/files/{file}", "/rest/v1/files"):
        assert (await house.call("reseller", "GET", path)).status_code == 403
    assert (await house.call("reseller", "PUT", "/rest/v1/cdr/asterisk/a.csv", content=b"x")).status_code == 403
    for client in ("operator", "reseller", "sibling", "other"):
        key = _plain(month.owned[client].invoices[0]["id"])
        answer = await house.call(client, "GET", f"/rest/v1/invoices/{key}.pdf")
        assert answer.status_code == 200
        assert answer.content.startswith(b"%PDF")


async def test_a3_a_tenant_named_in_a_request_is_ignored(house: House, month: Month) -> None:
    for headers in ({"X-Tenant": "2"}, {"X-Operator": "2"}, {"X-Reseller": "2"}):
        answer = await house.call(
            "operator", "POST", "/graphql", json={"query": "{ operator { code } }"}, headers=headers
        )
        assert answer.json()["data"]["operator"]["code"] == "north"
    own = await gql(house, "reseller", "{ resellers { id code } }")
    assert {one["code"] for one in own["resellers"]} == {"east", "below"}
    west = global_id("Reseller", 2)
    text = (
        f'createCustomer(input: {{name: "A", kind: PERSON, address: {ADDRESS}, reseller: "{west}"}}) '
        "{ __typename ... on Refusal { code } }"
    )
    assert (await gql(house, "reseller", f"mutation {{ a: {text} }}"))["a"]["__typename"] == "NotFound"


def _plain(text: str) -> str:
    return read_id(text)[1]

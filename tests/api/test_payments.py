"""Payments over REST and GraphQL: taken in, applied, released, and nobody else's to see."""

from __future__ import annotations

from decimal import Decimal

import pytest

from api.graphql.ids import global_id
from tests.api.conftest import House
from tests.api.month import Month, make_month
from tests.api.test_graphql_parties import gql
from tests.payments.test_readers import bgmax

ABSENT = global_id("PaymentRecord", 999_999_999)
REFUSED = "{ __typename ... on Refusal { code field } ... on PaymentRecord { state } }"


@pytest.fixture
async def month(house: House) -> Month:
    return await make_month(house)


async def _upload(house: House, client: str, data: bytes, **query: str):
    return await house.call(client, "POST", "/rest/v1/payments/bank.txt", content=data, params=query)


async def _invoice(house: House, month: Month) -> dict:
    key = month.owned["operator"].invoices[0]["id"]
    return (await gql(house, "operator", f'{{ invoice(id: "{key}") {{ id number total customer {{ id }} }} }}'))[
        "invoice"
    ]


def _file(minor: int, reference: str) -> bytes:
    return bgmax((minor, reference)).replace(b"2026112000001", b"2026031500001")


async def test_a_file_is_taken_in_and_applied(house: House, month: Month) -> None:
    invoice = await _invoice(house, month)
    minor = int(Decimal(invoice["total"]) * 100)
    data = _file(minor, invoice["number"])
    first = await _upload(house, "operator", data, format="bgmax")
    assert first.status_code == 201, first.text
    assert first.json()["states"] == {"allocated": 1}
    again = await _upload(house, "operator", data)
    assert (again.status_code, again.json()["new"]) == (200, False)
    customer = invoice["customer"]["id"]
    asked = (
        f'{{ openItems(customer: "{customer}") {{ open }} trialBalance {{ account balance }} '
        "payments { edges { node { id state amount payer references { reference } } } } }"
    )
    found = await gql(house, "operator", asked)
    assert found["openItems"] == []
    assert sum(Decimal(one["balance"]) for one in found["trialBalance"]) == 0
    (edge,) = found["payments"]["edges"]
    payment = edge["node"]["id"]
    assert Decimal(edge["node"]["amount"]) == Decimal(invoice["total"])
    released = await gql(house, "operator", f'mutation {{ a: releasePayment(payment: "{payment}") {REFUSED} }}')
    assert released["a"] == {"__typename": "PaymentRecord", "state": "UNALLOCATED"}
    assert len((await gql(house, "operator", asked))["openItems"]) == 1
    part = f'{{invoice: "{invoice["id"]}", amount: "0.50"}}'
    allocated = await gql(
        house,
        "operator",
        f'mutation {{ a: allocatePayment(input: {{payment: "{payment}", parts: [{part}]}}) {REFUSED} }}',
    )
    assert allocated["a"]["state"] == "CREDIT"
    detail = await gql(
        house, "operator", f'{{ payment(id: "{payment}") {{ payment {{ id }} allocations {{ amount undoneAt }} }} }}'
    )
    assert [one["undoneAt"] is None for one in detail["payment"]["allocations"]] == [False, True]


async def test_a_file_that_does_not_hold_is_refused_with_its_place(house: House) -> None:
    wrong = await _upload(house, "operator", bgmax((100, "1"), deposit=99))
    assert wrong.status_code == 400
    assert "record 4" in wrong.text
    test = await _upload(house, "operator", bgmax((100, "1"), mark="T"))
    assert test.status_code == 409
    unknown = await _upload(house, "operator", b"%PDF")
    assert unknown.status_code == 400
    assert (await _upload(house, "operator", bgmax((100, "1")), format="nothing")).status_code == 422


async def test_payments_are_the_operator_s_alone(house: House, month: Month) -> None:
    invoice = await _invoice(house, month)
    assert (await _upload(house, "operator", _file(100, "77777777"))).status_code == 201
    page = await gql(house, "operator", "{ payments(state: UNALLOCATED) { edges { node { id } } } }")
    payment = page["payments"]["edges"][0]["node"]["id"]
    customer = invoice["customer"]["id"]
    part = f'{{invoice: "{invoice["id"]}"}}'
    changes = {
        "releasePayment": f'releasePayment(payment: "KEY") {REFUSED}',
        "allocatePayment": f'allocatePayment(input: {{payment: "KEY", parts: [{part}]}}) {REFUSED}',
    }
    for text in changes.values():
        for client in ("reseller", "sibling"):
            found = (await gql(house, client, f"mutation {{ a: {text.replace('KEY', payment)} }}"))["a"]
            assert found["code"] == "NOT_ALLOWED", (client, text)
        for key in (payment, ABSENT):
            found = (await gql(house, "other", f"mutation {{ a: {text.replace('KEY', key)} }}"))["a"]
            assert found["code"] == "NOT_FOUND", text
        nobody = await house.http.post("/graphql", json={"query": f"mutation {{ a: {text.replace('KEY', payment)} }}"})
        assert nobody.status_code == 401
    questions = [
        f'{{ payment(id: "{payment}") {{ payment {{ id }} }} }}',
        f'{{ openItems(customer: "{customer}") {{ open }} }}',
        "{ payments { edges { node { id } } } }",
        "{ trialBalance { account } }",
    ]
    for text in questions:
        for client in ("reseller", "sibling"):
            answer = (await house.call(client, "POST", "/graphql", json={"query": text})).json()
            assert answer["errors"][0]["extensions"]["code"] == "NOT_ALLOWED", (client, text)
    for text, code in ((questions[0], "NOT_FOUND"), (questions[1], "NOT_FOUND")):
        answer = (await house.call("other", "POST", "/graphql", json={"query": text})).json()
        assert answer["errors"][0]["extensions"]["code"] == code, text
    assert (await gql(house, "other", questions[2]))["payments"]["edges"] == []
    for client, status in (("reseller", 403), ("sibling", 403)):
        assert (await _upload(house, client, _file(100, "1"))).status_code == status
    assert (await house.http.post("/rest/v1/payments/x", content=b"x")).status_code == 401

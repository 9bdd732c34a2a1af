"""Files for banks and mandates over REST, by a program that talks to the bank; the operator's alone."""

from __future__ import annotations

from decimal import Decimal

from api.graphql.ids import read_id
from tests.api.conftest import House
from tests.api.month import make_month
from tests.api.test_giro import IBAN, REFUSAL, _rules, do
from tests.api.test_graphql_parties import gql
from tests.api.test_payments import _file, _invoice, _upload


async def test_a_program_keeps_mandates_and_takes_files_to_the_bank(house: House) -> None:
    invoice = await _invoice(house, await make_month(house))
    customer = int(read_id(invoice["customer"]["id"])[1])
    await _rules(house)
    wanted = {"customer": customer, "scheme": "autogiro", "payer_number": "101", "active": True}
    headers = {"Idempotency-Key": "m1"}
    made = await house.call("operator", "POST", "/rest/v1/mandates", json=wanted, headers=headers)
    assert (made.status_code, made.json()["state"]) == (201, "active"), made.text
    again = await house.call("operator", "POST", "/rest/v1/mandates", json=wanted, headers=headers)
    assert again.json() == made.json()
    listed = await house.call("operator", "GET", f"/rest/v1/mandates?customer={customer}&state=active")
    assert listed.json() == {"mandates": [made.json()], "next": None}
    due = {"scheme": "autogiro", "on": "2026-12-01"}
    written = await house.call("operator", "POST", "/rest/v1/debits", json=due)
    assert (written.status_code, written.json()["debits"]) == (201, 1), written.text
    file = written.json()["file"]
    assert Decimal(file["total"]) == Decimal(invoice["total"])
    nothing = await house.call("operator", "POST", "/rest/v1/debits", json=due)
    assert (nothing.status_code, nothing.json()["file"]) == (200, None)
    content = await house.call("operator", "GET", f"/rest/v1/order-files/{file['id']}")
    assert [line[:2] for line in content.text.splitlines()] == ["01", "82"]
    assert file["name"] in content.headers["content-disposition"]
    (kept,) = (await house.call("operator", "GET", "/rest/v1/order-files")).json()["files"]
    assert kept["taken_at"] is not None
    end = f"/rest/v1/mandates/{made.json()['id']}/end"
    stale = await house.call("operator", "POST", end, json={"version": 99})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale")
    for client, status in (("reseller", 403), ("sibling", 403), ("other", 404)):
        for method, path, body in (
            ("POST", end, {"version": 1}),
            ("GET", f"/rest/v1/order-files/{file['id']}", None),
            ("POST", "/rest/v1/mandates", wanted | {"payer_number": "102"}),
        ):
            options = {} if body is None else {"json": body}
            answer = await house.call(client, method, path, **options)
            assert answer.status_code == status, (client, path, answer.text)
    assert (await house.call("other", "GET", "/rest/v1/order-files")).json()["files"] == []
    assert (await house.call("other", "GET", "/rest/v1/mandates")).json()["mandates"] == []
    for path in ("/rest/v1/order-files", "/rest/v1/mandates"):
        assert (await house.call("reseller", "GET", path)).status_code == 403
        assert (await house.http.get(path)).status_code == 401


async def test_refunds_are_written_and_what_is_wrong_is_named(house: House) -> None:
    invoice = await _invoice(house, await make_month(house))
    await _rules(house)
    assert (await house.call("operator", "POST", "/rest/v1/refund-files")).json()["file"] is None
    minor = int(Decimal(invoice["total"]) * 100)
    assert (await _upload(house, "operator", _file(minor + 5000, invoice["number"]))).status_code == 201
    page = await gql(house, "operator", "{ payments { edges { node { id } } } }")
    payment = page["payments"]["edges"][0]["node"]["id"]
    await do(house, f'refundCredit(input: {{payment: "{payment}", account: "{IBAN}"}}) {{ {REFUSAL} __typename }}')
    done = await house.call("operator", "POST", "/rest/v1/refund-files", json={"on": "2026-12-01"})
    assert (done.status_code, done.json()["refunds"]) == (201, 1), done.text
    for body, field in (
        ({}, "scheme"),
        ({"scheme": "cheque"}, "scheme"),
        ({"scheme": "autogiro", "on": "soon"}, "on"),
        ({"scheme": "autogiro", "older": "yes"}, "older"),
        ({"scheme": 5}, "scheme"),
        ({"scheme": "autogiro", "price": 1}, "price"),
    ):
        answer = await house.call("operator", "POST", "/rest/v1/debits", json=body)
        assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
    for query, field in (("state=gone", "state"), ("customer=x", "customer")):
        answer = await house.call("operator", "GET", f"/rest/v1/mandates?{query}")
        assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text

"""Print batches, receipts and documents on their way over GraphQL, SOAP and REST, by four callers."""

from __future__ import annotations

from typing import Any

import pytest

from api.graphql.ids import global_id
from persistence.engine import OWNER
from tests.api.conftest import House
from tests.api.month import Month, make_month
from tests.api.test_graphql_parties import gql
from tests.api.test_soap import PORTS, _soap

REFUSED = "... on Refusal { code field message }"


async def _do(house: House, client: str, text: str) -> dict[str, Any]:
    found: dict[str, Any] = (await gql(house, client, f"mutation {{ a: {text} }}"))["a"]
    return found


async def printed(house: House) -> Month:
    """Make a month whose documents are to be printed: what leaves is as the payer was on the day of issue."""
    month = await make_month(house)
    async with house.database.transaction(role=OWNER) as unit:
        await unit.connection.execute('update invoice set document = document || \'{"delivery": "print"}\'')
    return month


@pytest.fixture
async def month(house: House) -> Month:
    return await printed(house)


async def test_a_batch_from_the_invoices_to_the_printhouses_receipt(house: House, month: Month) -> None:
    key, number = month.owned["operator"].invoices[0]["id"], month.owned["operator"].invoices[0]["number"]
    asked = f'makePrintBatch(input: {{invoices: ["{key}"], idempotencyKey: "b1"}})'
    shown = "... on PrintBatch { id key name documents pages sha256 version totals { currency amount } }"
    batch = await _do(house, "operator", f"{asked} {{ __typename {shown} {REFUSED} }}")
    assert batch["documents"] == 1
    assert await _do(house, "operator", f"{asked} {{ __typename {shown} {REFUSED} }}") == batch
    twice = await _do(house, "operator", f'makePrintBatch(input: {{invoices: ["{key}"]}}) {{ __typename {REFUSED} }}')
    assert twice["code"] == "NOT_FOUND"
    for kind, media in (("pdf", "application/pdf"), ("xml", "application/xml"), ("csv", "text/csv")):
        answer = await house.call("operator", "GET", f"/rest/v1/print-batches/{batch['key']}.{kind}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(media)
        for client in ("reseller", "sibling", "other"):
            refused = await house.call(client, "GET", f"/rest/v1/print-batches/{batch['key']}.{kind}")
            assert refused.status_code in {403, 404}, client
    taken = await house.call(
        "operator", "POST", "/rest/v1/receipts", content=f"number,state\n{number},accepted\n4711,accepted\n".encode()
    )
    assert taken.json() == {"moved": 1, "known": 0, "unknown": ["4711"], "rejected": []}
    found = await gql(house, "operator", "{ dispatches { edges { node { number state sequence invoice { id } } } } }")
    (one,) = [edge["node"] for edge in found["dispatches"]["edges"]]
    assert one == {"number": number, "state": "ACCEPTED", "sequence": 1, "invoice": {"id": key}}
    found = await gql(house, "operator", "{ printBatches { edges { node { state accepted } } } }")
    assert found["printBatches"]["edges"][0]["node"] == {"state": "ANSWERED", "accepted": 1}


@pytest.mark.parametrize("client", ["reseller", "sibling", "other"])
async def test_strangers_send_and_see_nothing_of_others(house: House, month: Month, client: str) -> None:
    key = month.owned["operator"].invoices[0]["id"]
    sent = await _do(
        house,
        "operator",
        f'sendDocuments(input: {{invoices: ["{key}"]}}) {{ ... on DocumentsQueued {{ dispatches {{ id version }} }} }}',
    )
    (one,) = sent["dispatches"]
    for text in (
        f'retryDispatch(dispatch: "{one["id"]}", version: 1)',
        f'makePrintBatch(input: {{invoices: ["{key}"]}})',
        f'makePrintBatch(input: {{run: "{global_id("BillRun", 1)}"}})',
        'takeReceipts(receipts: [{number: "1", state: "accepted"}])',
        'putDeliveryChannel(input: {code: "x", way: DROP, forms: [PEPPOL], address: "folder:///tmp"})',
    ):
        if client == "other" and not text.startswith(("retry", "make")):
            continue  # it is its own
        answer = await _do(house, client, f"{text} {{ __typename {REFUSED} }}")
        assert answer["code"] in {"NOT_ALLOWED", "NOT_FOUND"}, (text, answer)
    for which in (f'invoices: ["{key}"]', f'run: "{global_id("BillRun", 1)}"'):
        told = f"sendDocuments(input: {{{which}}}) {{ ... on DocumentsQueued {{ dispatches {{ id }} }} {REFUSED} }}"
        answer = await _do(house, client, told)
        assert answer.get("dispatches", []) == [], (which, answer)
    found = await gql(house, client, "{ dispatches { edges { node { id } } } }")
    assert one["id"] not in {edge["node"]["id"] for edge in found["dispatches"]["edges"]}
    anonymous = await house.http.get("/rest/v1/print-batches/1.pdf")
    assert anonymous.status_code == 401


@pytest.mark.parametrize("port", PORTS)
async def test_the_same_over_soap(live: House, port: str) -> None:
    month = await printed(live)
    number = month.owned["operator"].invoices[0]["number"]

    def call(service: Any) -> None:
        queued = service.SendDocuments(invoiceNumber=[number])
        assert [(one.invoiceNumber, one.way, one.state) for one in queued.dispatch] == [(number, "print", "queued")]
        batch = service.MakePrintBatch(invoiceNumber=[number])
        assert (batch.documents, batch.state) == (1, "made")
        done = service.TakeReceipts(
            receipt=[{"state": "rejected", "number": number, "reason": "torn"}], printBatch=batch.id
        )
        assert (done.moved, done.rejected) == (1, [number])
        page = service.ListDispatches(state="rejected")
        assert [(one.invoiceNumber, one.fault) for one in page.dispatch] == [(number, "torn")]
        assert [one.state for one in service.ListPrintBatches().batch] == ["answered"]

    def strange(service: Any) -> None:
        assert number not in {one.invoiceNumber for one in service.ListDispatches().dispatch}

    await _soap(live, "operator", port, call)
    await _soap(live, "other", port, strange)

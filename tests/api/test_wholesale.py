"""What resellers pay for services, over GraphQL and SOAP: who says and sees it, and what stands on their invoices."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from api.graphql.ids import global_id
from domain.access.actor import Action
from tests.api.conftest import House, add_client
from tests.api.test_graphql_parties import gql
from tests.api.test_resellers import customer, do, terms
from tests.api.test_soap import PORTS, _soap
from tests.api.test_soap_margins import code

EAST, WEST, BELOW = (global_id("Reseller", key) for key in (1, 2, 3))
FEES = (
    "query($r: ID!, $on: Date) { a: resellerServiceFees(reseller: $r, on: $on)"
    " { edges { node { service { code } oneTimeFee periodicFee } } } }"
)
PRICES = (
    "query($r: ID!) { a: resellerServicePrices(reseller: $r)"
    " { service { code } validFrom percent periodicFee version } }"
)
PUT = "... on ResellerServicePrice { percent periodicFee version service { code } reseller { code } }"


async def service(house: House, code: str, fee: str) -> str:
    shows = "... on Service { id }"
    asked = {"code": code, "name": code.title(), "periodicFee": fee, "oneTimeFee": "50"}
    return str((await do(house, "operator", "createService", "CreateServiceInput", shows, **asked))["id"])


async def put(house: House, client: str, **asked: Any) -> dict[str, Any]:
    query = (
        "mutation($input: PutResellerServicePriceInput!) { a: putResellerServicePrice(input: $input)"
        f" {{ __typename ... on Refusal {{ code message field }} {PUT} }} }}"
    )
    found: dict[str, Any] = (await gql(house, client, query, input={"validFrom": "2026-01-01"} | asked))["a"]
    return found


async def fees(house: House, client: str, reseller: str, on: str = "2026-04-01") -> Any:
    found = await gql(house, client, FEES, r=reseller, on=on)
    if found["a"] is None:
        return None
    return [(one["node"]["service"]["code"], Decimal(one["node"]["periodicFee"])) for one in found["a"]["edges"]]


async def test_the_seller_above_prices_and_the_buyer_sees_what_he_pays_alone(house: House) -> None:
    await add_client(house.database, "below", 1, 3, set(Action))
    mobile = await service(house, "MOBILE", "200")
    await service(house, "FIXED", "100")
    made = await put(house, "operator", reseller=EAST, percent="40", idempotencyKey="one")
    assert made == {
        "__typename": "ResellerServicePrice", "percent": "40", "periodicFee": None, "version": 1, "service": None,
        "reseller": {"code": "east"},
    }  # fmt: skip
    assert await put(house, "operator", reseller=EAST, percent="40", idempotencyKey="one") == made
    assert (await put(house, "operator", reseller=EAST, percent="30"))["code"] == "CONFLICT"
    # East lets the one below him pay a fifth more than he does himself.
    assert (await put(house, "reseller", reseller=BELOW, percent="-20"))["version"] == 1
    own = await put(house, "reseller", reseller=BELOW, service=mobile, periodicFee="150", validFrom="2026-05-01")
    assert own["service"] == {"code": "MOBILE"}
    assert await fees(house, "operator", EAST) == [("MOBILE", 120), ("FIXED", 60)]
    assert await fees(house, "reseller", BELOW) == [("MOBILE", 144), ("FIXED", 72)]
    assert await fees(house, "below", BELOW, "2026-05-01") == [("MOBILE", 150), ("FIXED", 72)]
    # By how much a reseller's price differs from that above him is told to who sells to him.
    for client, told in (("reseller", ["-20", None]), ("below", [None, None])):
        found = (await gql(house, client, PRICES, r=BELOW))["a"]
        assert [(one["percent"], one["validFrom"]) for one in found] == list(
            zip(told, ("2026-01-01", "2026-05-01"), strict=True)
        )
    changed = await put(house, "reseller", reseller=BELOW, percent="-10", version=1)
    assert (changed["percent"], changed["version"]) == ("-10", 2)
    assert (await put(house, "reseller", reseller=BELOW, percent="-5", version=1))["code"] == "STALE"


async def test_nobody_prices_himself_or_beside_or_above_him_or_looks_there(house: House) -> None:
    await add_client(house.database, "below", 1, 3, set(Action))
    mobile = await service(house, "MOBILE", "200")
    assert (await put(house, "reseller", reseller=EAST, percent="90"))["code"] == "NOT_ALLOWED"
    assert (await put(house, "reseller", reseller=WEST, percent="90"))["code"] == "NOT_FOUND"
    assert (await put(house, "below", reseller=EAST, percent="90"))["code"] == "NOT_FOUND"
    assert (await put(house, "other", reseller=EAST, percent="90"))["code"] == "NOT_FOUND"
    for client, reseller in (("reseller", WEST), ("below", EAST), ("sibling", BELOW), ("other", EAST)):
        for query in (FEES, PRICES):
            answer = await house.call(client, "POST", "/graphql", json={"query": query, "variables": {"r": reseller}})
            assert "NOT_FOUND" in answer.text, (client, reseller, answer.text)
    other = await put(house, "operator", reseller=EAST, service=global_id("Service", 999), periodicFee="1")
    assert (other["code"], other["field"]) == ("NOT_FOUND", "service")
    wrong = await put(house, "operator", reseller=EAST, periodicFee="1")
    assert (wrong["code"], wrong["field"]) == ("BAD_VALUE", "periodicFee")
    wrong = await put(house, "operator", reseller=EAST, service=mobile, percent="101")
    assert (wrong["code"], wrong["field"]) == ("BAD_VALUE", "percent")


async def test_the_fees_stand_on_the_invoice_that_he_receives(house: House) -> None:
    mobile = await service(house, "MOBILE", "200")
    await put(house, "operator", reseller=EAST, percent="40")
    buyer = await customer(house, "operator", "East as a buyer")
    await terms(house, "operator", 1, customer=buyer)
    end = await customer(house, "reseller", "East's customer")
    lines = [{"service": mobile, "start": "2026-03-01", "quantity": 3, "periodicFee": "250"}]
    await do(
        house, "reseller", "createContract", "CreateContractInput",
        customer=end, start="2026-03-01", state="ACTIVE", services=lines,
    )  # fmt: skip
    bill = 'mutation { a: runBills(input: {month: "2026-03"}) { __typename ... on Refusal { code message } } }'
    assert (await gql(house, "operator", bill))["a"]["__typename"] == "BillRunDone"
    received = await gql(house, "reseller", "{ receivedInvoices { edges { node { lines { text quantity net } } } } }")
    (invoice,) = received["receivedInvoices"]["edges"]
    assert [(one["quantity"], one["net"]) for one in invoice["node"]["lines"]] == [("3", "360.00"), ("3", "90.00")]


@pytest.mark.parametrize("port", PORTS[:1])
async def test_the_same_over_soap(live: House, port: str) -> None:
    await service(live, "MOBILE", "200")

    def operator(billing: Any) -> None:
        price = {"reseller": "east", "service": "MOBILE", "validFrom": dt.date(2026, 1, 1), "periodicFee": Decimal(99)}
        assert billing.PutResellerServicePrice(price=price, idempotencyKey="s").version == 1
        assert [(one.service, one.periodicFee) for one in billing.ListResellerServicePrices(reseller="east")] == [
            ("MOBILE", 99)
        ]
        told = billing.ListResellerServiceFees(reseller="east", on=dt.date(2026, 4, 1))
        assert [(one.service, one.oneTimeFee, one.periodicFee) for one in told.fee] == [("MOBILE", 50, 99)]
        assert code(billing.ListResellerServicePrices, reseller="none") == "not_found"

    await _soap(live, "operator", port, operator)

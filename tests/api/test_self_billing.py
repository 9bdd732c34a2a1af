"""Suppliers and what is written for them, over GraphQL, SOAP and REST."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.api.conftest import House
from tests.api.test_graphql_parties import gql
from tests.api.test_soap import PORTS, _soap
from tests.api.test_soap_margins import code

PUT = """
mutation {
  putSupplier(input: {code: "carrier", name: "Carrier GmbH", organisationNumber: "Berlin HRB 86891",
      vatId: "DE136695976",
      address: {street: "Hauptstr. 1", postcode: "10115", city: "Berlin", country: "DE"}, agreedOn: "2026-01-15",
      validFrom: "2026-02-01", trunks: ["T1"], currency: "EUR", vatPercent: "19"}) {
    ... on Supplier { code version trunks address { city } } ... on Refusal { code field message } } }
"""


async def test_a_supplier_is_kept_and_shown(house: House) -> None:
    made = (await gql(house, "operator", PUT))["putSupplier"]
    assert made == {"code": "carrier", "version": 1, "trunks": ["T1"], "address": {"city": "Berlin"}}
    again = (await gql(house, "operator", PUT))["putSupplier"]
    assert (again["code"], again["field"]) == ("CONFLICT", "code")
    run = 'mutation { selfBill(input: {start: "2026-03-01", end: "2026-04-01"})'
    shown = " { ... on SelfBilling { documents { number } unbilled { reason } } } }"
    found = (await gql(house, "operator", run + shown))["selfBill"]
    assert found == {"documents": [], "unbilled": []}
    asked = "{ suppliers { code } selfBilled { edges { node { number } } } }"
    assert await gql(house, "operator", asked) == {"suppliers": [{"code": "carrier"}], "selfBilled": {"edges": []}}


@pytest.mark.parametrize("port", PORTS[:1])
async def test_suppliers_over_soap(live: House, port: str) -> None:
    place = {"street": "Hauptstr. 1", "postcode": "10115", "city": "Berlin", "country": "DE"}
    supplier = {
        "code": "carrier",
        "name": "Carrier GmbH",
        "organisationNumber": "Berlin HRB 86891",
        "vatId": "DE136695976",
        "address": place,
        "agreedOn": dt.date(2026, 1, 15),
        "validFrom": dt.date(2026, 2, 1),
        "trunk": ["T1"],
        "currency": "EUR",
        "vatPercent": Decimal(19),
    }

    def operator(service: Any) -> None:
        made = service.PutSupplier(supplier)
        assert (made.code, made.version, made.account, made.termsDays) == ("carrier", 1, "4041", 30)
        assert service.PutSupplier({**supplier, "name": "Carrier SE", "version": 1}).version == 2
        assert code(service.PutSupplier, supplier={**supplier, "version": 1}) == "stale"
        assert [one.trunk for one in service.ListSuppliers().supplier] == [["T1"]]
        run = service.SelfBill(start=dt.date(2026, 3, 1), end=dt.date(2026, 4, 1))
        assert run is None or (run.document, run.unbilled) == ([], [])
        assert service.ListSelfBilled().count == 0
        assert code(service.CreditSelfBilled, number="SB1-00001") == "not_found"
        assert code(service.AnswerSelfBilled, number="SB1-00001", answer="accepted") == "not_found"

    await _soap(live, "operator", port, operator)

    def reseller(service: Any) -> None:
        assert code(service.ListSuppliers) == "not_allowed"

    await _soap(live, "reseller", port, reseller)

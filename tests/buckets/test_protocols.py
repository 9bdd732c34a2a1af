"""Allowances and groups over GraphQL and SOAP, by four callers."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from zeep.exceptions import Fault

from tests.api.conftest import House, live
from tests.api.month import TARIFF, make_month
from tests.api.test_graphql_parties import gql
from tests.api.test_soap import PORTS, _soap

__all__ = ["live"]

PLAN = {
    "id": "minutes",
    "owner": "each contract",
    "of": ["Retail"],
    "unit": "seconds",
    "amount": "6000",
    "period": {"every": "month", "from": "2026-01-01", "zone": "Europe/Stockholm"},
}
AT = "2026-03-10T00:00:00+01:00"


async def test_what_is_left_is_told_to_whom_it_concerns(live: House) -> None:
    month = await make_month(live)
    put = "mutation($d: JsonText!) { importTariff(input: {document: $d}) { __typename ... on Refusal { message } } }"
    for client in ("operator", "other"):
        done = await gql(live, client, put, d=json.dumps(TARIFF | {"buckets": [PLAN]}))
        assert done["importTariff"]["__typename"] == "TariffImported", done
    again = (
        'mutation { rerate(input: {since: "2026-03-01T00:00:00Z", until: "2026-04-01T00:00:00Z", '
        "reason: CHANGED_CONTRACT, preview: false}) { ... on Rerating { tally { changed } } } }"
    )
    assert (await gql(live, "operator", again))["rerate"]["tally"]["changed"] == "3"
    for owner in ("operator", "reseller", "sibling"):
        owned = month.owned[owner]
        for client in ("operator", owner):
            for whose in (
                f'customer: "{owned.customer["id"]}"',
                f'contract: "{owned.contract["id"]}"',
                f'subscription: "{owned.subscription}"',
            ):
                query = (
                    f'{{ allowances({whose}, at: "{AT}") {{ bucket owner unit granted used left lost until ends }} }}'
                )
                (one,) = (await gql(live, client, query))["allowances"]
                assert one["owner"] == owned.contract["id"]
                assert (one["bucket"], one["unit"], one["granted"], one["used"], one["left"]) == (
                    "minutes",
                    "seconds",
                    "6000",
                    "60",
                    "5940",
                )
                assert one["until"] == one["ends"] == "2026-03-31T22:00:00Z"
    nobody = await live.http.post("/graphql", json={"query": "{ allowances { bucket } }"})
    assert nobody.status_code == 401
    contract = month.owned["reseller"].contract["number"]

    def call(service: Any) -> None:
        found = service.ListAllowances(contractNumber=contract, at=AT)
        assert (found.count, found.allowance[0].left) == (1, Decimal(5940))
        assert found.allowance[0].owner.startswith("contract:")

    def refused(service: Any) -> None:
        with pytest.raises(Fault) as caught:
            service.ListAllowances(contractNumber=contract, at=AT)
        assert "no contract" in caught.value.message

    for port in PORTS:
        await _soap(live, "reseller", port, call)
        for client in ("sibling", "other"):
            await _soap(live, client, port, refused)


async def test_customers_join_and_leave_groups(live: House) -> None:
    month = await make_month(live)
    customer = month.owned["reseller"].customer["id"]
    show = "{ __typename ... on GroupMemberships { memberships { name validFrom validTo } } ... on Refusal { code } }"
    join = f'joinGroup(input: {{customer: "{customer}", name: "SME", validFrom: "{AT}"}}) {show}'
    leave = f'leaveGroup(input: {{customer: "{customer}", name: "SME", at: "2026-03-11T00:00:00+01:00"}}) {show}'
    for client, code in (("reseller", "NOT_ALLOWED"), ("sibling", "NOT_ALLOWED"), ("other", "NOT_FOUND")):
        for text in (join, leave):
            assert (await gql(live, client, f"mutation {{ a: {text} }}"))["a"]["code"] == code, (client, text)
    assert (await gql(live, "operator", f"mutation {{ a: {join} }}"))["a"]["memberships"] == [
        {"name": "SME", "validFrom": "2026-03-09T23:00:00Z", "validTo": None}
    ]
    assert (await gql(live, "operator", f"mutation {{ a: {join} }}"))["a"]["code"] == "OVERLAP"
    done = (await gql(live, "operator", f"mutation {{ a: {leave} }}"))["a"]["memberships"]
    assert done[0]["validTo"] == "2026-03-10T23:00:00Z"
    listed = f'{{ customerGroups(customer: "{customer}") {{ name }} }}'
    assert (await gql(live, "reseller", listed))["customerGroups"] == [{"name": "SME"}]

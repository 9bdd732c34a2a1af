"""``node(id)`` finds what lists show, for whom they show it."""

from __future__ import annotations

from datetime import UTC, datetime

from api.graphql.ids import global_id
from domain.access.actor import system
from domain.ids import OperatorId
from domain.usecases.simulate_tariff import SimulateTariff, simulate_tariff
from tests.api.conftest import House
from tests.api.month import TARIFF, make_month
from tests.api.test_graphql_parties import gql


async def test_a_price_list_a_held_record_and_a_simulation_are_found_by_their_ids(house: House) -> None:
    await make_month(house)
    found = await gql(
        house,
        "operator",
        "{ priceLists { edges { node { id name } } } suspense { edges { node { id reason } } } }",
    )
    wiring = house.wiring
    done = await simulate_tariff(
        SimulateTariff(since=datetime(2026, 3, 1, tzinfo=UTC), until=datetime(2026, 4, 1, tzinfo=UTC), document=TARIFF),
        actor=system(OperatorId(1)),
        begin=wiring.begin,
        clock=wiring.clock,
        raters=wiring.raters,
    )
    lists = [edge["node"] for edge in found["priceLists"]["edges"]]
    assert len(lists) == 3
    held = found["suspense"]["edges"][0]["node"]
    asked = {
        **{one["id"]: ("PriceList", "name", one["name"]) for one in lists},
        held["id"]: ("Suspended", "reason", "no_party"),
        global_id("Simulation", done.id): ("Simulation", "currency", "SEK"),
    }
    for key, (kind, field, value) in asked.items():
        query = f"query($id: ID!) {{ node(id: $id) {{ __typename id ... on {kind} {{ {field} }} }} }}"
        assert (await gql(house, "operator", query, id=key))["node"] == {"__typename": kind, "id": key, field: value}
        for client in ("other", "reseller"):
            answer = await house.call(client, "POST", "/graphql", json={"query": query, "variables": {"id": key}})
            told = answer.json()
            if kind != "PriceList":  # a reseller may see prices, and the other operator's lists have keys of their own
                assert told["errors"][0]["extensions"]["code"] in {"NOT_FOUND", "NOT_ALLOWED"}
            elif client == "other":
                assert told.get("errors"), "the keys of two operators never meet"

"""A portal's name and addresses are changed, by who holds what it can do."""

from __future__ import annotations

import json
from typing import Any

from domain.access.actor import Action
from persistence.engine import OWNER
from tests.api.conftest import House, add_client
from tests.api.test_graphql_parties import gql
from tests.signing_in.people import ORIGIN, REDIRECT, make_portal, person

CHANGE_PORTAL = """mutation($i: ChangePortalInput!) { changePortal(input: $i) { __typename
  ... on Client { name portalVersion portal { redirectUris origins loginUrl public } }
  ... on Refusal { code field } } }"""


async def test_a_portals_addresses_are_changed_and_codes_go_to_no_other(house: House) -> None:
    portal = await make_portal(house)
    await person(house, "anna@north.example", of="support")

    async def change(client: str = "operator", **fields: Any) -> dict[str, Any]:
        asked = {"clientId": portal.client_id, "version": 1} | fields
        found: dict[str, Any] = (await gql(house, client, CHANGE_PORTAL, i=asked))["changePortal"]
        return found

    uris = ["https://new.portal.example/back"]
    done = await change(redirectUris=uris, name=" Self care ", loginUrl="https://new.portal.example/login")
    assert (done["name"], done["portalVersion"]) == ("Self care", 2)
    assert done["portal"] == {
        "redirectUris": uris,
        "origins": [ORIGIN],
        "loginUrl": "https://new.portal.example/login",
        "public": True,
    }
    assert (await change(name="late"))["code"] == "STALE"
    assert (await change(version=2, redirectUris=[]))["field"] == "redirectUris"
    assert (await change(version=2, origins=["https://x.example/path"]))["field"] == "origins.0"
    assert (await change(version=2, name=" "))["field"] == "name"
    assert (await change(version=1, clientId="operator"))["code"] == "WRONG_STATE"
    await add_client(house.database, "clerk", 1, scopes={Action.MANAGE_CLIENTS})
    for client, code in (
        ("reseller", "NOT_FOUND"),
        ("sibling", "NOT_FOUND"),
        ("other", "NOT_FOUND"),
        ("clerk", "NOT_ALLOWED"),
    ):
        assert (await change(client, version=2, name="mine"))["code"] == code, client
    refused = await portal.login("anna@north.example")
    assert refused.get("code"), refused
    assert "redirectUri" in await portal.login("anna@north.example", redirectUri=uris[0])
    line = "select detail from audit where action = 'change_portal'"
    async with house.database.transaction(role=OWNER) as unit:
        detail = json.loads(await unit.connection.fetchval(line))
        kinds = [row["kind"] for row in await unit.connection.fetch("select kind from outbox order by id")]
    assert detail["changed"] == ["loginUrl", "name", "redirectUris"]
    assert detail["before"]["redirectUris"] == [REDIRECT]
    assert "client.changed" in kinds

"""The same application on the twin in memory: from an empty installation to a token, a customer and a refusal."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path

import httpx

from api.app import application
from api.settings import Settings
from api.wiring import Wiring, in_memory
from domain.access.actor import Action, system
from domain.ids import OperatorId, ResellerId
from domain.operators import Address, Operator
from domain.usecases.create_client import CreateClient, NewClient, create_client
from domain.usecases.create_operator import create_operator
from domain.usecases.create_reseller import CreateReseller, create_reseller
from tests.api.conftest import MovingClock
from tests.api.test_graphql_parties import ADDRESS

NEW = Operator(
    id=OperatorId(0),
    code="north",
    name="North Telecom AB",
    organisation_number="5567037485",
    vat_id="SE556703748501",
    address=Address("Storgatan 1", "111 22", "Stockholm", "SE"),
)


async def _client(wiring: Wiring, operator: Operator, reseller: ResellerId | None = None) -> NewClient:
    scopes = frozenset({Action.READ_CUSTOMERS, Action.WRITE_CUSTOMERS})
    return await create_client(
        CreateClient(name="test", scopes=scopes, reseller=reseller),
        actor=system(operator.id),
        begin=wiring.begin,
        clock=wiring.clock,
        draw=secrets.token_urlsafe,
    )


async def test_the_twin_in_memory_serves_the_same(tmp_path: Path) -> None:
    wiring = in_memory(Settings(data_dir=tmp_path, public_url="https://billing.example"), clock=MovingClock())
    operator = await create_operator(NEW, begin=wiring.begin)
    reseller = await create_reseller(
        CreateReseller(code="east", name="East"), actor=system(operator.id), begin=wiring.begin
    )
    other = await create_operator(replace(NEW, code="south"), begin=wiring.begin)
    callers = {
        "operator": await _client(wiring, operator),
        "reseller": await _client(wiring, operator, reseller.id),
        "other": await _client(wiring, other),
    }
    transport = httpx.ASGITransport(app=await application(wiring), client=("192.0.2.7", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="https://billing.example") as http:
        tokens = {}
        for name, made in callers.items():
            auth = (made.client.client_id, made.secret)
            got = await http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=auth)
            tokens[name] = {"Authorization": f"Bearer {got.json()['access_token']}"}
        query = (
            "mutation($input: CreateCustomerInput!) { createCustomer(input: $input) "
            "{ __typename ... on Customer { id reseller { code } } ... on Refusal { code } } }"
        )
        body = {"query": query, "variables": {"input": {"name": "Åsa", "kind": "PERSON", "address": ADDRESS}}}
        made = (await http.post("/graphql", json=body, headers=tokens["reseller"])).json()["data"]["createCustomer"]
        assert made["reseller"] == {"code": "east"}
        found = {}
        for name, headers in tokens.items():
            asked = {"query": f'{{ node(id: "{made["id"]}") {{ id }} }}'}
            found[name] = (await http.post("/graphql", json=asked, headers=headers)).json()["data"]["node"]
        assert found == {"operator": {"id": made["id"]}, "reseller": {"id": made["id"]}, "other": None}
        assert (await http.get("/readyz")).json() == {"status": "ready"}

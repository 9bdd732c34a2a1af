"""A second person over GraphQL, SOAP and the command line."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import pytest

from api.rest.refusals import status_of
from domain.access.actor import Action
from domain.access.approval import NeedsApproval
from domain.ids import ApprovalId
from tests.api.conftest import House, add_client
from tests.api.test_graphql_parties import gql
from tests.api.test_soap import PORTS, _soap
from tests.api.test_soap_margins import code

DRAFT = json.dumps({"price_lists": {"plain": {"currency": "SEK", "rates": []}}})
PUBLISH = (
    'mutation { a: publishDraft(input: {name: "spring"}) '
    "{ __typename ... on Refusal { code } ... on NeedsApproval { approval } } }"
)
STATE = "{ __typename ... on Approval { state operation asker decider fault version } ... on Refusal { code message } }"


async def rules(house: House, client: str = "operator", version: int = 0, kinds: str = "{kind: PRICES}") -> Any:
    query = (
        f"mutation {{ a: setApprovalRules(input: {{version: {version}, rules: [{kinds}]}}) "
        "{ ... on ApprovalRules { version rules { kind above } } ... on Refusal { code } } }"
    )
    return (await gql(house, client, query))["a"]


async def waiting(house: House) -> str:
    """Let the operator's client ask for what needs a second person, and return the approval's id."""
    assert (await rules(house))["version"] == 1
    query = (
        "mutation($input: PutDraftInput!) { a: putDraft(input: $input) { __typename ... on Refusal { code message } } }"
    )
    made = (await gql(house, "operator", query, input={"name": "spring", "changes": DRAFT}))["a"]
    assert made["__typename"] == "Draft", made
    told = (await gql(house, "operator", PUBLISH))["a"]
    assert (told["__typename"], told["code"]) == ("NeedsApproval", "NEEDS_APPROVAL")
    return str(told["approval"])


async def decide(house: House, client: str, key: str, *, approve: bool = True, version: int = 1) -> dict[str, Any]:
    query = f"mutation($input: DecideApprovalInput!) {{ a: decideApproval(input: $input) {STATE} }}"
    asked = {"approval": key, "version": version, "approve": approve, "reason": "because"}
    found: dict[str, Any] = (await gql(house, client, query, input=asked))["a"]
    return found


async def test_what_one_asks_another_approves(house: House) -> None:
    await add_client(house.database, "second", 1)
    key = await waiting(house)
    assert (await gql(house, "operator", PUBLISH))["a"]["approval"] == key  # it waits once
    refused = await decide(house, "operator", key)
    assert refused["code"] == "NOT_ALLOWED"
    listed = await gql(house, "second", "{ approvals(state: PENDING) { edges { node { id asker command } } } }")
    (one,) = [edge["node"] for edge in listed["approvals"]["edges"]]
    assert (one["id"], one["asker"]) == (key, "client:operator")
    assert json.loads(one["command"])["name"] == "spring"
    done = await decide(house, "second", key)
    assert (done["state"], done["decider"], done["fault"]) == ("CARRIED_OUT", "client:second", None)
    assert (await decide(house, "second", key, version=3))["code"] == "WRONG_STATE"
    found = await gql(house, "operator", '{ priceLists { edges { node { name } } } draft(name: "spring") { state } }')
    assert "plain" in {edge["node"]["name"] for edge in found["priceLists"]["edges"]}
    assert found["draft"]["state"] == "PUBLISHED"
    told = await gql(house, "operator", '{ events(kinds: ["approval.*"]) { edges { node { kind } } } }')
    assert [edge["node"]["kind"] for edge in told["events"]["edges"]] == ["approval.requested", "approval.approved"]


async def test_no_is_no(house: House) -> None:
    await add_client(house.database, "second", 1)
    key = await waiting(house)
    assert (await decide(house, "second", key, approve=False))["state"] == "REFUSED"
    assert (await gql(house, "operator", '{ draft(name: "spring") { state } }'))["draft"]["state"] == "OPEN"


async def test_approvals_are_the_operators_alone(house: House) -> None:
    key = await waiting(house)
    for client in ("reseller", "sibling"):
        assert (await decide(house, client, key))["code"] == "NOT_ALLOWED"
        assert (await rules(house, client))["code"] == "NOT_ALLOWED"
        found = await gql(house, client, "{ approvals { edges { node { id } } } }")
        assert found["approvals"]["edges"] == []
    assert (await decide(house, "other", key))["code"] == "NOT_FOUND"
    for client in ("reseller", "sibling", "other"):
        answer = await house.call(client, "POST", "/graphql", json={"query": f'{{ approval(id: "{key}") {{ id }} }}'})
        assert answer.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"
        query = f'mutation {{ a: withdrawApproval(approval: "{key}", version: 1) {{ ... on Refusal {{ code }} }} }}'
        assert (await gql(house, client, query))["a"]["code"] == "NOT_FOUND"
    await add_client(house.database, "reader", 1, scopes={Action.READ_CUSTOMERS})
    assert (await decide(house, "reader", key))["code"] == "NOT_ALLOWED"


async def test_over_the_api_rules_become_stricter_alone(house: House) -> None:
    assert await rules(house, kinds='{kind: CREDIT, above: "1000"}') == {
        "version": 1,
        "rules": [{"kind": "CREDIT", "above": "1000"}],
    }
    assert (await rules(house, version=0, kinds="{kind: CREDIT}"))["code"] == "STALE"
    assert (await rules(house, version=1, kinds='{kind: CREDIT, above: "2000"}'))["code"] == "NOT_ALLOWED"
    assert (await rules(house, version=1, kinds=""))["code"] == "NOT_ALLOWED"
    stricter = await rules(house, version=1, kinds='{kind: CREDIT, above: "500"}, {kind: BILL_RUN}')
    assert stricter["version"] == 2


def test_over_rest_it_is_a_conflict_with_its_own_code() -> None:
    no = NeedsApproval(ApprovalId(7))
    assert (status_of(no), no.code, no.values) == (HTTPStatus.CONFLICT, "needs_approval", {"approval": 7})


@pytest.mark.parametrize("port", PORTS)
async def test_approvals_over_soap(live: House, port: str) -> None:
    await add_client(live.database, "second", 1)
    await waiting(live)

    def asker(service: Any) -> None:
        (one,) = service.ListApprovals(state="pending").approval
        assert (one.operation, one.kind, one.asker) == ("publish_draft", "prices", "client:operator")
        assert code(service.DecideApproval, approval=one.id, version=1, approve=True) == "not_allowed"
        assert service.GetApprovalRules().rule[0].kind == "prices"
        looser = {"version": 1, "rule": []}
        assert code(service.SetApprovalRules, rules=looser) == "not_allowed"
        stricter = {"version": 1, "rule": [{"kind": "prices"}, {"kind": "credit", "above": "100"}]}
        assert service.SetApprovalRules(rules=stricter).version == 2

    def second(service: Any) -> None:
        (one,) = service.ListApprovals().approval
        assert code(service.WithdrawApproval, approval=one.id, version=1) == "not_allowed"
        assert code(service.DecideApproval, approval=one.id, version=1, approve=False) == "bad_value"
        assert service.DecideApproval(approval=one.id, version=1, approve=True).state == "carried_out"
        assert code(service.DecideApproval, approval=10**15, version=1, approve=True) == "not_found"

    await _soap(live, "operator", port, asker)
    await _soap(live, "second", port, second)

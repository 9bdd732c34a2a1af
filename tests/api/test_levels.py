"""User levels over GraphQL and SOAP: made, held within seconds, and what each of four callers finds of them."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from api.auth import bearer
from api.graphql.ids import global_id, read_id
from domain.access.actor import Action
from domain.access.level import BUILT_IN
from persistence.engine import OWNER
from tests.api.conftest import House, add_client
from tests.api.test_graphql_parties import gql, new_customer
from tests.api.test_idempotency import GROUP
from tests.api.test_soap import PORTS, _soap
from tests.api.test_soap_margins import code

LEVEL = (
    "id name builtIn permissions requiresSecondFactor version reseller { code }"
    " limits { amounts { currency each day } groups }"
)
OUTCOME = f"{{ __typename ... on UserLevel {{ {LEVEL} }} ... on Refusal {{ code field message }} }}"


async def create(house: House, client: str, **fields: Any) -> dict[str, Any]:
    query = f"mutation($input: CreateLevelInput!) {{ a: createLevel(input: $input) {OUTCOME} }}"
    made = await gql(house, client, query, input={"name": "Desk", "permissions": ["customers:read"]} | fields)
    found: dict[str, Any] = made["a"]
    return found


async def change(house: House, client: str, **fields: Any) -> dict[str, Any]:
    query = f"mutation($input: ChangeLevelInput!) {{ a: changeLevel(input: $input) {OUTCOME} }}"
    found: dict[str, Any] = (await gql(house, client, query, input=fields))["a"]
    return found


async def levels(house: House, client: str) -> dict[str, dict[str, Any]]:
    found = await gql(house, client, f"{{ userLevels {{ {LEVEL} }} }}")
    return {one["name"]: one for one in found["userLevels"]}


async def errors(house: House, client: str, query: str) -> list[str]:
    answer = await house.call(client, "POST", "/graphql", json={"query": query})
    return [one["extensions"]["code"] for one in answer.json().get("errors", [])]


async def test_an_operator_makes_copies_and_changes_levels(house: House) -> None:
    there = await levels(house, "operator")
    assert {one["builtIn"] for one in there.values()} == set(BUILT_IN)
    limits = {"amounts": [{"currency": "SEK", "each": "1000", "day": "5000"}], "groups": ["gold"]}
    anna = await new_customer(house, "operator", "Anna", priceList=None)
    await gql(house, "operator", GROUP, customer=anna["id"], name="gold")
    made = await create(
        house, "operator", name="Support, day", copyOf=there["Support"]["id"], permissions=None, limits=limits
    )
    assert made["permissions"] == sorted(BUILT_IN["support"])
    assert made["limits"] == {"amounts": [{"currency": "SEK", "each": "1000", "day": "5000"}], "groups": ["gold"]}
    assert (made["builtIn"], made["version"], made["requiresSecondFactor"]) == (None, 1, False)
    done = await change(house, "operator", level=made["id"], version=1, requiresSecondFactor=True, name="Day")
    assert (done["name"], done["version"], done["requiresSecondFactor"]) == ("Day", 2, True)
    assert (await change(house, "operator", level=made["id"], version=1, name="x"))["code"] == "STALE"
    refused = await change(house, "operator", level=there["Support"]["id"], version=1, name="x")
    assert (refused["code"], refused["field"]) == ("WRONG_STATE", "level")
    refused = await create(house, "operator", permissions=["customers:all"])
    assert (refused["code"], refused["field"]) == ("BAD_VALUE", "permissions")
    gone = f'mutation {{ a: removeLevel(level: "{made["id"]}", version: 2) {{ ... on LevelRemoved {{ name }} }} }}'
    assert (await gql(house, "operator", gone))["a"] == {"name": "Day"}
    assert "Day" not in await levels(house, "operator")


async def test_the_same_key_makes_one_level(house: House) -> None:
    first = await create(house, "operator", idempotencyKey="k")
    assert await create(house, "operator", idempotencyKey="k") == first
    assert (await create(house, "operator", idempotencyKey="k", name="Other"))["code"] == "CONFLICT"


async def test_what_each_of_four_callers_finds_of_a_level(house: House) -> None:
    own = await create(house, "reseller")
    operators = await create(house, "operator")
    assert own["reseller"] == {"code": "east"}
    for client, sees in (("operator", True), ("reseller", True), ("sibling", False), ("other", False)):
        read = f'{{ userLevel(id: "{own["id"]}") {{ name }} }}'
        assert (await errors(house, client, read) == ["NOT_FOUND"]) is not sees, client
        answer = await change(house, client, level=own["id"], version=99, name="x")
        assert answer["code"] == ("STALE" if sees else "NOT_FOUND"), client
        query = f'mutation {{ a: removeLevel(level: "{own["id"]}", version: 99) {{ ... on Refusal {{ code }} }} }}'
        assert (await gql(house, client, query))["a"]["code"] == ("STALE" if sees else "NOT_FOUND")
    for client in ("reseller", "sibling", "other"):
        assert (await change(house, client, level=operators["id"], version=1, name="x"))["code"] == "NOT_FOUND"
        copied = await create(house, client, name="Copy", copyOf=operators["id"], permissions=None)
        assert (copied["code"], copied["field"]) == ("NOT_FOUND", "copyOf")
        tied = f'createClient(input: {{name: "x", level: "{operators["id"]}"}}) {{ ... on Refusal {{ code }} }}'
        assert (await gql(house, client, f"mutation {{ a: {tied} }}"))["a"]["code"] == "NOT_FOUND"
    theirs = await levels(house, "reseller")
    assert {one["builtIn"] for one in theirs.values()} == {"reseller_administrator", "reseller_support", None}


async def test_a_resellers_level_holds_nothing_that_is_the_operators(house: House) -> None:
    for word in ("costs:read", "publish_draft", "approvals:decide"):
        refused = await create(house, "reseller", permissions=[word])
        assert (refused["code"], refused["field"]) == ("BAD_VALUE", "permissions")
    refused = await create(house, "reseller", reseller=global_id("Reseller", 2))
    assert (refused["code"], refused["field"]) == ("NOT_FOUND", "reseller")


async def test_nobody_gives_more_than_he_has_over_the_api(house: House) -> None:
    await add_client(
        house.database, "chief", 1, scopes={Action.MANAGE_LEVELS, Action.READ_USERS, Action.READ_CUSTOMERS}
    )
    assert (await create(house, "chief"))["__typename"] == "UserLevel"
    refused = await create(house, "chief", name="More", permissions=["bills:run", "swap_sim"])
    assert refused["code"] == "NOT_ALLOWED"
    assert "bills:run" in refused["message"]
    assert "swap_sim" in refused["message"]
    await add_client(house.database, "clerk", 1, scopes={Action.READ_CUSTOMERS})
    assert (await create(house, "clerk", name="Mine"))["code"] == "NOT_ALLOWED"


async def test_a_level_that_is_changed_holds_while_the_token_lives(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attack A10, for a machine that is tied to a level."""
    monkeypatch.setattr(bearer, "CACHE_SECONDS", 0.0)
    made = await create(house, "operator", permissions=["customers:read", "change_operator"])
    client = await gql(
        house,
        "operator",
        f'mutation {{ a: createClient(input: {{name: "erp", level: "{made["id"]}"}}) '
        "{ ... on NewClient { secret client { clientId scopes levelId } } ... on Refusal { code message } } }",
    )
    told = client["a"]["client"]
    assert told["levelId"] == made["id"]
    assert told["scopes"] == ["customers:read", "operator:manage"]
    fields = {"grant_type": "client_credentials"}
    answer = await house.http.post("/oauth/token", data=fields, auth=(told["clientId"], client["a"]["secret"]))
    house.tokens[f"{told['clientId']} None"] = answer.json()["access_token"]
    erp = told["clientId"]
    assert await errors(house, erp, "{ customers { edges { cursor } } }") == []
    assert await errors(house, erp, "{ contracts { edges { cursor } } }") == ["NOT_ALLOWED"]
    # It has the one operation, and not what else its scope would give.
    assert await errors(house, erp, "{ approvalRules { version } }") == ["NOT_ALLOWED"]
    narrower = await change(house, "operator", level=made["id"], version=1, permissions=["change_operator"])
    assert narrower["version"] == 2
    assert await errors(house, erp, "{ customers { edges { cursor } } }") == ["NOT_ALLOWED"]


async def test_why_refused_tells_the_operators_and_not_a_resellers_people(house: House) -> None:
    await add_client(house.database, "narrow", 1, scopes={Action.READ_CUSTOMERS})
    judged = "allowed operation { name scopes } reasons { obstacle permission message }"
    asked = f'{{ whyRefused(operation: "create_contract") {{ {judged} }} }}'
    found = (await gql(house, "narrow", asked))["whyRefused"]
    assert found["allowed"] is False
    assert found["operation"] == {"name": "create_contract", "scopes": ["contracts:write"]}
    assert [(one["obstacle"], one["permission"]) for one in found["reasons"]] == [("CLIENT", "contracts:write")]
    await add_client(house.database, "agent", 1, 1, scopes={Action.READ_CUSTOMERS})
    hidden = (await gql(house, "agent", asked))["whyRefused"]
    assert (hidden["allowed"], hidden["reasons"]) == (False, [])
    query = 'mutation { a: createService(input: {code: "x", name: "X"}) { ... on Refusal { code message } } }'
    assert (await gql(house, "agent", query))["a"] == {"code": "NOT_ALLOWED", "message": "this is not allowed"}
    assert "contracts:write" in (await gql(house, "narrow", query))["a"]["message"]
    # Of others who may see users asks, of whom he sees.
    other = 'query { whyRefused(operation: "swap_sim", clientId: "agent") { allowed } }'
    assert (await gql(house, "operator", other))["whyRefused"] == {"allowed": False}
    assert await errors(house, "narrow", other) == ["NOT_ALLOWED"]
    for client in ("sibling", "other"):
        assert await errors(house, client, other) == ["NOT_FOUND"]
    user = f'{{ whyRefused(operation: "swap_sim", user: "{global_id("User", 10**9)}") {{ allowed }} }}'
    for client in ("operator", "reseller", "sibling", "other"):
        assert await errors(house, client, user) == ["NOT_FOUND"]
    shown = (await gql(house, "narrow", "{ permissions }"))["permissions"]
    assert "list_customers" in shown
    assert "create_contract" not in shown


async def test_everything_that_can_be_done_is_listed_with_what_it_asks_for(house: House) -> None:
    found = (await gql(house, "operator", "{ operations { name scopes anyOf description } }"))["operations"]
    assert len(found) > 250
    assert all(one["scopes"] or one["anyOf"] for one in found)
    by_name = {one["name"]: one for one in found}
    assert by_name["publish_draft"]["scopes"] == ["prices:write"]
    assert by_name["give_numbers"]["anyOf"] == ["numbers:manage", "contracts:write"]


async def test_a_built_in_level_is_nobodys_to_write_even_past_the_use_cases(house: House) -> None:
    """Raw SQL as the application's role: the policy of the table says the same."""
    async with house.database.transaction(operator=1) as unit:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await unit.connection.execute("update user_level set name = 'x' where built_in = 'support'")
    async with house.database.transaction(role=OWNER) as unit:
        assert await unit.connection.fetchval("select count(*) from user_level where built_in is not null") == 20


@pytest.mark.parametrize("port", PORTS)
async def test_levels_over_soap(live: House, port: str) -> None:
    def operator(service: Any) -> Any:
        there = {one.builtIn: one for one in service.ListUserLevels()}
        assert set(there) == set(BUILT_IN)
        limits = {"amount": [{"currency": "SEK", "each": "1000.00"}], "group": ["gold"]}
        made = service.CreateUserLevel(level={"name": "Desk", "permission": ["swap_sim"], "limits": limits})
        assert (made.permission, made.limits.group, made.version) == (["swap_sim"], ["gold"], 1)
        assert made.limits.amount[0].each == 1000
        done = service.ChangeUserLevel(change={"level": made.id, "version": 1, "permission": ["customers:read"]})
        assert (done.permission, done.limits.group, done.version) == (["customers:read"], ["gold"], 2)
        assert code(service.ChangeUserLevel, change={"level": made.id, "version": 1, "name": "x"}) == "stale"
        assert code(service.RemoveUserLevel, level=there["support"].id, version=1) == "wrong_state"
        copied = service.CreateUserLevel(level={"name": "Copy", "copyOf": there["support"].id})
        assert sorted(copied.permission) == sorted(BUILT_IN["support"])
        assert service.RemoveUserLevel(level=copied.id, version=1) == "Copy"
        assert len(service.ListOperations()) > 250
        assert service.ExplainRefusal(operation="swap_sim").allowed
        return made.id

    def stranger(service: Any) -> None:
        assert code(service.RemoveUserLevel, level=made, version=2) == "not_found"
        assert code(service.ChangeUserLevel, change={"level": made, "version": 2, "name": "x"}) == "not_found"

    anna = await new_customer(live, "operator", "Anna", priceList=None)
    await gql(live, "operator", GROUP, customer=anna["id"], name="gold")
    made = await _soap(live, "operator", port, operator)
    assert read_id(global_id("UserLevel", made))[0] == "UserLevel"
    for client in ("reseller", "sibling", "other"):
        await _soap(live, client, port, stranger)

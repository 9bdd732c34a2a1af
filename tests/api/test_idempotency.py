"""Commands sent again under their idempotency key, over GraphQL (B5 to B8); on a database and on its twin alike."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLSchema, get_named_type

from api.graphql.schema import make_schema
from api.keeping import WITHOUT_KEY
from persistence.engine import OWNER
from tests.api.conftest import House
from tests.api.test_graphql_parties import gql, new_customer
from tests.api.walking import fields_of

GROUP = (
    "mutation($key: String, $name: String!, $customer: ID!) { joinGroup(input: {customer: $customer, name: $name,"
    ' validFrom: "2026-03-01T00:00:00Z", idempotencyKey: $key}) { __typename ... on Refusal { code field message }'
    " ... on GroupMemberships { memberships { name } } } }"
)


@functools.cache
def schema() -> GraphQLSchema:
    made: GraphQLSchema = make_schema()._schema
    return made


def takes_key(field: Any) -> bool:
    """Tell whether a mutation takes a key, in its input or beside its arguments."""
    inputs = [get_named_type(one.type) for one in field.args.values()]
    within = [one.fields for one in inputs if isinstance(one, GraphQLInputObjectType)]
    return "idempotencyKey" in field.args or any("idempotencyKey" in fields for fields in within)


def test_every_mutation_takes_a_key_or_has_a_reason_not_to() -> None:
    without = {name for name, field in fields_of(schema(), "Mutation").items() if not takes_key(field)}
    assert without == set(WITHOUT_KEY), (
        "api.graphql.once.extend gives every mutation a key. One that is to have none stands in WITHOUT_KEY with why;"
        " one whose command takes the key itself has it in its input"
    )


async def _change(house: House, client: str, customer: dict[str, Any], name: str, **more: Any) -> dict[str, Any]:
    change = (
        "mutation($input: ChangeCustomerInput!) { changeCustomer(input: $input) "
        "{ __typename ... on Customer { name version } ... on Refusal { code field } } }"
    )
    asked = {"customer": customer["id"], "version": 1, "name": name, **more}
    answer: dict[str, Any] = (await gql(house, client, change, input=asked))["changeCustomer"]
    return answer


async def _lines(house: House, action: str) -> int:
    async with house.database.transaction(role="tollwright_ingest") as unit:
        return int(await unit.connection.fetchval("select count(*) from audit where action = $1", action))


async def test_b5_the_answer_that_was_given_comes_again_and_there_is_one_effect(house: House) -> None:
    customer = await new_customer(house, "operator", "Anna", priceList=None)
    first = await _change(house, "operator", customer, "Bo", idempotencyKey="k")
    assert first == {"__typename": "Customer", "name": "Bo", "version": 2}
    assert (await _change(house, "operator", customer, "Cy", version=2))["version"] == 3
    assert await _change(house, "operator", customer, "Bo", idempotencyKey="k") == first
    assert await _lines(house, "change_customer") == 2


async def test_b5_beside_arguments_and_under_aliases(house: House) -> None:
    create = (
        'mutation { createWebhook(input: {url: "https://example.com/a"}) { ... on WebhookTold { webhook { id } } } }'
    )
    made = (await gql(house, "operator", create))["createWebhook"]["webhook"]["id"]
    remove = (
        f'mutation {{ a: removeWebhook(webhook: "{made}", version: 1, idempotencyKey: "r") {{ __typename }}'
        f' b: removeWebhook(webhook: "{made}", version: 1, idempotencyKey: "r") {{ __typename }}'
        f' c: removeWebhook(webhook: "{made}", version: 1) {{ __typename ... on Refusal {{ code }} }} }}'
    )
    for _ in range(2):
        answer = await gql(house, "operator", remove)
        # The second waits for nothing: it stands in the same operation, and its answer is not kept before that ends.
        assert answer["a"] == {"__typename": "WebhookRemoved"}
        assert answer["c"] == {"__typename": "NotFound", "code": "NOT_FOUND"}
    assert answer["b"] == {"__typename": "WebhookRemoved"}


async def test_b6_other_content_under_the_key_is_refused(house: House) -> None:
    customer = await new_customer(house, "operator", "Anna", priceList=None)
    await _change(house, "operator", customer, "Bo", idempotencyKey="k")
    for other in ({"name": "Bob"}, {"name": "Bo", "version": 2}):
        found = await _change(house, "operator", customer, **{"idempotencyKey": "k", **other})  # type: ignore[arg-type]
        assert found == {"__typename": "Conflict", "code": "CONFLICT", "field": "idempotencyKey"}
    assert await _lines(house, "change_customer") == 1


async def test_a_refusal_leaves_the_key_free(house: House) -> None:
    customer = await new_customer(house, "operator", "Anna", priceList=None)
    stale = await _change(house, "operator", customer, "Bo", version=7, idempotencyKey="k")
    assert stale["code"] == "STALE"
    assert (await _change(house, "operator", customer, "Bo", idempotencyKey="k"))["version"] == 2


async def test_b7_who_asks_while_the_first_is_running_is_refused_at_once(house: House) -> None:
    customer = await new_customer(house, "operator", "Anna", priceList=None)
    async with held(house, "select 1 from customer for update") as connection:
        first = asyncio.create_task(_change(house, "operator", customer, "Bo", idempotencyKey="k"))
        while not await connection.fetchval("select count(*) from kept_answer"):  # noqa: ASYNC110  (the database has no event for it)
            await asyncio.sleep(0.02)
        async with asyncio.timeout(5):
            second = await _change(house, "operator", customer, "Bo", idempotencyKey="k")
        assert second == {"__typename": "Conflict", "code": "CONFLICT", "field": "idempotencyKey"}
        assert not first.done()
    assert (await first)["version"] == 2
    assert await _change(house, "operator", customer, "Bo", idempotencyKey="k") == await first


async def test_b7_of_a_command_that_takes_its_key_itself(house: House) -> None:
    create = (
        'mutation($key: String!) { createService(input: {code: "S", name: "S", idempotencyKey: $key}) '
        "{ __typename ... on Service { id } ... on Refusal { code field } } }"
    )
    async with held(house, "lock table service in exclusive mode") as connection:
        first = asyncio.create_task(gql(house, "operator", create, key="k"))
        while not await connection.fetchval("select count(*) from pg_locks where locktype = 'advisory'"):  # noqa: ASYNC110  (the database has no event for it)
            await asyncio.sleep(0.02)
        async with asyncio.timeout(5):
            second = (await gql(house, "operator", create, key="k"))["createService"]
        assert second == {"__typename": "Conflict", "code": "CONFLICT", "field": "idempotencyKey"}
    done = await first
    assert await gql(house, "operator", create, key="k") == done


@asynccontextmanager
async def held(house: House, statement: str) -> AsyncIterator[Any]:
    """Hold something up from a connection of its own."""
    connection = await house.database.acquire()
    try:
        async with connection.transaction():
            await connection.execute(statement)
            yield connection
    finally:
        await house.database.release(connection)


@pytest.mark.parametrize("together", [2, 8])
async def test_b7_many_at_the_same_moment_have_one_effect(house: House, together: int) -> None:
    customer = await new_customer(house, "operator", "Anna", priceList=None)
    all_of_them = await asyncio.gather(
        *(_change(house, "operator", customer, "Bo", idempotencyKey="k") for _ in range(together))
    )
    assert {one["__typename"] for one in all_of_them} <= {"Customer", "Conflict"}
    assert any(one["__typename"] == "Customer" for one in all_of_them)
    assert await _lines(house, "change_customer") == 1


@pytest.mark.parametrize("key", ["k" * 300, "' or 1=1 --", "", "nyckel å", "a\nb"])
async def test_b8_a_key_that_is_none_is_refused(house: House, key: str) -> None:
    customer = await new_customer(house, "operator", "Anna", priceList=None)
    found = await _change(house, "operator", customer, "Bo", idempotencyKey=key)
    assert found == {"__typename": "BadValue", "code": "BAD_VALUE", "field": "idempotencyKey"}


async def test_b8_anothers_key_is_another_key(house: House) -> None:
    for client in ("operator", "other", "reseller", "sibling"):
        customer = await new_customer(house, client, "Anna", priceList=None)
        found = await _change(house, client, customer, f"Of {client}", idempotencyKey="the-same")
        assert found == {"__typename": "Customer", "name": f"Of {client}", "version": 2}


async def test_who_lost_the_permission_is_not_given_the_answer_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.auth.bearer.CACHE_SECONDS", 0.0)
    customer = await new_customer(house, "operator", "Anna", priceList=None)
    first = await _change(house, "operator", customer, "Bo", idempotencyKey="k")
    assert first["name"] == "Bo"
    for scopes, code in (("{customers:read}", "NOT_ALLOWED"), ("{customers:read,customers:write}", None)):
        async with house.database.transaction(role=OWNER) as unit:
            await unit.connection.execute(f"update api_client set scopes = '{scopes}' where client_id = 'operator'")
        again = await _change(house, "operator", customer, "Bo", idempotencyKey="k")
        assert again.get("code") == code, again
    assert again == first


async def test_what_is_told_once_is_not_kept(house: House) -> None:
    create = (
        'mutation { createClient(input: {name: "erp", scopes: ["customers:read"], idempotencyKey: "k"}) '
        "{ __typename ... on NewClient { secret } ... on Refusal { code field } } }"
    )
    secret = (await gql(house, "operator", create))["createClient"]["secret"]
    again = (await gql(house, "operator", create))["createClient"]
    assert again == {"__typename": "Conflict", "code": "CONFLICT", "field": "idempotencyKey"}
    async with house.database.transaction(role="tollwright_ingest") as unit:
        kept = await unit.connection.fetch("select answer from kept_answer")
    assert [row["answer"] for row in kept] == [None]
    assert secret


async def test_a_crash_between_the_effect_and_the_answer_leads_to_no_second_effect(house: House) -> None:
    customer = await new_customer(house, "operator", "Anna", priceList=None)
    await _change(house, "operator", customer, "Bo", idempotencyKey="k")
    async with house.database.transaction(role="tollwright_ingest") as unit:  # as the process left it that fell
        await unit.connection.execute("update kept_answer set answer = null")
    for _ in range(2):
        found = await _change(house, "operator", customer, "Bo", idempotencyKey="k")
        assert found == {"__typename": "Conflict", "code": "CONFLICT", "field": "idempotencyKey"}
    assert await _lines(house, "change_customer") == 1

"""Customers, contracts, services and subscriptions over GraphQL."""

from __future__ import annotations

from typing import Any

from persistence.statements import counted
from tests.api.conftest import House

REFUSAL = "__typename ... on Refusal { code message field }"
ADDRESS = {"street": "Storgatan 1", "postcode": "111 22", "city": "Stockholm", "country": "SE"}


async def gql(house: House, client: str, query: str, **variables: Any) -> dict[str, Any]:
    """Return the data of an operation that must be executed without errors."""
    answer = await house.call(client, "POST", "/graphql", json={"query": query, "variables": variables})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert "errors" not in body, body
    found: dict[str, Any] = body["data"]
    return found


async def new_customer(house: House, client: str, name: str, **more: Any) -> dict[str, Any]:
    query = (
        "mutation($input: CreateCustomerInput!) { createCustomer(input: $input) { "
        + REFUSAL
        + " ... on Customer { id number name version reseller { id code } } } }"
    )
    given = {"name": name, "kind": "PERSON", "address": ADDRESS} | more
    found: dict[str, Any] = (await gql(house, client, query, input=given))["createCustomer"]
    return found


async def new_contract(house: House, client: str, customer: str, **more: Any) -> dict[str, Any]:
    query = (
        "mutation($input: CreateContractInput!) { createContract(input: $input) { "
        + REFUSAL
        + " ... on Contract { id number state version services { quantity service { code } } customer { id } } } }"
    )
    given = {"customer": customer, "start": "2026-03-01", "state": "ACTIVE"} | more
    found: dict[str, Any] = (await gql(house, client, query, input=given))["createContract"]
    return found


async def test_a_customer_is_created_read_and_changed(house: House) -> None:
    made = await new_customer(house, "operator", "Åsa Öberg")
    assert made["__typename"] == "Customer"
    query = "query($id: ID!) { customer(id: $id) { id name number address { city } parent { id } contracts { id } } }"
    read = (await gql(house, "operator", query, id=made["id"]))["customer"]
    assert read["name"] == "Åsa Öberg"
    assert read["address"]["city"] == "Stockholm"
    by_number = "query($number: String!) { customer(number: $number) { id } }"
    assert (await gql(house, "operator", by_number, number=made["number"]))["customer"]["id"] == made["id"]
    change = (
        "mutation($input: ChangeCustomerInput!) { changeCustomer(input: $input) { "
        + REFUSAL
        + " ... on Customer { name email version } } }"
    )
    asked = {"customer": made["id"], "version": made["version"], "email": "asa@example.se"}
    changed = (await gql(house, "operator", change, input=asked))["changeCustomer"]
    assert changed == {"__typename": "Customer", "name": "Åsa Öberg", "email": "asa@example.se", "version": 2}
    stale = (await gql(house, "operator", change, input=asked))["changeCustomer"]
    assert stale["__typename"] == "Stale"
    assert stale["code"] == "STALE"
    assert stale["field"] == "version"
    emptied = {"customer": made["id"], "version": 2, "email": None}
    assert (await gql(house, "operator", change, input=emptied))["changeCustomer"]["email"] is None


async def test_a_value_that_is_not_of_its_type_is_told_with_its_field(house: House) -> None:
    made = await new_customer(house, "operator", "Åsa Öberg")
    query = "mutation($input: ChangeCustomerInput!) { changeCustomer(input: $input) { __typename } }"
    for field, change in (
        ("creditLimit", {"creditLimit": "NaN"}),
        ("contacts.0.roles.1", {"contacts": [{"name": "Bo", "roles": ["INVOICE", "KING"]}]}),
        ("contacts.0.name", {"contacts": [{}]}),
        ("role", {"role": "admin"}),
    ):
        asked = {"customer": made["id"], "version": 1} | change
        body = {"query": query, "variables": {"input": asked}}
        answer = await house.call("operator", "POST", "/graphql", json=body, headers={"Accept-Language": "sv"})
        assert answer.status_code == 400
        (error,) = answer.json()["errors"]
        assert error["extensions"] == {"code": "BAD_VALUE", "field": field}
        assert error["message"].startswith("argumenten passar inte: ")
    emptied = {"query": query, "variables": {"input": {"customer": made["id"], "version": 1, "name": None}}}
    (error,) = (await house.call("operator", "POST", "/graphql", json=emptied)).json()["errors"]
    assert error["extensions"] == {"code": "BAD_VALUE"}
    assert error["message"] == "this cannot be empty"


async def test_refusals_are_typed_members(house: House) -> None:
    bad = await new_customer(house, "operator", " ")
    assert bad["__typename"] == "BadValue"
    assert bad["field"] == "name"
    missing = await new_customer(house, "operator", "A", parent="Q3VzdG9tZXI6OTk5")
    assert missing["__typename"] == "NotFound"
    assert missing["field"] == "parent"
    taken = await new_customer(house, "operator", "A", number="K1")
    assert taken["__typename"] == "Customer"
    assert (await new_customer(house, "operator", "B", number="K1"))["__typename"] == "Conflict"


async def test_the_same_key_gives_the_same_answer(house: House) -> None:
    first = await new_customer(house, "operator", "A", idempotencyKey="k-1")
    again = await new_customer(house, "operator", "A", idempotencyKey="k-1")
    assert again["id"] == first["id"]
    assert (await new_customer(house, "operator", "B", idempotencyKey="k-1"))["__typename"] == "Conflict"


async def test_a_contract_with_services_and_numbers(house: House) -> None:
    customer = await new_customer(house, "operator", "A")
    make = (
        "mutation($input: CreateServiceInput!) { createService(input: $input) { "
        + REFUSAL
        + " ... on Service { id code periodicFee } } }"
    )
    service = (await gql(house, "operator", make, input={"code": "M", "name": "Mobile", "periodicFee": "99.00"}))[
        "createService"
    ]
    assert service["periodicFee"] == "99"
    lines = [{"service": service["id"], "start": "2026-03-01", "quantity": 2, "periodicFee": "79.50"}]
    contract = await new_contract(house, "operator", customer["id"], services=lines)
    assert contract["services"] == [{"quantity": 2, "service": {"code": "M"}}]
    assert contract["customer"]["id"] == customer["id"]
    add = (
        "mutation($input: AddSubscriptionInput!) { addSubscription(input: $input) { "
        + REFUSAL
        + " ... on Subscription { id numbers { number validFrom validTo } contract { number } } } }"
    )
    numbers = [{"number": "+46 70 174 06 05", "validFrom": "2026-03-01T00:00:00+01:00"}]
    asked = {"contract": contract["id"], "kind": "MOBILE", "numbers": numbers}
    line = (await gql(house, "operator", add, input=asked))["addSubscription"]
    assert line["numbers"] == [{"number": "46701740605", "validFrom": "2026-02-28T23:00:00Z", "validTo": None}]
    again = (await gql(house, "operator", add, input=asked))["addSubscription"]
    assert again["__typename"] == "Overlap"
    change = (
        "mutation($input: ChangeContractInput!) { changeContract(input: $input) { "
        + REFUSAL
        + " ... on Contract { state version } } }"
    )
    asked = {"contract": contract["id"], "version": 1, "state": "SUSPENDED"}
    assert (await gql(house, "operator", change, input=asked))["changeContract"]["state"] == "SUSPENDED"
    wrong = {"contract": contract["id"], "version": 2, "state": "DRAFT"}
    assert (await gql(house, "operator", change, input=wrong))["changeContract"]["__typename"] == "WrongState"


async def test_pages_follow_one_another_and_a_cursor_belongs_to_its_list(house: House) -> None:
    names = [f"Customer {index}" for index in range(7)]
    for name in names:
        await new_customer(house, "operator", name)
    query = (
        "query($after: String) { customers(first: 3, after: $after) "
        "{ edges { cursor node { name } } pageInfo { hasNextPage hasPreviousPage endCursor } } }"
    )
    seen: list[str] = []
    after = None
    for _ in range(3):
        page = (await gql(house, "operator", query, after=after))["customers"]
        seen += [edge["node"]["name"] for edge in page["edges"]]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        after = page["pageInfo"]["endCursor"]
    assert seen == names
    assert page["pageInfo"]["hasNextPage"] is False
    for wrong in ("Q3VzdG9tZXI6MQ", "zzz", "", after + "A", "YWZ0ZXJDb250cmFjdDox"):
        answer = await house.call("operator", "POST", "/graphql", json={"query": query, "variables": {"after": wrong}})
        assert answer.json()["errors"][0]["extensions"] == {"code": "BAD_VALUE", "field": "after"}, wrong
    for first in (0, -1, 501, 99_999_999):
        text = "query($n: Int!) { customers(first: $n) { edges { cursor } } }"
        answer = await house.call("operator", "POST", "/graphql", json={"query": text, "variables": {"n": first}})
        # A list as long as the last is refused by what the query would cost, before it is asked.
        code = "LIMIT_EXCEEDED" if first == 99_999_999 else "BAD_VALUE"
        assert answer.json()["errors"][0]["extensions"]["code"] == code, first


async def test_the_statements_do_not_grow_with_the_page(house: House) -> None:
    for index in range(12):
        parent = await new_customer(house, "operator", f"Parent {index}")
        child = await new_customer(house, "operator", f"Child {index}", parent=parent["id"])
        await new_contract(house, "operator", child["id"])
    query = (
        "{ customers(first: SIZE) { edges { node { name parent { name } children { name } reseller { code }"
        " contracts { number customer { name } services { service { code } } subscriptions { label } } } } } }"
    )
    counts = []
    for size in (4, 24):
        with counted() as statements:
            page = await gql(house, "operator", query.replace("SIZE", str(size)))
        assert len(page["customers"]["edges"]) == size
        # The driver asks for the types of a connection's first arguments; that is not the page's doing.
        counts.append(sum("typeinfo" not in text and "jit" not in text for text in statements.texts))
    assert counts[0] == counts[1], counts
    assert counts[0] <= 8

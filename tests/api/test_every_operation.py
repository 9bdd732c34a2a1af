"""No reseller sees or reaches upwards or sideways: every operation there is, called with what is not his.

The calls are made of the schema, the WSDL and the table of routes. What each answers to a reseller stands below, so
that an operation that is added fails here until somebody has looked at what it answers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

import pytest
from graphql import GraphQLSchema

from api.graphql.ids import global_id, read_id
from api.graphql.schema import make_schema
from api.soap.codec import codec
from persistence.engine import OWNER
from tests.api.answers import MUTATIONS, QUERIES, REST, SOAP
from tests.api.conftest import House
from tests.api.month import Month, make_month
from tests.api.walking import arguments, envelope, fields_of, selection

# What is told over a socket, each listened to as another by tests of its own.
LIVE = {"importProgress", "billRunProgress", "alarmRaised", "margins", "orderProgress", "events"}


def schema() -> GraphQLSchema:
    made: GraphQLSchema = make_schema()._schema  # strawberry's own way to graphql-core
    return made


@pytest.fixture
async def month(house: House) -> Month:
    return await make_month(house)


def foreign(month: Month, owner: str) -> dict[str, str]:
    """Return ids of what is another's, by the names that arguments have."""
    owned = month.owned[owner]
    customer, contract = owned.customer["id"], owned.contract["id"]
    reseller = global_id("Reseller", 2)
    return {
        **dict.fromkeys(("customer", "parent", "owner", "survivor", "double", "billedThrough", "into", "to"), customer),
        **dict.fromkeys(("contract", "predecessor"), contract),
        **dict.fromkeys(("subscription", "line", "giver", "receiver", "from"), owned.subscription),
        "invoice": owned.invoices[0]["id"],
        **dict.fromkeys(("event", "usage"), owned.events[0]),
        "file": month.file,
        "service": month.service,
        "reseller": reseller,
    }


def traces(month: Month, owner: str) -> set[str]:
    """Return texts that stand in an answer only where something of this owner is told."""
    owned = month.owned[owner]
    return {f"Customer of {owner}", owned.number, *owned.events}


async def untouched(house: House) -> dict[str, Any]:
    """Return what there is of the operator himself, of the sibling and of the other operator, table by table."""
    found: dict[str, Any] = {}
    async with house.database.transaction(role=OWNER) as unit:
        tables = await unit.connection.fetch(
            "select table_name as name from information_schema.columns where table_schema = 'public'"
            " and column_name = 'reseller' and table_name not like 'usage_%' and table_name not in ('audit', 'outbox')"
        )
        for row in tables:
            name = row["name"]
            text = await unit.connection.fetchval(
                f'select string_agg(t::text, chr(10) order by t::text) from "{name}" t'
                " where operator <> 1 or reseller is null or reseller = 2"
            )
            # A row of the operator's own may be written about the reseller; one of the sibling's never.
            found[name] = text
    return found


def kind_of(body: Any) -> str:
    """Return what an answer is, in a word."""
    if body.get("errors"):
        codes = sorted({error["extensions"]["code"] for error in body["errors"]})
        return ",".join(codes).lower()
    (value,) = body["data"].values()
    if isinstance(value, dict) and "code" in value and "message" in value and "__typename" in value:
        return str(value["code"]).lower()
    return "answered"


def listed(table: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Return what each operation is to answer."""
    return {name: answer for answer, names in table.items() for name in names}


def differing(
    found: Mapping[str, Any], table: Mapping[str, Collection[str]]
) -> dict[str, tuple[str | None, str | None]]:
    """Return what answers otherwise than it is listed, what is not listed, and what is no more."""
    expected = listed(table)
    told = {name: str(answer) for name, answer in found.items()}
    return {
        name: (told.get(name), expected.get(name))
        for name in sorted(told.keys() | expected.keys())
        if told.get(name) != expected.get(name)
    }


async def walk(house: House, month: Month, root: str, owner: str, client: str = "reseller") -> dict[str, str]:
    whole = schema()
    ids, marks = foreign(month, owner), traces(month, owner)
    found = {}
    for name, field in fields_of(whole, root).items():
        call = f"{name}{arguments(whole, root, name, ids)} {selection(field.type)}"
        word = "mutation" if root == "Mutation" else "query"
        for depth in (4, 3, 2):
            answer = await house.call(client, "POST", "/graphql", json={"query": f"{word} {{ a: {call} }}"})
            if answer.status_code == 200:
                break
            call = f"{name}{arguments(whole, root, name, ids)} {selection(field.type, depth)}"
        assert answer.status_code == 200, (name, call, answer.text)
        told = {mark for mark in marks if mark in answer.text and mark not in call}
        assert not told, (name, told, answer.text[:2000])
        assert "INTERNAL" not in answer.text, (name, call, answer.text)
        found[name] = kind_of(answer.json())
    return found


async def walk_soap(house: House, month: Month, owner: str, client: str = "reseller") -> dict[str, str]:
    owned, marks = month.owned[owner], traces(month, owner)
    told = {
        **dict.fromkeys(("customerNumber", "customer", "payer", "parentNumber"), owned.customer["number"]),
        **dict.fromkeys(("contractNumber", "contract"), owned.contract["number"]),
        **dict.fromkeys(("callingNumber", "number", "calledNumber"), owned.number),
        "invoiceNumber": owned.invoices[0]["number"],
        "event": read_id(owned.events[0])[1],
        "subscription": read_id(owned.subscription)[1],
        **dict.fromkeys(("reseller", "code"), "west"),
    }
    found = {}
    for operation in codec("1.1").interface.service_method_map.values():
        (method,) = operation
        body = envelope(method, told)
        headers = {"Content-Type": "text/xml; charset=utf-8"}
        answer = await house.call(client, "POST", "/soap", content=body, headers=headers)
        shown = {mark for mark in marks if mark in answer.text and mark not in body}
        assert not shown, (method.name, shown, answer.text[:2000])
        code = re.search(r"faultcode>(?:\w+:)?Client\.(\w+)<", answer.text)
        assert "Server.internal" not in answer.text, (method.name, body, answer.text)
        told_of = "answered" if answer.status_code == 200 else "malformed"
        found[method.operation_name] = code[1].lower() if code else told_of
    return found


async def walk_rest(house: House, month: Month, owner: str, client: str = "reseller") -> dict[str, int]:
    owned, marks = month.owned[owner], traces(month, owner)
    document = (await house.call(client, "GET", "/rest/v1/openapi.json")).json()
    found = {}
    for path, methods in document["paths"].items():
        for method in methods:
            where = path.replace("/invoices/{id}", f"/invoices/{read_id(owned.invoices[0]['id'])[1]}")
            where = re.sub(r"\{id\}", read_id(month.file)[1], where)
            where = re.sub(r"\{\w+\}", "asterisk", where)
            body = {} if method == "get" else {"content": b"{}", "headers": {"Content-Type": "application/json"}}
            answer = await house.call(client, method.upper(), where, **body)
            assert not {mark for mark in marks if mark in answer.text}, (path, answer.text[:2000])
            found[f"{method.upper()} {path}"] = answer.status_code
    return found


async def test_every_query_answers_a_reseller_as_it_is_listed(house: House, month: Month) -> None:
    assert differing(await walk(house, month, "Query", "sibling"), QUERIES) == {}


async def test_every_mutation_answers_a_reseller_as_listed_and_touches_nothing(house: House, month: Month) -> None:
    before = await untouched(house)
    assert differing(await walk(house, month, "Mutation", "sibling"), MUTATIONS) == {}
    after = await untouched(house)
    assert {name for name in before if before[name] != after[name]} == set()


async def test_every_operation_of_soap_answers_a_reseller_as_it_is_listed(house: House, month: Month) -> None:
    before = await untouched(house)
    assert differing(await walk_soap(house, month, "sibling"), SOAP) == {}
    after = await untouched(house)
    assert {name for name in before if before[name] != after[name]} == set()


async def test_every_route_answers_a_reseller_as_it_is_listed(house: House, month: Month) -> None:
    assert differing(await walk_rest(house, month, "sibling"), REST) == {}


@pytest.mark.parametrize(("client", "owner"), [("reseller", "operator"), ("reseller", "other"), ("operator", "other")])
async def test_no_operation_tells_of_what_is_above_or_anothers(
    house: House, month: Month, client: str, owner: str
) -> None:
    await walk(house, month, "Query", owner, client)
    await walk_rest(house, month, owner, client)
    if client == "reseller":
        before = await untouched(house)
        await walk(house, month, "Mutation", owner, client)
        await walk_soap(house, month, owner, client)
        after = await untouched(house)
        assert {name for name in before if before[name] != after[name]} == set()


def test_every_subscription_is_proved_elsewhere() -> None:
    """tests/api/test_sockets.py and the rooms' own tests listen as another."""
    assert set(fields_of(schema(), "Live")) == LIVE

"""Customers' life over GraphQL, REST and SOAP: moves, doubles, notes, own fields, export, erasure; who reaches whom."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest

from api.graphql.ids import global_id
from domain.access.actor import system
from domain.ids import OperatorId
from domain.usecases.erase_person import about_him
from persistence.engine import OWNER
from persistence.statements import counted
from tests.api.conftest import House
from tests.api.month import Month, make_month
from tests.api.test_graphql_parties import REFUSAL, gql, new_customer
from tests.api.test_isolation import ABSENT, FORBIDDEN

WHOLE = (
    "id number version throughParent billedThrough { id } creditLimit buyerReference fields { name value }"
    " contacts { name roles email } recipient { attention address { city } endpoint }"
    " places { validFrom validTo parent { id } throughParent } mergedInto { id } closedAt erasedAt"
)


@pytest.fixture
async def month(house: House) -> Month:
    return await make_month(house)


async def done(house: House, client: str, name: str, kind: str, shown: str, /, **asked: Any) -> dict[str, Any]:
    """Return what a mutation answers."""
    query = f"mutation($input: {kind}!) {{ a: {name}(input: $input) {{ {REFUSAL} ... on {shown} }} }}"
    found: dict[str, Any] = (await gql(house, client, query, input=asked))["a"]
    return found


async def test_a_customer_comes_back_whole(house: House) -> None:
    field = {"aggregate": "CUSTOMER", "name": "crm", "kind": "INTEGER", "searchable": True}
    one = await done(house, "operator", "defineField", "DefineFieldInput", "FieldDefinition { version }", **field)
    assert one == {"__typename": "FieldDefinition", "version": 1}
    top = await new_customer(house, "operator", "Top")
    middle = await new_customer(house, "operator", "Middle", parent=top["id"])
    low = await new_customer(
        house,
        "operator",
        "Low",
        parent=middle["id"],
        billedThrough=top["id"],
        contacts=[{"name": "Bo", "roles": ["INVOICE", "TECHNICAL"], "email": "bo@x.se"}],
        recipient={"attention": "Eva", "address": {"street": "a", "postcode": "1", "city": "Lund", "country": "SE"}},
        creditLimit="1000.50",
        buyerReference="PO 9",
        fields=[{"name": "crm", "value": "+7"}],
    )
    read = (await gql(house, "operator", f'{{ customer(id: "{low["id"]}") {{ {WHOLE} }} }}'))["customer"]
    assert read["billedThrough"] == {"id": top["id"]}
    assert read["contacts"] == [{"name": "Bo", "roles": ["INVOICE", "TECHNICAL"], "email": "bo@x.se"}]
    assert read["recipient"] == {"attention": "Eva", "address": {"city": "Lund"}, "endpoint": None}
    assert (read["creditLimit"], read["buyerReference"]) == ("1000.5", "PO 9")
    assert read["fields"] == [{"name": "crm", "value": "7"}]
    assert read["places"] == [
        {"validFrom": None, "validTo": None, "parent": {"id": middle["id"]}, "throughParent": False}
    ]
    change = {"customer": low["id"], "version": 1, "contacts": [], "recipient": None, "creditLimit": None}
    shown = f"Customer {{ {WHOLE} }}"
    changed = await done(
        house, "operator", "changeCustomer", "ChangeCustomerInput", shown, **change,
        fields=[{"name": "crm", "value": None}],
    )  # fmt: skip
    assert (changed["contacts"], changed["recipient"], changed["creditLimit"], changed["fields"]) == (
        [],
        None,
        None,
        [],
    )
    assert changed["buyerReference"] == "PO 9"
    bad = await done(
        house, "operator", "changeCustomer", "ChangeCustomerInput", shown, customer=low["id"], version=2,
        contacts=[{"name": "Bo", "email": "none"}],
    )  # fmt: skip
    assert (bad["code"], bad["field"]) == ("BAD_VALUE", "contacts.0.email")
    set_ = {"aggregate": "CUSTOMER", "id": low["id"], "version": 2, "fields": [{"name": "crm", "value": "x"}]}
    bad = await done(house, "operator", "setFields", "SetFieldsInput", shown, **set_)
    assert (bad["code"], bad["field"]) == ("BAD_VALUE", "fields.crm")
    set_["fields"] = [{"name": "crm", "value": "42"}]
    assert (await done(house, "operator", "setFields", "SetFieldsInput", shown, **set_))["version"] == 3
    query = '{ byOwnField(aggregate: CUSTOMER, name: "crm", value: "4") { edges { node { id __typename } } } }'
    found = (await gql(house, "operator", query))["byOwnField"]["edges"]
    assert found == [{"node": {"id": low["id"], "__typename": "Customer"}}]


async def test_a_move_a_note_and_a_merge(house: House) -> None:
    one, two = await new_customer(house, "operator", "One"), await new_customer(house, "operator", "Two")
    child = await new_customer(house, "operator", "Child")
    shown = f"Customer {{ {WHOLE} }}"
    move = {"customer": child["id"], "version": 1, "validFrom": "2026-03-01", "parent": one["id"]}
    moved = await done(house, "operator", "moveCustomer", "MoveCustomerInput", shown, **move)
    assert [place["parent"] for place in moved["places"]] == [None, {"id": one["id"]}]
    plan = {"customer": child["id"], "version": 2, "validFrom": "2026-09-01", "parent": None}
    planned = await done(house, "operator", "moveCustomer", "MoveCustomerInput", shown, **plan)
    assert len(planned["places"]) == 3
    stale = await done(house, "operator", "moveCustomer", "MoveCustomerInput", shown, **plan)
    assert (stale["__typename"], stale["field"]) == ("Stale", "version")
    cancel = {"customer": child["id"], "version": 3, "validFrom": "2026-09-01"}
    assert len((await done(house, "operator", "cancelMove", "CancelMoveInput", shown, **cancel))["places"]) == 2
    note = await done(
        house, "operator", "noteCustomer", "NoteCustomerInput", "Note { author text }", customer=one["id"], text="Hej"
    )
    assert note == {"__typename": "Note", "author": "operator", "text": "Hej"}
    query = f'{{ customerNotes(customer: "{one["id"]}", first: 1) {{ edges {{ node {{ text }} }} }} }}'
    assert (await gql(house, "operator", query))["customerNotes"]["edges"] == [{"node": {"text": "Hej"}}]
    merge = {"survivor": two["id"], "survivorVersion": 1, "double": one["id"], "doubleVersion": 1}
    kept = await done(house, "operator", "mergeCustomers", "MergeCustomersInput", shown, **merge)
    assert kept["id"] == two["id"]
    closed = (await gql(house, "operator", f'{{ customer(id: "{one["id"]}") {{ {WHOLE} }} }}'))["customer"]
    assert closed["mergedInto"] == {"id": two["id"]}
    assert closed["closedAt"] is not None


async def test_what_is_read_of_a_page_does_not_grow_with_it(house: House) -> None:
    async def asked(first: int) -> int:
        query = f'{{ customers(first: {first}, text: "same") {{ edges {{ node {{ {WHOLE} }} }} }} }}'
        with counted() as statements:
            edges = (await gql(house, "operator", query))["customers"]["edges"]
        assert len(edges) == first
        return len(statements)

    top = await new_customer(house, "operator", "Top")
    for index in range(6):
        await new_customer(house, "operator", f"Same {index}", parent=top["id"], throughParent=True)
    assert await asked(1) == await asked(6)


def unpacked(content: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: json.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".json")}


async def test_everything_of_a_customer_over_graphql_and_rest(house: House, month: Month) -> None:
    owned = month.owned["reseller"]
    key = owned.customer["id"]
    query = (
        f'mutation {{ exportPerson(customer: "{key}") '
        "{ __typename ... on PersonExport { name mediaType content url } } }"
    )
    export = (await gql(house, "reseller", query))["exportPerson"]
    assert export["name"] == f"customer-{owned.customer['number']}.zip"
    told = unpacked(base64.b64decode(export["content"]))
    assert [one["number"] for one in told["customer.json"]] == [owned.customer["number"]]
    assert [one["b"] for one in told["usage.json"]] == ["46701740605"]
    assert not {"cost", "wholesale", "costMicro"} & set(told["usage.json"][0])
    assert [one["number"] for one in told["invoices.json"]] == [owned.invoices[0]["number"]]
    answer = await house.call("reseller", "GET", export["url"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert unpacked(answer.content)["invoices.json"] == told["invoices.json"]
    for client in ("sibling", "other"):
        assert (await house.call(client, "GET", export["url"])).status_code == 404


async def test_an_erased_persons_calls_say_neither_who_nor_whom(house: House, month: Month) -> None:
    owned = month.owned["operator"]
    async with house.database.transaction(role=OWNER) as unit:
        key = await unit.connection.fetchval("select id from customer where number = $1", owned.customer["number"])
        other = await unit.connection.fetchval("select max(id) from customer where id <> $1", key)
    async with house.wiring.begin(system(OperatorId(1))) as unit:
        changed = await unit.persons.erase(key, name="Erased 1", at=datetime(2026, 4, 1, tzinfo=UTC))
        await unit.audit.erase("erase_person", f"customer:{key}", {}, targets=await about_him(unit, [key]))
    assert changed["events"] == 1
    async with house.database.transaction(role=OWNER) as unit:
        rows = await unit.connection.fetch("select a, b, retail_micro from usage where customer = $1", key)
        untouched = await unit.connection.fetch("select a, b from usage where customer = $1", other)
        trail = await unit.connection.fetch("select detail from audit where detail ? 'numbers' and operator = 1")
    assert [(row["a"], row["b"]) for row in rows] == [("", "4670174")]
    assert rows[0]["retail_micro"] > 0, "sums stay"
    assert [row["b"] for row in untouched] == ["46701740605"]
    assert all(owned.number not in row["detail"] for row in trail)


def _operations(kind: str, key: str, own: str) -> dict[str, str]:
    """Every operation of this room on something of another's, by what takes the id."""
    outcome = "{ __typename ... on Refusal { code field } }"
    merge = f'survivorVersion: 2, doubleVersion: 2, survivor: "{key}", double: "{own}"'
    turned = f'survivorVersion: 2, doubleVersion: 2, survivor: "{own}", double: "{key}"'
    address = '{street: "a", postcode: "1", city: "b", country: "SE"}'
    return {
        "createCustomer.billedThrough": (
            f'createCustomer(input: {{name: "A", kind: PERSON, address: {address}, parent: "{own}",'
            f' billedThrough: "{key}"}}) {outcome}'
        ),
        "changeCustomer.billedThrough": (
            f'changeCustomer(input: {{customer: "{own}", version: 2, billedThrough: "{key}"}}) {outcome}'
        ),
        "moveCustomer.customer": (
            f'moveCustomer(input: {{customer: "{key}", version: 2, validFrom: "2026-04-01"}}) {outcome}'
        ),
        "moveCustomer.parent": (
            f'moveCustomer(input: {{customer: "{own}", version: 2, validFrom: "2026-04-01", parent: "{key}"}})'
            f" {outcome}"
        ),
        "moveCustomer.billedThrough": (
            f'moveCustomer(input: {{customer: "{own}", version: 2, validFrom: "2026-04-01", billedThrough: "{key}"}})'
            f" {outcome}"
        ),
        "cancelMove.customer": (
            f'cancelMove(input: {{customer: "{key}", version: 2, validFrom: "2026-05-01"}}) {outcome}'
        ),
        "mergeCustomers.survivor": f"mergeCustomers(input: {{{merge}}}) {outcome}",
        "mergeCustomers.double": f"mergeCustomers(input: {{{turned}}}) {outcome}",
        "noteCustomer.customer": f'noteCustomer(input: {{customer: "{key}", text: "x"}}) {outcome}',
        "exportPerson.customer": f'exportPerson(customer: "{key}") {outcome}',
        f"setFields.id {kind}": (
            f'setFields(input: {{aggregate: CUSTOMER, id: "{key}", version: 2, fields: []}}) {outcome}'
        ),
    }


@pytest.mark.parametrize(("caller", "owner"), FORBIDDEN)
async def test_anothers_customer_is_answered_as_nobodys(house: House, month: Month, caller: str, owner: str) -> None:
    own, key = month.owned[caller].customer["id"], month.owned[owner].customer["id"]
    absent = _operations("Customer", global_id("Customer", ABSENT), own)
    for name, text in _operations("Customer", key, own).items():
        found = (await gql(house, caller, f"mutation {{ a: {text} }}"))["a"]
        assert found == (await gql(house, caller, f"mutation {{ a: {absent[name]} }}"))["a"], name
        # Whom it may be billed through is looked for among those above it, and another's is not.
        assert found["code"] in ({"BAD_VALUE", "NOT_FOUND"} if "billed" in name else {"NOT_FOUND"}), (name, found)
    contract, line = month.owned[owner].contract["id"], month.owned[owner].subscription
    for aggregate, thing in (("CONTRACT", contract), ("SUBSCRIPTION", line)):
        text = f'setFields(input: {{aggregate: {aggregate}, id: "{thing}", version: 1, fields: []}})'
        found = (await gql(house, caller, f"mutation {{ a: {text} {{ __typename }} }}"))["a"]
        assert found["__typename"] == "NotFound", aggregate
    erase = f'mutation {{ a: erasePerson(input: {{customer: "{key}", version: 2}}) {{ __typename }} }}'
    refused = "NotAllowed" if caller in {"reseller", "sibling"} else "NotFound"
    assert (await gql(house, caller, erase))["a"]["__typename"] == refused
    answer = await house.call(
        caller, "POST", "/graphql", json={"query": f'{{ customerNotes(customer: "{key}") {{ edges {{ cursor }} }} }}'}
    )
    assert answer.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_a_reseller_does_with_his_own_what_he_may(house: House, month: Month) -> None:
    own = month.owned["reseller"].customer["id"]
    parent = await new_customer(house, "reseller", "Parent")
    shown = "Customer { version parent { id } }"
    move = {"customer": own, "version": 2, "validFrom": "2026-04-01", "parent": parent["id"]}
    moved = await done(house, "reseller", "moveCustomer", "MoveCustomerInput", shown, **move)
    assert moved["parent"] == {"id": parent["id"]}
    note = await done(house, "reseller", "noteCustomer", "NoteCustomerInput", "Note { author }", customer=own, text="x")
    assert note["author"] == "reseller"
    for name, kind, asked in (
        ("defineField", "DefineFieldInput", {"aggregate": "CUSTOMER", "name": "x", "kind": "TEXT"}),
        ("changeField", "ChangeFieldInput", {"aggregate": "CUSTOMER", "name": "x", "version": 1}),
        ("erasePerson", "ErasePersonInput", {"customer": own, "version": 3}),
    ):
        refused = await done(house, "reseller", name, kind, "BadValue { code }", **asked)
        assert refused["__typename"] == "NotAllowed", name


async def test_a_persons_export_is_found_by_number_too(house: House) -> None:
    made = await new_customer(house, "reseller", "Ada", priceList=None)
    path = f"/rest/v1/customers/number:{made['number']}/export"
    answer = await house.call("reseller", "GET", path)
    assert answer.status_code == 200, answer.text
    assert unpacked(answer.content).keys()
    for client in ("sibling", "other"):
        assert (await house.call(client, "GET", path)).status_code == 404
    assert (await house.call("reseller", "GET", "/rest/v1/customers/number:0/export")).status_code == 404

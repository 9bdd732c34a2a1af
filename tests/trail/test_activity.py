"""What requests leave in the trail: changes with what was before and after, readings, refusals, attempts."""

from __future__ import annotations

import json
from typing import Any

from api.auditing import Keeper
from domain.usecases.verify_trail import verify_trail
from persistence.engine import OWNER
from tests.api.conftest import House, house, live
from tests.api.test_graphql_parties import ADDRESS

__all__ = ["house", "live"]
CREATE = """mutation($address: AddressInput!) { createCustomer(input: {kind: PERSON, name: "Anna Svensson",
    address: $address}) { ... on Customer { id number version } ... on Refusal { code message } } }"""
CHANGE = """mutation($id: ID!, $version: Int!, $name: String!) { changeCustomer(input: {customer: $id,
    version: $version, name: $name}) { ... on Customer { version } ... on Refusal { code message } } }"""
AUDIT = """query($filter: AuditFilter) { audit(first: 100, filter: $filter) { edges { node { seq kind client factor
    address action target outcome detail request seen } } } }"""


async def ask(house: House, client: str, query: str, **variables: Any) -> Any:
    answer = await house.call(client, "POST", "/graphql", json={"query": query, "variables": variables})
    return answer.json()


async def trail(house: House, client: str = "operator", **wanted: Any) -> list[dict[str, Any]]:
    """Return what the trail holds, once everything is written and chained."""
    await Keeper(house.wiring).close()
    found = await ask(house, client, AUDIT, filter=wanted)
    assert "errors" not in found, found
    return [edge["node"] for edge in found["data"]["audit"]["edges"]]


async def customer(house: House, client: str = "operator") -> dict[str, Any]:
    made = (await ask(house, client, CREATE, address=ADDRESS))["data"]["createCustomer"]
    assert "id" in made, made
    return dict(made)


async def test_a_change_tells_what_was_before_and_after(house: House) -> None:
    one = await customer(house)
    await ask(house, "operator", CHANGE, id=one["id"], version=1, name="Anna Berg")
    line, *others = await trail(house, action="change_customer")
    assert not others
    assert (line["kind"], line["client"], line["address"], line["outcome"]) == (
        "CHANGE", "operator", "192.0.2.7", "done",
    )  # fmt: skip
    detail = json.loads(line["detail"])
    assert (detail["before"], detail["after"]) == ({"name": "Anna Svensson"}, {"name": "Anna Berg"})
    assert line["seq"] is not None
    # An event tells names of fields alone.
    async with house.database.transaction(role=OWNER) as unit:
        told = await unit.connection.fetchval("select payload::text from outbox where kind = 'customer.changed'")
    assert "Anna" not in told


async def test_a_reading_tells_whose_data_were_shown(house: House) -> None:
    one, two = await customer(house), await customer(house)
    await ask(house, "operator", "{ customers { edges { node { name } } } }")
    await ask(
        house,
        "operator",
        "query($id: ID!) { customer(id: $id) { name contracts { id } } }",
        id=one["id"],
    )
    lines = await trail(house, kind="READ")
    found = {line["action"]: line for line in lines}
    assert set(found["list_customers"]["seen"]) == {one["id"], two["id"]}
    assert found["list_customers"]["target"] == "customers"
    single = found["get_customer"]
    assert single["seen"] == [one["id"]]
    assert single["target"].startswith("customer:")
    assert single["request"]
    # Who looked at her? Both.
    about = await trail(house, customer=one["id"])
    assert {line["action"] for line in about} >= {"create_customer", "list_customers", "get_customer"}
    other = await trail(house, customer=two["id"])
    assert "get_customer" not in {line["action"] for line in other}


async def test_agreements_about_paying_tell_it_as_all_else_does(house: House) -> None:
    """Mandates, refunds, letters and cases stand on shelves within other stores."""
    one = await customer(house)
    add = """mutation($input: AddMandateInput!) { addMandate(input: $input) { ... on Mandate { id version }
        ... on Refusal { code message } } }"""
    told = {"customer": one["id"], "scheme": "AUTOGIRO", "payerNumber": "101", "active": True}
    made = (await ask(house, "operator", add, input=told))["data"]["addMandate"]
    end = """mutation($id: ID!, $version: Int!) { endMandate(mandate: $id, version: $version, reason: "moved") {
        ... on Mandate { state } ... on Refusal { code message } } }"""
    done = await ask(house, "operator", end, id=made["id"], version=made["version"])
    assert done["data"]["endMandate"] == {"state": "CANCELLED"}
    (line,) = await trail(house, action="cancel_mandate")
    detail = json.loads(line["detail"])
    assert (detail["before"]["state"], detail["after"]["state"]) == ("active", "cancelled")
    await ask(house, "operator", "{ mandates { edges { node { id } } } }")
    (line,) = await trail(house, action="list_mandates")
    assert (line["kind"], line["seen"]) == ("READ", [one["id"]])


async def test_a_refusal_changes_nothing_and_is_told(house: House) -> None:
    one = await customer(house)
    answer = await ask(house, "operator", CHANGE, id=one["id"], version=7, name="Other")
    assert answer["data"]["changeCustomer"]["code"] == "STALE"
    line, *others = await trail(house, kind="REFUSED", action="change_customer")
    assert not others
    assert line["outcome"] == "stale"
    # Also where the arguments themselves are refused, and what is no request at all.
    await ask(house, "operator", CHANGE, id="nonsense", version=1, name="Other")
    await ask(house, "operator", "{ nothing }")
    await house.call("operator", "POST", "/soap", content=b"<broken", headers={"Content-Type": "text/xml"})
    # Over SOAP and REST too.
    envelope = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="urn:tollwright:billing:1"><e:Body>'
        "<t:GetCustomer><t:customerNumber>nobody</t:customerNumber></t:GetCustomer></e:Body></e:Envelope>"
    )
    await house.call("operator", "POST", "/soap", content=envelope, headers={"Content-Type": "text/xml"})
    answer = await house.call("reseller", "GET", "/rest/v1/files")
    assert answer.status_code == 403
    found = {(line["action"], line["outcome"], line["client"]) for line in await trail(house, kind="REFUSED")}
    assert ("get_customer", "not_found", "operator") in found
    assert ("change_customer", "not_found", "operator") in found
    assert ("/graphql", "http_400", "operator") in found
    assert ("/soap", "http_400", "operator") in found
    assert ("list_files", "not_allowed", "reseller") in found


async def test_an_attempt_of_nobody_is_told_to_the_installation(house: House) -> None:
    for _ in range(3):
        answer = await house.http.get("/rest/v1/files", headers={"Authorization": "Bearer nonsense"})
        assert answer.status_code == 401
    await Keeper(house.wiring).close()
    async with house.database.transaction(role=OWNER) as unit:
        rows = await unit.connection.fetch("select action, outcome, address, detail from audit where operator is null")
    assert [(row["action"], row["outcome"], row["address"], row["detail"]) for row in rows] == [
        ("authenticate", "not_authenticated", "192.0.2.7", '{"times": 3}')
    ]


async def test_a_storm_of_refusals_is_told_by_its_count(house: House) -> None:
    for index in range(120):
        house.wiring.journal.refused(None, "authenticate", f"route {index}", "not_authenticated", address="192.0.2.9")
    await Keeper(house.wiring).close()
    async with house.database.transaction(role=OWNER) as unit:
        rows = await unit.connection.fetch("select action, detail from audit where operator is null order by id")
    assert len(rows) == 51
    assert json.loads(rows[-1]["detail"])["times"] == 70


async def test_a_reseller_finds_what_his_part_did(house: House) -> None:
    await customer(house, "reseller")
    await customer(house)
    assert {line["client"] for line in await trail(house, "reseller", action="create_customer")} == {"reseller"}
    assert {line["client"] for line in await trail(house, action="create_customer")} == {"reseller", "operator"}
    assert await trail(house, "other", action="create_customer") == []
    assert await trail(house, "sibling", action="create_customer") == []


async def test_the_trail_is_exported_whole(house: House) -> None:
    one = await customer(house)
    await ask(house, "operator", CHANGE, id=one["id"], version=1, name='=HYPERLINK("http://x")')
    await Keeper(house.wiring).close()
    answer = await house.call("operator", "GET", "/rest/v1/audit.jsonl?action=change_customer")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["detail"]["after"]["name"] for line in lines] == ['=HYPERLINK("http://x")']
    answer = await house.call("operator", "GET", "/rest/v1/audit.csv?kind=change")
    assert answer.headers["content-type"].startswith("text/csv")
    assert len(answer.text.splitlines()) >= 3
    assert answer.text.startswith("id,seq,at,kind,client,"), "programs find the columns' own names"
    for query, said, first in (
        ("", "de-AT", "Id,Nummer in der Kette,Zeit,Art,Client,"),
        ("&language=fi", "de", "Tunnus,Numero ketjussa,Aika,"),
        ("&language=en", "", "Id,Number in the chain,Time,"),
    ):
        headers = {"Accept-Language": said} if said else {}
        told = await house.call("operator", "GET", f"/rest/v1/audit.csv?kind=change{query}", headers=headers)
        assert told.text.startswith(first), told.text[:80]
        assert told.text.splitlines()[1:] == answer.text.splitlines()[1:], "what is below is the same to everybody"
    for query in ("kind=none", "since=yesterday", "user=x", "nothing=1", "language=xx"):
        answer = await house.call("operator", "GET", f"/rest/v1/audit.csv?{query}")
        assert answer.status_code == 422, query


async def test_what_is_erased_is_not_written_down_once_more(house: House) -> None:
    one = await customer(house)
    await ask(house, "operator", CHANGE, id=one["id"], version=1, name="Anna Berg")
    erase = """mutation($id: ID!) { erasePerson(input: {customer: $id, version: 2}) { ... on Refusal { code message }
        ... on Erasure { customer { name } } } }"""
    answer = await ask(house, "operator", erase, id=one["id"])
    assert "Anna" not in json.dumps(answer)
    await Keeper(house.wiring).close()
    async with house.database.transaction(role=OWNER) as unit:
        rows = await unit.connection.fetch("select audit::text as line, action, erased_by from audit order by id")
    assert not [row["line"] for row in rows if "Anna" in row["line"]]
    assert {row["action"] for row in rows if row["erased_by"] is not None} == {"create_customer", "change_customer"}
    verdict = await verify_trail(1, keeper=house.wiring.trail, signed=lambda _: True)
    assert (verdict.fault, verdict.erased) == (None, 2)


async def test_a_refused_token_is_told(house: House) -> None:
    await house.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=("operator", "wrong"))
    await Keeper(house.wiring).close()
    async with house.database.transaction(role=OWNER) as unit:
        rows = await unit.connection.fetch("select action, target, outcome from audit where operator is null")
    assert [tuple(row) for row in rows] == [("authenticate", "/oauth/token", "refused")]


async def test_the_trail_over_soap(live: House) -> None:
    one = await customer(live)
    await ask(live, "operator", CHANGE, id=one["id"], version=1, name="Anna Berg")
    await Keeper(live.wiring).close()
    envelope = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="urn:tollwright:billing:1"><e:Body>'
        "<t:ListAudit><t:filter><t:kind>change</t:kind><t:action>change_customer</t:action>"
        f"<t:customerNumber>{one['number']}</t:customerNumber></t:filter></t:ListAudit></e:Body></e:Envelope>"
    )
    answer = await live.call("operator", "POST", "/soap", content=envelope, headers={"Content-Type": "text/xml"})
    assert answer.status_code == 200, answer.text
    assert "Anna Berg" in answer.text
    assert answer.text.count(":line>") == 2

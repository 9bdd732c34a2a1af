"""Sheets over REST, GraphQL and SOAP, taken in by a worker, and what each of four callers may do."""

from __future__ import annotations

import asyncio
import base64
import csv
import io
from typing import Any

import httpx
import pytest

from api.graphql.ids import global_id, read_id
from api.worker import Worker
from tests.api.conftest import House
from tests.api.test_graphql_parties import gql
from tests.api.test_soap import PORTS, _soap
from tests.api.test_soap_margins import code

HEAD = "externalId,name,kind,street,postcode,city,country\n"
GOOD = HEAD + "c1,Ada,person,Storgatan 1,111 22,Lund,SE\nc2,=Bo,person,Storgatan 2,111 22,Lund,SE\n"
BAD = GOOD + "c3,,person,Storgatan 3,111 22,Lund,SE\n"
ABSENT = 999_999_999


async def worked(house: House) -> None:
    """Let a worker do what is due."""
    async with asyncio.timeout(60):
        await Worker(house.wiring).run(until_idle=True)


async def brought(house: House, client: str, text: str = GOOD, query: str = "") -> dict[str, Any]:
    answer = await house.call(client, "POST", f"/rest/v1/bulk/customers{query}", content=text.encode())
    assert answer.status_code == 202, answer.text
    await worked(house)
    found: dict[str, Any] = (await house.call(client, "GET", answer.headers["location"])).json()
    return found


async def test_a_sheet_over_rest_and_out_again(house: House) -> None:
    done = await brought(house, "operator", BAD, "?mode=valid&name=crm.csv")
    assert (done["state"], done["name"], done["created"], done["faulty"]) == ("done", "crm.csv", 2, 1)
    assert done["faults"] == [{"row": 4, "field": "name", "code": "bad_value", "message": "this cannot be empty"}]
    again = await brought(house, "operator")
    assert (again["created"], again["unchanged"]) == (0, 2)
    out = await house.call("operator", "GET", "/rest/v1/bulk/sheets/customers.csv")
    assert out.headers["content-disposition"] == 'attachment; filename="customers.csv"'
    rows = list(csv.DictReader(io.StringIO(out.content.decode("utf-8-sig"))))
    assert [(one["externalId"], one["name"]) for one in rows] == [("c1", "Ada"), ("c2", "'=Bo")]
    book = await house.call("operator", "GET", "/rest/v1/bulk/sheets/customers.xlsx")
    assert book.content.startswith(b"PK")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/rest/v1/bulk/colours", 404),
        ("/rest/v1/bulk/customers?mode=some", 400),
        ("/rest/v1/bulk/customers?colour=red", 400),
    ],
)
async def test_what_is_asked_wrongly_is_told(house: House, path: str, status: int) -> None:
    answer = await house.call("operator", "POST", path, content=GOOD.encode())
    assert answer.status_code == status, answer.text
    empty = await house.call("operator", "POST", "/rest/v1/bulk/customers", content=b"")
    assert (empty.status_code, empty.json()["field"]) == (422, "content")


async def test_over_graphql_with_a_preview(house: House) -> None:
    content = base64.b64encode(BAD.encode()).decode()
    ask = (
        f'mutation {{ a: importSheet(input: {{kind: CUSTOMERS, name: "a.csv", content: "{content}", preview: true}}) '
        "{ ... on BulkImport { id state preview } ... on Refusal { code } } }"
    )
    made = (await gql(house, "operator", ask))["a"]
    assert (made["state"], made["preview"]) == ("WAITING", True)
    await worked(house)
    fields = (
        "state rows seen created faulty faults(first: 1) { edges { node { row field code } } pageInfo { hasNextPage } }"
    )
    done = (await gql(house, "operator", f'{{ bulkImport(id: "{made["id"]}") {{ {fields} }} }}'))["bulkImport"]
    assert (done["state"], done["rows"], done["seen"], done["created"], done["faulty"]) == ("DONE", "3", "3", "2", "1")
    assert done["faults"]["edges"] == [{"node": {"row": 4, "field": "name", "code": "bad_value"}}]
    assert (await gql(house, "operator", "{ customers { edges { node { id } } } }"))["customers"]["edges"] == []
    columns = (await gql(house, "operator", "{ sheetColumns(kind: NUMBERS) { name needed } }"))["sheetColumns"]
    assert columns[0] == {"name": "externalId", "needed": True}
    assert len((await gql(house, "operator", "{ bulkImports { edges { node { id } } } }"))["bulkImports"]["edges"]) == 1


async def test_four_callers(house: House) -> None:
    mine = await brought(house, "reseller")
    assert mine["created"] == 2
    page = await gql(house, "reseller", "{ customers { edges { node { name reseller { code } } } } }")
    assert {edge["node"]["reseller"]["code"] for edge in page["customers"]["edges"]} == {"east"}
    for client in ("sibling", "other"):
        for key in (mine["id"], ABSENT):
            answer = await house.call(client, "GET", f"/rest/v1/bulk/imports/{key}")
            assert answer.status_code == 404, client
            query = f'{{ bulkImport(id: "{global_id("BulkImport", key)}") {{ state }} }}'
            found = (await house.call(client, "POST", "/graphql", json={"query": query})).json()
            assert found["errors"][0]["extensions"]["code"] == "NOT_FOUND", client
        assert (await gql(house, client, "{ bulkImports { edges { node { id } } } }"))["bulkImports"]["edges"] == []
        out = await house.call(client, "GET", "/rest/v1/bulk/sheets/customers.csv")
        assert len(out.content.decode().splitlines()) == 1
    seen = await gql(house, "operator", "{ bulkImports { edges { node { id } } } }")
    assert [read_id(edge["node"]["id"])[1] for edge in seen["bulkImports"]["edges"]] == [str(mine["id"])]
    for method, path in (("POST", "/rest/v1/bulk/customers"), ("GET", "/rest/v1/bulk/sheets/customers.csv")):
        nobody: httpx.Response = await house.http.request(method, path)
        assert nobody.status_code == 401


@pytest.mark.parametrize("port", PORTS)
async def test_over_soap(live: House, port: str) -> None:
    def bring(service: Any) -> int:
        made = service.ImportSheet(
            sheet={"kind": "customers", "name": "a.csv", "content": BAD.encode(), "mode": "valid"}
        )
        assert made.state == "waiting"
        return int(made.id)

    key = await _soap(live, "reseller", port, bring)
    await worked(live)

    def look(service: Any) -> None:
        done = service.GetBulkImport(id=key)
        assert (done.state, done.created, done.faulty) == ("done", 2, 1)
        page = service.ListBulkFaults(id=key)
        assert [(one.row, one.column, one.code) for one in page.fault] == [(4, "name", "bad_value")]

    await _soap(live, "reseller", port, look)

    def stranger(service: Any) -> None:
        for one in (key, ABSENT):
            assert code(service.GetBulkImport, id=one) == "not_found"
            assert code(service.ListBulkFaults, id=one) == "not_found"

    for client in ("sibling", "other"):
        await _soap(live, client, port, stranger)

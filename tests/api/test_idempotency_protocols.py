"""Idempotency keys over SOAP, in an element, and over REST, in the header (B5 to B8)."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest

from api.keeping import WITHOUT_KEY
from api.rest.once import WITHOUT_KEY as REST_WITHOUT_KEY
from api.soap.codec import codec
from api.soap.once import KEY, READS, plain
from tests.api.conftest import House
from tests.api.test_graphql_parties import new_customer
from tests.api.test_idempotency import held

TEXT = {"Content-Type": "text/xml; charset=utf-8"}
SOAP12 = {"Content-Type": "application/soap+xml; charset=utf-8"}


def change(number: str, name: str, key: str | None = "k", version: int = 1, *, twelve: bool = False) -> str:
    space = "http://www.w3.org/2003/05/soap-envelope" if twelve else "http://schemas.xmlsoap.org/soap/envelope/"
    told = "" if key is None else f"<t:idempotencyKey>{key}</t:idempotencyKey>"
    return (
        f'<s:Envelope xmlns:s="{space}" xmlns:t="urn:tollwright:billing:1"><s:Body><t:ChangeCustomer>'
        f"<t:customerNumber>{number}</t:customerNumber><t:version>{version}</t:version>"
        f"<t:change><t:name>{name}</t:name></t:change>{told}</t:ChangeCustomer></s:Body></s:Envelope>"
    )


def fault(answer: httpx.Response) -> tuple[str, str]:
    code = re.search(r":code>(\w+)<", answer.text)
    field = re.search(r":field>([\w.]+)<", answer.text)
    assert code, answer.text
    return code[1], field[1] if field else ""


async def soap(house: House, body: str, client: str = "operator") -> httpx.Response:
    headers = SOAP12 if "2003/05" in body else TEXT
    return await house.call(client, "POST", "/soap", content=body, headers=headers)


def test_every_operation_that_changes_something_takes_a_key() -> None:
    for (method,) in codec("1.1").interface.service_method_map.values():
        name = method.operation_name
        if READS.match(name) or plain(name) in WITHOUT_KEY:
            continue
        assert KEY in method.in_message.get_flat_type_info(method.in_message), (
            f"{name} takes no idempotencyKey: declare it by api.soap.service.operation, or say in"
            " api.keeping.WITHOUT_KEY why it takes none"
        )


@pytest.mark.parametrize("twelve", [False, True])
async def test_b5_b6_b8_over_soap(house: House, twelve: bool) -> None:
    number = (await new_customer(house, "operator", "Anna", priceList=None))["number"]
    first = await soap(house, change(number, "Bo", twelve=twelve))
    assert first.status_code == 200, first.text
    assert (await soap(house, change(number, "Cy", None, 2, twelve=twelve))).status_code == 200
    again = await soap(house, change(number, "Bo", twelve=twelve).replace("><t:", ">\n  <t:"))
    assert (again.status_code, again.text) == (200, first.text)
    assert fault(await soap(house, change(number, "Bob", twelve=twelve))) == ("conflict", "idempotencyKey")
    assert fault(await soap(house, change(number, "Bo", "k" * 300, twelve=twelve))) == ("bad_value", "idempotencyKey")
    assert fault(await soap(house, change(number, "Bo", "' or 1=1", twelve=twelve))) == ("bad_value", "idempotencyKey")
    assert fault(await soap(house, change(number, "Bo", twelve=twelve), "other"))[0] == "not_found"


async def test_a_refusal_over_soap_leaves_the_key_free(house: House) -> None:
    number = (await new_customer(house, "operator", "Anna", priceList=None))["number"]
    assert fault(await soap(house, change(number, "Bo", version=7)))[0] == "stale"
    assert (await soap(house, change(number, "Bo"))).status_code == 200


async def test_b7_over_soap(house: House) -> None:
    number = (await new_customer(house, "operator", "Anna", priceList=None))["number"]
    async with held(house, "select 1 from customer for update") as connection:
        first = asyncio.create_task(soap(house, change(number, "Bo")))
        while not await connection.fetchval("select count(*) from kept_answer"):  # noqa: ASYNC110  (the database has no event for it)
            await asyncio.sleep(0.02)
        async with asyncio.timeout(5):
            assert fault(await soap(house, change(number, "Bo"))) == ("conflict", "idempotencyKey")
    assert (await first).status_code == 200


SHEET = "externalId,name,kind,street,postcode,city,country\nA1,Anna,person,Gatan 1,111 22,Stockholm,SE\n"


async def sheet(
    house: House, key: str, content: str = SHEET, client: str = "operator", query: str = ""
) -> httpx.Response:
    headers = {"Idempotency-Key": key, "Content-Type": "text/csv"}
    return await house.call(client, "POST", f"/rest/v1/bulk/customers{query}", content=content, headers=headers)


async def test_b5_b6_b8_over_rest(house: House) -> None:
    first = await sheet(house, "k")
    assert first.status_code == 202, first.text
    again = await sheet(house, "k")
    assert (again.status_code, again.content, again.headers["location"]) == (
        202,
        first.content,
        first.headers["location"],
    )
    for answer in (
        await sheet(house, "k", SHEET.replace("Anna", "Anne")),
        await sheet(house, "k", query="?mode=valid"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "conflict")
    for key in ("k" * 300, "' or 1=1 --", ""):
        answer = await sheet(house, key)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_value"), key
    assert (await sheet(house, "k", client="other")).json()["id"] != first.json()["id"]
    async with house.database.transaction(role="tollwright_ingest") as unit:
        assert await unit.connection.fetchval("select count(*) from bulk_import where operator = 1") == 1


async def test_b7_over_rest(house: House) -> None:
    async with held(house, "lock table bulk_import in exclusive mode") as connection:
        first = asyncio.create_task(sheet(house, "k"))
        while not await connection.fetchval("select count(*) from kept_answer"):  # noqa: ASYNC110  (the database has no event for it)
            await asyncio.sleep(0.02)
        async with asyncio.timeout(5):
            assert (await sheet(house, "k")).status_code == 409
    assert (await first).status_code == 202


async def test_a_key_given_twice_is_no_key(house: House) -> None:
    token = await house.token("operator")
    headers = [("Authorization", f"Bearer {token}"), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = await house.http.post("/rest/v1/basis", headers=headers)
    assert answer.status_code == 400


async def test_every_route_that_changes_something_takes_the_header(house: House) -> None:
    document = (await house.call("operator", "GET", "/rest/v1/openapi.json")).json()
    without = {
        shown["operationId"]
        for path, methods in document["paths"].items()
        for method, shown in methods.items()
        if method != "get"
        and path.startswith("/rest/")
        and all(one["name"] != "Idempotency-Key" for one in shown.get("parameters", ()))
    }
    assert without == set(REST_WITHOUT_KEY), "api.rest.once.repeatable gives it; WITHOUT_KEY says why one takes none"

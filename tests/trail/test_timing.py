"""A request that goes on and on is given up, undone, and answered in the form of its protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from api.rest.files import FileList
from api.timing import LASTING
from domain.usecases.list_operations import every
from persistence.engine import OWNER
from tests.api.conftest import House, house
from tests.api.test_graphql_parties import new_customer
from tests.trail.test_limiting import another

__all__ = ["house"]

NOTE = 'mutation { noteCustomer(input: {customer: "%s", text: "waits", idempotencyKey: "k"}) { __typename } }'


def test_what_may_last_is_there() -> None:
    assert set(every()) >= LASTING


@pytest.mark.parametrize(
    ("path", "media", "body", "code"),
    [
        ("/graphql", "application/json", b'{"query": "{ files { edges { node { name } } } }"}', "TIMEOUT"),
        ("/soap", "text/xml", None, "Server.timeout"),
        ("/soap", "application/soap+xml", None, "Receiver"),
        ("/rest/v1/files", None, None, '"code":"timeout"'),
    ],
)
async def test_what_waits_too_long_is_answered_with_what_to_do(
    house: House, path: str, media: str | None, body: bytes | None, code: str
) -> None:
    soap = (
        "http://schemas.xmlsoap.org/soap/envelope/"
        if media == "text/xml"
        else "http://www.w3.org/2003/05/soap-envelope"
    )
    listing = (
        f'<e:Envelope xmlns:e="{soap}"><e:Body><ListServices xmlns="urn:tollwright:billing:1"/></e:Body></e:Envelope>'
    )
    connection: Any = await asyncpg.connect(house.database.url)
    headers = {"Authorization": f"Bearer {await house.token('operator')}"}
    try:
        async with another(house, request_seconds=1) as hasty, connection.transaction():
            await hasty.call("operator", "GET", "/rest/v1/files")  # what is read once is read
            await connection.execute("lock table cdr_file, service in access exclusive mode")
            if media is None:
                answer = await hasty.http.get(path, headers=headers)
            else:
                content = body or listing.encode()
                answer = await hasty.http.post(path, headers=headers | {"Content-Type": media}, content=content)
    finally:
        await connection.close()
    assert answer.status_code == 503, answer.text
    assert code in answer.text
    assert "idempotency key" in answer.text
    assert answer.headers["retry-after"] == "30"


async def test_a_command_that_is_given_up_leaves_nothing(house: House) -> None:
    anna = await new_customer(house, "operator", "Anna", priceList=None)
    connection: Any = await asyncpg.connect(house.database.url)
    headers = {"Authorization": f"Bearer {await house.token('operator')}"}
    try:
        async with another(house, request_seconds=1) as hasty, connection.transaction():
            await connection.execute("lock table audit in exclusive mode")
            answer = await hasty.http.post("/graphql", headers=headers, json={"query": NOTE % anna["id"]})
    finally:
        await connection.close()
    assert answer.status_code == 503, answer.text
    async with house.database.transaction(role=OWNER) as unit:
        assert await unit.connection.fetchval("select count(*) from customer_note") == 0


async def test_what_lasts_by_its_nature_and_what_streams_is_not_cut(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(self: object, request: Any) -> Any:
        await asyncio.sleep(1.3)
        return await page(self, request)

    page: Callable[..., Any] = FileList.page
    monkeypatch.setattr(FileList, "page", slow)
    headers = {"Authorization": f"Bearer {await house.token('operator')}"}
    async with another(house, request_seconds=1) as hasty:
        assert (await hasty.http.get("/rest/v1/files", headers=headers)).status_code == 503
    async with another(house, request_seconds=0) as patient:
        assert (await patient.http.get("/rest/v1/files", headers=headers)).status_code == 200


async def test_what_is_refused_is_answered_as_ever(house: House) -> None:
    """The answer to a fault begins when the time is no longer counted."""
    answer = await house.call("operator", "GET", "/rest/v1/audit.csv?kind=none")
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_value")

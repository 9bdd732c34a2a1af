"""REST: uploads, files, documents, rating, and what every answer of HTTP must be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from starlette.types import Message

from api.app import application
from api.clock import SystemClock
from api.worker import Worker
from persistence.engine import OWNER
from tests.api.conftest import House
from tests.api.test_graphql_parties import gql

CALL = (
    '"","46850000001","46701740605","from-internal","""A"" <46850000001>","SIP/a-1","SIP/T1-2","Dial","SIP/T1",'
    '"2026-03-02 10:00:00","2026-03-02 10:00:05","2026-03-02 10:01:05",65,60,"ANSWERED","DOCUMENTATION","{ref}",""\n'
)
TARIFF: dict[str, Any] = {
    "destinations": {"Sweden mobile": {"prefixes": ["467"]}},
    "price_lists": {
        "r": {
            "currency": "SEK",
            "rates": [{"to": "Sweden mobile", "mode": "voice", "steps": [{"price": "0.60", "per": 60}]}],
        }
    },
    "parties": {"p": {"retail": "r"}},
}
EVENT = {
    "id": "e1",
    "party": "p",
    "mode": "voice",
    "a": "46850000001",
    "b": "46701740605",
    "start": "2026-03-02T10:00:00+01:00",
    "used": 60,
}


async def test_a_file_is_uploaded_once_and_its_balance_told(house: House) -> None:
    content = CALL.format(ref="1772442000.1") + CALL.format(ref="1772442000.2")
    first = await house.call("operator", "PUT", "/rest/v1/cdr/asterisk/Master.csv?wait", content=content)
    assert first.status_code == 201, first.text
    body = first.json()
    assert body["state"] == "done"
    assert body["again"] is False
    assert body["balance"]["records"] == 2
    assert body["balance"]["events"] == body["balance"]["rated"] + body["balance"]["unrated"]
    again = await house.call("operator", "POST", "/rest/v1/cdr/asterisk/Other.csv", content=content)
    assert again.status_code == 200
    assert again.json()["again"] is True
    assert again.json()["id"] == body["id"]
    listed = (await house.call("operator", "GET", "/rest/v1/files")).json()
    assert [one["id"] for one in listed["files"]] == [body["id"]]
    assert listed["next"] is None
    one = (await house.call("operator", "GET", first.headers["location"])).json()
    assert one["sha256"] == body["sha256"]
    scraped = (await house.call("operator", "GET", "/metrics")).text
    assert 'tollwright_balance_records{operator="north",outcome="records",source="asterisk"} 2.0' in scraped
    assert 'tollwright_imports_total{operator="north",source="asterisk",state="done"} 1.0' in scraped
    assert "tollwright_requests_total" not in scraped, "requests of others are this machine's business"
    other = (await house.call("other", "GET", "/metrics")).text
    assert "north" not in other


async def test_a_file_is_taken_at_once_and_a_worker_imports_it(house: House) -> None:
    content = CALL.format(ref="1772442000.1") + CALL.format(ref="1772442000.2")
    taken = await house.call("operator", "PUT", "/rest/v1/cdr/asterisk/Master.csv", content=content)
    assert taken.status_code == 202, taken.text
    place = taken.headers["location"]
    waiting = (await house.call("operator", "GET", place)).json()
    assert (waiting["state"], waiting["position"], waiting["balance"]["records"]) == ("waiting", 0, 0)
    again = await house.call("operator", "PUT", "/rest/v1/cdr/asterisk/Other.csv?wait=0", content=content)
    assert (again.status_code, again.json()["id"], again.json()["again"]) == (202, waiting["id"], False)
    binary = await house.call("operator", "PUT", "/rest/v1/cdr/asterisk/b.csv", content=b"\x7fELF\x00\x01" * 500)
    assert binary.status_code == 202
    scraped = (await house.call("operator", "GET", "/metrics")).text
    assert 'tollwright_jobs{kind="import_cdr",operator="north",state="waiting"} 2.0' in scraped
    wiring = replace(house.wiring, clock=SystemClock())
    await Worker(wiring).run(until_idle=True)
    done = (await house.call("operator", "GET", place)).json()
    assert (done["state"], done["position"], done["balance"]["records"]) == ("done", len(content), 2)
    refused = (await house.call("operator", "GET", binary.headers["location"])).json()
    assert refused["state"] == "refused"
    assert refused["fault"]
    again = await house.call("operator", "PUT", "/rest/v1/cdr/asterisk/Other.csv", content=content)
    assert (again.status_code, again.json()["again"]) == (200, True)
    jobs = (await gql(house, "operator", "{ jobs { edges { node { kind state attempts result } } } }"))["jobs"]
    assert [edge["node"]["state"] for edge in jobs["edges"]] == ["DONE", "DONE"]


async def test_a_body_that_is_too_large_is_refused_before_it_is_kept(house: House) -> None:
    wiring = replace(house.wiring, settings=replace(house.wiring.settings, upload_max_bytes=1000))
    transport = httpx.ASGITransport(app=await application(wiring))
    headers = {"Authorization": f"Bearer {await house.token('operator')}"}

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b"x" * 100

    async with httpx.AsyncClient(transport=transport, base_url="https://billing.example", headers=headers) as http:
        known = await http.put("/rest/v1/cdr/asterisk/a.csv", content=b"x" * 1001)
        unknown = await http.put("/rest/v1/cdr/asterisk/a.csv", content=endless())
    for answer in (known, unknown):
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "limit_exceeded"
    kept = [path for path in house.wiring.settings.files_dir.rglob("*") if path.is_file()]
    assert kept == []
    async with house.database.transaction(role=OWNER) as unit:
        assert await unit.connection.fetchval("select count(*) from cdr_file") == 0


async def test_an_upload_that_cannot_be_read_says_so(house: House) -> None:
    binary = await house.call("operator", "PUT", "/rest/v1/cdr/asterisk/a.csv?wait=1", content=b"\x7fELF\x00\x01" * 500)
    assert binary.status_code == 400
    assert binary.json()["code"] == "unreadable"
    nowhere = await house.call("operator", "PUT", "/rest/v1/cdr/nonsense/a.csv", content=b"x")
    assert nowhere.status_code == 404
    form = await house.call("operator", "POST", "/rest/v1/cdr/asterisk/a.csv", data={"a": "b"})
    assert form.status_code == 415


async def test_events_are_rated_with_a_tariff_of_the_request(house: House) -> None:
    answer = await house.call(
        "operator", "POST", "/rest/v1/rate", json={"tariff": TARIFF, "events": [EVENT, {"id": "x"}]}
    )
    assert answer.status_code == 200, answer.text
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines[0]["retail"]["amount"] == "0.600000"
    assert lines[1]["unrated"] == "bad_event"


async def test_what_cannot_be_rated_is_refused(house: House) -> None:
    async def post(body: Any) -> httpx.Response:
        return await house.call("operator", "POST", "/rest/v1/rate", json=body)

    assert (await post([])).status_code == 400
    assert (await post({"tariff": TARIFF})).status_code == 400
    assert (await post({"tariff": None, "events": []})).status_code == 400
    assert (await post({"events": [EVENT] * 10_001})).status_code == 413
    assert (await post({"tariff": TARIFF, "events": [], "more": 1})).status_code == 400
    assert (await post({"tariff": TARIFF, "events": [EVENT] * 10_001})).status_code == 413
    wrong = await post({"tariff": TARIFF | {"nonsense": 1}, "events": []})
    assert wrong.status_code == 422
    assert "nonsense" in wrong.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"tariff": {}, "tariff": {}, "events": []}', 400),
        (b'{"tariff": {"a": {"b": 1, "b": 2}}, "events": []}', 400),
        (b"[" * 100_000, 400),
        (b"[" * 100_000 + b"]" * 100_000, 400),
        (b'{"tariff": ' + b"[" * 80 + b"]" * 80 + b', "events": []}', 400),
        (b'{"tariff": NaN, "events": []}', 400),
        (b'{"tariff": "\xff", "events": []}', 400),
        (b"", 400),
    ],
)
async def test_l3_json_that_two_readers_could_read_differently(house: House, body: bytes, status: int) -> None:
    for path in ("/rest/v1/rate", "/graphql"):
        answer = await house.call("operator", "POST", path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == status, (path, answer.text)
        assert answer.json()["code"] == "malformed"


async def test_l3_a_parameter_given_twice(house: House) -> None:
    answer = await house.call("operator", "GET", "/rest/v1/files?first=1&first=2")
    assert answer.status_code == 400


@pytest.mark.parametrize("first", ["0", "-1", "1001", "x", "1e3", "٣", ""])
async def test_a_page_of_no_size(house: House, first: str) -> None:
    answer = await house.call("operator", "GET", "/rest/v1/files", params={"first": first})
    assert answer.status_code == 422
    assert answer.json()["field"] == "first"


async def test_every_answer_is_kept_from_caches_and_sniffing(house: House) -> None:
    for answer in (
        await house.http.get("/healthz"),
        await house.http.get("/nowhere"),
        await house.call("operator", "GET", "/rest/v1/files"),
        await house.call("operator", "GET", "/nowhere"),
        await house.call("operator", "DELETE", "/rest/v1/files"),
    ):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert len(answer.headers["x-request-id"]) == 16


async def test_unknown_paths_and_methods(house: House) -> None:
    assert (await house.http.get("/nowhere")).status_code == 401
    assert (await house.call("operator", "GET", "/nowhere")).status_code == 404
    wrong = await house.call("operator", "DELETE", "/rest/v1/files")
    assert wrong.status_code == 405
    assert "GET" in wrong.headers["allow"]
    for path in ("/rest/v1/invoices/x.pdf", "/rest/v1/invoices/٣.pdf"):
        assert (await house.call("operator", "GET", path)).status_code == 404, path
    for path in (
        "/rest/v1/files/..%2f1",
        "/rest/v1/files/1%00",
        "/rest/v1/files/..%5c1",
        "/rest/v1/files/%5c%5chost%5cx",
    ):
        assert (await house.call("operator", "GET", path)).status_code == 400, path
    body = b"x" * 100_000
    assert (await house.call("operator", "PUT", "/nowhere", content=body)).status_code == 404
    assert (await house.call("operator", "PUT", "/rest/v1/files", content=body)).status_code == 405


@pytest.mark.parametrize(
    "name", ["../../x", "/etc/cron.d/x", "..", ".", "a\0.csv", "..\\x", "\\\\host\\share\\x", "a\x1b[2J.csv"]
)
async def test_a_name_that_leads_elsewhere_is_refused_and_noted(house: House, name: str) -> None:
    """F4: 400, nothing is kept, and the attempt stands in the audit trail."""
    # As the server hands it on, decoded, of a client that does not tidy up paths: ``..%2f`` and ``../`` are one.
    scope = {
        "type": "http",
        "method": "PUT",
        "path": f"/rest/v1/cdr/asterisk/{name}",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {await house.token('operator')}".encode())],
        "client": ("192.0.2.1", 1),
    }
    said: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"x", "more_body": False}

    async def send(message: Message) -> None:
        said.append(message)

    await (await application(house.wiring))(scope, receive, send)
    assert said[0]["status"] == 400, said
    assert [path for path in house.wiring.settings.files_dir.rglob("*") if path.is_file()] == []
    async with house.database.transaction(role=OWNER) as unit:
        assert await unit.connection.fetchval("select count(*) from cdr_file") == 0
        assert await unit.connection.fetchval("select count(*) from audit where action = 'refuse_file_name'") == 1


async def test_readiness_says_what_is_missing(house: House) -> None:
    assert (await house.http.get("/healthz")).json() == {"status": "ok"}
    assert (await house.http.get("/readyz")).json() == {"status": "ready"}
    async with house.database.transaction(role=OWNER) as unit:
        await unit.connection.execute("delete from migration")
    answer = await house.http.get("/readyz")
    assert answer.status_code == 503
    assert "migrations pending" in answer.json()["detail"]


async def test_metrics_are_this_machines_or_a_token_with_the_scope(live: House) -> None:
    local = await live.http.get("/metrics")
    assert local.status_code == 200
    assert "tollwright_requests_total" in local.text
    forwarded = await live.http.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"})
    assert forwarded.status_code == 401, "a proxy on this machine makes nobody local (L2)"
    assert (await live.call("reseller", "GET", "/metrics")).status_code == 403


async def _raw(house: House, request: bytes) -> bytes:
    host, port = house.wiring.settings.address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(2000), 60)
    writer.close()
    return answer


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
    ],
)
async def test_l1_a_request_that_two_servers_could_cut_differently(live: House, request_bytes: bytes) -> None:
    answer = await _raw(live, request_bytes)
    assert answer.split(b" ", 2)[1] == b"400", answer


async def test_f6_a_body_that_trickles_is_given_up(live: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.auth.gate.BLOCK_SECONDS", 0.3)
    token = await live.token("operator")
    head = (
        f"PUT /rest/v1/cdr/asterisk/a.csv HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n"
        "Content-Length: 100000\r\n\r\nonly this"
    )
    answer = await _raw(live, head.encode())
    assert b" 408 " in answer.split(b"\r\n")[0]

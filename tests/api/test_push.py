"""Call records pushed over HTTP: acknowledged after the commit alone, counted once however often they are sent."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from api.app import application
from api.streams.groups import Busy, Groups
from domain.access.actor import Action, system
from domain.ids import OperatorId
from domain.refusal import Unreadable
from persistence.engine import OWNER
from tests.api.conftest import SECRET, House, add_client

PATH = "/rest/v1/cdr/freeswitch-json"


def leg(number: int, **more: str) -> dict[str, Any]:
    times = {"start_epoch": "1772445600", "answer_epoch": "1772445605", "end_epoch": "1772445665"}
    return {
        "core-uuid": "c-1",
        "variables": {"uuid": f"u-{number}", **times, "duration": "65", "billsec": "60", **more},
        "callflow": [{"caller_profile": {"caller_id_number": "+46850000001", "destination_number": "+46701740605"}}],
    }


def xml(number: int) -> bytes:
    values = "".join(f"<{name}>{quote(value)}</{name}>" for name, value in leg(number)["variables"].items())
    return f'<?xml version="1.0"?>\n<cdr core-uuid="c-1"><variables>{values}</variables></cdr>'.encode()


async def count(house: House) -> tuple[int, int]:
    """Return how many events the database has, rated or in suspense, and how many of them twice."""
    async with house.database.transaction(role=OWNER) as unit:
        return tuple(  # type: ignore[return-value]
            await unit.connection.fetchrow(
                "select count(*), count(*) - count(distinct key) from (select key from usage union all"
                " select key from suspense where kind = 'unrated') as events"
            )
        )


DOCUMENT = json.dumps(leg(1), indent=1).encode()
FORM = "application/x-www-form-"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", DOCUMENT),
        (f"{FORM}urlencoded", b"cdr=" + quote(DOCUMENT).encode()),
        (f"{FORM}base64-encoded", b"cdr=" + base64.b64encode(DOCUMENT)),
        (f"{FORM}plaintext", b"cdr=" + DOCUMENT),
        (f"{FORM}plaintext; charset=utf-8", DOCUMENT),
    ],
)
async def test_every_form_that_freeswitch_sends_is_one_call(house: House, kind: str, body: bytes) -> None:
    answer = await house.call("operator", "POST", f"{PATH}?uuid=a_u-1", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 200, answer.text
    assert answer.json()["records"] == 1
    assert await count(house) == (1, 0)


async def test_xml_and_json_of_the_same_call_are_one(house: House) -> None:
    for path, kind, body in (
        ("/rest/v1/cdr/freeswitch-xml", "text/xml", xml(1)),
        ("/rest/v1/cdr/freeswitch-xml", f"{FORM}urlencoded", b"cdr=" + quote(xml(1)).encode()),
    ):
        answer = await house.call("operator", "POST", path, content=body, headers={"Content-Type": kind})
        assert answer.status_code == 200, answer.text
    assert await count(house) == (1, 0)


async def test_a_switch_names_itself_by_basic_after_it_was_asked(house: House) -> None:
    asked = await house.http.post(PATH, json=leg(1))
    assert asked.status_code == 401
    assert asked.headers["www-authenticate"].startswith('Basic realm="tollwright"')
    for pair in (("operator", "wrong"), ("nobody", "x"), ("operator", "")):
        assert (await house.http.post(PATH, json=leg(1), auth=pair)).status_code == 401
    told = await house.http.post(PATH, json=leg(1), auth=("operator", SECRET.format("operator")))
    assert told.status_code == 200, told.text
    elsewhere = await house.http.get("/rest/v1/files", auth=("operator", SECRET.format("operator")))
    assert elsewhere.status_code == 401, "Basic opens this path alone"
    assert "Basic" not in elsewhere.headers["www-authenticate"]


async def test_four_callers(house: House) -> None:
    await add_client(house.database, "reader", 1, scopes={Action.READ_USAGE})
    assert (await house.http.post(PATH, json=leg(1))).status_code == 401
    for client in ("reseller", "sibling", "reader"):
        for pair in (None, (client, SECRET.format(client))):
            call = (
                house.call(client, "POST", PATH, json=leg(1))
                if pair is None
                else house.http.post(PATH, json=leg(1), auth=pair)
            )
            assert (await call).status_code == 403, client
    assert await count(house) == (0, 0)
    assert (await house.call("operator", "POST", PATH, json=leg(1))).status_code == 200
    assert (await house.call("other", "POST", PATH, json=leg(1))).status_code in {200, 409}
    listed = (await house.call("other", "GET", "/rest/v1/files")).json()["files"]
    own = (await house.call("operator", "GET", "/rest/v1/files")).json()["files"]
    assert not {one["id"] for one in listed} & {one["id"] for one in own}


async def test_what_comes_again_changes_nothing(house: House) -> None:
    for _ in range(2):
        assert (await house.call("operator", "POST", PATH, json=leg(1))).status_code == 200
    # In another company it is another file, but the same calls.
    both = json.dumps([leg(1), leg(2)])
    for _ in range(2):
        answer = await house.call("operator", "POST", PATH, content=both, headers={"Content-Type": "application/json"})
        assert answer.json()["records"] == 2
    lines = "\n".join(json.dumps(leg(number)) for number in range(1, 5))
    answer = await house.call("operator", "POST", PATH, content=lines, headers={"Content-Type": "application/x-ndjson"})
    assert answer.json()["records"] == 4
    assert await count(house) == (4, 0)


async def test_requests_at_the_same_time_are_committed_together(house: House) -> None:
    told = await asyncio.gather(*(house.call("operator", "POST", PATH, json=leg(number)) for number in range(60)))
    assert {answer.status_code for answer in told} == {200}
    assert await count(house) == (60, 0)
    files = {answer.json()["file"] for answer in told}
    assert len(files) < 20, "a transaction each would be slow"
    again = await asyncio.gather(*(house.call("operator", "POST", PATH, json=leg(number % 60)) for number in range(90)))
    assert {answer.status_code for answer in again} == {200}
    assert await count(house) == (60, 0)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b'{"variables": 1}', "application/json", 400),
        (b'{"variables": {}} {"a": ', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"variables": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001, "application/json", 400),
        (b"uuid=1", f"{FORM}urlencoded", 400),
        (b"cdr=%%%", f"{FORM}base64-encoded", 400),
        (json.dumps(leg(1)).encode() * 1001, "application/json", 413),
        (json.dumps(leg(1)).encode(), "multipart/form-data", 415),
        (xml(1), "text/xml", 400),
        (b"x" * (9 << 20), "application/json", 413),
    ],
)
async def test_what_cannot_be_read_is_refused_whole(house: House, body: bytes, kind: str, status: int) -> None:
    answer = await house.call("operator", "POST", PATH, content=body, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text
    assert await count(house) == (0, 0)


async def test_entities_are_never_read(house: House) -> None:
    bomb = b'<!DOCTYPE cdr [<!ENTITY a "x">]><cdr><variables><uuid>&a;</uuid></variables></cdr>'
    answer = await house.call(
        "operator", "POST", "/rest/v1/cdr/freeswitch-xml", content=bomb, headers={"Content-Type": "text/xml"}
    )
    assert (answer.status_code, answer.json()["detail"]) == (400, "DOCTYPE not allowed")


async def test_a_bad_call_is_in_suspense_and_its_sender_is_done(house: House) -> None:
    answer = await house.call("operator", "POST", PATH, json=leg(1, billsec="-1"))
    assert answer.status_code == 200
    async with house.database.transaction(role=OWNER) as unit:
        rows = await unit.connection.fetch("select reason, raw from suspense")
    assert [row["reason"] for row in rows] == ["negative_duration"]
    assert '"u-1"' in rows[0]["raw"]


async def test_sources_that_come_in_files_are_not_pushed(house: House) -> None:
    answer = await house.call("operator", "POST", "/rest/v1/cdr/asterisk", json=leg(1))
    assert (answer.status_code, answer.json()["field"]) == (422, "source")
    assert (await house.call("operator", "POST", "/rest/v1/cdr/nothing", json=leg(1))).status_code == 404


async def test_where_too_many_wait_the_sender_is_told_to_come_back(house: House) -> None:
    held = asyncio.Event()

    class Slow(Groups):
        async def _import(self, lane: Any, records: list[bytes]) -> Any:
            await held.wait()
            return await super()._import(lane, records)

    slow = Slow(house.wiring, waiting_max=2)
    actor = system(OperatorId(1), "test")
    lines = [json.dumps(leg(number)).encode() + b"\n" for number in range(4)]
    first = asyncio.create_task(slow.put(actor, "freeswitch-json", lines[0]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # the first is being committed, the next two wait
    waiting = [asyncio.create_task(slow.put(actor, "freeswitch-json", line)) for line in lines[1:3]]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await slow.put(actor, "freeswitch-json", lines[3])
    held.set()
    assert len({int(done.file.id) for done in await asyncio.gather(first, *waiting)}) == 2
    assert slow.waiting == slow.waiting_bytes == 0


async def test_one_that_cannot_be_read_takes_no_other_with_it(house: House) -> None:
    groups = Groups(house.wiring)
    actor = system(OperatorId(1), "test")
    good = json.dumps(leg(1)).encode() + b"\n"
    told = await asyncio.gather(
        groups.put(actor, "freeswitch-json", b"no JSON\n"),
        groups.put(actor, "freeswitch-json", good),
        groups.put(actor, "freeswitch-json", good),
        return_exceptions=True,
    )
    assert isinstance(told[0], Unreadable)
    assert told[1] is told[2]
    assert await count(house) == (1, 0)


async def test_a_caller_that_goes_away_takes_nothing_back(house: House) -> None:
    headers = {"Authorization": f"Bearer {await house.token('operator')}"}
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await house.http.post(PATH, json=leg(1), headers=headers)
    answer = await house.call("operator", "POST", PATH, json=leg(1))
    assert answer.status_code == 200
    assert await count(house) == (1, 0)


async def test_the_database_away_is_told_and_nothing_acknowledged(house: House) -> None:
    transport = httpx.ASGITransport(app=await application(house.wiring), raise_app_exceptions=False)
    token = await house.token("operator")
    async with httpx.AsyncClient(transport=transport, base_url="https://billing.example") as http:
        headers = {"Authorization": f"Bearer {token}"}
        assert (await http.post(PATH, json=leg(1), headers=headers)).status_code == 200
        async with house.database.transaction(role=OWNER) as unit:
            await unit.connection.execute("alter table chunk rename to chunk_away")
        try:
            answer = await http.post(PATH, json=leg(2), headers=headers)
            assert answer.status_code >= 500
        finally:
            async with house.database.transaction(role=OWNER) as unit:
                await unit.connection.execute("alter table chunk_away rename to chunk")
        assert (await http.post(PATH, json=leg(2), headers=headers)).status_code == 200
    assert await count(house) == (2, 0)

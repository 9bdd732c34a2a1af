"""GraphQL by WebSocket: who gets in, what ends a socket, its limits, and what each of four callers is told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api.graphql import socket as protocol
from api.graphql.ids import global_id
from domain.access.actor import system
from domain.alarms.alarm import Raised, Severity
from domain.ids import OperatorId
from domain.usecases.import_cdr import ImportCdr, Imported, import_cdr
from domain.usecases.raise_alarm import end_alarm, raise_alarm
from persistence.engine import OWNER
from tests.api.conftest import House, add_client
from tests.api.entrance import add_portal, add_user, enter
from tests.api.month import call
from tests.api.talking import PROTOCOL, Talk, address, talking
from tests.api.test_docs import blocks, run
from tests.api.test_graphql_parties import gql

PROGRESS = "subscription { importProgress { fileId name state records events rejects position size } }"
ALARM = "subscription { alarmRaised { id kind subject severity count text data state } }"


async def raised(house: House, operator: int, subject: str, **more: Any) -> None:
    found = Raised(kind="silent_source", subject=subject, text=f"nothing came from {subject}", **more)
    actor = system(OperatorId(operator))
    await raise_alarm(found, actor=actor, begin=house.wiring.begin, clock=house.clock)


async def imported(house: House, content: str, operator: int = 1) -> Imported:
    """Import a file as the operator's own machine."""

    async def blocks() -> AsyncIterator[bytes]:
        yield content.encode()

    wiring = house.wiring
    return await import_cdr(
        ImportCdr(source="asterisk", name="Master.csv", content=blocks(), size_max=1 << 20),
        actor=system(OperatorId(operator)),
        begin=wiring.begin,
        clock=wiring.clock,
        blobs=wiring.blobs,
        formats=wiring.formats,
        raters=wiring.raters,
    )


async def closes(talk: Talk) -> tuple[int, str]:
    """Read until the socket closes, and return the code and the reason."""
    with contextlib.suppress(ConnectionClosed):
        async with asyncio.timeout(30):
            async for _ in talk.socket:
                pass
    assert talk.socket.close_code is not None
    return talk.socket.close_code, talk.socket.close_reason or ""


async def test_progress_and_alarms_are_told_as_they_are_committed(live: House) -> None:
    async with talking(live, "operator") as talk:
        progress, alarms = await talk.subscribe(PROGRESS), await talk.subscribe(ALARM)
        await asyncio.sleep(0.5)
        content = call("46850000001", "46701740605", "1772442000.1") + "broken\n"
        await imported(live, content)
        while (told := (await talk.data(progress))["importProgress"])["state"] == "IMPORTING":
            pass
        assert told["state"] == "DONE"
        assert (told["records"], told["events"], told["rejects"]) == ("2", "1", "1")
        assert told["position"] == told["size"] == str(len(content))
        await raised(live, 1, "pbx", severity=Severity.CRITICAL, data={"hours": 3})
        one = (await talk.data(alarms))["alarmRaised"]
        assert (one["subject"], one["count"], one["severity"]) == ("pbx", "1", "CRITICAL")
        assert json.loads(one["data"]) == {"hours": 3}
        await raised(live, 1, "pbx")
        again = (await talk.data(alarms))["alarmRaised"]
        assert (again["id"], again["count"], again["severity"]) == (one["id"], "2", "CRITICAL")


async def test_the_progress_of_one_file_begins_with_how_it_is_and_ends_with_it(live: House) -> None:
    content = call("46850000001", "46701740605", "1772442000.1")
    file = global_id("File", (await imported(live, content)).file.id)
    async with talking(live, "operator") as talk:
        query = "subscription($file: ID) { importProgress(file: $file) { state file { name } } }"
        key = await talk.subscribe(query, file=file)
        assert await talk.data(key) == {"importProgress": {"state": "DONE", "file": {"name": "Master.csv"}}}
        assert await talk.heard(key) == {"type": "complete", "id": key}
        key = await talk.subscribe(query, file=global_id("File", 999))
        (error,) = (await talk.heard(key))["payload"]["errors"]
        assert error["extensions"]["code"] == "NOT_FOUND"


async def test_four_callers_are_told_what_is_theirs(live: House) -> None:
    async with (
        talking(live, "operator") as own,
        talking(live, "other") as other,
        talking(live, "reseller") as reseller,
        talking(live, "sibling") as sibling,
    ):
        for talk in (reseller, sibling):
            for query in (PROGRESS, ALARM):
                (error,) = (await talk.heard(await talk.subscribe(query)))["payload"]["errors"]
                assert error["extensions"]["code"] == "NOT_ALLOWED"
        for query in (PROGRESS, ALARM):
            await own.subscribe(query)
            await other.subscribe(query)
        await asyncio.sleep(0.5)
        await raised(live, 1, "pbx")
        await imported(live, call("46850000001", "46701740605", "1772442000.1"))
        assert (await own.data("2"))["alarmRaised"]["subject"] == "pbx"
        assert (await own.data("1"))["importProgress"]["name"] == "Master.csv"
        assert await other.silent(1.0)
    for payload in (None, {"Authorization": "Bearer nonsense"}, {"token": ""}):
        async with connect(address(live), subprotocols=[PROTOCOL], proxy=None) as socket:
            talk = Talk(socket)
            await talk.say(type="connection_init", **({"payload": payload} if payload else {}))
            assert (await closes(talk))[0] == 4403


async def test_a_token_in_the_handshake_is_as_good(live: House) -> None:
    headers = {"Authorization": f"Bearer {await live.token('operator')}"}
    async with connect(address(live), subprotocols=[PROTOCOL], additional_headers=headers, proxy=None) as socket:
        talk = Talk(socket)
        await talk.say(type="ping")
        assert await talk.heard() == {"type": "pong"}
        await talk.say(type="connection_init")
        assert await talk.heard() == {"type": "connection_ack"}
    with pytest.raises(InvalidStatus) as refused:
        await connect(
            address(live), subprotocols=[PROTOCOL], additional_headers={"Authorization": "Bearer x"}, proxy=None
        )
    assert refused.value.response.status_code == 401


async def test_a_page_of_another_site_opens_nothing(live: House) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(address(live), subprotocols=[PROTOCOL], origin="https://evil.example", proxy=None)  # type: ignore[arg-type]
    assert refused.value.response.status_code == 403
    for path in ("/soap", "/rest/v1/files", "/graphql?access_token=abc"):
        with pytest.raises(InvalidStatus) as refused:
            await connect(address(live).replace("/graphql", path), subprotocols=[PROTOCOL], proxy=None)
        assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["no json"], 4400),
        (["[]"], 4400),
        (['{"type": "subscribe", "id": "1", "payload": {"query": "subscription { a }"}}'], 4401),
        (['{"type": "dance"}'], 4400),
        (["INIT", "INIT"], 4429),
        (["INIT", '{"type": "subscribe", "id": "", "payload": {"query": "x"}}'], 4400),
        (["INIT", '{"type": "subscribe", "id": "1", "payload": {"query": 7}}'], 4400),
        (["INIT", '{"type": "subscribe", "id": "1", "payload": {"query": "x", "more": 1}}'], 4400),
        (["INIT", "SUB", "SUB"], 4409),
        (["INIT", "[" * 50_000], 4400),
        (["INIT", '"' + "x" * 200_000 + '"'], 1009),
        (["INIT", '"' + "x" * 2_000_000 + '"'], 1009),
        (["INIT", *['{"type": "ping"}'] * 310], 1008),
    ],
)
async def test_what_is_not_of_the_protocol_ends_the_socket(live: House, messages: list[str], code: int) -> None:
    init = json.dumps({"type": "connection_init", "payload": {"token": await live.token("operator")}})
    sub = json.dumps({"type": "subscribe", "id": "1", "payload": {"query": PROGRESS}})
    async with connect(address(live), subprotocols=[PROTOCOL], proxy=None, max_size=None) as socket:
        talk = Talk(socket)
        for one in messages:
            try:
                await socket.send({"INIT": init, "SUB": sub}.get(one, one))
            except ConnectionClosed:
                break
        assert (await closes(talk))[0] == code


async def test_another_subprotocol_is_not_spoken(live: House) -> None:
    async with connect(address(live), proxy=None) as socket:
        assert (await closes(Talk(socket)))[0] == 4406


async def test_only_subscriptions_within_the_limits_of_queries(live: House) -> None:
    deep = "{ customers { edges { node { children { children { children { children { children { children { children "
    deep += "{ children { id } } } } } } } } } } } }"
    async with talking(live, "operator") as talk:
        for query, code in (
            ("{ operator { name } }", None),
            ('mutation { closeAlarm(alarm: "x") { __typename } }', None),
            ("subscription { nothing }", "BAD_REQUEST"),
            ("subscription {", "BAD_REQUEST"),
            (
                "subscription { importProgress { " + " ".join(f"a{n}: state" for n in range(40)) + " } }",
                "LIMIT_EXCEEDED",
            ),
            (deep, None),
        ):
            message = await talk.heard(await talk.subscribe(query))
            assert message["type"] == "error", (query, message)
            if code:
                assert message["payload"][0]["extensions"]["code"] == code
        keys = [await talk.subscribe(PROGRESS) for _ in range(protocol.SUBSCRIPTIONS_MAX + 1)]
        refused = await talk.heard(keys[-1])
        assert refused["payload"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
        await talk.say(type="complete", id=keys[0])
        key = await talk.subscribe(ALARM)
        await asyncio.sleep(0.5)
        await raised(live, 1, "pbx")
        assert (await talk.data(key))["alarmRaised"]["subject"] == "pbx"


async def test_a_client_has_so_many_sockets(live: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "SOCKETS_PER_CLIENT", 2)
    async with (
        talking(live, "operator"),
        talking(live, "operator"),
        talking(live, "other"),
        connect(address(live), subprotocols=[PROTOCOL], proxy=None) as socket,
    ):
        talk = Talk(socket)
        await talk.say(type="connection_init", payload={"token": await live.token("operator")})
        assert (await closes(talk))[0] == 1013
    async with talking(live, "operator"):
        pass


async def test_people_at_one_portal_have_sockets_of_their_own(live: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "SOCKETS_PER_CLIENT", 1)
    await add_portal(live)
    people = [await enter(live, await add_user(live, f"{name}@example.se")) for name in ("anna", "bo")]
    ends: list[Any] = []
    async with contextlib.AsyncExitStack() as open_ones:
        for person in (*people, people[0]):
            opened = connect(address(live), subprotocols=[PROTOCOL], proxy=None)
            talk = Talk(await open_ones.enter_async_context(opened))
            await talk.say(type="connection_init", payload=person.bearer)
            ends.append(await talk.heard() if len(ends) < 2 else (await closes(talk))[0])
    assert ends == [{"type": "connection_ack"}, {"type": "connection_ack"}, 1013]


async def test_a_socket_ends_with_its_token(live: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "WATCH_SECONDS", 0.1)
    async with talking(live, "operator") as talk:
        await talk.subscribe(ALARM)
        live.clock.at += timedelta(hours=2)
        code, reason = await closes(talk)
        assert code == 4403
        assert "token" in reason


async def test_revoking_a_client_ends_his_sockets_and_a_scope_taken_away_his_subscription(
    live: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.auth.bearer.CACHE_SECONDS", 0.0)
    async with talking(live, "operator") as talk:
        key = await talk.subscribe(ALARM)
        await asyncio.sleep(0.5)
        async with live.database.transaction(role=OWNER) as unit:
            await unit.connection.execute(
                "update api_client set scopes = array_remove(scopes, 'alarms:read') where client_id = 'operator'"
            )
        await raised(live, 1, "pbx")
        (error,) = (await talk.heard(key))["payload"]["errors"]
        assert error["extensions"]["code"] == "NOT_ALLOWED"
        assert (await talk.heard(key))["type"] == "complete"
        monkeypatch.setattr(protocol, "WATCH_SECONDS", 0.1)
    async with talking(live, "operator") as talk:
        async with live.database.transaction(role=OWNER) as unit:
            await unit.connection.execute("update api_client set revoked_at = now() where client_id = 'operator'")
        assert (await closes(talk))[0] == 4403


async def test_who_does_not_read_is_dropped(live: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("persistence.fanout.QueuedFeed.__init__.__kwdefaults__", {"notices_max": 5})
    async with talking(live, "operator") as talk:
        key = await talk.subscribe(ALARM)
        await asyncio.sleep(0.5)
        async with live.database.transaction(role=OWNER) as unit:
            for number in range(50):
                await unit.connection.execute("select tell('alarm', 1, $1)", number + 1000)
        code, reason = await closes(talk)
        assert (code, reason.split(":")[0]) == (1013, "too slow")
        assert key


async def test_the_listening_connection_is_made_again(live: House) -> None:
    async with talking(live, "operator") as talk:
        key = await talk.subscribe(ALARM)
        await asyncio.sleep(0.5)
        kill = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tollwright news'"
        async with live.database.transaction(role=OWNER) as unit:
            assert await unit.connection.fetchval(kill)
        await raised(live, 1, "in the gap")
        assert (await talk.data(key))["alarmRaised"]["subject"] == "in the gap"
        await asyncio.sleep(0.5)
        await raised(live, 1, "after it")
        assert (await talk.data(key))["alarmRaised"]["subject"] == "after it"


async def test_alarms_are_asked_for_acknowledged_and_closed(live: House) -> None:
    await add_client(live.database, "watcher", 1, scopes=set())
    await raised(live, 1, "pbx")
    query = "{ alarms(state: OPEN) { edges { node { id kind subject count state } } } }"
    (edge,) = (await gql(live, "operator", query))["alarms"]["edges"]
    alarm = edge["node"]["id"]
    assert (await gql(live, "other", query))["alarms"]["edges"] == []
    shown = "{ __typename ... on Alarm { state acknowledgedBy closedBy } ... on Refusal { code } }"
    acknowledge = f'mutation {{ a: acknowledgeAlarm(alarm: "{alarm}") {shown} }}'
    close = f'mutation {{ a: closeAlarm(alarm: "{alarm}") {shown} }}'
    for client, code in (("reseller", "NOT_ALLOWED"), ("watcher", "NOT_ALLOWED"), ("other", "NOT_FOUND")):
        for text in (acknowledge, close):
            assert (await gql(live, client, text))["a"]["code"] == code
        answer = await live.call(client, "POST", "/graphql", json={"query": f'{{ alarm(id: "{alarm}") {{ id }} }}'})
        assert answer.json()["errors"][0]["extensions"]["code"] == code
    done = (await gql(live, "operator", acknowledge))["a"]
    assert done == {"__typename": "Alarm", "state": "ACKNOWLEDGED", "acknowledgedBy": "operator", "closedBy": None}
    await raised(live, 1, "pbx")
    one = (await gql(live, "operator", f'{{ alarm(id: "{alarm}") {{ state count }} }}'))["alarm"]
    assert one == {"state": "ACKNOWLEDGED", "count": "2"}
    assert (await gql(live, "operator", close))["a"]["state"] == "CLOSED"
    assert (await gql(live, "operator", acknowledge))["a"]["code"] == "WRONG_STATE"
    await raised(live, 1, "pbx")
    (edge,) = (await gql(live, "operator", query))["alarms"]["edges"]
    assert edge["node"]["id"] != alarm
    ended = await end_alarm(
        "silent_source", "pbx", actor=system(OperatorId(1)), begin=live.wiring.begin, clock=live.clock
    )
    assert ended is not None
    assert (await gql(live, "operator", query))["alarms"]["edges"] == []


async def test_the_client_that_the_page_shows_works(live: House, tmp_path: Path) -> None:
    (script,) = blocks("api-graphql.md", "python")
    running = asyncio.create_task(run([sys.executable, "-c", script], tmp_path, live))
    for number in range(60):
        await asyncio.sleep(0.5)
        await imported(live, call("46850000001", "46701740605", f"1772442000.{number}"))
        if running.done():
            break
    assert "'state': 'DONE', 'records': '1'" in await running

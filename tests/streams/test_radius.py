"""RADIUS accounting over real datagrams: answered after the commit alone, counted once, strangers left unanswered."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.streams.radius import Accounting, listening
from api.streams.radius_clients import read_clients
from api.wiring import Wiring
from domain.refusal import BadValue, NotFound, Refusal
from integrations.transports import radius
from persistence.engine import OWNER, Database
from tests.conftest import free_port
from tests.intake.world import World
from tests.streams.conftest import events

SECRET = b"xyzzy5461"
CONFIG = """
listen = ["127.0.0.1:0"]
[[client]]
address = "127.0.0.0/8"
secret = "another"
[[client]]
address = "127.0.0.1"
secret = "xyzzy5461"
source = "radius"
operator = "north"
"""
KINDS = {"start": 1, "stop": 2, "interim": 3, "on": 7}


def request(
    kind: str, session: str, *, identifier: int = 1, seconds: int = 0, octets: int = 0, delay: int = 0, **more: Any
) -> bytes:
    attributes = [
        (1, b"sub"), (4, bytes((192, 0, 2, 16))), (31, b"46700000000"), (40, KINDS[kind].to_bytes(4)),
        (41, delay.to_bytes(4)), (42, octets.to_bytes(4)), (43, b"\0\0\0\0"), (44, session.encode()),
        (46, seconds.to_bytes(4)),
    ]  # fmt: skip
    return radius.made(radius.ACCOUNTING_REQUEST, identifier, attributes, more.get("secret", SECRET))


class Nas(asyncio.DatagramProtocol):
    """A client: sends, and keeps what comes back."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self._came = asyncio.Event()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.answers.append(data)
        self._came.set()

    async def wait(self, count: int) -> list[bytes]:
        async with asyncio.timeout(60):
            while len(self.answers) < count:
                self._came.clear()
                await self._came.wait()
        return self.answers


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "clients.toml"
    path.write_text(CONFIG)
    return path


@asynccontextmanager
async def served(wiring: Wiring, config: Path) -> AsyncIterator[tuple[Accounting, Nas, asyncio.DatagramTransport]]:
    [(transport, accounting)] = await listening(wiring, read_clients(config))
    address = transport.get_extra_info("sockname")
    sender, nas = await asyncio.get_running_loop().create_datagram_endpoint(Nas, remote_addr=address)
    try:
        yield accounting, nas, sender
    finally:
        await accounting.idle()
        sender.close()
        transport.close()


async def test_a_session_is_one_event_and_every_part_is_answered(
    wiring: Wiring, world: World, database: Database, config: Path
) -> None:
    async with served(wiring, config) as (accounting, nas, sender):
        for number, packet in enumerate(
            (
                request("start", "S1", identifier=1),
                request("interim", "S1", identifier=2, seconds=60, octets=5_000),
                request("stop", "S1", identifier=3, seconds=120, octets=9_000),
            ),
            1,
        ):
            sender.sendto(packet)
            answer = (await nas.wait(number))[-1]
            assert answer == radius.answer(radius.read(packet), SECRET)
        assert accounting.counts["answered"] == 3
    assert await events(database) == [("S1", 9)]


async def test_a_retransmission_is_answered_alike_and_counts_once(
    wiring: Wiring, world: World, database: Database, config: Path
) -> None:
    stop = request("stop", "S2", seconds=60, octets=2_000)
    async with served(wiring, config) as (accounting, nas, sender):
        for _ in range(5):
            sender.sendto(stop)
        await nas.wait(1)
        sender.sendto(stop)
        answers = await nas.wait(2)
        assert set(answers) == {radius.answer(radius.read(stop), SECRET)}
        assert accounting.counts["retransmitted"] == 5
        assert accounting.counts["answered"] == 1
        # After a restart of the server it is a duplicate by what it tells.
    async with served(wiring, config) as (_, nas, sender):
        sender.sendto(stop)
        await nas.wait(1)
    assert await events(database) == [("S2", 2)]


async def test_an_end_that_is_sent_again_hours_later_counts_once(
    wiring: Wiring, world: World, database: Database, config: Path
) -> None:
    """Without an Event-Timestamp each packet tells another time; the session and what it counted are the same."""
    async with served(wiring, config) as (accounting, nas, sender):
        noon = 1_772_445_600
        for number, hours in enumerate((0, 2, 30), 1):
            accounting.clock = lambda hours=hours: noon + 3600 * hours  # type: ignore[misc]
            sender.sendto(request("stop", "S9", identifier=number, seconds=60, octets=2_000))
            await nas.wait(number)
    assert await events(database) == [("S9", 2)]


async def test_strangers_and_forgers_get_no_answer(
    wiring: Wiring, world: World, database: Database, config: Path, tmp_path: Path
) -> None:
    config.write_text(CONFIG.replace('"127.0.0.0/8"', '"192.0.2.0/24"').replace('"127.0.0.1"', '"127.0.0.1/32"'))
    async with served(wiring, config) as (accounting, nas, sender):
        sender.sendto(request("stop", "S3", secret=b"another"))
        sender.sendto(b"no packet")
        sender.sendto(b"\x01" + request("stop", "S3")[1:])
        sender.sendto(request("start", "S4"))
        assert len(await nas.wait(1)) == 1
        assert dict(accounting.counts) == {
            "received": 4, "not_authentic": 1, "malformed": 1, "other_code": 1, "answered": 1,
        }  # fmt: skip
    config.write_text(CONFIG.partition("[[client]]")[0] + '[[client]]\naddress = "192.0.2.1"\nsecret = "x"\n')
    async with served(wiring, config) as (accounting, nas, sender):
        sender.sendto(request("stop", "S3"))
        await asyncio.sleep(0.2)
        assert (nas.answers, accounting.counts["unknown_client"]) == ([], 1)
    assert await events(database) == []


async def test_status_server_is_answered_without_a_commit(
    wiring: Wiring, world: World, database: Database, config: Path
) -> None:
    blank = bytes((radius.STATUS_SERVER, 9, 0, 38)) + os.urandom(16) + bytes((80, 18)) + bytes(16)
    signed = blank[:-16] + hmac.digest(SECRET, blank, "md5")
    async with served(wiring, config) as (_, nas, sender):
        sender.sendto(signed)
        assert (await nas.wait(1))[0][:2] == bytes((radius.ACCOUNTING_RESPONSE, 9))


async def test_while_the_database_is_away_nothing_is_answered(
    wiring: Wiring, world: World, database: Database, config: Path
) -> None:
    stop = request("stop", "S5", seconds=60, octets=2_000)
    async with served(wiring, config) as (accounting, nas, sender):
        async with database.transaction(role=OWNER) as unit:
            await unit.connection.execute("alter table chunk rename to chunk_away")
        sender.sendto(stop)
        async with asyncio.timeout(30):
            while not accounting.counts["failed"]:  # noqa: ASYNC110  (a counter has no event)
                await asyncio.sleep(0.02)
        assert nas.answers == []
        async with database.transaction(role=OWNER) as unit:
            await unit.connection.execute("alter table chunk_away rename to chunk")
        sender.sendto(stop)
        await nas.wait(1)
    assert await events(database) == [("S5", 2)]


async def test_many_sessions_at_once_are_committed_together(
    wiring: Wiring, world: World, database: Database, config: Path
) -> None:
    async with served(wiring, config) as (accounting, nas, sender):
        for number in range(200):
            sender.sendto(request("stop", f"M{number:03}", identifier=number, seconds=60, octets=1_000 + number))
        await nas.wait(200)
        assert accounting.groups.groups < 100
    assert len(await events(database)) == 200


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "[[client]]"),
        ("x = 1", "no key"),
        ('[[client]]\naddress = "x"\nsecret = "y"', "address"),
        ('[[client]]\naddress = "192.0.2.1"', "one of secret"),
        ('[[client]]\naddress = "192.0.2.1"\nsecret = "y"\nsecret_env = "Z"', "one of secret"),
        ('[[client]]\naddress = "192.0.2.1"\nsecret_env = "NOT_THERE"', "empty"),
        ('[[client]]\naddress = "192.0.2.1"\nsecret = ""', "text"),
        ('[[client]]\naddress = "192.0.2.1"\nsecret = "y"\nport = 1', "port"),
        ('listen = "x"\n[[client]]\naddress = "192.0.2.1"\nsecret = "y"', "port"),
        ('listen = []\n[[client]]\naddress = "192.0.2.1"\nsecret = "y"', "listen"),
        ("[[client", "Expected"),
    ],
)
def test_a_fault_in_the_file_is_told(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "clients.toml"
    path.write_text(text)
    with pytest.raises(Refusal) as told:
        read_clients(path)
    assert said in told.value.message
    assert "xyzzy" not in told.value.message


def test_every_fault_of_the_file_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "clients.toml"
    path.write_text(
        'listen = ["x"]\nports = 1\n[[client]]\naddress = "x"\n'
        '[[client]]\naddress = "192.0.2.1"\nsecret = "xyzzy"\n[[client]]\nsecrets = "xyzzy"\nsource = ""\n'
    )
    with pytest.raises(BadValue) as told:
        read_clients(path)
    said = told.value.message
    for word in ("ports is no key", "listen: 'x'", "client 1: address", "client 1: give one", "client 3: secrets"):
        assert word in said
    assert "client 3: source must" in said
    assert "client 2" not in said
    assert "xyzzy" not in said


async def test_serve_takes_accounting_too_and_counts_it(
    wiring: Wiring, world: World, database: Database, database_url: str, config: Path
) -> None:
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config.write_text(CONFIG.replace(":0", f":{port}"))
    folder = str(wiring.settings.data_dir)
    settings = {"DATABASE_URL": database_url, "TOLLWRIGHT_DATA_DIR": folder, "TOLLWRIGHT_RADIUS_CLIENTS": str(config)}
    web = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from api.cli import main; main()", "serve", "--port", str(web)),
        env={**os.environ, **settings},
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(120):
            while b"is ready" not in (line := await process.stderr.readline()):
                assert line, "it ended"
            sender, nas = await asyncio.get_running_loop().create_datagram_endpoint(
                Nas, remote_addr=("127.0.0.1", port)
            )
            sender.sendto(request("stop", "C2", seconds=60, octets=2_000))
            await nas.wait(1)
            sender.close()
            async with httpx.AsyncClient() as http:
                page = (await http.get(f"http://127.0.0.1:{web}/metrics")).text
            assert 'tollwright_radius_datagrams_total{outcome="answered"} 1.0' in page
            process.send_signal(signal.SIGTERM)
            await process.stderr.read()
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert await events(database) == [("C2", 2)]


def test_the_narrowest_network_is_the_client_and_secrets_are_never_shown(tmp_path: Path, config: Path) -> None:
    known = read_clients(config)
    found = [known.find(address) for address in ("127.0.0.1", "127.0.0.2", "10.0.0.1")]
    assert [one and one.secret for one in found] == [SECRET, b"another", None]
    assert known.find("::ffff:127.0.0.1") == known.find("127.0.0.1")
    assert "xyzzy" not in repr(known)
    (tmp_path / "secret").write_bytes(b"from-file\n")
    config.write_text(f'[[client]]\naddress = "10.0.0.1"\nsecret_file = "{tmp_path / "secret"}"\n')
    assert read_clients(config).clients[0].secret == b"from-file"
    with pytest.raises(NotFound):
        read_clients(tmp_path / "none.toml")
    config.write_text(f'[[client]]\naddress = "10.0.0.1"\nsecret_file = "{tmp_path / "none"}"\n')
    with pytest.raises(BadValue):
        read_clients(config)


async def test_the_command_serves_until_it_is_stopped(
    wiring: Wiring, world: World, database: Database, database_url: str, config: Path
) -> None:
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config.write_text(CONFIG.replace(":0", f":{port}"))
    web = free_port()
    environment = {**os.environ, "DATABASE_URL": database_url, "TOLLWRIGHT_DATA_DIR": str(wiring.settings.data_dir)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from api.cli import main; main()", "radius", str(config), "--metrics-port", str(web)),
        env=environment,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(120):
            line = await process.stderr.readline()
            assert b"takes RADIUS accounting" in line, line
            sender, nas = await asyncio.get_running_loop().create_datagram_endpoint(
                Nas, remote_addr=("127.0.0.1", port)
            )
            sender.sendto(request("stop", "C1", seconds=60, octets=2_000))
            await nas.wait(1)
            sender.close()
            async with httpx.AsyncClient() as http:
                page = (await http.get(f"http://127.0.0.1:{web}/metrics")).text
            assert 'tollwright_radius_datagrams_total{outcome="received"} 1.0' in page
            process.send_signal(signal.SIGTERM)
            told = (await process.stderr.read()).decode().splitlines()[-1]
            assert json.loads(told) == {"received": 1, "answered": 1}
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert await events(database) == [("C1", 2)]

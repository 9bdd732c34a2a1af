"""Requests to addresses that others have given us: where they go, how long and large an answer may be (H1 to H4)."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from domain.ports.transports import TransportFault
from domain.refusal import BadValue
from integrations.transports.addresses import read_networks
from integrations.transports.http import ANSWER_BYTES_MAX, CheckedHttp

HERE = CheckedHttp(read_networks("127.0.0.0/8"))
ANYWHERE = CheckedHttp()

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """A server of raw HTTP; give its address."""

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"


async def test_an_answer_comes_back_whatever_its_status() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = await reader.readexactly(5)
        writer.write(b"HTTP/1.1 418 Teapot\r\nX-One: 1\r\nContent-Length: 5\r\n\r\n" + body)
        await writer.drain()

    async with serving(handler) as url:
        answer = await HERE.ask("POST", url, headers={"content-type": "text/plain"}, body=b"hello")
    assert (answer.status, answer.headers["x-one"], answer.body, answer.good) == (418, "1", b"hello", False)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080/x",
        "http://[::1]/x",
        "http://169.254.169.254/latest/meta-data/",
        "https://10.1.2.3/x",
        "http://2130706433/x",
        "http://0x7f.1/x",
        "http://[::ffff:127.0.0.1]/x",
        "http://localhost/x",
        "http://0/x",
        "http://[64:ff9b::7f00:1]/x",
        "file:///etc/passwd",
        "gopher://127.0.0.1:70/x",
        "http://user:secret@example.com/",
        "http:///x",
        "https://example.com/\r\nHost: inner",
        "http://example.com:0/",
        "http://example.com:99999/",
        "//example.com/x",
    ],
)
async def test_an_address_within_is_refused_when_it_is_kept_and_when_it_is_asked(url: str) -> None:
    with pytest.raises(BadValue) as kept:
        await ANYWHERE.check(url)
    assert kept.value.field == "url"
    with pytest.raises((BadValue, TransportFault)):
        await ANYWHERE.ask("POST", url, headers={})


async def test_a_name_that_changes_its_address_meets_the_check_at_each_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    loop = asyncio.get_running_loop()

    async def lookup(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        address = "8.8.8.8" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(loop, "getaddrinfo", lookup)
    await ANYWHERE.check("http://rebinding.example/x")  # public when it is kept
    with pytest.raises(TransportFault, match="a private address"):
        await ANYWHERE.ask("POST", "http://rebinding.example/x", headers={})
    assert asked == [
        "rebinding.example",
        "rebinding.example",
    ]  # one lookup a connection: none between check and connect


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    asked = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/inner\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with serving(handler) as url:
        answer = await HERE.ask("POST", url, headers={})
    assert (answer.status, answer.good, asked) == (302, False, 1)


async def test_a_host_that_is_slow_is_left_in_time() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(1000):  # a byte now and then keeps no connection alive
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.05)

    began = time.monotonic()
    async with serving(handler) as url:
        with pytest.raises(TransportFault, match=r"did not answer within 0\.5 s"):
            await HERE.ask("POST", url, headers={}, seconds=0.5)
    assert time.monotonic() - began < 5


async def test_of_an_endless_answer_the_beginning_is_read() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
            await writer.drain()

    async with serving(handler) as url:
        answer = await HERE.ask("POST", url, headers={}, seconds=5)
    assert (answer.status, len(answer.body)) == (200, ANSWER_BYTES_MAX)


async def test_what_is_not_http_is_a_fault_and_not_a_crash() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        await writer.drain()

    async with serving(handler) as url:
        with pytest.raises(TransportFault, match=r"the connection to 127\.0\.0\.1 broke"):
            await HERE.ask("POST", url, headers={})


async def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TransportFault, match="cannot be reached"):
        await HERE.ask("POST", f"http://127.0.0.1:{port}/", headers={})


async def test_a_header_cannot_carry_another() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise AssertionError("nothing is sent")

    async with serving(handler) as url:
        with pytest.raises(TransportFault, match="cannot be sent"):
            await HERE.ask("POST", url, headers={"x-one": "1\r\nx-two: 2"})

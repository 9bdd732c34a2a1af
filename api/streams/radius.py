"""A RADIUS accounting server (RFC 2866): answers a request when what it tells is in the database for good.

Datagrams of unknown clients, and those that were not made with the client's secret, are dropped and counted; so are
requests while too many wait: who gets no answer sends again. A retransmission gets the answer that the first one got,
and counts once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from api.cli import Unreachable
from api.cli.reach import actor_for
from api.streams.groups import Busy, Groups
from api.streams.radius_clients import Client, Clients, host_port, read_clients
from api.wiring import Wiring
from domain.access.actor import Actor
from domain.refusal import Refusal
from integrations.transports import radius

_REMEMBERED_SECONDS: Final = 60.0
_REMEMBERED_MAX: Final = 100_000
_BUFFER_BYTES: Final = 8 << 20
_WORD_SECONDS: Final = 60.0

log = logging.getLogger("tollwright.radius")

Key = tuple[Any, int, bytes]


@dataclass(slots=True)
class Accounting(asyncio.DatagramProtocol):
    """One socket. ``counts``: what became of the datagrams; ``actors``: who acts for each operator's code."""

    clients: Clients
    actors: Mapping[str | None, Actor]
    groups: Groups
    clock: Callable[[], float] = time.time
    counts: Counter[str] = field(default_factory=Counter)
    _transport: asyncio.DatagramTransport | None = None
    # The answers of the last minute; None while a request is being committed.
    _answers: OrderedDict[Key, tuple[float, bytes | None]] = field(default_factory=OrderedDict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _told: float = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket to answer by."""
        self._transport = cast("asyncio.DatagramTransport", transport)
        # Best effort: a burst is to wait in the kernel rather than be lost.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Take one datagram."""
        self.counts["received"] += 1
        client = self.clients.find(addr[0])
        if client is None:
            self._drop("unknown_client", addr)
            return
        try:
            packet = radius.read(data)
        except radius.Malformed as wrong:
            self._drop("malformed", addr, str(wrong))
            return
        if packet.code not in {radius.ACCOUNTING_REQUEST, radius.STATUS_SERVER}:
            self._drop("other_code", addr, f"code {packet.code}")
        elif not radius.proved(packet, client.secret):
            self._drop("not_authentic", addr, "is the shared secret the same at both ends?")
        elif packet.code == radius.STATUS_SERVER:
            self.counts["status"] += 1
            self._send(radius.answer(packet, client.secret), addr)
        else:
            self._request(packet, client, addr)

    def _request(self, packet: radius.Packet, client: Client, addr: Any) -> None:
        key = (addr, packet.identifier, packet.authenticator)
        if (known := self._answers.get(key)) is not None:
            self.counts["retransmitted"] += 1
            if known[1] is not None:
                self._send(known[1], addr)
            return
        self._remember(key, None)
        task = asyncio.create_task(self._take(packet, client, addr, key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take(self, packet: radius.Packet, client: Client, addr: Any, key: Key) -> None:
        """Commit what a request tells and answer it; without an answer it will come again."""
        block = radius.shown(packet, int(self.clock()))
        try:
            await self.groups.put(self.actors[client.operator], client.source, block)
        except Busy:
            self._answers.pop(key, None)
            self._drop("busy", addr)
        except Refusal as no:
            self._answers.pop(key, None)
            self._drop("refused", addr, no.message)
        except Exception:
            self._answers.pop(key, None)
            self.counts["failed"] += 1
            log.exception("a request of %s could not be committed", addr[0])
        else:
            response = radius.answer(packet, client.secret)
            self._remember(key, response)
            self.counts["answered"] += 1
            self._send(response, addr)

    def _remember(self, key: Key, response: bytes | None) -> None:
        now = time.monotonic()
        self._answers.pop(key, None)
        self._answers[key] = (now, response)
        while self._answers:
            first = next(iter(self._answers))
            old, answered = self._answers[first]
            if len(self._answers) <= _REMEMBERED_MAX and (now - old <= _REMEMBERED_SECONDS or answered is None):
                return
            del self._answers[first]

    def _drop(self, why: str, addr: Any, more: str = "") -> None:
        """Count a datagram that is not answered; a word of it a minute."""
        self.counts[why] += 1
        now = time.monotonic()
        if now - self._told > _WORD_SECONDS or not self._told:
            self._told = now
            log.warning("dropped a datagram of %s: %s %s; so far %s", addr[0], why, more, dict(self.counts))

    def _send(self, response: bytes, addr: Any) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(response, addr)

    async def idle(self) -> None:
        """Wait until everything taken is committed and answered."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)


async def actors_of(wiring: Wiring, clients: Clients) -> dict[str | None, Actor]:
    """Return who acts for each operator that the clients name. Refuses with: NotFound, BadValue."""
    return {code: await actor_for(wiring, code) for code in {one.operator for one in clients.clients}}


@contextlib.asynccontextmanager
async def taking(wiring: Wiring, path: Path | None) -> AsyncIterator[Callable[[], Counter[str]]]:
    """Take accounting meanwhile, and end what is under way at the end; yield what tells the counts. None: nothing.

    Raises Unreachable where an address is taken; refuses with: NotFound, BadValue.
    """
    if path is None:
        yield Counter
        return
    clients = read_clients(path)
    try:
        sockets = await listening(wiring, clients)
    except OSError as error:
        raise Unreachable(f"cannot listen on {', '.join(clients.listen)}: {error.strerror}") from None
    print(f"Tollwright takes RADIUS accounting on {', '.join(clients.listen)}", file=sys.stderr, flush=True)  # noqa: T201  (to whoever started it)
    try:
        yield lambda: sum((one.counts for _, one in sockets), Counter())
    finally:
        for transport, accounting in sockets:
            await accounting.idle()
            transport.close()


async def listening(wiring: Wiring, clients: Clients) -> list[tuple[asyncio.DatagramTransport, Accounting]]:
    """Open the sockets. Raises OSError where an address is taken; refuses with: NotFound, BadValue."""
    actors, groups = await actors_of(wiring, clients), Groups(wiring, suffix=".detail")
    loop = asyncio.get_running_loop()
    return [
        await loop.create_datagram_endpoint(lambda: Accounting(clients, actors, groups), local_addr=host_port(text))
        for text in clients.listen
    ]

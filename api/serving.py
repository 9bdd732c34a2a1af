"""The running server: its socket, its database, its signals, and their orderly end.

The socket is taken first, so that a port in use is told before anything is started. One signal lets requests finish,
then stops the server, then the database; a second one does not wait for requests.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Final

import uvicorn
from rich.console import Console

from api.app import application
from api.auditing import auditing
from api.cli import DONE, Unreachable
from api.delivering import delivering
from api.feeding import scheduling
from api.graphql.socket import MESSAGE_MAX
from api.listening import PatientProtocol, context, renewing
from api.metering import CallMeter
from api.settings import Settings
from api.streams.radius import taking
from api.wiring import Wiring, opened
from api.worker import Worker

GRACE_SECONDS: Final = 20
CONNECTIONS_MAX: Final = 1000
CONNECTIONS_KEPT: Final = 6  # of the database, open from the start
# Of three generations, in objects or in collections of the one before: an answer makes some thousand objects, most of
# which are gone by its end, and a look at all there are takes longer than an answer may.
COLLECTED_AFTER: Final = (5_000, 10, 100)

Job = Callable[[Wiring, Console], Awaitable[None]]


def listen(host: str, port: int) -> socket.socket:
    """Take the address. Raises Unreachable with what to do."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise Unreachable(f"{host!r} is no address of this machine ({error.strerror}): give another --host") from None
    taken = socket.socket(family, kind, protocol)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
    except OSError as error:
        taken.close()
        raise Unreachable(_why(error, host, port)) from None
    taken.setblocking(False)
    return taken


def _why(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} is in use: stop what uses it, or choose another with --port {port + 1}"
        case errno.EACCES:
            return f"port {port} is not for this user: choose one above 1023 with --port"
        case errno.EADDRNOTAVAIL:
            return f"{host} is not an address of this machine: give another --host"
    return f"cannot listen on {host}:{port} ({error.strerror})"


class _Server(uvicorn.Server):
    """uvicorn's server without its own signals: it would raise them again at the end, past the database."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to :func:`serve`."""
        yield


async def serve(settings: Settings, taken: socket.socket, job: Job | None = None) -> int:
    """Serve until a signal comes, and return the exit code. ``job`` runs once the server answers."""
    stopping = asyncio.Event()
    servers: list[_Server] = []

    def stop() -> None:
        for server in servers:
            server.force_exit = stopping.is_set()
            server.should_exit = True
        stopping.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Ignored is only what nohup ignores: a shell's background job ignores SIGINT, and may still be sent one.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stop)
    work = asyncio.ensure_future(_work(settings, taken, job, servers))
    halt = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({work, halt}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.is_set() and not (servers and servers[0].started):
            work.cancel()  # a signal while everything is still starting
        with contextlib.suppress(asyncio.CancelledError):
            await work
    finally:
        halt.cancel()
    return DONE


async def _work(settings: Settings, taken: socket.socket, job: Job | None, servers: list[_Server]) -> None:
    async with (
        opened(settings, migrating=True, jobs=settings.worker_jobs, connections_kept=CONNECTIONS_KEPT) as wiring,
        taking(wiring, settings.radius_clients) as radius,
    ):
        if wiring.database is not None:
            await wiring.database.warm()
        secured = context(settings)
        calls = CallMeter(wiring.begin, wiring.clock)
        config = uvicorn.Config(
            await application(wiring, radius=radius, calls=calls),
            http=PatientProtocol,
            ssl_context_factory=None if secured is None else lambda *_: secured,
            loop="none",
            ws="websockets-sansio",
            ws_max_size=MESSAGE_MAX * 4,  # bytes; its characters are counted where they are read
            ws_per_message_deflate=False,  # a small message may unpack to a large one
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=CONNECTIONS_MAX,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        server = _Server(config)
        servers.append(server)
        running = asyncio.ensure_future(server.serve(sockets=[taken]))
        try:
            while not server.started and not running.done():  # noqa: ASYNC110  (uvicorn has no event for it)
                await asyncio.sleep(0.01)
            # What is there by now stays: a full collection would go through it all, and every request wait meanwhile.
            gc.collect()
            gc.freeze()
            gc.set_threshold(*COLLECTED_AFTER)
            async with (
                renewing(secured, settings),
                auditing(wiring),
                _working(wiring, settings.worker_jobs),
                delivering(wiring),
            ):
                await _begin(wiring, job, running)
        finally:
            server.should_exit = True
            await running
            await calls.close()


@contextlib.asynccontextmanager
async def _working(wiring: Wiring, jobs: int) -> AsyncIterator[None]:
    """Do jobs of the queue meanwhile; none, where other processes do them."""
    if not jobs:
        yield
        return
    worker = Worker(wiring, jobs=jobs)
    doing = asyncio.ensure_future(worker.run())
    try:
        yield
    finally:
        worker.stop()
        await doing


async def _begin(wiring: Wiring, job: Job | None, running: asyncio.Future[None]) -> None:
    """Do the job beside the server and say that it is ready; then wait for the server's end."""
    if job is not None:
        doing = asyncio.ensure_future(job(wiring, Console(stderr=True)))
        await asyncio.wait({doing, running}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            doing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await doing
    if not running.done():
        print(f"Tollwright is ready at {wiring.settings.address} (Ctrl-C stops it)", file=sys.stderr, flush=True)  # noqa: T201  (to whoever started it)
    # What the calendar brings comes after the job: contracts of the demo's past would end before their lines are there.
    async with scheduling(wiring):
        await running


def set_up_logging(level: str) -> None:
    """Log to stderr, one line per request and per fault; libraries only when something is wrong."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    logging.getLogger("tollwright").setLevel(level.upper())

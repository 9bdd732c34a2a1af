"""``tollwright radius``: the RADIUS accounting server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import DONE, Unreachable

if TYPE_CHECKING:
    from api.settings import Settings

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def radius(
    clients: Annotated[Path, typer.Argument(help="The TOML file of clients, their secrets and their sources.")],
    check: Annotated[bool, typer.Option("--check", help="Read the file, say what it holds, and end.")] = False,
    metrics_port: Annotated[
        int, typer.Option("--metrics-port", min=0, max=65535, help="Answer Prometheus on 127.0.0.1 at this port.")
    ] = 0,
) -> int:
    """Take RADIUS accounting until Ctrl-C; each request is answered when it is in the database."""
    from api import settings as installation
    from api.serving import set_up_logging
    from api.streams.radius_clients import read_clients

    known = read_clients(clients)
    if check:
        for one in known.clients:
            print(json.dumps({"address": str(one.network), "source": one.source, "operator": one.operator}))
        return DONE
    settings = installation.read()
    set_up_logging(settings.log_level)
    return asyncio.run(_serve(settings, clients, metrics_port))


async def _serve(settings: Settings, path: Path, metrics_port: int) -> int:
    from api.streams.radius import taking
    from api.wiring import opened

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stopping.set)
    async with opened(settings) as wiring:
        async with taking(wiring, path) as counts:
            with _metrics(metrics_port, counts):
                await stopping.wait()
        print(json.dumps(dict(counts())), file=sys.stderr)
    return DONE


@contextlib.contextmanager
def _metrics(port: int, counts: Callable[[], Mapping[str, int]]) -> Iterator[None]:
    """Answer Prometheus on this machine alone, where a port is given."""
    if not port:
        yield
        return
    from prometheus_client import CollectorRegistry, start_http_server

    from api.rest.metrics import Datagrams

    registry = CollectorRegistry()
    registry.register(Datagrams(counts))
    try:
        server, thread = start_http_server(port, addr="127.0.0.1", registry=registry)
    except OSError as error:
        raise Unreachable(f"cannot listen on 127.0.0.1:{port}: {error.strerror}") from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

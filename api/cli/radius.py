"""``tollwright radius``: the RADIUS accounting server."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
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
    return asyncio.run(_serve(settings, clients))


async def _serve(settings: Settings, path: Path) -> int:
    from api.streams.radius import listening
    from api.streams.radius_clients import read_clients
    from api.wiring import opened

    known = read_clients(path)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stopping.set)
    async with opened(settings) as wiring:
        try:
            sockets = await listening(wiring, known)
        except OSError as error:
            raise Unreachable(f"cannot listen on {', '.join(known.listen)}: {error.strerror}") from None
        print(f"Tollwright takes RADIUS accounting on {', '.join(known.listen)} (Ctrl-C stops it)", file=sys.stderr)
        sys.stderr.flush()
        await stopping.wait()
        for transport, accounting in sockets:
            await accounting.idle()
            transport.close()
            print(json.dumps(dict(accounting.counts)), file=sys.stderr)
    return DONE

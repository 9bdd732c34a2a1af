"""Authorising over REST, by a server of its own, at an even pace, whether the one before is answered or not."""

from __future__ import annotations

import asyncio
import json
import os
import random
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import uvloop

from api.settings import Settings
from api.wiring import on_database
from benchmarks.asking import Client, body_of, core_seconds, percentile
from domain.access.actor import Action, Actor
from domain.usecases.create_client import CreateClient, create_client
from domain.usecases.set_rate_limit import SetRateLimit, set_rate_limit
from persistence.engine import Database

PER_SECOND: Final = 400
WARMING: Final = 200
WAIT_SECONDS: Final = 60


def over_rest(
    url: str, place: Path, actor: Actor, subscriptions: range, *, seconds: float, out: Callable[[str], None]
) -> dict[str, float]:
    """Ask about these lines ``PER_SECOND`` times a second for a while; return the figures by name."""
    keys = asyncio.run(_client(url, place, actor))
    with _serving(url, place) as (port, pid):
        return uvloop.run(_ask(port, pid, keys, subscriptions, seconds, out))


async def _client(url: str, place: Path, actor: Actor) -> dict[str, str]:
    """Make a client that may authorise, as often as it likes."""
    async with await Database.open(url) as database:
        wiring = on_database(database, Settings(data_dir=place))
        made = await create_client(
            CreateClient(name="switch", scopes=frozenset({Action.AUTHORISE})),
            actor=actor,
            begin=wiring.begin,
            clock=wiring.clock,
            draw=secrets.token_urlsafe,
        )
        for client in ("", made.client.client_id):
            await set_rate_limit(
                SetRateLimit(client=client, per_second=100_000, burst=100_000), actor=actor, begin=wiring.begin
            )
        return {"client_id": made.client.client_id, "client_secret": made.secret}


@contextmanager
def _serving(url: str, place: Path) -> Iterator[tuple[int, int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {"DATABASE_URL": url, "TOLLWRIGHT_DATA_DIR": str(place / "data"), "TOLLWRIGHT_LOG_LEVEL": "warning"}
    command = [sys.executable, "-c", "from api.cli import main; main()", "serve", "--port", str(port)]
    server = subprocess.Popen(command, env=os.environ | told, stderr=subprocess.DEVNULL)
    try:
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(30)


async def _ask(  # noqa: PLR0917  (what there is to measure with)
    port: int, pid: int, keys: dict[str, str], subscriptions: range, seconds: float, out: Callable[[str], None]
) -> dict[str, float]:
    client = Client("127.0.0.1", port)
    client.believe(await _token(client, keys))
    draw = random.Random(7)

    def request(_: int) -> bytes:
        line, number = draw.choice(subscriptions), draw.randrange(2_000_000_000, 9_999_999_999)
        body: dict[str, Any] = {"subscription": line, "number": str(number)}
        return client.request("/rest/v1/authorize", json.dumps(body).encode())

    await client.paced([request(n) for n in range(WARMING)], WARMING / 4)
    requests = [request(n) for n in range(int(PER_SECOND * seconds))]
    before = core_seconds([pid])
    answers = await client.paced(requests, PER_SECOND)
    cpu = 1000 * (core_seconds([pid]) - before) / len(answers)
    client.close()
    refused = [told for _, answer in answers if not (told := body_of(answer)).get("units")]
    assert not refused, (len(refused), refused[0])
    times = [1000 * took for took, _ in answers]
    middle, late = percentile(times, 0.5), percentile(times, 0.99)
    out(
        f"  over REST at {PER_SECOND}/s: half within {middle:.1f} ms, 99 % within {late:.1f} ms (20 are asked for),"
        f" {cpu:.2f} ms of the server's process each"
    )
    return {"rest_per_second": PER_SECOND, "rest_p99_ms": late, "rest_cpu_ms": cpu}


async def _token(client: Client, keys: dict[str, str]) -> str:
    """Return an access token, once the server is there."""
    form = {**keys, "grant_type": "client_credentials"}
    asked = client.request("/oauth/token", urlencode(form).encode(), "application/x-www-form-urlencoded")
    for _ in range(WAIT_SECONDS * 5):
        try:
            _, answer = await client.ask(asked)
        except OSError:
            await asyncio.sleep(0.2)
            continue
        return str(body_of(answer)["access_token"])
    raise TimeoutError("the server does not come")

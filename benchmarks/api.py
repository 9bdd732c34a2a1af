"""The API at an even pace, with a large operator in the database: the time of each answer, everything on one machine.

Customers, contracts, lines and numbers are made by SQL; a server of its own answers GraphQL over HTTP. Requests begin
at their moment, whether the one before has been answered or not, so that a slow answer makes others late and is seen.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import random
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpcore

from api.graphql.ids import global_id
from api.settings import Settings
from api.wiring import on_database
from benchmarks.billing import make_operator
from domain.access.actor import Action
from domain.catalogue.document import read_tariff
from domain.usecases.create_client import CreateClient, create_client
from persistence.embedded import start
from persistence.engine import OWNER, Database
from persistence.migrate import migrate

CUSTOMERS: Final = 1_000_000
PER_SECOND: Final = 50
SECONDS: Final = 20
WARMING: Final = 100
GIVEN: Final = ("Anna", "Erik", "Maria", "Lars", "Karin", "Åsa", "Johan", "Eva", "Nils", "Sara", "Olof", "Ingrid")
FAMILY: Final = ("Andersson", "Lund", "Öberg", "Nyström", "Ek", "Sandberg", "Holm", "Åkesson", "Berg", "Wik", "Dahl")
TARIFF: Final[dict[str, Any]] = {
    "destinations": {"Sweden": {"prefixes": ["46"]}},
    "price_lists": {
        "retail": {
            "currency": "SEK",
            "zone": "Europe/Stockholm",
            "rounding": {"decimals": 2},
            "rates": [{"to": "*", "mode": "voice", "steps": [{"price": "0.50", "per": 60}]}],
        }
    },
    "buckets": [
        {
            "id": "minutes",
            "owner": "each subscription",
            "unit": "seconds",
            "amount": "6000",
            "period": {"every": "month", "from": "2026-01-01", "zone": "Europe/Stockholm"},
        }
    ],
}
# By SQL, since they are not what is measured. $1 is the operator, $2 how many customers.
WORLD: Final = (
    f"""insert into customer (operator, number, kind, name, street, postcode, city, country, language, delivery,
       call_specification, email, phone) select $1, 'C' || n, case n % 3 when 0 then 'organisation' else 'person' end,
       (array{list(GIVEN)})[n % {len(GIVEN)} + 1] || ' ' || (array{list(FAMILY)})[n / 7 % {len(FAMILY)} + 1],
       'Storgatan ' || n % 500, '11122', 'Stockholm', 'SE', 'sv', 'pdf', 'itemised', 'k' || n || '@example.se',
       '+468' || 1000000 + n from generate_series(1, $2::int) n""",
    """insert into contract (operator, customer, number, start, state, price_list)
       select $1, c.id, 'K' || c.number || '-' || n, '2026-01-01', 'active', 'retail' from customer c,
       generate_series(1, 2) n where c.operator = $1 and (n = 1 or c.id % 2 = 0) and $2::int > 0""",
    """insert into subscription (operator, customer, contract, kind, label, state, state_since, activated_at)
       select $1, k.customer, k.id, 'mobile', '', 'active', '2026-01-01Z', '2026-01-01Z' from contract k,
       generate_series(1, 2) n where k.operator = $1 and (n = 1 or k.id % 3 = 0) and $2::int > 0""",
    """insert into number_assignment (operator, customer, subscription, number, valid_from)
       select $1, s.customer, s.id, (46700000000 + s.id)::text, '2026-01-01Z' from subscription s
       where s.operator = $1 and $2::int > 0""",
)


def run(out: Callable[[str], object] = print, *, customers: int = CUSTOMERS) -> dict[str, float]:
    """Measure and tell ``out``, line by line; return the 99th percentiles in milliseconds by name."""
    with tempfile.TemporaryDirectory(prefix="tollwright-bench-") as folder:
        place = Path(folder)
        place.chmod(0o755)  # the server may run as another user, who must get here
        with start(place / "server") as server:
            keys = asyncio.run(_make(server.url, place, out, customers))
            with _serving(server.url, place) as address:
                return asyncio.run(_measure(address, keys, out))


async def _make(url: str, place: Path, out: Callable[[str], object], customers: int) -> dict[str, Any]:
    async with await Database.open(url) as database:
        await migrate(database)
        wiring = on_database(database, Settings(data_dir=place))
        actor = await make_operator(wiring)
        async with wiring.begin(actor) as unit:
            await unit.catalogue.publish(read_tariff(TARIFF), recorded_at=wiring.clock.now())
        began = time.perf_counter()
        async with database.transaction(role=OWNER, statement_seconds=0) as owner:
            for statement in WORLD:
                await owner.connection.execute(statement, int(actor.operator), customers)
        # What a server of its own does behind a load, done before it is measured.
        connection = await database.apart("tollwright bench")
        await connection.execute("vacuum (analyze)", timeout=3600)
        await connection.close()
        async with database.transaction(role=OWNER, statement_seconds=0) as owner:
            counts = [
                await owner.connection.fetchval(f"select count(*) from {table}")
                for table in ("customer", "contract", "number_assignment")
            ]
            spans = {
                table: await owner.connection.fetchrow(f"select min(id), max(id) from {table}")
                for table in ("customer", "subscription")
            }
        told = " and ".join(
            f"{count:,} {word}" for count, word in zip(counts, ("customers", "contracts", "numbers"), strict=True)
        )
        out(f"api: {told}, made in {time.perf_counter() - began:.0f} s")
        made = await create_client(
            CreateClient(
                name="bench", scopes=frozenset({Action.READ_CUSTOMERS, Action.READ_CONTRACTS, Action.READ_USAGE})
            ),
            actor=actor,
            begin=wiring.begin,
            clock=wiring.clock,
            draw=secrets.token_urlsafe,
        )
        return {
            "client": made.client.client_id,
            "secret": made.secret,
            "actor": actor,
            **{k: tuple(v) for k, v in spans.items()},
        }


@contextmanager
def _serving(url: str, place: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {"DATABASE_URL": url, "TOLLWRIGHT_DATA_DIR": str(place / "data"), "TOLLWRIGHT_LOG_LEVEL": "warning"}
    command = [sys.executable, "-c", "from api.cli import main; main()", "serve", "--port", str(port)]
    server = subprocess.Popen(command, env=os.environ | told, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def _questions(keys: dict[str, Any]) -> dict[str, Callable[[random.Random], str]]:
    def one(draw: random.Random, table: str) -> int:
        low, high = keys[table]
        return draw.randint(low, high)

    def typed(draw: random.Random) -> str:
        number = one(draw, "customer")
        words = (
            draw.choice(GIVEN)[:2],
            draw.choice(FAMILY)[:4],
            f"{draw.choice(GIVEN)} {draw.choice(FAMILY)[:3]}",
            f"C{number}"[:6],
            f"k{number}@ex",
            str(46700000000 + one(draw, "subscription")),
        )
        return draw.choice(words)

    def balance(draw: random.Random) -> str:
        line = global_id("Subscription", one(draw, "subscription"))
        return f'{{ allowances(subscription: "{line}") {{ bucket left }} }}'

    customer = "number name email address { city } parent { name } contracts { number state }"
    return {
        "get by id": lambda draw: (
            f'{{ customer(id: "{global_id("Customer", one(draw, "customer"))}") {{ {customer} }} }}'
        ),
        "search": lambda draw: (
            f'{{ customers(first: 20, text: "{typed(draw)}") {{ edges {{ node {{ number name }} }} }} }}'
        ),
        "first page": lambda _: "{ customers(first: 50) { edges { node { number name contracts { number } } } } }",
        "balance of buckets": balance,
    }


async def _measure(address: str, keys: dict[str, Any], out: Callable[[str], object]) -> dict[str, float]:
    figures: dict[str, float] = {}
    draw = random.Random(7)
    async with httpcore.AsyncConnectionPool(max_connections=100, max_keepalive_connections=100) as pool:
        token = await _token(pool, address, keys)
        for name, question in _questions(keys).items():
            for _ in range(WARMING):
                await _ask(pool, address, token, question(draw))
            times = await _paced(pool, address, token, [question(draw) for _ in range(PER_SECOND * SECONDS)])
            figures[name] = _percentile(times, 0.99)
            told = (
                f"median {_percentile(times, 0.5):.1f} ms, 99 % within {figures[name]:.1f} ms, {max(times):.1f} at most"
            )
            out(f"  {name}, {PER_SECOND}/s for {SECONDS} s: {told}")
    return figures


async def _token(pool: httpcore.AsyncConnectionPool, address: str, keys: dict[str, Any]) -> str:
    body = f"grant_type=client_credentials&client_id={keys['client']}&client_secret={keys['secret']}".encode()
    headers: list[tuple[bytes | str, bytes | str]] = [("content-type", "application/x-www-form-urlencoded")]
    for _ in range(600):
        try:
            answer = await pool.request("POST", f"{address}/oauth/token", headers=headers, content=body)
            return str(json.loads(answer.content)["access_token"])
        except httpcore.ConnectError:
            await asyncio.sleep(0.1)
    raise RuntimeError("the server did not come up")


async def _ask(pool: httpcore.AsyncConnectionPool, address: str, token: str, query: str) -> float:
    headers: list[tuple[bytes | str, bytes | str]] = [
        ("content-type", "application/json"),
        ("authorization", f"Bearer {token}"),
    ]
    content = json.dumps({"query": query}).encode()
    began = time.perf_counter()
    try:
        answer = await pool.request("POST", f"{address}/graphql", headers=headers, content=content)
    except (httpcore.ReadError, httpcore.RemoteProtocolError):  # kept open here for longer than there
        answer = await pool.request("POST", f"{address}/graphql", headers=headers, content=content)
    seconds = time.perf_counter() - began
    told = json.loads(answer.content)
    assert "errors" not in told, (query, told)
    return seconds * 1000


async def _paced(pool: httpcore.AsyncConnectionPool, address: str, token: str, queries: list[str]) -> list[float]:
    began, tasks = time.perf_counter(), []
    for place, query in enumerate(queries):
        await asyncio.sleep(max(0.0, began + place / PER_SECOND - time.perf_counter()))
        tasks.append(asyncio.create_task(_ask(pool, address, token, query)))
    return list(await asyncio.gather(*tasks))


def _percentile(times: list[float], share: float) -> float:
    return sorted(times)[math.ceil(len(times) * share) - 1]

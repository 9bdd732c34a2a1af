"""The API at an even pace, with a large operator in the database: the time of each answer, everything on one machine.

Customers, contracts, lines and numbers are made by SQL; a server of its own answers GraphQL over HTTP. Requests begin
at their moment, whether the one before has been answered or not, so that a slow answer makes others late and is seen.
What is asked for stands in variables, as clients send it, and once in the text. Every kind is asked with row-level
security and, in turns, without it, so that both find the same machine; and by a client whose level reaches the
customers of a group alone, which here is every customer, so that it is told the same.
"""

from __future__ import annotations

import asyncio
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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import uvloop

from api.graphql.ids import global_id
from api.settings import Settings
from api.wiring import on_database
from benchmarks.admission import check, log_in, make_person
from benchmarks.asking import Client, body_of, core_seconds, percentile
from benchmarks.billing import make_operator
from domain.access.actor import Action
from domain.access.limits import Limits
from domain.catalogue.document import read_tariff
from domain.usecases.create_client import CreateClient, create_client
from domain.usecases.manage_levels import CreateLevel, create_level
from persistence.embedded import start
from persistence.engine import OWNER, Database
from persistence.migrate import migrate

CUSTOMERS: Final = 1_000_000
PER_SECOND: Final = 50
SECONDS: Final = 20
TURN_SECONDS: Final = 5
SECURED, OPEN, REACHING = "with row-level security", "without row-level security", "held to a group"
TURNS: Final = (SECURED, OPEN, REACHING, REACHING, OPEN, SECURED) * (SECONDS // TURN_SECONDS // 2)
GROUP: Final = "Bench"
READS: Final = frozenset({Action.READ_CUSTOMERS, Action.READ_CONTRACTS, Action.READ_USAGE})
WARMING: Final = 100
GIVEN: Final = ("Anna", "Erik", "Maria", "Lars", "Karin", "Åsa", "Johan", "Eva", "Nils", "Sara", "Olof", "Ingrid")
FAMILY: Final = ("Andersson", "Lund", "Öberg", "Nyström", "Ek", "Sandberg", "Holm", "Åkesson", "Berg", "Wik", "Dahl")
# A document of GraphQL and its variables.
Question: TypeAlias = Callable[[random.Random], tuple[str, dict[str, Any]]]
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
    f"""insert into customer_group (operator, customer, name, valid_from)
       select $1, id, '{GROUP}', '2026-01-01Z' from customer where operator = $1 and $2::int > 0""",
)


def run(out: Callable[[str], object] = print, *, customers: int = CUSTOMERS) -> dict[str, float]:
    """Measure and tell ``out``, line by line; return the 99th percentiles in milliseconds by name."""
    with tempfile.TemporaryDirectory(prefix="tollwright-bench-") as folder:
        place = Path(folder)
        place.chmod(0o755)  # the server may run as another user, who must get here
        with start(place / "server") as server:
            keys = asyncio.run(_make(server.url, place, out, customers))
            out(
                f"  {PER_SECOND} requests/s, one every {1000 / PER_SECOND:.0f} ms whether the last is answered or not,"
                f" {SECONDS} s with and {SECONDS} s without row-level security and {SECONDS} s held to a group, in"
                f" turns of {TURN_SECONDS} s:"
            )
            with _serving(server.url, place) as served, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                return runner.run(_measure(served, server.url, place, keys, out))


async def _make(url: str, place: Path, out: Callable[[str], object], customers: int) -> dict[str, Any]:
    async with await Database.open(url) as database:
        await migrate(database)
        wiring = on_database(database, Settings(data_dir=place / "data"))
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
        named = CreateLevel(name="bench", permissions=frozenset(READS), limits=Limits(groups=frozenset({GROUP})))
        level = await create_level(named, actor=actor, begin=wiring.begin)
        made, held = [
            await create_client(
                CreateClient(name="bench", scopes=READS, level=one),
                actor=actor,
                begin=wiring.begin,
                clock=wiring.clock,
                draw=secrets.token_urlsafe,
            )
            for one in (None, level.id)
        ]
        return {
            "person": await make_person(wiring, actor),
            "clients": [(one.client.client_id, one.secret) for one in (made, held)],
            "actor": actor,
            **{k: tuple(v) for k, v in spans.items()},
        }


@dataclass(frozen=True, slots=True)
class Served:
    """The server that is asked."""

    port: int
    pid: int


@contextmanager
def _serving(url: str, place: Path) -> Iterator[Served]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {"DATABASE_URL": url, "TOLLWRIGHT_DATA_DIR": str(place / "data"), "TOLLWRIGHT_LOG_LEVEL": "warning"}
    command = [sys.executable, "-c", "from api.cli import main; main()", "serve", "--port", str(port)]
    server = subprocess.Popen(command, env=os.environ | told, stderr=subprocess.DEVNULL)
    try:
        yield Served(port, server.pid)
    finally:
        server.terminate()
        server.wait(30)


def _questions(keys: dict[str, Any]) -> dict[str, Question]:
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

    wanted = "number name email address { city } parent { name } contracts { number state }"
    return {
        "get by id": lambda draw: (
            f"query Card($id: ID!) {{ customer(id: $id) {{ {wanted} }} }}",
            {"id": global_id("Customer", one(draw, "customer"))},
        ),
        "search": lambda draw: (
            "query Search($text: String!) { customers(first: 20, text: $text) { edges { node { number name } } } }",
            {"text": typed(draw)},
        ),
        "first page": lambda _: (
            "query Page($n: Int!) { customers(first: $n) { edges { node { number name contracts { number } } } } }",
            {"n": 50},
        ),
        "balance of buckets": lambda draw: (
            "query Left($line: ID!) { allowances(subscription: $line) { bucket left } }",
            {"line": global_id("Subscription", one(draw, "subscription"))},
        ),
        # As nobody writes who may choose, but some do: every text is another, which is read and checked anew.
        "get by id, written into the text": lambda draw: (
            f'{{ customer(id: "{global_id("Customer", one(draw, "customer"))}") {{ {wanted} }} }}',
            {},
        ),
    }


async def _measure(
    served: Served, url: str, place: Path, keys: dict[str, Any], out: Callable[[str], object]
) -> dict[str, float]:
    figures: dict[str, float] = {}
    draw = random.Random(7)
    client = Client("127.0.0.1", served.port)
    token, held = [await _token(client, *one) for one in keys["clients"]]
    client.believe(token)
    async with await Database.open(url, connections_max=2) as database:
        for name, question in _questions(keys).items():
            asked = [client.question(*question(draw)) for _ in range(WARMING)]
            for one in asked:
                _right(await client.ask(one))
            taken = {turn: Taken() for turn in TURNS}
            for turn in TURNS:
                await _secure(database, turn != OPEN)
                client.believe(held if turn == REACHING else token)
                # What was planned with or without it is planned anew before it is measured.
                await client.paced(asked[: PER_SECOND // 2], PER_SECOND)
                requests = [client.question(*question(draw)) for _ in range(PER_SECOND * TURN_SECONDS)]
                before = await _cores(served, database)
                answers = await client.paced(requests, PER_SECOND)
                after = await _cores(served, database)
                for answer in answers:
                    taken[turn].times.append(_right(answer))
                taken[turn].add(*(late - early for early, late in zip(before, after, strict=True)))
            await _secure(database, True)
            client.believe(token)
            figures[name] = percentile(taken[SECURED].times, 0.99)
            out(f"  {name}: {taken[SECURED]}")
            for turn in (OPEN, REACHING):
                ratio = percentile(taken[turn].times, 0.5) / percentile(taken[SECURED].times, 0.5)
                out(f"    {turn}: {taken[turn]}; {ratio:.2f} of the median")
        figures["token and permission"] = await check(database, place, served.port, token, out)
        figures["login"] = await log_in(client, keys["person"], out)
    client.close()
    return figures


@dataclass(slots=True)
class Taken:
    """What requests took: each by the clock in ms, and all together of a core in s, the server's and the database's."""

    times: list[float] = field(default_factory=list)
    server: float = 0
    database: float = 0

    def add(self, server: float, database: float) -> None:
        """Add seconds of a core."""
        self.server += server
        self.database += database

    def __str__(self) -> str:
        each = 1000 / len(self.times)
        return (
            f"median {percentile(self.times, 0.5):.1f} ms, 99 % within {percentile(self.times, 0.99):.1f} ms,"
            f" {max(self.times):.1f} at most; of a core {self.server * each:.1f} ms the server,"
            f" {self.database * each:.1f} ms the database"
        )


async def _secure(database: Database, secured: bool) -> None:
    """Have row-level security decide in every table that has a policy, or in none."""
    word = "enable" if secured else "disable"
    async with database.transaction(role=OWNER) as owner:
        rows = await owner.connection.fetch("select distinct tablename as name from pg_policies")
    for row in rows:  # one at a time: all together would lock in another order than the server's work does
        async with database.transaction(role=OWNER) as owner:
            await owner.connection.execute(f"alter table {row['name']} {word} row level security")


async def _cores(served: Served, database: Database) -> tuple[float, float]:
    async with database.transaction(role=OWNER) as owner:
        rows = await owner.connection.fetch("select pid from pg_stat_activity where pid is not null")
    return core_seconds([served.pid]), core_seconds([row["pid"] for row in rows])


async def _token(client: Client, name: str, secret: str) -> str:
    body = f"grant_type=client_credentials&client_id={name}&client_secret={secret}".encode()
    asked = client.request("/oauth/token", body, "application/x-www-form-urlencoded")
    for _ in range(600):
        try:
            _, answer = await client.ask(asked)
            return str(body_of(answer)["access_token"])
        except ConnectionRefusedError:
            await asyncio.sleep(0.1)
    raise RuntimeError("the server did not come up")


def _right(answer: tuple[float, bytes]) -> float:
    """Return the milliseconds of an answer that is one."""
    told = body_of(answer[1])
    assert "errors" not in told, told
    return answer[0] * 1000

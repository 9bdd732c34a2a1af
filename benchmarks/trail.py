"""What the audit trail costs a request: the same requests with it and without, in turns, on one machine.

With it: watched, written, gathered, chained; without: none of it. The time of the turn holds everything, also what is
written and chained behind the requests, and the database's part. Requests follow one another over the application
itself, without a socket, so that nothing else is in the figure.
"""

from __future__ import annotations

import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

import httpx
import uvloop

from api.app import application
from api.auditing import Keeper
from api.graphql.ids import global_id
from api.settings import Settings
from api.wiring import Wiring, on_database
from benchmarks.asking import core_seconds
from benchmarks.billing import make_operator
from domain.access.actor import Action, Actor
from domain.customers.customer import CustomerKind
from domain.operators import Address
from domain.usecases.create_client import CreateClient, create_client
from domain.usecases.create_customer import CreateCustomer, create_customer
from domain.usecases.verify_trail import verify_trail
from domain.webhooks.event import named
from persistence.access import OutboxStore
from persistence.embedded import start
from persistence.engine import OWNER, Database
from persistence.migrate import migrate
from persistence.trail import AuditTrail, event_detail

CUSTOMERS: Final = 200
PER_TURN: Final = 150
TURNS: Final = 6
READ: Final = "query($n: String!) { customer(number: $n) { id name email contracts { id number } } }"
PAGE: Final = "{ customers(first: 50) { edges { node { id number name } } } }"
CHANGE: Final = """mutation($i: ChangeCustomerInput!) { changeCustomer(input: $i) {
    ... on Customer { version } ... on Refusal { code message } } }"""


async def _event_alone(
    self: AuditTrail,
    action: str,
    target: str,
    detail: Mapping[str, object] | None = None,
    *,
    kind: str = "change",
    outcome: str = "done",
) -> None:
    """Write no line, but the event that comes with it: that is no part of what the trail costs."""
    del kind, outcome
    if (event := named(action, target)) is not None:
        store = OutboxStore(self._transaction, self._actor)
        await store.promise(event, event_detail(detail), subject=target)


@contextmanager
def _without() -> Iterator[None]:
    """Write no lines meanwhile."""
    kept = AuditTrail.write
    AuditTrail.write = _event_alone  # type: ignore[method-assign]  # for the length of a turn
    try:
        yield
    finally:
        AuditTrail.write = kept  # type: ignore[method-assign]


async def _world(wiring: Wiring, actor: Actor) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    scopes = frozenset(filter(actor.may, Action))
    made = await create_client(
        CreateClient(name="bench", scopes=scopes),
        actor=actor, begin=wiring.begin, clock=wiring.clock, draw=secrets.token_urlsafe,
    )  # fmt: skip
    place = Address("Storgatan 1", "111 22", "Stockholm", "SE")
    found = []
    for index in range(CUSTOMERS):
        cmd = CreateCustomer(kind=CustomerKind.PERSON, name=f"Anna {index}", address=place)
        one = await create_customer(cmd, actor=actor, begin=wiring.begin)
        found.append({"number": one.number, "id": one.id, "version": one.version})
    return {"client": made.client.client_id, "secret": made.secret}, found


async def _bench(tell: Callable[[str], None], folder: Path) -> None:
    with start(folder) as server:
        async with await Database.open(server.url) as database:
            await migrate(database)
            settings = Settings(data_dir=folder, requests_per_second_client=0, requests_per_second_address=0,
                                requests_per_second_account=0, missing_per_minute=0)  # fmt: skip
            wiring = on_database(database, settings)
            actor = await make_operator(wiring)
            keys, customers = await _world(wiring, actor)
            app = await application(wiring)
            quiet: Any = await application(wiring)
            quiet._journal = None  # noqa: SLF001  (the other half of the comparison)
            with_it, without = [await _asker(one, keys) for one in (app, quiet)]
            for name, body in _kinds(customers).items():
                await _compare(tell, name, body, with_it, without, wiring)
            keeper = Keeper(wiring)
            await keeper.close()
            began = time.perf_counter()
            verdict = await verify_trail(int(actor.operator), keeper=wiring.trail, signed=lambda _: True)
            assert verdict.fault is None, verdict
            tell(f"  looking whether it holds: {verdict.lines / (time.perf_counter() - began):,.0f} lines/s")


def _kinds(customers: list[dict[str, Any]]) -> dict[str, Callable[[int], dict[str, Any]]]:
    def change(index: int) -> dict[str, Any]:
        one = customers[index % len(customers)]
        one["version"] += 1
        fields = {"customer": global_id("Customer", one["id"]), "version": one["version"] - 1, "name": f"B {index}"}
        return {"query": CHANGE, "variables": {"i": fields}}

    def read(index: int) -> dict[str, Any]:
        return {"query": READ, "variables": {"n": customers[index % len(customers)]["number"]}}

    return {"a customer": read, "a page of 50": lambda _: {"query": PAGE}, "a change": change}


Ask = Callable[[dict[str, Any]], Any]


async def _asker(app: Any, keys: dict[str, Any]) -> Ask:
    transport = httpx.ASGITransport(app=app, client=("192.0.2.7", 4711))
    http = httpx.AsyncClient(transport=transport, base_url="https://billing.example")
    answer = await http.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, auth=(keys["client"], keys["secret"])
    )
    http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    async def ask(body: dict[str, Any]) -> None:
        told = await http.post("/graphql", json=body)
        assert "errors" not in told.json(), told.text

    return ask


async def _compare(  # noqa: PLR0917  (the two halves of a comparison, and where)
    tell: Callable[[str], None],
    name: str,
    body: Callable[[int], dict[str, Any]],
    with_it: Ask,
    without: Ask,
    wiring: Wiring,
) -> None:
    index, keeper = 0, Keeper(wiring)
    walls: dict[bool, list[float]] = {True: [], False: []}
    cores: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(-1, TURNS):
        for told in (True, False) if turn % 2 else (False, True):
            began, busy = time.perf_counter(), await _busy(wiring)
            with nullcontext() if told else _without():
                for _ in range(PER_TURN):
                    await (with_it if told else without)(body(index))
                    index += 1
            if told:
                await keeper.close()  # what is written and chained behind belongs to it
            if turn >= 0:
                walls[told].append((time.perf_counter() - began) / PER_TURN * 1000)
                cores[told].append((await _busy(wiring) - busy) / PER_TURN * 1000)
    said = []
    for word, found, middle in (("wall", walls, statistics.median), ("of a core", cores, statistics.mean)):
        plain, with_ = middle(found[False]), middle(found[True])
        said.append(f"{word} {plain:.2f} ms without, {with_:.2f} with it ({(with_ / plain - 1) * 100:+.1f} %)")
    tell(f"  {name}: {'; '.join(said)}")


async def _busy(wiring: Wiring) -> float:
    """Return the seconds that this process and the database's have been on a core."""
    assert wiring.database is not None
    async with wiring.database.transaction(role=OWNER) as owner:
        rows = await owner.connection.fetch("select pid from pg_stat_activity where pid is not null")
    return time.process_time() + core_seconds([row["pid"] for row in rows])


def run(tell: Callable[[str], None]) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="tollwright-bench-") as folder:
        Path(folder).chmod(0o755)
        uvloop.run(_bench(tell, Path(folder)))

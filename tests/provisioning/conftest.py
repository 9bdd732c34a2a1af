"""The application on a database of its own behind a real server, a line, and simulated network elements."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from api.app import application
from api.element_fields import command
from api.jobs import HANDLERS
from api.settings import Settings
from api.simulated_network import Place, SimulatedNetwork
from api.wiring import Wiring, on_database
from api.worker import Worker
from domain.access.actor import Actor, system
from domain.contracts.subscription import Subscription, SubscriptionKind, SubscriptionState
from domain.ids import OperatorId, OrderId
from domain.provisioning.element import NetworkElement
from domain.provisioning.order import Order, OrderKind
from domain.usecases.list_orders import get_order
from domain.usecases.place_order import PlaceOrder, place_order
from domain.usecases.put_element import put_element
from domain.usecases.tend_orders import wake_orders
from integrations.provisioning.simulated import Behaviour
from integrations.transports.addresses import read_networks
from integrations.transports.http import CheckedHttp
from persistence.engine import Database
from tests.stores.worlds import contract, customer, operator, subscription

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HERE = "127.0.0.0/8"


class Clock:
    """The machine's time, and as much more as a test has let pass."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def pass_by(self, **how_long: float) -> None:
        self.ahead += timedelta(**how_long)


def listening() -> tuple[socket.socket, str]:
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken, f"http://127.0.0.1:{taken.getsockname()[1]}"


@contextlib.asynccontextmanager
async def served(app: Any, taken: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(app, log_config=None, lifespan="off", access_log=False)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[taken]))
    while not server.started:  # noqa: ASYNC110  (uvicorn has no event for it)
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await running
        taken.close()


@dataclass
class Grid:
    """An operator with the application, and what a test needs to have orders done."""

    wiring: Wiring
    clock: Clock
    actor: Actor
    http: httpx.AsyncClient
    networks: list[SimulatedNetwork] = field(default_factory=list)

    async def line(self, *, pending: bool = True, **fields: Any) -> Subscription:
        async with self.wiring.begin(self.actor) as unit:
            owner = await unit.customers.add(customer(self.actor))
            one = await unit.contracts.add(contract(owner))
            state = SubscriptionState.PENDING if pending else SubscriptionState.ACTIVE
            since = self.clock.now() - timedelta(days=1)
            values = {"kind": SubscriptionKind.MOBILE, "state": state, "state_since": since} | fields
            if not pending:
                values["activated_at"] = since
            return await unit.subscriptions.add(subscription(one, **values))

    async def put(self, document: dict[str, Any]) -> NetworkElement:
        wiring = self.wiring
        return await put_element(
            command(document),
            actor=self.actor,
            begin=wiring.begin,
            clock=wiring.clock,
            network=wiring.network,
            vault=wiring.vault,
        )

    async def place(self, line: Subscription, kind: OrderKind, **fields: Any) -> Order:
        cmd = PlaceOrder(subscription=line.id, kind=kind, **fields)
        return await place_order(cmd, actor=self.actor, begin=self.wiring.begin, clock=self.clock)

    async def get(self, key: OrderId) -> Order:
        return await get_order(key, actor=self.actor, begin=self.wiring.begin)

    async def now(self, line: Subscription) -> Subscription:
        async with self.wiring.begin(self.actor) as unit:
            return (await unit.subscriptions.many([line.id]))[line.id]

    async def work(self) -> None:
        """Let a worker do what is due, and callbacks come."""
        await Worker(self.wiring, jobs=2, handlers=HANDLERS).run(until_idle=True)
        for network in self.networks:
            await network.settled()

    async def finish(self, *keys: OrderId, seconds: float = 20, rounds: int = 200) -> list[Order]:
        """Work, and let time pass, until orders have ended or wait for a person."""
        for _ in range(rounds):
            await self.work()
            found = [await self.get(key) for key in keys]
            if all(one.ended or one.state.value == "parked" for one in found):
                return found
            self.clock.pass_by(seconds=seconds)
            await wake_orders(actor=self.actor, begin=self.wiring.begin, clock=self.clock)
        raise AssertionError([(one.id, one.state, one.waiting_for, one.fault) for one in found])


@pytest.fixture
async def grid(database: Database, tmp_path: Path) -> AsyncIterator[Grid]:
    taken, address = listening()
    clock = Clock()
    settings = Settings(data_dir=tmp_path, public_url=address, transport_networks=HERE)
    wiring = on_database(database, settings, clock=clock)
    async with wiring.begin(system(OperatorId(0), "setup"), bulk=True) as unit:
        own = await unit.operators.add(operator("grid"))
    async with served(await application(wiring), taken), httpx.AsyncClient(base_url=address) as http:
        yield Grid(wiring, clock, system(own.id, "boss"), http)


Simulate = Callable[..., Awaitable[SimulatedNetwork]]


@pytest.fixture
async def simulate(grid: Grid) -> AsyncIterator[Simulate]:
    async with contextlib.AsyncExitStack() as stack:

        async def start(*, seed: int = 1, secret: str | None = SECRET, **behaviour: float) -> SimulatedNetwork:
            taken, address = listening()
            http = CheckedHttp(read_networks(HERE))
            place = Place(address=address, secret=secret)
            network = SimulatedNetwork(Behaviour(**behaviour), seed=seed, place=place, http=http, clock=grid.clock)
            await stack.enter_async_context(served(network.app, taken))
            grid.networks.append(network)
            return network

        yield start

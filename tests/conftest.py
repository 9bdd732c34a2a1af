"""Fixtures of every room: the shared samples, and a database of its own for each test that asks for one."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import random
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from hypothesis import HealthCheck, settings

from persistence import embedded
from persistence.away import DatabaseAway
from persistence.engine import Database
from persistence.migrate import migrate

CHECKOUT = Path(__file__).resolve().parent.parent
TEMPLATE = "tollwright_template"

# The same examples on every run, however slow the machine is; ``--hypothesis-profile=default`` draws others.
settings.register_profile("suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


@pytest.fixture(scope="session", autouse=True)
def signals() -> None:
    """What the tests start hears signals as from a terminal; under nohup or in a shell's background it would not."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of samples and vectors beside the checkout; the test is skipped where there is none."""
    folder = Path(os.environ.get("TOLLWRIGHT_SHARED") or CHECKOUT.parent / "shared")
    if not folder.is_dir():
        pytest.skip(f"no samples at {folder}; TOLLWRIGHT_SHARED names the folder")
    return folder


def free_port() -> int:
    """Return a port that a program may be told to listen on later: below those the system hands out by itself.

    One of those may be another process's, also another test's, by the time the program asks for it.
    """
    while True:
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", random.randrange(10_000, 32_000)))
            port: int = one.getsockname()[1]
            return port


@dataclass
class Cluster:
    """A PostgreSQL server for this test process, and copies of its migrated template database."""

    url: str
    numbers: itertools.count[int]

    def named(self, name: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    async def run(self, *statements: str) -> None:
        connection = await asyncpg.connect(self.named("postgres"))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def create(self, *, empty: bool = False) -> str:
        """Make a database, a copy of the migrated template unless ``empty``, and return its URL."""
        name = f"test_{next(self.numbers)}"
        source = "template0" if empty else TEMPLATE
        await self.run(f"create database {name} template {source} strategy file_copy")
        return self.named(name)

    async def drop(self, url: str) -> None:
        await self.run(f"drop database if exists {urlsplit(url).path[1:]} with (force)")


def sweep() -> None:
    """Stop and remove the servers of test processes that were killed; the process id is in the directory's name.

    One test process at a time: two that find the same directory would take it from under each other.
    """
    own = f"tollwright-tests-{os.geteuid()}.lock"
    with (Path(tempfile.gettempdir()) / own).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for folder in Path(tempfile.gettempdir()).glob("tollwright-tests-*-*"):
            number = folder.name.split("-")[2]
            if embedded.alive(int(number)) or folder.stat().st_uid != os.geteuid():
                continue
            if any(folder.glob("postgres-*/data/postmaster.pid")):
                with contextlib.suppress(DatabaseAway, OSError), embedded.start(folder, durable=False):
                    pass  # joins it, is alone, and so stops it
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[embedded.Server]:
    """One server per test process (and so per xdist worker), without durability, gone afterwards.

    Without autovacuum: its workers are the superuser's, and a database they look at cannot be dropped by its owner.
    """
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"tollwright-tests-{os.getpid()}-"))
    folder.chmod(0o755)  # root runs the server as another user, who must get here
    try:
        with embedded.start(folder, durable=False, settings={"max_connections": "100", "autovacuum": "off"}) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
async def cluster(postgres: embedded.Server) -> Cluster:
    """The server with its template: migrated once, copied for each test."""
    one = Cluster(postgres.url, itertools.count(1))
    await one.run(f"create database {TEMPLATE}")
    async with await Database.open(one.named(TEMPLATE)) as database:
        await migrate(database)
    return one


@pytest.fixture
async def database_url(cluster: Cluster) -> AsyncIterator[str]:
    """URL of a migrated database that this test has for itself."""
    url = await cluster.create()
    yield url
    await cluster.drop(url)


@pytest.fixture
async def empty_database_url(cluster: Cluster) -> AsyncIterator[str]:
    """URL of a database without a schema."""
    url = await cluster.create(empty=True)
    yield url
    await cluster.drop(url)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open, migrated database that this test has for itself."""
    async with await Database.open(database_url) as one:
        yield one

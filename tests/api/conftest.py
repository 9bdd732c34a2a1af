"""The application on a database of its own, with four callers: operator, reseller, his sibling, another operator."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from api.app import application
from api.settings import Settings
from api.wiring import Wiring, on_database
from domain.access.actor import Action
from persistence.engine import OWNER, Database

NOW = datetime(2026, 4, 1, 8, tzinfo=UTC)
# A test asks for more that is not there, and signs in more often, than anybody may; tests/trail looks at these limits.
UNLIMITED: Any = {"sign_ins_per_minute": 0, "missing_per_minute": 0}
SECRET = "secret-of-{}"
OPERATOR = (
    "insert into operator (id, code, name, organisation_number, vat_id, street, postcode, city, country, zone,"
    " currency, language, payment_terms_days, rounds_to_krona, ocr_level) values"
    " ($1, $2, $3, '5567037485', 'SE556703748501', 'Storgatan 1', '111 22', 'Stockholm', 'SE', 'Europe/Stockholm',"
    " 'SEK', 'sv', 30, true, 'length')"
)


@dataclass
class MovingClock:
    """A clock that a test moves."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


@dataclass
class House:
    """A running application and what a test needs to call it."""

    wiring: Wiring
    database: Database
    clock: MovingClock
    http: httpx.AsyncClient
    tokens: dict[str, str] = field(default_factory=dict)

    async def token(self, client: str, scope: str | None = None) -> str:
        """Return an access token, drawn once per client and scope."""
        key = f"{client} {scope}"
        if key not in self.tokens:
            fields = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
            answer = await self.http.post("/oauth/token", data=fields, auth=(client, SECRET.format(client)))
            assert answer.status_code == 200, answer.text
            self.tokens[key] = answer.json()["access_token"]
        return self.tokens[key]

    async def call(self, client: str, method: str, path: str, **options: Any) -> httpx.Response:
        """Call as a client."""
        headers = {"Authorization": f"Bearer {await self.token(client)}"} | options.pop("headers", {})
        return await self.http.request(method, path, headers=headers, **options)


async def add_client(
    database: Database, client: str, operator: int, reseller: int | None = None, scopes: set[Action] | None = None
) -> None:
    digest = hashlib.sha256(SECRET.format(client).encode()).digest()
    async with database.transaction(role=OWNER) as unit:
        await unit.connection.execute(
            "insert into api_client (client_id, operator, name, secret_sha256, scopes, reseller, created_at)"
            " values ($1, $2, $1, $3, $4, $5, $6)",
            client,
            operator,
            digest,
            [action.value for action in (scopes if scopes is not None else set(Action))],
            reseller,
            NOW,
        )


async def _tenants(database: Database) -> None:
    """Operator 1 has the resellers 1 and 2 side by side, and 3 below 1; operator 2 has its own customers."""
    async with database.transaction(role=OWNER) as unit:
        run = unit.connection.execute
        for number, code in ((1, "north"), (2, "south")):
            await run(OPERATOR, number, code, f"{code.title()} Telecom AB")
            await run("insert into catalogue (operator) values ($1)", number)
            for series in ("customer", "contract", "invoice"):
                await run(
                    "insert into series (operator, name, next) values ($1, $2, $3)", number, series, number * 1000
                )
        for key, code, parent in ((1, "east", None), (2, "west", None), (3, "below", 1)):
            await run(
                "insert into reseller (operator, id, code, name, parent) values (1, $1, $2, $2, $3)", key, code, parent
            )
        await run("alter sequence reseller_id_seq restart with 4")
        await run("alter sequence operator_id_seq restart with 3")
    await add_client(database, "operator", 1)
    await add_client(database, "reseller", 1, 1)
    await add_client(database, "sibling", 1, 2)
    await add_client(database, "other", 2)


@pytest.fixture
async def house(database: Database, tmp_path: Path) -> AsyncIterator[House]:
    """The application with its tenants."""
    await _tenants(database)
    clock = MovingClock()
    settings = Settings(data_dir=tmp_path, public_url="https://billing.example", **UNLIMITED)
    wiring = on_database(database, settings, clock=clock)
    app = await application(wiring)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=("192.0.2.7", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="https://billing.example") as http:
        yield House(wiring, database, clock, http)


@pytest.fixture
async def live(database: Database, tmp_path: Path) -> AsyncIterator[House]:
    """The same application behind a real server on this machine, for clients that are real too."""
    await _tenants(database)
    clock = MovingClock()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    wiring = on_database(database, Settings(data_dir=tmp_path, public_url=address, **UNLIMITED), clock=clock)
    config = uvicorn.Config(
        await application(wiring),
        log_config=None,
        lifespan="off",
        ws="websockets-sansio",
        proxy_headers=False,
        access_log=False,
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110  (uvicorn has no event for it)
        await asyncio.sleep(0.01)
    try:
        async with httpx.AsyncClient(base_url=address, timeout=300) as http:
            yield House(wiring, database, clock, http)
    finally:
        server.should_exit = True
        await running
        listener.close()

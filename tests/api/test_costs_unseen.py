"""Nobody meets a cost, a price or a margin of a level above him: every answer, export and event is searched for them.

All that can be asked is made of the schema, the WSDL and the OpenAPI document (``tests/api/everything.py``), in a world
in which each such number stands nowhere else (``tests/api/priced_world.py``). The operator himself does meet them, in
the same questions, so that the search is known to find. What is added is asked and searched with the rest; where that
finds something, the use case shows more than ``domain.access.charges`` allows.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import httpx
import pytest

from api.app import application
from api.delivering import body_of
from api.settings import Settings
from api.soap.codec import Codec
from api.wiring import on_database
from domain.access.actor import Action, Actor
from domain.ids import OperatorId, ResellerId
from domain.ports.page import PAGE_MAX, PageRequest
from persistence.engine import Database
from tests.api.conftest import UNLIMITED, House, MovingClock, _tenants
from tests.api.everything import ask, ask_rest, ask_soap, envelopes, questions, requests, schema
from tests.api.priced_world import COST, COSTS, LOSS, UNSEEN, World, calls, given, make_world, told
from tests.api.talking import Talk, talking
from tests.api.test_isolation_walk import LAST
from tests.api.walking import fields_of, selection
from tests.conftest import Cluster

Found = dict[tuple[str, str, str], set[int]]
# Where the operator meets a cost or a margin of his own, at least.
QUERIES: Final = {
    "alarm", "alarms", "callMargins", "commissionPreview", "commissionStatement", "commissionStatements", "event",
    "explainCall", "explanation", "marginTotal", "margins", "priceCall", "priceList", "priceLists", "tariffDocument",
    "usage",
}  # fmt: skip
OPERATIONS: Final = {"ExplainCall", "ExplainEvent", "ListAlarms", "ListMargins", "ListUsage", "PriceCall"}
ROUTES: Final = {"/rest/v1/explain-call", "/rest/v1/price-call", "/rest/v1/rate"}
# What would end the walk itself: it shuts out who asks. tests/trail/test_limiting.py has it.
UNASKED: Final = {"setRateLimit", "setApprovalRules"}


@pytest.fixture
async def world(house: House) -> World:
    return await make_world(house)


async def surely(ask: Callable[[], Awaitable[bytes]], numbers: tuple[int, ...]) -> set[int]:
    """Return which numbers an answer tells, and tells again: a digest or a duration may hold any six digits once."""
    found = told(await ask(), numbers)
    return found and found & told(await ask(), numbers)


async def queried(house: House, world: World, client: str, numbers: tuple[int, ...]) -> Found:
    found = {}
    for name, call in questions("Query", await given(house, world, client)):
        if told_of := await surely(partial(_query, house, client, name, call), numbers):
            found[client, name, call] = told_of
    return found


async def _query(house: House, client: str, name: str, call: str) -> bytes:
    return (await ask(house, client, "Query", name, call)).encode()


async def _operation(house: House, client: str, body: str) -> bytes:
    return (await ask_soap(house, client, body)).encode()


async def test_no_query_tells_a_cost(house: House, world: World) -> None:
    control = await queried(house, world, "operator", COSTS)
    assert {name for _, name, _ in control} >= QUERIES
    for client, numbers in UNSEEN.items():
        assert await queried(house, world, client, numbers) == {}


async def spoken(house: House, world: World, client: str, numbers: tuple[int, ...], most: int) -> Found:
    found, mine = {}, await given(house, world, client)
    for (method,) in Codec("1.1").interface.service_method_map.values():
        for body in envelopes(method, mine, most):
            if told_of := await surely(partial(_operation, house, client, body), numbers):
                found[client, method.operation_name, body] = told_of
    return found


async def test_no_operation_of_soap_tells_a_cost(house: House, world: World) -> None:
    for client, numbers in UNSEEN.items():
        assert await spoken(house, world, client, numbers, 12) == {}
    control = await spoken(house, world, "operator", COSTS, 12)
    assert {name for _, name, _ in control} >= OPERATIONS


async def fetched(house: House, world: World, client: str, numbers: tuple[int, ...]) -> Found:
    found, mine = {}, await given(house, world, client)
    document = (await house.call(client, "GET", "/rest/v1/openapi.json")).json()
    for method, path, body in requests(document, mine):
        if told_of := await surely(partial(ask_rest, house, client, method, path, body), numbers):
            found[client, f"{method} {path}", json.dumps(body)] = told_of
    return found


async def test_no_route_and_no_export_tells_a_cost(house: House, world: World) -> None:
    for client, numbers in UNSEEN.items():
        assert await fetched(house, world, client, numbers) == {}
    control = {name.partition(" ")[2] for _, name, _ in await fetched(house, world, "operator", COSTS)}
    assert control >= ROUTES
    assert any(path.startswith("/rest/v1/explanations/") for path in control)


async def test_no_change_and_no_refusal_and_no_event_tells_a_cost(house: House, world: World) -> None:
    """What a change answers, what is told of it afterwards, and what a webhook would be sent."""
    names = sorted(set(fields_of(schema(), "Mutation")) - UNASKED, key=lambda one: (one.startswith(LAST), one))
    for client, numbers in UNSEEN.items():
        asked = defaultdict(list)
        for name, call in questions("Mutation", await given(house, world, client), most=4):
            asked[name].append(call)
        for name in names:
            for call in asked[name]:
                answer = await ask(house, client, "Mutation", name, call)
                assert told(answer.encode(), numbers) == set(), (client, call, answer)
    resellers = {"reseller": (1, 3), "below": (3,), "sibling": (2,)}
    for client, numbers in UNSEEN.items():
        trail = await house.call(client, "GET", "/rest/v1/audit.jsonl")
        assert trail.content.count(b"\n") > 10, client
        assert told(trail.content, numbers) == set(), client
        tree = tuple(ResellerId(key) for key in resellers.get(client, ()))
        actor = Actor(
            operator=OperatorId(2 if client == "other" else 1), client=client,
            scopes=frozenset(Action) - {Action.READ_COSTS},
            reseller=tree[0] if tree else None, resellers=tree,
        )  # fmt: skip
        async with house.wiring.begin(actor) as unit:
            page = await unit.events.page(PageRequest(PAGE_MAX))
        assert page.items
        for event in page.items:
            assert told(body_of(event), numbers) == set(), (client, event)


async def heard(talk: Talk, seconds: float) -> bytes:
    """Return whatever comes within a time."""
    said = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while True:
                said.append(json.dumps(await talk.heard()))
    return "\n".join(said).encode()


async def test_no_subscription_tells_a_cost(live: House) -> None:
    world = await make_world(live)
    clients = ("operator", *UNSEEN)
    async with AsyncExitStack() as stack:
        talks = {}
        for client in clients:
            talks[client] = await stack.enter_async_context(talking(live, client))
            for name, call in questions("Live", await given(live, world, client), most=12):
                kind = fields_of(schema(), "Live")[name].type
                await talks[client].subscribe(f"subscription {{ a: {call} {selection(kind, 4)} }}")
        await asyncio.sleep(1)
        await calls(live, "Later.csv", "2026-03-03")
        service = 'createService(input: {code: "L", name: "L", periodicFee: "1"}) { __typename }'
        await live.call("operator", "POST", "/graphql", json={"query": f"mutation {{ {service} }}"})
        said = dict(zip(clients, await asyncio.gather(*(heard(talk, 4) for talk in talks.values())), strict=True))
    assert {COST, LOSS} <= told(said.pop("operator"), COSTS)
    for client, numbers in UNSEEN.items():
        assert told(said[client], numbers) == set(), client
    assert b'"next"' in said["reseller"], "he is told something"


@asynccontextmanager
async def another_house(cluster: Cluster, folder: Path) -> AsyncIterator[House]:
    url = await cluster.create()
    try:
        async with await Database.open(url) as database:
            await _tenants(database)
            clock = MovingClock()
            settings = Settings(data_dir=folder, public_url="https://billing.example", **UNLIMITED)
            wiring = on_database(database, settings, clock=clock)
            transport = httpx.ASGITransport(
                app=await application(wiring), raise_app_exceptions=False, client=("192.0.2.7", 4711)
            )
            async with httpx.AsyncClient(transport=transport, base_url="https://billing.example") as http:
                yield House(wiring, database, clock, http)
    finally:
        await cluster.drop(url)


_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_DRAWN: Final = re.compile(r"\b[0-9a-f]{32,128}\b|\btw_\w+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def settled(text: str) -> str:
    """Return an answer without moments and what is drawn at random."""
    return _DRAWN.sub("drawn", _MOMENT.sub("then", text))


async def answers(house: House, world: World, client: str) -> Mapping[str, str]:
    mine, found = await given(house, world, client), {}
    for name, call in questions("Query", mine, most=8):
        found[call] = settled(await ask(house, client, "Query", name, call))
    for (method,) in Codec("1.1").interface.service_method_map.values():
        if method.operation_name.startswith(("List", "Get", "Find", "Price", "Explain", "Count", "Read", "Preview")):
            for body in envelopes(method, mine, 6):
                found[body] = settled(await ask_soap(house, client, body))
    return found


async def test_what_a_reseller_is_answered_does_not_hang_on_costs(
    house: House, cluster: Cluster, tmp_path: Path
) -> None:
    """The same world with dear and cheap calls exchanged: no order, page, cursor, count or refusal may tell."""
    async with another_house(cluster, tmp_path / "other") as other:
        here, there = await make_world(house), await make_world(other, cost=LOSS, loss=COST)
        for client in ("reseller", "below", "sibling"):
            one, two = await answers(house, here, client), await answers(other, there, client)
            assert one.keys() == two.keys()
            assert {asked: (one[asked], two[asked]) for asked in one if one[asked] != two[asked]} == {}

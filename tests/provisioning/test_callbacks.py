"""What a network element sends by itself: only signed and recent is heard, and what it says counts once."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from domain.provisioning.order import Order, OrderKind, OrderState
from domain.usecases.list_orders import order_log
from domain.webhooks.signature import signed
from tests.provisioning.conftest import SECRET, Grid, Simulate

OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx"


async def waiting(grid: Grid, simulate: Simulate) -> Order:
    """An order that was accepted, and whose answer the element keeps to itself."""
    network = await simulate(later=1, secret=None)
    await grid.put(network.document("rest") | {"name": "hlr", "credentials": {"secret": SECRET}})
    line = await grid.line()
    order = await grid.place(line, OrderKind.ACTIVATE)
    await grid.work()
    order = await grid.get(order.id)
    assert order.state is OrderState.SENT
    return order


async def send(grid: Grid, body: Any, *, secret: str = SECRET, age: int = 0, path: str = "", forged: str = "") -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    seconds = int(grid.clock.now().timestamp()) - age
    told = signed([secret], identity="m1", seconds=seconds, body=content)
    if forged:
        told["webhook-signature"] = forged
    where = path or f"/rest/v1/provisioning/callbacks/{grid.actor.operator}/hlr"
    return await grid.http.post(where, content=content, headers=told)


async def test_an_answer_counts_once(grid: Grid, simulate: Simulate) -> None:
    order = await waiting(grid, simulate)
    said = {"id": order.request_id(0), "state": "done", "reference": "NE-1\u0000\ud800"}
    first = await send(grid, said)
    assert (first.status_code, first.json()["heed"]) == (200, "taken")
    assert (await send(grid, said)).json()["heed"] == "again"
    await grid.work()
    assert (await grid.get(order.id)).state is OrderState.CONFIRMED
    late = await send(grid, {**said, "state": "failed", "reason": "no such IMSI"})
    assert late.json() == {"order": order.id, "state": "confirmed", "heed": "contradiction"}
    async with grid.wiring.begin(grid.actor) as unit:
        assert await unit.alarms.claim_open("order_contradicted", f"order {order.id}") is not None
    events = [one.event for one in await order_log(order.id, actor=grid.actor, begin=grid.wiring.begin)]
    assert events == ["placed", "sent", "answered", "answered", "answered", "confirmed", "answered"]


@pytest.mark.parametrize("fault", ["secret", "old", "ahead", "unsigned", "body", "element", "operator", "none", "long"])
async def test_what_is_not_signed_and_recent_is_refused_in_one_way(grid: Grid, simulate: Simulate, fault: str) -> None:
    order = await waiting(grid, simulate)
    said = {"id": order.request_id(0), "state": "done"}
    base = "/rest/v1/provisioning/callbacks"
    own = grid.actor.operator
    answers: dict[str, httpx.Response] = {
        "secret": await send(grid, said, secret=OTHER),
        "old": await send(grid, said, age=301),
        "ahead": await send(grid, said, age=-301),
        "unsigned": await grid.http.post(f"{base}/{own}/hlr", json=said),
        "body": await send(grid, said, forged="v1,AAAA"),
        "element": await send(grid, said, path=f"{base}/{own}/hlr2"),
        "operator": await send(grid, said, path=f"{base}/{own + 1}/hlr"),
        "none": await send(grid, said, path=f"{base}/x/hlr"),
        "long": await send(grid, said, path=f"{base}/99999999999999999999/hlr"),
    }
    answer = answers[fault]
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert answer.json()["detail"].startswith("the answer is not signed by")
    assert (await grid.get(order.id)).state is OrderState.SENT


async def test_what_is_signed_and_wrong_is_told(grid: Grid, simulate: Simulate) -> None:
    order = await waiting(grid, simulate)
    key = order.request_id(0)
    table: list[tuple[Any, int, str | None]] = [
        (b"{", 400, None),
        (b'{"id": "a", "id": "b"}', 400, None),
        ([], 422, None),
        ({"state": "done"}, 422, "id"),
        ({"id": key}, 422, "state"),
        ({"id": key, "state": "maybe"}, 422, "state"),
        ({"id": key, "state": 1}, 422, "state"),
        ({"id": key, "state": "done", "reason": "x" * 501}, 422, "reason"),
        ({"id": "nobody.1", "state": "done"}, 404, "id"),
        ({"id": f"{order.request}.2", "state": "done"}, 404, "id"),
        ({"id": "a\nb", "state": "done"}, 422, "id"),
    ]
    for body, status, field in table:
        answer = await send(grid, body)
        assert (answer.status_code, answer.json().get("field")) == (status, field), body
    assert (await grid.get(order.id)).state is OrderState.SENT


async def test_an_element_answers_for_its_own_requests_alone(grid: Grid, simulate: Simulate) -> None:
    order = await waiting(grid, simulate)
    network = grid.networks[0]
    await grid.put(network.document("rest") | {"name": "other", "credentials": {"secret": OTHER}})
    said = {"id": order.request_id(0), "state": "done"}
    path = f"/rest/v1/provisioning/callbacks/{grid.actor.operator}/other"
    assert (await send(grid, said, secret=OTHER, path=path)).status_code == 404


async def test_one_that_is_busy_is_asked_again(grid: Grid, simulate: Simulate) -> None:
    order = await waiting(grid, simulate)
    await send(grid, {"id": order.request_id(0), "state": "busy", "reason": "maintenance"})
    await grid.work()
    now = await grid.get(order.id)
    assert (now.state, now.steps and now.steps[0].deed.fault) == (OrderState.WAITING, "maintenance")
    await send(grid, {"id": order.request_id(0), "state": "done"})  # of the first try, after all
    (now,) = await grid.finish(order.id)
    assert now.state is OrderState.CONFIRMED
    assert now.steps is not None
    assert now.steps[0].deed.tries == 1

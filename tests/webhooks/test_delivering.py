"""From a change to a receiver that checks the signature: retries, dead letters, sending again, a slow host."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api.delivering import Deliverer
from api.keeping import Marking
from api.settings import Settings
from api.wiring import Wiring, in_memory, on_database
from domain.access.actor import Actor
from domain.alarms.alarm import Alarm
from domain.ids import CustomerId, EventId
from domain.ports.page import PageRequest
from domain.refusal import BadValue, LimitExceeded, NotAllowed, NotFound, Stale, WrongState
from domain.usecases.list_alarms import list_alarms
from domain.usecases.list_events import list_events
from domain.usecases.manage_webhooks import (
    ChangeWebhook,
    CreateWebhook,
    Replay,
    Told,
    change_webhook,
    create_webhook,
    list_deliveries,
    list_webhooks,
    remove_webhook,
    replay_deliveries,
    rotate_webhook_secret,
    try_webhook,
)
from domain.webhooks.signature import verified
from domain.webhooks.webhook import LEASE, PAUSES, WEBHOOKS_MAX, Delivery, DeliveryState, Webhook
from persistence.engine import Database
from persistence.memory import MemoryDatabase
from persistence.units import MemoryUnits, StoredUnits
from tests.stores.worlds import World, build, customer

Reply = Callable[[dict[str, str], bytes], Awaitable[str]]


@dataclass
class Receiver:
    """A host that takes what is sent and answers what ``reply`` says."""

    status: str = "204 No Content"
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""
    delay: float = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
            headers = {name.lower(): value for name, value in headers.items()}
            body = await reader.readexactly(int(headers["content-length"]))
            self.got.append((headers, body))
            await asyncio.sleep(self.delay)
            writer.write(f"HTTP/1.1 {self.status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.got]


@asynccontextmanager
async def receiving(**how: Any) -> AsyncIterator[Receiver]:
    one = Receiver(**how)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    async with server:
        one.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        yield one


@dataclass
class Place:
    """A world with the wiring that sends."""

    world: World
    wiring: Wiring

    async def webhook(self, url: str, *kinds: str, actor: Any = None, **more: Any) -> Told:
        cmd = CreateWebhook(url=url, kinds=kinds or ("*",), **more)
        return await create_webhook(
            cmd, actor=actor or self.world.operator, begin=self.wiring.begin, clock=self.wiring.clock,
            http=self.wiring.http, vault=self.wiring.vault, draw=lambda count: bytes(range(count)),
        )  # fmt: skip

    async def change(self, action: str = "change_thing", target: str = "thing:1", actor: Any = None) -> None:
        async with self.wiring.begin(actor or self.world.operator) as unit:
            await unit.audit.write(action, target, {"version": 2})

    async def customers(self) -> dict[str, int]:
        """Keep a customer of the operator's own, and one of each reseller."""
        kept: dict[str, int] = {}
        for name in ("operator", "north", "north_east", "south"):
            actor = world_actor(self.world, name)
            async with self.world.begin(actor) as unit:
                kept[name] = (await unit.customers.add(customer(actor))).id
        return kept

    async def sent(self, *, until: Callable[[], Awaitable[bool]]) -> None:
        """Send until something is so."""
        task = asyncio.create_task(Deliverer(self.wiring).run())
        try:
            async with asyncio.timeout(20):
                while not await until():  # noqa: ASYNC110  (what it waits for is in the database)
                    await asyncio.sleep(0.02)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def deliveries(self, webhook: Webhook, state: DeliveryState | None = None) -> list[Delivery]:
        page = await list_deliveries(
            webhook.id, PageRequest(100), state=state, actor=self.world.operator, begin=self.wiring.begin
        )
        return list(page.items)

    async def hook(self, webhook: Webhook) -> Webhook:
        listed = await list_webhooks(actor=self.world.operator, begin=self.wiring.begin)
        return next(one for one in listed if one.id == webhook.id)

    async def due_now(self, webhook: Webhook) -> None:
        """Let the next attempts be due, as time would."""
        if isinstance(self.world.database, MemoryDatabase):
            rows = self.world.database.state.tables["webhook_delivery"]
            for place, row in rows.items():
                if place[0] == webhook.id and row.next_at is not None:
                    rows[place] = replace(row, next_at=self.wiring.clock.now())
            return
        assert isinstance(self.world.database, Database)
        async with self.world.database.transaction(role="tollwright_ingest") as transaction:
            await transaction.connection.execute(
                "update webhook_delivery set next_at = now() where webhook = $1 and state = 'waiting'", webhook.id
            )


def world_actor(world: World, name: str) -> Actor:
    actor = getattr(world, name)
    assert isinstance(actor, Actor)
    return actor


@pytest.fixture(params=["memory", "postgresql"])
async def place(request: pytest.FixtureRequest, database: Database, tmp_path: Path) -> Place:
    settings = Settings(data_dir=tmp_path, transport_networks="127.0.0.0/8")
    if request.param == "memory":
        wiring = in_memory(settings)
        assert isinstance(wiring.begin, Marking)
        assert isinstance(wiring.begin.within, MemoryUnits)
        memory = wiring.begin.within._database
        return Place(await build(wiring.begin, memory), wiring)
    return Place(await build(StoredUnits(database), database), on_database(database, settings))


async def test_a_change_arrives_signed_under_an_id_of_its_own(place: Place) -> None:
    async with receiving() as receiver:
        made = await place.webhook(receiver.url, "thing.*")
        assert made.secret is not None
        await place.change()
        await place.change("read_thing")  # changes nothing
        await place.change("create_other", "other:2")  # not wanted

        async def taken() -> bool:
            return [one.state for one in await place.deliveries(made.webhook)] == [DeliveryState.DELIVERED]

        await place.sent(until=taken)
        ((headers, body),) = receiver.got
        sent = json.loads(body)
        assert verified(made.secret, headers, body, now=int(headers["webhook-timestamp"]))
        assert (sent["type"], sent["data"]) == (
            "thing.changed",
            {"object": "thing", "key": "1", "change": {"version": 2}},
        )
        page = await list_events(
            PageRequest(10), kinds=("thing.*",), actor=place.world.operator, begin=place.wiring.begin
        )
        (event,) = page.items
        assert (headers["webhook-id"], headers["content-type"]) == (event.identity, "application/json")
        assert sent["timestamp"] == event.at.isoformat().replace("+00:00", "Z")


async def test_what_is_not_taken_is_sent_again_under_the_same_id_until_it_is_given_up(place: Place) -> None:
    async with receiving(status="500 Broken") as receiver:
        made = await place.webhook(receiver.url, "thing.changed")
        await place.change()
        for attempt in range(len(PAUSES) + 1):

            async def tried(wanted: int = attempt + 1) -> bool:
                (one,) = await place.deliveries(made.webhook)
                rest = LEASE if one.next_at is None else one.next_at - place.wiring.clock.now()
                sending = one.state is DeliveryState.WAITING and LEASE * 0.8 < rest <= LEASE
                return one.attempts == wanted and len(receiver.got) == wanted and not sending

            await place.sent(until=tried)
            (one,) = await place.deliveries(made.webhook)
            if attempt < len(PAUSES):
                assert one.state is DeliveryState.WAITING
                assert one.next_at is not None
                rest = one.next_at - place.wiring.clock.now()
                assert PAUSES[attempt] - timedelta(seconds=10) < rest <= PAUSES[attempt] * 1.2
                await place.due_now(made.webhook)
        assert [one.state for one in await place.deliveries(made.webhook, DeliveryState.DEAD)] == [DeliveryState.DEAD]
        (one,) = await place.deliveries(made.webhook)
        assert (one.fault, one.next_at, one.finished_at is None) == ("it answered 500", None, False)
        assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
        assert len({body for _, body in receiver.got}) == 1

        receiver.status = "200 OK"
        again = await replay_deliveries(
            Replay(webhook=made.webhook.id), actor=place.world.operator, begin=place.wiring.begin,
            clock=place.wiring.clock,
        )  # fmt: skip
        assert again == 1

        async def taken() -> bool:
            return (await place.deliveries(made.webhook))[0].state is DeliveryState.DELIVERED

        await place.sent(until=taken)
        assert (await place.hook(made.webhook)).failing_since is None
        assert receiver.got[-1][0]["webhook-id"] == receiver.got[0][0]["webhook-id"]


async def test_a_slow_host_makes_no_other_wait(place: Place) -> None:
    async with receiving(delay=30) as slow, receiving() as quick:
        one, other = await place.webhook(slow.url, "thing.*"), await place.webhook(quick.url, "thing.*")
        for number in range(5):
            await place.change(target=f"thing:{number}")

        async def taken() -> bool:
            return len(slow.got) == 1 and len(await place.deliveries(other.webhook, DeliveryState.DELIVERED)) == 5

        began = asyncio.get_running_loop().time()
        await place.sent(until=taken)
        assert asyncio.get_running_loop().time() - began < 9  # less than the slow one is given
        assert [sent["data"]["key"] for sent in quick.bodies] == list("01234")  # in order
        assert await place.deliveries(one.webhook, DeliveryState.DELIVERED) == []


async def test_a_redirect_and_a_host_within_are_failures(place: Place) -> None:
    async with receiving(status="302 Found\r\nLocation: http://169.254.169.254/") as receiver:
        made = await place.webhook(receiver.url, "thing.*")
        await place.change()

        async def tried() -> bool:
            return (await place.deliveries(made.webhook))[0].status == 302

        await place.sent(until=tried)
        assert "a redirect, which is not followed" in ((await place.hook(made.webhook)).fault or "")
    with pytest.raises(BadValue) as no:
        await place.webhook("http://169.254.169.254/latest", "thing.*")
    assert no.value.field == "url"


async def test_a_host_that_is_gone_disables_its_webhook_with_an_alarm(place: Place) -> None:
    async with receiving(status="410 Gone") as receiver:
        made = await place.webhook(receiver.url, "thing.*")
        await place.change()

        async def off() -> bool:
            return not (await place.hook(made.webhook)).active and bool(await alarms())

        async def alarms() -> list[Alarm]:
            page = await list_alarms(
                PageRequest(100), kind="webhook_failing", actor=place.world.operator, begin=place.wiring.begin
            )
            return list(page.items)

        await place.sent(until=off)
        assert f"webhook {made.webhook.id}" in [one.subject for one in await alarms()]
        with pytest.raises(WrongState):
            await try_webhook(made.webhook.id, actor=place.world.operator, begin=place.wiring.begin)


async def test_while_a_secret_changes_both_sign(place: Place) -> None:
    async with receiving() as receiver:
        made = await place.webhook(receiver.url, "thing.*")
        new = await rotate_webhook_secret(
            made.webhook.id, actor=place.world.operator, begin=place.wiring.begin, clock=place.wiring.clock,
            vault=place.wiring.vault, draw=bytes,
        )  # fmt: skip
        assert new.secret == "whsec_" + base64.b64encode(bytes(32)).decode()
        await place.change()

        async def taken() -> bool:
            return len(receiver.got) == 1

        await place.sent(until=taken)
        headers, body = receiver.got[0]
        for secret in (made.secret, new.secret):
            assert secret is not None
            assert verified(secret, headers, body, now=int(headers["webhook-timestamp"]))


async def test_a_test_goes_to_its_webhook_alone(place: Place) -> None:
    async with receiving() as one, receiving() as other:
        made = await place.webhook(one.url, "never.*")
        await place.webhook(other.url, "*")
        await try_webhook(made.webhook.id, actor=place.world.operator, begin=place.wiring.begin)

        async def taken() -> bool:
            return len(one.got) == 1 and len(other.got) == 1

        await place.sent(until=taken)
        assert [sent["type"] for sent in one.bodies] == ["webhook.test"]
        assert [sent["type"] for sent in other.bodies] == ["webhook.created"]  # of the second itself


async def test_events_can_be_sent_again_from_a_time_on(place: Place) -> None:
    async with receiving() as receiver:
        await place.change(target="thing:7")  # before there was a webhook
        began = place.wiring.clock.now() - timedelta(minutes=1)
        made = await place.webhook(receiver.url, "thing.*")
        asked = {"actor": place.world.operator, "begin": place.wiring.begin, "clock": place.wiring.clock}
        assert await replay_deliveries(Replay(webhook=made.webhook.id, since=began), **asked) == 1  # type: ignore[arg-type]
        with pytest.raises(NotFound):
            await replay_deliveries(Replay(webhook=made.webhook.id, event=EventId(10**15)), **asked)  # type: ignore[arg-type]

        async def taken() -> bool:
            return [sent["data"]["key"] for sent in receiver.bodies] == ["7"]

        await place.sent(until=taken)


async def test_resellers_are_told_of_their_own_alone(place: Place) -> None:
    world = place.world
    async with receiving() as mine, receiving() as all_of_it:
        told = await place.webhook(mine.url, "*", actor=world.north)
        await place.webhook(all_of_it.url, "customer.*")
        for actor, key in (owned := await place.customers()).items():
            await place.change("change_customer", f"customer:{key}", world_actor(world, actor))
        await place.change("change_customer", "customer:999999999")

        async def taken() -> bool:
            return len(all_of_it.got) == len(owned) + 1 and len(mine.got) >= 2

        await place.sent(until=taken)
        below = {str(owned[name]) for name in ("north", "north_east")}
        changed = [sent["data"]["key"] for sent in mine.bodies if sent["type"] == "customer.changed"]
        assert set(changed) == below
        told_of = next(sent["data"] for sent in mine.bodies if sent["type"] == "customer.changed")
        async with world.begin(world.north) as unit:
            known = await unit.customers.many([CustomerId(int(told_of["key"]))])
        assert told_of["change"]["number"] == known[CustomerId(int(told_of["key"]))].number
        page = await list_events(PageRequest(100), actor=world.north, begin=world.begin)
        assert {one.subject for one in page.items if one.kind == "customer.changed"} == {f"customer:{k}" for k in below}
        assert [one.id for one in await list_webhooks(actor=world.north, begin=world.begin)] == [told.webhook.id]
        assert await list_webhooks(actor=world.south, begin=world.begin) == []
        for stranger in (world.south, world.other_operator):
            with pytest.raises(NotFound):
                await remove_webhook(told.webhook.id, told.webhook.version, actor=stranger, begin=world.begin)


async def test_changing_keeping_and_limits(place: Place) -> None:
    world = place.world
    asked: Any = {"actor": world.operator, "begin": world.begin, "vault": place.wiring.vault, "draw": bytes}
    made = await place.webhook("https://erp.example/hook", "customer.*")
    changed = await change_webhook(
        ChangeWebhook(webhook=made.webhook.id, version=1, kinds=("*",), active=False), http=place.wiring.http, **asked
    )
    assert (changed.webhook.version, changed.webhook.kinds, changed.secret) == (2, ("*",), None)
    moved = await change_webhook(
        ChangeWebhook(webhook=made.webhook.id, version=2, url="https://erp2.example/hook"),
        http=place.wiring.http,
        **asked,
    )
    assert moved.secret is not None  # what another host knew, is not what this one is trusted with
    with pytest.raises(Stale):
        await change_webhook(
            ChangeWebhook(webhook=made.webhook.id, version=2, note="x"), http=place.wiring.http, **asked
        )
    for kinds in ((), ("Customer.*",), ("customer",), ("*", "x y")):
        cmd = ChangeWebhook(webhook=made.webhook.id, version=3, kinds=kinds)
        with pytest.raises(BadValue):
            await change_webhook(cmd, http=place.wiring.http, **asked)
    nobody = replace(world.operator, scopes=frozenset())
    with pytest.raises(NotAllowed):
        await place.webhook("https://erp.example/hook", actor=nobody)
    for _ in range(WEBHOOKS_MAX - 1):
        await place.webhook("https://erp.example/hook")
    with pytest.raises(LimitExceeded):
        await place.webhook("https://erp.example/hook")

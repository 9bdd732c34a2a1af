"""One element's share of the places for asking: a dead one does not hold up its operator's others."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from api.turns import ELEMENT_MAX, PATIENCE_SECONDS, SLOW_MAX, SLOW_SECONDS, Turns
from api.wiring import Wiring
from api.worker import OPERATOR_MAX, Worker
from domain.access.actor import Actor
from domain.contracts.subscription import SubscriptionKind, SubscriptionState
from domain.ids import ElementId, OperatorId, OrderId
from domain.jobs.job import JobState, NewJob
from domain.ports.page import PageRequest
from domain.provisioning.element import ElementKind, NetworkElement
from domain.provisioning.machine import Answer, Said
from domain.provisioning.order import Order, OrderKind, OrderState
from domain.provisioning.request import NetworkRequest
from domain.usecases.place_order import PlaceOrder, place_order
from tests.intake import world as made
from tests.jobs.test_queue import KINDS, add, all_of
from tests.stores.worlds import contract, customer, subscription

DEAD, ALIVE = "dead", "alive"


@dataclass
class HalfDead:
    """A network whose dead element answers when the one that is alive was asked, or enough ask it at once."""

    enough: int = 1000
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    present: int = 0
    most: int = 0
    asked: list[str] = field(default_factory=list)

    async def check(self, element: NetworkElement) -> None:
        """Nothing is looked at."""

    async def send(self, element: NetworkElement, secrets: Mapping[str, str], request: NetworkRequest) -> Answer:
        self.asked.append(element.name)
        if element.name == ALIVE:
            self.answered.set()
            return Answer(said=Said.DONE)
        self.present += 1
        self.most = max(self.most, self.present)
        if self.present >= self.enough:
            self.answered.set()
        async with asyncio.timeout(30):
            await self.answered.wait()
        self.present -= 1
        return Answer(said=Said.DONE)


async def element(wiring: Wiring, actor: Actor, name: str, line: SubscriptionKind) -> None:
    now = wiring.clock.now()
    new = NetworkElement(
        id=ElementId(0),
        operator=actor.operator,
        name=name,
        kind=ElementKind.WEBHOOK,
        address=f"http://{name}.invalid/",
        lines=(line,),
        created_at=now,
        changed_at=now,
    )
    async with wiring.begin(actor) as unit:
        await unit.elements.put(new)


async def orders(wiring: Wiring, actor: Actor, kind: SubscriptionKind, count: int) -> list[OrderId]:
    since = wiring.clock.now() - timedelta(days=1)
    async with wiring.begin(actor) as unit:
        agreed = await unit.contracts.add(contract(await unit.customers.add(customer(actor))))
        fields = {"kind": kind, "state": SubscriptionState.PENDING, "state_since": since}
        lines = [await unit.subscriptions.add(subscription(agreed, **fields)) for _ in range(count)]
    wanted = [PlaceOrder(subscription=line.id, kind=OrderKind.ACTIVATE) for line in lines]
    begin, clock = wiring.begin, wiring.clock
    return [(await place_order(cmd, actor=actor, begin=begin, clock=clock)).id for cmd in wanted]


async def found(wiring: Wiring, actor: Actor, keys: Sequence[OrderId]) -> list[Order]:
    async with wiring.begin(actor) as unit:
        return list((await unit.orders.many(keys)).values())


async def test_a_dead_element_leaves_its_operators_other_elements_places(wiring: Wiring, world: made.World) -> None:
    network = HalfDead()
    wiring = replace(wiring, network=network)
    await element(wiring, world.actor, DEAD, SubscriptionKind.MOBILE)
    await element(wiring, world.actor, ALIVE, SubscriptionKind.FIXED)
    keys = await orders(wiring, world.actor, SubscriptionKind.MOBILE, 2 * OPERATOR_MAX)
    keys += await orders(wiring, world.actor, SubscriptionKind.FIXED, 1)
    await asyncio.wait_for(Worker(wiring).run(until_idle=True), 60)
    assert network.most == ELEMENT_MAX
    assert network.asked.index(ALIVE) == ELEMENT_MAX, "it was asked while the dead one was"
    assert sorted(network.asked) == [ALIVE, *[DEAD] * 2 * OPERATOR_MAX], "nobody was asked twice"
    assert {one.state for one in await found(wiring, world.actor, keys)} == {OrderState.CONFIRMED}
    jobs = await all_of(wiring, world.actor)
    assert {(job.state, job.attempts) for job in jobs} == {(JobState.DONE, 1)}, "to be put off is no attempt"
    assert len(jobs) == len(keys)
    assert wiring.turns.full == []


async def test_three_dead_elements_leave_a_place_to_the_one_that_is_alive(wiring: Wiring, world: made.World) -> None:
    """None of them was ever asked before; the orders for the dead ones came first."""
    network = HalfDead()
    wiring = replace(wiring, network=network)
    lines = (SubscriptionKind.MOBILE, SubscriptionKind.SIP, SubscriptionKind.TRUNK)
    keys = []
    for line in lines:
        await element(wiring, world.actor, f"{DEAD}-{line.value}", line)
        keys += await orders(wiring, world.actor, line, 3)
    await element(wiring, world.actor, ALIVE, SubscriptionKind.FIXED)
    keys += await orders(wiring, world.actor, SubscriptionKind.FIXED, 2)
    await asyncio.wait_for(Worker(wiring).run(until_idle=True), 60)
    assert network.asked.index(ALIVE) < OPERATOR_MAX, "it was asked while the dead ones were"
    assert {one.state for one in await found(wiring, world.actor, keys)} == {OrderState.CONFIRMED}
    assert {(job.state, job.attempts) for job in await all_of(wiring, world.actor)} == {(JobState.DONE, 1)}
    assert wiring.turns.full == []


def test_elements_that_were_slow_have_three_turns_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("api.turns.time.monotonic", lambda: now)
    turns, operator = Turns(), OperatorId(1)
    dead = [f"{DEAD}-{number}" for number in range(6)]
    for name in dead:  # each was asked once, and did not answer
        with turns.turn() as one:
            assert one.take(operator, name)
            now += SLOW_SECONDS + 1
    with turns.turn() as one:
        assert one.take(operator, ALIVE)  # and this one did
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(turns.turn()).take(operator, name) for name in dead]
        assert taken == [True] * SLOW_MAX + [False] * 3
        assert set(turns.full) == {(operator, name) for name in dead}
        quick = [stack.enter_context(turns.turn()).take(operator, ALIVE) for _ in range(3)]
        assert quick == [True, True, False]
        now += SLOW_SECONDS + 1
    assert turns.full == []
    with turns.turn() as one:
        assert one.take(operator, dead[0])  # which answers at once by now
    with contextlib.ExitStack() as stack:
        again = [stack.enter_context(turns.turn()).take(operator, name) for name in dead]
        assert again == [True] * (SLOW_MAX + 1) + [False] * 2, "the first is quick again"


async def test_an_operators_only_element_has_all_his_places(wiring: Wiring, world: made.World) -> None:
    network = HalfDead(enough=OPERATOR_MAX)
    wiring = replace(wiring, network=network)
    await element(wiring, world.actor, DEAD, SubscriptionKind.MOBILE)
    keys = await orders(wiring, world.actor, SubscriptionKind.MOBILE, OPERATOR_MAX)
    await asyncio.wait_for(Worker(wiring).run(until_idle=True), 60)
    assert network.most == OPERATOR_MAX
    assert {one.state for one in await found(wiring, world.actor, keys)} == {OrderState.CONFIRMED}


async def test_what_was_put_off_is_left_while_its_element_is_full(wiring: Wiring, world: made.World) -> None:
    first, second = await add(wiring, world.actor, NewJob(kind="walk", payload={"to": 1}), NewJob(kind="walk"))
    operator = world.actor.operator
    full = [(operator, DEAD), (OperatorId(operator + 1), ALIVE)]
    async with wiring.queue.present() as here:
        for job in await here.claim(KINDS, 2):
            await here.put_off(job, DEAD if job.id == first.id else ALIVE)
        assert [job.id for job in await here.claim(KINDS, 2, full=full)] == [second.id], "that is another's"
        assert await here.claim(KINDS, 2, full=full) == []
        (job,) = await here.claim(KINDS, 2)
        assert (job.id, job.payload, job.attempts) == (first.id, {"to": 1, "element": DEAD}, 1)
        (plain,) = await add(wiring, world.actor, NewJob(kind="walk"))
        assert [job.id for job in await here.claim(KINDS, 2, full=full)] == [plain.id], "nobody knows whom it asks"
    async with wiring.begin(world.actor) as unit:
        assert len((await unit.jobs.page(PageRequest())).items) == 3


async def test_a_turn_that_comes_soon_is_waited_for_and_one_that_does_not_is_not() -> None:
    turns = Turns()
    asked = (OperatorId(1), DEAD)
    with contextlib.ExitStack() as stack:
        one, two = (stack.enter_context(turns.turn()) for _ in range(2))
        assert one.take(*asked)
        assert one.take(*asked), "he has it"
        assert two.take(*asked)
        assert turns.full == [asked]
        with turns.turn() as three:
            assert not three.take(*asked)
            assert three.take(OperatorId(2), DEAD), "another operator's is another"
            waiting = asyncio.create_task(three.wait(*asked))
            await asyncio.sleep(0)
            assert two.take(OperatorId(1), ALIVE), "he goes on to the next element"
            assert await waiting
            assert turns.full == [asked]
        assert turns.full == []
        assert two.take(*asked)
        await asyncio.sleep(PATIENCE_SECONDS)
        with turns.turn() as four:
            going = four.wait(*asked)
            with pytest.raises(StopIteration) as told:
                going.send(None)  # it ends without having waited: the two have waited for long
            assert told.value.value is False
    assert turns.full == []

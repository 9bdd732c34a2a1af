"""What listeners are told of an import, by PostgreSQL and by its twin, and margins after rating again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from api.wiring import Wiring
from domain.access.actor import system
from domain.catalogue.document import read_tariff
from domain.ids import OperatorId
from domain.margins.margin import MarginBy
from domain.ports.news import ALARM, CHUNK, FILE, Notice, TooSlow
from domain.rerating.rerating import Reason, Selection
from domain.usecases.rerate import Rerate, rerate
from persistence.fanout import QueuedFeed
from tests.intake import world as made
from tests.margins.test_below_cost import DEAR
from tests.margins.test_margins import RATES, SINCE, UNTIL, asked, events_of, keep_rates, reckoned, spread

Load = Callable[..., Awaitable[Any]]


async def test_an_import_is_told_to_its_operator_alone(wiring: Wiring, world: made.World, load: Load) -> None:
    await keep_rates(wiring, world, DEAR)
    stranger = OperatorId(world.operator + 100_000)
    async with (
        wiring.news.follow(world.operator, [FILE, CHUNK, ALARM]) as feed,
        wiring.news.follow(stranger, [FILE, CHUNK, ALARM]) as other,
    ):
        await load(spread(60), records_per_chunk=20)
        heard: Counter[str] = Counter()
        async with asyncio.timeout(10):
            while heard[FILE] < 1 or heard[CHUNK] < 3 or heard[ALARM] < 1:
                notice = await feed.next()
                assert notice is not None
                assert notice.operator == world.operator
                heard[notice.kind] += 1
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await other.next()


async def test_a_unit_that_fails_is_not_told(wiring: Wiring, world: made.World, load: Load) -> None:
    async with wiring.news.follow(world.operator, [FILE, CHUNK]) as feed:
        with pytest.raises(Exception):  # noqa: B017, PT011  (whatever it is refused with)
            await load(spread(60), source="nowhere")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await feed.next()


async def test_a_feed_tells_each_once_and_ends_when_it_is_too_long() -> None:
    operator = OperatorId(1)
    feed = QueuedFeed(operator, [FILE], notices_max=3)
    for key in (1, 2, 1):
        feed.put(Notice(FILE, operator, key))
    feed.put(Notice(CHUNK, operator, 9))
    feed.put(Notice(FILE, OperatorId(2), 9))
    assert [await feed.next(), await feed.next()] == [Notice(FILE, operator, 1), Notice(FILE, operator, 2)]
    feed.put(Notice(FILE, operator, 3))
    feed.put(None)
    assert await feed.next() is None
    for key in range(4):
        feed.put(Notice(FILE, operator, key))
    for _ in range(2):
        with pytest.raises(TooSlow):
            await feed.next()


@pytest.mark.parametrize("text", ["", "file", "file 1", "file x 1", "file 1 x", "file 1 2 3", "file -1 2"])
def test_what_is_no_notice_is_not_read(text: str) -> None:
    assert Notice.read(text) is None


async def test_margins_are_of_what_holds_now_after_rating_again(wiring: Wiring, world: made.World, load: Load) -> None:
    await keep_rates(wiring, world, RATES)
    await load(spread())
    before = await asked(wiring, world.actor, MarginBy.ALL)
    dearer = dict(made.TARIFF)
    lists = dict(made.TARIFF["price_lists"])  # type: ignore[call-overload]
    lists["cost"] = made.plist(made.rate("*", "0.0171"), currency="EUR", zone="UTC")
    dearer["price_lists"] = lists
    async with wiring.begin(system(world.operator, "test")) as unit:
        await unit.catalogue.publish(read_tariff(dearer), recorded_at=made.NOW - timedelta(days=1))
    cmd = Rerate(selection=Selection(since=SINCE, until=UNTIL), reason=Reason.WRONG_PRICE, preview=False)
    done = await rerate(cmd, actor=world.actor, begin=wiring.begin, clock=wiring.clock, raters=wiring.raters)
    assert done.tally.changed
    events = await events_of(wiring, world)
    for by in MarginBy:
        assert await asked(wiring, world.actor, by) == reckoned(events, None, by, world), by
    assert (await asked(wiring, world.actor, MarginBy.ALL))[""].paid > before[""].paid

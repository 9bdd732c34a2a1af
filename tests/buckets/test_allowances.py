"""What is left of buckets: at once, per owner and month, with what rolls over; and what the catalogue grants."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from domain.access.actor import Action, Actor, system
from domain.ids import OperatorId
from domain.refusal import BadValue, NotAllowed, NotFound
from domain.usecases.explain_call import explain_call
from domain.usecases.list_allowances import ListAllowances, list_allowances
from domain.usecases.price_call import PriceCall, price_call
from domain.usecases.rate_events import rate_events
from tests.buckets import made as own
from tests.intake import world as made

PLAN = {"every": "month", "from": "2026-01-01", "zone": "Europe/Stockholm"}
CET = timezone(timedelta(hours=1))


async def left(wiring, world, at: datetime, *, actor: Actor | None = None, **whose):
    return await list_allowances(
        ListAllowances(at=at, **whose),
        actor=actor or world.actor,
        begin=wiring.begin,
        clock=wiring.clock,
        raters=wiring.raters,
    )


def told(found) -> list[tuple[str, int, int, int, int]]:
    return [
        (f"{one.bucket} {one.since.astimezone(CET):%m}", *(int(n) for n in (one.granted, one.used, one.lost, one.left)))
        for one in found
    ]


def call(place: int, seconds: int, when: datetime, a: int = 0) -> str:
    return made.row(place, a=made.number(a), b="46850000000", seconds=seconds, start=when)


async def test_a_month_rolls_over_up_to_the_cap(wiring, world, load):
    plan = own.bucket("p", "each contract", "100", period=PLAN, rollover={"periods": 1, "cap": "30"})
    await own.publish(wiring, world, buckets=[plan])
    january, february, march = (datetime(2026, month, 10, tzinfo=UTC) for month in (1, 2, 3))
    whose = {"subscription": world.subscriptions[0]}
    assert told(await left(wiring, world, january, **whose)) == [("p 01", 100, 0, 0, 100)]
    await load(made.lines(call(1, 20, january), call(2, 10, february)))
    # Of 80 unused seconds 30 passed into February, and the oldest are drawn first.
    assert told(await left(wiring, world, february, **whose)) == [("p 01", 100, 30, 50, 20), ("p 02", 100, 0, 0, 100)]
    # What February leaves to March is told before any event of March.
    assert told(await left(wiring, world, march, **whose)) == [("p 02", 100, 0, 70, 30), ("p 03", 100, 0, 0, 100)]
    await load(made.lines(call(3, 40, march)), name="march.csv")
    assert told(await left(wiring, world, march, **whose)) == [("p 02", 100, 30, 70, 0), ("p 03", 100, 10, 0, 90)]


async def test_a_part_of_a_month_is_rounded_up_to_the_unit(wiring, world):
    plans = [
        own.bucket("p", "each contract", "100", period=PLAN),
        own.bucket("m", "each contract", "10", unit="money", period=PLAN, priority=1),
        own.bucket("w", "each contract", "100", period=PLAN | {"prorate": False}, priority=2),
    ]
    await own.publish(wiring, world, buckets=plans)
    async with wiring.begin(world.actor) as unit:
        line = (await unit.subscriptions.many([world.subscriptions[0]]))[world.subscriptions[0]]
        contract = await unit.contracts.claim(line.contract)
        await unit.contracts.keep(replace(contract, start=date(2026, 3, 20), end=date(2026, 3, 25)))
    found = await left(wiring, world, datetime(2026, 3, 21, tzinfo=UTC), contract=line.contract)
    # 5 of 31 days: 16.13 of 100 seconds, 1.6129 of 10 SEK.
    assert [one.granted for one in found] == [Decimal(17), Decimal("1.62"), Decimal(100)]


async def test_lines_of_one_contract_share_and_others_do_not(wiring, world, load):
    second = await own.add_line(wiring, world, 0, "46700000010")
    plan = own.bucket("family", "each contract", "100", period=PLAN, of=["retail"])
    await own.publish(wiring, world, buckets=[plan])
    when = datetime(2026, 3, 10, tzinfo=UTC)
    rows = [
        call(0, 30, when),
        made.row(1, a="46700000010", b="46850000000", seconds=30, start=when),
        call(2, 30, when, 3),
    ]
    await load(made.lines(*rows))
    for line, used in ((world.subscriptions[0], 60), (second, 60), (world.subscriptions[3], 30)):
        (one,) = await left(wiring, world, when, subscription=line)
        assert (one.used, one.left) == (used, 100 - used)
    # The list of subscription 1's contract is "retail B", which the plan is not of.
    assert await left(wiring, world, when, customer=world.customers[1]) == []


async def test_who_may_see(wiring, world):
    await own.publish(wiring, world, buckets=[own.bucket("p", "each customer", "100", period=PLAN)])
    when = datetime(2026, 3, 10, tzinfo=UTC)
    reseller = world.of_reseller(world.reseller)
    assert await left(wiring, world, when, actor=reseller, customer=world.customers[1])
    for actor, place in ((reseller, 0), (world.of_reseller(world.sibling), 1), (system(OperatorId(999_999)), 0)):
        for kind, keys in (("customer", world.customers), ("subscription", world.subscriptions)):
            whose = {kind: keys[place]}
            with pytest.raises(NotFound):
                await left(wiring, world, when, actor=actor, **whose)
    blind = world.of_reseller(world.reseller, scopes=[Action.READ_CUSTOMERS])
    with pytest.raises(NotAllowed):
        await left(wiring, world, when, actor=blind, customer=world.customers[1])
    for wrong in ({}, {"customer": world.customers[0], "subscription": world.subscriptions[0]}):
        with pytest.raises(BadValue):
            await left(wiring, world, when, **wrong)


async def test_a_quote_goes_by_what_is_left(wiring, world, load):
    await own.publish(wiring, world, buckets=[own.bucket("p", "each contract", "100", period=PLAN)])
    when = datetime(2026, 3, 10, tzinfo=UTC)
    await load(made.lines(call(0, 70, when)))
    asked = PriceCall(subscription=world.subscriptions[0], number="46850000000", used=60, at=when)
    around = {"actor": world.actor, "begin": wiring.begin, "clock": wiring.clock, "raters": wiring.raters}
    for _ in range(2):  # nothing of it is kept
        quote = await price_call(asked, **around)
        assert str(quote.retail.amount) == "0.300000 SEK"
        (level, *_) = (await explain_call(asked, **around)).levels
        assert (level.amount, [(one.amount, one.left) for one in level.buckets]) == (300_000, [(30, 0)])


async def test_events_that_are_only_asked_for_draw_on_full_buckets(wiring, world, load):
    await own.publish(wiring, world, buckets=[own.bucket("p", "each contract", "100", period=PLAN)])
    when = datetime(2026, 3, 10, tzinfo=UTC)
    await load(made.lines(call(0, 70, when)))
    events = [
        {"id": str(n), "a": made.number(a), "b": "46850000000", "mode": "voice", "start": when.isoformat(), "used": 60}
        for n, a in ((0, 0), (1, 0), (2, 1), (3, 9))
    ]
    found = await rate_events(events, actor=world.actor, begin=wiring.begin, raters=wiring.raters)
    gave = [sum(int(n) for n in one["retail"]["buckets"].values()) for one in found[:3]]
    assert (gave, found[3]["unrated"]) == ([60, 40, 60], "no_party")
    assert [one["retail"]["amount"] for one in found[:3]] == ["0.000000", "0.200000", "0.000000"]
    assert list((await own.balances(wiring, world)).values()) == [70]

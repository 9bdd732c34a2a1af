"""Buckets' life: plans by day, what is bought and given, balances and their history, thresholds told once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.access.actor import Action
from domain.contracts.service import Service
from domain.ids import ServiceId
from domain.period import Period
from domain.ports.page import PageRequest
from domain.refusal import BadValue, Conflict, LimitExceeded, NotAllowed, NotFound, Stale, WrongState
from domain.rerating.rerating import Reason, Selection
from domain.usecases.explain_usage import explain_usage
from domain.usecases.give_units import GiveUnits, SetGiftRules, give_units, set_gift_rules
from domain.usecases.grant_units import GrantUnits, WithdrawGrant, grant_units, withdraw_grant
from domain.usecases.list_allowances import ListAllowances, list_allowances
from domain.usecases.list_events import list_events
from domain.usecases.put_on_plan import PutOnPlan, get_plan_assignments, list_plans, put_on_plan
from domain.usecases.rerate import Rerate, rerate
from domain.usecases.run_bills import RunBills, run_bills
from domain.usecases.tell_buckets import Happened, TellBuckets, tell_buckets
from domain.usecases.withdraw_file import WithdrawFile, withdraw_file
from tests.buckets import made as own
from tests.intake import world as made

MONTHLY = {"every": "month", "from": "2026-01-01", "zone": "Europe/Stockholm"}
YEAR = ["2026-01-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00"]
PLANS = {"Family": {"kind": "multi", "price_list": "retail"}, "Solo": {"kind": "single", "price_list": "other"}}
FAMILY = own.bucket("family", "each contract", "310", period=MONTHLY, plans=["Family"], per_subscription="200")
SOLO = own.bucket("solo", "each subscription", "310", period=MONTHLY, plans=["Solo"])
TOP = own.bucket("top", "top-up", "100", period=YEAR, top_up={"days": 30, "price": "99.50", "service": "TOP"})
OWN = own.bucket("own", "each subscription", "100", period=MONTHLY, of=["retail"])


class At:
    """A clock at an instant."""

    def __init__(self, when: datetime) -> None:
        self.when = when

    def now(self) -> datetime:
        return self.when


MARCH_2 = At(datetime(2026, 3, 2, 6, tzinfo=UTC))


def call(place: int, seconds: int, *, a: int = 0, when: datetime | None = None) -> str:
    return made.row(place, a=made.number(a), b="46850000000", seconds=seconds, start=when)


def around(wiring, world, *, clock: Any = MARCH_2, raters: bool = True, **more: Any) -> dict[str, Any]:
    found = {"actor": world.actor, "begin": wiring.begin, **more}
    return found | {"clock": clock, "raters": wiring.raters} if raters else found


async def contract_of(wiring, world, index: int):
    async with wiring.begin(world.actor) as unit:
        return (await unit.subscriptions.many([world.subscriptions[index]]))[world.subscriptions[index]].contract


async def left(wiring, world, at: datetime, **whose: Any) -> dict[str, tuple[int, int, int]]:
    found = await list_allowances(ListAllowances(at=at, **whose), **around(wiring, world))
    return {f"{one.bucket}{one.grant or ''}": (int(one.granted), int(one.used), int(one.left)) for one in found}


async def audited(wiring, world, action: str) -> list[dict[str, Any]]:
    async with wiring.begin(world.actor) as unit:
        found: list[dict[str, Any]] = []
        for customer in world.customers:
            span = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
            rows = await unit.grants.crossings(customer, *span, first=1000)
            found += [{"percent": one.percent, "owner": one.owner} for one in rows if one.up == (action == "up")]
    return found[::-1]


async def test_a_plan_prices_and_grants_by_day(wiring, world, load):
    await own.publish(wiring, world, buckets=[SOLO], plans=PLANS)
    line = world.subscriptions[0]
    cmd = PutOnPlan(subscription=line, plan="Solo", valid_from=date(2026, 3, 11), valid_to=date(2026, 3, 21))
    done = await put_on_plan(cmd, **around(wiring, world, raters=False))
    assert [(one.plan, one.valid_from) for one in done.assignments] == [("Solo", date(2026, 3, 11))]
    inside, before, after = (datetime(2026, 3, day, 12, tzinfo=UTC) for day in (12, 5, 25))
    # Ten of the 31 days of March.
    assert await left(wiring, world, inside, subscription=line) == {"solo": (100, 0, 100)}
    assert await left(wiring, world, before, subscription=line) == {}
    await load(made.lines(call(1, 60, when=inside), call(2, 60, when=before), call(3, 60, when=after)))
    await load(made.lines(call(4, 60, when=inside + timedelta(hours=1))), name="more.csv")
    # Before and after by its own list at 0.60 a minute, on the plan at 6.
    assert [own.micro(one) for one in await own.events(wiring, world)] == [600_000, 0, 2_000_000, 600_000]
    assert await left(wiring, world, inside, subscription=line) == {"solo": (100, 100, 0)}
    for one in await own.events(wiring, world):
        await explain_usage(one.ref, actor=world.actor, begin=wiring.begin, raters=wiring.raters)


async def test_changing_plans_ends_the_one_before(wiring, world):
    more = own.bucket("big", "each subscription", "3100", period=MONTHLY | {"prorate": False}, plans=["Big"])
    await own.publish(wiring, world, buckets=[SOLO, more], plans=PLANS | {"Big": {"kind": "single"}})
    line = world.subscriptions[0]
    by = around(wiring, world, raters=False)
    await put_on_plan(PutOnPlan(subscription=line, plan="Solo", valid_from=date(2026, 1, 1)), **by)
    await put_on_plan(PutOnPlan(subscription=line, plan="Solo", valid_from=date(2026, 5, 1)), **by)
    done = await put_on_plan(PutOnPlan(subscription=line, plan="Big", valid_from=date(2026, 3, 11)), **by)
    assert [(one.plan, one.valid_from, one.valid_to) for one in done.assignments] == [
        ("Solo", date(2026, 1, 1), date(2026, 3, 11)),
        ("Big", date(2026, 3, 11), None),
    ]
    early, late = (datetime(2026, 3, day, 12, tzinfo=UTC) for day in (5, 15))
    assert await left(wiring, world, early, subscription=line) == {"solo": (100, 0, 100)}
    assert await left(wiring, world, late, subscription=line) == {"big": (3100, 0, 3100)}
    gone = await put_on_plan(PutOnPlan(subscription=line, plan=None, valid_from=date(2026, 4, 1)), **by)
    assert gone.assignments[-1].valid_to == date(2026, 4, 1)
    assert await left(wiring, world, datetime(2026, 4, 5, tzinfo=UTC), subscription=line) == {}


async def test_lines_of_a_contract_share_a_plan_under_caps(wiring, world, load):
    ring = own.volume_ring("much", "300", "-50", when={"groups": ["plan:Family"], "volume_shared": "contract"})
    await own.publish(wiring, world, buckets=[FAMILY], plans=PLANS, discount_rings=[ring])
    second = await own.add_line(wiring, world, 0, "46709999999")
    contract = await contract_of(wiring, world, 0)
    by = around(wiring, world, raters=False)
    await put_on_plan(PutOnPlan(contract=contract, plan="Family", valid_from=date(2026, 1, 1)), **by)
    first_call = made.row(1, a=made.number(0), b="46850000000", seconds=250)
    await load(made.lines(first_call, made.row(2, a="46709999999", b="46850000000", seconds=150)))
    # The first line stops at its cap of 200, the second takes what the plan has left: 110 of 150.
    assert [own.micro(one) for one in await own.events(wiring, world)] == [500_000, 400_000]
    (one,) = await list_allowances(ListAllowances(subscription=second, at=made.FIRST), **around(wiring, world))
    assert (one.granted, one.used, one.cap, one.used_by_line) == (310, 310, 200, 110)
    # Together they have 400 seconds, so that either has the discount now.
    await load(made.lines(made.row(3, a="46709999999", b="46850000000", seconds=100)), name="more.csv")
    found = await own.events(wiring, world)
    assert own.micro(found[-1]) == 500_000
    for event in found:
        await explain_usage(event.ref, actor=world.actor, begin=wiring.begin, raters=wiring.raters)
    # Settled in another order, the same comes out of it: nothing was taken twice.
    await load(made.lines(made.row(0, a="46709999999", b="46850000000", seconds=50)), name="early.csv")
    await own.settle(wiring, world)
    assert (await own.balances(wiring, world))["family", f"contract:{contract}"] == 310
    for event in await own.events(wiring, world):
        await explain_usage(event.ref, actor=world.actor, begin=wiring.begin, raters=wiring.raters)


async def test_who_may_be_put_on_which_plan(wiring, world):
    await own.publish(wiring, world, buckets=[FAMILY, SOLO], plans=PLANS)
    line, contract = world.subscriptions[0], await contract_of(wiring, world, 0)
    by, day = around(wiring, world, raters=False), date(2026, 1, 1)
    for cmd, no in (
        (PutOnPlan(plan="Solo", valid_from=day), BadValue),
        (PutOnPlan(contract=contract, subscription=line, plan="Solo", valid_from=day), BadValue),
        (PutOnPlan(contract=contract, plan="Solo", valid_from=day), WrongState),
        (PutOnPlan(subscription=line, plan="Family", valid_from=day), WrongState),
        (PutOnPlan(subscription=line, plan="None", valid_from=day), NotFound),
        (PutOnPlan(subscription=line, plan="Solo", valid_from=day, valid_to=day), BadValue),
        (PutOnPlan(subscription=line, plan="Solo", valid_from=day, version=77), Stale),
    ):
        with pytest.raises(no):
            await put_on_plan(cmd, **by)
    once = PutOnPlan(subscription=line, plan="Solo", valid_from=day, idempotency_key="k")
    assert await put_on_plan(once, **by) == await put_on_plan(once, **by)
    with pytest.raises(Conflict):
        await put_on_plan(replace(once, valid_from=date(2026, 2, 1)), **by)
    told = await list_plans(actor=world.actor, begin=wiring.begin, raters=wiring.raters)
    assert [(one.plan.name, [each.id for each in one.buckets]) for one in told] == [
        ("Family", ["family"]),
        ("Solo", ["solo"]),
    ]
    assert len((await get_plan_assignments(contract, actor=world.actor, begin=wiring.begin)).assignments) == 1


async def service(wiring, world) -> None:
    async with wiring.begin(world.actor) as unit:
        await unit.services.add(Service(id=ServiceId(0), operator=world.actor.operator, code="TOP", name="Påfyllning"))


async def test_what_is_bought_serves_and_is_charged_once(wiring, world, load):
    await own.publish(wiring, world, buckets=[TOP, OWN])
    await service(wiring, world)
    line = world.subscriptions[0]
    buy = GrantUnits(subscription=line, bucket="top", idempotency_key="buy-1")
    first, again = [await grant_units(buy, **around(wiring, world)) for _ in range(2)]
    assert first == again
    assert (first.grant.price, first.grant.until - first.grant.since) == (Decimal("99.5"), timedelta(days=30))
    with pytest.raises(Conflict):
        await grant_units(replace(buy, amount=Decimal(5)), **around(wiring, world))
    key = first.grant.id
    await load(made.lines(call(1, 80), call(2, 80)))
    # What ends first is drawn first: the month's own.
    assert await left(wiring, world, made.FIRST, subscription=line) == {
        "own": (100, 100, 0),
        f"top{key}": (100, 60, 40),
    }
    for event in await own.events(wiring, world):
        await explain_usage(event.ref, actor=world.actor, begin=wiring.begin, raters=wiring.raters)
    bills = {"actor": world.actor, "begin": wiring.begin, "clock": wiring.clock, "raters": wiring.raters}
    march = Period(date(2026, 3, 1), date(2026, 4, 1))
    run = await run_bills(RunBills(period=march, customers=(world.customers[0],)), **bills)
    assert run.net == Decimal("99.50")
    second = await grant_units(replace(buy, idempotency_key="buy-2"), **around(wiring, world))
    april = Period(date(2026, 4, 1), date(2026, 5, 1))
    run = await run_bills(RunBills(period=april, customers=(world.customers[0],)), **bills)
    assert run.net == Decimal("99.50")
    # What is taken back unused is given back on the next invoice; what is used is not taken back.
    with pytest.raises(WrongState):
        await withdraw_grant(WithdrawGrant(grant=key), **around(wiring, world))
    for _ in range(2):
        gone = await withdraw_grant(WithdrawGrant(grant=second.grant.id), **around(wiring, world))
        assert gone.grant.withdrawn_at is not None
    may = Period(date(2026, 5, 1), date(2026, 6, 1))
    run = await run_bills(RunBills(period=may, customers=(world.customers[0],)), **bills)
    assert run.net == Decimal("-99.50")
    assert list(await left(wiring, world, made.FIRST, subscription=line)) == ["own", f"top{key}"]


async def test_who_draws_on_nothing_draws_on_what_is_granted(wiring, world, load):
    await own.publish(wiring, world, buckets=[own.bucket("gift", "top-up", "50", period=YEAR, top_up={"days": 10})])
    await load(made.lines(call(0, 30)), name="before.csv")
    line = world.subscriptions[0]
    given = await grant_units(GrantUnits(subscription=line, bucket="gift"), **around(wiring, world))
    assert given.grant.price == 0
    await load(made.lines(call(1, 30), call(2, 30)))
    assert [own.micro(one) for one in await own.events(wiring, world)] == [300_000, 0, 100_000]
    await rerate(
        Rerate(selection=Selection(since=made.BEGAN, until=made.NOW), reason=Reason.CHANGED_CONTRACT),
        **around(wiring, world, clock=wiring.clock),
    )
    # Rated again, the first call finds it too.
    assert [own.micro(one) for one in await own.events(wiring, world)] == [0, 100_000, 300_000]


async def test_what_cannot_be_granted(wiring, world):
    await own.publish(wiring, world, buckets=[TOP, OWN])
    line = world.subscriptions[0]
    for more, no in (
        ({"bucket": "nothing"}, NotFound),
        ({"bucket": "top"}, NotFound),  # there is no service TOP
        ({"bucket": "top", "price": Decimal(0), "amount": Decimal("0.5")}, BadValue),
        ({"bucket": "top", "price": Decimal(0), "amount": Decimal(0)}, BadValue),
        ({"bucket": "top", "price": Decimal(-1)}, BadValue),
        ({"bucket": "own"}, BadValue),  # until when?
        ({"bucket": "own", "valid_to": datetime(2026, 3, 1, tzinfo=UTC)}, BadValue),
        ({"bucket": "own", "valid_to": datetime(2026, 4, 1, tzinfo=UTC), "price": Decimal(5)}, BadValue),
        ({"bucket": "top", "price": Decimal(0), "valid_from": datetime(2028, 1, 1, tzinfo=UTC)}, WrongState),
    ):
        with pytest.raises(no):
            await grant_units(GrantUnits(subscription=line, **more), **around(wiring, world))
    until = datetime(2026, 4, 1, tzinfo=UTC)
    contract = await contract_of(wiring, world, 0)
    for cmd in (
        GrantUnits(bucket="own"),
        GrantUnits(subscription=line, bucket="own", valid_to=until, charged_to=contract),
        GrantUnits(customer=world.customers[0], bucket="own", valid_to=until, price=Decimal(5), service="TOP"),
    ):
        with pytest.raises((BadValue, NotFound)):
            await grant_units(cmd, **around(wiring, world))
    other = GrantUnits(customer=world.customers[1], bucket="own", valid_to=until, charged_to=contract)
    with pytest.raises(NotFound):
        await grant_units(other, **around(wiring, world))
    reseller = replace(world.actor, reseller=world.reseller, resellers=(world.reseller,), scopes=frozenset(Action))
    free = GrantUnits(subscription=world.subscriptions[1], bucket="own", valid_to=datetime(2026, 4, 1, tzinfo=UTC))
    with pytest.raises(NotAllowed):
        await grant_units(free, **around(wiring, world) | {"actor": reseller})


async def test_gifts_move_and_nothing_is_doubled(wiring, world, load):
    await own.publish(wiring, world, buckets=[OWN])
    giver, taker = world.subscriptions[0], await own.add_line(wiring, world, 0, "46709999999")
    gift = GiveUnits(giver=giver, taker=taker, bucket="own", amount=Decimal(40), idempotency_key="g1")
    with pytest.raises(NotAllowed):
        await give_units(gift, **around(wiring, world))
    await set_gift_rules(SetGiftRules(per_month=2, most_percent=60), actor=world.actor, begin=wiring.begin)
    await load(made.lines(call(1, 30)))
    done = [await give_units(gift, **around(wiring, world)) for _ in range(2)]
    assert done[0] == done[1]
    at = made.FIRST
    (one,) = await list_allowances(ListAllowances(subscription=giver, at=at), **around(wiring, world))
    assert (one.granted, one.used, one.given, one.left) == (100, 30, 40, 30)
    key = done[0].grants[0].grant.id
    assert await left(wiring, world, at, subscription=taker) == {"own": (100, 0, 100), f"own{key}": (40, 0, 40)}
    with pytest.raises(LimitExceeded):
        await give_units(replace(gift, amount=Decimal(21), idempotency_key=None), **around(wiring, world))
    await give_units(replace(gift, amount=Decimal(20), idempotency_key=None), **around(wiring, world))
    with pytest.raises(LimitExceeded):  # two in a month
        await give_units(replace(gift, amount=Decimal(1), idempotency_key=None), **around(wiring, world))
    other = replace(gift, taker=world.subscriptions[1], idempotency_key=None)
    with pytest.raises(NotAllowed):
        await give_units(other, **around(wiring, world))
    with pytest.raises(BadValue):
        await give_units(replace(gift, taker=giver, idempotency_key=None), **around(wiring, world))
    # What came late finds what was not given away; the taker's lines draw what they got.
    await load(made.lines(call(0, 50)), name="late.csv")
    await load(made.lines(made.row(9, a="46709999999", b="46850000000", seconds=200)), name="taker.csv")
    await own.settle(wiring, world)
    found = await own.events(wiring, world)
    assert [own.micro(one) for one in found] == [100_000, 300_000, 400_000]
    drawn = await own.balances(wiring, world)
    assert sum(drawn.values()) == 40 + 160
    for event in found:
        await explain_usage(event.ref, actor=world.actor, begin=wiring.begin, raters=wiring.raters)
    both = [
        await tell_buckets(
            TellBuckets(subscription=key, since=datetime(2026, 2, 28, tzinfo=UTC)), **_told(wiring, world)
        )
        for key in (giver, taker)
    ]
    gave, got = ([(one.happened, int(one.amount), one.other) for one in entries] for entries in both)
    assert [one for one in gave if one[0] is Happened.GIVEN] == [
        (Happened.GIVEN, -20, taker),
        (Happened.GIVEN, -40, taker),
    ]
    assert [one for one in got if one[0] is Happened.RECEIVED] == [
        (Happened.RECEIVED, 20, giver),
        (Happened.RECEIVED, 40, giver),
    ]


def _told(wiring, world) -> dict[str, Any]:
    return around(wiring, world, clock=wiring.clock)


async def test_a_gift_and_calls_at_once_never_use_more_than_there_is(wiring, world, load):
    await own.publish(wiring, world, buckets=[OWN])
    taker = await own.add_line(wiring, world, 0, "46709999999")
    await set_gift_rules(SetGiftRules(per_month=100), actor=world.actor, begin=wiring.begin)
    gift = GiveUnits(giver=world.subscriptions[0], taker=taker, bucket="own", amount=Decimal(15))

    async def give() -> int:
        try:
            await give_units(gift, **around(wiring, world))
        except LimitExceeded:
            return 0
        return 15

    calls = [load(made.lines(call(n, 10)), name=f"{n}.csv") for n in range(12)]
    done = await asyncio.gather(*calls, *(give() for _ in range(5)))
    given = sum(done[12:])
    used = sum(600_000 // 6 - own.micro(one) for one in await own.events(wiring, world)) // 10_000
    (one,) = await list_allowances(
        ListAllowances(subscription=world.subscriptions[0], at=made.FIRST), **around(wiring, world)
    )
    assert (int(one.used), int(one.given)) == (used, given)
    assert one.used + one.given + one.left == 100


async def test_thresholds_are_told_once_and_again_after_falling(wiring, world, load):
    owner = f"subscription:{world.subscriptions[0]}"
    await own.publish(wiring, world, buckets=[own.bucket("b", owner, "100")])
    for n in range(9):
        await load(made.lines(call(n, 10)), name=f"{n}.csv")
    assert await audited(wiring, world, "up") == [{"percent": 50, "owner": owner}, {"percent": 80, "owner": owner}]
    async with wiring.begin(world.actor) as unit:
        (alarm,) = [one for one in (await unit.alarms.page(PageRequest(10))).items if one.kind == "bucket_threshold"]
    assert (alarm.subject, alarm.data["percent"], alarm.count) == (f"b {owner}", 80, 2)
    done = await load(made.lines(call(20, 40)), name="last.csv")
    assert [one["percent"] for one in await audited(wiring, world, "up")] == [50, 80, 100]
    cmd = WithdrawFile(file=done.file.id, why="a test")
    by = {"actor": world.actor, "begin": wiring.begin, "clock": wiring.clock}
    await withdraw_file(cmd, formats=wiring.formats, raters=wiring.raters, **by)
    assert [one["percent"] for one in await audited(wiring, world, "down")] == [100]
    await own.settle(wiring, world)
    assert len(await audited(wiring, world, "up")) == 3
    await load(made.lines(call(21, 40)), name="again.csv")
    assert [one["percent"] for one in await audited(wiring, world, "up")] == [50, 80, 100, 100]


async def test_many_at_once_tell_each_threshold_once(wiring, world, load):
    owner = f"customer:{world.customers[0]}"
    await own.publish(wiring, world, buckets=[own.bucket("b", owner, "10", thresholds=[50, 100])])
    await asyncio.gather(*(load(made.lines(call(n, 1)), name=f"{n}.csv") for n in range(50)))
    told = await list_events(PageRequest(100), kinds=("customer.crossed",), actor=world.actor, begin=wiring.begin)
    # One transaction may have begun before the other and ended after it: what counts is that each is there once.
    assert sorted((one.subject, one.data["percent"]) for one in told.items) == [(owner, 50), (owner, 100)]
    assert [one["percent"] for one in await audited(wiring, world, "up")] == [50, 100]
    entries = await tell_buckets(
        TellBuckets(customer=world.customers[0], since=datetime(2026, 1, 1, tzinfo=UTC)), **_told(wiring, world)
    )
    assert sum(one.amount for one in entries if one.happened in {Happened.USED, Happened.RETURNED}) == -10


async def test_history_tells_what_was_granted_used_lost_and_expired(wiring, world, load):
    plan = own.bucket("p", "each contract", "100", period=MONTHLY, rollover={"periods": 1, "cap": "30"})
    await own.publish(wiring, world, buckets=[plan])
    january, february, march = (datetime(2026, month, 10, tzinfo=UTC) for month in (1, 2, 3))
    await load(made.lines(call(1, 20, when=january), call(2, 10, when=february), call(3, 40, when=march)))
    cmd = TellBuckets(
        subscription=world.subscriptions[0],
        since=datetime(2025, 12, 31, tzinfo=UTC),
        until=datetime(2026, 12, 1, tzinfo=UTC),
    )
    entries = await tell_buckets(cmd, **_told(wiring, world))
    by_kind: dict[Happened, list[int]] = {}
    for one in entries[::-1]:
        by_kind.setdefault(one.happened, []).append(int(one.amount))
    assert by_kind[Happened.USED] == [-30, -30, -10] or sum(by_kind[Happened.USED]) == -70
    assert by_kind[Happened.LOST][:2] == [-50, -70]
    assert by_kind[Happened.GRANTED] == [100] * 11
    # January's last 20 were not used in February, and end with it.
    assert by_kind[Happened.EXPIRED][0] == -20
    with pytest.raises(BadValue):
        await tell_buckets(replace(cmd, until=datetime(2028, 1, 1, tzinfo=UTC)), **_told(wiring, world))


async def test_a_line_that_is_activated_inside_a_month_has_its_part(wiring, world, load):
    alone = own.bucket("alone", "each subscription", "310", period=MONTHLY)
    shared = own.bucket("shared", "each contract", "310", period=MONTHLY, priority=1)
    await own.publish(wiring, world, buckets=[alone, shared])
    line = world.subscriptions[0]
    async with wiring.begin(world.actor) as unit:
        there = await unit.subscriptions.claim(line)
        days = [datetime(2026, 3, 11, 8, tzinfo=UTC), datetime(2026, 3, 31, 20, tzinfo=UTC)]
        await unit.subscriptions.keep(replace(there, activated_at=days[0], ended_at=days[1]))
    # 20 days of its own; the contract's runs on.
    at = datetime(2026, 3, 15, 12, tzinfo=UTC)
    assert await left(wiring, world, at, subscription=line) == {"alone": (200, 0, 200), "shared": (310, 0, 310)}
    await load(made.lines(call(1, 250, when=at)))
    assert await left(wiring, world, at, subscription=line) == {"alone": (200, 200, 0), "shared": (310, 50, 260)}
    april = datetime(2026, 4, 15, 12, tzinfo=UTC)
    assert (await left(wiring, world, april, subscription=line))["alone"] == (0, 0, 0)
    for event in await own.events(wiring, world):
        await explain_usage(event.ref, actor=world.actor, begin=wiring.begin, raters=wiring.raters)


async def test_a_line_whose_end_lies_ahead_is_served_until_then(wiring, world):
    await own.publish(wiring, world, buckets=[TOP, OWN], plans=PLANS)
    await set_gift_rules(SetGiftRules(per_month=9), actor=world.actor, begin=wiring.begin)
    line, other = world.subscriptions[0], await own.add_line(wiring, world, 0, "46709999999")
    async with wiring.begin(world.actor) as unit:
        there = await unit.subscriptions.claim(line)
        await unit.subscriptions.keep(replace(there, ended_at=datetime(2026, 3, 20, tzinfo=UTC)))
    top = GrantUnits(subscription=line, bucket="top", price=Decimal(0))
    gift = GiveUnits(giver=line, taker=other, bucket="own", amount=Decimal(10))
    await grant_units(top, **around(wiring, world))
    await give_units(gift, **around(wiring, world))
    plan = PutOnPlan(subscription=line, plan="Solo", valid_from=date(2026, 3, 20))
    await put_on_plan(plan, **around(wiring, world, clock=None, raters=False))
    over = around(wiring, world, clock=At(datetime(2026, 3, 20, tzinfo=UTC)))
    for refused in (
        grant_units(top, **over),
        give_units(gift, **over),
        put_on_plan(replace(plan, valid_from=date(2026, 3, 21)), **around(wiring, world, clock=None, raters=False)),
    ):
        with pytest.raises(WrongState):
            await refused

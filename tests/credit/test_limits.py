"""Exposures kept up to date, thresholds told once, bars that come and go by themselves."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from domain.access.limits import Ceiling, Limits
from domain.credit.kinds import Kind
from domain.margins.exchange import DayRate
from domain.provisioning.order import Bar
from domain.refusal import BadValue, NotAllowed, WrongState
from domain.usecases.limit_credit import (
    OverrideCredit,
    SetCreditLimit,
    end_override,
    override_credit,
    raised,
    set_credit_limit,
)
from domain.usecases.top_up_credit import TopUpCredit, top_up_credit
from domain.usecases.withdraw_file import WithdrawFile, withdraw_file
from tests.credit import made
from tests.intake import world as w

pytestmark = pytest.mark.usefixtures("world")


def norway(place: int, seconds: int = 60, *, a: int = 0) -> str:
    """A call to Norway: 0.69 and 1.20 a minute begun."""
    return w.row(place, a=w.number(a), b="4712345678", seconds=seconds)


@pytest.mark.parametrize(
    ("more", "credit"),
    [
        ({"amount": Decimal(120)}, Decimal(20)),
        ({"amount": Decimal(80)}, Decimal(-20)),
        ({"grace_amount": Decimal(500)}, Decimal(500)),
        ({"grace_days": 30}, Decimal(100)),
        ({"hard": False}, None),
        ({"bars": ()}, None),
        ({"bars": (Bar.DATA,)}, None),
    ],
)
async def test_whatever_loosens_a_limit_is_more_credit(wiring, world, more, credit):
    """Within a level's ceiling somebody raises an amount; he takes the limit's teeth no more than the limit."""
    before = await made.limit(wiring, world, "100")
    ceiling = Ceiling(currency="SEK", each=Decimal(50))
    clerk = replace(world.actor, limits=Limits(amounts=(ceiling,)))
    cmd = SetCreditLimit(**{"amount": Decimal(100), "customer": world.customers[0], "version": before.version, **more})
    if credit is None or credit > ceiling.each:
        with pytest.raises(NotAllowed, match="your level"):
            await set_credit_limit(cmd, **made.around(wiring, clerk))
    else:
        await set_credit_limit(cmd, **made.around(wiring, clerk))
    after = await set_credit_limit(cmd, **made.around(wiring, world.actor)) if credit is None else None
    assert raised(after or before, before) == (None if credit is None else 0)


@pytest.mark.parametrize("amount", ["1e999999", "1e-999999", "NaN", "-1", "Infinity", "0.0000001"])
async def test_an_amount_that_is_none_is_refused_at_once(wiring, world, amount):
    begun = time.monotonic()
    with pytest.raises(BadValue):
        await made.limit(wiring, world, amount)
    cmd = TopUpCredit(customer=world.customers[0], amount=Decimal(amount), reference="odd")
    with pytest.raises(BadValue):
        await top_up_credit(cmd, **made.around(wiring, world.actor))
    assert time.monotonic() - begun < 1
    for group in ("", "x" * 101):
        with pytest.raises(BadValue, match="1 to 100"):
            await made.limit(wiring, world, "1", group=group)


async def test_usage_is_counted_with_its_chunk(wiring, world, load):
    await load(w.lines(norway(0)))
    assert await made.used(wiring, world) == Decimal("1.89")  # nobody is watched: added up when it is asked for
    await made.limit(wiring, world, "100")
    await load(w.lines(norway(1), norway(2)), name="two.csv")
    one = (await made.exposures(wiring, world))[None]
    assert one.watched
    assert {each.kind: each.unbilled for each in one.kinds} == {
        Kind.ALL: Decimal("5.67"),
        Kind.INTERNATIONAL: Decimal("5.67"),
    }
    before, after = await made.from_scratch(wiring, world)
    assert before == after


async def test_what_is_taken_back_counts_no_more(wiring, world, load):
    await made.limit(wiring, world, "100")
    done = await load(w.lines(norway(0), norway(1)))
    assert await made.used(wiring, world) == Decimal("3.78")
    cmd = WithdrawFile(file=done.file.id, why="a test")
    await withdraw_file(cmd, formats=wiring.formats, raters=wiring.raters, **made.around(wiring, world.actor))
    assert await made.used(wiring, world) == 0
    before, after = await made.from_scratch(wiring, world)
    assert before == after


async def test_thresholds_are_told_once_and_again_after_they_were_left(wiring, world, load):
    await made.limit(wiring, world, "10", warn_at=(50, 80, 100), bars=())

    async def told():
        async with wiring.begin(world.actor) as unit:
            page = await unit.events.page(made.request(), kinds=["credit.threshold_reached"])
        return [one.data["percent"] for one in page.items]

    await load(w.lines(norway(0), norway(1), norway(2)), name="a.csv")  # 5.67
    await made.look(wiring, world)
    await made.look(wiring, world)
    assert await told() == [50]
    await load(w.lines(norway(3), norway(4), norway(5)), name="b.csv")  # 11.34
    await made.look(wiring, world)
    assert await told() == [50, 80, 100]
    await made.book(wiring, world, world.customers[0], -800, "paid")  # 3.34
    await made.look(wiring, world)
    await load(w.lines(norway(6), norway(7)), name="c.csv")  # 7.12
    await made.look(wiring, world)
    assert await told() == [50, 80, 100, 50]


async def test_a_limit_that_is_passed_bars_and_paying_unbars(wiring, world, load):
    await made.limit(wiring, world, "3")
    await load(w.lines(norway(0)), name="a.csv")
    assert await made.really_barred(wiring, world) == set()
    await load(w.lines(norway(1)), name="b.csv")
    # The chunk itself promised the look; nobody else has asked for one.
    assert await made.really_barred(wiring, world) == {Bar.OUTGOING, Bar.DATA}
    assert (await made.ask(wiring, world)).reason == "barred"
    await made.book(wiring, world, world.customers[0], -300, "paid")
    assert await made.really_barred(wiring, world) == set()
    assert (await made.ask(wiring, world)).reason is None


async def test_grace_lets_an_amount_and_days_pass(wiring, world, load):
    clock = made.MovingClock()
    wiring = replace(wiring, clock=clock)
    await made.limit(wiring, world, "3", grace_amount=Decimal(1), grace_days=2)
    await load(w.lines(norway(0), norway(1)))  # 3.78
    await made.look(wiring, world)
    assert not await made.barred(wiring, world)
    await load(w.lines(norway(2)), name="b.csv")  # 5.67
    await made.look(wiring, world)
    assert not await made.barred(wiring, world)
    clock.pass_by(days=2)
    await made.look(wiring, world)
    assert await made.barred(wiring, world) == {Bar.OUTGOING, Bar.DATA}


async def test_a_limit_of_a_kind_counts_that_kind_alone(wiring, world, load):
    await made.limit(wiring, world, "1", kind=Kind.INTERNATIONAL)
    await load(w.lines(w.row(0, a=w.number(0), b="46850000000", seconds=600)))
    await made.look(wiring, world)
    assert not await made.barred(wiring, world)
    assert (await made.ask(wiring, world, "46850000000", units=60)).left is None
    await load(w.lines(norway(1)), name="b.csv")
    await made.look(wiring, world)
    assert await made.barred(wiring, world) == {Bar.OUTGOING}


async def test_limits_of_groups_and_of_everybody_each_line(wiring, world, load):
    await made.limit(wiring, world, "1", each_line=True)
    await load(w.lines(norway(0), norway(1, a=1)))
    await made.look(wiring, world)
    assert await made.barred(wiring, world) == {Bar.OUTGOING, Bar.DATA}
    # The second one pays by list B: half of what calls in Sweden cost, and the same for Norway.
    assert await made.barred(wiring, world, 1) == {Bar.OUTGOING, Bar.DATA}
    assert not await made.barred(wiring, world, 2)
    # His own goes before everybody's.
    await made.limit(wiring, world, "50", subscription=world.subscriptions[0])
    await made.look(wiring, world)
    assert not await made.barred(wiring, world)


async def test_an_override_holds_until_it_ends(wiring, world, load):
    clock = made.MovingClock()
    wiring = replace(wiring, clock=clock)
    await made.limit(wiring, world, "1")
    await load(w.lines(norway(0)))
    await made.look(wiring, world)
    assert await made.barred(wiring, world)
    around = made.around(wiring, world.actor)
    cmd = OverrideCredit(
        customer=world.customers[0], reason="he has called", until=clock.pass_by(hours=0) + w.timedelta(days=1)
    )
    await override_credit(cmd, **around)
    await made.look(wiring, world)
    assert not await made.barred(wiring, world)
    clock.pass_by(days=1)
    await made.look(wiring, world)
    assert await made.barred(wiring, world)
    one = await override_credit(replace(cmd, until=None, amount=Decimal(5)), **around)
    await made.look(wiring, world)
    assert not await made.barred(wiring, world)
    await end_override(one.id, **around)
    await made.look(wiring, world)
    assert await made.barred(wiring, world)


async def test_who_pays_before_has_what_he_topped_up(wiring, world, load):
    await made.limit(wiring, world, "0")
    assert (await made.ask(wiring, world, units=60)).units == 0
    cmd = TopUpCredit(customer=world.customers[0], amount=Decimal("2.00"), reference="voucher-1")
    assert await top_up_credit(cmd, **made.around(wiring, world.actor)) == Decimal("2.00")
    assert await top_up_credit(cmd, **made.around(wiring, world.actor)) == Decimal("2.00")
    assert (await made.ask(wiring, world, units=3600)).units == 60  # 0.69 + 1.20
    await load(w.lines(norway(0)))
    assert (await made.ask(wiring, world, units=3600)).reason == "limit"


async def test_what_has_no_rate_is_no_one_of_ours_refused_with_a_reason_and_told(wiring, world):
    await made.limit(wiring, world, "10", bars=[Bar.OUTGOING])
    await made.book(wiring, world, world.customers[0], 500, "euros", "EUR")
    found = await made.ask(wiring, world)
    assert (found.units, found.reason) == (0, "no_exchange_rate")
    with pytest.raises(WrongState, match="no rate between SEK and EUR on 2026-11-01"):
        await made.exposures(wiring, world)
    assert await made.look(wiring, world) == 0
    assert await made.barred(wiring, world) == set(), "nobody is barred by what cannot be told"
    async with wiring.begin(world.actor) as unit:
        told = (await unit.alarms.page(made.request())).items
    assert [(one.kind, one.subject) for one in told] == [("credit_no_rate", f"customer:{world.customers[0]}")]
    async with wiring.begin(world.actor) as unit:
        rate = DayRate(made.NOW.date(), "EUR", "SEK", Decimal(10), "test")
        await unit.exchange.put([rate], replace=False, at=made.NOW)
    assert await made.used(wiring, world) == Decimal(50)
    assert await made.look(wiring, world) == 1
    assert await made.barred(wiring, world) == {Bar.OUTGOING}


async def test_other_limits_bar_also_of_whom_it_is_not_known_what_he_owes(wiring, world, load):
    await made.limit(wiring, world, "10", bars=[Bar.OUTGOING])
    abroad = await made.limit(wiring, world, "1", kind=Kind.INTERNATIONAL, bars=[Bar.DATA])
    await made.book(wiring, world, world.customers[0], 500, "euros", "EUR")
    await load(w.lines(norway(0)))
    assert await made.look(wiring, world) == 1
    assert await made.barred(wiring, world) == {Bar.DATA}
    await made.limit(wiring, world, "100", kind=Kind.INTERNATIONAL, bars=[Bar.DATA], version=abroad.version)
    assert await made.look(wiring, world) == 0
    assert await made.barred(wiring, world) == {Bar.DATA}, "nothing is lifted until it is known"
    async with wiring.begin(world.actor) as unit:
        jobs = (await unit.jobs.page(made.request(), kind="credit_check")).items
        hour = made.NOW.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        assert [one.run_at for one in jobs].count(hour) == 1, "once an hour"
        rate = DayRate(made.NOW.date(), "EUR", "SEK", Decimal(1), "test")
        await unit.exchange.put([rate], replace=False, at=made.NOW)
    assert await made.look(wiring, world) == 1
    assert await made.barred(wiring, world) == set()

"""Margins against a second reckoning from the list of events, for every seller and grouping, on both stores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.wiring import Wiring
from domain.access.actor import Action, Actor, system
from domain.ids import OperatorId
from domain.margins.exchange import DayRate
from domain.margins.margin import MarginBy, MarginOrder, MarginSums
from domain.ports.usage import UsageFilter
from domain.rating.rated_event import RatedEvent
from domain.refusal import BadValue, NotAllowed, NotFound
from domain.usecases.list_usage import ListUsage, list_usage
from domain.usecases.sum_levels import sum_levels
from domain.usecases.sum_margins import AskMargins, list_call_margins, sum_margins
from tests.intake import world as made

SINCE, UNTIL = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
RATES = {date(2026, 3, 1): "11.23456", date(2026, 3, 2): "10.987654", date(2026, 3, 3): "11.111111"}
Load = Callable[..., Awaitable[Any]]


async def keep_rates(wiring: Wiring, world: made.World, rates: dict[date, str]) -> None:
    async with wiring.begin(world.actor) as unit:
        given = [DayRate(day, "EUR", "SEK", Decimal(rate), "ECB") for day, rate in rates.items()]
        await unit.exchange.put(given, replace=False, at=made.NOW)


def spread(count: int = 60) -> bytes:
    """Calls by everybody over three local days, to three destinations, over two trunks of which one has a cost."""
    to = ("46850000000", "4722000000", "46701234567")
    rows = [
        made.row(
            n,
            a=made.number(n % 4),
            b=to[n % 3],
            seconds=7 + n * 3,
            start=made.FIRST + timedelta(hours=n * 0.9),
            trunk="T1" if n % 5 else "T2",
        )
        for n in range(count)
    ]
    return made.lines(*rows)


async def events_of(wiring: Wiring, world: made.World) -> list[RatedEvent]:
    cmd = ListUsage(since=SINCE, until=UNTIL, first=1000)
    return list((await list_usage(cmd, actor=world.actor, begin=wiring.begin)).items)


def amounts(event: RatedEvent, seller: int | None, world: made.World) -> tuple[Any, Any, Any]:
    """Return what a seller earns, what he pays, and who buys, by the words of the page and not by the code."""
    tiers = dict(zip(event.tiers, event.wholesale, strict=True))
    tree = {world.reseller: None, world.below: world.reseller, world.sibling: None}
    chain: list[Any] = []
    here = event.reseller
    while here is not None:
        chain.insert(0, here)
        here = tree[here]
    if seller is None:
        below, pays = chain, event.cost
    else:
        below, pays = chain[chain.index(seller) + 1 :], tiers.get(seller)
    sold = next((tiers[one] for one in below if one in tiers), event.retail)
    return sold, pays, below[0] if below else ""


def in_kronor(charge: Any, event: RatedEvent) -> int | None:
    if charge is None:
        return None
    micro = Fraction(charge.amount.value) * 10**6
    if charge.amount.currency == "SEK":
        return int(micro)
    day = event.start.astimezone(ZoneInfo("Europe/Stockholm")).date()
    rate = next((RATES[day - timedelta(days=n)] for n in range(8) if day - timedelta(days=n) in RATES), None)
    if rate is None:
        return None
    exact = micro * Fraction(rate)
    return int(exact + Fraction(1, 2)) if exact >= 0 else -int(-exact + Fraction(1, 2))


def reckoned(events: list[RatedEvent], seller: int | None, by: MarginBy, world: made.World) -> dict[str, MarginSums]:
    found: dict[str, list[int]] = defaultdict(lambda: [0] * 6)
    for event in events:
        if seller is not None and event.reseller not in (
            (seller, world.below) if seller == world.reseller else (seller,)
        ):
            continue
        sold, pays, buyer = amounts(event, seller, world)
        earned, paid = in_kronor(sold, event), in_kronor(pays, event)
        key = {
            MarginBy.ALL: "",
            MarginBy.DESTINATION: event.destination,
            MarginBy.CUSTOMER: f"{event.customer:019}",
            MarginBy.TRUNK: event.trunk or "",
            MarginBy.RESELLER: f"{buyer:019}" if buyer else "",
            MarginBy.DAY: event.start.astimezone(ZoneInfo("Europe/Stockholm")).date().isoformat(),
            MarginBy.CONTRACT: f"{event.contract:019}",
            MarginBy.SELLER: "",  # nobody sold these contracts; tests/api/test_trade.py has some that somebody did
            MarginBy.TEAM: "",
        }[by]
        both = earned is not None and paid is not None
        unconverted = sold is not None and pays is not None and not both
        add = (1, both, unconverted, earned or 0, paid or 0, earned - paid if both else 0)  # type: ignore[operator]
        found[key] = [before + more for before, more in zip(found[key], add, strict=True)]
    names = ("events", "compared", "unconverted", "earned", "paid", "margin")
    return {key: MarginSums(key=key, **dict(zip(names, row, strict=True))) for key, row in found.items()}


async def asked(wiring: Wiring, actor: Actor, by: MarginBy, **more: Any) -> dict[str, MarginSums]:
    """Return every row, three at a time, in both orders alike."""
    found: dict[MarginOrder, list[MarginSums]] = {}
    for order in MarginOrder:
        rows: list[MarginSums] = []
        after = None
        while True:
            cmd = AskMargins(since=SINCE, until=UNTIL, by=by, order=order, first=3, after=after, **more)
            page = await sum_margins(cmd, actor=actor, begin=wiring.begin)
            assert page.currency == "SEK"
            rows += page.items
            if not page.more:
                break
            after = (page.items[-1].margin, page.items[-1].key)
        found[order] = rows
    assert found[MarginOrder.KEY] == sorted(found[MarginOrder.KEY], key=lambda one: one.key)
    assert found[MarginOrder.MARGIN] == sorted(found[MarginOrder.MARGIN], key=lambda one: (one.margin, one.key))
    first, second = ({one.key: one for one in rows} for rows in found.values())
    assert first == second
    return first


@pytest.mark.parametrize("by", list(MarginBy))
async def test_every_sum_is_the_sum_of_its_events(wiring: Wiring, world: made.World, load: Load, by: MarginBy) -> None:
    await keep_rates(wiring, world, RATES)
    await load(spread())
    events = await events_of(wiring, world)
    callers = {
        None: world.actor,
        world.reseller: world.of_reseller(world.reseller, world.below),
        world.below: world.of_reseller(world.below),
        world.sibling: world.of_reseller(world.sibling),
    }
    for seller, actor in callers.items():
        expected = reckoned(events, seller, by, world)
        assert expected
        assert await asked(wiring, actor, by) == expected, seller
    if by is MarginBy.ALL:
        (own,) = (await asked(wiring, world.actor, by)).values()
        assert 0 < own.compared < own.events
        (silent,) = (await asked(wiring, world.of_reseller(world.sibling), by)).values()
        assert (silent.compared, silent.paid, silent.margin) == (0, 0, 0)  # he has no list: what he pays is unknown


async def test_grouping_changes_no_total_and_filters_are_parts(wiring: Wiring, world: made.World, load: Load) -> None:
    await keep_rates(wiring, world, RATES)
    await load(spread())
    (total,) = (await asked(wiring, world.actor, MarginBy.ALL)).values()
    for by in MarginBy:
        rows = (await asked(wiring, world.actor, by)).values()
        for name in ("events", "compared", "unconverted", "earned", "paid", "margin"):
            assert sum(getattr(one, name) for one in rows) == getattr(total, name), (by, name)
    parts = [await asked(wiring, world.actor, MarginBy.ALL, customer=one) for one in world.customers]
    assert sum(row.margin for part in parts for row in part.values()) == total.margin
    by_trunk = await asked(wiring, world.actor, MarginBy.TRUNK)
    assert (await asked(wiring, world.actor, MarginBy.ALL, trunk="T2"))[""].earned == by_trunk["T2"].earned
    norway = await asked(wiring, world.actor, MarginBy.DESTINATION, destination="Norway")
    assert set(norway) == {"Norway"}
    assert await asked(wiring, world.actor, MarginBy.DESTINATION, destination="Atlantis") == {}


async def test_sums_are_those_of_the_levels(wiring: Wiring, world: made.World, load: Load) -> None:
    """Costs are in euro: at a rate of one they are the levels' own sums, to the micro-unit."""
    await keep_rates(wiring, world, {date(2026, 3, 1): "1", date(2026, 3, 8): "1"})
    await load(spread())
    levels = await sum_levels(UsageFilter(since=SINCE, until=UNTIL), actor=world.actor, begin=wiring.begin)
    found = {one.currency: one for one in levels}
    (total,) = (await asked(wiring, world.actor, MarginBy.ALL)).values()
    own = await asked(wiring, world.actor, MarginBy.RESELLER)
    retail = sum(row.earned for key, row in own.items() if key in {"", f"{world.sibling:019}"})
    assert Decimal(total.paid).scaleb(-6) == found["EUR"].cost
    assert Decimal(total.earned - retail).scaleb(-6) == found["SEK"].wholesale
    assert total.events == found["SEK"].events


async def test_without_a_rate_nothing_is_guessed(wiring: Wiring, world: made.World, load: Load) -> None:
    await load(spread())
    (total,) = (await asked(wiring, world.actor, MarginBy.ALL)).values()
    assert total.compared == total.paid == total.margin == 0
    assert total.unconverted > 0
    assert total.earned > 0
    # A reseller's margin needs no rate.
    (own,) = (await asked(wiring, world.of_reseller(world.below), MarginBy.ALL)).values()
    assert own.compared == own.events


async def test_calls_and_what_was_sold_at_a_loss(wiring: Wiring, world: made.World, load: Load) -> None:
    await keep_rates(wiring, world, {date(2026, 3, 1): "9999"})
    await load(spread())
    rows, after = [], None
    while True:
        cmd = AskMargins(since=SINCE, until=UNTIL, first=7)
        page = await list_call_margins(cmd, after=after, actor=world.actor, begin=wiring.begin)
        rows += page.items
        if not page.more:
            break
        after = page.items[-1].event.ref
    (total,) = (await asked(wiring, world.actor, MarginBy.ALL)).values()
    assert [one.event.ref for one in rows] == sorted(one.event.ref for one in rows)
    assert sum(one.margin or 0 for one in rows) == total.margin
    assert len(rows) == total.events
    below = await list_call_margins(
        AskMargins(since=SINCE, until=UNTIL, first=1000), below=True, actor=world.actor, begin=wiring.begin
    )
    assert {one.event.ref for one in below.items} == {one.event.ref for one in rows if (one.margin or 0) < 0}
    assert below.items


async def test_a_reseller_sees_his_own_and_nothing_above(wiring: Wiring, world: made.World, load: Load) -> None:
    await keep_rates(wiring, world, RATES)
    await load(spread())
    for own, below in ((world.reseller, (world.below,)), (world.below, ()), (world.sibling, ())):
        actor = world.of_reseller(own, *below)
        page = await list_call_margins(AskMargins(since=SINCE, until=UNTIL), actor=actor, begin=wiring.begin)
        assert page.items
        for one in page.items:
            assert one.event.cost is None
            assert one.event.reseller in (own, *below)
            assert set(one.event.tiers) <= {own, *below}
            expected = (
                None
                if own == world.sibling
                else next(
                    charge for tier, charge in zip(one.event.tiers, one.event.wholesale, strict=True) if tier == own
                )
            )
            assert one.paid == (None if expected is None else int(expected.amount.value * 10**6))
    with pytest.raises(NotFound):
        await asked(wiring, world.of_reseller(world.below), MarginBy.ALL, customer=world.customers[3])
    with pytest.raises(NotFound):
        await asked(wiring, world.of_reseller(world.below), MarginBy.ALL, customer=world.customers[1])
    stranger = system(OperatorId(world.operator + 100_000))
    with pytest.raises(NotFound):
        await asked(wiring, stranger, MarginBy.ALL)
    for scopes in ({Action.READ_USAGE}, {Action.READ_COSTS}):
        weak = Actor(operator=world.operator, client="weak", scopes=frozenset(scopes))
        with pytest.raises(NotAllowed):
            await asked(wiring, weak, MarginBy.ALL)
    cmd = AskMargins(since=SINCE, until=SINCE + timedelta(days=500))
    with pytest.raises(BadValue):
        await sum_margins(cmd, actor=world.actor, begin=wiring.begin)

"""Events sold below cost raise an alarm with the chunk that brings them, once per destination, list and trunk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from api.wiring import Wiring
from domain.alarms.alarm import Alarm, AlarmState
from domain.margins import below_cost
from domain.margins.exchange import MarginRules
from domain.ports.page import PageRequest
from domain.usecases.acknowledge_alarm import close_alarm
from domain.usecases.import_rates import set_margin_rules
from domain.usecases.list_alarms import list_alarms
from domain.usecases.sum_margins import AskMargins, list_call_margins
from tests.intake import world as made
from tests.margins.test_margins import RATES, SINCE, UNTIL, keep_rates, spread

Load = Callable[..., Awaitable[Any]]
DEAR = {date(2026, 3, 1): "70.5", date(2026, 3, 3): "45.123456"}


async def alarms(wiring: Wiring, world: made.World, kind: str = below_cost.KIND) -> dict[str, Alarm]:
    page = await list_alarms(PageRequest(500), kind=kind, actor=world.actor, begin=wiring.begin)
    return {one.subject: one for one in page.items if one.state is AlarmState.OPEN}


async def expected(wiring: Wiring, world: made.World) -> dict[str, tuple[int, str, str]]:
    """Reckon them from the list of events sold at a loss."""
    page = await list_call_margins(
        AskMargins(since=SINCE, until=UNTIL, first=1000), below=True, actor=world.actor, begin=wiring.begin
    )
    counts: Counter[str] = Counter()
    earned: Counter[str] = Counter()
    paid: Counter[str] = Counter()
    for one in page.items:
        event = one.event
        plist = {0: "retail", 1: "wholesale", 2: "wholesale", 3: "retail"}[world.customers.index(event.customer)]
        subject = f"{event.destination} | {plist} | {event.trunk}"
        counts[subject] += 1
        earned[subject] += one.earned or 0
        paid[subject] += one.paid or 0
    return {
        name: (counts[name], f"{Decimal(earned[name]).scaleb(-6):f}", f"{Decimal(paid[name]).scaleb(-6):f}")
        for name in counts
    }


def told(found: dict[str, Alarm]) -> dict[str, tuple[int, Any, Any]]:
    return {name: (one.count, one.data["earned"], one.data["cost"]) for name, one in found.items()}


async def test_what_is_sold_below_cost_is_told_as_the_margins_say(
    wiring: Wiring, world: made.World, load: Load
) -> None:
    await keep_rates(wiring, world, DEAR)
    await load(spread(200))
    found = told(await alarms(wiring, world))
    assert found == await expected(wiring, world)
    assert len(found) > 2
    assert not await alarms(wiring, world, below_cost.NO_RATE)
    # The same file again brings no event, and so no alarm.
    before = await alarms(wiring, world)
    await load(spread(200) + b"\n")
    assert await alarms(wiring, world) == before


async def test_what_earns_enough_is_not_told(wiring: Wiring, world: made.World, load: Load) -> None:
    await keep_rates(wiring, world, RATES)
    await load(spread(200))
    assert told(await alarms(wiring, world)) == await expected(wiring, world)


@pytest.mark.parametrize("rate", ["24", "24.000001", "23.999999", "24.000000000001"])
async def test_a_tie_is_no_loss_and_a_millionth_more_is(
    wiring: Wiring, world: made.World, load: Load, rate: str
) -> None:
    """A minute wholesale earns 0.12 SEK and costs 0.005 EUR: at 24 SEK exactly as much."""
    await keep_rates(wiring, world, {date(2026, 3, 1): rate})
    rows = [made.row(n, a=made.number(1), b="46850000000", seconds=6000, start=made.FIRST) for n in range(3)]
    await load(made.lines(*rows))
    found = told(await alarms(wiring, world))
    assert found == await expected(wiring, world)
    assert bool(found) is (rate == "24.000001")  # a trillionth of a krona is rounded off


async def test_chunks_count_up_and_a_closed_one_begins_anew(wiring: Wiring, world: made.World, load: Load) -> None:
    await keep_rates(wiring, world, DEAR)
    await load(spread(200), records_per_chunk=37)
    first = await alarms(wiring, world)
    assert {name: one.count for name, one in first.items()} == {
        name: one[0] for name, one in (await expected(wiring, world)).items()
    }
    name, one = next(iter(first.items()))
    await close_alarm(one.id, actor=world.actor, begin=wiring.begin, clock=wiring.clock)
    late = [
        made.row(900 + n, a=made.number(n % 4), b=b, seconds=600, start=made.FIRST + timedelta(hours=1), trunk="T1")
        for n, b in enumerate(("46850000000", "4722000000", "46701234567") * 8)
    ]
    await load(made.lines(*late), name="late.csv")
    again = (await alarms(wiring, world))[name]
    assert again.id != one.id
    assert again.count < one.count


async def test_the_threshold_and_switching_it_off(wiring: Wiring, world: made.World, load: Load) -> None:
    await keep_rates(wiring, world, DEAR)
    await load(spread(40), name="before.csv")
    losses = {name: Decimal(str(one.data["loss"])) for name, one in (await alarms(wiring, world)).items()}
    least = sorted(losses.values())[len(losses) // 2]
    for rules, kept in (
        (MarginRules(least, 7), {n for n, v in losses.items() if v >= least}),
        (MarginRules(None, 7), set()),
    ):
        for one in (await alarms(wiring, world)).values():
            await close_alarm(one.id, actor=world.actor, begin=wiring.begin, clock=wiring.clock)
        await set_margin_rules(rules, actor=world.actor, begin=wiring.begin)
        later = b'"9772' if rules.loss_min is not None else b'"8772'
        done = await load(spread(40).replace(b'"1772', later), name=f"{rules.loss_min}.csv")
        assert done.rated == 40
        assert set(await alarms(wiring, world)) == kept


async def test_a_missing_exchange_rate_is_an_alarm_of_its_own(wiring: Wiring, world: made.World, load: Load) -> None:
    await load(spread(40))
    assert not await alarms(wiring, world)
    (one,) = (await alarms(wiring, world, below_cost.NO_RATE)).values()
    assert one.subject == "EUR to SEK"
    await keep_rates(wiring, world, DEAR)
    await load(spread(40).replace(b'"1772', b'"9772'), name="again.csv")
    assert await alarms(wiring, world)


async def test_more_than_are_told_are_one_more(
    wiring: Wiring, world: made.World, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(below_cost, "ALARMS_MAX", 2)
    await keep_rates(wiring, world, DEAR)
    await load(spread(200))
    found = await alarms(wiring, world)
    whole = await expected(wiring, world)
    assert len(found) == 3
    assert sum(one.count for one in found.values()) == sum(one[0] for one in whole.values())
    assert found["others"].data["combinations"] == len(whole) - 2


@pytest.mark.parametrize("rate", ["45.123456", "123456789.123456789123"])
async def test_rates_of_many_digits_are_compared_exactly(
    wiring: Wiring, world: made.World, load: Load, monkeypatch: pytest.MonkeyPatch, rate: str
) -> None:
    await keep_rates(wiring, world, {date(2026, 3, 1): rate})
    monkeypatch.setattr(below_cost, "FACTOR_MAX", 2**20 if rate.startswith("45") else 2**62)
    await load(spread(60))
    assert told(await alarms(wiring, world)) == await expected(wiring, world)

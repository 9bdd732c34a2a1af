"""Who may see which events, which charges, and what a call would cost."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from domain.access.actor import Action, system
from domain.catalogue.document import read_tariff
from domain.ids import ContractId, CustomerId, FileId, SubscriptionId
from domain.margins.exchange import DayRate
from domain.ports.page import PageRequest
from domain.ports.usage import UsageFilter
from domain.rating.rated_event import EventRef
from domain.refusal import BadValue, NotAllowed, NotFound
from domain.telling.text import text
from domain.usecases.explain_held import explain_held
from domain.usecases.explain_usage import explain_usage
from domain.usecases.find_event import find_event
from domain.usecases.get_usage import get_usage
from domain.usecases.list_files import get_file, list_files, list_sources
from domain.usecases.list_suspense import ListSuspense, count_suspense, list_suspense
from domain.usecases.list_usage import ListUsage, list_usage, sum_usage
from domain.usecases.price_call import PriceCall, price_call
from domain.usecases.sum_levels import sum_levels
from tests.intake import world as made

PERIOD = {"since": made.FIRST - timedelta(days=1), "until": made.FIRST + timedelta(days=40)}
FIXED = "46850000000"


@pytest.fixture
async def loaded(load, world):
    """One call of each of the four customers, in their order; and one of nobody's."""
    rows = [made.row(n, a=made.number(n), b=FIXED) for n in range(4)]
    return await load(made.lines(*rows, made.row(9, a="46799999999", b=FIXED)))


async def listed(wiring, actor, **chosen):
    return (await list_usage(ListUsage(**PERIOD, **chosen), actor=actor, begin=wiring.begin)).items


def charges(event):
    return (len(event.wholesale), event.tiers, event.cost is not None)


async def test_four_callers_see_their_own_events_and_charges(wiring, world, loaded):
    customers = world.customers
    own = await listed(wiring, world.actor)
    assert [one.customer for one in own] == list(customers)
    assert [charges(one)[2] for one in own] == [True] * 4
    reseller = await listed(wiring, world.of_reseller(world.reseller, world.below))
    assert [one.customer for one in reseller] == [customers[1], customers[2]]
    assert [charges(one) for one in reseller] == [
        (1, (world.reseller,), False),
        (2, (world.reseller, world.below), False),
    ]
    below = await listed(wiring, world.of_reseller(world.below))
    assert [one.customer for one in below] == [customers[2]]
    assert [charges(one) for one in below] == [(1, (world.below,), False)]
    assert str(below[0].wholesale[0].amount) == "0.180000 SEK"
    sibling = await listed(wiring, world.of_reseller(world.sibling))
    assert [one.customer for one in sibling] == [customers[3]]
    stranger = await made.with_source(wiring, f"x{world.operator}")
    assert await listed(wiring, stranger.actor) == []


async def test_another_callers_event_is_not_there(wiring, world, loaded):
    events = await listed(wiring, world.actor)
    stranger = await made.with_source(wiring, f"x{world.operator}")
    for actor in (world.of_reseller(world.sibling), stranger.actor, world.of_reseller(world.below)):
        with pytest.raises(NotFound):
            await get_usage(events[1].ref, actor=actor, begin=wiring.begin)
        for chosen in ({"customer": world.customers[1]}, {"subscription": world.subscriptions[1]}):
            with pytest.raises(NotFound):
                await listed(wiring, actor, **chosen)
    assert await get_usage(events[1].ref, actor=world.actor, begin=wiring.begin) == events[1]


async def test_costs_need_their_permission(wiring, world, loaded):
    actor = replace(world.actor, scopes=frozenset({Action.READ_USAGE}))
    assert all(one.cost is None and one.retail for one in await listed(wiring, actor))
    with pytest.raises(NotAllowed):
        await listed(wiring, replace(actor, scopes=frozenset()))


async def test_levels_are_summed_for_the_operator_alone(wiring, world, loaded):
    chosen = UsageFilter(**PERIOD)
    (krona, euro) = sorted(
        await sum_levels(chosen, actor=world.actor, begin=wiring.begin), key=lambda one: one.currency, reverse=True
    )
    events = await listed(wiring, world.actor)
    assert krona.retail == sum(one.retail.amount.value for one in events)
    assert euro.cost == sum(one.cost.amount.value for one in events)
    reseller, sibling = world.of_reseller(world.reseller, world.below), world.of_reseller(world.sibling)
    for actor in (reseller, sibling, replace(world.actor, scopes=frozenset({Action.READ_USAGE}))):
        with pytest.raises(NotAllowed):
            await sum_levels(chosen, actor=actor, begin=wiring.begin)
    stranger = await made.with_source(wiring, f"x{world.operator}")
    assert await sum_levels(chosen, actor=stranger.actor, begin=wiring.begin) == []


async def test_events_are_listed_by_customer_contract_and_subscription(wiring, world, loaded):
    (event,) = await listed(wiring, world.actor, customer=world.customers[2])
    assert event.customer == world.customers[2]
    assert await listed(wiring, world.actor, contract=event.contract) == [event]
    assert await listed(wiring, world.actor, subscription=event.subscription) == [event]
    for chosen in (
        {"customer": CustomerId(999_999)},
        {"contract": ContractId(999_999)},
        {"subscription": SubscriptionId(999_999)},
        {"customer": world.customers[0], "subscription": event.subscription},
    ):
        with pytest.raises(NotFound):
            await listed(wiring, world.actor, **chosen)


async def test_pages_follow_one_another_without_a_gap(wiring, world, load):
    await load(made.calls(23))
    whole = await listed(wiring, world.actor, first=1000)
    pages, after = [], None
    for _ in range(20):
        cmd = ListUsage(**PERIOD, first=5, after=after)
        page = await list_usage(cmd, actor=world.actor, begin=wiring.begin)
        pages.append(list(page.items))
        if not page.more:
            break
        after = page.items[-1].ref
    assert [len(page) for page in pages] == [5, 5, 5, 5, 3]
    assert list(itertools.chain(*pages)) == list(whole)
    for bad in ({"first": 0}, {"first": 1001}):
        with pytest.raises(BadValue):
            await listed(wiring, world.actor, **bad)


async def test_totals_are_the_sum_of_what_is_listed(wiring, world, load):
    await load(made.calls(40))
    whole = await listed(wiring, world.actor, first=1000)
    totals = await sum_usage(ListUsage(**PERIOD), actor=world.actor, begin=wiring.begin)
    assert sum(one.events for one in totals) == len(whole)
    for one in totals:
        same = [each for each in whole if each.destination == one.destination]
        assert one.retail.value == sum(each.retail.amount.value for each in same)
        assert (one.used, one.billed) == (sum(each.used for each in same), sum(each.billed for each in same))


async def test_what_is_held_is_the_operators_alone(wiring, world, loaded):
    page = await list_suspense(ListSuspense(reason="no_party"), actor=world.actor, begin=wiring.begin)
    assert [one.reason for one in page.items] == ["no_party"]
    assert (await list_suspense(ListSuspense(reason="no_rate"), actor=world.actor, begin=wiring.begin)).items == []
    assert await count_suspense(actor=world.actor, begin=wiring.begin) == {"no_party": 1}
    files = await list_files(PageRequest(), actor=world.actor, begin=wiring.begin)
    assert files.items == [loaded.file]
    stranger = await made.with_source(wiring, f"x{world.operator}")
    assert await count_suspense(actor=stranger.actor, begin=wiring.begin) == {}
    with pytest.raises(NotFound):
        await get_file(FileId(loaded.file.id), actor=stranger.actor, begin=wiring.begin)
    assert [one.name for one in await list_sources(actor=stranger.actor, begin=wiring.begin)] == ["pbx"]
    reseller = world.of_reseller(world.reseller)
    for ask in (
        list_suspense(ListSuspense(), actor=reseller, begin=wiring.begin),
        count_suspense(actor=reseller, begin=wiring.begin),
        list_files(PageRequest(), actor=reseller, begin=wiring.begin),
        list_sources(actor=reseller, begin=wiring.begin),
    ):
        with pytest.raises(NotAllowed):
            await ask


async def quote(wiring, actor, subscription, **call):
    cmd = PriceCall(subscription=subscription, **{"number": FIXED, "at": made.FIRST, "trunk": "T1", **call})
    return await price_call(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock, raters=wiring.raters)


async def test_a_quote_is_what_the_call_then_costs(wiring, world, loaded):
    for event, subscription in zip(await listed(wiring, world.actor), world.subscriptions, strict=True):
        said = await quote(wiring, world.actor, subscription, used=event.used, at=event.start)
        assert (said.retail, said.wholesale, said.tiers, said.cost) == (
            event.retail,
            event.wholesale,
            event.tiers,
            event.cost,
        )
        assert (said.destination, said.billed) == (event.destination, event.billed)


async def test_a_quote_shows_what_the_caller_may_see(wiring, world):
    said = await quote(wiring, world.of_reseller(world.below), world.subscriptions[2])
    assert (said.tiers, said.cost) == ((world.below,), None)
    assert [str(one.amount) for one in said.wholesale] == ["0.180000 SEK"]
    for actor in (world.of_reseller(world.sibling), system(type(world.operator)(999_999))):
        with pytest.raises(NotFound):
            await quote(wiring, actor, world.subscriptions[2])


async def test_a_quote_says_why_there_is_no_price(wiring, world):
    for number, reason in (("99900000", "no_destination"), ("3545550000", "no_rate")):
        said = await quote(wiring, world.actor, world.subscriptions[0], number=number)
        assert (said.reason, said.retail) == (reason, None)
    for bad in (
        {"number": "+46 8"},
        {"number": "٤٦"},
        {"used": -1},
        {"direction": "up"},
        {"at": made.FIRST.replace(tzinfo=None)},
    ):
        with pytest.raises(BadValue):
            await quote(wiring, world.actor, world.subscriptions[0], **bad)


async def test_an_event_is_found_by_the_name_that_its_record_says(wiring, world, loaded):
    event = (await listed(wiring, world.actor))[1]
    name = f"asterisk-prov/{event.reference}/{event.leg}/{event.start:%Y-%m-%dT%H:%M:%SZ}/{event.offset}"
    assert await find_event(name, actor=world.actor, begin=wiring.begin) == event.ref
    assert await find_event(str(event.ref), actor=world.actor, begin=wiring.begin) == event.ref
    for other in (name.replace("asterisk", "a"), name[:-1] + "5"):
        with pytest.raises(NotFound):
            await find_event(other, actor=world.actor, begin=wiring.begin)
    for caller in (world.of_reseller(world.sibling), world.of_reseller(world.below)):
        for one in (name, str(event.ref)):
            with pytest.raises(NotFound):
                await find_event(one, actor=caller, begin=wiring.begin)
    for bad in ("a/b/c", "a/b/c/yesterday/0", "a/b/c/2026-03-02T07:00:05/0", "a/b/c/2026-03-02T07:00:05Z/-1", "x"):
        with pytest.raises(BadValue):
            await find_event(bad, actor=world.actor, begin=wiring.begin)


async def explained(wiring, actor, ref):
    return await explain_usage(ref, actor=actor, begin=wiring.begin, raters=wiring.raters)


async def test_an_event_is_explained_as_it_was_rated_whatever_changed(wiring, world, load):
    await load(made.calls(24))
    events = await listed(wiring, world.actor)
    async with wiring.begin(world.actor) as unit:
        lists = made.TARIFF["price_lists"] | {"retail": made.plist(made.rate("*", "9.00"))}
        await unit.catalogue.publish(read_tariff(made.TARIFF | {"price_lists": lists}), recorded_at=made.NOW)
        customer = await unit.customers.claim(world.customers[0])
        await unit.customers.keep(replace(customer, price_list="retail B"))
    for event in events:
        said = await explained(wiring, world.actor, event.ref)
        assert said.event == event
        assert said.explanation.destination == event.destination
        retail = said.explanation.levels[0]
        assert (retail.level, retail.amount) == ("retail", int(event.retail.amount.value * 10**6))
        assert text(said.explanation)
    again = await load(made.lines(made.row(500, a=made.number(0), b="4722000000")), name="2.csv")
    assert again.file.rated == 1
    new = (await listed(wiring, world.actor))[-1]
    said = await explained(wiring, world.actor, new.ref)
    assert [one.price_list for one in said.explanation.levels[0].considered] == ["retail B", "retail"]
    assert str(new.retail.amount) == "9.000000 SEK"


async def test_an_explanation_tells_only_what_the_caller_may_see(wiring, world, loaded):
    event = (await listed(wiring, world.actor))[2]

    def levels(said):
        return [(one.level, one.tier) for one in said.explanation.levels], said.tiers

    own = levels(await explained(wiring, world.actor, event.ref))
    both = (world.reseller, world.below)
    assert own == ([("retail", 0), ("wholesale", 1), ("wholesale", 2), ("cost", 0)], both)
    above = world.of_reseller(world.reseller, world.below)
    assert levels(await explained(wiring, above, event.ref)) == (own[0][:3], both)
    below = await explained(wiring, world.of_reseller(world.below), event.ref)
    assert levels(below) == ([("retail", 0), ("wholesale", 2)], (world.below,))
    told = text(below.explanation)
    assert "0.18" in told
    assert "0.12" not in told
    assert "EUR" not in told
    for actor in (world.of_reseller(world.sibling), system(type(world.operator)(999_999))):
        with pytest.raises(NotFound):
            await explained(wiring, actor, event.ref)


def test_an_events_name_is_read_as_it_was_written():
    ref = EventRef(1_772_000_000_000_000, made.ResellerId(3), -5)
    assert EventRef.read(str(ref)) == ref
    for bad in ("", "1.2", "1.2.x", "1.2.9223372036854775808", "٣.1.1"):
        with pytest.raises(BadValue):
            EventRef.read(bad)


async def test_a_discount_for_one_subscription_is_rated_and_explained(wiring, world, load):
    name = str(world.subscriptions[3])
    ring = {"id": "half", "priority": 1, "effect": {"percent": "-50"}, "when": {"parties": [name]}}
    document = made.TARIFF | {"discount_rings": [ring], "parties": {name: {"retail": "retail"}}}
    async with wiring.begin(world.actor) as unit:
        await unit.catalogue.publish(read_tariff(document), recorded_at=made.NOW)
    await load(made.lines(*(made.row(n, a=made.number(n), b=FIXED) for n in (2, 3))))
    events = await listed(wiring, world.actor)
    assert [str(one.retail.amount) for one in events] == ["0.790000 SEK", "0.395000 SEK"]
    said = await explained(wiring, world.actor, events[1].ref)
    assert [one.ring for one in said.explanation.levels[0].rings] == ["half"]


async def test_a_margin_in_two_currencies_takes_the_local_days_exchange_rate(wiring, world, loaded):
    event = (await listed(wiring, world.actor))[0]
    (unknown,) = (await explained(wiring, world.actor, event.ref)).explanation.margins
    assert (unknown.currency, unknown.other, unknown.amount) == ("SEK", "EUR", None)
    rate = DayRate(made.FIRST.date(), "EUR", "SEK", Decimal("10.5"), "test")
    async with wiring.begin(world.actor) as unit:
        await unit.exchange.put([rate], replace=False, at=made.NOW)
    said = await explained(wiring, world.actor, event.ref)
    # 0.79 SEK, less 0.005 EUR at 10.50.
    (margin,) = said.explanation.margins
    assert (margin.amount, margin.price_told) == (737_500, Decimal("10.5"))
    assert "0.7375" in text(said.explanation)
    assert "1 EUR" in text(said.explanation)


async def test_a_held_event_is_explained_by_its_number_and_its_name(wiring, world, loaded):
    async with wiring.begin(world.actor) as unit:
        (held,) = (await unit.suspense.page(PageRequest())).items
    name = "/".join(str(held.event[part]) for part in ("source", "ref", "leg", "start", "offset"))
    around = {"begin": wiring.begin, "raters": wiring.raters}
    for key in (str(held.id), name):
        said = await explain_held(key, actor=world.actor, **around)
        assert (said.status, said.located.prefix, said.event.b) == ("no_party", "46", FIXED)
        with pytest.raises(NotAllowed):
            await explain_held(key, actor=world.of_reseller(world.reseller), **around)
    stranger = await made.with_source(wiring, f"x{world.operator}")
    for bad in ("999999", "a/b/c/2026-03-02T07:00:00Z/0"):
        with pytest.raises(NotFound):
            await explain_held(bad, actor=world.actor, **around)
    for key in (str(held.id), name):
        with pytest.raises(NotFound):
            await explain_held(key, actor=stranger.actor, **around)
    with pytest.raises(BadValue):
        await explain_held("x", actor=world.actor, **around)

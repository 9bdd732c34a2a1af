"""Events rated again: what changes, what stays, and that the second time nothing does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.access.actor import Action
from domain.ids import ContractId, CustomerId, SubscriptionId
from domain.ports.page import PageRequest
from domain.refusal import BadValue, NotAllowed, NotFound
from domain.rerating.rerating import Reason, ReratingState, Selection
from domain.usecases.list_suspense import count_suspense
from domain.usecases.list_usage import ListUsage, list_usage, sum_usage
from domain.usecases.rerate import Rerate, list_reratings, rerate
from tests.intake import world as made
from tests.intake.conftest import NUMBERS
from tests.rerating.conftest import SINCE, UNTIL, dearer, iceland, publish

FIXED, NORWAY, ICELAND = "46850000000", "4722000000", "3545000000"


@pytest.fixture
async def loaded(load, world):
    """Each of the four customers called Sweden for a minute, and customer 0 Norway and, without a price, Iceland."""
    rows = [made.row(n, a=made.number(n), b=FIXED) for n in range(4)]
    rows += [made.row(4, a=made.number(0), b=NORWAY), made.row(5, a=made.number(0), b=ICELAND)]
    return await load(made.lines(*rows))


@pytest.fixture
async def load_stored(stored):
    """The same calls in the database, where runs can meet, and what rates them again."""
    world = await made.with_source(stored, f"meet{next(NUMBERS)}")
    rows = [made.row(n, a=made.number(n), b=FIXED) for n in range(4)]
    rows += [made.row(4, a=made.number(0), b=NORWAY), made.row(5, a=made.number(0), b=ICELAND)]
    await made.load(stored, world, made.lines(*rows))

    async def one(*, reason, **options):
        selection = Selection(since=SINCE, until=UNTIL)
        who = {"actor": world.actor, "begin": stored.begin, "clock": stored.clock, "raters": stored.raters}
        return await rerate(Rerate(selection=selection, reason=reason), **who, **options)

    return world, one


async def listed(wiring, actor, **chosen):
    return (await list_usage(ListUsage(since=SINCE, until=UNTIL, **chosen), actor=actor, begin=wiring.begin)).items


async def summed(wiring, actor, **chosen):
    found = await sum_usage(ListUsage(since=SINCE, until=UNTIL, **chosen), actor=actor, begin=wiring.begin)
    return {one.destination: (one.events, one.used, str(one.retail)) for one in found}


async def test_a_wrong_price_is_taken_back_and_written_anew_once(wiring, world, loaded, again):
    before = await summed(wiring, world.actor)
    await publish(wiring, world, dearer)
    done = await again()
    # Customer 1 has half the price of a minute, and the same to begin with.
    assert (done.tally.examined, done.tally.changed, done.tally.same) == (5, 4, 1)
    assert done.tally.amounts["retail SEK"] == (3_010_000, 5_110_000)
    after = await summed(wiring, world.actor)
    assert before["Sweden fixed"] == (4, 240, "3.010000 SEK")
    assert after["Sweden fixed"] == (4, 240, "5.110000 SEK")
    assert after["Norway"] == before["Norway"]
    events = await listed(wiring, world.actor)
    assert [(one.version, str(one.retail.amount)) for one in events[:2]] == [
        (3, "1.390000 SEK"),
        (3, "0.940000 SEK"),
    ]
    assert [one.version for one in events] == [3, 3, 3, 3, 1]
    assert {one.file for one in events} == {loaded.file.id}
    second = await again()
    assert (second.tally.changed, second.tally.same, second.tally.amounts) == (0, 5, {})
    assert await summed(wiring, world.actor) == after


async def test_a_preview_counts_the_same_and_writes_nothing(wiring, world, loaded, again):
    await publish(wiring, world, lambda document: (dearer(document), iceland(document)))
    before = await summed(wiring, world.actor)
    shown = await again(preview=True)
    assert shown.id == 0
    assert await summed(wiring, world.actor) == before
    assert await count_suspense(actor=world.actor, begin=wiring.begin) == {"no_rate": 1}
    assert not (await list_reratings(PageRequest(), actor=world.actor, begin=wiring.begin)).items
    done = await again()
    assert done.tally == shown.tally
    assert done.tally.released == 1
    (kept,) = (await list_reratings(PageRequest(), actor=world.actor, begin=wiring.begin)).items
    assert kept == done


async def test_a_late_price_releases_what_was_in_suspense(wiring, world, loaded, again, load):
    await publish(wiring, world, iceland)
    assert (await again(reason=Reason.LATE_PRICE, unrated="no_party")).tally.held == 0
    other = await again(reason=Reason.LATE_PRICE, unrated="no_rate", customer=world.customers[1])
    assert (other.tally.passed, other.tally.released) == (1, 0)
    done = await again(reason=Reason.LATE_PRICE, unrated="no_rate")
    assert (done.tally.examined, done.tally.held, done.tally.released) == (0, 1, 1)
    assert done.tally.amounts["retail SEK"] == (0, 2_400_000)
    assert await count_suspense(actor=world.actor, begin=wiring.begin) == {}
    iceland_calls = [one for one in await listed(wiring, world.actor) if one.destination == "Iceland"]
    assert [(one.version, one.b, one.reference, one.used) for one in iceland_calls] == [
        (1, ICELAND, iceland_calls[0].reference, 60)
    ]
    assert iceland_calls[0].file == loaded.file.id
    # The same call in another file is still the same call.
    more = await load(made.lines(made.row(5, a=made.number(0), b=ICELAND)), name="again.csv")
    assert (more.balance.events, more.balance.duplicates) == (0, 1)


async def test_a_changed_contract_rates_by_its_new_list(wiring, world, loaded, again):
    async with wiring.begin(world.actor) as unit:
        subscription = (await unit.subscriptions.many([world.subscriptions[1]]))[world.subscriptions[1]]
        contract = await unit.contracts.get(subscription.contract)
        await unit.contracts.keep(replace(contract, price_list=None))
    done = await again(reason=Reason.CHANGED_CONTRACT, customer=world.customers[1])
    assert (done.tally.examined, done.tally.changed, done.tally.moved) == (1, 1, 0)
    assert done.tally.amounts["retail SEK"] == (640_000, 790_000)


@pytest.mark.parametrize(
    ("chosen", "examined"),
    [
        ({"destination": "Norway"}, 1),
        ({"price_list": "retail B"}, 1),
        ({"price_list": "wholesale sub"}, 1),
        ({"price_list": "cost"}, 5),
        ({"source": "pbx"}, 5),
        ({"until": made.FIRST + timedelta(seconds=7)}, 1),
    ],
)
async def test_filters(wiring, world, loaded, again, chosen, examined):
    done = await again(preview=True, **chosen)
    assert done.tally.examined == examined


async def test_an_interrupted_run_goes_on_where_it_was(wiring, world, loaded, again):
    await publish(wiring, world, lambda document: (dearer(document), iceland(document)))

    class Stop(Exception):  # noqa: N818  (nothing went wrong)
        pass

    def stop(run):
        if run.tally.examined >= 2:
            raise Stop

    with pytest.raises(Stop):
        await again(events_per_chunk=1, progress=stop)
    (half,) = (await list_reratings(PageRequest(), actor=world.actor, begin=wiring.begin)).items
    assert (half.state, half.tally.changed) == (ReratingState.RUNNING, 2)
    done = await again(events_per_chunk=1)
    assert (done.id, done.state) == (half.id, ReratingState.DONE)
    assert (done.tally.examined, done.tally.changed, done.tally.released) == (5, 4, 1)
    assert [one.version for one in await listed(wiring, world.actor)] == [3, 3, 3, 3, 1, 1]


async def test_two_runs_at_once_write_each_change_once(stored, load_stored):
    world, again = load_stored
    await publish(stored, world, lambda document: (dearer(document), iceland(document)))
    one, other = await asyncio.gather(
        again(reason=Reason.WRONG_PRICE, events_per_chunk=2), again(reason=Reason.LATE_PRICE, events_per_chunk=2)
    )
    assert one.id != other.id
    assert one.tally.changed + other.tally.changed == 4
    assert one.tally.released + other.tally.released == 1
    assert [event.version for event in await listed(stored, world.actor)] == [3, 3, 3, 3, 1, 1]
    assert (await summed(stored, world.actor))["Sweden fixed"] == (4, 240, "5.110000 SEK")


async def test_what_lost_its_price_stays_as_it_is_and_is_told(wiring, world, loaded, again):
    def gone(document):
        del document["price_lists"]["retail"]["rates"][2]

    await publish(wiring, world, gone)
    done = await again()
    assert (done.tally.unpriced, done.tally.changed) == ({"no_rate": 1}, 0)
    assert (await summed(wiring, world.actor))["Norway"] == (1, 60, "1.890000 SEK")


async def test_four_callers(wiring, world, loaded, again):
    for actor in (
        world.of_reseller(world.reseller, world.below),
        world.of_reseller(world.below),
        world.of_reseller(world.sibling, scopes=[Action.RERATE]),
    ):
        with pytest.raises(NotAllowed):
            await again(actor=actor)
        with pytest.raises(NotAllowed):
            await list_reratings(PageRequest(), actor=actor, begin=wiring.begin)
    await publish(wiring, world, dearer)
    stranger = await made.with_source(wiring, f"x{world.operator}")
    assert (await again(actor=stranger.actor)).tally.examined == 0
    for chosen in (
        {"customer": world.customers[0]},
        {"subscription": world.subscriptions[0]},
        {"contract": (await listed(wiring, world.actor))[0].contract},
    ):
        with pytest.raises(NotFound):
            await again(actor=stranger.actor, **chosen)
    await again()
    # Each reseller sees what his customers pay now, and only theirs.
    below = await listed(wiring, world.of_reseller(world.below))
    assert [(one.customer, one.version) for one in below] == [(world.customers[2], 3)]


@pytest.mark.parametrize(
    ("chosen", "refused"),
    [
        ({"until": SINCE}, BadValue),
        ({"unrated": "whim"}, BadValue),
        ({"source": "nowhere"}, NotFound),
        ({"price_list": "retial"}, NotFound),
        ({"destination": "Swedn fixed"}, NotFound),
        ({"customer": CustomerId(999_999)}, NotFound),
        ({"contract": ContractId(999_999)}, NotFound),
        ({"subscription": SubscriptionId(999_999)}, NotFound),
    ],
)
async def test_what_is_not_there_is_refused(world, again, chosen, refused):
    with pytest.raises(refused):
        await again(**chosen)

"""What may be used now, what is set aside for it, and never more than the limit, whoever asks at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.credit.capacity import largest
from domain.credit.reservation import ReservationState
from domain.ids import CreditReservationId
from domain.refusal import NotFound, WrongState
from domain.usecases.reserve_call import (
    CommitReservation,
    ExtendReservation,
    commit_reservation,
    extend_reservation,
    release_reservation,
)
from domain.usecases.tend_credit import tend_credit
from tests.buckets import made as buckets
from tests.credit import made
from tests.intake import world as w

FIXED = "46850000000"


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=200),
    st.integers(0, 3000),
    st.integers(1, 200),
    st.sampled_from([1, 2, 5, 64]),
)
@settings(max_examples=300)
def test_the_largest_is_the_largest(steps, left, most, points):
    """Charges that never fall: asking few lengths finds what asking all of them does."""
    table = np.concatenate([[0], np.cumsum(steps)]).astype(np.int64)

    def charges(units):
        return table[np.minimum(units, len(table) - 1)]

    every = [(n, int(charges(np.array([n]))[0])) for n in range(1, most + 1)]
    fitting = [one for one in every if one[1] <= left]
    assert largest(charges, left, most, points=points) == (fitting[-1] if fitting else (0, 0))


async def test_as_much_as_the_kernel_charges_for(wiring, world):
    await made.limit(wiring, world, "10")
    for number in (FIXED, "4712345678", "46701234567"):
        found = await made.ask(wiring, world, number)
        price = made.price(wiring, world, number)
        assert found.units
        assert found.left == Decimal(10)
        assert found.amount == await price(found.units) <= 10
        assert await price(found.units + 1) > 10
    # To Norway a minute costs 1.20, begun or not: 0.69 + 7 * 1.20 = 9.09.
    assert (await made.ask(wiring, world)).units == 420


async def test_bands_that_change_during_the_call(wiring, world):
    bands = {"cheap": {"days": "1-7", "from": "13:01", "to": "08:00", "rank": 1}}
    dear = w.rate("Norway", "6")
    cheap = {**w.rate("Norway", "0.60"), "band": "cheap"}
    lists = {"retail": {**w.plist(dear, cheap), "band_policy": "split"}}
    await buckets.publish(wiring, world, bands=bands, price_lists={**w.TARIFF["price_lists"], **lists})
    await made.limit(wiring, world, "7")
    # It is 13:00 in Stockholm: a minute at 6, then 100 seconds at 0.60 a minute.
    assert (await made.ask(wiring, world)).units == 160


async def test_what_has_no_price_is_not_free(wiring, world):
    await made.limit(wiring, world, "10")
    assert (await made.ask(wiring, world, "3541234567")).reason == "no_rate"
    assert (await made.ask(wiring, world, "9991234567")).reason == "no_destination"


async def test_without_a_limit_all_that_is_wanted(wiring, world):
    found = await made.ask(wiring, world, units=1000)
    assert (found.units, found.left, found.reason) == (1000, None, None)


async def test_reserving_leaves_less_for_the_next(wiring, world):
    await made.limit(wiring, world, "5")
    one, told = await made.reserve(wiring, world, units=60)
    assert (one.granted, told.amount) == (60, Decimal("1.89"))
    assert await made.used(wiring, world) == Decimal("1.89")
    two, _ = await made.reserve(wiring, world, units=3600)
    assert two.granted == 120  # 3.11 were left: 0.69 + 2 * 1.20
    with pytest.raises(WrongState, match="nothing may be used"):
        await made.reserve(wiring, world, units=60)
    around = made.around(wiring, world.actor)
    await release_reservation(two.id, **around)
    assert (await release_reservation(two.id, **around)).state is ReservationState.RELEASED
    assert await made.used(wiring, world) == Decimal("1.89")


async def test_the_same_reference_is_the_same_reservation(wiring, world):
    await made.limit(wiring, world, "5")
    one, _ = await made.reserve(wiring, world, units=60, reference="call-1")
    two, _ = await made.reserve(wiring, world, units=60, reference="call-1")
    assert one.id == two.id
    assert await made.used(wiring, world) == Decimal("1.89")


async def test_extending_prices_the_call_from_its_start(wiring, world):
    await made.limit(wiring, world, "5")
    one, _ = await made.reserve(wiring, world, units=60)
    around = made.around(wiring, world.actor, raters=wiring.raters)
    more = await extend_reservation(ExtendReservation(reservation=one.id, units=60), **around)
    assert (more.granted, more.amount) == (120, 3_090_000)  # one setup fee
    more = await extend_reservation(ExtendReservation(reservation=one.id, units=600), **around)
    assert (more.granted, more.amount) == (180, 4_290_000)
    more = await extend_reservation(ExtendReservation(reservation=one.id, units=600), **around)
    assert more.granted == 180


async def test_committing_keeps_what_was_used_until_its_record_comes(wiring, world, load):
    wiring = replace(wiring, clock=made.MovingClock(w.FIRST))
    await made.limit(wiring, world, "20")
    one, _ = await made.reserve(wiring, world, units=300)
    around = made.around(wiring, world.actor, raters=wiring.raters)
    done = await commit_reservation(CommitReservation(reservation=one.id, used=60), **around)
    assert (done.state, done.amount) == (ReservationState.COMMITTED, 1_890_000)
    assert await made.used(wiring, world) == Decimal("1.89")
    await load(w.lines(w.row(0, a=w.number(0), b="4712345678", seconds=60)))
    async with wiring.begin(world.actor) as unit:
        assert (await unit.credit.reservation(one.id)).state is ReservationState.SETTLED
    found = (await made.exposures(wiring, world))[None].kinds[0]
    assert (found.unbilled, found.reserved) == (Decimal("1.89"), Decimal("0.00"))
    # What the network says after that changes nothing.
    assert (await commit_reservation(CommitReservation(reservation=one.id, used=61), **around)).used == 60


async def test_the_record_settles_by_reference_and_no_other(wiring, world, load):
    wiring = replace(wiring, clock=made.MovingClock(w.FIRST))
    await made.limit(wiring, world, "20")
    one, _ = await made.reserve(wiring, world, units=60, reference="another-call")
    await load(w.lines(w.row(0, a=w.number(0), b="4712345678", seconds=60)))
    async with wiring.begin(world.actor) as unit:
        assert (await unit.credit.reservation(one.id)).state is ReservationState.OPEN
    (event,) = await buckets.events(wiring, world)
    two, _ = await made.reserve(wiring, world, units=60, reference=event.reference)
    await load(w.lines(w.row(1, a=w.number(0), b=FIXED, seconds=60)), name="b.csv")
    async with wiring.begin(world.actor) as unit:
        assert (await unit.credit.reservation(two.id)).state is ReservationState.OPEN


async def test_a_lost_end_expires_once(wiring, world):
    """B14 of the attacks: a reservation that nobody closes expires, and is released exactly once."""
    clock = made.MovingClock()
    wiring = replace(wiring, clock=clock)
    await made.limit(wiring, world, "5")
    one, _ = await made.reserve(wiring, world, units=60, seconds=30)
    clock.pass_by(seconds=30)
    # Whoever asks meanwhile does not count it any more.
    assert (await made.ask(wiring, world)).left == 5
    around = made.around(wiring, world.actor)
    assert await asyncio.gather(*(tend_credit(**around) for _ in range(5))) != [0] * 5
    assert await tend_credit(**around) == 0
    assert await made.used(wiring, world) == 0
    with pytest.raises(WrongState, match="expired"):
        await release_reservation(one.id, **around)
    with pytest.raises(WrongState, match="expired"):
        await commit_reservation(CommitReservation(reservation=one.id, used=5), raters=wiring.raters, **around)


async def test_a_hundred_at_once_never_pass_the_limit(wiring, world):
    """B2 of the attacks: 100 parallel reservations at a limit get no more than it, together."""
    await made.limit(wiring, world, "20")

    async def one() -> int:
        try:
            kept, _ = await made.reserve(wiring, world, units=60)
        except WrongState:
            return 0
        return kept.amount

    granted = [amount for amount in await asyncio.gather(*(one() for _ in range(100))) if amount]
    assert sum(granted) == 1_890_000 * 10 <= 20_000_000
    assert await made.used(wiring, world) == Decimal("18.90")


async def test_buckets_first_then_money(wiring, world):
    owner = f"subscription:{world.subscriptions[0]}"
    await buckets.publish(wiring, world, buckets=[buckets.bucket("b", owner, "100", period=made.NOVEMBER)])
    await made.limit(wiring, world, "0.60")
    # 100 seconds of the bucket, then 0.01 a second.
    assert (await made.ask(wiring, world, FIXED)).units == 160
    one, told = await made.reserve(wiring, world, FIXED, units=80)
    assert (one.granted, told.amount) == (80, 0)
    # The bucket is promised to that call: 20 seconds are left of it.
    assert (await made.ask(wiring, world, FIXED)).units == 80
    await release_reservation(one.id, **made.around(wiring, world.actor))
    assert (await made.ask(wiring, world, FIXED)).units == 160


async def test_who_may_ask(wiring, world):
    await made.limit(wiring, world, "5")
    one, _ = await made.reserve(wiring, world, units=60)
    sibling = world.of_reseller(world.sibling)
    with pytest.raises(NotFound):
        await release_reservation(one.id, **made.around(wiring, sibling))
    with pytest.raises(NotFound):
        await release_reservation(CreditReservationId(2**40), **made.around(wiring, world.actor))
    assert timedelta(0) < one.expires_at - one.start

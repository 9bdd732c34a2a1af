"""The stock of numbers: free, reserved, assigned, resting, free again; given to resellers; blocked; classed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.access.actor import Actor
from domain.contracts.stepping import Step
from domain.numbers.series import NumberKind
from domain.numbers.stock import NumberStatus as N
from domain.ports.page import PageRequest
from domain.refusal import BadValue, Conflict, LimitExceeded, NotAllowed, NotFound, Overlap, Stale, WrongState
from domain.usecases.assign_numbers import AssignNumbers, assign_numbers
from domain.usecases.find_numbers import FindNumbers, NumbersWanted, find_numbers, get_number, holders_of
from domain.usecases.manage_numbers import (
    BlockNumbers,
    ClassifyNumbers,
    GiveNumbers,
    block_numbers,
    classify_numbers,
    free_numbers,
    give_numbers,
)
from domain.usecases.manage_series import (
    ChangeNumberSeries,
    change_number_series,
    count_numbers,
    list_number_series,
)
from domain.usecases.release_numbers import ReleaseNumbers, release_numbers
from domain.usecases.reserve_numbers import ReserveNumbers, cancel_reservation, reserve_numbers
from domain.usecases.step_subscription import StepSubscription, step_subscription
from domain.usecases.transfer_number import TransferNumber, transfer_number
from tests.numbers.made import BEGAN, LATER, at, by, customer, held, line, series, status
from tests.stores.worlds import NOON, World

FIRST, SECOND, THIRD = "46812345600", "46812345601", "46812345602"


async def found(
    world: World, first: int = 50, after: int | None = None, actor: Actor | None = None, **wanted: object
) -> list[str]:
    query = FindNumbers(wanted=NumbersWanted(**wanted), page=PageRequest(first, after))  # type: ignore[arg-type]  # a table of fields
    return [one.number for one in (await find_numbers(query, **at(world, actor))).items]


async def test_a_series_fills_the_stock_and_knows_who_has_a_number_already(world: World) -> None:
    one = await line(world, held(SECOND))
    made = await series(world)
    assert (made.first_number, made.last_number, made.size) == (FIRST, "46812345699", 100)
    assert await status(world, "08-123 456 01") is N.ASSIGNED
    assert await count_numbers(made.id, **at(world)) == {N.FREE: 99, N.ASSIGNED: 1}
    assert [key for key, _ in (await holders_of([SECOND], **by(world)))[SECOND]] == [one.id]
    assert list((await list_number_series(PageRequest(), **by(world))).items) == [made]
    with pytest.raises(Overlap):
        await series(world, name="Again")
    with pytest.raises(Conflict):
        await series(world, first_number="08-223 456 00", last_number="08-223 456 01")
    for fields, field in (
        ({"last_number": "08-123 456 0"}, "lastNumber"),
        ({"first_number": "123 45"}, "firstNumber"),
        ({"last_number": FIRST, "first_number": SECOND}, "lastNumber"),
        ({"quarantine_days": -1}, "quarantineDays"),
        ({"name": " "}, "name"),
    ):
        with pytest.raises(BadValue) as no:
            await series(world, **{"name": "B", **fields})
        assert no.value.field == field


async def test_a_number_given_back_rests_and_is_free_again_by_itself(world: World) -> None:
    await series(world)
    one = await line(world, held(FIRST))
    assert await status(world, FIRST) is N.ASSIGNED
    await release_numbers(ReleaseNumbers(subscription=one.id, numbers=(FIRST,), at=LATER), **by(world))
    rests, free = LATER + timedelta(days=29), LATER + timedelta(days=30)
    assert [await status(world, FIRST, when) for when in (NOON, LATER, rests, free)] == [
        N.ASSIGNED,
        N.QUARANTINE,
        N.QUARANTINE,
        N.FREE,
    ]
    world.clock.at = rests
    assert await found(world, status=N.QUARANTINE) == [FIRST]
    assert FIRST not in await found(world, status=N.FREE)
    other = await line(world)
    with pytest.raises(Conflict) as no:
        await assign_numbers(AssignNumbers(subscription=other.id, numbers=(held(FIRST, rests),)), **at(world))
    assert no.value.field == "numbers.0.number"
    # Whoever had it may have it again.
    await assign_numbers(
        AssignNumbers(subscription=one.id, numbers=(held(FIRST, rests, rests + timedelta(1)),)), **at(world)
    )
    world.clock.at = rests + timedelta(days=31)
    assert (await found(world, status=N.FREE))[0] == FIRST
    assert await found(world, status=N.QUARANTINE) == []
    await assign_numbers(AssignNumbers(subscription=other.id, numbers=(held(FIRST, world.clock.at),)), **at(world))
    assert await status(world, FIRST) is N.ASSIGNED


async def test_the_end_of_a_line_gives_its_numbers_back(world: World) -> None:
    await series(world)
    one = await line(world, held(FIRST), held(SECOND, LATER))
    await step_subscription(StepSubscription(subscription=one.id, step=Step.END), **at(world))
    assert [await status(world, number) for number in (FIRST, SECOND)] == [N.QUARANTINE, N.FREE]


async def test_reserved_numbers_are_kept_for_somebody_until_then(world: World) -> None:
    await series(world)
    mine, other = await customer(world), await customer(world)
    cmd = ReserveNumbers(numbers=("08-123 456 00", SECOND), until=LATER, customer=mine.id, idempotency_key="r")
    kept = await reserve_numbers(cmd, **at(world))
    assert kept.numbers == (FIRST, SECOND)
    assert await reserve_numbers(cmd, **at(world)) == kept
    assert [await status(world, FIRST, when) for when in (NOON, LATER)] == [N.RESERVED, N.FREE]
    with pytest.raises(Conflict):
        await reserve_numbers(ReserveNumbers(numbers=(FIRST,), until=LATER), **at(world))
    with pytest.raises(Conflict):
        await line(world, held(FIRST, NOON), of=other)
    await line(world, held(FIRST, NOON), of=mine)
    left = await cancel_reservation(kept.id, **at(world))
    assert [one.number for one in left] == [SECOND]
    assert [await status(world, number) for number in (FIRST, SECOND)] == [N.ASSIGNED, N.FREE]
    with pytest.raises(NotFound) as no:
        await reserve_numbers(ReserveNumbers(numbers=(FIRST[:-2] + "99", "46899999999"), until=LATER), **at(world))
    assert no.value.field == "numbers.1"
    table: tuple[dict[str, Any], ...] = (
        {"until": NOON},
        {"until": NOON + timedelta(days=400)},
        {"count": 0},
        {"numbers": (SECOND,), "count": 1},
    )
    for bad in table:
        with pytest.raises(BadValue):
            await reserve_numbers(ReserveNumbers(**({"until": LATER} | bad)), **at(world))
    with pytest.raises(LimitExceeded):
        await reserve_numbers(ReserveNumbers(until=LATER, count=1001), **at(world))


async def test_any_free_numbers_are_reserved_by_count(world: World) -> None:
    await series(world)
    await series(world, name="Malmö", first_number="040-12 34 00", last_number="040-12 34 09")
    kept = await reserve_numbers(
        ReserveNumbers(until=LATER, count=3, wanted=NumbersWanted(area="040", ends_with=None)), **at(world)
    )
    assert kept.numbers == ("4640123400", "4640123401", "4640123402")
    more = await reserve_numbers(ReserveNumbers(until=LATER, count=2, wanted=NumbersWanted(area="040")), **at(world))
    assert more.numbers == ("4640123403", "4640123404")
    with pytest.raises(Conflict, match="only 5"):
        await reserve_numbers(ReserveNumbers(until=LATER, count=6, wanted=NumbersWanted(area="040")), **at(world))


async def test_numbers_are_found_by_what_people_look_for(world: World) -> None:
    made = await series(world)
    await series(
        world, name="Mobile", kind=NumberKind.MSISDN, first_number="070-123 40 00", last_number="070-123 40 99"
    )
    await classify_numbers(
        ClassifyNumbers(numbers=("46812345677",), number_class="golden", price=Decimal(500)), **by(world)
    )
    assert await found(world, first=2) == ["46701234000", "46701234001"]
    assert await found(world, first=1, after=46701234099) == [FIRST]
    assert await found(world, area="08", ends_with="77") == ["46812345677"]
    assert len(await found(world, kind=NumberKind.MSISDN, first=1000)) == 100
    assert await found(world, contains="40077") == []
    assert await found(world, contains="34077") == ["46701234077"]
    assert len(await found(world, series=made.id, status=N.FREE, first=1000)) == 100
    assert await found(world, number_class="golden") == ["46812345677"]
    golden = await get_number("08-123 456 77", **by(world))
    assert (golden.number_class, golden.price) == ("golden", Decimal(500))
    table: tuple[tuple[dict[str, Any], str], ...] = (
        ({"area": "Solna"}, "area"),
        ({"ends_with": "7%"}, "endsWith"),
        ({"contains": "a"}, "contains"),
    )
    for wanted, field in table:
        with pytest.raises(BadValue) as no:
            await found(world, **wanted)
        assert no.value.field == field
    with pytest.raises(BadValue):
        await classify_numbers(ClassifyNumbers(numbers=(FIRST,), number_class="x", price=Decimal("0.001")), **by(world))


async def test_blocked_numbers_are_given_to_nobody(world: World) -> None:
    await series(world)
    await block_numbers(BlockNumbers(numbers=(FIRST,), reason="test number"), **at(world))
    one = await line(world, held(SECOND))
    with pytest.raises(Conflict):
        await assign_numbers(AssignNumbers(subscription=one.id, numbers=(held(FIRST),)), **at(world))
    with pytest.raises(Conflict):
        await block_numbers(BlockNumbers(numbers=(SECOND,), reason="x"), **at(world))
    with pytest.raises(WrongState):
        await free_numbers((SECOND,), **at(world))
    await free_numbers((FIRST,), **at(world))
    assert await status(world, FIRST) is N.FREE


async def test_a_series_changes_its_name_and_the_rest_to_come(world: World) -> None:
    made = await series(world)
    one = await line(world, held(FIRST))
    changed = await change_number_series(
        ChangeNumberSeries(series=made.id, version=1, name="S", quarantine_days=5), **by(world)
    )
    assert (changed.name, changed.quarantine_days, changed.version) == ("S", 5, 2)
    await release_numbers(ReleaseNumbers(subscription=one.id, numbers=(FIRST,), at=NOON), **by(world))
    assert await status(world, FIRST, NOON + timedelta(days=5)) is N.FREE
    with pytest.raises(Stale):
        await change_number_series(ChangeNumberSeries(series=made.id, version=1, name="T"), **by(world))


async def test_numbers_given_to_a_reseller_are_his_subtrees(world: World) -> None:
    made = await series(world)
    north, east = world.north.reseller, world.north_east.reseller
    given = GiveNumbers(first_number=FIRST, last_number="46812345609", reseller=north)
    assert await give_numbers(given, **at(world)) == 10
    assert len(await found(world, actor=world.north)) == 10
    assert await found(world, actor=world.north_east) == await found(world, actor=world.south) == []
    assert await found(world, actor=world.other_operator) == []
    # On within his own subtree, and nowhere else.
    on = GiveNumbers(first_number=FIRST, last_number=FIRST, reseller=east)
    assert await give_numbers(on, **at(world, world.north)) == 1
    assert await found(world, actor=world.north_east) == [FIRST]
    for target in (world.south.reseller, None):
        cmd = GiveNumbers(first_number=SECOND, last_number=SECOND, reseller=target)
        with pytest.raises(NotFound):
            await give_numbers(cmd, **at(world, world.north))
    cmd = GiveNumbers(first_number="46812345650", last_number="46812345650", reseller=east)
    with pytest.raises(NotFound):
        await give_numbers(cmd, **at(world, world.north))
    # His customers get them, others' do not, whoever asks.
    await line(world, held(SECOND), actor=world.north)
    await line(world, held(FIRST), actor=world.north_east)
    for caller in (world.south, world.operator, world.north_east):
        with pytest.raises(NotFound) as no:
            await line(world, held(THIRD), actor=caller)
        assert no.value.field == "numbers.0.number"
    with pytest.raises(NotFound):  # the operator's own are not the reseller's to take
        await line(world, held("46812345650"), actor=world.north)
    with pytest.raises(Conflict, match="2 of these"):
        await give_numbers(GiveNumbers(first_number=FIRST, last_number="46812345609"), **at(world))
    assert await give_numbers(GiveNumbers(first_number=THIRD, last_number="46812345609"), **at(world)) == 8
    assert await count_numbers(made.id, **at(world)) == {N.FREE: 98, N.ASSIGNED: 2}


async def test_a_reseller_reserves_his_own(world: World) -> None:
    await series(world, reseller=world.north.reseller)
    kept = await reserve_numbers(ReserveNumbers(until=LATER, count=2), **at(world, world.north))
    assert kept.numbers == (FIRST, SECOND)
    with pytest.raises(NotFound):
        await cancel_reservation(kept.id, **at(world, world.south))
    with pytest.raises(Conflict, match="only 0"):
        await reserve_numbers(ReserveNumbers(until=LATER, count=1), **at(world, world.south))
    with pytest.raises(NotFound):
        await reserve_numbers(ReserveNumbers(until=LATER, numbers=(THIRD,)), **at(world, world.south))
    mine = await customer(world, world.south)
    with pytest.raises(NotFound):  # for a customer who is not below him whose numbers they are
        await reserve_numbers(ReserveNumbers(until=LATER, numbers=(THIRD,), customer=mine.id), **at(world))
    for call in (
        series(world, name="x"),
        block_numbers(BlockNumbers(numbers=(THIRD,), reason="x"), **at(world, world.north)),
        free_numbers((FIRST,), **at(world, world.north)),
        classify_numbers(ClassifyNumbers(numbers=(THIRD,), number_class="x"), **by(world, world.north)),
    ):
        with pytest.raises((NotAllowed, Overlap)):
            await call


async def test_a_number_moves_to_another_line_at_an_instant(world: World) -> None:
    await series(world)
    one, two = await line(world, held(FIRST)), await line(world)
    cmd = TransferNumber(number="08-123 456 00", source=one.id, target=two.id, at=NOON, idempotency_key="t")
    after = await transfer_number(cmd, **at(world))
    assert [(each.number, each.valid_from, each.valid_to) for each in after.numbers] == [(FIRST, NOON, None)]
    assert await transfer_number(cmd, **at(world)) == after
    pairs = (await holders_of([FIRST], **by(world)))[FIRST]
    assert [(key, each.valid_from, each.valid_to) for key, each in pairs] == [
        (one.id, BEGAN, NOON),
        (two.id, NOON, None),
    ]
    assert await status(world, FIRST) is N.ASSIGNED
    with pytest.raises(NotFound):
        await transfer_number(TransferNumber(number=FIRST, source=one.id, target=two.id, at=LATER), **at(world))
    with pytest.raises(BadValue):
        await transfer_number(TransferNumber(number=FIRST, source=two.id, target=two.id, at=LATER), **at(world))
    theirs = await line(world, actor=world.south)
    with pytest.raises(NotFound) as no:
        await transfer_number(
            TransferNumber(number=FIRST, source=two.id, target=theirs.id, at=LATER), **at(world, world.south)
        )
    assert no.value.field == "source"

"""Moves in the tree: dated, kept, planned, taken back; who pays which days is in test_moves_by_day.py."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.contracts.contract import ContractService, ContractState
from domain.customers.customer import Customer, CustomerKind
from domain.ids import CustomerId
from domain.period import Period
from domain.ports.page import PageRequest
from domain.refusal import BadValue, NotFound, Stale, WrongState
from domain.usecases.change_customer import ChangeCustomer, change_customer
from domain.usecases.create_contract import CreateContract, create_contract
from domain.usecases.create_customer import CreateCustomer, create_customer
from domain.usecases.create_service import CreateService, create_service
from domain.usecases.get_customer import get_customer
from domain.usecases.move_customer import CancelMove, MoveCustomer, apply_moves, cancel_move, list_places, move_customer
from domain.usecases.run_bills import RunBills, run_bills
from tests.stores.worlds import PLACE, World
from tests.usecases.trail import trail


async def made(world: World, name: str, **fields: Any) -> Customer:
    cmd = CreateCustomer(name=name, kind=CustomerKind.ORGANISATION, address=PLACE, **fields)
    return await create_customer(cmd, actor=world.operator, begin=world.begin)


async def move(world: World, one: Customer, day: date, **fields: Any) -> Customer:
    now = await get_customer(one.id, actor=world.operator, begin=world.begin)
    cmd = MoveCustomer(customer=one.id, version=now.version, valid_from=day, **fields)
    return await move_customer(cmd, actor=world.operator, begin=world.begin, clock=world.clock)


async def shown(world: World, one: Customer) -> list[tuple[date | None, date | None, CustomerId | None]]:
    places = await list_places(one.id, actor=world.operator, begin=world.begin)
    return [(each.valid_from, each.valid_to, each.parent) for each in places]


async def test_a_move_is_dated_and_what_was_is_kept(world: World) -> None:
    one, two, child = await made(world, "One"), await made(world, "Two"), await made(world, "Child")
    assert await shown(world, child) == [(None, None, None)]
    kept = await move(world, child, date(2026, 2, 1), parent=one.id, through_parent=True)
    assert (kept.parent, kept.through_parent, kept.version) == (one.id, True, 2)
    later = await move(world, child, date(2026, 4, 1), parent=two.id)
    assert (later.parent, later.version) == (one.id, 3), "it has not come yet"
    expected = [(None, date(2026, 2, 1), None), (date(2026, 2, 1), date(2026, 4, 1), one.id)]
    assert await shown(world, child) == [*expected, (date(2026, 4, 1), None, two.id)]
    between = await move(world, child, date(2026, 3, 10), parent=None, through_parent=False)
    assert between.parent == one.id
    assert await shown(world, child) == [
        expected[0],
        (date(2026, 2, 1), date(2026, 3, 10), one.id),
        (date(2026, 3, 10), date(2026, 4, 1), None),
        (date(2026, 4, 1), None, two.id),
    ]
    actions = [action for _, action, target in await trail(world) if target == f"customer:{child.id}"]
    assert actions == ["create_customer", "move_customer", "move_customer", "move_customer"]


async def test_a_planned_move_comes_when_its_day_has_begun_in_the_operators_zone(world: World) -> None:
    one, child = await made(world, "One"), await made(world, "Child")
    await move(world, child, date(2026, 4, 1), parent=one.id)
    world.clock.at = datetime(2026, 3, 31, 21, 59, tzinfo=UTC)
    assert await apply_moves(actor=world.operator, begin=world.begin, clock=world.clock) == 0
    world.clock.at = datetime(2026, 3, 31, 22, 0, tzinfo=UTC)
    assert await apply_moves(actor=world.operator, begin=world.begin, clock=world.clock) == 1
    assert await apply_moves(actor=world.operator, begin=world.begin, clock=world.clock) == 0
    found = await get_customer(child.id, actor=world.operator, begin=world.begin)
    assert (found.parent, found.version) == (one.id, 3)
    async with world.begin(world.operator) as unit:
        (job,) = (await unit.jobs.page(PageRequest(), kind="customers.move")).items
    assert job.run_at == datetime(2026, 3, 31, 22, tzinfo=UTC)


async def test_a_planned_move_can_be_taken_back_and_one_that_came_cannot(world: World) -> None:
    one, child = await made(world, "One"), await made(world, "Child")
    await move(world, child, date(2026, 2, 1), parent=one.id)
    planned = await move(world, child, date(2026, 5, 1), parent=None)

    async def take_back(day: date, version: int) -> Customer:
        cmd = CancelMove(customer=child.id, version=version, valid_from=day)
        return await cancel_move(cmd, actor=world.operator, begin=world.begin, clock=world.clock)

    with pytest.raises(Stale):
        await take_back(date(2026, 5, 1), 1)
    with pytest.raises(NotFound):
        await take_back(date(2026, 5, 2), planned.version)
    with pytest.raises(WrongState):
        await take_back(date(2026, 2, 1), planned.version)
    assert (await take_back(date(2026, 5, 1), planned.version)).version == planned.version + 1
    assert await shown(world, child) == [(None, date(2026, 2, 1), None), (date(2026, 2, 1), None, one.id)]


async def test_the_tree_stays_one_on_every_day(world: World) -> None:
    top = await made(world, "Top")
    middle = await made(world, "Middle", parent=top.id)
    low = await made(world, "Low", parent=middle.id)
    with pytest.raises(BadValue) as below:
        await move(world, top, date(2026, 3, 1), parent=low.id)
    assert below.value.field == "parent"
    with pytest.raises(BadValue):
        await move(world, top, date(2026, 3, 1), parent=top.id)
    with pytest.raises(NotFound):
        await move(world, top, date(2026, 3, 1), parent=CustomerId(987654))
    # From June on low stands by itself; then, and not before, top may stand below it.
    await move(world, low, date(2026, 6, 1), parent=None)
    with pytest.raises(BadValue):
        await move(world, top, date(2026, 5, 1), parent=low.id)
    assert (await move(world, top, date(2026, 6, 1), parent=low.id)).parent is None
    # And now low cannot go back below middle, since top is above that from June on.
    with pytest.raises(BadValue):
        await move(world, low, date(2026, 7, 1), parent=middle.id)
    other = await made(world, "Other")
    cmd = ChangeCustomer(customer=other.id, version=1, parent=low.id)
    await change_customer(cmd, actor=world.operator, begin=world.begin)
    with pytest.raises(BadValue):
        await move(world, low, date(2026, 8, 1), parent=other.id)


async def test_who_is_moved_by_dates_is_not_moved_without(world: World) -> None:
    one, child = await made(world, "One"), await made(world, "Child")
    kept = await move(world, child, date(2026, 2, 1), parent=one.id)
    cmd = ChangeCustomer(customer=child.id, version=kept.version, parent=None)
    with pytest.raises(WrongState):
        await change_customer(cmd, actor=world.operator, begin=world.begin)
    cmd = ChangeCustomer(customer=child.id, version=kept.version, name="Another")
    assert (await change_customer(cmd, actor=world.operator, begin=world.begin)).name == "Another"


async def test_it_can_be_billed_through_any_level_above_and_through_no_other(world: World) -> None:
    top = await made(world, "Top")
    middle = await made(world, "Middle", parent=top.id)
    low = await made(world, "Low", parent=middle.id, billed_through=top.id)
    assert low.pays_through == top.id
    stranger = await made(world, "Stranger")
    for through in (stranger.id, low.id):
        with pytest.raises(BadValue) as no:
            await move(world, low, date(2026, 3, 1), billed_through=through)
        assert no.value.field == "billedThrough"
    with pytest.raises(BadValue, match="either"):
        await move(world, low, date(2026, 3, 1), through_parent=True)
    with pytest.raises(BadValue, match=low.number):
        await move(world, middle, date(2026, 3, 1), parent=stranger.id)
    with pytest.raises(BadValue):
        await made(world, "Alone", billed_through=top.id)


async def test_a_move_under_its_key_happens_once(world: World) -> None:
    one, child = await made(world, "One"), await made(world, "Child")
    cmd = MoveCustomer(
        customer=child.id, version=1, valid_from=date(2026, 2, 1), parent=one.id, idempotency_key="move-1"
    )
    first = await move_customer(cmd, actor=world.operator, begin=world.begin, clock=world.clock)
    assert await move_customer(cmd, actor=world.operator, begin=world.begin, clock=world.clock) == first


async def test_a_month_before_a_move_is_paid_by_whom_it_stood_below(world: World) -> None:
    """A child moves from one group to another in April: March stays where it was, and nothing is billed twice."""
    one, two = await made(world, "One"), await made(world, "Two")
    child = await made(world, "Child", parent=one.id, through_parent=True)
    service = await create_service(
        CreateService(code="line", name="Line", periodic_fee=Decimal(100), in_advance=False),
        actor=world.operator,
        begin=world.begin,
    )
    contract = CreateContract(
        customer=child.id,
        start=date(2026, 2, 1),
        state=ContractState.ACTIVE,
        services=(ContractService(service=service.id, start=date(2026, 2, 1)),),
    )
    await create_contract(contract, actor=world.operator, begin=world.begin, clock=world.clock)

    async def bill(month: str) -> dict[str, Decimal]:
        await run_bills(
            RunBills(period=Period.month(month)), actor=world.operator, begin=world.begin, clock=world.clock
        )
        async with world.begin(world.operator) as unit:
            page = await unit.invoices.page(PageRequest())
        return {f"{invoice.payer.name} {invoice.period}": invoice.net for invoice in page.items}

    assert await bill("2026-02") == {"One 2026-02-01..2026-03-01": Decimal(100)}
    # It is April; the move is dated into March, before March is billed.
    world.clock.at = datetime(2026, 4, 3, tzinfo=UTC)
    with pytest.raises(WrongState) as billed:
        await move(world, child, date(2026, 2, 28), parent=two.id)
    assert billed.value.field == "validFrom"
    await move(world, child, date(2026, 4, 1), parent=two.id)
    march = {"One 2026-02-01..2026-03-01": Decimal(100), "One 2026-03-01..2026-04-01": Decimal(100)}
    assert await bill("2026-03") == march
    assert await bill("2026-03") == march, "nothing is left of it"
    assert await bill("2026-04") == march | {"Two 2026-04-01..2026-05-01": Decimal(100)}


async def test_a_bill_goes_to_one_any_levels_above(world: World) -> None:
    top = await made(world, "Top")
    middle = await made(world, "Middle", parent=top.id)
    low = await made(world, "Low", parent=middle.id, billed_through=top.id)
    service = await create_service(
        CreateService(code="fee", name="Fee", one_time_fee=Decimal(10)), actor=world.operator, begin=world.begin
    )
    for owner in (middle, low):
        contract = CreateContract(
            customer=owner.id,
            start=date(2026, 2, 1),
            state=ContractState.ACTIVE,
            services=(ContractService(service=service.id, start=date(2026, 2, 1)),),
        )
        await create_contract(contract, actor=world.operator, begin=world.begin, clock=world.clock)
    # Naming the one that is billed through another bills his payer.
    cmd = RunBills(period=Period.month("2026-02"), customers=(low.id,))
    run = await run_bills(cmd, actor=world.operator, begin=world.begin, clock=world.clock)
    assert (run.invoices, run.net) == (1, Decimal(10))
    await run_bills(
        RunBills(period=Period.month("2026-02")), actor=world.operator, begin=world.begin, clock=world.clock
    )
    async with world.begin(world.operator) as unit:
        page = await unit.invoices.page(PageRequest())
    assert {invoice.payer.name: [line.customer_name for line in invoice.lines] for invoice in page.items} == {
        "Top": ["Low"],
        "Middle": ["Middle"],
    }


@pytest.mark.parametrize("field", ["parent", "billed_through"])
async def test_anothers_customer_is_not_there_for_a_move(world: World, field: str) -> None:
    """Who is another's is refused like nobody, whatever else is wrong about him."""
    new = CreateCustomer(name="One", kind=CustomerKind.ORGANISATION, address=PLACE)
    callers = (world.north, world.north, world.south)
    one, top, souths = [await create_customer(new, actor=by, begin=world.begin) for by in callers]
    told = []
    for stranger in (souths.id, CustomerId(999_999)):
        cmd = MoveCustomer(
            customer=one.id, version=1, valid_from=date(2026, 5, 1), **{"parent": top.id, field: stranger}
        )
        with pytest.raises(NotFound) as refused:
            await move_customer(cmd, actor=world.north, begin=world.begin, clock=world.clock)
        told.append((refused.value.field, str(refused.value).replace(str(stranger), "N")))
    assert told[0] == told[1]

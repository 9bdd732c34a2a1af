"""Contracts changed by the day, on the memory twin and on PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from domain.contracts.changes import ChangeKind, ChangeState, ContractChange, HeldLine
from domain.contracts.contract import Contract, ContractService, ContractState
from domain.contracts.service import BundlePart, CountryTax, Service
from domain.contracts.subscription import SubscriptionState
from domain.contracts.terms import Discount, DiscountOn, Renewal, Terms
from domain.ids import ContractId, ServiceId, SubscriptionId
from domain.operators import Address
from domain.ports.page import PageRequest
from domain.refusal import BadValue, Conflict, NotAllowed, NotFound, Overlap, Stale, WrongState
from domain.usecases.carry_out_changes import CarriedOut, carry_out_changes
from domain.usecases.change_service import ChangeService, change_service
from domain.usecases.get_contract import get_contract, list_contract_changes
from domain.usecases.plan_change import (
    EndContract,
    ExchangeService,
    MoveContract,
    StepContract,
    TakeOverContract,
    cancel_change,
    end_contract,
    exchange_service,
    move_contract,
    step_contract,
    take_over_contract,
)
from domain.usecases.preview_ending import PreviewEnding, preview_ending
from tests.stores.worlds import World
from tests.usecases.test_contracts import START, a_contract, a_customer, a_line, a_service, change, number
from tests.usecases.trail import trail

TODAY = date(2026, 3, 1)  # by the world's clock
LATER = date(2026, 4, 15)
SITE = Address("Hamngatan 2", "411 06", "Göteborg", "SE")
COMMANDS = {
    StepContract: step_contract,
    ExchangeService: exchange_service,
    MoveContract: move_contract,
    TakeOverContract: take_over_contract,
    EndContract: end_contract,
}


async def do(world: World, kind: type, of: Contract, actor=None, **fields: object) -> ContractChange:
    cmd = kind(**({"contract": of.id, "version": of.version} | fields))
    return await COMMANDS[kind](cmd, actor=actor or world.operator, begin=world.begin, clock=world.clock)


async def read(world: World, key: ContractId, **more: object) -> Contract:
    return await get_contract(key, actor=world.operator, begin=world.begin, **more)


async def due(world: World) -> CarriedOut:
    return await carry_out_changes(actor=world.operator, begin=world.begin, clock=world.clock)


async def active(world: World, *services: Service, **fields: object) -> Contract:
    lines = tuple(ContractService(service=one.id, start=START) for one in services)
    return await a_contract(world, **({"state": ContractState.ACTIVE, "services": lines} | fields))


async def test_a_suspension_of_a_day_to_come_is_carried_out_then(world: World) -> None:
    one = await active(world)
    planned = await do(world, StepContract, one, state=ContractState.SUSPENDED, on=LATER, reason="holiday")
    assert (planned.kind, planned.state, planned.effective) == (ChangeKind.SUSPEND, ChangeState.PLANNED, LATER)
    now = await read(world, one.id)
    assert (now.state, now.version) == (ContractState.ACTIVE, one.version + 1)
    assert (await read(world, one.id, as_of=date(2026, 4, 14))).state is ContractState.ACTIVE
    assert (await read(world, one.id, as_of=LATER)).state is ContractState.SUSPENDED
    assert await due(world) == CarriedOut(0, 0, 0, 0)
    world.clock.pass_by(days=44)  # 14 April
    assert await due(world) == CarriedOut(0, 0, 0, 0)
    world.clock.pass_by(days=1)
    assert await due(world) == CarriedOut(1, 0, 0, 0)
    assert await due(world) == CarriedOut(0, 0, 0, 0)
    kept = await read(world, one.id)
    assert kept.state is ContractState.SUSPENDED
    back = await do(world, StepContract, kept, state=ContractState.ACTIVE)
    assert (back.kind, back.state) == (ChangeKind.RESUME, ChangeState.DONE)
    again = await read(world, one.id)
    assert [(phase.start, phase.state) for phase in again.phases] == [(START, ContractState.ACTIVE)]
    assert [entry[1] for entry in (await trail(world))[-3:]] == [
        "plan_contract", "suspend_contract", "resume_contract",
    ]  # fmt: skip


async def test_how_it_looked_on_a_day(world: World) -> None:
    small = await a_service(world, code="small", periodic_fee=Decimal(99))
    large = await a_service(world, code="large", periodic_fee=Decimal(299))
    one = await active(world, small, terms=Terms(site=replace(SITE, street="Storgatan 1"), seller="anna"))
    upgrade = await do(
        world,
        ExchangeService,
        one,
        on=date(2026, 2, 10),
        gone=HeldLine(service=small.id),
        new=ContractService(service=large.id, start=START, quantity=2),
    )
    assert (upgrade.kind, upgrade.state) == (ChangeKind.UPGRADE, ChangeState.DONE)
    one = await read(world, one.id)
    await do(world, MoveContract, one, site=SITE, on=date(2026, 2, 20))
    one = await read(world, one.id)
    await do(
        world, ExchangeService, one, on=LATER, gone=HeldLine(service=large.id),
        new=ContractService(service=small.id, start=START),
    )  # fmt: skip
    seen = {}
    for day in (date(2025, 12, 31), START, date(2026, 2, 9), date(2026, 2, 10), date(2026, 2, 20), LATER):
        looked = await read(world, one.id, as_of=day)
        assert looked.terms.site is not None
        lines = [(line.service, line.quantity) for line in looked.services]
        seen[day] = (looked.state.value, lines, looked.terms.site.street, looked.terms.seller)
    assert seen == {
        date(2025, 12, 31): ("draft", [], "Storgatan 1", "anna"),
        START: ("active", [(small.id, 1)], "Storgatan 1", "anna"),
        date(2026, 2, 9): ("active", [(small.id, 1)], "Storgatan 1", "anna"),
        date(2026, 2, 10): ("active", [(large.id, 2)], "Storgatan 1", "anna"),
        date(2026, 2, 20): ("active", [(large.id, 2)], SITE.street, "anna"),
        LATER: ("active", [(small.id, 2)], SITE.street, "anna"),
    } | {LATER: ("active", [(small.id, 1)], SITE.street, "anna")}
    page = await list_contract_changes(one.id, PageRequest(), actor=world.operator, begin=world.begin)
    assert [(each.kind.value, each.state.value) for each in page.items] == [
        ("create", "done"), ("upgrade", "done"), ("move", "done"), ("downgrade", "planned"),
    ]  # fmt: skip


async def test_what_was_recorded_by_an_instant_is_kept_whatever_came_after(world: World) -> None:
    small = await a_service(world, periodic_fee=Decimal(99))
    one = await active(world, small)
    first = world.clock.at
    world.clock.pass_by(days=1)
    changed = await change(world, one, services=(ContractService(service=small.id, start=START, quantity=5),))
    assert (await read(world, one.id, known_at=first)).services == one.services
    assert (await read(world, one.id, known_at=world.clock.at)).services == changed.services
    with pytest.raises(NotFound) as nothing:
        await read(world, one.id, known_at=datetime(2026, 2, 1, tzinfo=UTC))
    assert nothing.value.field == "knownAt"


async def test_notice_binding_and_what_is_left(world: World) -> None:
    service = await a_service(world, periodic_fee=Decimal("199.00"))
    one = await active(world, service, terms=Terms(binding_months=12, notice_months=3, renewal=Renewal.OPEN))
    told = await preview_ending(
        PreviewEnding(contract=one.id), actor=world.operator, begin=world.begin, clock=world.clock
    )
    assert (told.noticed_on, told.earliest, told.free_from, told.bound_until) == (
        TODAY, date(2026, 6, 1), date(2027, 1, 1), date(2027, 1, 1),
    )  # fmt: skip
    assert (told.end, told.fees, told.total) == (date(2027, 1, 1), (), 0)
    early = PreviewEnding(contract=one.id, end=date(2026, 6, 16))
    told = await preview_ending(early, actor=world.operator, begin=world.begin, clock=world.clock)
    # 15 of the 30 days of June, and six months: 99.50 + 6 * 199.
    assert [(fee.service, fee.amount) for fee in told.fees] == [(service.id, Decimal("1293.50"))]
    assert (told.total, told.currency) == (Decimal("1293.50"), "SEK")
    with pytest.raises(BadValue) as soon:
        await do(world, EndContract, one, end=date(2026, 5, 31))
    assert soon.value.field == "end"
    planned = await do(world, EndContract, one, end=date(2026, 6, 16))
    kept = await read(world, one.id)
    assert (planned.state, kept.state, kept.end) == (ChangeState.PLANNED, ContractState.ACTIVE, date(2026, 6, 16))
    with pytest.raises(WrongState):
        await do(world, EndContract, kept)
    await cancel_change(planned.id, actor=world.operator, begin=world.begin, clock=world.clock)
    kept = await read(world, one.id)
    assert (kept.end, kept.ending) == (None, None)
    with pytest.raises(WrongState):
        await cancel_change(planned.id, actor=world.operator, begin=world.begin, clock=world.clock)
    await do(world, EndContract, kept, end=date(2026, 6, 16), free=True)
    world.clock.pass_by(days=107)  # 16 June
    assert await due(world) == CarriedOut(1, 0, 0, 0)
    gone = await read(world, one.id)
    assert (gone.state, gone.ending and gone.ending.bound_until) == (ContractState.ENDED, None)
    with pytest.raises(WrongState):
        await do(world, StepContract, gone, state=ContractState.ACTIVE)


async def test_what_leaving_costs_is_told_with_what_is_planned_until_then(world: World) -> None:
    service = await a_service(world, periodic_fee=Decimal("199.00"))
    large = await a_service(world, code="large", periodic_fee=Decimal("299.00"))
    heir = await a_customer(world)
    one = await active(world, service, terms=Terms(binding_months=12))
    upgrade = {"gone": HeldLine(service=service.id), "new": ContractService(service=large.id, start=TODAY)}
    await do(world, ExchangeService, one, on=date(2026, 5, 1), **upgrade)
    one = await read(world, one.id)
    await do(world, TakeOverContract, one, on=date(2026, 5, 20), customer=heir.id)
    early = PreviewEnding(contract=one.id, end=date(2026, 10, 1))
    told = await preview_ending(early, actor=world.operator, begin=world.begin, clock=world.clock)
    # October, November and December at the fee that will hold then.
    assert [(fee.service, fee.amount) for fee in told.fees] == [(large.id, Decimal("897.00"))]


@pytest.mark.parametrize(
    ("terms", "noticed_on", "free_from"),
    [
        (Terms(), date(2026, 3, 1), date(2026, 3, 1)),
        (Terms(notice_months=1), date(2026, 1, 31), date(2026, 2, 28)),
        (Terms(notice_months=3, binding_months=6), date(2026, 3, 1), date(2026, 7, 1)),
        (Terms(notice_months=3, binding_months=6), date(2026, 6, 1), date(2026, 9, 1)),
        (
            Terms(notice_months=3, binding_months=12, renewal=Renewal.RENEW, renewal_months=6),
            date(2026, 10, 1),
            date(2027, 1, 1),
        ),
        # A day too late: bound for another half year.
        (
            Terms(notice_months=3, binding_months=12, renewal=Renewal.RENEW, renewal_months=6),
            date(2026, 10, 2),
            date(2027, 7, 1),
        ),
        (Terms(binding_months=12, binding_from=date(2025, 6, 15)), date(2026, 3, 1), date(2026, 6, 15)),
    ],
)
async def test_when_a_contract_is_free(world: World, terms: Terms, noticed_on: date, free_from: date) -> None:
    one = await active(world, terms=terms)
    cmd = PreviewEnding(contract=one.id, noticed_on=noticed_on)
    told = await preview_ending(cmd, actor=world.operator, begin=world.begin, clock=world.clock)
    assert told.free_from == told.end == free_from


async def test_one_that_is_not_renewed_ends_by_itself(world: World) -> None:
    one = await active(world, terms=Terms(binding_months=3, renewal=Renewal.END))
    assert one.end == date(2026, 4, 1)
    world.clock.pass_by(days=31)
    assert await due(world) == CarriedOut(0, 0, 1, 0)
    assert (await read(world, one.id)).state is ContractState.ENDED
    assert (await trail(world))[-1] == ("boss", "end_contract", f"contract:{one.id}")


async def test_a_takeover_moves_lines_and_numbers_at_midnight(world: World) -> None:
    service = await a_service(world, periodic_fee=Decimal(199), one_time_fee=Decimal(49))
    one = await active(world, service, terms=Terms(binding_months=12, seller="anna"))
    line = await a_line(world, number("46701740605", datetime(2026, 1, 1, tzinfo=UTC)), contract=one.id)
    one = await change(world, one, services=(ContractService(service=service.id, start=START, subscription=line.id),))
    heir = await a_customer(world)
    with pytest.raises(BadValue):
        await do(world, TakeOverContract, one, customer=one.customer)
    planned = await do(world, TakeOverContract, one, customer=heir.id, on=LATER, number="H-1")
    assert planned.state is ChangeState.PLANNED
    world.clock.pass_by(days=45)
    assert await due(world) == CarriedOut(1, 0, 0, 0)
    old = await read(world, one.id)
    assert old.successor is not None
    new = await read(world, old.successor)
    assert (old.state, old.end, new.start, new.customer, new.number) == (
        ContractState.ENDED, LATER, LATER, heir.id, "H-1",
    )  # fmt: skip
    assert (new.state, new.predecessor, new.binds_from, new.terms.seller) == (
        ContractState.ACTIVE, old.id, START, "anna",
    )  # fmt: skip
    at = datetime(2026, 4, 14, 22, tzinfo=UTC)  # midnight in Stockholm
    async with world.begin(world.operator) as unit:
        before = await unit.subscriptions.owner_of("46701740605", datetime(2026, 4, 14, 21, 59, 59, tzinfo=UTC))
        after = await unit.subscriptions.owner_of("46701740605", at)
    assert (before.id, before.state, before.ended_at) == (line.id, SubscriptionState.ENDED, at)
    assert (after.customer, after.contract, after.state) == (heir.id, new.id, SubscriptionState.ACTIVE)
    (held,) = new.services
    assert (held.start, held.one_time_fee, held.periodic_fee, held.subscription) == (LATER, 0, None, after.id)


async def test_what_can_no_longer_be_done_fails_and_says_why(world: World) -> None:
    small, large = await a_service(world, code="small"), await a_service(world, code="large")
    one = await active(world, small)
    planned = await do(
        world, ExchangeService, one, on=LATER, gone=HeldLine(service=small.id),
        new=ContractService(service=large.id, start=START),
    )  # fmt: skip
    kept = await read(world, one.id)
    await change(world, kept, services=(ContractService(service=large.id, start=START),))
    world.clock.pass_by(days=45)
    assert await due(world) == CarriedOut(0, 1, 0, 0)
    assert await due(world) == CarriedOut(0, 0, 0, 0)
    page = await list_contract_changes(one.id, PageRequest(), actor=world.operator, begin=world.begin)
    (failed,) = [each for each in page.items if each.id == planned.id]
    assert (failed.state, failed.fault) == (
        ChangeState.FAILED, "the contract does not hold this service on 2026-04-15",
    )  # fmt: skip


async def test_the_same_order_again_is_one_change_and_a_stale_one_is_refused(world: World) -> None:
    one = await active(world)
    cmd = {"state": ContractState.SUSPENDED, "on": LATER, "idempotency_key": "k"}
    first = await do(world, StepContract, one, **cmd)
    assert await do(world, StepContract, one, **cmd) == first
    with pytest.raises(Conflict):
        await do(world, StepContract, one, **{**cmd, "on": date(2026, 5, 1)})
    with pytest.raises(Stale) as stale:
        await do(world, StepContract, one, state=ContractState.SUSPENDED)
    assert stale.value.field == "version"


async def test_two_who_change_at_once_do_not_both_succeed(world: World) -> None:
    one = await active(world)
    outcomes = await asyncio.gather(
        *(do(world, StepContract, one, state=ContractState.SUSPENDED, on=LATER) for _ in range(4)),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in outcomes) == ["ContractChange", "Stale", "Stale", "Stale"]


async def test_due_changes_are_done_once_by_whoever_comes(world: World) -> None:
    contracts = [await active(world) for _ in range(5)]
    for one in contracts:
        await do(world, StepContract, one, state=ContractState.SUSPENDED, on=LATER)
    world.clock.pass_by(days=45)
    made = await asyncio.gather(*(due(world) for _ in range(3)))
    assert (sum(each.done for each in made), sum(each.failed for each in made)) == (5, 0)


@pytest.mark.parametrize(
    ("kind", "fields", "refusal", "field"),
    [
        (StepContract, {"state": ContractState.ACTIVE}, WrongState, "state"),
        (StepContract, {"state": ContractState.ENDED}, BadValue, "state"),
        (StepContract, {"state": ContractState.SUSPENDED, "on": date(2025, 12, 1)}, BadValue, "on"),
        (ExchangeService, {}, BadValue, "new"),
        (ExchangeService, {"gone": HeldLine(service=ServiceId(10**9))}, NotFound, "held.service"),
        (
            ExchangeService,
            {"new": ContractService(service=ServiceId(10**9), start=START)},
            NotFound,
            "services.0.service",
        ),
        (MoveContract, {}, BadValue, "site"),
        (MoveContract, {"customer": 10**9}, NotFound, "customer"),
        (TakeOverContract, {"customer": 10**9}, NotFound, "customer"),
        (TakeOverContract, {"customer": 10**9, "on": LATER}, NotFound, "customer"),
        (EndContract, {"end": date(2026, 2, 1)}, BadValue, "end"),
    ],
)
async def test_bad_orders_change_nothing(world: World, kind: type, fields, refusal: type, field: str) -> None:
    one = await active(world)
    with pytest.raises(refusal) as no:
        await do(world, kind, one, **fields)
    assert no.value.field == field
    assert await read(world, one.id) == one


async def test_a_bundle_brings_its_parts_and_takes_them_along(world: World) -> None:
    sim = await a_service(world, code="sim", periodic_fee=Decimal(49))
    data = await a_service(world, code="data", periodic_fee=Decimal(99))
    bundle = await a_service(
        world,
        code="bundle",
        periodic_fee=Decimal(120),
        parts=(BundlePart(service=sim.id, quantity=2), BundlePart(service=data.id, periodic_fee=Decimal(10))),
    )
    one = await active(world, bundle)
    assert [(line.service, line.quantity, line.periodic_fee, line.bundle) for line in one.services] == [
        (bundle.id, 1, None, None), (sim.id, 2, 0, bundle.id), (data.id, 1, 10, bundle.id),
    ]  # fmt: skip
    same = await change(world, one, services=one.services)
    assert same == one
    with pytest.raises(BadValue) as part:
        await do(world, ExchangeService, one, on=LATER, gone=HeldLine(service=sim.id))
    assert part.value.message == "it belongs to a bundle; change that"
    await do(world, ExchangeService, one, on=TODAY, gone=HeldLine(service=bundle.id))
    assert {line.end for line in (await read(world, one.id)).services} == {TODAY}
    with pytest.raises(BadValue):
        await a_service(world, code="nested", parts=(BundlePart(service=bundle.id),))


async def test_needs_and_conflicts(world: World) -> None:
    base = await a_service(world, code="base")
    plus = await a_service(world, code="plus", needs=(base.id,))
    never = await a_service(world, code="never", excludes=(base.id,))
    with pytest.raises(BadValue) as alone:
        await active(world, plus)
    assert alone.value.message == "plus needs base on 2026-01-01"
    with pytest.raises(BadValue) as both:
        await active(world, base, never)
    assert (both.value.message, both.value.field) == ("never cannot stand beside base", "services.1.service")
    one = await active(world, base, plus)
    with pytest.raises(BadValue) as gap:
        await do(world, ExchangeService, one, on=LATER, gone=HeldLine(service=base.id))
    assert gap.value.message == "plus needs base on 2026-04-15"
    after = ContractService(service=never.id, start=LATER)
    until = tuple(replace(line, end=LATER) for line in one.services)
    assert len((await change(world, one, services=(*until, after))).services) == 3


async def test_a_service_is_sold_while_it_is_valid_and_goes_on_for_who_has_it(world: World) -> None:
    old = await a_service(world, code="old", valid_from=date(2025, 1, 1), valid_to=date(2026, 2, 1))
    one = await active(world, old)
    with pytest.raises(BadValue) as over:
        await do(world, ExchangeService, one, new=ContractService(service=old.id, start=START))
    assert over.value.message == "old was sold until 2026-02-01"
    kept = await change(world, one, services=(replace(one.services[0], quantity=4),))
    assert kept.services[0].quantity == 4


async def test_a_line_of_anothers_subscription_is_refused(world: World) -> None:
    service = await a_service(world)
    foreign = await a_line(world)
    one = await active(world)
    for key in (foreign.id, SubscriptionId(10**9)):
        line = ContractService(service=service.id, start=START, subscription=key)
        with pytest.raises(NotFound) as no:
            await change(world, one, services=(line,))
        assert no.value.field == "services.0.subscription"


async def test_new_default_fees_hold_from_a_day_on(world: World) -> None:
    made = await a_service(world, periodic_fee=Decimal(99))
    who = {"actor": world.operator, "begin": world.begin, "clock": world.clock}
    kept = await change_service(
        ChangeService(service=made.id, version=1, periodic_fee=Decimal(109), fees_from=LATER, name="Mobile+"), **who
    )
    assert (kept.version, kept.name, kept.periodic_fee) == (2, "Mobile+", 99)
    assert (kept.fees_on(date(2026, 4, 14))[1], kept.fees_on(LATER)[1]) == (99, 109)
    with pytest.raises(Stale):
        await change_service(ChangeService(service=made.id, version=1, name="x"), **who)
    with pytest.raises(NotFound):
        await change_service(ChangeService(service=made.id, version=2, needs=(ServiceId(10**9),)), **who)
    with pytest.raises(NotAllowed):
        await change_service(ChangeService(service=made.id, version=2, name="x"), **(who | {"actor": world.north}))
    tax = CountryTax(country="FI", account="3106", vat_category="S", vat_percent=Decimal("25.5"))
    taxed = await change_service(ChangeService(service=made.id, version=2, countries=(tax,)), **who)
    async with world.begin(world.operator) as unit:
        assert (await unit.services.many([made.id]))[made.id] == taxed


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"terms": Terms(binding_months=121)}, "terms.bindingMonths"),
        ({"terms": Terms(renewal=Renewal.RENEW, binding_months=3)}, "terms.renewalMonths"),
        ({"terms": Terms(renewal=Renewal.END)}, "terms.bindingMonths"),
        ({"terms": Terms(interval_months=4)}, "terms.intervalMonths"),
        ({"terms": Terms(binding_share=Decimal(101))}, "terms.bindingShare"),
        ({"terms": Terms(seller=" ")}, "terms.seller"),
        ({"discounts": (Discount(start=START),)}, "discounts.0.percent"),
        ({"discounts": (Discount(start=START, percent=Decimal(0)),)}, "discounts.0.percent"),
        ({"discounts": (Discount(start=START, end=START, percent=Decimal(5)),)}, "discounts.0.end"),
        ({"discounts": (Discount(start=START, amount=Decimal(5), on=DiscountOn.USAGE),)}, "discounts.0.percent"),
    ],
)
async def test_bad_terms(world: World, fields, field: str) -> None:
    with pytest.raises(BadValue) as no:
        await active(world, **fields)
    assert no.value.field == field


async def test_a_resellers_client_works_on_what_is_his_alone(world: World) -> None:
    mine = await a_contract(world, world.north, state=ContractState.ACTIVE)
    made = await do(world, StepContract, mine, world.north, state=ContractState.SUSPENDED, on=LATER)
    for stranger in (world.south, world.other_operator):
        with pytest.raises(NotFound):
            await do(world, StepContract, mine, stranger, state=ContractState.SUSPENDED)
        with pytest.raises(NotFound):
            await cancel_change(made.id, actor=stranger, begin=world.begin, clock=world.clock)
        with pytest.raises(NotFound):
            await list_contract_changes(mine.id, PageRequest(), actor=stranger, begin=world.begin)
    theirs = await a_customer(world, world.south)
    kept = await read(world, mine.id)
    with pytest.raises(NotFound):
        await do(world, TakeOverContract, kept, world.north, customer=theirs.id)
    with pytest.raises(BadValue):
        await do(world, EndContract, kept, world.north, free=True)


async def test_discounts_on_usage_need_a_list_and_do_not_overlap(world: World) -> None:
    half = Discount(start=START, percent=Decimal(50), on=DiscountOn.USAGE)
    with pytest.raises(BadValue) as no:
        await active(world, discounts=(half,))
    assert no.value.field == "priceList"
    with pytest.raises(Overlap):
        await active(world, discounts=(half, replace(half, percent=Decimal(10))))


async def test_what_is_planned_goes_on_with_whoever_takes_over(world: World) -> None:
    small, large = await a_service(world, code="small"), await a_service(world, code="large")
    one = await active(world, small, terms=Terms(binding_months=12))
    heir = await a_customer(world)
    await do(
        world, ExchangeService, one, on=date(2026, 5, 1), gone=HeldLine(service=small.id, start=START),
        new=ContractService(service=large.id, start=START),
    )  # fmt: skip
    await do(world, EndContract, await read(world, one.id), end=date(2026, 6, 1))
    taken = await do(world, TakeOverContract, await read(world, one.id), customer=heir.id, on=TODAY)
    assert taken.successor is not None
    new = await read(world, taken.successor)
    assert (new.end, new.ending and new.ending.bound_until) == (date(2026, 6, 1), date(2027, 1, 1))
    assert (await read(world, one.id)).ending is None
    world.clock.pass_by(days=61)  # 1 May
    assert await due(world) == CarriedOut(1, 0, 0, 0)
    lines = (await read(world, new.id, as_of=date(2026, 5, 1))).services
    assert [line.service for line in lines] == [large.id]
    world.clock.pass_by(days=31)
    assert await due(world) == CarriedOut(1, 0, 0, 0)
    assert (await read(world, new.id)).state is ContractState.ENDED

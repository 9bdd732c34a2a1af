"""A subscription's life: its steps, its dated history, and what its end does to what it was known by."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.contracts.contract import ContractState
from domain.contracts.identifiers import IdentifierKind
from domain.contracts.stepping import Step, dated, possible_steps, state_on
from domain.contracts.subscription import Subscription, SubscriptionKind, SubscriptionState
from domain.refusal import BadValue, Conflict, NotFound, Overlap, Stale, WrongState
from domain.usecases.assign_numbers import AssignNumbers, assign_numbers
from domain.usecases.change_contract import ChangeContract, change_contract
from domain.usecases.get_subscription import get_subscription, owner_of_number
from domain.usecases.list_subscriptions import ListSubscriptions, list_subscriptions
from domain.usecases.load_batches import contracts_by_ids
from domain.usecases.step_subscription import (
    StepSubscription,
    end_subscriptions,
    step_subscription,
    subscription_histories,
)
from domain.usecases.swap_sim import SwapSim, swap_sim
from tests.numbers.made import BEGAN, LATER, at, by, held, line
from tests.stores.worlds import NOON, World
from tests.usecases.trail import trail

A, B = "46812345601", "46812345602"
S = SubscriptionState
ICCIDS = ("8946200000000000004", "8946200000000000012")


async def step(world: World, one: Subscription, what: Step, **fields: Any) -> Subscription:
    return await step_subscription(StepSubscription(subscription=one.id, step=what, **fields), **at(world))


async def states(world: World, one: Subscription) -> list[tuple[SubscriptionState, object]]:
    history = (await subscription_histories([one.id], **by(world)))[one.id]
    return [(each.state, each.since) for each in dated(history)]


async def test_a_line_that_is_added_plainly_is_active_since_its_first_number(world: World) -> None:
    one = await line(world, held(A, NOON), held(B))
    assert (one.state, one.activated_at, one.ended_at) == (S.ACTIVE, BEGAN, None)
    assert (await line(world)).activated_at == NOON
    assert await states(world, one) == [(S.ACTIVE, BEGAN)]


async def test_a_pending_line_is_activated_or_fails(world: World) -> None:
    one = await line(world, held(A), pending=True)
    assert (one.state, one.activated_at) == (S.PENDING, None)
    world.clock.pass_by(hours=2)
    active = await step(world, one, Step.ACTIVATE, at=NOON + timedelta(hours=1))
    assert (active.state, active.activated_at, active.version) == (S.ACTIVE, NOON + timedelta(hours=1), 2)
    assert await states(world, one) == [(S.PENDING, NOON), (S.ACTIVE, NOON + timedelta(hours=1))]

    other = await line(world, held(B), pending=True)
    failed = await step(world, other, Step.FAIL, reason="no such card")
    assert (failed.state, failed.activated_at, failed.ended_at) == (S.ENDED, None, world.clock.now())
    assert failed.numbers == ()  # so that another may have them, from any time on
    await line(world, held(B))
    with pytest.raises(WrongState):
        await step(world, failed, Step.ACTIVATE)
    assert ("boss", "fail_subscription", f"subscription:{other.id}") in await trail(world)


async def test_suspension_resumption_and_what_was_on_a_day(world: World) -> None:
    one = await line(world, held(A))
    world.clock.pass_by(days=1)
    first = world.clock.now()
    await step(world, one, Step.SUSPEND, reason="lost")
    with pytest.raises(WrongState, match="possible: resume, end"):
        await step(world, one, Step.SUSPEND)
    world.clock.pass_by(days=1)
    await step(world, one, Step.RESUME)
    history = (await subscription_histories([one.id], **by(world)))[one.id]
    assert [each.reason for each in history] == [None, "lost", None]
    days = [BEGAN - timedelta(1), BEGAN, first, world.clock.now()]
    assert [state_on(history, day) for day in days] == [None, S.ACTIVE, S.SUSPENDED, S.ACTIVE]


async def test_only_an_end_lies_ahead_and_no_step_before_the_last(world: World) -> None:
    one = await line(world, held(A))
    with pytest.raises(BadValue) as no:
        await step(world, one, Step.SUSPEND, at=LATER)
    assert no.value.field == "at"
    with pytest.raises(BadValue):
        await step(world, one, Step.SUSPEND, at=BEGAN - timedelta(1))
    with pytest.raises(BadValue):
        await step(world, one, Step.SUSPEND, reason=" ")
    with pytest.raises(Stale):
        await step(world, one, Step.SUSPEND, version=7)


async def test_an_end_gives_the_numbers_back(world: World) -> None:
    one = await line(world, held(A), held(B, LATER))
    gone = await step(world, one, Step.END, at=NOON - timedelta(days=1))
    assert (gone.state, gone.ended_at) == (S.ENDED, NOON - timedelta(days=1))
    assert [(each.number, each.valid_to) for each in gone.numbers] == [(A, NOON - timedelta(days=1))]
    assert (await owner_of_number(A, BEGAN, **by(world))).id == one.id
    with pytest.raises(NotFound):
        await owner_of_number(A, NOON, **by(world))
    with pytest.raises(BadValue, match="ends at"):
        await assign_numbers(AssignNumbers(subscription=one.id, numbers=(held(B),)), **at(world))
    again = await line(world, held(A, NOON), held(B, NOON))
    assert again.id != one.id


async def test_an_end_set_ahead_comes_by_itself_or_is_taken_back(world: World) -> None:
    one = await line(world, held(A))
    ending = await step(world, one, Step.END, at=LATER)
    assert (ending.state_at(NOON), ending.state_at(LATER), ending.ended_at) == (S.ACTIVE, S.ENDED, LATER)
    assert ending.numbers[0].valid_to == LATER
    assert Step.KEEP in possible_steps(ending, NOON)
    await step(world, one, Step.SUSPEND)
    assert await states(world, one) == [(S.ACTIVE, BEGAN), (S.SUSPENDED, NOON), (S.ENDED, LATER)]
    later = await step(world, one, Step.END, at=LATER + timedelta(days=1))
    assert later.numbers[0].valid_to == later.ended_at == LATER + timedelta(days=1)
    kept = await step(world, one, Step.KEEP)
    assert (kept.ended_at, kept.numbers[0].valid_to, kept.state) == (None, None, S.SUSPENDED)
    assert await states(world, one) == [(S.ACTIVE, BEGAN), (S.SUSPENDED, NOON)]
    await step(world, one, Step.END, at=LATER)
    world.clock.at = LATER
    assert (await get_subscription(one.id, **by(world))).state_at(LATER) is S.ENDED
    with pytest.raises(WrongState):
        await step(world, one, Step.KEEP)


async def test_a_step_is_answered_the_same_under_its_key(world: World) -> None:
    one = await line(world, held(A))
    done = await step(world, one, Step.SUSPEND, idempotency_key="k")
    assert await step(world, one, Step.SUSPEND, idempotency_key="k") == done
    with pytest.raises(Conflict):
        await step(world, one, Step.END, idempotency_key="k")


async def test_the_lines_of_a_contract_end_with_it(world: World) -> None:
    one = await line(world, held(A))
    async with world.begin(world.operator) as unit:
        done = await end_subscriptions(unit, one.contract, at=LATER, now=NOON)
        assert [each.ended_at for each in done] == [LATER]
        assert list(await end_subscriptions(unit, one.contract, at=LATER, now=NOON)) == []
    assert (await get_subscription(one.id, **by(world))).ended_at == LATER


async def test_another_card_keeps_the_number(world: World) -> None:
    card = held(ICCIDS[0], kind=IdentifierKind.ICCID)
    imsi = held("240011234567890", kind=IdentifierKind.IMSI)
    msisdn = held("070-123 45 67", kind=IdentifierKind.MSISDN)
    one = await line(world, msisdn, card, imsi, kind=SubscriptionKind.MOBILE)
    cmd = SwapSim(subscription=one.id, iccid=f"{ICCIDS[1]}F", imsi="240 01 1234567891", at=NOON)
    after = await swap_sim(cmd, **at(world))
    assert [(each.number, each.valid_from, each.valid_to) for each in after.numbers] == [
        ("240011234567890", BEGAN, NOON),
        ("46701234567", BEGAN, None),
        (ICCIDS[0], BEGAN, NOON),
        ("240011234567891", NOON, None),
        (ICCIDS[1], NOON, None),
    ]
    assert (await owner_of_number("240011234567890", NOON - timedelta(1), **by(world))).id == one.id
    with pytest.raises(NotFound):
        await owner_of_number("240011234567890", NOON, **by(world))
    other = await line(world, kind=SubscriptionKind.MOBILE)
    with pytest.raises(Overlap):
        await swap_sim(SwapSim(subscription=other.id, iccid=ICCIDS[1], at=LATER), **at(world))
    with pytest.raises(BadValue) as no:
        await swap_sim(SwapSim(subscription=one.id, at=LATER), **at(world))
    assert no.value.field == "iccid"
    fixed = await line(world)
    with pytest.raises(WrongState):
        await swap_sim(SwapSim(subscription=fixed.id, iccid=ICCIDS[1]), **at(world))


@pytest.mark.parametrize(
    ("kind", "text", "kept"),
    [
        (IdentifierKind.MSISDN, "+46 (0)70-123 45 67".replace("(0)", ""), "46701234567"),
        (IdentifierKind.FIXED, "08-123 456 78", "46812345678"),
        (IdentifierKind.FIXED, "0046 31 12 34 56", "4631123456"),
        (IdentifierKind.FIXED, "+4520123456", "4520123456"),
        (IdentifierKind.IMSI, "24001-1234567890", "240011234567890"),
        (IdentifierKind.ICCID, "8946 2000 0000 0000 004", ICCIDS[0]),
        (IdentifierKind.SIP, "sip:alice@pbx.example.com", "alice"),
        (IdentifierKind.TRUNK, " SIP/trunk-7 ", "SIP/trunk-7"),
        (IdentifierKind.IP, "192.0.2.7", "192.0.2.7"),
        (IdentifierKind.IP, "192.0.2.0/24", "192.0.2.0/24"),
        (IdentifierKind.IP, "2001:0DB8:0000::1", "2001:db8::1"),
        (IdentifierKind.IP, "::ffff:192.0.2.9", "192.0.2.9"),
    ],
)
async def test_identifiers_are_kept_as_switches_write_them(
    world: World, kind: IdentifierKind, text: str, kept: str
) -> None:
    one = await line(world, held(text, kind=kind))
    assert [(each.number, each.kind) for each in one.numbers] == [(kept, kind)]
    assert await get_subscription(one.id, **by(world)) == one


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (IdentifierKind.FIXED, "123 456 78"),  # no area code
        (IdentifierKind.FIXED, "08-1"),
        (IdentifierKind.MSISDN, "alice"),
        (IdentifierKind.MSISDN, "46701234567890123"),
        (IdentifierKind.IMSI, "2400112345678"),
        (IdentifierKind.IMSI, "439011234567890"),
        (IdentifierKind.IMSI, "24001123456789O"),
        (IdentifierKind.ICCID, "8946200000000000005"),
        (IdentifierKind.ICCID, "7946200000000000003"),
        (IdentifierKind.IP, "192.0.2.1/24"),
        (IdentifierKind.IP, "192.0.2.256"),
        (IdentifierKind.IP, "pbx.example.com"),
    ],
)
async def test_what_is_no_identifier_is_refused_by_its_place(world: World, kind: IdentifierKind, text: str) -> None:
    with pytest.raises(BadValue) as no:
        await line(world, held(A), held(text, kind=kind))
    assert no.value.field == "numbers.1.number"


async def test_prefixes_of_addresses_belong_to_one_line_at_a_time(world: World) -> None:
    one = await line(world, held("192.0.2.0/24", BEGAN, LATER, IdentifierKind.IP))
    for text in ("192.0.2.7", "192.0.0.0/16", "192.0.2.0/25"):
        with pytest.raises(Overlap):
            await line(world, held(text, kind=IdentifierKind.IP))
    other = await line(world, held("192.0.2.7", LATER, kind=IdentifierKind.IP))
    assert (await owner_of_number("192.0.2.7", NOON, **by(world))).id == one.id
    assert (await owner_of_number("192.0.2.7", LATER, **by(world))).id == other.id
    with pytest.raises(NotFound):
        await owner_of_number("192.0.3.7", NOON, **by(world))


async def test_a_contract_that_is_ended_ends_its_lines(world: World) -> None:
    one = await line(world, held(A))
    contract = (await contracts_by_ids([one.contract], **by(world)))[one.contract]
    active = await change_contract(
        ChangeContract(contract=contract.id, version=contract.version, state=ContractState.ACTIVE), **at(world)
    )
    cmd = ChangeContract(contract=contract.id, version=active.version, state=ContractState.ENDED, end=date(2026, 2, 20))
    await change_contract(cmd, **at(world))
    gone = await get_subscription(one.id, **by(world))
    assert (gone.state, gone.ended_at) == (S.ENDED, datetime(2026, 2, 19, 23, tzinfo=UTC))  # midnight in Stockholm
    assert gone.numbers[0].valid_to == gone.ended_at


async def test_lines_are_found_by_what_they_are_or_were_known_by(world: World) -> None:
    one = await line(world, held(A, BEGAN, NOON), held("alice", kind=IdentifierKind.SIP))
    two = await line(world, held(A, NOON))
    for text, found in (("08-123 456 01", [one.id, two.id]), ("alice", [one.id]), ("08-999 999 99", [])):
        page = await list_subscriptions(ListSubscriptions(number=text), **by(world))
        assert [each.id for each in page.items] == found
    assert list((await list_subscriptions(ListSubscriptions(number=A), **by(world, world.south))).items) == []

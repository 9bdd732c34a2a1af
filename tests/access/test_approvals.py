"""A second person: what waits, who decides, and that it is done once (attack B12)."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from inspect import getsourcefile, unwrap
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import pytest

from api.carrying import WATCHED
from domain.access.actor import Action, Actor
from domain.access.approval import Approval, ApprovalKind, ApprovalRule, ApprovalState, NeedsApproval
from domain.access.client import ApiClient
from domain.access.limits import Limits
from domain.catalogue.tariff import Rate, Step
from domain.ids import ApprovalId
from domain.ports.page import PageRequest
from domain.refusal import BadValue, Conflict, NotAllowed, NotFound, Refusal, Stale, WrongState
from domain.usecases.change_prices import ChangePrices
from domain.usecases.create_portal import RenewClientSecret, renew_client_secret
from domain.usecases.create_price_list import CreatePriceList
from domain.usecases.credit_invoice import CreditInvoice, credit_invoice
from domain.usecases.decide_approval import (
    DecideApproval,
    SetApprovalRules,
    decide_approval,
    get_approval,
    get_approval_rules,
    list_approvals,
    set_approval_rules,
    withdraw_approval,
)
from domain.usecases.four_eyes import agreed, watched
from domain.usecases.import_tariff import ImportTariff, import_tariff
from domain.usecases.limit_credit import SetCreditLimit, set_credit_limit
from domain.usecases.list_drafts import get_draft
from domain.usecases.load_batches import rates_of_lists
from domain.usecases.publish_draft import PublishDraft, publish_draft
from domain.usecases.run_bills import RunBills, run_bills
from tests.access.people import again, built_in, level, person
from tests.catalogue_work.test_drafts import load, price, put
from tests.invoicing.conftest import NOVEMBER, OCTOBER, Office, backing, office
from tests.stores.worlds import NOON, World
from tests.usecases.trail import trail

__all__ = ["backing", "office"]

SWEDEN = Rate(to="SE", mode="voice", steps=(Step(price=890_000_000, next=60, per=60),))
WORDS = frozenset({"prices:write", "prices:read", "bills:run", "invoices:read", "approvals:decide"})


async def rules(world: World, *needed: ApprovalRule, alone: bool = False) -> int:
    before = await get_approval_rules(actor=world.operator, begin=world.begin)
    cmd = SetApprovalRules(rules=needed, version=before.version)
    return (await set_approval_rules(cmd, actor=world.operator, begin=world.begin, alone=alone)).version


def carry(world: World, counted: list[str] | None = None) -> Any:
    async def work(operation: str, command: object, actor: Actor) -> Any:
        if counted is not None:
            counted.append(operation)
        return await WATCHED[operation](command, actor=actor, begin=world.begin, clock=world.clock)

    return work


async def decide(world: World, key: ApprovalId, by: Actor, *, approve: bool = True, **more: Any) -> Approval:
    found = await get_approval(key, actor=by, begin=world.begin)
    fields: dict[str, Any] = {"approval": key, "version": found.version, "approve": approve, "reason": "ok"} | more
    cmd = DecideApproval(**fields)
    return await decide_approval(cmd, actor=by, begin=world.begin, clock=world.clock, carry=carry(world))


async def publish(world: World, by: Actor, **more: Any) -> Any:
    fields: dict[str, Any] = {"name": "spring"} | more
    cmd = PublishDraft(**fields)
    return await publish_draft(cmd, actor=by, begin=world.begin, clock=world.clock)


async def two(world: World) -> tuple[Actor, Actor]:
    of = await level(world, permissions=WORDS)
    return await person(world, of), await person(world, of)


async def norths(world: World) -> None:
    """Give the reseller north an empty list of his own."""
    cmd = CreatePriceList(name="norths", parent="master", reseller=world.north.reseller)
    await WATCHED["create_price_list"](cmd, actor=world.operator, begin=world.begin, clock=world.clock)


async def waiting(world: World, by: Actor) -> ApprovalId:
    with pytest.raises(NeedsApproval) as no:
        await publish(world, by)
    return no.value.approval


@pytest.fixture
async def spring(world: World) -> World:
    """A draft that is ready, and the rule that prices need a second person."""
    await load(world)
    await put(world, {"price_lists": {"master": {"rates": [price("SE", "0.79")]}}})
    await rules(world, ApprovalRule(kind=ApprovalKind.PRICES))
    return world


async def test_without_a_rule_one_person_does_it_alone(world: World) -> None:
    await load(world)
    await put(world, {"price_lists": {"master": {"rates": [price("SE", "0.79")]}}})
    anna, _ = await two(world)
    assert (await publish(world, anna)).began


async def test_what_waits_is_done_once_somebody_else_has_approved_it(spring: World) -> None:
    anna, bo = await two(spring)
    key = await waiting(spring, anna)
    assert (await get_draft("spring", actor=anna, begin=spring.begin)).state == "open"
    found = await get_approval(key, actor=bo, begin=spring.begin)
    assert (found.state, found.operation, found.asker) == ("pending", "publish_draft", anna.person)
    assert found.command == {"name": "spring", "valid_from": None, "accept_warnings": False, "version": None}
    done = await decide(spring, key, bo)
    assert (done.state, done.decider, done.fault) == (ApprovalState.CARRIED_OUT, bo.person, None)
    assert (await get_draft("spring", actor=anna, begin=spring.begin)).state == "published"
    # It was Anna who published, and Bo who let her.
    lines = await trail(spring)
    assert (anna.client, "publish_draft", "draft:spring") in lines
    assert [action for _, action, target in lines if target == f"approval:{key}"] == [
        "request_approval",
        "approve_command",
    ]
    with pytest.raises(WrongState):
        await decide(spring, key, bo)


async def test_who_asked_does_not_approve_through_whichever_client(spring: World) -> None:
    anna, bo = await two(spring)
    key = await waiting(spring, anna)
    elsewhere = replace(anna, client="another-portal")
    # A machine that Anna made, and one that this one made.
    made = replace(anna, user=None, client="annas-machine")
    grandchild = replace(made, client="made-by-machine")
    async with spring.begin(spring.operator) as unit:
        await unit.clients.add(_client(spring, "annas-machine", anna.person))
        await unit.clients.add(_client(spring, "made-by-machine", made.person))
        await unit.clients.add(_client(spring, "bos-machine", bo.person))
    for same in (anna, elsewhere, made, grandchild, replace(bo, factor="api-key")):
        with pytest.raises(NotAllowed):
            await decide(spring, key, same)
    # What a machine asked for, its maker does not approve; somebody else's machine may.
    other = await waiting(spring, made)
    with pytest.raises(NotAllowed):
        await decide(spring, other, anna)
    assert (await decide(spring, other, replace(bo, user=None, client="bos-machine"))).state == "carried_out"


async def test_who_approves_holds_the_permission_himself(spring: World) -> None:
    anna, _ = await two(spring)
    key = await waiting(spring, anna)
    clerk = await person(spring, await level(spring, permissions=frozenset({"approvals:decide", "bills:run"})))
    with pytest.raises(NotAllowed):
        await decide(spring, key, clerk)
    assert (await list_approvals(PageRequest(), actor=spring.north, begin=spring.begin)).items == []
    outsider = await person(spring, await level(spring, permissions=frozenset({"prices:write"})))
    with pytest.raises(NotAllowed):
        await decide(spring, key, replace(outsider, scopes=frozenset({Action.WRITE_PRICES})))
    assert (await list_approvals(PageRequest(), actor=outsider, begin=spring.begin)).items == []
    assert len((await list_approvals(PageRequest(), actor=clerk, begin=spring.begin)).items) == 1
    with pytest.raises(NotFound):
        await get_approval(key, actor=spring.other_operator, begin=spring.begin)


async def test_no_is_no_and_says_why(spring: World) -> None:
    anna, bo = await two(spring)
    key = await waiting(spring, anna)
    with pytest.raises(BadValue):
        await decide(spring, key, bo, approve=False, reason=" ")
    with pytest.raises(Stale):
        await decide(spring, key, bo, version=9)
    no = await decide(spring, key, bo, approve=False, reason="too dear")
    assert (no.state, no.reason) == (ApprovalState.REFUSED, "too dear")
    with pytest.raises(WrongState):
        await decide(spring, key, bo)
    # Asked again it is another one.
    assert await waiting(spring, anna) != key


async def test_the_same_command_waits_once_and_expires(spring: World) -> None:
    anna, bo = await two(spring)
    key = await waiting(spring, anna)
    assert await waiting(spring, anna) == key
    spring.clock.pass_by(days=7)
    assert (await get_approval(key, actor=bo, begin=spring.begin)).state_at(spring.clock.now()) == "expired"
    with pytest.raises(WrongState):
        await decide(spring, key, bo)
    later = await waiting(spring, anna)
    assert later != key
    with pytest.raises(NotAllowed):
        await withdraw_approval(later, 1, actor=bo, begin=spring.begin, clock=spring.clock)
    gone = await withdraw_approval(later, 1, actor=anna, begin=spring.begin, clock=spring.clock)
    assert gone.state is ApprovalState.WITHDRAWN
    with pytest.raises(WrongState):
        await decide(spring, later, bo)


async def test_two_who_approve_at_once_do_it_once(spring: World) -> None:
    anna, bo = await two(spring)
    cia = await person(spring, await level(spring, permissions=WORDS))
    key = await waiting(spring, anna)
    counted: list[str] = []

    async def one(by: Actor) -> Approval | Refusal:
        cmd = DecideApproval(approval=key, version=1, approve=True)
        try:
            return await decide_approval(
                cmd, actor=by, begin=spring.begin, clock=spring.clock, carry=carry(spring, counted)
            )
        except Refusal as no:
            return no

    answers = await asyncio.gather(one(bo), one(cia))
    assert counted == ["publish_draft"]
    assert sorted(type(one).__name__ for one in answers) == ["Approval", "WrongState"]


async def test_what_broke_off_after_it_was_approved_is_approved_once_more_and_done_once(spring: World) -> None:
    anna, bo = await two(spring)
    key = await waiting(spring, anna)

    async def breaks(operation: str, command: object, actor: Actor) -> Any:
        raise OSError("the machine went away")

    found = await get_approval(key, actor=bo, begin=spring.begin)
    cmd = DecideApproval(approval=key, version=found.version, approve=True)
    around: dict[str, Any] = {"actor": bo, "begin": spring.begin, "clock": spring.clock}
    with pytest.raises(OSError, match="went away"):
        await decide_approval(cmd, carry=breaks, **around)
    assert (await get_approval(key, actor=bo, begin=spring.begin)).state == "approved"
    # Who asked is told so when he asks again; he does not carry it out, and neither does a no end it.
    with pytest.raises(NeedsApproval) as no:
        await publish(spring, anna)
    assert no.value.approval == key
    assert "once more" in no.value.message
    with pytest.raises(NotAllowed):
        await decide(spring, key, anna)
    with pytest.raises(WrongState):
        await decide(spring, key, bo, approve=False)
    done = await decide(spring, key, bo)
    assert (done.state, done.fault) == (ApprovalState.CARRIED_OUT, None)
    with pytest.raises(WrongState):
        await decide(spring, key, bo)


async def test_what_was_approved_and_never_done_lapses_and_is_asked_for_anew(spring: World) -> None:
    anna, bo = await two(spring)
    key = await waiting(spring, anna)

    async def breaks(operation: str, command: object, actor: Actor) -> Any:
        raise OSError("the machine went away")

    cmd = DecideApproval(approval=key, version=1, approve=True)
    with pytest.raises(OSError, match="went away"):
        await decide_approval(cmd, actor=bo, begin=spring.begin, clock=spring.clock, carry=breaks)
    spring.clock.pass_by(days=8)
    with pytest.raises(WrongState):
        await decide(spring, key, bo)
    anew = await waiting(spring, anna)
    assert anew != key
    assert (await decide(spring, anew, bo)).state == "carried_out"


async def test_what_is_published_asks_nobody(spring: World) -> None:
    anna, bo = await two(spring)
    await decide(spring, await waiting(spring, anna), bo)
    with pytest.raises(WrongState) as no:
        await publish(spring, anna)
    assert "published already" in no.value.message
    with pytest.raises(NotFound):
        await publish(spring, anna, name="never")


async def test_the_rules_bind_a_resellers_people_too(spring: World) -> None:
    """A reseller's prices wait for somebody of the operator, and are put in force as the reseller's own."""
    _, bo = await two(spring)
    of = await built_in(spring, "reseller_administrator")
    north = spring.north
    eve, mate = await person(spring, of, by=north), await person(spring, of, by=north)
    around: dict[str, Any] = {"begin": spring.begin, "clock": spring.clock}
    await norths(spring)
    cmd = ChangePrices(price_list="norths", valid_from=spring.clock.now(), rates=(SWEDEN,))
    with pytest.raises(NeedsApproval) as no:
        await WATCHED["change_prices"](cmd, actor=eve, **around)
    key = no.value.approval
    # He sees what he asked for himself, his colleague and his neighbour nothing, and none of them decides.
    assert [one.id for one in (await list_approvals(PageRequest(), actor=eve, begin=spring.begin)).items] == [key]
    for other in (mate, spring.south):
        assert (await list_approvals(PageRequest(), actor=other, begin=spring.begin)).items == []
        with pytest.raises((NotAllowed, NotFound)):
            await decide(spring, key, other)
    with pytest.raises(NotAllowed):
        await decide(spring, key, eve)
    done = await decide(spring, key, bo)
    assert (done.state, done.fault) == (ApprovalState.CARRIED_OUT, None)
    assert ("norths", 1) in [
        (name, len(found.items))
        for name, found in (
            await rates_of_lists(["norths"], first=5, actor=spring.operator, begin=spring.begin)
        ).items()
    ]


async def test_who_is_held_to_a_part_of_the_tree_asks_too(spring: World) -> None:
    """Somebody of the operator whose level reaches one reseller is bound, and reaches no further when approved."""
    _, bo = await two(spring)
    words = frozenset({"prices:own", "prices:read", "contracts:write"})
    of = await level(spring, permissions=words, limits=Limits(reseller=spring.north.reseller))
    held = replace(await person(spring, of), reseller=spring.north.reseller, resellers=spring.north.resellers)
    around: dict[str, Any] = {"begin": spring.begin, "clock": spring.clock}
    await norths(spring)
    cmd = CreatePriceList(name="held", parent="norths", rates=(SWEDEN,))
    with pytest.raises(NeedsApproval) as no:
        await WATCHED["create_price_list"](cmd, actor=held, **around)
    assert (await decide(spring, no.value.approval, bo)).fault is None


async def test_a_machine_that_renews_its_own_secret_keeps_its_maker(world: World) -> None:
    anna, _ = await two(world)
    first = replace(world.operator, client="first", user=None)
    second = replace(world.operator, client="second", user=None)
    async with world.begin(world.operator) as unit:
        await unit.clients.add(_client(world, "first", anna.person))
        await unit.clients.add(_client(world, "second", first.person))
    for by in (first, second):
        cmd = RenewClientSecret(client_id="first")
        await renew_client_secret(cmd, actor=by, begin=world.begin, draw=token_urlsafe, vault=Unneeded())
    async with world.begin(world.operator) as unit:
        assert await unit.approvals.answers_for(second.person) == anna.person
        assert anna.person in await unit.approvals.makers(first.person)


class Unneeded:
    """A vault that nothing is put into."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


async def test_what_cannot_be_done_any_more_has_failed_and_did_nothing(spring: World) -> None:
    anna, bo = await two(spring)
    with pytest.raises(NeedsApproval) as no:
        await publish(spring, anna, version=1)
    await put(spring, {"price_lists": {"master": {"rates": [price("SE", "9.99")]}}})
    failed = await decide(spring, no.value.approval, bo)
    assert failed.state is ApprovalState.FAILED
    assert "edited since" in (failed.fault or "")
    assert (await get_draft("spring", actor=anna, begin=spring.begin)).state == "open"


async def test_who_lost_the_permission_meanwhile_has_nothing_done_in_his_name(spring: World) -> None:
    anna, bo = await two(spring)
    key = await waiting(spring, anna)
    async with spring.begin(spring.operator) as unit:
        assert anna.user is not None
        user = await unit.users.claim(anna.user)
        await unit.users.keep(replace(user, level=(await unit.levels.built_in("read_only")).id))
    failed = await decide(spring, key, bo)
    assert failed.state is ApprovalState.FAILED
    assert (await get_draft("spring", actor=bo, begin=spring.begin)).state == "open"


async def test_what_was_done_once_is_not_done_again_through_another_client(spring: World) -> None:
    anna, bo = await two(spring)
    with pytest.raises(NeedsApproval) as no:
        await publish(spring, anna)
    assert (await decide(spring, no.value.approval, bo)).state is ApprovalState.CARRIED_OUT
    async with spring.begin(spring.operator) as unit:
        found = await unit.approvals.get(no.value.approval)
        assert await unit.approvals.done_before(anna.person, anna.client, found.content)
        assert not await unit.approvals.done_before(anna.person, "another-portal", found.content)


async def test_a_machine_that_is_shut_out_meanwhile_has_nothing_done_in_its_name(spring: World) -> None:
    anna, bo = await two(spring)
    machine = replace(anna, user=None, client="erp", level=None)
    async with spring.begin(spring.operator) as unit:
        await unit.clients.add(_client(spring, "erp", anna.person))
    key = await waiting(spring, machine)
    async with spring.begin(spring.operator) as unit:
        await unit.clients.keep(replace(await unit.clients.claim("erp"), revoked_at=spring.clock.now()))
    assert (await decide(spring, key, bo)).state is ApprovalState.FAILED
    assert (await get_draft("spring", actor=bo, begin=spring.begin)).state == "open"


async def test_an_approval_is_good_for_what_it_was_given_for(spring: World) -> None:
    """Nobody who got hold of the mark of an approval does something else with it, or the same twice."""
    anna, bo = await two(spring)
    key = await waiting(spring, anna)
    sly = replace(anna, approval=key)
    with pytest.raises(WrongState):
        await publish(spring, sly)  # not approved
    await decide(spring, key, bo)
    await put(spring, {"price_lists": {"master": {"rates": [price("SE", "5.55")]}}}, name="summer")
    for name in ("summer", "spring"):
        with pytest.raises((WrongState, NotFound)):
            await publish(spring, sly, name=name)
    assert (await get_draft("summer", actor=bo, begin=spring.begin)).state == "open"


async def test_every_way_to_put_prices_into_force_is_watched(spring: World) -> None:
    anna, bo = await two(spring)
    document = {"price_lists": {"plain": {"currency": "SEK", "rates": []}}}
    with pytest.raises(NeedsApproval) as no:
        await import_tariff(ImportTariff(document=document), actor=anna, begin=spring.begin, clock=spring.clock)
    assert (await decide(spring, no.value.approval, bo)).state == "carried_out"
    assert set(WATCHED) == set(watched())
    assert {name for name, kind in watched().items() if kind is ApprovalKind.PRICES} == {
        *("publish_draft", "import_tariff", "create_price_list", "change_prices", "price_contract")
    }


async def test_who_approves_new_prices_of_a_list_may_write_prices(spring: World) -> None:
    """What one of several permissions is enough for is not approved with none of them."""
    anna, bo = await two(spring)
    rate = SWEDEN
    around: dict[str, Any] = {"actor": anna, "begin": spring.begin, "clock": spring.clock}
    clerk = await person(spring, await level(spring, permissions=frozenset({"approvals:decide", "bills:run"})))
    for name, cmd in (
        ("change_prices", ChangePrices(price_list="master", rates=(rate,), valid_from=spring.clock.now())),
        ("create_price_list", CreatePriceList(name="new", currency="SEK", rates=(rate,))),
    ):
        with pytest.raises(NeedsApproval) as no:
            await WATCHED[name](cmd, **around)
        with pytest.raises(NotAllowed):
            await decide(spring, no.value.approval, clerk)
        done = await decide(spring, no.value.approval, bo)
        assert (done.state, done.fault) == (ApprovalState.CARRIED_OUT, None)
    # A list without prices puts none into force.
    await WATCHED["create_price_list"](CreatePriceList(name="empty", currency="SEK"), **around)


async def test_rules_become_looser_on_the_installations_own_machine_alone(world: World) -> None:
    credit = ApprovalRule(kind=ApprovalKind.CREDIT, above=Decimal(1000))
    await rules(world, credit)
    await rules(world, replace(credit, above=Decimal(500)), ApprovalRule(kind=ApprovalKind.PRICES))
    for looser in (
        (),
        (credit, ApprovalRule(kind=ApprovalKind.PRICES)),
        (replace(credit, above=Decimal(500)),),
    ):
        with pytest.raises(NotAllowed):
            await rules(world, *looser)
    await rules(world, ApprovalRule(kind=ApprovalKind.CREDIT), ApprovalRule(kind=ApprovalKind.PRICES))
    with pytest.raises(BadValue):
        await rules(world, ApprovalRule(kind=ApprovalKind.PRICES, above=Decimal(1)))
    with pytest.raises(BadValue):
        await rules(world, credit, credit)
    cmd = SetApprovalRules(rules=(), version=0)
    with pytest.raises(Stale):
        await set_approval_rules(cmd, actor=world.operator, begin=world.begin)
    with pytest.raises(NotAllowed):
        await set_approval_rules(SetApprovalRules(rules=(), version=0), actor=world.north, begin=world.begin)
    version = await rules(world, alone=True)
    assert await rules(world) == version


async def test_a_credit_above_the_amount_waits_and_one_below_does_not(office: Office) -> None:
    world = office.world
    await office.customer()
    await office.customer()
    await office.bill()
    first, second = office.invoices
    anna, bo = await two(world)

    async def credit(key: Any) -> Any:
        cmd = CreditInvoice(invoice=key, issued_on=NOVEMBER.start)
        return await credit_invoice(cmd, actor=anna, begin=world.begin, clock=world.clock)

    await rules(world, ApprovalRule(kind=ApprovalKind.CREDIT, above=first.total))
    assert (await credit(first.id)).original == first.number
    await rules(world, ApprovalRule(kind=ApprovalKind.CREDIT, above=second.total - Decimal("0.01")))
    with pytest.raises(NeedsApproval) as no:
        await credit(second.id)
    async with office.begin() as unit:
        assert await unit.invoices.credited(second.number) == []
    found = await get_approval(no.value.approval, actor=bo, begin=world.begin)
    assert found.amount == second.total
    assert (await decide(world, found.id, bo)).state == "carried_out"
    async with office.begin() as unit:
        (note,) = await unit.invoices.credited(second.number)
    assert note.number == "100002"  # what waited drew no number


async def test_all_of_it_is_no_more_than_was_approved(office: Office) -> None:
    """What is left of an invoice or a payment may become more between the look at it and the deed."""
    world = office.world
    await office.customer()
    await office.bill()
    (invoice,) = office.invoices
    anna, _ = await two(world)
    cmd = CreditInvoice(invoice=invoice.id, issued_on=NOVEMBER.start)
    await rules(world, ApprovalRule(kind=ApprovalKind.CREDIT))
    with pytest.raises(NeedsApproval) as no:
        await credit_invoice(cmd, actor=anna, begin=world.begin, clock=world.clock)
    sly, now = replace(anna, approval=no.value.approval), world.clock.now()
    async with office.begin() as unit:
        found = await unit.approvals.claim(no.value.approval)
        await unit.approvals.keep(replace(found, state=ApprovalState.APPROVED))
        assert found.amount == invoice.total
        for more in (found.amount + Decimal("0.01"), None):
            with pytest.raises(WrongState, match="more now than was approved"):
                await agreed(unit, sly, ApprovalKind.CREDIT, cmd, now=now, amount=more)
        await agreed(unit, sly, ApprovalKind.CREDIT, cmd, now=now, amount=found.amount)


async def test_whoever_asks_sees_it_and_takes_it_back(office: Office) -> None:
    """Also who may do nothing but what waits: credit, or payments."""
    world = office.world
    customer, *_ = await office.customer()
    await rules(world, ApprovalRule(kind=ApprovalKind.CREDIT))
    clerk = replace(world.operator, client="clerk", scopes=frozenset({Action.MANAGE_CREDIT}))
    cmd = SetCreditLimit(customer=customer.id, amount=Decimal(100))
    with pytest.raises(NeedsApproval) as no:
        await set_credit_limit(cmd, actor=clerk, begin=world.begin, clock=world.clock)
    (found,) = (await list_approvals(PageRequest(), actor=clerk, begin=world.begin)).items
    assert found.id == no.value.approval
    gone = await withdraw_approval(found.id, found.version, actor=clerk, begin=world.begin, clock=world.clock)
    assert gone.state is ApprovalState.WITHDRAWN
    cashier = replace(clerk, client="cashier", scopes=frozenset({Action.WRITE_PAYMENTS}))
    assert (await list_approvals(PageRequest(), actor=cashier, begin=world.begin)).items == []


async def test_a_bill_run_waits_and_its_rehearsal_does_not(office: Office) -> None:
    world = office.world
    await office.customer()
    anna, bo = await two(world)
    await rules(world, ApprovalRule(kind=ApprovalKind.BILL_RUN))
    cmd = RunBills(period=OCTOBER, issued_on=NOVEMBER.start)
    around: dict[str, Any] = {"begin": world.begin, "clock": world.clock}
    assert (await run_bills(replace(cmd, dry_run=True), actor=anna, **around)).invoices == 1
    with pytest.raises(NeedsApproval) as no:
        await run_bills(cmd, actor=anna, **around)
    async with office.begin() as unit:
        assert (await unit.bill_runs.page(PageRequest())).items == []
    assert (await decide(world, no.value.approval, bo)).state == "carried_out"
    async with office.begin() as unit:
        (run,) = (await unit.bill_runs.page(PageRequest())).items
    assert (run.invoices, run.state) == (1, "done")
    # The next one needs its own.
    with pytest.raises(NeedsApproval):
        await run_bills(cmd, actor=anna, **around)


async def test_somebody_signed_in_twice_is_one_person(spring: World) -> None:
    of = await built_in(spring, "price_manager")
    anna = await person(spring, of)
    assert anna.user is not None
    key = await waiting(spring, anna)
    with pytest.raises(NotAllowed):
        await decide(spring, key, again(spring.operator, of, anna.user, portal="phone"))
    with pytest.raises((NotAllowed, Conflict)):
        await decide(spring, key, anna)


def _client(world: World, client_id: str, maker: str) -> Any:
    return ApiClient(
        client_id=client_id,
        operator=world.operator.operator,
        name=client_id,
        secret_sha256=bytes(32),
        scopes=frozenset(Action),
        created_at=NOON,
        made_by=maker,
    )


def test_what_is_watched_asks_in_the_transaction_that_does_it() -> None:
    """Somebody who marks a use case and forgets to ask would let everything through."""
    for name in watched():
        whole = ast.parse(Path(getsourcefile(unwrap(WATCHED[name])) or "").read_text(encoding="utf-8"))
        defined = (one for one in ast.walk(whole) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
        calls = {one.name: set(_called(one)) for one in defined}
        reached, ahead = set(), [name]
        while ahead:  # through functions of the same module
            reached.add(one := ahead.pop())
            ahead += [each for each in calls.get(one, ()) if each not in reached]
        assert "agreed" in reached, name


def _called(function: ast.AST) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            called = node.func
            yield called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")

"""The daily run: each step in its time and once, what it claims, what holds it up, and its end when somebody pays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.access.actor import Action
from domain.collection.deciding import Why
from domain.collection.limits import ReferenceRate
from domain.collection.planning import Plan
from domain.collection.progress import Agency, CaseFormat, CaseState, HoldKind, MessageKind
from domain.collection.rules import Channel, CollectionRule, CollectionStep, StepKind
from domain.customers.customer import Customer, CustomerKind
from domain.ids import CollectionAgencyId, CollectionRuleId, OperatorId
from domain.invoicing.invoice import Invoice
from domain.ports.page import PageRequest
from domain.provisioning.order import Bar, OrderKind
from domain.refusal import BadValue, NotAllowed, NotFound, WrongState
from domain.usecases.allocate_payment import AllocatePayment, Part, allocate_payment, release_payment
from domain.usecases.dispute_invoice import DisputeInvoice, dispute_invoice
from domain.usecases.end_collection import end_collection
from domain.usecases.hand_over import HandOver, WithdrawCase, get_collection_case, hand_over, withdraw_collection_case
from domain.usecases.import_payments import ImportPayments, import_payments
from domain.usecases.ledger_reports import check_ledger
from domain.usecases.manage_collection import (
    HoldCollection,
    hold_collection,
    put_collection_rule,
    put_reference_rate,
    release_collection,
)
from domain.usecases.run_collection import CollectionRun, RunCollection, run_collection
from integrations.payments import formats
from tests.invoicing.conftest import Office
from tests.ledger.test_reports import ask, billed, paid
from tests.payments.test_readers import camt, detail, entry

DUE = date(2026, 12, 1)  # of what is billed for October
STEPS = (
    CollectionStep(kind=StepKind.NOTICE, days=5, channel=Channel.EMAIL),
    CollectionStep(kind=StepKind.REMINDER, days=15, fee=Decimal(60), interest=True),
    CollectionStep(kind=StepKind.BAR, days=20, bars=(Bar.OUTGOING,), channel=Channel.NONE),
    CollectionStep(kind=StepKind.DEMAND, days=30, fee=Decimal(180), interest=True),
)


def rule(*steps: CollectionStep, **more: Any) -> CollectionRule:
    made: dict[str, Any] = {"name": "all", "currency": "SEK", "valid_from": date(2026, 1, 1), "fees_agreed": True}
    return CollectionRule(
        id=CollectionRuleId(0), operator=OperatorId(0), steps=steps or STEPS, version=0, **(made | more)
    )


@pytest.fixture
async def ruled(office: Office) -> Office:
    """An office with a rule and the reference rates of the days that are tried."""
    at(office, DUE)
    await ask(office, put_collection_rule, rule(), clock=office.world.clock)
    for year, month, percent in ((2026, 7, "2.0"), (2027, 1, "2.5")):
        rate = ReferenceRate(country="SE", valid_from=date(year, month, 1), percent=Decimal(percent), version=0)
        await ask(office, put_reference_rate, rate)
    return office


def at(office: Office, day: date) -> None:
    office.world.clock.at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


async def run(office: Office, day: date | None = None, **more: Any) -> tuple[CollectionRun, dict[str, Plan]]:
    if day is not None and not more.get("dry_run"):
        at(office, day)
    heard: dict[str, Plan] = {}

    def hear(customer: Customer, plan: Plan) -> None:
        heard[customer.number] = plan

    cmd = RunCollection(on=day if more.get("dry_run") else None, **more)
    return await ask(office, run_collection, cmd, clock=office.world.clock, done=hear), heard


async def taken(office: Office, day: date, **more: Any) -> list[str]:
    _, heard = await run(office, day, **more)
    return [f"{number} {one.step.kind.value}" for number, plan in sorted(heard.items()) for one in plan.taken]


async def idle(office: Office, day: date) -> list[Why | None]:
    _, heard = await run(office, day, dry_run=True)
    return [one.why for _, plan in sorted(heard.items()) for one in plan.idle]


async def claims(office: Office, invoice: Invoice) -> dict[str, int]:
    async with office.begin() as unit:
        found = await unit.giro.claims.find(invoice=invoice.id)
    return {one.kind.value: one.amount_minor for one in found}


async def test_each_step_comes_in_its_time_and_once(ruled: Office) -> None:
    await billed(ruled, "1")
    assert await taken(ruled, DUE + timedelta(days=4)) == []
    assert await taken(ruled, DUE + timedelta(days=5)) == ["1 notice"]
    for _ in range(2):
        assert await taken(ruled, DUE + timedelta(days=5)) == []
    assert await taken(ruled, DUE + timedelta(days=15)) == ["1 reminder"]
    assert await taken(ruled, DUE + timedelta(days=20)) == ["1 bar"]
    assert await taken(ruled, DUE + timedelta(days=30)) == ["1 demand"]
    assert await idle(ruled, DUE + timedelta(days=90)) == [Why.ALL_DONE]
    assert await ask(ruled, check_ledger) == []


async def test_a_run_that_comes_late_takes_one_step_and_keeps_the_distance(ruled: Office) -> None:
    await billed(ruled, "1")
    late = DUE + timedelta(days=40)
    assert await taken(ruled, late) == ["1 notice"]
    assert await taken(ruled, late + timedelta(days=9)) == []
    assert await taken(ruled, late + timedelta(days=10)) == ["1 reminder"]


async def test_fees_and_interest_are_claims_of_their_own_and_the_books_tie(ruled: Office) -> None:
    (one,) = await billed(ruled, "1")
    await taken(ruled, DUE + timedelta(days=5))
    done, _ = await run(ruled, DUE + timedelta(days=15))
    # 249.00 at 10 % for 15 days.
    assert await claims(ruled, one) == {"reminder_fee": 6000, "interest": 102}
    assert (done.steps, done.letters, done.claimed_minor) == (1, 1, {"SEK": 6102})
    await taken(ruled, DUE + timedelta(days=20))
    await taken(ruled, DUE + timedelta(days=30))
    async with ruled.begin() as unit:
        found = await unit.giro.claims.find(invoice=one.id)
        owed = await unit.ledger.owed([one.customer])
        amounts = await unit.receivables.open_amounts()
        letters = await unit.collection.letters.find(kind=StepKind.DEMAND)
    # A letter asks for all that is open, also of what was claimed before it.
    (row,) = letters[0].content["rows"]
    assert (row["open_minor"], row["earlier_minor"], row["fee_minor"], row["interest_minor"]) == (
        24900,
        6102,
        18000,
        102,
    )
    # The next interest begins where the last ended: no day is asked for twice.
    assert [claim.amount_minor for claim in found if claim.kind.value == "interest"] == [102, 102]
    assert owed[one.customer]["SEK"] == 24900 + 6000 + 18000 + 204 == sum(item.open_minor for item in amounts)
    assert await ask(ruled, check_ledger) == []


async def test_a_dry_run_says_what_would_be_done_and_does_nothing(ruled: Office) -> None:
    (one,) = await billed(ruled, "1")
    done, heard = await run(ruled, DUE + timedelta(days=5), dry_run=True)
    assert (done.dry_run, done.steps, done.letters) == (True, 1, 1)
    assert heard["1"].taken[0].decision.overdue.number == one.number
    async with ruled.begin() as unit:
        assert await unit.collection.steps.find() == []
        assert await unit.collection.letters.find() == []
    at(ruled, DUE)
    with pytest.raises(BadValue, match="only be looked at"):
        await ask(ruled, run_collection, RunCollection(on=DUE + timedelta(days=5)), clock=ruled.world.clock)


async def test_one_letter_and_one_fee_for_all_that_is_due(ruled: Office) -> None:
    (one,) = await billed(ruled, "1")
    await ruled.use(await _line(ruled, one), 40_000_000, day=date(2026, 10, 8))
    await ruled.bill()
    assert len(ruled.invoices) == 1
    await run(ruled, DUE + timedelta(days=5))
    done, heard = await run(ruled, DUE + timedelta(days=15))
    assert [(each.fee_minor, each.step.kind) for each in heard["1"].taken] == [
        (6000, StepKind.REMINDER),
        (0, StepKind.REMINDER),
    ]
    assert (done.letters, done.steps) == (1, 2)
    async with ruled.begin() as unit:
        letter = (await unit.collection.letters.find(kind=StepKind.REMINDER))[0]
    assert [row["number"] for row in letter.content["rows"]] == [one.number, ruled.invoices[0].number]


async def _line(office: Office, invoice: Invoice) -> Any:
    async with office.begin() as unit:
        contracts = (await unit.contracts.of_customers([invoice.customer]))[invoice.customer]
        return (await unit.subscriptions.of_contracts([contracts[0].id]))[contracts[0].id][0]


async def test_paid_at_any_step_it_ends_and_the_lines_are_unbarred(ruled: Office) -> None:
    (one,) = await billed(ruled, "1")
    for days in (5, 15, 20):
        await run(ruled, DUE + timedelta(days=days))
    line = await _line(ruled, one)
    async with ruled.begin() as unit:
        placed = [order.kind for order in (await unit.orders.page(PageRequest(), subscription=line.id)).items]
    assert placed == [OrderKind.BAR]
    await paid(ruled, (24900 + 6102, one.payment.reference))
    assert await ask(ruled, end_collection, one.customer, clock=ruled.world.clock) == 3
    async with ruled.begin() as unit:
        orders = (await unit.orders.page(PageRequest(), subscription=line.id)).items
    assert [(order.kind, order.bars, order.reason) for order in orders] == [
        (OrderKind.BAR, (Bar.OUTGOING,), "collection"),
        (OrderKind.UNBAR, (Bar.OUTGOING,), "collection"),
    ]
    assert await taken(ruled, DUE + timedelta(days=60)) == []
    assert await ask(ruled, end_collection, one.customer, clock=ruled.world.clock) == 0
    assert await ask(ruled, check_ledger) == []


async def test_a_bar_that_was_lifted_is_taken_again_where_the_payment_comes_back(ruled: Office) -> None:
    (one,) = await billed(ruled, "1")
    for days in (5, 15, 20):
        await run(ruled, DUE + timedelta(days=days))
    await paid(ruled, (24900 + 6102, one.payment.reference))
    await ask(ruled, end_collection, one.customer, clock=ruled.world.clock)
    async with ruled.begin() as unit:
        (payment,) = (await unit.payments.page(PageRequest())).items
    await ask(ruled, release_payment, payment.id, clock=ruled.world.clock)
    assert await taken(ruled, DUE + timedelta(days=21)) == ["1 bar"]
    assert await taken(ruled, DUE + timedelta(days=22)) == [], "once, until it is lifted again"
    line = await _line(ruled, one)
    async with ruled.begin() as unit:
        placed = [order.kind for order in (await unit.orders.page(PageRequest(), subscription=line.id)).items]
        (running,) = await unit.collection.steps.find(invoice=one.id, kind=StepKind.BAR, ended_at=None)
    assert placed == [OrderKind.BAR, OrderKind.UNBAR, OrderKind.BAR]
    assert running.position == 2
    assert await taken(ruled, DUE + timedelta(days=31)) == ["1 demand"]
    await ask(
        ruled,
        allocate_payment,
        AllocatePayment(payment=payment.id, parts=[Part(invoice=one.id)]),
        clock=ruled.world.clock,
    )
    await ask(ruled, end_collection, one.customer, clock=ruled.world.clock)
    async with ruled.begin() as unit:
        placed = [order.kind for order in (await unit.orders.page(PageRequest(), subscription=line.id)).items]
    assert placed[-1] is OrderKind.UNBAR


async def _pays(office: Office, invoice: Invoice, amount: str, day: date) -> None:
    at(office, day)
    refs = "<Refs><EndToEndId>E1</EndToEndId></Refs>"
    data = camt(entry(amount, detail(amount, invoice.payment.reference, more=refs)))
    data = data.replace(b"2026-11-20", day.isoformat().encode())
    cmd = ImportPayments(name=f"paid {day}", data=data, read=formats.read, looked_at=True)
    await ask(office, import_payments, cmd, clock=office.world.clock)
    await ask(office, end_collection, invoice.customer, clock=office.world.clock)


async def test_a_bar_that_claims_interest_is_taken_again_and_claims_no_day_twice(office: Office) -> None:
    at(office, DUE)
    steps = (
        CollectionStep(kind=StepKind.REMINDER, days=15, interest=True),
        CollectionStep(kind=StepKind.BAR, days=20, bars=(Bar.OUTGOING,), interest=True, channel=Channel.NONE),
    )
    await ask(office, put_collection_rule, rule(*steps), clock=office.world.clock)
    rate = ReferenceRate(country="SE", valid_from=date(2026, 7, 1), percent=Decimal("2.0"), version=0)
    await ask(office, put_reference_rate, rate)
    (one,) = await billed(office, "1")
    for days in (15, 20):
        await run(office, DUE + timedelta(days=days))
    await _pays(office, one, "250.36", DUE + timedelta(days=25))
    at(office, DUE + timedelta(days=26))
    async with office.begin() as unit:
        (payment,) = (await unit.payments.page(PageRequest())).items
    await ask(office, release_payment, payment.id, clock=office.world.clock)
    assert await taken(office, DUE + timedelta(days=27)) == ["1 bar"]
    at(office, DUE + timedelta(days=30))
    cmd = AllocatePayment(payment=payment.id, parts=[Part(invoice=one.id)])
    await ask(office, allocate_payment, cmd, clock=office.world.clock)
    for ended in (1, 0):
        assert await ask(office, end_collection, one.customer, clock=office.world.clock) == ended
    async with office.begin() as unit:
        found = await unit.giro.claims.find(invoice=one.id)
    # 249.00 at 10 % for 15, 5 and 5 days; and since it came back on the 26th for one more, and three.
    assert [claim.amount_minor for claim in found] == [102, 34, 34, 7, 20]
    assert await ask(office, check_ledger) == []


async def test_a_step_that_barred_and_is_something_else_now_is_not_taken_again(ruled: Office) -> None:
    (one,) = await billed(ruled, "1")
    for days in (5, 15, 20):
        await run(ruled, DUE + timedelta(days=days))
    await paid(ruled, (24900 + 6102, one.payment.reference))
    await ask(ruled, end_collection, one.customer, clock=ruled.world.clock)
    async with ruled.begin() as unit:
        (payment,) = (await unit.payments.page(PageRequest())).items
    await ask(ruled, release_payment, payment.id, clock=ruled.world.clock)
    softer = (*STEPS[:2], CollectionStep(kind=StepKind.REMINDER, days=20, fee=Decimal(60)), STEPS[3])
    await ask(ruled, put_collection_rule, replace(rule(*softer), version=1), clock=ruled.world.clock)
    assert await taken(ruled, DUE + timedelta(days=21)) == []
    assert await taken(ruled, DUE + timedelta(days=30)) == ["1 demand"]


async def test_a_promise_and_a_stop_hold_it_up_until_they_end(ruled: Office) -> None:
    (one,) = await billed(ruled, "1")
    until = DUE + timedelta(days=10)
    cmd = HoldCollection(customer=one.customer, kind=HoldKind.PROMISE, until=until, invoice=one.id)
    await ask(ruled, hold_collection, cmd, clock=ruled.world.clock)
    assert await taken(ruled, until) == []
    assert await idle(ruled, until) == [Why.PROMISED]
    assert await taken(ruled, until + timedelta(days=1)) == ["1 notice"]
    stop = HoldCollection(customer=one.customer, kind=HoldKind.STOP, reason="deceased")
    held = await ask(ruled, hold_collection, stop, clock=ruled.world.clock)
    assert await idle(ruled, DUE + timedelta(days=50)) == [Why.STOPPED]
    await ask(ruled, release_collection, held.id, held.version, clock=ruled.world.clock)
    assert await taken(ruled, DUE + timedelta(days=50)) == ["1 reminder"]
    with pytest.raises(WrongState):
        await ask(ruled, release_collection, held.id, held.version + 1, clock=ruled.world.clock)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"kind": HoldKind.PROMISE}, "by when"),
        ({"kind": HoldKind.PROMISE, "until": date(2027, 12, 1)}, "within 3 months"),
        ({"kind": HoldKind.STOP}, "say why"),
        ({"kind": HoldKind.STOP, "reason": "x", "until": date(2026, 1, 1)}, "today or later"),
        ({"kind": HoldKind.STOP, "reason": "x", "amount": Decimal(0)}, "more than nothing"),
    ],
)
async def test_holds_that_cannot_be(ruled: Office, more: dict[str, Any], told: str) -> None:
    customer, _, _ = await ruled.customer(number="1")
    with pytest.raises(BadValue, match=told):
        await ask(ruled, hold_collection, HoldCollection(customer=customer.id, **more), clock=ruled.world.clock)


async def test_a_fee_is_asked_only_where_it_was_agreed_when_the_debt_arose(ruled: Office) -> None:
    """The rule with fees holds from 2 November on; what was issued on the first follows the one before it."""
    async with ruled.begin() as unit:
        (old,) = await unit.collection.rules.find(name="all")
    free = CollectionStep(kind=StepKind.REMINDER, days=5)
    await ask(ruled, put_collection_rule, replace(old, steps=(free,), fees_agreed=False), clock=ruled.world.clock)
    await ask(
        ruled,
        put_collection_rule,
        rule(replace(free, fee=Decimal(60)), valid_from=date(2026, 11, 2)),
        clock=ruled.world.clock,
    )
    (one,) = await billed(ruled, "1")
    assert await taken(ruled, DUE + timedelta(days=5)) == ["1 reminder"]
    assert await claims(ruled, one) == {}


async def test_compensation_takes_the_place_of_reminder_fees(ruled: Office) -> None:
    firms = rule(
        CollectionStep(kind=StepKind.REMINDER, days=5, fee=Decimal(60)),
        CollectionStep(kind=StepKind.REMINDER, days=15, fee=Decimal(60), compensation=Decimal(450)),
        CollectionStep(kind=StepKind.REMINDER, days=25, fee=Decimal(60)),
        name="firms",
        customer_kind=CustomerKind.ORGANISATION,
    )
    await ask(ruled, put_collection_rule, firms, clock=ruled.world.clock)
    (one,) = await billed(ruled, "1")
    for days in (5, 15, 25):
        await run(ruled, DUE + timedelta(days=days))
    assert await claims(ruled, one) == {"reminder_fee": 6000, "compensation": 39000}


async def test_less_than_the_minimum_is_left_alone(ruled: Office) -> None:
    await ask(
        ruled,
        put_collection_rule,
        rule(name="big", valid_from=date(2026, 2, 1), minimum=Decimal(250)),
        clock=ruled.world.clock,
    )
    await billed(ruled, "1")
    assert await idle(ruled, DUE + timedelta(days=50)) == [Why.BELOW_MINIMUM]


async def _agency(office: Office) -> None:
    async with office.begin() as unit:
        agency = Agency(
            id=CollectionAgencyId(0),
            operator=office.actor.operator,
            name="inkasso",
            format=CaseFormat.JSON,
            address="folder:///tmp",
        )
        await unit.collection.agencies.add(agency)


async def test_handed_over_paid_past_the_agency_and_closed(ruled: Office) -> None:
    await _agency(ruled)
    last = CollectionStep(kind=StepKind.HAND_OVER, days=45, channel=Channel.NONE)
    await ask(
        ruled,
        put_collection_rule,
        rule(*STEPS, last, name="all", valid_from=date(2026, 3, 1), agency="inkasso"),
        clock=ruled.world.clock,
    )
    (one,) = await billed(ruled, "1")
    for days in (5, 15, 20, 30, 45):
        await run(ruled, DUE + timedelta(days=days))
    assert await idle(ruled, DUE + timedelta(days=100)) == [Why.HANDED_OVER]
    async with ruled.begin() as unit:
        (case,) = await unit.collection.cases.find()
    _, (new,) = await ask(ruled, get_collection_case, case.id)
    told = new.content["invoices"][0]
    assert (new.kind, told["number"], told["principal_left"]) == (MessageKind.NEW, one.number, "249.00")
    assert [claim["kind"] for claim in told["claims"]] == ["reminder_fee", "interest", "collection_fee", "interest"]
    assert [reminder["kind"] for reminder in told["reminders"]] == ["notice", "reminder", "bar", "demand", "hand_over"]
    assert (told["interest"]["from"], told["copy"]) == ("2026-12-31", f"{one.number}.pdf")
    await paid(ruled, (10000, one.payment.reference))
    await ask(ruled, end_collection, one.customer, clock=ruled.world.clock)
    _, messages = await ask(ruled, get_collection_case, case.id)
    assert (messages[-1].kind, messages[-1].content["paid"]) == (MessageKind.PAYMENT, "100.00")
    for _ in range(2):
        await ask(ruled, end_collection, one.customer, clock=ruled.world.clock)
    found, messages = await ask(ruled, get_collection_case, case.id)
    assert (len(messages), found.state) == (2, CaseState.OPEN)
    again = HandOver(customer=one.customer, agency="inkasso")
    with pytest.raises(WrongState, match="nothing of this customer"):
        await ask(ruled, hand_over, again, clock=ruled.world.clock)
    cmd = WithdrawCase(case=case.id, version=found.version, reason="an agreement")
    gone = await ask(ruled, withdraw_collection_case, cmd, clock=ruled.world.clock)
    assert gone.state is CaseState.WITHDRAWN
    _, messages = await ask(ruled, get_collection_case, case.id)
    assert messages[-1].kind is MessageKind.WITHDRAWAL


async def test_a_rule_names_an_agency_that_is_there(ruled: Office) -> None:
    last = CollectionStep(kind=StepKind.HAND_OVER, days=45)
    with pytest.raises(NotFound, match="no collection agency nobody"):
        await ask(ruled, put_collection_rule, rule(last, name="over", agency="nobody"), clock=ruled.world.clock)


async def test_collection_is_the_operator_s_alone(ruled: Office) -> None:
    (one,) = await billed(ruled, "1")
    world = ruled.world
    at(ruled, DUE + timedelta(days=5))
    few = replace(world.operator, scopes=frozenset({Action.READ_PAYMENTS}))
    hold = HoldCollection(customer=one.customer, kind=HoldKind.STOP, reason="x")
    for actor in (world.north, few):
        bound: dict[str, Any] = {"actor": actor, "begin": world.begin}
        for asked in (
            run_collection(RunCollection(), clock=world.clock, **bound),
            put_collection_rule(rule(name="mine"), clock=world.clock, **bound),
            hold_collection(hold, clock=world.clock, **bound),
            end_collection(one.customer, clock=world.clock, **bound),
        ):
            with pytest.raises(NotAllowed):
                await asked
    other = world.other_operator
    done = await run_collection(RunCollection(), actor=other, begin=world.begin, clock=world.clock)
    assert (done.customers, done.steps) == (0, 0)
    with pytest.raises(NotFound):
        await hold_collection(hold, actor=other, begin=world.begin, clock=world.clock)


async def test_the_last_days_interest_is_not_forgotten_when_the_principal_is_paid(ruled: Office) -> None:
    """Interest was claimed up to the reminder; who pays ten days later owes that of the ten days as well."""
    (one,) = await billed(ruled, "1")
    for days in (5, 15):
        await run(ruled, DUE + timedelta(days=days))
    day = DUE + timedelta(days=25)
    at(ruled, day)
    refs = "<Refs><EndToEndId>E1</EndToEndId></Refs>"
    data = camt(entry("310.02", detail("310.02", one.payment.reference, more=refs))).replace(
        b"2026-11-20", b"2026-12-26"
    )
    cmd = ImportPayments(name="late", data=data, read=formats.read, looked_at=True)
    await ask(ruled, import_payments, cmd, clock=ruled.world.clock)
    for _ in range(2):
        await ask(ruled, end_collection, one.customer, clock=ruled.world.clock)
    async with ruled.begin() as unit:
        found = await unit.giro.claims.find(invoice=one.id)
    # 249.00 at 10 % for 15 days, and for ten more.
    assert [claim.amount_minor for claim in found if claim.kind.value == "interest"] == [102, 68]
    assert await ask(ruled, check_ledger) == []


async def test_an_agency_is_told_of_a_dispute(ruled: Office) -> None:
    await _agency(ruled)
    (one,) = await billed(ruled, "1")
    at(ruled, DUE + timedelta(days=45))
    again = HandOver(customer=one.customer, agency="inkasso")
    case = await ask(ruled, hand_over, again, clock=ruled.world.clock)
    cmd = DisputeInvoice(invoice=one.id, reason="never ordered", amount=Decimal(100))
    await ask(ruled, dispute_invoice, cmd, clock=ruled.world.clock)
    for _ in range(2):
        await run(ruled, DUE + timedelta(days=46))
    _, messages = await ask(ruled, get_collection_case, case.id)
    assert [one.kind for one in messages] == [MessageKind.NEW, MessageKind.DISPUTE]
    assert messages[-1].content["disputed"] == "100.00"

"""What lets money or credit go in a roundabout way: it is watched as the straight way is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.access.actor import Action
from domain.access.approval import Approval, ApprovalKind, ApprovalRule, ApprovalState, NeedsApproval, Unapproved
from domain.access.level import BUILT_IN
from domain.access.limits import Ceiling, Limits
from domain.access.operations import DECLARED
from domain.credit.fraud import RULES_MAX, Measure
from domain.credit.limit import OVERRIDES_MAX, POLICIES_MAX
from domain.ids import ApprovalId, InvoiceId
from domain.ports.access import TrailFilter
from domain.ports.page import PageRequest
from domain.refusal import LimitExceeded, NotAllowed, WrongState
from domain.usecases.decide_approval import get_approval
from domain.usecases.dispute_invoice import DisputeInvoice, dispute_invoice
from domain.usecases.four_eyes import agreed, content_of
from domain.usecases.limit_credit import OverrideCredit, SetCreditLimit, override_credit, set_credit_limit
from domain.usecases.list_trail import list_trail
from domain.usecases.reissue_invoice import ReissueInvoice, reissue_invoice
from domain.usecases.schedule_bills import PutBillSchedule, put_bill_schedule, run_scheduled
from domain.usecases.watch_usage import PutFraudRule, put_fraud_rule
from tests.access.test_approvals import decide, rules, two
from tests.invoicing.conftest import Office, backing, office

__all__ = ["backing", "office"]


async def test_a_schedule_from_before_the_rule_asks_from_then_on(office: Office) -> None:
    world = office.world
    await office.customer()
    anna, bo = await two(world)
    around: dict[str, Any] = {"begin": world.begin, "clock": world.clock}
    cmd = PutBillSchedule(name="M", schedule="0 3 1 * *")
    kept = await put_bill_schedule(cmd, actor=anna, **around)
    assert not kept.agreed
    await rules(world, ApprovalRule(kind=ApprovalKind.BILL_RUN))
    told = await run_scheduled("M", date(2026, 11, 1), actor=world.operator, **around)
    assert "waits for somebody else" in told
    async with office.begin() as unit:
        assert (await unit.bill_runs.page(PageRequest())).items == []
    with pytest.raises(NeedsApproval) as no:
        await put_bill_schedule(replace(cmd, version=kept.version), actor=anna, **around)
    assert (await decide(world, no.value.approval, bo)).state is ApprovalState.CARRIED_OUT
    told = await run_scheduled("M", date(2026, 11, 1), actor=world.operator, **around)
    assert "1 invoices" in told


async def test_disputing_what_a_hard_limit_counts_is_giving_credit(office: Office) -> None:
    world = office.world
    customer, *_ = await office.customer()
    free, *_ = await office.customer()
    await office.bill()
    around: dict[str, Any] = {"begin": world.begin, "clock": world.clock}
    await set_credit_limit(SetCreditLimit(customer=customer.id, amount=Decimal(500)), actor=world.operator, **around)
    held, other = (next(one for one in office.invoices if one.customer == who.id) for who in (customer, free))
    await rules(world, ApprovalRule(kind=ApprovalKind.CREDIT, above=Decimal(10)))
    assert (await dispute_invoice(DisputeInvoice(invoice=other.id, reason="no"), actor=world.operator, **around)).id
    small = DisputeInvoice(invoice=held.id, reason="one call", amount=Decimal(10))
    assert (await dispute_invoice(small, actor=world.operator, **around)).amount_minor == 1000
    rest = replace(small, amount=held.total - 10)
    poor = replace(world.operator, limits=Limits(amounts=(Ceiling(currency=held.currency, each=Decimal(20)),)))
    with pytest.raises(NotAllowed, match="gives away 20 SEK at a time"):
        await dispute_invoice(rest, actor=poor, **around)
    with pytest.raises(NeedsApproval) as no:
        await dispute_invoice(rest, actor=world.operator, **around)
    _, bo = await two(world)
    found = await get_approval(no.value.approval, actor=bo, begin=world.begin)
    assert (found.operation, found.amount) == ("dispute_invoice", rest.amount)
    bo = replace(bo, scopes=bo.scopes | {Action.RUN_BILLS})
    assert (await decide(world, found.id, bo)).state is ApprovalState.CARRIED_OUT


async def test_an_invoice_issued_anew_counts_against_the_level(office: Office) -> None:
    world = office.world
    await office.customer()
    await office.bill()
    (invoice,) = office.invoices
    most = Limits(amounts=(Ceiling(currency=invoice.currency, each=invoice.total - 1),))
    poor = replace(world.operator, limits=most)
    with pytest.raises(NotAllowed, match="at a time"):
        await reissue_invoice(ReissueInvoice(invoice=invoice.id), actor=poor, begin=world.begin, clock=world.clock)


async def test_all_of_it_in_another_currency_is_no_more_than_was_approved(office: Office) -> None:
    world = office.world
    await rules(world, ApprovalRule(kind=ApprovalKind.CREDIT, above=Decimal(10**6)))
    cmd, now = DisputeInvoice(invoice=InvoiceId(1), reason="x"), world.clock.now()
    async with office.begin() as unit:
        with pytest.raises(Unapproved) as asks:  # what is in another currency is above every amount
            await agreed(unit, world.operator, ApprovalKind.CREDIT, cmd, now=now, amount=Decimal(5), currency="EUR")
        await agreed(unit, world.operator, ApprovalKind.CREDIT, cmd, now=now, amount=Decimal(5), currency="SEK")
        assert (asks.value.amount, asks.value.currency) == (5, "EUR")
        kept, _ = await unit.approvals.add(
            Approval(
                id=ApprovalId(0),
                operator=world.operator.operator,
                kind=ApprovalKind.CREDIT,
                operation="dispute_invoice",
                command={},
                content=content_of(cmd),
                amount=Decimal(5),
                currency="EUR",
                asker="user:1",
                asked={},
                asked_at=now,
                expires_at=now + timedelta(days=1),
            )
        )
        assert kept.currency == "EUR"
        await unit.approvals.keep(replace(kept, state=ApprovalState.APPROVED))
        sly = replace(world.operator, approval=kept.id)
        for amount, currency in ((Decimal("5.01"), "EUR"), (Decimal(5), "SEK"), (Decimal(5), None), (None, "EUR")):
            with pytest.raises(WrongState, match="more now than was approved"):
                await agreed(unit, sly, ApprovalKind.CREDIT, cmd, now=now, amount=amount, currency=currency)
        await agreed(unit, sly, ApprovalKind.CREDIT, cmd, now=now, amount=Decimal(5), currency="EUR")


def test_paying_out_is_a_permission_of_its_own() -> None:
    for name in ("refund_credit", "end_refund_by_hand", "write_refunds"):
        assert DECLARED[name].scopes == (Action.PAY_OUT,), name
    holding = {name for name, words in BUILT_IN.items() if "payouts:write" in words}
    assert holding == {"administrator", "billing"}


async def test_a_changed_limit_tells_what_it_was(office: Office) -> None:
    world = office.world
    customer, *_ = await office.customer()
    around: dict[str, Any] = {"actor": world.operator, "begin": world.begin, "clock": world.clock}
    first = await set_credit_limit(SetCreditLimit(customer=customer.id, amount=Decimal(100)), **around)
    more = SetCreditLimit(customer=customer.id, amount=Decimal(900), hard=False, version=first.version)
    await set_credit_limit(more, **around)
    page = await list_trail(
        PageRequest(), TrailFilter(action="set_credit_limit"), actor=world.operator, begin=world.begin
    )
    told = list(reversed(page.items))
    assert "before" not in told[0].line.detail
    assert told[1].line.detail["amount"] == "900.00"
    assert told[1].line.detail["before"] == {
        "amount": "100.00",
        "hard": True,
        "bars": ["outgoing", "data"],
        "grace_amount": "0.00",
        "grace_days": 0,
    }


async def test_nobody_makes_rules_without_end(office: Office) -> None:
    world = office.world
    customer, *_ = await office.customer()
    around: dict[str, Any] = {"actor": world.operator, "begin": world.begin, "clock": world.clock}
    wanted = {"measure": Measure.CALLS, "most": Decimal(5), "window_seconds": 3600}
    for number in range(RULES_MAX):
        await put_fraud_rule(PutFraudRule(name=f"rule {number}", **wanted), **around)  # type: ignore[arg-type]
    with pytest.raises(LimitExceeded):
        await put_fraud_rule(PutFraudRule(name="one more", **wanted), **around)  # type: ignore[arg-type]
    for _ in range(OVERRIDES_MAX):
        await override_credit(OverrideCredit(customer=customer.id, amount=Decimal(1), reason="x"), **around)
    with pytest.raises(LimitExceeded):
        await override_credit(OverrideCredit(customer=customer.id, amount=Decimal(1), reason="x"), **around)
    limit = await set_one(office, "g0")
    async with office.begin() as unit:
        for number in range(1, POLICIES_MAX):
            await unit.credit.put(replace(limit, id=0, group=f"g{number}", version=1))
    with pytest.raises(LimitExceeded):
        await set_one(office, "one more")


async def set_one(office: Office, group: str) -> Any:
    cmd = SetCreditLimit(group=group, amount=Decimal(1))
    return await set_credit_limit(cmd, actor=office.world.operator, begin=office.world.begin, clock=office.world.clock)

"""Mandates, direct debits, refunds, write-offs and what else closes or opens an invoice beside a payment file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.access.approval import ApprovalKind, ApprovalRule, ApprovalRules, NeedsApproval
from domain.invoicing.invoice import Invoice
from domain.payments.claim import ClaimKind
from domain.payments.debit import DebitState
from domain.payments.instalments import PlanState
from domain.payments.mandate import Mandate, MandateState
from domain.payments.orders import Creditor, Scheme
from domain.payments.payment import Payment, PaymentState, Reason
from domain.payments.refund import RefundState
from domain.payments.rules import Order, Rules
from domain.payments.suggesting import Because
from domain.ports.page import PageRequest
from domain.refusal import BadValue, Conflict, NotAllowed, NotFound, Stale, WrongState
from domain.usecases.agree_instalments import (
    AgreeInstalments,
    WantedPart,
    agree_instalments,
    end_instalments,
    get_payment_rules,
    put_payment_rules,
)
from domain.usecases.allocate_payment import AllocatePayment, Part, allocate_payment, release_payment
from domain.usecases.applying import claim_fee, open_claims
from domain.usecases.credit_invoice import CreditInvoice, credit_invoice
from domain.usecases.ledger_reports import check_ledger
from domain.usecases.list_payments import get_payment, list_payments
from domain.usecases.manage_mandates import AddMandate, EndMandate, add_mandate, end_mandate, unblock_mandate
from domain.usecases.refund_credit import RefundCredit, end_refund_by_hand, refund_credit
from domain.usecases.settle_items import OffsetCredit, WriteOff, offset_credit, undo_settlement, write_off
from domain.usecases.work_payments import DecideDuplicate, apply_credit, decide_duplicate, suggest_payment
from domain.usecases.write_orders import WriteDebits, WriteRefunds, list_debits, write_debits, write_refunds
from integrations.payments.writing import write
from tests.invoicing.conftest import NOVEMBER, Office
from tests.payments.test_ledger import BANK, CREDIT, NOBODYS, RECEIVABLE, billed, open_of, payments, sums, take
from tests.payments.test_readers import bgmax, camt, detail, entry

TRANSIT, ROUNDING, DEBT, PAYOUTS = ("1519", "SEK"), ("3740", "SEK"), ("6351", "SEK"), ("2429", "SEK")
CREDITOR = Creditor(
    name="Exempel AB", bankgiro="9912346", customer_no="471117", iban="SE4550000000058398257466", bic="ESSESESS"
)
IBAN = "FI2112345600000785"


@pytest.fixture(autouse=True)
async def today(office: Office) -> AsyncIterator[None]:
    """Every test begins on one day, and leaves a ledger that ties to invoices, payments and claims."""
    office.world.clock.at = datetime(2026, 11, 22, 12, tzinfo=UTC)
    yield
    assert await check_ledger(actor=office.actor, begin=office.world.begin) == []


async def ask(office: Office, use_case: Any, *arguments: Any, timed: bool = True, **more: Any) -> Any:
    if timed:
        more["clock"] = office.world.clock
    return await use_case(*arguments, actor=office.actor, begin=office.world.begin, **more)


async def rule(office: Office, **more: Any) -> None:
    known = await ask(office, get_payment_rules, timed=False)
    rules = replace(known.rules, creditor=CREDITOR, **more)
    await ask(office, put_payment_rules, rules, known.version, timed=False)


async def mandate(office: Office, invoice: Invoice, **more: Any) -> Mandate:
    fields = {"scheme": Scheme.AUTOGIRO, "payer_number": "101", "active": True} | more
    return await ask(office, add_mandate, AddMandate(customer=invoice.customer, **fields))


def autogiro(*records: str, paid: int = 0, total: int = 0, content: str = "BET. SPEC & STOPP TK") -> bytes:
    """A payment specification of one section, of the day."""
    lines = [f"01AUTOGIRO              20261130193055123456{content:<20}4711170009912346"]
    if paid:
        lines.append(f"15{'89010032323232322':0>35}2026113000001{total:018d}   {paid:08d}")
    lines += records
    sections = 1 if paid else 0
    lines.append(f"09202611309900{sections:06d}{paid:012d}{0:06d}{0:012d}{0:06d}{0:012d}")
    return "\r\n".join(line.ljust(80) for line in lines).encode("iso-8859-1")


def taken(invoice: Invoice, status: str = "0", *, payer: int = 101, amount: int = 24900) -> str:
    reference = f"{invoice.payment.reference:0>16}"
    return f"82202611300    {payer:016d}{amount:012d}0009912346{reference}          {status}"


async def debits(office: Office) -> list:
    return list((await ask(office, list_debits, PageRequest(), timed=False)).items)


async def ordered(office: Office, on: date = date(2026, 11, 28)) -> str:
    found = await ask(office, write_debits, WriteDebits(scheme=Scheme.AUTOGIRO, on=on), write)
    return "" if found.file is None else found.file.content.decode("iso-8859-1")


@pytest.mark.parametrize("day", [date.min, date(2027, 11, 24), date.max])
async def test_nothing_is_ordered_for_a_day_far_off(office: Office, day: date) -> None:
    with pytest.raises(BadValue, match="at most 366 days from today"):
        await ask(office, write_debits, WriteDebits(scheme=Scheme.AUTOGIRO, on=day), write)
    with pytest.raises(BadValue, match="at most 366 days from today"):
        await ask(office, write_refunds, WriteRefunds(on=day), write)


async def test_a_due_invoice_of_a_payer_with_a_mandate_is_ordered_once_and_paid(office: Office) -> None:
    one, two = await billed(office, "1", "2")
    await rule(office)
    await mandate(office, one)
    assert await ordered(office, date(2026, 11, 1)) == "", "it is not due for long"
    text = await ordered(office)
    assert text.count("\r\n82") == 1
    assert one.payment.reference in text
    assert await ordered(office) == "", "it is on its way"
    office.world.clock.at = datetime(2026, 12, 1, 12, tzinfo=UTC)
    found = await sums(office)
    assert (found[RECEIVABLE], found[TRANSIT]) == (24900, 24900)
    assert await open_of(office, one) == 24900
    done = await take(office, autogiro(taken(one), paid=1, total=24900))
    assert (done.states, done.debits) == ({"allocated": 1}, {"paid": 1})
    found = await sums(office)
    assert (found[RECEIVABLE], found[TRANSIT], found[BANK]) == (24900, 0, 24900)
    assert (await open_of(office, one), await open_of(office, two)) == (0, 24900)
    (order,) = await debits(office)
    assert (order.state, order.payment is not None) == (DebitState.PAID, True)


async def test_a_rejected_debit_is_tried_again_as_often_as_the_rules_say(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    await rule(office, retries=1, retry_days=2)
    await mandate(office, invoice)
    await ordered(office)
    office.world.clock.at = datetime(2026, 12, 1, 12, tzinfo=UTC)
    assert (await take(office, autogiro(taken(invoice, "9")))).debits == {}, "Bankgirot tries it again"
    assert (await take(office, autogiro(taken(invoice, "1")), looked_at=True)).debits == {"rejected": 1}
    found = await sums(office)
    assert (found[RECEIVABLE], found[TRANSIT]) == (24900, 0)
    assert await ordered(office, date(2026, 12, 1)) == "", "not before some days have passed"
    assert await ordered(office, date(2026, 12, 4))
    again = autogiro(taken(invoice, "2").replace("20261130", "20261205"))
    assert (await take(office, again, looked_at=True)).debits == {"rejected": 1}
    assert await ordered(office, date(2026, 12, 30)) == "", "now it is an invoice as any other"
    assert [one.attempt for one in await debits(office)] == [1, 2]


async def test_a_debit_that_comes_back_costs_a_fee_and_blocks_the_mandate(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    await rule(office, return_fee={"SEK": 5000}, block_after=1)
    made = await mandate(office, invoice)
    await ordered(office)
    office.world.clock.at = datetime(2026, 12, 1, 12, tzinfo=UTC)
    await take(office, autogiro(taken(invoice), paid=1, total=24900))
    reference = f"{invoice.payment.reference:0>16}"
    lines = [
        "01AUTOGIRO              20261201193055123456BET. SPEC & STOPP TK4711170009912346",
        f"17{'89010032323232322':0>35}2026120100001{24900:018d}   {1:08d}",
        f"77202611300    {101:016d}{24900:012d}0009912346{reference}2026120102",
        f"09202612019900{0:06d}{0:012d}{0:06d}{0:012d}{1:06d}{1:012d}",
    ]
    back = "\r\n".join(line.ljust(80) for line in lines).encode("iso-8859-1")
    office.world.clock.at = datetime(2026, 12, 2, 12, tzinfo=UTC)
    assert (await take(office, back)).states == {"returned": 1}
    assert await open_of(office, invoice) == 24900
    async with office.begin() as unit:
        known = await unit.giro.mandates.get(made.id)
        (fee,) = await open_claims(unit, await unit.giro.claims.find(customer=invoice.customer))
    assert (known.returns, known.blocked, fee.open_minor, fee.claim.kind) == (1, True, 5000, ClaimKind.RETURN_FEE)
    assert (await sums(office))[RECEIVABLE] == 29900
    (order,) = await debits(office)
    assert order.state is DebitState.RETURNED
    with pytest.raises(Stale):
        await ask(office, unblock_mandate, made.id, 1, timed=False)
    free = await ask(office, unblock_mandate, made.id, known.version, timed=False)
    assert (free.blocked, free.returns) == (False, 0)


async def test_a_mandate_is_asked_for_in_a_file_and_told_by_one(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    await rule(office)
    asked = await mandate(office, invoice, active=False, account="8901-3232323232", identity="005556000521")
    assert asked.state is MandateState.REQUESTED
    with pytest.raises(Conflict):
        await mandate(office, invoice, active=False)
    assert "\r\n04000991234600000000000001018901003232323232005556000521" in await ordered(office, date(2026, 11, 1))
    advice = [
        "01AUTOGIRO              20261123            AG-MEDAVI           4711170009912346",
        f"730009912346{101:016d}8901003232323232005556000521     043220261123",
        f"730009912346{999:016d}8901003232323232005556000521     043220261123",
        "09202611239900" + "0000002",
    ]
    told = "\r\n".join(line.ljust(80) for line in advice).encode()
    assert (await take(office, told)).mandates == {"active": 1, "unknown": 1}
    async with office.begin() as unit:
        known = await unit.giro.mandates.get(asked.id)
    assert (known.state, known.active_from) == (MandateState.ACTIVE, date(2026, 11, 23))
    over = await ask(office, end_mandate, EndMandate(mandate=asked.id, version=known.version, reason="moved"))
    assert over.state is MandateState.CANCELLED
    assert "\r\n03000991234600000000000" in await ordered(office, date(2026, 11, 1))
    assert await ordered(office, date(2026, 11, 1)) == ""
    with pytest.raises(WrongState):
        await ask(office, end_mandate, EndMandate(mandate=asked.id, version=over.version))


async def test_an_e_mandate_becomes_the_customer_s_whose_number_it_names(office: Office) -> None:
    await billed(office, "4711")
    lines = [
        "512026112399000009912346AG-EMEDGIV",
        f"520009912346{4711:016d}8901003232323232005556000521     0",
        "54NISSE HULT",
        "592026112399000000002",
    ]
    data = "\r\n".join(line.ljust(80) for line in lines).encode("iso-8859-1")
    assert (await take(office, data)).mandates == {"requested": 1}
    await rule(office)
    text = await ordered(office, date(2026, 11, 1))
    assert f"\r\n040009912346{4711:016d}{'':52}" in text, "agreed to by its number alone"


async def test_a_little_less_or_more_is_rounding_where_the_rules_say_so(office: Office) -> None:
    one, two = await billed(office, "1", "2")
    await rule(office, tolerance={"SEK": 100})
    own = (await sums(office)).get(ROUNDING, 0)
    done = await take(office, bgmax((24850, one.payment.reference), (25000, two.payment.reference)))
    assert (done.states, done.reasons) == ({"allocated": 2}, {"rounded": 2})
    assert (await open_of(office, one), await open_of(office, two)) == (0, 0)
    found = await sums(office)
    assert (found[RECEIVABLE], found[ROUNDING] - own, found.get(CREDIT, 0)) == (0, 50 - 100, 0)
    first, second = await payments(office)
    for payment in (first, second):
        await ask(office, release_payment, payment.id)
    found = await sums(office)
    assert (found[RECEIVABLE], found[ROUNDING] - own, found[NOBODYS]) == (49800, 0, -49850)


async def test_a_fee_is_paid_before_its_invoice_or_after_as_the_rules_say(office: Office) -> None:
    one, two = await billed(office, "1", "2")
    async with office.begin() as unit:
        for invoice in (one, two):
            await claim_fee(
                unit, operator=office.actor.operator, customer=invoice.customer, invoice=invoice.id, currency="SEK",
                amount=6000, on=date(2026, 11, 20), word=str(invoice.id),
            )  # fmt: skip
    await take(office, bgmax((24900, one.payment.reference)))
    assert await open_of(office, one) == 6000
    await rule(office, order=Order.PRINCIPAL_FIRST)
    data = bgmax((30900, two.payment.reference)).replace(b"20261120173035010331", b"20261120180000000000")
    await take(office, data)
    assert await open_of(office, two) == 0
    async with office.begin() as unit:
        assert await open_claims(unit, await unit.giro.claims.find()) == []
    assert (await sums(office))[RECEIVABLE] == 6000


async def test_what_a_customer_has_paid_too_much_pays_his_oldest_where_the_rules_say_so(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    await take(office, bgmax((60000, invoice.payment.reference)))
    await office.bill(NOVEMBER)
    (later,) = office.invoices
    assert await open_of(office, later) == 24900
    used = await ask(office, apply_credit, later.customer)
    assert used == 24900
    found = await sums(office)
    assert (found[RECEIVABLE], found[CREDIT]) == (0, -10200)
    assert await ask(office, apply_credit, later.customer) == 0


async def test_a_customer_s_number_pays_his_oldest_where_the_rules_say_so(office: Office) -> None:
    (invoice,) = await billed(office, "700123")
    await rule(office, oldest_first=True)
    done = await take(office, bgmax((24900, "700123")))
    assert (done.states, done.reasons) == ({"allocated": 1}, {"by_customer": 1})
    assert await open_of(office, invoice) == 0


async def test_suggestions_are_told_and_never_applied(office: Office) -> None:
    one, two = await billed(office, "700123", "700124")
    text = f"Faktura {one.payment.reference[:3]} {one.payment.reference[3:]} kund 700124"
    record = f"<TxDtls><RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls>"
    await take(office, camt(entry("249.00", record)))
    (payment,) = await payments(office)
    found = await ask(office, suggest_payment, payment.id, timed=False)
    assert [(s.invoice, s.score, s.because) for s in found] == [
        (one.id, 100, Because.REFERENCE),
        (two.id, 70, Because.CUSTOMER_NUMBER),
    ]
    assert (await payments(office))[0].state is PaymentState.UNALLOCATED
    assert await open_of(office, one) == 24900


async def test_a_possible_duplicate_is_booked_or_noted_by_a_person(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    reference = invoice.payment.reference
    await take(office, bgmax((24900, reference)))
    await take(office, camt(entry("249.00", detail("249.00", reference)) * 2))
    _, first, second = await payments(office)
    same = await ask(office, decide_duplicate, DecideDuplicate(payment=first.id, same=True))
    assert (same.state, same.reason) == (PaymentState.NOTED, Reason.DUPLICATE)
    other = await ask(office, decide_duplicate, DecideDuplicate(payment=second.id, same=False))
    assert (other.state, other.reason, other.customer) == (PaymentState.CREDIT, Reason.NOTHING_OPEN, invoice.customer)
    found = await sums(office)
    assert (found[BANK], found[CREDIT]) == (49800, -24900)
    with pytest.raises(WrongState):
        await ask(office, decide_duplicate, DecideDuplicate(payment=second.id, same=True))


async def test_a_credit_note_is_set_off_and_that_is_undone_on_both_sides(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    await take(office, bgmax((24900, invoice.payment.reference)))
    note = await ask(office, credit_invoice, CreditInvoice(invoice=invoice.id))
    await office.bill(NOVEMBER)
    (later,) = office.invoices
    before = await sums(office)
    made = await ask(office, offset_credit, OffsetCredit(credit_note=note.id, invoice=later.id))
    assert await open_of(office, later) == 0
    assert await sums(office) == before, "nothing moved on any account"
    await ask(office, undo_settlement, made.id)
    async with office.begin() as unit:
        items = await unit.payments.items([note.id, later.id])
    assert (items[note.id].open_minor, items[later.id].open_minor) == (-24900, 24900)
    with pytest.raises(WrongState):
        await ask(office, undo_settlement, made.id)
    with pytest.raises(BadValue):
        await ask(office, offset_credit, OffsetCredit(credit_note=later.id, invoice=note.id))


async def test_a_bad_debt_is_written_off_with_its_vat_where_the_rules_say_so(office: Office) -> None:
    one, two = await billed(office, "1", "2")
    await ask(office, write_off, WriteOff(invoices=(one.id,)))
    found = await sums(office)
    assert (found[RECEIVABLE], found[DEBT]) == (24900, 24900)
    await rule(office, vat_relief=True)
    vat = int(two.vat_total * 100)
    before = found.get(("2611", "SEK"), 0)
    made = await ask(office, write_off, WriteOff(invoices=(two.id,), text="in liquidation"))
    found = await sums(office)
    assert vat > 0
    assert (found[RECEIVABLE], found[DEBT], found["2611", "SEK"]) == (0, 49800 - vat, before + vat)
    assert await open_of(office, two) == 0
    await ask(office, undo_settlement, made.id)
    assert (await sums(office))[RECEIVABLE] == 24900
    with pytest.raises(BadValue, match="nothing is open"):
        await ask(office, write_off, WriteOff(invoices=(one.id,)))
    with pytest.raises(NotFound):
        await ask(office, write_off, WriteOff(invoices=(999999,)))


async def overpaid(office: Office) -> Payment:
    (invoice,) = await billed(office, "1")
    await take(office, bgmax((30000, invoice.payment.reference)))
    (payment,) = await payments(office)
    return payment


async def test_what_is_paid_back_goes_to_the_bank_once_and_is_booked_when_it_left(office: Office) -> None:
    payment = await overpaid(office)
    await rule(office)
    wanted = RefundCredit(payment=payment.id, account=IBAN)
    refund = await ask(office, refund_credit, wanted)
    assert refund.amount_minor == 5100
    assert (await get_payment(payment.id, actor=office.actor, begin=office.world.begin))[0].state.value == "allocated"
    with pytest.raises(WrongState):
        await ask(office, refund_credit, wanted)
    with pytest.raises(WrongState, match="paid back"):
        await ask(office, release_payment, payment.id)
    written = await ask(office, write_refunds, WriteRefunds(), write)
    assert b"<EndToEndId>" + refund.key.encode() + b"</EndToEndId>" in written.file.content
    assert (await ask(office, write_refunds, WriteRefunds(), write)).file is None
    found = await sums(office)
    assert (found[CREDIT], found[PAYOUTS], found[BANK]) == (0, -5100, 30000)
    out = f"<TxDtls><Refs><EndToEndId>{refund.key}</EndToEndId></Refs></TxDtls>"
    done = await take(office, camt(entry("51.00", out, sign="DBIT")))
    assert (done.states, done.reasons) == ({"noted": 1}, {"refund": 1})
    found = await sums(office)
    assert (found[PAYOUTS], found[BANK]) == (0, 24900)


async def test_a_refund_that_fails_is_the_customer_s_credit_again(office: Office) -> None:
    payment = await overpaid(office)
    refund = await ask(office, refund_credit, RefundCredit(payment=payment.id, account=IBAN, amount=Decimal(20)))
    over = await ask(office, end_refund_by_hand, refund.id, refund.version, RefundState.CANCELLED)
    assert over.state is RefundState.CANCELLED
    found = await sums(office)
    assert (found[CREDIT], found[PAYOUTS]) == (-5100, 0)
    assert await ask(office, release_payment, payment.id)


async def test_a_credit_note_that_was_paid_is_paid_back(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    await take(office, bgmax((24900, invoice.payment.reference)))
    note = await ask(office, credit_invoice, CreditInvoice(invoice=invoice.id))
    refund = await ask(office, refund_credit, RefundCredit(credit_note=note.id, account="991-2346", scheme="BGNR"))
    assert (refund.account, await open_of(office, invoice)) == ("9912346", 0)
    found = await sums(office)
    assert (found[RECEIVABLE], found[PAYOUTS]) == (0, -24900)
    await ask(office, end_refund_by_hand, refund.id, refund.version, RefundState.CANCELLED)
    assert await open_of(office, invoice) == -24900
    for account, scheme in (("FI2112345600000786", "IBAN"), ("12", "BGNR"), ("1", "SWIFT")):
        with pytest.raises(BadValue):
            await ask(office, refund_credit, RefundCredit(credit_note=note.id, account=account, scheme=scheme))


async def test_instalments_come_to_what_is_open_and_stop_debits(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    await rule(office)
    await mandate(office, invoice)
    parts = (
        WantedPart(due_on=date(2027, 1, 1), amount=Decimal(149)),
        WantedPart(due_on=date(2026, 12, 1), amount=Decimal(100)),
    )
    wanted = AgreeInstalments(customer=invoice.customer, invoices=(invoice.id,), parts=parts)
    plan = await ask(office, agree_instalments, wanted)
    assert [part.amount_minor for part in plan.parts] == [10000, 14900]
    assert [plan.due(day, 24900) for day in (date(2026, 12, 1), date(2026, 12, 2), date(2027, 1, 2))] == [
        0,
        10000,
        24900,
    ]
    assert await ordered(office) == "", "a plan stands in place of the debit"
    with pytest.raises(Conflict):
        await ask(office, agree_instalments, wanted)
    done = await ask(office, end_instalments, plan.id, plan.version, PlanState.CANCELLED, timed=False)
    assert done.state is PlanState.CANCELLED
    assert await ordered(office)
    with pytest.raises(BadValue, match="something else than is open"):
        await ask(office, agree_instalments, replace(wanted, parts=(parts[0], replace(parts[1], amount=Decimal(1)))))


async def test_a_payment_becomes_a_customer_s_credit_by_hand(office: Office) -> None:
    invoice, other = await billed(office, "1", "2")
    await take(office, bgmax((10000, "")))
    (payment,) = await payments(office)
    done = await ask(office, allocate_payment, AllocatePayment(payment=payment.id, customer=invoice.customer))
    assert (done.state, done.customer) == (PaymentState.CREDIT, invoice.customer)
    with pytest.raises(BadValue, match="another customer's"):
        await ask(office, allocate_payment, AllocatePayment(payment=payment.id, customer=other.customer))
    found = await sums(office)
    assert (found[CREDIT], found[NOBODYS]) == (-10000, 0)
    part = Part(invoice=invoice.id, amount_minor=4000)
    await ask(office, allocate_payment, AllocatePayment(payment=payment.id, parts=[part]))
    found = await sums(office)
    assert (found[CREDIT], found[RECEIVABLE]) == (-6000, 20900 + 24900)
    await ask(office, release_payment, payment.id)
    found = await sums(office)
    assert (found[CREDIT], found[RECEIVABLE], found[NOBODYS]) == (0, 2 * 24900, -10000)


async def test_a_refund_waits_for_a_second_person_where_the_rules_say_so(office: Office) -> None:
    payment = await overpaid(office)
    async with office.begin() as unit:
        await unit.approvals.keep_rules(ApprovalRules(rules=(ApprovalRule(kind=ApprovalKind.PAYOUT),)))
    with pytest.raises(NeedsApproval):
        await ask(office, refund_credit, RefundCredit(payment=payment.id, account=IBAN))
    assert (await sums(office))[CREDIT] == -5100


async def test_whoever_may_not_is_refused(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    made = await mandate(office, invoice)
    world = office.world
    works = [
        (add_mandate, (AddMandate(customer=invoice.customer, scheme=Scheme.AUTOGIRO, payer_number="7"),), True),
        (end_mandate, (EndMandate(mandate=made.id, version=1),), True),
        (unblock_mandate, (made.id, 1), False),
        (write_debits, (WriteDebits(scheme=Scheme.AUTOGIRO), write), True),
        (write_refunds, (WriteRefunds(), write), True),
        (offset_credit, (OffsetCredit(credit_note=invoice.id, invoice=invoice.id),), True),
        (write_off, (WriteOff(invoices=(invoice.id,)),), True),
        (undo_settlement, (1,), True),
        (refund_credit, (RefundCredit(payment=1, account=IBAN),), True),
        (end_refund_by_hand, (1, 1, RefundState.CANCELLED), True),
        (agree_instalments, (AgreeInstalments(customer=1, invoices=(1,), parts=()),), True),
        (end_instalments, (1, 1, PlanState.KEPT), False),
        (suggest_payment, (1,), False),
        (decide_duplicate, (DecideDuplicate(payment=1, same=True),), True),
        (apply_credit, (invoice.customer,), True),
        (get_payment_rules, (), False),
        (put_payment_rules, (Rules(), 0), False),
    ]
    for actor in (world.north, world.south):
        for work, arguments, timed in works:
            more = {"clock": world.clock} if timed else {}
            with pytest.raises(NotAllowed):
                await work(*arguments, actor=actor, begin=world.begin, **more)
    stranger = world.other_operator
    for work, arguments, timed in works[1:3]:
        more = {"clock": world.clock} if timed else {}
        with pytest.raises(NotFound):
            await work(*arguments, actor=stranger, begin=world.begin, **more)
    with pytest.raises(NotFound):
        await add_mandate(*works[0][1], actor=stranger, begin=world.begin, clock=world.clock)
    assert (await list_payments(PageRequest(), actor=stranger, begin=world.begin)).items == []


async def test_a_debit_that_bgmax_tells_first_is_on_its_way_no_more(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    await rule(office)
    await mandate(office, invoice)
    await ordered(office)
    told = bgmax((24900, invoice.payment.reference))
    head, _, rest = told.partition(b"\r\n20")
    done = await take(office, head + b"\r\n20" + rest[:54] + b"4" + rest[55:])
    assert (done.states, done.debits) == ({"allocated": 1}, {"paid": 1})
    assert (await sums(office))[TRANSIT] == 0


def refused(named: str, batch: str = "", status: str = "RJCT") -> bytes:
    """A status report that refuses a message, or a batch of it, without telling single orders."""
    info = f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{batch}</OrgnlPmtInfId><PmtInfSts>RJCT</PmtInfSts></OrgnlPmtInfAndSts>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.03">'
        "<CstmrPmtStsRpt><GrpHdr><MsgId>S1</MsgId></GrpHdr><OrgnlGrpInfAndSts>"
        f"<OrgnlMsgId>{named}</OrgnlMsgId><GrpSts>{status}</GrpSts></OrgnlGrpInfAndSts>{info if batch else ''}"
        "</CstmrPmtStsRpt></Document>"
    ).encode()


@pytest.mark.parametrize("whole", [True, False])
async def test_a_message_or_batch_that_a_bank_refuses_whole_moves_its_refunds_back(office: Office, whole: bool) -> None:
    payment = await overpaid(office)
    await rule(office)
    refund = await ask(office, refund_credit, RefundCredit(payment=payment.id, account=IBAN))
    written = await ask(office, write_refunds, WriteRefunds(), write)
    named = written.file.content.decode().partition("<MsgId>")[2].partition("<")[0]
    assert "-R09-" in named, "other kinds of files are numbered for themselves"
    await take(office, refused("TW-261122-R09-9"), looked_at=True)
    assert (await sums(office))[PAYOUTS] == -refund.amount_minor, "no message of ours"
    report = refused(named) if whole else refused(named, f"{named}-1", "PART")
    await take(office, report, looked_at=True)
    found = await sums(office)
    assert (found[PAYOUTS], found[CREDIT]) == (0, -refund.amount_minor)
    assert (await ask(office, get_payment, payment.id, timed=False))[0].state is PaymentState.CREDIT


async def test_what_is_told_by_its_bank_s_name_alone_is_a_possible_duplicate_too(office: Office) -> None:
    one = "<TxDtls><Refs><AcctSvcrRef>ASR-77</AcctSvcrRef></Refs></TxDtls>"
    assert (await take(office, camt(entry("100.00", one)))).reasons == {"no_reference": 1}
    statement = (
        camt(entry("100.00", one), message="M2")
        .replace(b"camt.054", b"camt.053")
        .replace(b"BkToCstmrDbtCdtNtfctn", b"BkToCstmrStmt")
        .replace(b"Ntfctn", b"Stmt")
    )
    assert (await take(office, statement)).reasons == {"possible_duplicate": 1}


async def test_a_payment_that_came_back_is_no_new_money_when_a_statement_tells_it_late(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    paid = entry("249.00", detail("249.00", invoice.payment.reference))
    await take(office, camt(paid))
    out = detail("249.00", invoice.payment.reference).replace("CRDT", "DBIT")
    back = entry("249.00", out, sign="DBIT", more="<RvslInd>true</RvslInd>")
    assert (await take(office, camt(back, message="M2"))).states == {"returned": 1}
    assert (await take(office, bgmax((24900, invoice.payment.reference)))).reasons == {"possible_duplicate": 1}
    assert (await sums(office))[BANK] == 0


async def test_a_reversal_that_brings_money_takes_no_payment_back(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    await take(office, bgmax((24900, invoice.payment.reference)))
    in_again = entry("249.00", detail("249.00", invoice.payment.reference), more="<RvslInd>true</RvslInd>")
    assert (await take(office, camt(in_again))).reasons == {"unknown_original": 1}
    assert await open_of(office, invoice) == 0


@pytest.mark.parametrize("sent", [False, True])
async def test_a_refund_of_a_payment_that_came_back_gives_no_credit(office: Office, sent: bool) -> None:
    payment = await overpaid(office)
    await rule(office)
    refund = await ask(office, refund_credit, RefundCredit(payment=payment.id, account=IBAN))
    if sent:
        await ask(office, write_refunds, WriteRefunds(), write)
    reference = payment.record["references"][0]["ref"]
    amount = f"{Decimal(payment.amount_minor).scaleb(-2)}"
    out = detail(amount, reference).replace("CRDT", "DBIT")
    back = entry(amount, out, sign="DBIT", more="<RvslInd>true</RvslInd>")
    assert (await take(office, camt(back))).states == {"returned": 1}
    assert await ask(office, check_ledger, timed=False) == []
    if sent:
        assert (await sums(office))[CREDIT] == refund.amount_minor, "he owes what was paid back to him"
        await ask(office, end_refund_by_hand, refund.id, refund.version + 1, RefundState.FAILED)
    assert (await ask(office, write_refunds, WriteRefunds(), write)).file is None, "there is nothing to pay back"
    assert (await ask(office, get_payment, payment.id, timed=False))[0].state is PaymentState.RETURNED
    assert (await sums(office))[CREDIT] == 0


def deducted(invoice: Invoice, name: str, deduction: int) -> bytes:
    """A BgMax file of a payment of which a deduction for a credit note is taken off."""
    paid = max(deduction, 24900)
    lines = [
        "01BGMAX               0120261122173035010331P",
        "050009912346          SEK",
        f"20{'1234567':>10}{invoice.payment.reference:>25}{paid:018d}21{1:012d}0",
        f"21{'1234567':>10}{name:>25}{deduction:018d}21{2:012d}00",
        f"15{'58410000010098232':0>35}2026112200001{paid - deduction:018d}SEK{2:08d} ",
        f"70{1:08d}{1:08d}{0:08d}{1:08d}",
    ]
    return "\r\n".join(line.ljust(80) for line in lines).encode("iso-8859-1")


@pytest.mark.parametrize("amount", [24900, 23900, 24910])
async def test_what_a_payer_took_off_is_undone_and_done_again_as_it_was(office: Office, amount: int) -> None:
    one, two = await billed(office, "1", "2")
    await take(office, bgmax((24900, one.payment.reference)))
    note = await ask(office, credit_invoice, CreditInvoice(invoice=one.id))
    await take(office, deducted(two, note.number, amount))
    taken_off = next(each for each in await payments(office) if each.kind.value == "deduction")
    before = await sums(office)
    over = max(amount - 24900, 0)
    assert (before[BANK], await open_of(office, one)) == (49800 + over - amount, min(amount - 24900, 0))
    assert before.get(CREDIT, 0) == 0, "what one has paid too much the other has taken too much"
    with pytest.raises((BadValue, WrongState)):
        await ask(office, refund_credit, RefundCredit(payment=taken_off.id, account=IBAN))
    await ask(office, release_payment, taken_off.id)
    found = await sums(office)
    assert (found[BANK], found[NOBODYS], found.get(CREDIT, 0)) == (before[BANK], amount, -over)
    assert await open_of(office, one) == -24900
    with pytest.raises(BadValue):
        await ask(office, allocate_payment, AllocatePayment(payment=taken_off.id, parts=(Part(invoice=two.id),)))
    done = await ask(office, allocate_payment, AllocatePayment(payment=taken_off.id, parts=(Part(invoice=note.id),)))
    assert (done.state, done.customer) == (taken_off.state, taken_off.customer)
    assert await sums(office) == before | {NOBODYS: 0}


async def test_what_a_payer_took_off_for_nothing_is_nobody_s_yet(office: Office) -> None:
    one, two = await billed(office, "1", "2")
    done = await take(office, deducted(two, one.number, 10000))
    assert (done.states, done.reasons) == ({"allocated": 1, "unallocated": 1}, {"nothing_open": 1})
    found = await sums(office)
    assert (found[BANK], found[NOBODYS], await open_of(office, one)) == (14900, 10000, 24900)


async def test_a_return_of_an_unknown_payment_is_booked_and_given_to_a_customer(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    for number, message in ((1, "M1"), (2, "M2")):
        out = detail("10.00", f"9999{number}").replace("CRDT", "DBIT")
        back = entry("10.00", out, sign="DBIT", more="<RvslInd>true</RvslInd>")
        assert (await take(office, camt(back, message=message))).reasons == {"unknown_original": 1}
    in_again = entry("5.00", detail("5.00", "77"), more="<RvslInd>true</RvslInd>")
    await take(office, camt(in_again, message="M3"))
    one, two, brought = await payments(office)
    told = await ask(office, decide_duplicate, DecideDuplicate(payment=one.id, same=True))
    assert told.state is PaymentState.NOTED
    with pytest.raises(WrongState):
        await ask(office, decide_duplicate, DecideDuplicate(payment=brought.id, same=False))
    await ask(office, decide_duplicate, DecideDuplicate(payment=two.id, same=False))
    assert ((await sums(office))[BANK], (await sums(office))[NOBODYS]) == (-1000, 1000)
    assert await ask(office, check_ledger, timed=False) == []
    await ask(office, allocate_payment, AllocatePayment(payment=two.id, customer=invoice.customer))
    found = await sums(office)
    assert (found[NOBODYS], found[CREDIT]) == (0, 1000), "he owes what was taken back"


async def test_a_payer_who_pays_another_amount_than_was_ordered_ends_the_order(office: Office) -> None:
    one, two = await billed(office, "1", "2")
    await rule(office)
    await mandate(office, one)
    await mandate(office, two, payer_number="102")
    await ordered(office)
    office.world.clock.at = datetime(2026, 12, 1, 12, tzinfo=UTC)
    less = autogiro(taken(one, amount=20000), paid=1, total=20000)
    assert (await take(office, less)).debits == {"paid": 1}
    assert (await open_of(office, one), await open_of(office, two)) == (4900, 24900)
    found = await sums(office)
    assert (found[TRANSIT], found[BANK], found[RECEIVABLE]) == (24900, 20000, 4900)


async def test_a_duplicate_that_is_money_of_its_own_ends_the_debit_that_it_is_of(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    await rule(office)
    await mandate(office, invoice)
    await ordered(office)
    office.world.clock.at = datetime(2026, 12, 1, 12, tzinfo=UTC)
    async with office.begin() as unit:
        (order,) = await unit.giro.debits.find(invoice=invoice.id)
    paid = detail("249.00", invoice.payment.reference, more=f"<Refs><EndToEndId>{order.key}</EndToEndId></Refs>")
    other = bgmax((24900, invoice.payment.reference)).replace(b"20261120", b"20261119")
    await take(office, other)
    (first,) = await payments(office)
    await ask(office, release_payment, first.id)
    await ask(office, allocate_payment, AllocatePayment(payment=first.id, customer=invoice.customer))
    assert (await take(office, camt(entry("249.00", paid)))).reasons == {"possible_duplicate": 1}
    held = (await payments(office))[1]
    done = await ask(office, decide_duplicate, DecideDuplicate(payment=held.id, same=False))
    assert (done.state, done.customer) == (PaymentState.ALLOCATED, invoice.customer)
    (order,) = await debits(office)
    assert (order.state, order.payment) == (DebitState.PAID, held.id)


async def test_a_payment_and_its_return_in_one_file(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    named = "<Refs><AcctSvcrRef>A1</AcctSvcrRef></Refs>"
    reference = invoice.payment.reference
    out = detail("249.00", reference, more=named).replace("CRDT", "DBIT")
    both = entry("249.00", detail("249.00", reference, more=named)) + entry(
        "249.00", out, sign="DBIT", more="<RvslInd>true</RvslInd>"
    )
    done = await take(office, camt(both))
    assert (done.states, done.reasons) == ({"returned": 2}, {}) or done.states == {"allocated": 1, "returned": 1}
    assert await open_of(office, invoice) == 24900
    assert (await sums(office))[BANK] == 0
    one, two = await payments(office)
    assert {one.state, two.state} == {PaymentState.RETURNED}


async def test_a_return_that_two_formats_tell_waits_for_somebody(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    reference = invoice.payment.reference
    await take(office, camt(entry("249.00", detail("249.00", reference))))
    out = detail("249.00", reference).replace("CRDT", "DBIT")
    back = entry("249.00", out, sign="DBIT", more="<RvslInd>true</RvslInd>")
    assert (await take(office, camt(back, message="M2"))).states == {"returned": 1}
    statement = camt(back, message="M3").replace(b"camt.054", b"camt.053")
    statement = statement.replace(b"BkToCstmrDbtCdtNtfctn", b"BkToCstmrStmt").replace(b"Ntfctn>", b"Stmt>")
    done = await take(office, statement)
    assert (done.states, done.reasons) == ({"held": 1}, {"possible_duplicate": 1})
    assert (await sums(office))[BANK] == 0


async def test_twins_without_a_name_of_the_bank_s_in_two_files_are_for_a_person(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    one = entry("249.00", detail("249.00", invoice.payment.reference))
    await take(office, camt(one, message="M1"))
    done = await take(office, camt(one, message="M2"))
    assert (done.duplicates, done.reasons) == (0, {"possible_duplicate": 1})
    assert (await sums(office))[BANK] == 24900
    held = (await payments(office))[1]
    await ask(office, decide_duplicate, DecideDuplicate(payment=held.id, same=False))
    assert (await sums(office))[BANK] == 49800
    several = one + entry("10.00", detail("10.00", "77")) + entry("11.00", detail("11.00", "78"))
    assert (await take(office, camt(several, message="M4"))).records == 3
    assert (await take(office, camt(several, message="M5"))).duplicates == 3, "the bank tells the same again"


@pytest.mark.parametrize("first", ["statement", "details"])
async def test_a_lump_sum_ties_out_to_its_details_whichever_comes_first(office: Office, first: str) -> None:
    one, two = await billed(office, "1", "2")
    batch = "<Btch><NbOfTxs>2</NbOfTxs></Btch>"
    other = "<Btch><NbOfTxs>3</NbOfTxs></Btch>"
    statement = camt(entry("498.00", batch) + entry("77.00", other), message="S1").replace(b"camt.054", b"camt.053")
    statement = statement.replace(b"BkToCstmrDbtCdtNtfctn", b"BkToCstmrStmt").replace(b"Ntfctn>", b"Stmt>")
    details = bgmax((24900, one.payment.reference), (24900, two.payment.reference))
    for data in (statement, details) if first == "statement" else (details, statement):
        await take(office, data)
    reasons = {payment.amount_minor: payment.reason for payment in await payments(office) if payment.entry is None}
    assert reasons == {49800: Reason.TOLD_IN_DETAIL, 7700: Reason.LUMP_SUM}
    assert (await sums(office))[BANK] == 49800, "the lump sum is posted to nobody"

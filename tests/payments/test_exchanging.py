"""What is paid in another currency than the invoice's: refused, or exchanged by the rate of its day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.ledger.tying import Difference
from domain.margins.exchange import DayRate
from domain.payments.payment import Payment, PaymentState, Reason
from domain.payments.rules import Rules
from domain.payments.settlement import SettlementKind
from domain.ports.page import PageRequest
from domain.refusal import BadValue, WrongState
from domain.usecases.agree_instalments import put_payment_rules
from domain.usecases.allocate_payment import AllocatePayment, Part, allocate_payment, release_payment
from domain.usecases.ledger_reports import check_ledger
from domain.usecases.settle_items import list_settlements, undo_settlement
from tests.invoicing.conftest import Office
from tests.payments.test_ledger import billed, open_of, payments, sums, take
from tests.payments.test_readers import camt, detail, entry

BANK, EXCHANGE_EUR, EXCHANGE_SEK = ("1930", "EUR"), ("1989", "EUR"), ("1989", "SEK")
RECEIVABLE, CREDIT, NOBODYS = ("1510", "SEK"), ("2420", "SEK"), ("2999", "SEK")
GAIN, LOSS = ("3960", "SEK"), ("7960", "SEK")
DAY = date(2026, 11, 20)


@pytest.fixture(autouse=True)
async def tied(office: Office) -> AsyncIterator[None]:
    office.world.clock.at = datetime(2026, 11, 22, 12, tzinfo=UTC)
    yield
    found: list[Difference] = list(await check_ledger(actor=office.actor, begin=office.world.begin))
    assert found == []


def euros(*parts: tuple[str, str], message: str = "M1", more: str = "", sign: str = "CRDT") -> bytes:
    """A notification of payments in EUR, each with its reference."""
    told = "".join(
        entry(amount, detail(amount, reference, more=more).replace("CRDT", sign), sign=sign)
        for amount, reference in parts
    )
    return camt(told, message=message).replace(b'Ccy="SEK"', b'Ccy="EUR"').replace(b"<Ccy>SEK</Ccy>", b"<Ccy>EUR</Ccy>")


async def chosen(office: Office, **more: Any) -> None:
    await put_payment_rules(Rules(exchange=True, **more), 0, actor=office.actor, begin=office.world.begin)


async def rate(office: Office, rate: str, day: date = DAY) -> None:
    async with office.world.begin(office.actor) as unit:
        told = [DayRate(day, "EUR", "SEK", Decimal(rate), "test")]
        await unit.exchange.put(told, replace=True, at=office.world.clock.now())


async def only(office: Office) -> Payment:
    (payment,) = await payments(office)
    return payment


async def allocate(office: Office, payment: Payment, invoice: Any) -> Payment:
    cmd = AllocatePayment(payment=payment.id, parts=[Part(invoice=invoice.id)])
    return await allocate_payment(cmd, actor=office.actor, begin=office.world.begin, clock=office.world.clock)


async def test_it_is_refused_where_the_rules_do_not_say_so(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    await rate(office, "10")
    done = await take(office, euros(("24.90", invoice.payment.reference)))
    assert (done.states, done.reasons) == ({"unallocated": 1}, {"other_currency": 1})
    with pytest.raises(BadValue, match="the rules exchange no payments"):
        await allocate(office, await only(office), invoice)
    assert await open_of(office, invoice) == 24900


async def test_the_rate_of_its_day_pays_the_invoice_and_the_bank_keeps_its_currency(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    await chosen(office)
    await rate(office, "10")
    done = await take(office, euros(("24.90", invoice.payment.reference)))
    assert (done.states, done.booked) == ({"allocated": 1}, {"EUR": "24.90"})
    payment = await only(office)
    assert (payment.amount_minor, payment.currency) == (24900, "SEK")
    assert (payment.paid_minor, payment.paid_currency, payment.rate) == (2490, "EUR", Decimal(10))
    found = await sums(office)
    assert (found[BANK], found[EXCHANGE_EUR], found[EXCHANGE_SEK], found[RECEIVABLE]) == (2490, -2490, 24900, 0)
    again = await take(office, euros(("24.90", invoice.payment.reference), message="M2"))
    assert again.reasons == {"possible_duplicate": 1}, "nothing of the bank's names it"


async def test_without_a_rate_of_the_day_it_waits_for_one(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    await chosen(office)
    await rate(office, "10", date(2026, 10, 1))
    assert (await take(office, euros(("24.90", invoice.payment.reference)))).reasons == {"no_rate": 1}
    payment = await only(office)
    with pytest.raises(WrongState, match="no rate between SEK and EUR on 2026-11-20"):
        await allocate(office, payment, invoice)
    await rate(office, "10")
    done = await allocate(office, payment, invoice)
    assert (done.state, done.amount_minor, done.currency) == (PaymentState.ALLOCATED, 24900, "SEK")
    assert await open_of(office, invoice) == 0
    freed = await release_payment(payment.id, actor=office.actor, begin=office.world.begin, clock=office.world.clock)
    assert (freed.state, freed.currency, await open_of(office, invoice)) == (PaymentState.UNALLOCATED, "SEK", 24900)
    found = await sums(office)
    assert (found[BANK], found[NOBODYS]) == (2490, -24900)


@pytest.mark.parametrize(("worth", "account", "amount"), [("9.95", LOSS, 124), ("10.05", GAIN, -125)])
async def test_what_the_rate_makes_more_or_less_is_a_gain_or_a_loss(
    office: Office, worth: str, account: tuple[str, str], amount: int
) -> None:
    (invoice,) = await billed(office, "1")
    await chosen(office, exchange_tolerance=100)
    await rate(office, worth)
    done = await take(office, euros(("24.90", invoice.payment.reference)))
    assert (done.states, done.reasons) == ({"allocated": 1}, {"exchanged": 1})
    assert await open_of(office, invoice) == 0
    found = await sums(office)
    assert (found[account], found[RECEIVABLE], found[BANK]) == (amount, 0, 2490)
    (made,) = (await list_settlements(PageRequest(), actor=office.actor, begin=office.world.begin)).items
    assert made.kind is SettlementKind.EXCHANGE
    with pytest.raises(WrongState):
        await undo_settlement(made.id, actor=office.actor, begin=office.world.begin, clock=office.world.clock)
    payment = await only(office)
    await release_payment(payment.id, actor=office.actor, begin=office.world.begin, clock=office.world.clock)
    assert ((await sums(office))[account], await open_of(office, invoice)) == (0, 24900)


async def test_further_off_than_the_tolerance_it_is_a_part_or_leaves_credit(office: Office) -> None:
    one, two = await billed(office, "1", "2")
    await chosen(office, exchange_tolerance=100)
    await rate(office, "10")
    await take(office, euros(("20.00", one.payment.reference), ("30.00", two.payment.reference)))
    assert (await open_of(office, one), await open_of(office, two)) == (4900, 0)
    assert (await sums(office))[CREDIT] == -5100


async def test_a_return_takes_back_by_the_rate_of_the_payment(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    await chosen(office)
    await rate(office, "10")
    reference = invoice.payment.reference
    await take(office, euros(("24.90", reference)))
    await rate(office, "12")
    back = entry(
        "24.90", detail("24.90", reference).replace("CRDT", "DBIT"), sign="DBIT", more="<RvslInd>true</RvslInd>"
    )
    done = await take(office, camt(back, message="M2").replace(b'Ccy="SEK"', b'Ccy="EUR"'))
    assert (done.states, done.booked) == ({"returned": 1}, {"EUR": "-24.90"})
    assert await open_of(office, invoice) == 24900
    found = await sums(office)
    assert (found[BANK], found[EXCHANGE_EUR], found[EXCHANGE_SEK], found[RECEIVABLE]) == (0, 0, 0, 24900)


async def test_a_return_of_what_paid_for_several_customers_is_theirs_in_their_currency(office: Office) -> None:
    one, two = await billed(office, "1", "2")
    await chosen(office)
    await rate(office, "10")
    await take(office, euros(("49.80", "4711")))
    payment = await only(office)
    cmd = AllocatePayment(payment=payment.id, parts=[Part(invoice=one.id), Part(invoice=two.id)])
    done = await allocate_payment(cmd, actor=office.actor, begin=office.world.begin, clock=office.world.clock)
    assert (done.state, done.customer) == (PaymentState.ALLOCATED, None)
    back = entry("49.80", detail("49.80", "4711").replace("CRDT", "DBIT"), sign="DBIT", more="<RvslInd>true</RvslInd>")
    await take(office, camt(back, message="M2").replace(b'Ccy="SEK"', b'Ccy="EUR"'))
    assert (await open_of(office, one), await open_of(office, two)) == (24900, 24900)
    found = await sums(office)
    assert (found[BANK], found[EXCHANGE_EUR], found[EXCHANGE_SEK], found[RECEIVABLE]) == (0, 0, 0, 49800)
    assert found.get(("1510", "EUR"), 0) == 0


async def test_references_of_two_currencies_wait_for_somebody(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    await chosen(office)
    await rate(office, "10")
    await take(office, euros(("24.90", "4711")))
    payment = await only(office)
    assert (payment.reason, payment.currency) == (Reason.UNKNOWN_REFERENCE, "EUR")
    assert (await allocate(office, payment, invoice)).state is PaymentState.ALLOCATED


async def test_what_a_bank_takes_off_is_the_operators_cost_and_the_payer_has_paid_it_all(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    taken_off = (
        "<AmtDtls><InstdAmt><Amt Ccy='SEK'>249.00</Amt></InstdAmt></AmtDtls><Chrgs>"
        "<Rcrd><Amt Ccy='SEK'>4.00</Amt><CdtDbtInd>DBIT</CdtDbtInd></Rcrd>"
        "<Rcrd><Amt Ccy='SEK'>6.00</Amt><CdtDbtInd>DBIT</CdtDbtInd></Rcrd></Chrgs>"
    )
    paid = detail("239.00", invoice.payment.reference, more=taken_off)
    done = await take(office, camt(entry("239.00", paid)))
    assert (done.states, done.booked) == ({"allocated": 1}, {"SEK": "239.00"})
    found = await sums(office)
    assert (found["1930", "SEK"], found["6570", "SEK"], found[RECEIVABLE]) == (23900, 1000, 0)
    payment = await only(office)
    assert (payment.amount_minor, payment.paid_minor, payment.exchanged) == (24900, 23900, False)
    beside = detail("239.00", "4711", more="<Chrgs><Rcrd><Amt Ccy='SEK'>6.00</Amt></Rcrd></Chrgs>")
    await take(office, camt(entry("239.00", beside), message="M2"))
    assert (await sums(office))["6570", "SEK"] == 1000, "what is charged apart is not in the amount"


@pytest.mark.parametrize("named", [True, False])
async def test_what_a_bank_takes_off_what_is_exchanged_the_payer_has_paid_too(office: Office, named: bool) -> None:
    (invoice,) = await billed(office, "1")
    await chosen(office)
    await rate(office, "10")
    reference = invoice.payment.reference if named else "4711"
    taken_off = "<Chrgs><Rcrd><Amt Ccy='EUR'>0.50</Amt><ChrgInclInd>true</ChrgInclInd></Rcrd></Chrgs>"
    await take(office, euros(("24.40", reference), more=taken_off))
    if not named:
        assert (await sums(office))["6570", "EUR"] == 50
        await allocate(office, await only(office), invoice)
    assert await open_of(office, invoice) == 0
    found = await sums(office)
    assert (found[BANK], found[EXCHANGE_EUR], found[EXCHANGE_SEK]) == (2440, -2440, 24900)
    payment = await only(office)
    assert (payment.amount_minor, payment.paid_minor) == (24900, 2440)
    if not named:
        await release_payment(payment.id, actor=office.actor, begin=office.world.begin, clock=office.world.clock)
    back = entry(
        "24.40", detail("24.40", reference).replace("CRDT", "DBIT"), sign="DBIT", more="<RvslInd>true</RvslInd>"
    )
    await take(office, camt(back, message="M2").replace(b'Ccy="SEK"', b'Ccy="EUR"'))
    assert await open_of(office, invoice) == 24900
    found = await sums(office)
    assert {account: found.get(account, 0) for account in (BANK, EXCHANGE_EUR, EXCHANGE_SEK, ("6570", "EUR"))} == {
        BANK: 0,
        EXCHANGE_EUR: 0,
        EXCHANGE_SEK: 0,
        ("6570", "EUR"): 0,
    }

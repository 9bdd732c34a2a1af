"""Payment files taken in: booked once, applied to what they name, and undone without a trace on the bank's account."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from domain.invoicing.invoice import Invoice
from domain.payments.identity import identities
from domain.payments.payment import PaymentState, Reason
from domain.payments.record import PaymentFile
from domain.ports.page import PageRequest
from domain.refusal import BadValue, Conflict, NotAllowed, NotFound, Unreadable, WrongState
from domain.usecases.allocate_payment import AllocatePayment, Part, allocate_payment, release_payment
from domain.usecases.credit_invoice import CreditInvoice, credit_invoice
from domain.usecases.import_payments import ImportPayments, PaymentsImported, import_payments
from domain.usecases.list_payments import get_payment, list_open_items, list_payments, trial_balance
from domain.usecases.work_payments import DecideDuplicate, decide_duplicate
from integrations.payments import formats
from tests.invoicing.conftest import Office
from tests.payments.test_readers import bgmax, camt, detail, entry

BANK, RECEIVABLE, NOBODYS, CREDIT = ("1930", "SEK"), ("1510", "SEK"), ("2999", "SEK"), ("2420", "SEK")


@pytest.fixture(autouse=True)
def today(office: Office) -> None:
    office.world.clock.at = datetime(2026, 11, 22, 12, tzinfo=UTC)


async def take(office: Office, data: bytes, name: str = "file", **more: object) -> PaymentsImported:
    cmd = ImportPayments(name=name, data=data, read=formats.read, **more)
    return await import_payments(cmd, actor=office.actor, begin=office.world.begin, clock=office.world.clock)


async def billed(office: Office, *customers: str) -> list[Invoice]:
    """Bill October to new customers: 249.00 each."""
    for number in customers:
        await office.customer(number=number)
    await office.bill()
    invoices = sorted(office.invoices, key=lambda one: one.id)
    assert {one.total for one in invoices} == {Decimal(249)}
    return invoices


async def sums(office: Office) -> dict[tuple[str, str], int]:
    found = dict(await trial_balance(actor=office.actor, begin=office.world.begin))
    assert sum(found.values()) == 0
    return found


async def open_of(office: Office, invoice: Invoice) -> int:
    items = await list_open_items(invoice.customer, actor=office.actor, begin=office.world.begin)
    return sum(item.open_minor for item in items)


async def payments(office: Office) -> list:
    return list((await list_payments(PageRequest(), actor=office.actor, begin=office.world.begin)).items)


async def test_a_reference_closes_its_invoice(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    assert await open_of(office, invoice) == 24900
    done = await take(office, bgmax((24900, invoice.payment.reference)))
    assert (done.new, done.records, done.states, done.booked) == (True, 1, {"allocated": 1}, {"SEK": "249.00"})
    assert await open_of(office, invoice) == 0
    found = await sums(office)
    assert (found[BANK], found[RECEIVABLE]) == (24900, 0)
    (payment,) = await payments(office)
    assert (payment.customer, payment.state, payment.reason) == (invoice.customer, PaymentState.ALLOCATED, None)


async def test_the_same_file_again_changes_nothing_and_a_copy_in_another_order_neither(office: Office) -> None:
    one, two = await billed(office, "1", "2")
    pair = [(24900, one.payment.reference), (24900, two.payment.reference)]
    await take(office, bgmax(*pair))
    before = await sums(office)
    assert (await take(office, bgmax(*pair), name="again")).new is False
    later = bgmax(*pair).replace(b"20261120173035010331", b"20261120180000000000")
    copied = await take(office, later)
    assert (copied.new, copied.duplicates, copied.states) == (True, 2, {})
    assert await sums(office) == before


async def test_true_twins_in_one_file_are_both_money(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    twin = entry("100.00", detail("100.00", invoice.payment.reference))
    done = await take(office, camt(twin + twin))
    assert done.states == {"allocated": 2}
    assert await open_of(office, invoice) == 4900
    with pytest.raises(Conflict, match="with other content"):
        await take(office, camt(twin))
    again = await take(office, camt(twin), looked_at=True)
    assert (again.duplicates, again.states) == (1, {})


async def test_less_leaves_it_open_and_more_is_the_customer_s_credit(office: Office) -> None:
    one, two = await billed(office, "1", "2")
    done = await take(office, bgmax((10000, one.payment.reference), (30000, two.payment.reference)))
    assert done.states == {"allocated": 1, "credit": 1}
    assert done.reasons == {"overpaid": 1}
    assert (await open_of(office, one), await open_of(office, two)) == (14900, 0)
    async with office.begin() as unit:
        owed = await unit.ledger.owed([one.customer, two.customer])
    assert owed == {one.customer: {"SEK": 14900}, two.customer: {"SEK": -5100}}


async def test_two_payments_of_one_file_for_one_invoice_follow_one_another(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    done = await take(office, bgmax((20000, invoice.payment.reference), (20000, invoice.payment.reference)))
    assert done.states == {"allocated": 1, "credit": 1}
    assert await open_of(office, invoice) == 0


async def test_several_references_split_by_their_amounts(office: Office) -> None:
    one, two = await billed(office, "1", "2")
    strd = "".join(
        f'<Strd><RfrdDocAmt><RmtdAmt Ccy="SEK">{amount}</RmtdAmt></RfrdDocAmt><CdtrRefInf><Ref>{of.payment.reference}'
        "</Ref></CdtrRefInf></Strd>"
        for amount, of in (("200.00", one), ("249.00", two))
    )
    done = await take(office, camt(entry("449.00", f"<TxDtls><RmtInf>{strd}</RmtInf></TxDtls>")))
    assert done.states == {"allocated": 1}
    assert (await open_of(office, one), await open_of(office, two)) == (4900, 0)
    found = await sums(office)
    assert (found[BANK], found[NOBODYS]) == (44900, 0)
    async with office.begin() as unit:
        assert await unit.ledger.owed([one.customer, two.customer]) == {
            one.customer: {"SEK": 4900},
            two.customer: {"SEK": 0},
        }


@pytest.mark.parametrize(("reference", "reason"), [("", Reason.NO_REFERENCE), ("99999999", Reason.UNKNOWN_REFERENCE)])
async def test_what_names_nothing_of_ours_is_nobody_s_until_somebody_says(
    office: Office, reference: str, reason: Reason
) -> None:
    (invoice,) = await billed(office, "1")
    await take(office, bgmax((24900, reference)))
    (payment,) = await payments(office)
    assert (payment.state, payment.reason, payment.customer) == (PaymentState.UNALLOCATED, reason, None)
    assert (await sums(office))[NOBODYS] == -24900
    cmd = AllocatePayment(payment=payment.id, parts=[Part(invoice=invoice.id)])
    done = await allocate_payment(cmd, actor=office.actor, begin=office.world.begin, clock=office.world.clock)
    assert (done.state, done.customer) == (PaymentState.ALLOCATED, invoice.customer)
    assert await open_of(office, invoice) == 0
    assert (await sums(office))[NOBODYS] == 0
    with pytest.raises(WrongState):
        await allocate_payment(cmd, actor=office.actor, begin=office.world.begin, clock=office.world.clock)


async def test_releasing_is_the_mirror_of_allocating(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    await take(office, bgmax((30000, invoice.payment.reference)))
    (payment,) = await payments(office)
    for _ in range(2):
        done = await release_payment(payment.id, actor=office.actor, begin=office.world.begin, clock=office.world.clock)
        assert (done.state, done.customer) == (PaymentState.UNALLOCATED, None)
        assert await open_of(office, invoice) == 24900
        found = await sums(office)
        assert (found[BANK], found[RECEIVABLE], found[NOBODYS]) == (30000, 24900, -30000)
        with pytest.raises(WrongState):
            await release_payment(payment.id, actor=office.actor, begin=office.world.begin, clock=office.world.clock)
        cmd = AllocatePayment(payment=payment.id, parts=[Part(invoice=invoice.id)])
        done = await allocate_payment(cmd, actor=office.actor, begin=office.world.begin, clock=office.world.clock)
        assert (done.state, done.reason) == (PaymentState.CREDIT, Reason.OVERPAID)
        found = await sums(office)
        assert (found[RECEIVABLE], found[CREDIT]) == (0, -5100)
    _, made = await get_payment(payment.id, actor=office.actor, begin=office.world.begin)
    assert [one.undone_by for one in made] == [office.actor.client, office.actor.client, None]


async def test_parts_that_cannot_be_are_refused_and_change_nothing(office: Office) -> None:
    one, two = await billed(office, "1", "2")
    await take(office, bgmax((24900, ""), (10000, one.payment.reference)))
    free, _ = await payments(office)
    before = await sums(office)
    for parts, refusal in (
        ([], BadValue),
        ([Part(invoice=999)], NotFound),
        ([Part(invoice=one.id, amount_minor=14901)], BadValue),
        ([Part(invoice=one.id, amount_minor=-1)], BadValue),
        ([Part(invoice=one.id, amount_minor=14900), Part(invoice=two.id, amount_minor=24900)], BadValue),
        ([Part(invoice=one.id, amount_minor=100), Part(invoice=two.id, amount_minor=100)], BadValue),
    ):
        with pytest.raises(refusal):
            await allocate_payment(
                AllocatePayment(payment=free.id, parts=parts),
                actor=office.actor,
                begin=office.world.begin,
                clock=office.world.clock,
            )
    assert await sums(office) == before


async def test_a_return_opens_the_invoice_again_and_a_second_one_is_held(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    paid = detail("249.00", invoice.payment.reference, more="<Refs><EndToEndId>E1</EndToEndId></Refs>")
    await take(office, camt(entry("249.00", paid)))
    assert await open_of(office, invoice) == 0
    mark = "<RvslInd>true</RvslInd>"
    back = entry("249.00", "<TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs></TxDtls>", sign="DBIT", more=mark)
    done = await take(office, camt(back, message="M2"))
    assert (done.states, done.booked) == ({"returned": 1}, {"SEK": "-249.00"})
    assert await open_of(office, invoice) == 24900
    found = await sums(office)
    assert (found[BANK], found[RECEIVABLE]) == (0, 24900)
    more = "<TxDtls><Refs><EndToEndId>E1</EndToEndId><TxId>2</TxId></Refs></TxDtls>"
    second = await take(office, camt(entry("249.00", more, sign="DBIT", more=mark), message="M3"))
    assert (second.states, second.reasons) == ({"held": 1}, {"unknown_original": 1})
    assert await sums(office) == found


async def test_a_credit_note_and_its_invoice_stand_together(office: Office) -> None:
    one, two = await billed(office, "1", "2")
    await take(office, bgmax((24900, one.payment.reference)))
    for invoice in (one, two):
        await credit_invoice(
            CreditInvoice(invoice=invoice.id), actor=office.actor, begin=office.world.begin, clock=office.world.clock
        )
    assert await open_of(office, one) == -24900, "it was paid: he is owed it"
    assert await open_of(office, two) == 0


async def test_the_same_payment_in_two_formats_waits_for_a_person(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    reference = invoice.payment.reference
    await take(office, bgmax((24900, reference)))
    done = await take(office, camt(entry("249.00", detail("249.00", reference))))
    assert (done.states, done.reasons) == ({"held": 1}, {"possible_duplicate": 1})
    assert (await sums(office))[BANK] == 24900


@pytest.mark.parametrize(("format_", "name"), [("camt054", "deducted"), ("mt940", "counter_account")])
def test_a_payment_is_known_again_by_who_reads_more_of_it(format_: str, name: str) -> None:
    file = replace(formats.read(camt(entry("10.00", detail("10.00", "4711")))), format=format_)
    (record,) = file.records
    more = replace(file, records=(replace(record, details={**record.details, name: "1.00"}),))
    assert identities(more) == identities(file)
    assert identities(replace(more, format="dk_bs")) != identities(replace(file, format="dk_bs"))


async def test_nothing_told_twice_is_decided_as_nothing(office: Office) -> None:
    around = {"actor": office.actor, "begin": office.world.begin, "clock": office.world.clock}
    for message in ("M1", "M2"):
        done = await take(office, camt(entry("0.00", detail("0.00", "4711")), message=message))
    assert done.reasons == {"possible_duplicate": 1}
    (held,) = [one for one in await payments(office) if one.state is PaymentState.HELD]
    decided = await decide_duplicate(DecideDuplicate(payment=held.id, same=False), **around)
    assert (decided.state, decided.entry) == (PaymentState.UNALLOCATED, None)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
async def test_the_first_and_the_last_day_are_days(office: Office, day: str) -> None:
    (invoice,) = await billed(office, "1")
    data = camt(entry("10.00", detail("10.00", invoice.payment.reference))).replace(b"2026-11-20", day.encode())
    assert (await take(office, data, looked_at=True)).states == {"allocated": 1}


async def test_what_moved_no_money_is_noted_and_never_booked(office: Office) -> None:
    done = await take(office, camt(entry("5.00", status="PDNG") + entry("7.00", sign="DBIT")))
    assert (done.states, done.reasons) == ({"noted": 2}, {"not_booked": 1, "not_ours": 1})
    assert await sums(office) == {}


async def test_a_file_that_does_not_hold_leaves_nothing(office: Office) -> None:
    with pytest.raises(Unreadable):
        await take(office, bgmax((100, "1"), deposit=99))
    with pytest.raises(WrongState, match="never post"):
        await take(office, bgmax((100, "1"), mark="T"))
    assert await payments(office) == []
    assert (await take(office, bgmax((100, "1"), mark="T"), looked_at=True)).new


async def test_whoever_may_not_is_refused(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    await take(office, bgmax((24900, "")))
    (payment,) = await payments(office)
    world = office.world
    bound = {"begin": world.begin}
    cmd = AllocatePayment(payment=payment.id, parts=[Part(invoice=invoice.id)])
    for actor in (world.north, world.south):
        for work in (
            list_payments(PageRequest(), actor=actor, **bound),
            get_payment(payment.id, actor=actor, **bound),
            list_open_items(invoice.customer, actor=actor, **bound),
            trial_balance(actor=actor, **bound),
            allocate_payment(cmd, actor=actor, clock=world.clock, **bound),
            release_payment(payment.id, actor=actor, clock=world.clock, **bound),
        ):
            with pytest.raises(NotAllowed):
                await work
        cut = ImportPayments(name="f", data=bgmax((1, "1")), read=formats.read)
        with pytest.raises(NotAllowed):
            await import_payments(cut, actor=actor, clock=world.clock, **bound)
    stranger = world.other_operator
    assert (await list_payments(PageRequest(), actor=stranger, **bound)).items == []
    for work in (
        get_payment(payment.id, actor=stranger, **bound),
        allocate_payment(cmd, actor=stranger, clock=world.clock, **bound),
        release_payment(payment.id, actor=stranger, clock=world.clock, **bound),
    ):
        with pytest.raises(NotFound):
            await work


async def test_files_in_any_order_and_twice_give_the_same_balances(office: Office) -> None:
    """Three files that overlap, each twice, in ten orders: the ledger is the same."""
    one, two, three = await billed(office, "1", "2", "3")
    files = [
        bgmax((10000, two.payment.reference), (24900, one.payment.reference)),
        bgmax((10000, two.payment.reference)).replace(b"20261120173035010331", b"20261120190000000000"),
        bgmax((5000, three.payment.reference), (700, "")).replace(b"20261120173035010331", b"20261120200000000000"),
    ]
    order = random.Random(7).sample([*files, *files], 6)
    for data in order:
        await take(office, data)
    found = await sums(office)
    assert (found[BANK], found[NOBODYS]) == (24900 + 10000 + 5000 + 700, -700)
    assert [await open_of(office, invoice) for invoice in (one, two, three)] == [0, 14900, 19900]


async def test_two_at_once_take_a_file_in_once(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    data = bgmax((24900, invoice.payment.reference))
    both = await asyncio.gather(take(office, data), take(office, data))
    assert sorted(one.new for one in both) == [False, True]
    assert (await sums(office))[BANK] == 24900


async def test_what_is_open_on_a_day(office: Office) -> None:
    (invoice,) = await billed(office, "1")
    await take(office, bgmax((24900, invoice.payment.reference)))  # booked on 20 November
    for day, wanted in ((1, 24900), (19, 24900), (20, 0)):
        on = replace(invoice, issued_on=invoice.issued_on).issued_on.replace(day=day)
        items = await list_open_items(invoice.customer, actor=office.actor, begin=office.world.begin, on=on)
        assert sum(item.open_minor for item in items) == wanted


async def test_the_reader_is_any_that_makes_a_payment_file(office: Office) -> None:
    def nothing(_: bytes) -> PaymentFile:
        return PaymentFile(format="mt940", file_id="x", totals={}, records=())

    cmd = ImportPayments(name="empty", data=b"x", read=nothing)
    done = await import_payments(cmd, actor=office.actor, begin=office.world.begin, clock=office.world.clock)
    assert (done.new, done.records, done.states) == (True, 0, {})

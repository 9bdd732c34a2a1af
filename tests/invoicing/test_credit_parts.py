"""Credit notes of parts, and invoices issued anew, on PostgreSQL and in memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.access.actor import Action
from domain.access.limits import Limits
from domain.contracts.contract import ContractState
from domain.customers.customer import CustomerKind
from domain.ids import InvoiceBatchId, UserId
from domain.invoicing.assembly import assemble
from domain.invoicing.charge import ChargeKind
from domain.invoicing.crediting import LineCredit, Wanted, credit
from domain.invoicing.invoice import CreditScope, DocumentKind, Invoice, settle
from domain.invoicing.lefts import left_of
from domain.invoicing.vat import VatRate, VatTreatment
from domain.money import round_to
from domain.refusal import BadValue, NotAllowed, NotFound, Stale, WrongState
from domain.usecases.charge_customer import AddCharge, add_charge
from domain.usecases.credit_invoice import CreditInvoice, credit_invoice
from domain.usecases.dispute_invoice import (
    DecideDispute,
    DisputeInvoice,
    decide_dispute,
    dispute_invoice,
    disputes_of_invoices,
)
from domain.usecases.fetch_invoices import FetchInvoices, acknowledge_invoices, fetch_invoices, read_invoice_batch
from domain.usecases.reissue_invoice import ReissueInvoice, reissue_invoice
from domain.usecases.set_billing_rules import SetBillingRules, set_billing_rules
from domain.usecases.set_tax_rules import get_tax_rules, set_tax_rules
from persistence.engine import Database
from tests.invoicing.conftest import NOVEMBER, OCTOBER, Office
from tests.invoicing.made import PAYER, bill, issued, usage


async def take(office: Office, invoice: Invoice, **more: Any) -> Invoice:
    cmd = CreditInvoice(invoice=invoice.id, issued_on=NOVEMBER.start, **more)
    return await credit_invoice(cmd, actor=office.actor, begin=office.world.begin, clock=office.world.clock)


async def billed(office: Office, *amounts: int) -> Invoice:
    _, _, line = await office.customer()
    await office.use(line, *amounts)
    await office.bill()
    (invoice,) = office.invoices
    return invoice


async def test_parts_never_come_to_more_than_the_invoice_and_close_it_exactly(office: Office) -> None:
    invoice = await billed(office, 33_330_000)  # 199.00 + 33.33 + VAT 58.08 and what is rounded
    fee = next(line for line in invoice.lines if line.fee is not None)
    first = await take(office, invoice, lines=(LineCredit(position=fee.position, amount=Decimal("49.00")),))
    assert (first.net, first.vat_total, first.total) == (Decimal("-49.00"), Decimal("-12.25"), Decimal("-61.25"))
    assert (first.credit, first.original, first.lines[0].corrects_line) == (
        CreditScope.PART,
        invoice.number,
        fee.position,
    )
    second = await take(office, invoice, amount=Decimal("100.00"), text="Goodwill")
    assert (second.total, [line.text for line in second.lines]) == (Decimal("-100.00"), ["Goodwill"])
    with pytest.raises(BadValue, match="is left to credit"):
        await take(office, invoice, amount=invoice.total - Decimal("161.24"))
    with pytest.raises(BadValue, match=r"103\.33 is left"):  # of the amount, 80.00 net came off all lines
        await take(office, invoice, lines=(LineCredit(position=fee.position, amount=Decimal("103.34")),))
    rest = await take(office, invoice)
    assert rest.credit is CreditScope.WHOLE
    assert first.total + second.total + rest.total + invoice.total == 0
    assert first.net + second.net + rest.net + invoice.net == 0
    with pytest.raises(WrongState, match="credited before"):
        await take(office, invoice, amount=Decimal("0.01"))
    async with office.begin() as unit:
        assert [await unit.invoices.get(one.id) for one in (first, second, rest)] == [first, second, rest]
        assert await unit.ledger.owed([invoice.customer]) == {invoice.customer: {"SEK": 0}}
        assert (await unit.ledger.by_key(f"credit_note:{first.number}")).entry.reverses is None
        _, numbers = await unit.invoices.draw(first.kind, 1)
    assert numbers == ["100004"]  # what was refused left no gap


async def test_a_quantity_of_a_line_is_credited_and_the_last_of_it_closes_the_line(office: Office) -> None:
    invoice = await billed(office, 10_000_000)
    usage = next(line for line in invoice.lines if line.fee is None)
    assert usage.quantity == Decimal("1.02")
    half = await take(office, invoice, lines=(LineCredit(position=usage.position, quantity=Decimal("0.34")),))
    assert (half.net, half.lines[0].quantity, half.lines[0].unit) == (Decimal("-3.33"), Decimal("-0.34"), usage.unit)
    assert abs(half.lines[0].quantity * half.lines[0].unit_price - half.net) < Decimal("0.01")
    with pytest.raises(BadValue, match=r"up to 0\.68 can be credited"):
        await take(office, invoice, lines=(LineCredit(position=usage.position, quantity=Decimal("0.69")),))
    rest = await take(office, invoice, lines=(LineCredit(position=usage.position, quantity=Decimal("0.68")),))
    assert half.net + rest.net == -usage.net
    with pytest.raises(BadValue, match="nothing is left of line"):
        await take(office, invoice, lines=(LineCredit(position=usage.position),))


async def test_what_cannot_be_credited_is_refused(office: Office) -> None:
    invoice = await billed(office, 10_000_000)
    one = LineCredit(position=1)
    for more, said in (
        ({"lines": (LineCredit(position=9),)}, "has no line 9"),
        ({"lines": (one, one)}, "stands there twice"),
        ({"lines": (LineCredit(position=1, quantity=Decimal(1), amount=Decimal(1)),)}, "not both"),
        ({"lines": (one,), "amount": Decimal(1)}, "not both"),
        ({"amount": Decimal(-1)}, "more than 0"),
        ({"amount": Decimal("1.001")}, "at most 2 decimals"),
        ({"text": "x" * 201}, "at most 200"),
    ):
        with pytest.raises(BadValue, match=said):
            await take(office, invoice, **more)
    cmd = CreditInvoice(invoice=invoice.id, issued_on=OCTOBER.start)
    with pytest.raises(BadValue, match="cannot be credited before"):
        await credit_invoice(cmd, actor=office.actor, begin=office.world.begin, clock=office.world.clock)


async def test_a_part_leaves_later_runs_as_they_were(office: Office) -> None:
    invoice = await billed(office, 10_000_000)
    await take(office, invoice, amount=Decimal("50.00"))
    assert (await office.bill(OCTOBER)).invoices == 0
    assert (await office.bill(NOVEMBER)).net == Decimal("199.00")


async def test_an_invoice_is_issued_anew_and_charged_once(office: Office) -> None:
    invoice = await billed(office, 10_000_000)
    async with office.begin() as unit:
        payer = await unit.customers.claim(invoice.customer)
        await unit.customers.keep(replace(payer, name="Rätt Namn AB", address=replace(payer.address, city="Umeå")))
    cmd = ReissueInvoice(invoice=invoice.id, issued_on=NOVEMBER.start)
    who: dict[str, Any] = {"actor": office.actor, "begin": office.world.begin, "clock": office.world.clock}
    made = await reissue_invoice(cmd, **who)
    note, new = made.credit_note, made.invoice
    assert (note.total, note.original, note.credit) == (-invoice.total, invoice.number, CreditScope.REISSUE)
    assert (new.total, new.replaces, new.payer.name, new.payer.address.city) == (
        invoice.total,
        invoice.number,
        "Rätt Namn AB",
        "Umeå",
    )
    assert (new.lines, new.number) == (invoice.lines, "100002")
    async with office.begin() as unit:
        assert await unit.invoices.get(new.id) == new
        assert await unit.ledger.owed([new.customer]) == {new.customer: {"SEK": int(new.total * 100)}}
        shown = [row async for block in unit.invoices.calls(new) for row in block]
        assert shown == [row async for block in unit.invoices.calls(invoice) for row in block]
        assert shown
    with pytest.raises(WrongState, match="credited before"):
        await reissue_invoice(cmd, **who)
    # Usage and fees are charged once.
    assert (await office.bill(OCTOBER)).invoices == 0
    assert (await office.bill(NOVEMBER)).net == Decimal("199.00")
    # And the new one can be issued anew in its turn.
    third = (await reissue_invoice(replace(cmd, invoice=new.id), **who)).invoice
    assert (third.total, third.replaces) == (invoice.total, new.number)
    assert (await office.bill(OCTOBER)).invoices == 0


async def test_issued_anew_it_is_taxed_as_its_payer_is_now(office: Office) -> None:
    invoice = await billed(office, 10_000_000)
    async with office.begin() as unit:
        payer = await unit.customers.claim(invoice.customer)
        changed = replace(payer, vat_id="DE129273398", address=replace(payer.address, country="DE"))
        await unit.customers.keep(changed)
    new = (
        await reissue_invoice(
            ReissueInvoice(invoice=invoice.id, issued_on=NOVEMBER.start),
            actor=office.actor,
            begin=office.world.begin,
            clock=office.world.clock,
        )
    ).invoice
    assert {line.vat.category for line in new.lines} == {"AE"}
    assert {line.account for line in new.lines} == {"3308"}
    assert (new.net, new.vat_total) == (invoice.net, Decimal(0))
    assert isinstance(new.lines[0].vat, VatTreatment)


async def test_issued_anew_it_is_taxed_by_the_rates_of_its_time(office: Office) -> None:
    invoice = await billed(office, 10_000_000)
    who: dict[str, Any] = {"actor": office.actor, "begin": office.world.begin}
    rates = (
        VatRate("FI", Decimal(24), date(2020, 1, 1), NOVEMBER.start),
        VatRate("FI", Decimal(27), NOVEMBER.start),
    )
    rules = await get_tax_rules(**who)
    await set_tax_rules(replace(rules, oss_since=date(2026, 1, 1), rates=rates), **who)
    async with office.begin() as unit:
        payer = await unit.customers.claim(invoice.customer)
        place = replace(payer.address, country="FI")
        changed = replace(payer, kind=CustomerKind.PERSON, vat_id=None, identity_number=None, address=place)
        await unit.customers.keep(changed)
    cmd = ReissueInvoice(invoice=invoice.id, issued_on=NOVEMBER.start)
    new = (await reissue_invoice(cmd, clock=office.world.clock, **who)).invoice
    told = {(line.period.end > NOVEMBER.start, line.vat.percent) for line in new.lines}
    assert (False, Decimal(24)) in told
    assert told <= {(False, Decimal(24)), (True, Decimal(27))}


async def test_a_note_of_the_whole_decides_what_is_disputed(office: Office) -> None:
    first = await billed(office, 10_000_000)
    who: dict[str, Any] = {"actor": office.actor, "begin": office.world.begin, "clock": office.world.clock}
    asked = [
        (await dispute_invoice(DisputeInvoice(invoice=first.id, reason="No", amount=Decimal(one)), **who)).id
        for one in (1, 2)
    ]
    await take(office, first, amount=Decimal(1), dispute=asked[0])
    note = await take(office, first)
    found = (await disputes_of_invoices([first.id], actor=office.actor, begin=office.world.begin))[first.id]
    assert [(one.state.value, one.credit_note == note.number) for one in found] == [
        ("credited", False),
        ("credited", True),
    ]
    async with office.begin() as unit:
        assert await unit.disputes.held([first.id]) == {}


async def test_an_invoice_of_nothing_is_issued_anew_once(office: Office) -> None:
    one, _, _ = await office.customer()
    who: dict[str, Any] = {"actor": office.actor, "begin": office.world.begin}
    rules = SetBillingRules(version=0, zero_invoices=True)
    await set_billing_rules(rules, **who)
    off = AddCharge(customer=one.id, kind=ChargeKind.DISCOUNT, text="x", unit_price=Decimal(1000), starts=OCTOBER.start)
    await add_charge(off, clock=office.world.clock, **who)
    await office.bill()
    (invoice,) = office.invoices
    assert invoice.total == 0
    cmd = ReissueInvoice(invoice=invoice.id, issued_on=NOVEMBER.start)
    done = await reissue_invoice(cmd, clock=office.world.clock, **who)
    assert [line.net for line in done.invoice.lines] == [line.net for line in invoice.lines]
    assert (done.credit_note.total, done.invoice.total, done.invoice.replaces) == (0, 0, invoice.number)
    with pytest.raises(WrongState):
        await reissue_invoice(cmd, clock=office.world.clock, **who)
    await office.bill()
    assert office.invoices == []


async def test_a_dispute_holds_until_it_is_decided(office: Office) -> None:
    invoice = await billed(office, 10_000_000)
    who: dict[str, Any] = {"actor": office.actor, "begin": office.world.begin, "clock": office.world.clock}
    held = await dispute_invoice(DisputeInvoice(invoice=invoice.id, reason="Never called Norway", lines=(1,)), **who)
    expected = int((invoice.lines[0].net * Decimal("1.25")).quantize(Decimal("0.01")) * 100)
    assert abs(held.amount_minor - expected) <= 1
    with pytest.raises(BadValue, match="can be disputed"):
        await dispute_invoice(DisputeInvoice(invoice=invoice.id, reason="x", amount=invoice.total + 1), **who)
    async with office.begin() as unit:
        assert await unit.disputes.held([invoice.id]) == {invoice.id: held.amount_minor}
        assert await unit.disputes.held_of([invoice.customer]) == {invoice.customer: {"SEK": held.amount_minor}}
    with pytest.raises(Stale):
        await decide_dispute(DecideDispute(dispute=held.id, version=7), **who)
    done = await decide_dispute(DecideDispute(dispute=held.id, version=1, decision="The log shows it"), **who)
    assert (done.state, done.version) == ("rejected", 2)
    with pytest.raises(WrongState, match="is rejected already"):
        await decide_dispute(DecideDispute(dispute=held.id, version=2), **who)
    second = await dispute_invoice(DisputeInvoice(invoice=invoice.id, reason="Again", amount=Decimal("10.00")), **who)
    note = await take(office, invoice, amount=Decimal("10.00"), dispute=second.id)
    found = (await disputes_of_invoices([invoice.id], actor=office.actor, begin=office.world.begin))[invoice.id]
    assert [(one.state, one.credit_note) for one in found] == [("rejected", None), ("credited", note.number)]
    async with office.begin() as unit:
        assert await unit.disputes.held([invoice.id]) == {}
    with pytest.raises(NotFound):
        await dispute_invoice(
            DisputeInvoice(invoice=invoice.id, reason="x"), **{**who, "actor": office.world.other_operator}
        )


async def test_a_system_fetches_each_document_once_and_two_do_not_disturb_each_other(office: Office) -> None:
    invoice = await billed(office, 10_000_000)
    who: dict[str, Any] = {"actor": office.actor, "begin": office.world.begin, "clock": office.world.clock}
    first = await fetch_invoices(FetchInvoices(consumer="erp"), **who)
    assert first.invoices == [invoice]
    note = await take(office, invoice, amount=Decimal("10.00"))
    again = await fetch_invoices(FetchInvoices(consumer="erp"), **who)
    assert again == first  # not acknowledged: the same again
    assert [one.id for one in (await fetch_invoices(FetchInvoices(consumer="archive", most=1), **who)).invoices] == [
        invoice.id
    ]
    assert first.batch is not None
    await acknowledge_invoices(first.batch.id, **who)
    await acknowledge_invoices(first.batch.id, **who)
    second = await fetch_invoices(FetchInvoices(consumer="erp", marker=first.batch.id), **who)
    assert second.invoices == [note]
    assert second.batch is not None
    # Whoever lost the answer asks the same again.
    assert await fetch_invoices(FetchInvoices(consumer="erp", marker=first.batch.id), **who) == second
    nothing = await fetch_invoices(FetchInvoices(consumer="erp", marker=second.batch.id), **who)
    assert (nothing.batch, list(nothing.invoices)) == (None, [])
    for old in (first.batch.id, InvoiceBatchId(10**6)):
        with pytest.raises(BadValue, match="the last batch of erp is"):
            await fetch_invoices(FetchInvoices(consumer="erp", marker=old), **who)
    assert await read_invoice_batch(first.batch.id, actor=office.actor, begin=office.world.begin) == replace(
        first, batch=replace(first.batch, acknowledged_at=office.world.clock.now())
    )
    with pytest.raises(BadValue, match="a consumer's name"):
        await fetch_invoices(FetchInvoices(consumer="a b"), **who)
    with pytest.raises(NotFound):
        await acknowledge_invoices(first.batch.id, **{**who, "actor": office.world.other_operator})


async def test_what_was_under_way_at_a_fetch_is_given_by_the_next_however_late(office: Office) -> None:
    if not isinstance(office.world.database, Database):
        pytest.skip("in memory units follow one another")
    invoice = await billed(office, 10_000_000)
    who: dict[str, Any] = {"actor": office.actor, "begin": office.world.begin, "clock": office.world.clock}
    async with office.begin(bulk=True) as unit:  # a page of a run, say, that is not committed yet
        (key,), (number,) = await unit.invoices.draw(DocumentKind.INVOICE, 1)
        await unit.invoices.issue([replace(invoice, id=key, number=number, run=None)])
        note = await asyncio.create_task(take(office, invoice))
        first = await asyncio.create_task(fetch_invoices(FetchInvoices(consumer="erp"), **who))
        assert [one.id for one in first.invoices] == [invoice.id, note.id]
        assert key < note.id
    office.world.clock.pass_by(days=40)
    assert first.batch is not None
    second = await fetch_invoices(FetchInvoices(consumer="erp", marker=first.batch.id), **who)
    assert [one.id for one in second.invoices] == [key]
    assert second.batch is not None
    office.world.clock.pass_by(days=40)
    nothing = await fetch_invoices(FetchInvoices(consumer="erp", marker=second.batch.id), **who)
    assert nothing.batch is None


async def test_who_may_only_read_does_not_move_another_systems_place(office: Office) -> None:
    await billed(office, 10_000_000)
    who: dict[str, Any] = {"actor": office.actor, "begin": office.world.begin, "clock": office.world.clock}
    batch = (await fetch_invoices(FetchInvoices(consumer="erp"), **who)).batch
    assert batch is not None
    reads = replace(office.actor, scopes=frozenset({Action.READ_INVOICES}))
    person = replace(reads, user=UserId(1))
    some = replace(reads, limits=Limits(groups=frozenset({"north"})))
    for caller in (person, some):
        with pytest.raises(NotAllowed):
            await fetch_invoices(FetchInvoices(consumer="erp", marker=batch.id), **{**who, "actor": caller})
        with pytest.raises(NotAllowed):
            await acknowledge_invoices(batch.id, **{**who, "actor": caller})
    assert (await acknowledge_invoices(batch.id, **{**who, "actor": reads})).acknowledged_at is not None


async def test_two_who_credit_or_fetch_at_once_take_nothing_twice(office: Office) -> None:
    invoice = await billed(office, 10_000_000)
    half = (invoice.total * Decimal("0.6")).quantize(Decimal("0.01"))
    done = await asyncio.gather(*(take(office, invoice, amount=half) for _ in range(4)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["BadValue", "BadValue", "BadValue", "Invoice"]
    done = await asyncio.gather(*(take(office, invoice) for _ in range(4)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["Invoice", "WrongState", "WrongState", "WrongState"]
    async with office.begin() as unit:
        assert sum(one.total for one in await unit.invoices.credited(invoice.number)) == -invoice.total
        _, numbers = await unit.invoices.draw(DocumentKind.CREDIT_NOTE, 1)
    assert numbers == ["100003"]
    who: dict[str, Any] = {"actor": office.actor, "begin": office.world.begin, "clock": office.world.clock}
    found = await asyncio.gather(*(fetch_invoices(FetchInvoices(consumer="erp"), **who) for _ in range(6)))
    assert len({one.batch.id for one in found if one.batch is not None}) == 1


def test_lines_that_others_lower_are_credited_with_them_and_no_note_charges() -> None:
    plain = issued()
    nets = ((Decimal(100), "3041"), (Decimal(-60), "3042"), (Decimal(30), "3041"))
    lines = tuple(
        replace(plain.lines[0], position=place, net=net, unit_price=abs(net), quantity=Decimal(1).copy_sign(net))
        for place, (net, _) in enumerate(nets, 1)
    )
    lines = tuple(replace(line, account=account) for line, (_, account) in zip(lines, nets, strict=True))
    totals = settle((line.vat, line.net) for line in lines)
    invoice = replace(
        plain,
        lines=lines,
        vat=totals.vat,
        net=totals.net,
        vat_total=totals.vat_total,
        rounding=totals.rounding,
        total=totals.total,
    )
    assert invoice.total == Decimal("87.50")

    def wanted(*places: int) -> Wanted:
        return Wanted(on=invoice.issued_on, lines=tuple(LineCredit(position=place) for place in places))

    with pytest.raises(BadValue, match=r"87\.50 SEK is left"):
        credit(invoice, wanted(1), [])
    with pytest.raises(BadValue, match="come to nothing"):
        credit(invoice, wanted(2), [])
    note = credit(invoice, wanted(1, 2), [])
    assert (note.net, note.vat_total, note.rounding, note.total) == (-40, -10, 0, -50)


@pytest.mark.parametrize(
    ("credited", "given"),
    [(None, []), ("248.75", []), ("100.00", ["-102.71"]), ("200.00", ["-39.00"])],
)
async def test_what_was_credited_is_not_given_back_again_by_an_end_back_in_time(
    office: Office, credited: str | None, given: list[str]
) -> None:
    _, agreed, _ = await office.customer()
    await office.bill()
    (invoice,) = office.invoices
    assert invoice.net == 199
    amount = None if credited is None else Decimal(credited)
    part = CreditInvoice(invoice=invoice.id, amount=amount, issued_on=invoice.issued_on)
    await credit_invoice(part, actor=office.actor, begin=office.world.begin, clock=office.world.clock)
    async with office.begin() as unit:
        claimed = await unit.contracts.claim(agreed.id)
        await unit.contracts.keep(replace(claimed, end=date(2026, 10, 16), state=ContractState.ENDED))
    for wanted in (given, []):
        await office.bill(NOVEMBER)
        assert [str(line.net) for one in office.invoices for line in one.lines] == wanted


@pytest.mark.parametrize(("credited", "given"), [(None, ["-10.00"]), ("5.00", ["-7.35"]), ("12.35", [])])
def test_usage_that_is_rated_again_gives_back_what_credits_have_left(credited: str | None, given: list[str]) -> None:
    invoice = issued()
    (called,) = [line for line in invoice.lines if line.mode == "voice"]
    assert str(called.net) == "12.35"
    notes = []
    if credited is not None:
        wanted = Wanted(on=invoice.issued_on, lines=(LineCredit(position=called.position, amount=Decimal(credited)),))
        notes = [credit(invoice, wanted)]
    again = usage(-10_000_000, corrects=invoice.number, late=True)
    left = {invoice.number: left_of(invoice, notes)} if notes else {}
    made = assemble(
        bill(contracts={}, usage={PAYER.id: (again,)}, corrected={invoice.number: invoice}, lefts=left, period=NOVEMBER)
    )
    found = made.lines if isinstance(made, Invoice) else ()
    assert [str(line.net) for line in found] == given
    assert all(round_to(line.quantity * line.unit_price, 2) == line.net for line in found)


def test_no_category_of_vat_gives_back_more_than_it_charged() -> None:
    plain = issued()
    high, low = VatTreatment("S", Decimal(25)), VatTreatment("S", Decimal(6))
    nets = ((Decimal(50), high, "3041"), (Decimal(50), high, "3041"), (Decimal(-60), high, "3042"))
    lines = tuple(
        replace(
            plain.lines[0],
            position=place,
            net=net,
            unit_price=abs(net),
            quantity=Decimal(1).copy_sign(net),
            vat=vat,
            account=account,
        )
        for place, (net, vat, account) in enumerate([*nets, (Decimal(500), low, "3041")], 1)
    )
    totals = settle((line.vat, line.net) for line in lines)
    invoice = replace(
        plain,
        lines=lines,
        vat=totals.vat,
        net=totals.net,
        vat_total=totals.vat_total,
        rounding=totals.rounding,
        total=totals.total,
    )

    def wanted(*places: int) -> Wanted:
        return Wanted(on=invoice.issued_on, lines=tuple(LineCredit(position=place) for place in places))

    for places in ((1, 2), (3, 4)):
        with pytest.raises(BadValue, match=r"40 SEK before VAT is left to credit at 25 % VAT \(S\)"):
            credit(invoice, wanted(*places), [])
    assert credit(invoice, wanted(1, 2, 3), []).net == -40
    # An amount is spread over what is left of each category, whatever is lowered within it: 40 and 500 with VAT.
    note = credit(invoice, Wanted(on=invoice.issued_on, amount=Decimal("290.00")), [])
    assert [(one.treatment.percent, one.taxable) for one in note.vat] == [
        (25, Decimal("-20.00")),
        (6, Decimal("-250.00")),
    ]


_AMOUNTS = st.decimals(min_value="0.01", max_value="400", places=2)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("amount"), _AMOUNTS),
        st.tuples(st.sampled_from([1, 2, 3]), _AMOUNTS),
        st.tuples(st.sampled_from([1, 2, 3]), st.none()),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(nets=st.lists(_AMOUNTS, min_size=3, max_size=3), steps=_STEPS)
def test_whatever_is_credited_in_whatever_order_closes_the_invoice_to_the_oere(
    nets: list[Decimal], steps: list[tuple[Any, Any]]
) -> None:
    rates = (VatTreatment("S", Decimal(25)), VatTreatment("S", Decimal(25)), VatTreatment("S", Decimal(6)))
    plain = issued()
    lines = tuple(
        replace(plain.lines[0], position=place, net=net, unit_price=net, quantity=Decimal(1), vat=vat)
        for place, (net, vat) in enumerate(zip(nets, rates, strict=True), 1)
    )
    totals = settle(((line.vat, line.net) for line in lines), whole=True)
    assume(totals.total > 0)
    invoice = replace(
        plain,
        lines=lines,
        vat=totals.vat,
        net=totals.net,
        vat_total=totals.vat_total,
        rounding=totals.rounding,
        total=totals.total,
    )
    notes: list[Invoice] = []
    for place, amount in [*steps, ("rest", None)]:
        wanted = Wanted(on=invoice.issued_on)
        if place == "amount":
            wanted = replace(wanted, amount=amount)
        elif place != "rest":
            wanted = replace(wanted, lines=(LineCredit(position=place, amount=amount),))
        try:
            note = credit(invoice, wanted, notes)
        except (BadValue, WrongState):
            continue
        notes.append(replace(note, number=f"n{len(notes)}"))
        assert sum(one.total for one in notes) >= -invoice.total
    assert sum(one.total for one in notes) == -invoice.total
    assert sum(one.net for one in notes) == -invoice.net

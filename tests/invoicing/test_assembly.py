from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.contracts.contract import ContractService
from domain.contracts.service import CountryTax
from domain.customers.customer import CustomerKind, Delivery
from domain.invoicing.assembly import assemble
from domain.invoicing.bill import Doubt
from domain.invoicing.bill_run import BilledFee, FeeKey
from domain.invoicing.invoice import DocumentKind, Invoice, LineKind, check
from domain.ledger.entry import of_invoice, reversal
from domain.money import round_to
from domain.operators import Address
from tests.invoicing.made import BRANCH, MOBILE, OPERATOR, PAYER, bill, contract, issued, usage


def test_an_invoice_a_bookkeeper_can_check():
    invoice = assemble(bill(usage={PAYER.id: (usage(12_345_678),)}))
    assert isinstance(invoice, Invoice)
    assert [(line.text, str(line.quantity), str(line.net)) for line in invoice.lines] == [
        ("Mobil Företag", "1", "199.00"),
        ("Mobil Företag, engångsavgift", "1", "49.00"),
        ("Samtal: Sverige mobil", "12.57", "12.35"),
    ]
    assert (str(invoice.net), str(invoice.vat_total), str(invoice.rounding)) == ("260.35", "65.09", "-0.44")
    assert invoice.total == 325
    assert invoice.due_on == date(2026, 12, 1)
    assert invoice.number == ""


def test_customers_billed_through_a_parent_have_their_subtotal():
    other = contract(date(2026, 10, 1), customer=BRANCH.id, id=101, number="A-101")
    invoice = assemble(
        bill(members=(PAYER, BRANCH), contracts={PAYER.id: (contract(date(2026, 10, 1)),), BRANCH.id: (other,)})
    )
    assert isinstance(invoice, Invoice)
    assert invoice.customers == (PAYER.id, BRANCH.id)
    assert invoice.subtotal(BRANCH.id) == 248
    assert invoice.net == 496


def test_late_events_have_a_line_of_their_own_period():
    invoice = assemble(
        bill(contracts={}, usage={PAYER.id: (usage(1_000_000, late=True, first=date(2026, 9, 28)), usage(2_000_000))})
    )
    assert isinstance(invoice, Invoice)
    assert sorted(str(line.period) for line in invoice.lines) == ["2026-09-28..2026-10-01", "2026-10-01..2026-11-01"]


def test_what_is_free_of_charge_is_not_seen():
    invoice = assemble(bill(usage={PAYER.id: (usage(0, group="Fria nummer"), usage(1_000_000))}))
    assert isinstance(invoice, Invoice)
    assert [line.group for line in invoice.lines if line.kind is LineKind.USAGE] == ["Sverige mobil"]


def test_another_currency_is_not_rounded_to_whole_units():
    invoice = assemble(bill(operator=replace(OPERATOR, currency="EUR"), usage={PAYER.id: (usage(1, currency="EUR"),)}))
    assert isinstance(invoice, Invoice)
    assert invoice.rounding == 0


def test_nothing_to_bill_is_no_invoice():
    assert assemble(bill(contracts={})) is None
    assert assemble(bill(contracts={}, usage={PAYER.id: (usage(0),)})) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"payer": replace(PAYER, address=Address("", "1", "x", "SE"))}, "missing_address"),
        ({"payer": replace(PAYER, endpoint=None)}, "missing_endpoint"),
        ({"payer": replace(PAYER, delivery=Delivery.FINVOICE, endpoint=None)}, "missing_endpoint"),
        ({"payer": replace(PAYER, delivery=Delivery.EMAIL, email=None)}, "missing_email"),
        ({"usage": {PAYER.id: (usage(1, currency="EUR"),)}}, "currency"),
        (
            {"payer": replace(PAYER, vat_id=None, address=Address("Katu 1", "00100", "Helsinki", "FI"))},
            "missing_vat_id",
        ),
        ({"services": {MOBILE.id: replace(MOBILE, vat_percent=Decimal(24))}}, "vat"),
    ],
)
def test_doubt_parks(changes, reason):
    doubt = assemble(bill(**changes))
    assert isinstance(doubt, Doubt)
    assert doubt.reason == reason
    assert "1010" in doubt.detail or reason == "vat"


def test_reverse_charge_and_export():
    finn = replace(PAYER, vat_id="FI20774740", address=Address("Katu 1", "00100", "Helsinki", "FI"))
    abroad = replace(PAYER, vat_id=None, address=Address("Main 1", "10001", "New York", "US"), kind=CustomerKind.PERSON)
    for payer, category in ((finn, "AE"), (abroad, "G")):
        invoice = assemble(bill(payer=payer))
        assert isinstance(invoice, Invoice)
        assert {line.vat.category for line in invoice.lines} == {category}
        assert invoice.vat_total == 0
    consumer = assemble(bill(payer=replace(finn, kind=CustomerKind.PERSON, vat_id=None)))
    assert isinstance(consumer, Invoice)
    assert consumer.vat[0].treatment.category == "S"


def test_the_seller_shows_the_vat_id_of_the_country_of_supply():
    own = replace(OPERATOR, vat_ids={"FI": "FI20774740", "NO": "NO974760673"})
    finn = replace(PAYER, vat_id="FI01120389", address=Address("Katu 1", "00100", "Helsinki", "FI"))
    person = replace(finn, kind=CustomerKind.PERSON, vat_id=None)
    norwegian = replace(person, address=Address("Gata 1", "0150", "Oslo", "NO"))
    taxed = replace(MOBILE, countries=(CountryTax(country="FI", vat_category="S", vat_percent=Decimal("25.5")),))
    for payer, service, vat_id in (
        (PAYER, MOBILE, OPERATOR.vat_id),
        (finn, MOBILE, "FI20774740"),
        (
            replace(finn, vat_id="DE136695976", address=Address("Weg 1", "10115", "Berlin", "DE")),
            MOBILE,
            OPERATOR.vat_id,
        ),
        (norwegian, MOBILE, "NO974760673"),
        # A consumer below the threshold pays the seller's own VAT, and that of his country where it is registered.
        (person, MOBILE, OPERATOR.vat_id),
        (person, taxed, "FI20774740"),
    ):
        invoice = assemble(bill(operator=own, payer=payer, services={MOBILE.id: service}))
        assert isinstance(invoice, Invoice), invoice
        assert invoice.seller.vat_id == vat_id


def test_more_back_than_owed_is_a_credit_note():
    made = issued()
    ended = contract(date(2026, 10, 1), end=date(2026, 10, 2))
    key = FeeKey(ended.id, MOBILE.id, date(2026, 10, 1), date(2026, 10, 1), one_time=False)
    once = FeeKey(ended.id, MOBILE.id, date(2026, 10, 1), date(2026, 10, 1), one_time=True)
    billed = {key: BilledFee(Decimal("199.00"), made.number), once: BilledFee(Decimal(49), made.number)}
    invoice = assemble(bill(contracts={PAYER.id: (ended,)}, billed={ended.id: billed}))
    assert isinstance(invoice, Invoice)
    assert invoice.kind is DocumentKind.CREDIT_NOTE
    assert invoice.original == "100001"
    assert [line.kind for line in invoice.lines] == [LineKind.CORRECTION]
    assert invoice.lines[0].quantity == -1
    assert invoice.lines[0].unit_price > 0


amounts = st.lists(st.integers(-(10**9), 10**10), min_size=1, max_size=30)


@given(amounts=amounts, seconds=st.lists(st.integers(0, 10**6), min_size=30, max_size=30), quantity=st.integers(1, 40))
def test_totals_reconcile_whatever_was_used(amounts, seconds, quantity):
    totals = tuple(
        usage(amount, used=used, group=f"group {index % 7}", mode=("voice", "sms", "data")[index % 3], events=index + 1)
        for index, (amount, used) in enumerate(zip(amounts, seconds, strict=False))
    )
    agreed = contract(
        date(2026, 9, 15), ContractService(service=MOBILE.id, start=date(2026, 10, 15), quantity=quantity)
    )
    invoice = assemble(bill(contracts={PAYER.id: (agreed,)}, usage={PAYER.id: totals}))
    assert isinstance(invoice, Invoice)
    check(invoice)
    for line in invoice.lines:
        assert abs(line.quantity * line.unit_price - line.net) <= Decimal("0.02")
        assert line.unit_price >= 0
        if line.amount_micro is not None:
            assert line.net == round_to(Decimal(line.amount_micro) / 1_000_000, 2)
    assert sum(invoice.subtotal(key) for key in invoice.customers) == invoice.net
    assert invoice.total == invoice.total.to_integral_value()
    entry = of_invoice(replace(invoice, number="1"))
    assert sum(posting.amount_minor for posting in entry.postings) == 0
    undone = reversal(entry, key="undo", on=invoice.issued_on)
    assert {(p.account, -p.amount_minor) for p in undone.postings} == {
        (p.account, p.amount_minor) for p in entry.postings
    }
    assert entry.reverses is None
    assert undone.reverses == entry.key


def test_the_ledger_entry_of_an_invoice():
    entry = of_invoice(issued())
    assert {posting.account: posting.amount_minor for posting in entry.postings} == {
        "1510": 32500,
        "3041": -26035,
        "2611": -6509,
        "3740": 44,
    }
    assert OPERATOR.currency == entry.postings[0].currency

"""VAT by place, category and day in a bill run, on PostgreSQL and in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from domain.customers.customer import CustomerKind, Delivery
from domain.invoicing.charge import ChargeKind
from domain.invoicing.invoice import Invoice
from domain.invoicing.tax_rules import TaxRules, VatIdCheck, check
from domain.invoicing.vat import VatRate, treat
from domain.invoicing.vat_rates import STANDARD, standard_rate
from domain.ledger.entry import of_invoice
from domain.margins.exchange import DayRate
from domain.money import round_to
from domain.operators import Address
from domain.period import Period
from domain.refusal import BadValue, NotAllowed, Stale
from domain.usecases.charge_customer import AddCharge, add_charge
from domain.usecases.set_tax_rules import get_tax_rules, set_tax_rules
from tests.invoicing.conftest import NOVEMBER, OCTOBER, Office

HELSINKI = Address("Mannerheimintie 1", "00100", "Helsinki", "FI")


async def ruled(office: Office, **rules: Any) -> TaxRules:
    kept = await get_tax_rules(actor=office.actor, begin=office.world.begin)
    return await set_tax_rules(replace(kept, **rules), actor=office.actor, begin=office.world.begin)


async def billed(office: Office, **fields: Any) -> Invoice:
    await office.customer(**fields)
    await office.bill()
    (invoice,) = office.invoices
    return invoice


async def test_a_consumer_abroad_is_taxed_at_home_or_by_the_one_stop_shop(office: Office) -> None:
    _, _, line = await office.customer(kind=CustomerKind.PERSON, address=HELSINKI, vat_id=None, identity_number=None)
    await office.bill()
    (first,) = office.invoices
    assert [(one.treatment.percent, one.treatment.country) for one in first.vat] == [(25, None)]
    await ruled(office, oss_since=date(2026, 10, 8))
    await office.use(line, 10_000_000)
    await office.bill()
    (second,) = office.invoices
    (found,) = second.vat
    assert (found.treatment.category, found.treatment.percent, found.treatment.country) == ("S", Decimal("25.5"), "FI")
    assert (found.taxable, found.tax) == (Decimal("10.00"), Decimal("2.55"))
    assert ("2670", -255) in [(one.account, one.amount_minor) for one in of_invoice(second).postings]
    async with office.begin() as unit:
        assert await unit.invoices.get(second.id) == second


async def test_a_rate_of_ones_own_goes_before_the_table(office: Office) -> None:
    own = VatRate("FI", Decimal(26), date(2026, 10, 1))
    await ruled(office, oss_since=date(2026, 1, 1), rates=(own,))
    invoice = await billed(office, kind=CustomerKind.PERSON, address=HELSINKI, vat_id=None, identity_number=None)
    assert invoice.vat[0].treatment.percent == 26


async def test_a_danish_consumers_vat_is_not_booked_as_swedish(office: Office) -> None:
    await ruled(office, oss_since=date(2026, 1, 1))
    place = Address("Vesterbrogade 1", "1620", "København", "DK")
    invoice = await billed(office, kind=CustomerKind.PERSON, address=place, vat_id=None, identity_number=None)
    booked = {one.account: one.amount_minor for one in of_invoice(invoice).postings}
    assert booked["2670"] == -int(invoice.vat_total * 100)
    assert "2611" not in booked


async def test_who_wants_checked_vat_ids_parks_those_that_are_not(office: Office) -> None:
    await ruled(office, require_checked=True, checked_days=30)
    one, _, _ = await office.customer(address=HELSINKI, vat_id="FI20774740", identity_number=None)
    await office.bill()
    (parked,) = [each for page in office.pages for each in page.parked]
    assert (parked.reason, "FI20774740" in parked.detail) == ("unchecked_vat_id", True)
    now = office.world.clock.now()
    async with office.begin() as unit:
        await unit.taxes.add_check(VatIdCheck(vat_id="FI20774740", checked_at=now, valid=True, source="test"))
    await office.bill()
    if abs((date(2026, 11, 1) - now.date()).days) <= 30:
        (invoice,) = office.invoices
        assert {line.vat.category for line in invoice.lines} == {"AE"}
    async with office.begin() as unit:
        later = VatIdCheck(vat_id="FI20774740", checked_at=now.replace(year=2027), valid=False, source="test")
        await unit.taxes.add_check(later)
        assert (await unit.taxes.checks(["FI20774740", "FI1"])) == {"FI20774740": later}
    assert one.vat_id == "FI20774740"


async def test_telephones_of_more_than_100_000_are_charged_in_reverse(office: Office) -> None:
    await ruled(office, goods_groups=("phones",))
    plain = await billed(office)
    assert {line.vat.category for line in plain.lines} == {"S"}
    assert plain.lines[0].service is not None
    async with office.begin() as unit:
        service = (await unit.services.many([plain.lines[0].service]))[plain.lines[0].service]
        await unit.services.keep(replace(service, product_group="phones", periodic_fee=Decimal(100_000)))
    one, _, _ = await office.customer(vat_id="SE556036079301")
    await office.bill()
    at_most = next(each for each in office.invoices if each.customer == one.id)
    assert {line.vat.category for line in at_most.lines} == {"S"}
    async with office.begin() as unit:
        kept = (await unit.services.many([service.id]))[service.id]
        await unit.services.keep(replace(kept, periodic_fee=Decimal("100000.01")))
    two, _, _ = await office.customer(vat_id="SE556036079301")
    await office.bill()
    above = next(each for each in office.invoices if each.customer == two.id)
    (line,) = above.lines
    assert (line.vat.category, above.vat_total) == ("AE", 0)
    assert line.account == plain.lines[0].account  # it is a sale at home


async def test_vat_is_told_in_kronor_beside_another_currency(office: Office) -> None:
    async with office.begin() as unit:
        operator = await unit.operators.claim()
        await unit.operators.keep(replace(operator, currency="EUR"))
    await office.customer()
    await office.bill()
    (parked,) = [each for page in office.pages for each in page.parked]
    assert (parked.reason, "SEK" in parked.detail) == ("exchange_rate", True)
    day = DayRate(date(2026, 10, 30), "EUR", "SEK", Decimal("11.2345"), "Riksbanken")
    async with office.begin() as unit:
        await unit.exchange.put([day], replace=False, at=office.world.clock.now())
    await office.bill()
    (invoice,) = office.invoices
    assert invoice.home is not None
    assert (invoice.home.currency, invoice.home.factor, invoice.home.day, invoice.home.source) == (
        "SEK",
        Decimal("11.2345"),
        date(2026, 10, 30),
        "Riksbanken",
    )
    assert invoice.vat_at_home == (invoice.vat_total * Decimal("11.2345")).quantize(Decimal("0.01"))
    async with office.begin() as unit:
        assert await unit.invoices.get(invoice.id) == invoice


async def test_the_rules_are_set_at_the_version_that_was_read_by_the_operator(office: Office) -> None:
    kept = await ruled(office, oss_since=date(2026, 1, 1))
    assert kept.version == 1
    assert await get_tax_rules(actor=office.actor, begin=office.world.begin) == kept
    with pytest.raises(Stale):
        await set_tax_rules(TaxRules(), actor=office.actor, begin=office.world.begin)
    with pytest.raises(NotAllowed):
        await set_tax_rules(kept, actor=office.world.north, begin=office.world.begin)
    assert (await get_tax_rules(actor=office.world.other_operator, begin=office.world.begin)).version == 0


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        (TaxRules(checked_days=0), "checkedDays"),
        (TaxRules(goods_above=Decimal(-1)), "goodsAbove"),
        (TaxRules(goods_groups=("",)), "goodsGroups"),
        (TaxRules(rates=(VatRate("ZZ", Decimal(1), date(2026, 1, 1)),)), "rates.0.country"),
        (TaxRules(rates=(VatRate("FI", Decimal(101), date(2026, 1, 1)),)), "rates.0.percent"),
        (TaxRules(rates=(VatRate("FI", Decimal(1), date(2026, 1, 1), date(2026, 1, 1)),)), "rates.0.validTo"),
    ],
)
def test_rules_that_are_none_are_refused_with_their_field(rules: TaxRules, field: str) -> None:
    with pytest.raises(BadValue) as no:
        check(rules)
    assert no.value.field == field


def test_every_member_has_one_rate_on_each_day() -> None:
    for country in {one.country for one in STANDARD}:
        course = [one for one in STANDARD if one.country == country]
        for before, after in pairwise(course):
            assert before.valid_to == after.valid_from
        assert course[-1].valid_to is None
    assert len({one.country for one in STANDARD}) == 27
    assert standard_rate("NO", date(2026, 1, 1)) is None


async def test_what_is_late_or_corrected_follows_the_rates_of_its_time(office: Office) -> None:
    old = VatRate("SE", Decimal(20), date(2026, 1, 1), date(2026, 11, 1))
    new = VatRate("SE", Decimal(25), date(2026, 11, 1))
    await ruled(office, rates=(old, new))
    async with office.begin() as unit:
        mobile = (await unit.services.many([office.services["mobile"].id]))[office.services["mobile"].id]
        await unit.services.keep(replace(mobile, vat_percent=Decimal(20)))
    _, contract, line = await office.customer()
    await office.bill()
    (first,) = office.invoices
    assert [one.treatment.percent for one in first.vat] == [20]
    # An end back in time, by a service whose rate is another one now.
    async with office.begin() as unit:
        kept = (await unit.contracts.many([contract.id]))[contract.id]
        await unit.contracts.keep(replace(kept, end=date(2026, 10, 20)))
    await office.bill(NOVEMBER)
    (second,) = office.invoices
    assert [(one.treatment.percent, one.taxable < 0) for one in second.vat] == [(20, True)]
    assert line.id


async def test_a_correction_gives_back_the_vat_that_was_charged_wherever_the_payer_is_now(office: Office) -> None:
    one, contract, line = await office.customer()
    await office.use(line, 12_000_000)
    await office.bill()
    (first,) = office.invoices
    assert {each.vat.category for each in first.lines} == {"S"}
    async with office.begin() as unit:
        kept = await unit.contracts.claim(contract.id)
        await unit.contracts.keep(replace(kept, end=date(2026, 11, 10)))
        moved = await unit.customers.claim(one.id)
        await unit.customers.keep(replace(moved, address=replace(moved.address, country="NO")))
    await office.bill(NOVEMBER)
    (abroad,) = office.invoices
    assert {each.vat.category for each in abroad.lines} == {"G"}
    async with office.begin() as unit:
        kept = await unit.contracts.claim(contract.id)
        await unit.contracts.keep(replace(kept, end=date(2026, 10, 10)))
    await office.bill(Period(date(2026, 12, 1), date(2027, 1, 1)))
    (note,) = office.invoices
    assert [(each.corrects, each.vat.category, each.account) for each in note.lines] == [
        (first.number, "S", first.lines[0].account),
        (abroad.number, "G", abroad.lines[0].account),
    ]
    assert note.vat_total == -round_to(Decimal("0.25") * 199 * 22 / 31, 2)


@pytest.mark.parametrize(("discount", "category"), [("0.00", "AE"), ("0.02", "S")])
async def test_what_is_taken_off_telephones_counts(office: Office, discount: str, category: str) -> None:
    await ruled(office, goods_groups=("phones",))
    async with office.begin() as unit:
        kept = (await unit.services.many([office.services["mobile"].id]))[office.services["mobile"].id]
        await unit.services.keep(replace(kept, product_group="phones", periodic_fee=Decimal("100000.01")))
    one, _, _ = await office.customer(vat_id="SE556036079301")
    if Decimal(discount):
        cmd = AddCharge(
            customer=one.id, kind=ChargeKind.DISCOUNT, text="Rabatt", unit_price=Decimal(discount), starts=OCTOBER.start
        )
        await add_charge(cmd, actor=office.actor, begin=office.world.begin, clock=office.world.clock)
    await office.bill()
    (invoice,) = office.invoices
    assert {line.vat.category for line in invoice.lines} == {category}


async def test_who_gets_e_invoices_is_not_charged_outside_vat_beside_other_lines(office: Office) -> None:
    one, _, _ = await office.customer(delivery=Delivery.PEPPOL, endpoint="0007:5567037485")
    cmd = AddCharge(customer=one.id, text="Avgift", unit_price=Decimal(60), vat_category="O", starts=OCTOBER.start)
    await add_charge(cmd, actor=office.actor, begin=office.world.begin, clock=office.world.clock)
    await office.bill()
    (parked,) = [each for page in office.pages for each in page.parked]
    assert parked.reason == "mixed_vat"


@pytest.mark.parametrize(
    ("seller", "buyer", "business", "category"),
    [
        ("SE", "DE", True, "AE"),
        ("SE", "DE", False, "S"),
        ("SE", "NO", True, "G"),
        ("NO", "SE", True, "G"),
        ("NO", "SE", False, "G"),
        ("NO", "US", True, "G"),
        ("NO", "NO", True, "S"),
        ("SE", "GB", True, "G"),
    ],
)
def test_who_sells_where(seller: str, buyer: str, business: bool, category: str) -> None:
    found = treat(
        seller_country=seller,
        buyer_country=buyer,
        buyer_is_business=business,
        buyer_vat_id="X1" if business else None,
        percent=Decimal(25),
        on=date(2026, 11, 1),
    )
    assert found.category == category


def test_a_reduced_rate_of_ones_own_is_not_the_standard_one() -> None:
    own = (VatRate("FI", Decimal("25.5"), date(2024, 9, 1)), VatRate("FI", Decimal("13.5"), date(2026, 1, 1)))
    assert standard_rate("FI", date(2026, 10, 1), own) == Decimal("25.5")

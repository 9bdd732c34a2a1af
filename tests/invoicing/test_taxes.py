"""VAT by place, category and day in a bill run, on PostgreSQL and in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from domain.customers.customer import CustomerKind
from domain.invoicing.invoice import Invoice
from domain.invoicing.tax_rules import TaxRules, VatIdCheck, check
from domain.invoicing.vat import VatRate
from domain.invoicing.vat_rates import STANDARD, standard_rate
from domain.ledger.entry import of_invoice
from domain.margins.exchange import DayRate
from domain.operators import Address
from domain.refusal import BadValue, NotAllowed, Stale
from domain.usecases.set_tax_rules import get_tax_rules, set_tax_rules
from tests.invoicing.conftest import Office

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
    await ruled(office, oss_since=date(2026, 11, 1))
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

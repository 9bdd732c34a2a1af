"""Which VAT a line has where time, currency or what was held has changed, worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from domain.contracts.contract import ContractService
from domain.invoicing.assembly import assemble
from domain.invoicing.bill import Doubt
from domain.invoicing.invoice import Invoice
from domain.invoicing.tax_rules import Taxes, TaxRules
from domain.invoicing.vat import HomeRate
from domain.period import Period
from tests.invoicing.made import MOBILE, OPERATOR, PAYER, SWITCHBOARD, bill, contract, usage

NOVEMBER = Period(date(2026, 11, 1), date(2026, 12, 1))
BOOKS = replace(MOBILE, price_list="retail", vat_percent=Decimal(6), account="3051", one_time_fee=Decimal(0))


@pytest.mark.parametrize(
    ("start", "end", "late", "percent"),
    [
        (date(2026, 10, 1), date(2026, 10, 20), True, 6),  # it was held when the call was made
        (date(2026, 10, 1), date(2026, 10, 20), False, 25),
        (date(2026, 12, 1), None, False, 25),  # it is still to come
        (date(2026, 11, 30), None, False, 6),
        (date(2026, 11, 1), None, True, 25),
    ],
)
def test_usage_is_taxed_by_the_service_that_was_held_then(start: date, end: date | None, late: bool, percent: int):
    held = ContractService(service=BOOKS.id, start=start, end=end)
    called = usage(12_500_000, late=late, first=date(2026, 10, 7) if late else NOVEMBER.start)
    made = assemble(
        bill(
            period=NOVEMBER,
            contracts={PAYER.id: (contract(date(2026, 10, 1), held),)},
            services={BOOKS.id: BOOKS, SWITCHBOARD.id: SWITCHBOARD},
            usage={PAYER.id: (called,)},
        )
    )
    assert isinstance(made, Invoice)
    (line,) = [one for one in made.lines if one.mode == "voice"]
    assert (line.vat.percent, line.account) == (percent, "3051" if percent == 6 else "3041")


@pytest.mark.parametrize(
    ("vat_id", "reason"), [("FI20774740", None), ("SE556703748501", "missing_vat_id"), (None, "missing_vat_id")]
)
def test_a_business_abroad_accounts_for_vat_by_an_id_that_is_not_of_the_sellers_country(
    vat_id: str, reason: str | None
):
    finnish = replace(PAYER, address=replace(PAYER.address, country="FI"), vat_id=vat_id)
    made = assemble(bill(payer=finnish, members=(finnish,)))
    assert reason == (made.reason if isinstance(made, Doubt) else None)


@pytest.mark.parametrize(("price", "category"), [("8900.96", "S"), ("8901.00", "AE")])
def test_telephones_in_another_currency_count_in_kronor(price: str, category: str):
    phone = replace(MOBILE, product_group="phones", one_time_fee=Decimal(0), periodic_fee=Decimal(price))
    rate = HomeRate("SEK", Decimal("11.2347"), date(2026, 10, 30), "Riksbanken")
    made = assemble(
        bill(
            operator=replace(OPERATOR, currency="EUR"),
            services={phone.id: phone},
            taxes=Taxes(rules=TaxRules(goods_groups=("phones",)), home=rate, home_currency="SEK"),
        )
    )
    assert isinstance(made, Invoice)
    assert [(line.vat.category, line.net) for line in made.lines] == [(category, Decimal(price))]

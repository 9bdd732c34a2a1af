"""The published vectors of fees, VAT, rounding, references and accruals, each by the function that decides it."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from domain.invoicing.accruals import accrue, annual_value
from domain.invoicing.invoice import settle
from domain.invoicing.proration import Priced, covers
from domain.invoicing.references import OcrLevel, ocr
from domain.invoicing.vat import VatTreatment
from domain.money import round_to
from domain.period import Period

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def vectors(shared: Path) -> dict[str, dict]:
    found = json.loads((shared / "vectors" / "billing.json").read_text(encoding="utf-8"))["vectors"]
    return {each["id"]: each for each in found}


def days(pair: list[str]) -> Period:
    return Period(date.fromisoformat(pair[0]), date.fromisoformat(pair[1]))


@pytest.mark.parametrize("name", ["S24", "S28"])
def test_a_part_of_a_period_is_prorated_and_a_whole_one_is_not(vectors, name):
    given, expected = vectors[name]["input"], vectors[name]["expected"]
    active = days(given["active"])
    (cover,) = covers(days(given["period"]), [Priced(active.start, active.end, Decimal(given["monthly_price"]))])
    assert cover.period.days == expected["active_days"]
    assert cover.amount == Decimal(expected["amount"])
    assert cover.whole is (name == "S28")


def test_a_change_of_plan_makes_two_lines(vectors):
    given, expected = vectors["S26"]["input"], vectors["S26"]["expected"]
    prices = [
        Priced(days(each["active"]).start, days(each["active"]).end, Decimal(each["price"]))
        for each in given["segments"]
    ]
    found = covers(days(given["period"]), prices)
    assert [cover.period.days for cover in found] == expected["days"]
    assert [str(cover.amount) for cover in found] == expected["lines"]
    assert str(sum(cover.amount for cover in found)) == expected["total"]


def test_vat_once_and_rounding_to_the_krona_of_its_own(vectors):
    given, expected = vectors["S30"]["input"], vectors["S30"]["expected"]
    treatment = VatTreatment("S", Decimal(given["vat_percent"]))
    totals = settle([(treatment, Decimal(net)) for net in given["lines_net"]], whole=given["oresavrundning"])
    assert str(totals.net) == expected["net"]
    assert str(totals.vat_total) == expected["vat"]
    assert str(totals.net + totals.vat_total) == expected["total"]
    assert str(totals.rounding) == expected["rounding"]
    assert totals.total == Decimal(expected["to_pay"])


def test_a_credit_is_the_mirror_of_the_debit(vectors):
    given, expected = vectors["S32"]["input"], vectors["S32"]["expected"]
    assert [str(round_to(Decimal(each), given["decimals"])) for each in given["amounts"]] == expected["rounded"]


def test_ocr(vectors):
    given, expected = vectors["S39"]["input"]["invoice_no"], vectors["S39"]["expected"]
    assert ocr(given, OcrLevel.CHECK) == expected["check_only"]
    assert ocr(given, OcrLevel.LENGTH) == expected["length_and_check"]


def test_accrual_by_day(vectors):
    given, expected = vectors["S41"]["input"], vectors["S41"]["expected"]
    shares = accrue(Decimal(given["line_net"]), days(given["service"]))
    assert [share.period.days for share in shares] == expected["days"]
    assert [str(share.amount) for share in shares] == expected["per_month"]
    assert Decimal(given["line_net"]) - shares[0].amount == Decimal(expected["deferred_after_nov"])


def test_annual_value(vectors):
    given, expected = vectors["S43"]["input"]["contracts"], vectors["S43"]["expected"]
    fees = [
        (Decimal(each["price"]) * (100 - Decimal(each.get("discount_percent", "0"))) / 100, each["interval_months"])
        for each in given
    ]
    assert str(annual_value(fees)) == expected["m12"]
    assert annual_value(fees) / 12 == Decimal(expected["mrr"])

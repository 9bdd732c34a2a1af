"""Series that begin anew each year, and the payment references that are made of their numbers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from domain.invoicing.invoice import DocumentKind
from domain.invoicing.references import fik_valid, kid_valid, luhn_valid, rf_valid, viite_valid
from domain.invoicing.series import NumberSeries, ReferenceForm, SeriesKind, check, referred
from domain.refusal import BadValue
from domain.usecases.change_operator import ChangeOperator, change_operator
from domain.usecases.get_operator import get_operator
from domain.usecases.issue_bills import reference_of
from domain.usecases.number_series import ChangeSeries, change_series, list_series
from tests.invoicing.conftest import Office

INVOICES = NumberSeries(kind=SeriesKind.INVOICE, next=100_001)


async def change(office: Office, **fields: Any) -> NumberSeries:
    cmd = ChangeSeries(kind=SeriesKind.INVOICE, expected=100_001, **fields)
    return await change_series(cmd, actor=office.actor, begin=office.world.begin)


async def draw(office: Office, count: int, on: date, kind: DocumentKind = DocumentKind.INVOICE) -> list[str]:
    async with office.begin(bulk=True) as unit:
        _, numbers = await unit.invoices.draw(kind, count, on=on)
        return list(numbers)


async def _crash(office: Office) -> None:
    async with office.begin(bulk=True) as unit:
        await unit.invoices.draw(DocumentKind.INVOICE, 5, on=date(2027, 2, 1))
        raise RuntimeError("a crash")


async def test_each_year_is_a_series_of_its_own_without_a_gap(office: Office) -> None:
    made = await change(office, yearly=True, prefix="A-")
    assert (made.yearly, made.prefix, made.next) == (True, "A-", 100_001)
    assert await draw(office, 2, date(2026, 12, 31)) == ["A-2026-000001", "A-2026-000002"]
    assert await draw(office, 1, date(2027, 1, 1)) == ["A-2027-000001"]
    assert await draw(office, 1, date(2026, 12, 30)) == ["A-2026-000003"]  # what is issued late for the old year
    assert await draw(office, 1, date(2026, 12, 31), DocumentKind.CREDIT_NOTE) == ["100001"]
    with pytest.raises(RuntimeError, match="a crash"):
        await _crash(office)
    assert await draw(office, 1, date(2027, 2, 1)) == ["A-2027-000002"]
    found = await asyncio.gather(*(draw(office, 3, date(2027, 3, 1)) for _ in range(8)))
    assert sorted(one for numbers in found for one in numbers) == [f"A-2027-{one:06d}" for one in range(3, 27)]
    listed = [one for one in await list_series(actor=office.actor, begin=office.world.begin) if one.yearly]
    assert [(one.kind, one.prefix) for one in listed] == [(SeriesKind.INVOICE, "A-")]


async def test_bills_are_numbered_and_referred_to_by_year(office: Office) -> None:
    await change(office, yearly=True, reference=ReferenceForm.KID_MOD11)
    await office.customer()
    await office.customer()
    await office.bill()
    assert [one.number for one in office.invoices] == ["2026-000001", "2026-000002"]
    references = [one.payment.reference for one in office.invoices]
    assert all(kid_valid(one) and one[:-1].startswith("2026") for one in references)
    assert len(set(references)) == 2


@pytest.mark.parametrize(
    ("form", "length", "holds"),
    [
        (ReferenceForm.OCR_SOFT, None, luhn_valid),
        (ReferenceForm.OCR_CHECK, None, luhn_valid),
        (ReferenceForm.OCR_LENGTH, None, luhn_valid),
        (ReferenceForm.OCR_FIXED, 12, lambda one: luhn_valid(one) and len(one) == 12),
        (ReferenceForm.KID_MOD10, None, kid_valid),
        (ReferenceForm.KID_MOD11, None, kid_valid),
        (ReferenceForm.VIITE, None, viite_valid),
        (ReferenceForm.RF, None, rf_valid),
        (ReferenceForm.FIK_71, None, fik_valid),
        (ReferenceForm.FIK_75, None, lambda one: fik_valid(one, kind="75")),
    ],
)
@pytest.mark.parametrize("yearly", [False, True])
def test_every_form_makes_references_that_a_bank_passes(
    form: Any, length: int | None, holds: Any, yearly: bool
) -> None:
    series = check(replace(INVOICES, reference=form, reference_length=length, yearly=yearly), INVOICES)
    numbers = ("2026-000001", "2027-000001") if yearly else ("100001", "A-100002")
    made = [referred(one, series) for one in numbers]
    assert all(one is not None and holds(one) for one in made)
    assert made[0] != made[1]


def test_settings_that_do_not_go_together_are_refused() -> None:
    for fields, field in (
        ({"reference": ReferenceForm.OCR_FIXED}, "referenceLength"),
        ({"reference_length": 10}, "referenceLength"),
        ({"kind": SeriesKind.CUSTOMER, "yearly": True}, "yearly"),
    ):
        with pytest.raises(BadValue) as no:
            check(replace(INVOICES, **fields), INVOICES)  # type: ignore[arg-type]  # fields by their names
        assert no.value.field == field
    short = replace(INVOICES, reference=ReferenceForm.OCR_FIXED, reference_length=10, yearly=True)
    with pytest.raises(BadValue, match="does not fit"):
        check(short, INVOICES)


async def test_the_usual_reference_of_a_year_holds_the_year(office: Office) -> None:
    async with office.begin() as unit:
        operator = await unit.operators.own()
    yearly = replace(INVOICES, yearly=True)
    made = {reference_of(operator, number, yearly) for number in ("2026-000001", "2027-000001", "R7-2026-000002")}
    assert len(made) == 3
    assert all(luhn_valid(one) for one in made)
    assert reference_of(operator, "100001") == reference_of(operator, "100001", INVOICES)


async def test_what_no_reference_can_be_made_of_is_refused_when_it_is_chosen(office: Office) -> None:
    async with office.begin() as unit:
        kept = await unit.operators.claim()
        await unit.operators.keep(replace(kept, ocr_level="fixed"))
    # 2026000001 and a check digit are more than the ten digits of a fixed reference.
    with pytest.raises(BadValue, match="does not fit"):
        await change(office, yearly=True)
    await change(office, prefix="A-")
    await draw(office, 1, date(2026, 12, 31))


async def test_a_level_that_the_next_number_does_not_fit_is_refused(office: Office) -> None:
    await change(office, yearly=True)
    own = await get_operator(actor=office.actor, begin=office.world.begin)
    cmd = ChangeOperator(version=own.version, ocr_level="fixed")
    with pytest.raises(BadValue, match="does not fit"):
        await change_operator(cmd, actor=office.actor, begin=office.world.begin)
    done = ChangeOperator(version=own.version, ocr_level="check")
    assert (await change_operator(done, actor=office.actor, begin=office.world.begin)).ocr_level == "check"

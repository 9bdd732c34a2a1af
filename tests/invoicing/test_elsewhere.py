"""What another system is given that makes the invoices: everything once, on both stores."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from api.priced import cells, row_of
from domain.basis.batch import BasisLine
from domain.basis.fee import BasisFee, BasisKind
from domain.buckets.statement import BucketEntry
from domain.customers.customer import CustomerKind
from domain.customers.group import Membership
from domain.invoicing.bill import Doubt
from domain.invoicing.billing_rules import BillForm
from domain.invoicing.charge import ChargeKind
from domain.invoicing.elsewhere import handed_over
from domain.invoicing.invoice import BucketLine
from domain.operators import Address
from domain.period import Period
from domain.refusal import WrongState
from domain.usecases import bill_pages
from domain.usecases.expect_invoice import ExpectInvoice, expect_invoice
from domain.usecases.move_customer import MoveCustomer, move_customer
from domain.usecases.set_billing_rules import drop_billing_rules
from domain.usecases.take_basis import acknowledge_basis, read_basis, take_basis
from tests.invoicing.conftest import NOVEMBER, OCTOBER, Office
from tests.invoicing.made import MOBILE, bill
from tests.invoicing.test_bill_choices import around, charge, rules

DECEMBER = Period(date(2026, 12, 1), date(2027, 1, 1))


async def taken(office: Office) -> list[BasisLine]:
    """Take a batch, look at it twice, and acknowledge it."""
    batch = await take_basis(**around(office))
    assert await take_basis(**around(office)) == batch
    page = await read_basis(batch.id, actor=office.actor, begin=office.world.begin)
    assert len(page.lines) == batch.lines
    assert [line.position for line in page.lines] == list(range(1, batch.lines + 1))
    await acknowledge_basis(batch.id, **around(office))
    return list(page.lines)


def told(lines: list[BasisLine]) -> list[tuple[str, str, str]]:
    return [(line.kind, line.fee.line.text if line.fee and line.fee.line else "", f"{line.amount:f}") for line in lines]


async def test_fees_charges_and_discounts_are_given_once(office: Office) -> None:
    one, _, line = await office.customer(number="1", address=Address("", "", "", "SE"))
    await rules(office, form=BillForm.BASIS)
    await office.use(line, 10_000_000)
    await charge(office, one, text="Projekt", kind=ChargeKind.PROJECT, reference="N-1")
    await charge(office, one, text="Ränta", kind=ChargeKind.INTEREST, unit_price=Decimal("1.50"))
    await charge(office, one, text="Rabatt", kind=ChargeKind.DISCOUNT, unit_price=None, percent=Decimal(10))
    await office.bill(dry_run=True)
    assert len(office.pages[0].elsewhere.fees) == 4
    expected = await expect_invoice(ExpectInvoice(customer=one.id, on=date(2026, 10, 31)), **around(office))
    assert expected.parked is not None  # as an invoice it would lack an address
    run = await office.bill()
    assert (run.invoices, run.parked, run.nothing) == (0, 0, 1)
    lines = await taken(office)
    # Ten per cent of the usage, too, though that is given as it is rated; interest is never discounted.
    assert told(lines) == [
        ("usage", "", "10.000000"),
        ("manual", "Projekt", "100.00"),
        ("periodic", "Mobile", "199.00"),
        ("discount", "Rabatt 10 %", "-30.90"),
        ("interest", "Ränta", "1.50"),
    ]
    assert {(each.customer_number, each.payer_number) for each in lines} == {("1", "1")}
    vats = [(each.fee.line.vat.category, each.fee.line.vat.percent) for each in lines if each.fee and each.fee.line]
    assert vats == [("S", 25), ("S", 25), ("S", 25), ("E", 0)]
    await office.bill()
    assert await taken(office) == []
    await office.use(line, 1_000_000, day=date(2026, 11, 3))
    async with office.begin() as unit:
        kept = await unit.customers.get(one.id)
        await unit.customers.keep(replace(kept, address=Address("Gatan 1", "11122", "Stockholm", "SE")))
    expected = await expect_invoice(ExpectInvoice(customer=one.id, on=date(2026, 11, 30)), **around(office))
    assert expected.invoice is not None
    assert [str(each.net) for each in expected.invoice.lines] == ["199.00", "1.00", "-20.00"]
    await office.bill(NOVEMBER)
    assert told(await taken(office)) == [
        ("usage", "", "1.000000"), ("periodic", "Mobile", "199.00"), ("discount", "Rabatt 10 %", "-20.00"),
    ]  # fmt: skip


async def test_usage_is_given_or_invoiced_and_never_both_whoever_makes_the_invoices(office: Office) -> None:
    _, _, line = await office.customer(number="1")
    await office.use(line, 1_000_000)
    await office.bill()
    assert [str(each.net) for each in office.invoices[0].lines] == ["199.00", "1.00"]
    await office.use(line, 2_000_000)  # late, on no invoice yet
    await office.use(line, 3_000_000, day=date(2026, 11, 3))
    await rules(office, form=BillForm.BASIS)
    assert told(await taken(office)) == [("usage", "", "2.000000"), ("usage", "", "3.000000")]
    await office.use(line, 4_000_000, day=date(2026, 11, 4))
    await office.bill(NOVEMBER)  # counts the four, which no batch has given
    await office.use(line, 5_000_000, day=date(2026, 11, 5))
    await rules(office, form=BillForm.INVOICE)
    await office.bill(NOVEMBER)
    assert [str(each.net) for each in office.invoices[0].lines] == ["9.00"]
    assert told(await taken(office)) == [("periodic", "Mobile", "199.00")]  # charged while it was elsewhere
    await office.use(line, 6_000_000, day=date(2026, 12, 5))
    await rules(office, form=BillForm.BASIS)
    assert told(await taken(office)) == [("usage", "", "6.000000")]
    await rules(office, form=BillForm.INVOICE)
    await office.bill(DECEMBER)
    assert [str(each.net) for each in office.invoices[0].lines] == ["199.00"]
    await office.use(line, 7_000_000, day=date(2026, 12, 6))
    await office.bill(DECEMBER)
    assert [str(each.net) for each in office.invoices[0].lines] == ["7.00"]


async def test_usage_that_an_unfinished_run_has_added_up_is_in_no_batch(office: Office, monkeypatch) -> None:
    one, _, line = await office.customer(number="1")
    two, _, other = await office.customer(number="2", address=Address("", "", "", "SE"))
    await office.use(line, 1_000_000)
    await office.use(other, 2_000_000)

    async def failing(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(bill_pages, "issue_page", failing)
        await rules(office, group="ERP", form=BillForm.BASIS)
        with pytest.raises(ZeroDivisionError):
            await office.bill()
    with pytest.raises(WrongState, match="is not finished"):  # what was added up hangs on it
        await rules(office, group="ERP", form=BillForm.INVOICE)
    with pytest.raises(WrongState, match="is not finished"):
        await drop_billing_rules("ERP", 1, actor=office.actor, begin=office.world.begin)
    await rules(office, group="ERP", form=BillForm.BASIS, zero_invoices=True)
    async with office.begin() as unit:
        office.world.clock.at = datetime(2026, 11, 2, tzinfo=UTC)  # the day after the period, from when he is elsewhere
        since = datetime(2026, 11, 1, tzinfo=UTC)
        for who in (one, two):
            await unit.groups.add(Membership(operator=who.operator, customer=who.id, name="ERP", valid_from=since))
    assert await taken(office) == []
    assert (await office.bill()).parked == 1
    assert [str(each.net) for each in office.invoices[0].lines] == ["199.00", "1.00"]
    assert told(await taken(office)) == [("usage", "", "2.000000")]
    assert await taken(office) == []


async def test_a_correction_names_the_run_whose_lines_it_corrects(office: Office) -> None:
    _, agreed, _ = await office.customer(number="1")
    await rules(office, form=BillForm.BASIS)
    run = await office.bill()
    await taken(office)
    async with office.begin() as unit:
        kept = await unit.contracts.claim(agreed.id)
        await unit.contracts.keep(replace(kept, services=(replace(kept.services[0], end=date(2026, 10, 11)),)))
    await office.bill(NOVEMBER)
    (line,) = await taken(office)
    assert (line.kind, line.amount) == ("correction", Decimal("-134.81"))
    assert line.fee is not None
    assert line.fee.line is not None
    assert line.fee.line.corrects == f"basis-{run.id}"


async def test_what_only_an_invoice_needs_parks_nobody(office: Office) -> None:
    abroad = Address("Rue 1", "75001", "Paris", "FR")
    await office.customer(number="1", kind=CustomerKind.ORGANISATION, address=abroad, vat_id=None, direct_debit=True)
    await office.bill(dry_run=True)
    assert len(office.pages[0].parked) == 1
    await rules(office, form=BillForm.BASIS)
    run = await office.bill()
    assert run.parked == 0
    (line,) = await taken(office)
    assert line.fee is not None
    assert not line.fee.taxed  # another system knows what he is, and decides it


def test_a_service_that_cannot_be_taxed_anywhere_parks_its_customer_and_not_the_run() -> None:
    wrong = replace(MOBILE, vat_percent=Decimal(20))
    made = handed_over(bill(services={wrong.id: wrong}), ())
    assert isinstance(made, Doubt)
    assert made.reason == "vat"
    assert "20" in made.detail


async def test_who_was_rated_for_everybody_is_not_invoiced_for_it(office: Office) -> None:
    _, _, line = await office.customer(number="1")
    await office.use(line, 1_000_000)
    async with office.world.begin(office.actor, bulk=True) as unit:
        made = await unit.basis.make(made_at=datetime(2026, 10, 8, tzinfo=UTC), zone="Europe/Stockholm")
        await unit.basis.acknowledge(made.id, at=made.made_at)
    assert (made.lines, made.everybody) == (1, True)
    await office.use(line, 2_000_000)
    await office.bill(OCTOBER)
    assert [str(each.net) for each in office.invoices[0].lines] == ["199.00", "2.00"]


async def test_what_was_given_of_somebody_who_is_erased_names_nobody(office: Office) -> None:
    one, _, line = await office.customer(number="1", kind=CustomerKind.PERSON)
    await rules(office, form=BillForm.BASIS)
    await charge(office, one, text="Anna Hemlig", reference="Hemlig")
    await office.bill()
    await office.use(line, 1_000_000)
    async with office.begin() as unit:
        assert (await unit.persons.still_open(one.id, at=office.world.clock.now())).unbilled_events
    lines = await taken(office)
    async with office.begin() as unit:
        assert not (await unit.persons.still_open(one.id, at=office.world.clock.now())).unbilled_events
        await unit.persons.erase(one.id, name="erased", at=office.world.clock.now())
    async with office.begin(bulk=True) as unit:
        (batch,) = {line.fee.run for line in lines if line.fee}
        kept = await unit.basis_fees.of_run(batch, first=10, after=0)
    assert [(each.line.text, each.line.label, each.line.customer_name) for each in kept if each.line] == [
        ("", None, "")
    ] * 2
    assert sum(each.line.net for each in kept if each.line) == 299


async def test_who_is_moved_to_a_payer_invoiced_elsewhere_is_billed_by_both_for_his_days(office: Office) -> None:
    one, _, _ = await office.customer(number="1", start=date(2027, 1, 1))
    two, _, _ = await office.customer(number="2", start=date(2027, 1, 1))
    child, _, line = await office.customer(number="3", parent=one.id, through_parent=True, start=date(2027, 1, 1))
    async with office.begin() as unit:
        since = datetime(2025, 1, 1, tzinfo=UTC)
        await unit.groups.add(Membership(operator=office.actor.operator, customer=two.id, name="ERP", valid_from=since))
    await rules(office, group="ERP", form=BillForm.BASIS)
    await move_customer(
        MoveCustomer(customer=child.id, version=1, parent=two.id, through_parent=True, valid_from=date(2026, 2, 11)),
        **around(office),
    )
    await office.use(line, 1_000_000, day=date(2026, 2, 7))
    await office.use(line, 2_000_000, day=date(2026, 2, 20))
    await office.bill(Period.month("2026-02"))
    assert [(one.customer, str(one.net)) for one in office.invoices] == [(one.id, "1.00")]
    assert told(await taken(office)) == [("usage", "", "2.000000")]
    await office.bill(Period.month("2026-02"))
    assert (office.invoices, await taken(office)) == ([], [])


async def test_what_became_of_buckets_is_told_and_costs_nothing(office: Office) -> None:
    one, _, _ = await office.customer(number="1")
    await rules(office, form=BillForm.BASIS)
    run = await office.bill()
    entry = BucketEntry(
        bucket="Surf 10",
        owner=f"customer:{one.id}",
        unit="kB",
        granted=Decimal(100),
        used=Decimal(40),
        left=Decimal(60),
    )
    bucket = BucketLine(customer=one.id, label="=46701", entry=entry)
    fee = BasisFee(run=run.id, payer=one.id, currency="SEK", period=run.period, bucket=bucket)
    async with office.begin(bulk=True) as unit:
        await unit.basis_fees.keep(run, [fee], counted=[], bought={})
    _, line = await taken(office)
    assert line.fee is not None
    assert (line.fee.bucket, line.kind, line.amount) == (bucket, BasisKind.BUCKET, 0)
    row = row_of(line)
    assert (row["text"], row["label"], row["run"], row["period_end"]) == (
        "Surf 10",
        "=46701",
        f"basis-{run.id}",
        "2026-11-01",
    )
    assert {name: row["bucket"][name] for name in ("unit", "granted", "used", "left")} == {
        "unit": "kB", "granted": "100", "used": "40", "left": "60",
    }  # fmt: skip
    flat = cells(row)
    assert flat["label"] == "'=46701"
    assert flat["bucket"].startswith("unit=kB rolled_over=0 granted=100 ")

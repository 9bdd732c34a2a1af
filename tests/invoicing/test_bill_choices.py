"""Whom a run bills, with what beside contracts, and what becomes of small bills; the same on both stores."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from domain.contracts.subscription import NumberAssignment, Subscription
from domain.customers.customer import Customer
from domain.customers.group import Membership
from domain.ids import ChargeId, CustomerId, MandateId, OperatorId
from domain.invoicing.bill_run import BillKind
from domain.invoicing.billing_rules import BillForm, BillingRules, Unpriced, beginning_on, billing_period
from domain.invoicing.charge import Charge, ChargeKind, check, occurrences
from domain.invoicing.invoice import DocumentKind, LineKind
from domain.operators import Address
from domain.payments.mandate import Mandate, MandateState, Scheme
from domain.period import Period
from domain.ports.page import PageRequest
from domain.refusal import BadValue, NotFound, Stale, WrongState
from domain.usecases.bill_customer import BillAgain, BillCustomer, bill_again, bill_customer
from domain.usecases.charge_customer import AddCharge, EndCharge, add_charge, end_charge, list_charges
from domain.usecases.expect_invoice import ExpectInvoice, expect_invoice
from domain.usecases.list_bill_runs import get_bill_run, list_parked
from domain.usecases.schedule_bills import (
    KIND,
    PutBillSchedule,
    list_bill_schedules,
    promise_bill_runs,
    put_bill_schedule,
    run_scheduled,
)
from domain.usecases.set_billing_rules import (
    SetBillingRules,
    drop_billing_rules,
    list_billing_rules,
    set_billing_rules,
)
from domain.usecases.take_basis import read_basis, take_basis
from persistence.engine import OWNER, Database
from persistence.memory import MemoryDatabase
from tests.invoicing.conftest import NOVEMBER, OCTOBER, Office


def around(office: Office) -> dict:
    return {"actor": office.actor, "begin": office.world.begin, "clock": office.world.clock}


async def rules(office: Office, **fields) -> BillingRules:
    who = {"actor": office.actor, "begin": office.world.begin}
    known = {one.group: one for one in await list_billing_rules(**who)}
    group = fields.get("group", "")
    version = known[group].version if group in known else 0
    return await set_billing_rules(SetBillingRules(version=version, **fields), **who)


async def charge(office: Office, customer, **fields) -> Charge:
    fields = {"text": "Projekt", "unit_price": Decimal(100), "starts": date(2026, 10, 5)} | fields
    return await add_charge(AddCharge(customer=customer.id, **fields), **around(office))


async def test_a_billing_day_a_group_or_a_reseller_chooses_payers(office: Office) -> None:
    first, _, _ = await office.customer(number="1")
    middle, _, line = await office.customer(number="2", billing_day=15)
    await office.use(line, 2_000_000, day=date(2026, 11, 3))
    async with office.begin() as unit:
        await unit.groups.add(
            Membership(
                operator=office.actor.operator,
                customer=first.id,
                name="Kommun",
                valid_from=datetime(2026, 1, 1, tzinfo=UTC),
            )
        )
    done = await office.bill(beginning_on(OCTOBER, 15), cycle=15)
    assert (done.payers, done.invoices, done.cycle, done.customers) == (1, 1, 15, (middle.id,))
    (invoice,) = office.invoices
    assert str(invoice.period) == "2026-10-15..2026-11-15"
    assert [str(line.net) for line in invoice.lines if line.kind is LineKind.USAGE] == ["2.00"]
    done = await office.bill(group="Kommun")
    assert (done.payers, [one.customer for one in office.invoices]) == (1, [first.id])
    done = await office.bill(NOVEMBER, cycle=1, group="Kommun")
    assert [one.customer for one in office.invoices] == [first.id]
    assert (await office.bill(NOVEMBER, cycle=2)).payers == 0
    with pytest.raises(NotFound):
        await office.bill(reseller=999)
    for wrong in ({"cycle": 29}, {"cycle": 1, "customers": (first.id,)}, {"kind": BillKind.FINAL}):
        with pytest.raises(BadValue):
            await office.bill(**wrong)


def test_periods_of_billing_days() -> None:
    assert str(billing_period(28, date(2026, 3, 1))) == "2026-02-28..2026-03-28"
    assert str(billing_period(1, date(2026, 12, 31))) == "2026-12-01..2027-01-01"
    assert str(beginning_on(Period.month("2026-12"), 28)) == "2026-12-28..2027-01-28"


async def test_parked_payers_are_listed_mended_and_billed_again_alone(office: Office) -> None:
    bad, _, _ = await office.customer(number="1", address=Address("", "", "", "SE"))
    other, _, _ = await office.customer(number="2")
    run = await office.bill()
    assert (run.invoices, run.parked) == (1, 1)
    who = {"actor": office.actor, "begin": office.world.begin}
    (waiting,) = (await list_parked(PageRequest(), **who)).items
    assert (waiting.customer, waiting.reason, waiting.run, waiting.settled_by) == (
        bad.id,
        "missing_address",
        run.id,
        None,
    )
    again = await bill_again(BillAgain(run=run.id), **around(office))
    assert (again.payers, again.parked, again.again) == (1, 1, run.id)  # nothing was mended
    with pytest.raises(WrongState, match="nobody"):
        await bill_again(BillAgain(run=run.id), **around(office))
    async with office.begin() as unit:
        one = await unit.customers.get(bad.id)
        await unit.customers.keep(replace(one, address=other.address))
    pages = []
    done = await bill_again(BillAgain(run=again.id), **around(office), done=pages.append)
    assert (done.payers, done.invoices, done.period) == (1, 1, OCTOBER)
    assert [one.customer for page in pages for one in page.invoices] == [bad.id]
    assert (await list_parked(PageRequest(), **who)).items == []
    _, kept = await get_bill_run(again.id, **who)
    assert [one.settled_by for one in kept] == [done.id]


async def test_who_pays_by_direct_debit_is_parked_without_a_mandate_that_holds(office: Office) -> None:
    one, _, _ = await office.customer(direct_debit=True)
    run = await office.bill()
    assert [each.reason for page in office.pages for each in page.parked] == ["missing_mandate"]
    mandate = Mandate(
        id=MandateId(0),
        operator=office.actor.operator,
        customer=one.id,
        scheme=Scheme.AUTOGIRO,
        payer_number="1",
        state=MandateState.REQUESTED,
        requested_at=office.world.clock.now(),
    )
    async with office.begin() as unit:
        kept = await unit.giro.mandates.add(mandate)
    assert (await office.bill()).parked == 1
    async with office.begin() as unit:
        due = OCTOBER.end + timedelta(days=30)
        active = await unit.giro.mandates.put(
            replace(kept, state=MandateState.ACTIVE, active_from=due + timedelta(days=1))
        )
    assert (await office.bill()).parked == 1
    async with office.begin() as unit:
        active = await unit.giro.mandates.put(replace(active, active_from=due, blocked=True))
    assert (await office.bill()).parked == 1
    async with office.begin() as unit:
        await unit.giro.mandates.put(replace(active, blocked=False))
    assert (await office.bill()).invoices == 1
    assert run.parked == 1


async def test_events_without_a_price_park_their_payer_or_are_let_be(office: Office) -> None:
    one, _, line = await office.customer()
    await office.use(line, 1_000_000)
    await unpriced(office, one, line)
    run = await office.bill()
    (parked,) = [each for page in office.pages for each in page.parked]
    assert (run.invoices, parked.reason) == (0, "missing_price")
    assert "1 events" in parked.detail
    await rules(office, unpriced=Unpriced.IGNORE)
    assert (await office.bill()).invoices == 1


@dataclass(frozen=True)
class Held:
    """A row of suspense, as much as a bill run looks at."""

    operator: OperatorId
    start: datetime
    reason: str
    event: dict


async def unpriced(office: Office, one: Customer, line: Subscription) -> None:
    """Let an event of the line wait for a price; and one of nobody's number, and one to nowhere, which are no doubt."""
    at, began, number = datetime(2026, 10, 7, 12, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), "46701740999"
    events = [(number, "no_rate"), ("4699", "no_rate"), (number, "no_destination")]
    told = [(reason, {"a": a, "b": "4670", "direction": "out"}) for a, reason in events]
    database = office.world.database
    if isinstance(database, MemoryDatabase):
        tables = database.state.tables
        assigned = NumberAssignment(number=number, valid_from=began)
        tables["subscription"][line.id] = replace(line, numbers=(*line.numbers, assigned))
        tables["suspense"] = {key: Held(line.operator, at, *row) for key, row in enumerate(told)}
        return
    assert isinstance(database, Database)
    async with database.transaction(role=OWNER) as unit:
        run = unit.connection.execute
        await run(
            "insert into number_assignment (operator, customer, subscription, number, valid_from)"
            " values ($1, $2, $3, $4, $5)",
            *(line.operator, one.id, line.id, number, began),
        )
        file = await unit.connection.fetchval("select min(id) from cdr_file where operator = $1", line.operator)
        for key, (reason, event) in enumerate(told):
            await run(
                "insert into suspense (operator, source, file, chunk, kind, record, byte_offset, reason, detail, raw,"
                " event, start, key, content) values ($1, 1, $2, 1, 'unrated', 1, 0, $3, '', '', $4, $5, $6, 1)",
                *(line.operator, file, reason, json.dumps(event), at, key),
            )


async def test_charges_are_billed_once_each_time_they_are_due(office: Office) -> None:
    one, _, _ = await office.customer()
    once = await charge(office, one, quantity=Decimal("2.5"), account="3590", reference="P-7", vat_percent=Decimal(12))
    monthly = await charge(
        office, one, text="Hyra", unit_price=Decimal(31), interval_months=1, starts=date(2026, 10, 1),
        ends=date(2026, 11, 11),
    )  # fmt: skip
    await charge(office, one, text="Ränta", kind=ChargeKind.INTEREST, vat_category="E", unit_price=Decimal("7.5"))
    gone = await charge(office, one, text="Fel")
    await end_charge(EndCharge(charge=gone.id, version=gone.version, withdraw=True), **around(office))
    with pytest.raises(Stale):
        await end_charge(EndCharge(charge=gone.id, version=gone.version, withdraw=True), **around(office))
    await office.bill()
    (invoice,) = office.invoices
    found = {line.text: line for line in invoice.lines}
    line = found["Projekt"]
    assert (line.kind, line.charge, str(line.net), line.account, line.label) == (
        LineKind.MANUAL, once.id, "250.00", "3590", "P-7",
    )  # fmt: skip
    assert line.vat.percent == 12
    assert (line.quantity, line.unit_price) == (Decimal("2.5"), 100)
    assert str(found["Hyra"].period) == "2026-10-01..2026-11-01"
    assert found["Ränta"].vat.category == "E"
    assert invoice.lines[-1].kind is LineKind.INTEREST
    assert "Fel" not in found
    await office.bill(NOVEMBER)
    (invoice,) = office.invoices
    assert [(line.charge, str(line.net), str(line.period)) for line in invoice.lines if line.charge] == [
        (monthly.id, "10.33", "2026-11-01..2026-11-11")
    ]
    assert (await office.bill(NOVEMBER)).invoices == 0
    page = await list_charges(PageRequest(), customer=one.id, actor=office.actor, begin=office.world.begin)
    assert [each.text for each in page.items] == ["Projekt", "Hyra", "Ränta", "Fel"]
    async with office.begin() as unit:
        assert [each.charge for each in (await unit.invoices.get(invoice.id)).lines if each.charge] == [monthly.id]
        with pytest.raises(NotFound):
            await unit.charges.get(gone.id + 1000)


async def test_discounts_on_the_whole_invoice_follow_its_vat(office: Office) -> None:
    one, _, _ = await office.customer()
    await charge(office, one, unit_price=Decimal(100), vat_percent=Decimal(6))
    await charge(office, one, kind=ChargeKind.REMINDER_FEE, text="Påminnelse", unit_price=Decimal(60), vat_category="O")
    await charge(office, one, kind=ChargeKind.DISCOUNT, text="Lojal", unit_price=None, percent=Decimal(10))
    await charge(office, one, kind=ChargeKind.DISCOUNT, text="Ursäkt", unit_price=Decimal(50))
    await office.bill()
    (invoice,) = office.invoices
    off = [(line.text, line.vat.percent, str(line.net)) for line in invoice.lines if line.kind is LineKind.DISCOUNT]
    # Ten per cent of 199 and of 100; then 50 shared as 179.10 to 90.
    assert sorted(off) == sorted(
        [("Lojal 10 %", 25, "-19.90"), ("Lojal 10 %", 6, "-10.00"), ("Ursäkt", 25, "-33.28"), ("Ursäkt", 6, "-16.72")]
    )
    assert invoice.net == Decimal("279.10")
    await office.bill(NOVEMBER)
    (invoice,) = office.invoices
    assert [(line.text, str(line.net)) for line in invoice.lines] == [("Mobile", "199.00"), ("Lojal 10 %", "-19.90")]


async def test_what_paying_late_costs_is_exempt_unless_told_otherwise(office: Office) -> None:
    one, _, _ = await office.customer()
    late = {"kind": ChargeKind.INTEREST, "text": "Ränta"}
    told = [await charge(office, one, **late, vat_category=said) for said in (None, "O")]
    assert [each.vat_category for each in told] == ["E", "O"]
    assert (await charge(office, one)).vat_category is None


async def test_a_discount_never_turns_an_invoice_into_a_credit(office: Office) -> None:
    one, _, _ = await office.customer()
    await charge(office, one, kind=ChargeKind.DISCOUNT, text="Ursäkt", unit_price=Decimal(1000))
    await rules(office, zero_invoices=True)
    await office.bill()
    (invoice,) = office.invoices
    assert (invoice.net, invoice.total) == (0, 0)
    assert [str(line.net) for line in invoice.lines] == ["199.00", "-199.00"]


async def test_discounts_together_and_beside_corrections_take_off_no_more_than_there_is(office: Office) -> None:
    payer, _, _ = await office.customer()
    member, _, _ = await office.customer(parent=payer.id, through_parent=True)
    for one in (payer, member):
        await charge(office, one, kind=ChargeKind.DISCOUNT, text="Halvt", unit_price=None, percent=Decimal(60))
    await office.bill()
    (invoice,) = office.invoices
    off = [(line.customer, str(line.net)) for line in invoice.lines if line.kind is LineKind.DISCOUNT]
    assert off == [(payer.id, "-167.16"), (member.id, "-119.40")]  # 60 % of 199 + 199 - 119.40
    other, _, _ = await office.customer()
    await charge(office, other, text="Åter", unit_price=Decimal(-120), vat_percent=Decimal(6))
    await charge(office, other, kind=ChargeKind.DISCOUNT, text="Ursäkt", unit_price=Decimal(500))
    await rules(office, zero_invoices=True)
    await office.bill(customers=(other.id,))
    (invoice,) = office.invoices
    assert [str(line.net) for line in invoice.lines] == ["-120.00", "199.00", "-79.00"]
    assert (invoice.net, invoice.kind) == (0, DocumentKind.INVOICE)


async def test_small_bills_are_carried_over_for_so_many_months(office: Office) -> None:
    one, _, line = await office.customer(service="free") if "free" in office.services else await office.customer()
    await rules(office, minimum=Decimal(1000), carry_months=2)
    await office.use(line, 5_000_000)
    for period in (OCTOBER, NOVEMBER):
        run = await office.bill(period)
        assert (run.invoices, run.nothing, run.carried) == (0, 1, 1)
    run = await office.bill(Period.month("2026-12"))
    assert (run.invoices, run.carried) == (1, 0)
    (invoice,) = office.invoices
    fees = [str(each.period) for each in invoice.lines if each.kind is LineKind.PERIODIC]
    assert fees == ["2026-10-01..2026-11-01", "2026-11-01..2026-12-01", "2026-12-01..2027-01-01"]
    assert [str(each.net) for each in invoice.lines if each.kind is LineKind.USAGE] == ["5.00"]
    run = await office.bill(Period.month("2027-01"))
    assert run.carried == 1  # the months are counted anew
    done = await bill_customer(BillCustomer(customer=one.id, until=date(2027, 2, 1)), **around(office))
    assert (done.invoices, done.kind) == (1, BillKind.ON_DEMAND)  # asked for, it is never carried over


async def test_a_group_has_rules_of_its_own_and_who_is_invoiced_elsewhere_gets_none(office: Office) -> None:
    with pytest.raises(WrongState, match="elsewhere"):
        await take_basis(**around(office))
    one, _, line = await office.customer(number="1")
    child, _, below = await office.customer(number="3", parent=one.id, through_parent=True)
    two, _, other = await office.customer(number="2")
    for used, amount in ((line, 3_000_000), (other, 2_000_000), (below, 1_000_000)):
        await office.use(used, amount)
    async with office.begin() as unit:
        await unit.groups.add(
            Membership(
                operator=office.actor.operator, customer=one.id, name="ERP", valid_from=datetime(2026, 1, 1, tzinfo=UTC)
            )
        )
    kept = await rules(office, group="ERP", form=BillForm.BASIS)
    run = await office.bill()
    assert [each.customer for each in office.invoices] == [two.id]
    assert (run.invoices, run.nothing) == (1, 1)
    batch = await take_basis(**around(office))
    page = await read_basis(batch.id, actor=office.actor, begin=office.world.begin)
    assert [(each.customer, each.kind, str(each.amount)) for each in page.lines] == [
        (one.id, "usage", "3.000000"),
        (child.id, "usage", "1.000000"),
        (one.id, "periodic", "199.00"),
        (child.id, "periodic", "199.00"),
    ]
    who = {"actor": office.actor, "begin": office.world.begin}
    with pytest.raises(Stale):
        await drop_billing_rules("ERP", kept.version + 1, **who)
    await drop_billing_rules("ERP", kept.version, **who)
    assert [each.group for each in await list_billing_rules(**who)] == [""]
    await office.bill()
    assert office.invoices == []  # all of it was given to the other system
    await office.bill(NOVEMBER)
    assert [(each.customer, str(each.net)) for each in office.invoices] == [(one.id, "398.00"), (two.id, "199.00")]


async def test_a_final_invoice_bills_until_the_last_contract_has_ended(office: Office) -> None:
    one, agreed, line = await office.customer()
    await rules(office, minimum=Decimal(10_000))
    with pytest.raises(WrongState, match="no end"):
        await bill_customer(BillCustomer(customer=one.id, kind=BillKind.FINAL), **around(office))
    async with office.begin() as unit:
        await unit.contracts.keep(replace(await unit.contracts.get(agreed.id), end=date(2026, 12, 11)))
    await office.use(line, 3_000_000, day=date(2026, 12, 2))
    pages = []
    cmd = BillCustomer(customer=one.id, kind=BillKind.FINAL, until=date(2026, 12, 5))
    run = await bill_customer(cmd, **around(office), done=pages.append)
    (invoice,) = [each for page in pages for each in page.invoices]
    assert (run.kind, str(run.period)) == (BillKind.FINAL, "2026-12-01..2026-12-11")
    assert [(each.kind, str(each.net)) for each in invoice.lines] == [
        (LineKind.PERIODIC, "64.19"),
        (LineKind.USAGE, "3.00"),
    ]
    with pytest.raises(BadValue):
        await bill_customer(BillCustomer(customer=one.id, kind=BillKind.REGULAR), **around(office))


async def test_an_invoice_of_one_customer_tells_nobody_else_when_billing_began(office: Office) -> None:
    one, _, _ = await office.customer(number="1", start=date(2026, 3, 1))
    await office.customer(number="2", start=date(2026, 3, 1))
    await bill_customer(BillCustomer(customer=one.id, until=date(2026, 4, 1)), **around(office))
    await office.bill()
    fees = [[str(line.period) for line in invoice.lines] for invoice in office.invoices]
    assert fees == [["2026-10-01..2026-11-01"]] * 2  # what came before October was paid elsewhere


async def test_what_comes_after_an_invoice_in_between_is_billed_by_the_run(office: Office) -> None:
    one, _, line = await office.customer()
    await office.use(line, 3_000_000)
    pages = []
    cmd = BillCustomer(customer=one.id, kind=BillKind.INTERIM, until=date(2026, 10, 11))
    await bill_customer(cmd, **around(office), done=pages.append)
    (invoice,) = [each for page in pages for each in page.invoices]
    assert [str(each.net) for each in invoice.lines] == ["199.00", "3.00"]
    await office.use(line, 4_000_000, day=date(2026, 10, 20))
    await office.bill()
    assert [str(each.net) for each in office.invoices[0].lines] == ["4.00"]


async def test_the_expected_invoice_is_told_and_nothing_is_kept(office: Office) -> None:
    one, _, line = await office.customer(number="1")
    child, _, other = await office.customer(number="2", parent=one.id, through_parent=True)
    await office.use(line, 3_000_000)
    await office.use(other, 2_000_000)
    for asked in (one, child):
        told = await expect_invoice(ExpectInvoice(customer=asked.id, on=date(2026, 10, 20)), **around(office))
        assert told.payer.id == one.id
        assert str(told.period) == "2026-10-01..2026-10-21"
        assert told.invoice is not None
        assert (told.invoice.number, told.invoice.subtotal(child.id)) == ("", Decimal("201.00"))
        assert told.invoice.net == Decimal("403.00")
    async with office.begin() as unit:
        assert (await unit.invoices.page(PageRequest())).items == []
        assert (await unit.bill_runs.page(PageRequest())).items == []
    with pytest.raises(NotFound):
        await expect_invoice(ExpectInvoice(customer=CustomerId(10**9)), **around(office))
    with pytest.raises(BadValue):
        await expect_invoice(ExpectInvoice(customer=one.id, on=date(2040, 1, 1)), **around(office))


async def test_a_schedule_bills_the_period_that_has_just_ended(office: Office) -> None:
    await office.customer()
    who = {"actor": office.actor, "begin": office.world.begin}
    cmd = PutBillSchedule(name="Månad", schedule="0 3 1 * *", fees_ahead_months=1)
    kept = await put_bill_schedule(cmd, **around(office))
    assert kept.version == 1
    assert kept.next_at is not None
    with pytest.raises(Stale):
        await put_bill_schedule(cmd, **around(office))
    with pytest.raises(BadValue):
        await put_bill_schedule(PutBillSchedule(name="x", schedule="often"), **around(office))
    assert await promise_bill_runs(**around(office)) == 0
    async with office.begin() as unit:
        await unit.bill_schedules.move_on(kept.id, datetime(2020, 1, 1, tzinfo=UTC))
    assert await promise_bill_runs(**around(office)) == 1
    assert await promise_bill_runs(**around(office)) == 0
    async with office.begin() as unit:
        (job,) = (await unit.jobs.page(PageRequest(), state=None, kind=KIND)).items
    assert job.payload["schedule"] == "Månad"
    told = await run_scheduled("Månad", date(2026, 11, 1), **around(office))
    assert "1 invoices" in told
    (after,) = await list_bill_schedules(**who)
    assert after.told == told
    async with office.begin() as unit:
        (run,) = (await unit.bill_runs.page(PageRequest())).items
    assert (run.period, run.fees_until, run.cycle) == (OCTOBER, date(2026, 12, 1), 1)
    assert await run_scheduled("gone", date(2026, 11, 1), **around(office)) == "the schedule is there no more"


async def test_a_schedule_may_leave_each_run_to_a_second_person(office: Office) -> None:
    await office.customer()
    await put_bill_schedule(PutBillSchedule(name="M", schedule="0 3 1 * *", approval=True), **around(office))
    told = await run_scheduled("M", date(2026, 11, 1), **around(office))
    assert "approv" in told or "second" in told
    async with office.begin() as unit:
        assert (await unit.bill_runs.page(PageRequest())).items == []
        (asked,) = (await unit.approvals.page(PageRequest())).items
    assert asked.operation == "run_bills"


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": " "},
        {"unit_price": None},
        {"unit_price": Decimal(0)},
        {"unit_price": Decimal("0.0000001")},
        {"quantity": Decimal(0)},
        {"quantity": Decimal("NaN")},
        {"kind": ChargeKind.DISCOUNT, "percent": Decimal(10)},
        {"kind": ChargeKind.DISCOUNT, "unit_price": Decimal(-5)},
        {"percent": Decimal(101)},
        {"vat_category": "S"},
        {"vat_percent": Decimal(-1)},
        {"interval_months": 5},
        {"ends": date(2026, 10, 5)},
        {"account": "abc"},
        {"reference": ""},
    ],
)
async def test_a_wrong_charge_is_refused(office: Office, wrong) -> None:
    one, _, _ = await office.customer()
    with pytest.raises(BadValue):
        await charge(office, one, **wrong)


def test_occurrences_cover_every_day_once() -> None:
    made = check(
        Charge(
            id=ChargeId(1), operator=OperatorId(1), customer=CustomerId(1), text="Hyra", unit_price=Decimal(100),
            starts=date(2026, 1, 31),
            ends=date(2026, 4, 15), interval_months=1, created_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
    )  # fmt: skip
    found = list(occurrences(made, until=date(2026, 5, 1), ahead=date(2026, 5, 1)))
    assert [str(one.period) for one in found] == [
        "2026-01-31..2026-02-28", "2026-02-28..2026-03-31", "2026-03-31..2026-04-15",
    ]  # fmt: skip
    assert [str(one.amount) for one in found] == ["100.00", "100.00", "50.00"]

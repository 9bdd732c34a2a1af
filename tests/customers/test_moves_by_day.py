"""A customer that is moved within a month: fees and usage are each payer's for his days, once, on both backings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from domain.contracts.terms import Discount
from domain.customers.place import Place
from domain.customers.staying import Stay, split, stays
from domain.ids import CustomerId, OperatorId
from domain.usecases.change_contract import ChangeContract
from domain.usecases.get_customer import get_customer
from domain.usecases.move_customer import MoveCustomer, move_customer
from tests.invoicing.conftest import NOVEMBER, Office, backing, office
from tests.invoicing.test_contract_bills import do, told
from tests.stores import worlds

__all__ = ["backing", "office"]  # the fixtures of the invoicing tests
MIDDLE = date(2026, 10, 16)
ONE, TWO, CHILD = CustomerId(1), CustomerId(2), CustomerId(3)


def place(customer: CustomerId, through: CustomerId | None, since: date | None, until: date | None) -> Place:
    return Place(
        operator=OperatorId(1), customer=customer, valid_from=since, valid_to=until, parent=through,
        through_parent=through is not None,
    )  # fmt: skip


def test_who_pays_is_read_off_every_place_on_the_way_up():
    june, august = date(2026, 6, 1), date(2026, 8, 1)
    places = {
        ONE: [place(ONE, None, None, None)],
        # The second one paid itself until June, and through the first one since.
        TWO: [place(TWO, None, None, june), place(TWO, ONE, june, None)],
        CHILD: [place(CHILD, TWO, None, august), place(CHILD, None, august, None)],
    }
    found = stays(CHILD, places)
    assert found == (Stay(CHILD, TWO, None, june), Stay(CHILD, ONE, june, august), Stay(CHILD, CHILD, august, None))
    assert stays(ONE, places) == (Stay(ONE, ONE, None, None),)
    assert split([*stays(ONE, places), *found]) == found
    # Who stood above whom may change places.
    places[ONE] = [place(ONE, TWO, None, june), place(ONE, None, june, None)]
    assert stays(ONE, places) == (Stay(ONE, TWO, None, june), Stay(ONE, ONE, june, None))


async def moved(office: Office, key: CustomerId, to: CustomerId, day: date = MIDDLE) -> None:
    who = {"actor": office.actor, "begin": office.world.begin}
    version = (await get_customer(key, **who)).version
    cmd = MoveCustomer(customer=key, version=version, valid_from=day, parent=to, through_parent=True)
    await move_customer(cmd, **who, clock=office.world.clock)


async def payer(office: Office, number: str) -> CustomerId:
    async with office.begin() as unit:
        return (await unit.customers.add(worlds.customer(office.actor, number=number))).id


async def test_each_payer_pays_his_days_and_his_calls_once(office: Office) -> None:
    one, two = await payer(office, "1"), await payer(office, "2")
    child, agreed, line = await office.customer(number="3", parent=one, through_parent=True)
    office.world.clock.at = datetime(2026, 10, 10, tzinfo=UTC)
    await moved(office, child.id, two)
    await office.use(line, 1_000_000, day=date(2026, 10, 7))
    await office.use(line, 2_000_000, 500_000, day=date(2026, 10, 20))
    expected = [
        "1 periodic 2026-10-01..2026-10-16 96.29", "1 usage 2026-10-01..2026-10-16 1.00",
        "2 periodic 2026-10-16..2026-11-01 102.71", "2 usage 2026-10-16..2026-11-01 2.50",
    ]  # fmt: skip
    await office.bill(dry_run=True)
    assert told(office) == expected
    await office.bill()
    assert told(office) == expected
    # The call specification of each shows the calls of his days.
    for invoice, amounts in zip(office.invoices, ([1_000_000], [2_000_000, 500_000]), strict=True):
        async with office.begin() as unit:
            kept = await unit.invoices.get(invoice.id)
            calls = [call.amount_micro async for block in unit.invoices.calls(kept) for call in block]
        assert sorted(calls) == sorted(amounts)
    assert (await office.bill()).invoices == 0
    # What comes late is his who paid for that day; what is corrected, too.
    await office.use(line, 4_000_000, day=date(2026, 10, 8))
    ten = Discount(start=date(2026, 10, 11), end=date(2026, 11, 1), percent=Decimal(10))
    await do(office, ChangeContract, agreed, discounts=(ten,))
    await office.bill(NOVEMBER)
    # 10 % of 5 and of 16 of 31 days.
    assert told(office) == [
        "1 correction 2026-10-11..2026-10-16 -3.21", "1 usage 2026-10-08..2026-11-01 4.00",
        "2 correction 2026-10-16..2026-11-01 -10.27", "2 periodic 2026-11-01..2026-12-01 199.00",
    ]  # fmt: skip
    assert (await office.bill(NOVEMBER)).invoices == 0


async def test_what_was_paid_in_advance_stays_with_who_paid_it(office: Office) -> None:
    one, two = await payer(office, "1"), await payer(office, "2")
    child, _, _ = await office.customer(number="3", parent=one, through_parent=True)
    await office.bill(fees_until=date(2026, 12, 1))
    assert told(office) == [
        "1 periodic 2026-10-01..2026-11-01 199.00", "1 periodic 2026-11-01..2026-12-01 199.00",
    ]  # fmt: skip
    await moved(office, child.id, two, date(2026, 11, 11))
    office.world.clock.at = datetime(2026, 11, 20, tzinfo=UTC)
    assert (await office.bill(NOVEMBER)).invoices == 0
    await office.bill(NOVEMBER, fees_until=date(2027, 1, 1))
    assert told(office) == ["2 periodic 2026-12-01..2027-01-01 199.00"]


async def test_a_parked_payer_loses_nothing_and_one_who_begins_to_pay_himself_has_a_bill(office: Office) -> None:
    one = await payer(office, "1")
    child, _, line = await office.customer(number="3")
    async with office.begin() as unit:
        top = await unit.customers.claim(one)
        await unit.customers.keep(replace(top, address=replace(top.address, street="")))
    office.world.clock.at = datetime(2026, 10, 10, tzinfo=UTC)
    await moved(office, child.id, one)
    await office.use(line, 1_000_000, day=date(2026, 10, 7))
    await office.use(line, 2_000_000, day=date(2026, 10, 20))
    run = await office.bill()
    assert (run.parked, told(office)) == (
        1, ["3 periodic 2026-10-01..2026-10-16 96.29", "3 usage 2026-10-01..2026-10-16 1.00"],
    )  # fmt: skip
    async with office.begin() as unit:
        top = await unit.customers.claim(one)
        await unit.customers.keep(replace(top, address=child.address))
    # Naming the customer bills everybody who pays for it.
    await office.bill(customers=(child.id,))
    assert told(office) == ["1 periodic 2026-10-16..2026-11-01 102.71", "1 usage 2026-10-16..2026-11-01 2.00"]
    assert (await office.bill()).invoices == 0

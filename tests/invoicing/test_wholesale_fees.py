"""What resellers pay for the services of their customers: worked out by hand, billed by run, tier by tier, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.contracts.contract import Contract, ContractService, ContractState
from domain.contracts.service import ServicePrice
from domain.customers.customer import Customer
from domain.ids import CustomerId, ResellerId, ServiceId
from domain.refusal import BadValue, Conflict, NotFound, Stale
from domain.resellers.buying import Buying, WholesalePrice, check_price
from domain.resellers.reseller import Reseller, Term
from tests.invoicing.conftest import NOVEMBER, Office
from tests.invoicing.made import MOBILE, OPERATOR, contract
from tests.stores import worlds

D = Decimal
ONE, TWO = ResellerId(1), ResellerId(2)
FIRST, SECOND = CustomerId(501), CustomerId(502)
TREE = {
    ONE: Reseller(id=ONE, operator=OPERATOR.id, code="one", name="One"),
    TWO: Reseller(id=TWO, operator=OPERATOR.id, code="two", name="Two", parent=ONE),
}
FROM_START = datetime(2025, 12, 31, 23, tzinfo=UTC)
TERMS = (
    Term(reseller=ONE, valid_from=FROM_START, customer=FIRST),
    Term(reseller=TWO, valid_from=FROM_START, parent=ONE, customer=SECOND),
)
OCTOBER_1 = date(2026, 10, 1)


def price(reseller: ResellerId, service: ServiceId | None = None, **fields: Any) -> WholesalePrice:
    fields.setdefault("valid_from", date(2026, 1, 1))
    fields.setdefault("operator", OPERATOR.id)
    return WholesalePrice(reseller=reseller, service=service, **fields)


def buying(*prices: WholesalePrice, terms: tuple[Term, ...] = TERMS) -> Buying:
    return Buying(TREE, terms, prices, zone="Europe/Stockholm")


def fees(told: Buying, buyer: CustomerId, day: date = OCTOBER_1, line: ContractService | None = None) -> Any:
    held = line or ContractService(service=MOBILE.id, start=OCTOBER_1)
    return told.service(buyer, contract(OCTOBER_1, held, reseller=TWO), held, MOBILE).fees_on(day)


def test_who_has_no_price_pays_what_the_one_above_pays():
    assert fees(buying(), FIRST) == (D(49), D("199.00"))
    assert fees(buying(price(ONE, percent=D(50))), SECOND) == (D("24.5"), D("99.50"))


def test_per_cent_are_taken_off_what_the_one_above_pays_and_an_own_fee_goes_before():
    told = buying(price(ONE, percent=D(50)), price(TWO, percent=D(-20)), price(TWO, MOBILE.id, periodic_fee=D(150)))
    assert fees(told, FIRST) == (D("24.5"), D("99.50"))
    # A price of the service goes before that of all; what it leaves out is as above.
    assert fees(told, SECOND) == (D("24.5"), D(150))
    assert fees(buying(price(ONE, percent=D(50)), price(TWO, percent=D(-20))), SECOND) == (D("29.4"), D("119.4"))
    assert told.pays(TWO, MOBILE, OCTOBER_1) == (D("24.5"), D(150))


def test_prices_services_and_the_tree_change_by_the_day():
    dearer = replace(MOBILE, prices=(ServicePrice(start=date(2026, 10, 5), one_time_fee=D(49), periodic_fee=D(300)),))
    later = Term(reseller=TWO, valid_from=datetime(2026, 10, 19, 22, tzinfo=UTC), parent=None, customer=FIRST)
    gone = Term(reseller=ONE, valid_from=datetime(2026, 10, 19, 22, tzinfo=UTC), customer=None)
    told = buying(price(TWO, valid_from=date(2026, 10, 10), percent=D(10)), terms=(*TERMS, gone, later))
    held = ContractService(service=MOBILE.id, start=OCTOBER_1)
    made = told.service(SECOND, contract(OCTOBER_1, held, reseller=TWO), held, dearer)
    found = {day: made.fees_on(date(2026, 10, day))[1] for day in (1, 5, 10, 20)}
    assert found == {1: D("199.00"), 5: D(300), 10: D(270), 20: D(0)}
    # From the 20th on the second buys of the operator, as the customer that the first one was.
    again = told.service(FIRST, contract(OCTOBER_1, held, reseller=TWO), held, dearer)
    assert [again.fees_on(date(2026, 10, day))[1] for day in (10, 20)] == [D(300), D(270)]
    assert told.below(FIRST) == {ONE, TWO}


def test_a_part_of_a_bundle_costs_what_the_bundle_says_and_what_went_on_is_not_begun_again():
    free = ContractService(
        service=MOBILE.id, start=OCTOBER_1, bundle=ServiceId(9), one_time_fee=D(0), periodic_fee=D(0)
    )
    told = buying(price(ONE, MOBILE.id, one_time_fee=D(9), periodic_fee=D(99), percent=D(50)))
    assert fees(told, FIRST, line=free) == (0, 0)
    assert fees(told, FIRST, line=replace(free, periodic_fee=D(40))) == (0, D(20))
    assert fees(told, FIRST, line=replace(free, one_time_fee=None, periodic_fee=None)) == (D(9), D(99))
    went = ContractService(service=MOBILE.id, start=OCTOBER_1, one_time_fee=D(0))
    taken = contract(OCTOBER_1, went, reseller=TWO, predecessor=contract(OCTOBER_1).id)
    assert told.service(FIRST, taken, went, MOBILE).fees_on(OCTOBER_1) == (0, D(99))


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"percent": D(101)}, "percent"),
        ({"percent": D("NaN")}, "percent"),
        ({"percent": D("1.0000001")}, "percent"),
        ({"periodic_fee": D(-1), "service": MOBILE.id}, "periodicFee"),
        ({"one_time_fee": D(1)}, "oneTimeFee"),
    ],
)
def test_a_price_that_is_none_is_refused(bad: dict[str, Any], field: str):
    with pytest.raises(BadValue) as no:
        check_price(replace(price(ONE), **bad))
    assert no.value.field == field


async def two_tiers(office: Office) -> tuple[Customer, Customer]:
    """Let north buy as a customer of the operator's, and his reseller below as one of north's."""
    world = office.world
    north = world.north.reseller
    assert north is not None
    since = datetime(2026, 9, 30, 22, tzinfo=UTC)
    async with world.begin(world.operator) as unit:
        buyer = await unit.customers.add(worlds.customer(office.actor, number="N"))
        below = await unit.resellers.add(
            Reseller(id=ResellerId(0), operator=office.actor.operator, code="below", name="Below", parent=north)
        )
        second = await unit.customers.add(replace(worlds.customer(office.actor, number="B"), reseller=north))
        await unit.resellers.put_term(Term(reseller=north, valid_from=since, customer=buyer.id))
        await unit.resellers.put_term(Term(reseller=below.id, valid_from=since, parent=north, customer=second.id))
        await unit.wholesale.put(price(north, operator=office.actor.operator, percent=D(40)))
        held = office.services["mobile"]
        await unit.wholesale.put(
            price(below.id, held.id, operator=office.actor.operator, periodic_fee=D(150), one_time_fee=D(10))
        )
    office.below = below  # type: ignore[attr-defined]
    return buyer, second


async def sell(office: Office, reseller: ResellerId, number: str, *lines: ContractService) -> Contract:
    async with office.begin() as unit:
        end = await unit.customers.add(replace(worlds.customer(office.actor, number=number), reseller=reseller))
        made = worlds.contract(end, start=OCTOBER_1, state=ContractState.ACTIVE, services=lines)
        return await unit.contracts.add(replace(made, reseller=reseller))


def told(office: Office, number: str) -> list[str]:
    return [
        f"{line.kind.value} {line.quantity} {line.period} {line.unit_price.normalize():f} {line.net}"
        for invoice in office.invoices
        if invoice.payer.number == number
        for line in invoice.lines
    ]


async def test_services_are_invoiced_tier_by_tier_by_count_and_once(office: Office) -> None:
    await two_tiers(office)
    below = office.below.id  # type: ignore[attr-defined]
    mobile, exchange = office.services["mobile"].id, office.services["switchboard"].id
    for number in "12":
        await sell(office, below, number, ContractService(service=mobile, start=OCTOBER_1, quantity=2))
    third = await sell(
        office, office.world.north.reseller, "3",
        ContractService(service=mobile, start=date(2026, 10, 16), periodic_fee=D(999)),
        ContractService(service=exchange, start=OCTOBER_1),
    )  # fmt: skip
    await office.bill()
    # 40 % off 199: 119.40; from the 16th 16 of 31 days, 61.63. The second tier pays 150 and 10 each.
    assert told(office, "N") == [
        "periodic 4 2026-10-01..2026-11-01 119.4 477.60",
        "periodic 1 2026-10-16..2026-11-01 61.63 61.63",
        "periodic 1 2026-10-01..2026-11-01 119.4 119.40",
    ]
    assert told(office, "B") == [
        "periodic 4 2026-10-01..2026-11-01 150 600.00",
        "one_time 4 2026-10-01..2026-10-02 10 40.00",
    ]
    assert (await office.bill()).invoices == 0
    # A line that ends back in time is given back on both tiers' next bills, with November's fees.
    async with office.begin() as unit:
        kept = await unit.contracts.claim(third.id)
        lines = tuple(replace(one, end=date(2026, 10, 26)) for one in kept.services if one.service == mobile)
        await unit.contracts.keep(replace(kept, services=lines))
    await office.bill(NOVEMBER)
    assert told(office, "N") == [
        "correction -1 2026-10-26..2026-11-01 23.11 -23.11",
        "correction -1 2026-10-01..2026-11-01 119.4 -119.40",
        "periodic 4 2026-11-01..2026-12-01 119.4 477.60",
    ]
    assert (await office.bill(NOVEMBER)).invoices == 0


async def test_a_price_that_changes_in_the_month_is_two_lines(office: Office) -> None:
    await two_tiers(office)
    north = office.world.north.reseller
    async with office.begin() as unit:
        await unit.wholesale.put(
            price(north, operator=office.actor.operator, valid_from=date(2026, 10, 11), percent=D(50))
        )
    await sell(office, north, "1", ContractService(service=office.services["mobile"].id, start=OCTOBER_1))
    await office.bill(dry_run=True)
    expected = ["periodic 1 2026-10-01..2026-10-11 38.52 38.52", "periodic 1 2026-10-11..2026-11-01 67.4 67.40"]
    assert told(office, "N") == expected
    await office.bill()
    assert told(office, "N") == expected


async def test_prices_are_kept_by_day_and_version(office: Office) -> None:
    await two_tiers(office)
    north, operator = office.world.north.reseller, office.actor.operator
    async with office.begin() as unit:
        (kept,) = await unit.wholesale.prices(north)
        assert (kept.percent, kept.version) == (D(40), 1)
        changed = await unit.wholesale.put(replace(kept, percent=D(45)))
        assert changed.version == 2
    for wrong, refusal in (
        (replace(kept, percent=D(1)), Stale),
        (price(north, operator=operator), Conflict),
        (price(north, ServiceId(999), operator=operator), NotFound),
    ):
        async with office.begin() as unit:
            with pytest.raises(refusal):
                await unit.wholesale.put(wrong)
    async with office.world.begin(office.world.north) as unit:
        assert {one.reseller for one in await unit.wholesale.prices()} == {north}

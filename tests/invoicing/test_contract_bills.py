"""Bill runs over contracts that are changed by the day, on the memory twin and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from domain.contracts.changes import HeldLine
from domain.contracts.contract import Contract, ContractService, ContractState
from domain.contracts.service import CountryTax, Service
from domain.contracts.subscription import SubscriptionState
from domain.contracts.terms import Discount, Terms
from domain.customers.customer import CustomerKind
from domain.invoicing.invoice import LineKind
from domain.operators import Address
from domain.usecases.change_contract import ChangeContract, change_contract
from domain.usecases.plan_change import (
    EndContract,
    ExchangeService,
    MoveContract,
    TakeOverContract,
    end_contract,
    exchange_service,
    move_contract,
    take_over_contract,
)
from tests.invoicing.conftest import NOVEMBER, Office
from tests.stores import worlds

ORDERS = {
    EndContract: end_contract,
    ExchangeService: exchange_service,
    MoveContract: move_contract,
    TakeOverContract: take_over_contract,
    ChangeContract: change_contract,
}


async def do(office: Office, kind: type, of: Contract, **fields: object) -> object:
    async with office.begin() as unit:
        version = (await unit.contracts.get(of.id)).version
    cmd = kind(contract=of.id, version=version, **fields)
    return await ORDERS[kind](cmd, actor=office.actor, begin=office.world.begin, clock=office.world.clock)


def today(office: Office, day: date) -> None:
    office.world.clock.at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


async def large(office: Office, **fields: object) -> Service:
    async with office.begin() as unit:
        made = worlds.service(office.actor, name="Large", **({"periodic_fee": Decimal("299.00")} | fields))
        return await unit.services.add(made)


def told(office: Office) -> list[str]:
    return [
        f"{invoice.payer.number} {line.kind.value} {line.period} {line.net}"
        for invoice in office.invoices
        for line in invoice.lines
    ]


async def test_an_upgrade_in_the_month_is_two_lines_and_takes_back_what_was_paid_in_advance(office: Office) -> None:
    one, agreed, _ = await office.customer(number="1")
    await office.bill()
    assert told(office) == ["1 periodic 2026-10-01..2026-11-01 199.00"]
    today(office, date(2026, 10, 15))
    await do(
        office, ExchangeService, agreed, on=date(2026, 10, 11), gone=HeldLine(service=agreed.services[0].service),
        new=ContractService(service=(await large(office)).id, start=date(2026, 10, 11)),
    )  # fmt: skip
    await office.bill()
    # 10 of 31 days at 199 are 64.19, which is 134.81 less; 21 of 31 at 299 are 202.55.
    assert sorted(told(office)) == [
        "1 correction 2026-10-11..2026-11-01 -134.81",
        "1 periodic 2026-10-11..2026-11-01 202.55",
    ]
    assert (await office.bill()).invoices == 0
    await office.bill(NOVEMBER)
    assert told(office) == ["1 periodic 2026-11-01..2026-12-01 299.00"]
    assert one.id


async def test_what_is_planned_is_billed_ahead_as_it_will_be(office: Office) -> None:
    _, agreed, _ = await office.customer(number="1")
    today(office, date(2026, 10, 5))
    await do(
        office, ExchangeService, agreed, on=date(2026, 11, 11), gone=HeldLine(service=agreed.services[0].service),
        new=ContractService(service=(await large(office)).id, start=date(2026, 11, 11)),
    )  # fmt: skip
    await office.bill(fees_until=date(2026, 12, 1))
    # November: 10 of 30 days at 199, 20 of 30 at 299.
    assert sorted(told(office)) == [
        "1 periodic 2026-10-01..2026-11-01 199.00",
        "1 periodic 2026-11-01..2026-11-11 66.33",
        "1 periodic 2026-11-11..2026-12-01 199.33",
    ]
    today(office, date(2026, 12, 1))
    assert (await office.bill(NOVEMBER)).invoices == 0


async def test_who_takes_over_pays_from_his_day_on(office: Office) -> None:
    _, agreed, line = await office.customer(number="1")
    await office.use(line, 1_000_000)
    today(office, date(2026, 10, 20))
    async with office.begin() as unit:
        heir = await unit.customers.add(worlds.customer(office.actor, number="2"))
    await do(office, TakeOverContract, agreed, customer=heir.id, on=date(2026, 10, 16))
    await office.bill()
    # 15 and 16 of 31 days: 96.29 and 102.71, together one month.
    assert told(office) == [
        "1 periodic 2026-10-01..2026-10-16 96.29",
        "1 usage 2026-10-01..2026-11-01 1.00",
        "2 periodic 2026-10-16..2026-11-01 102.71",
    ]
    assert (await office.bill()).invoices == 0


async def test_a_takeover_known_after_the_bill_gives_back_and_charges_the_other(office: Office) -> None:
    _, agreed, _ = await office.customer(number="1")
    await office.bill()
    today(office, date(2026, 11, 3))
    async with office.begin() as unit:
        heir = await unit.customers.add(worlds.customer(office.actor, number="2"))
    await do(office, MoveContract, agreed, customer=heir.id, on=date(2026, 10, 16))
    await office.bill()
    assert told(office) == [
        "1 correction 2026-10-16..2026-11-01 -102.71",
        "2 periodic 2026-10-16..2026-11-01 102.71",
    ]


async def test_a_dry_run_shows_a_takeover_that_is_planned_and_carries_out_nothing(office: Office) -> None:
    _, agreed, line = await office.customer(number="1")
    async with office.begin() as unit:
        heir = await unit.customers.add(worlds.customer(office.actor, number="2"))
        kept = await unit.contracts.claim(agreed.id)
        held = replace(kept.services[0], subscription=line.id)
        await unit.contracts.keep(replace(kept, services=(held,)))
        used = await unit.subscriptions.claim(line.id)
        await unit.subscriptions.keep(replace(used, activated_at=datetime(2026, 9, 30, 22, tzinfo=UTC)))
    today(office, date(2026, 10, 5))
    await do(office, TakeOverContract, agreed, customer=heir.id, on=date(2026, 10, 16))
    await office.bill(dry_run=True)
    expected = ["1 periodic 2026-10-01..2026-10-16 96.29", "2 periodic 2026-10-16..2026-11-01 102.71"]
    assert told(office) == expected
    async with office.begin() as unit:
        assert (await unit.contracts.get(agreed.id)).state is ContractState.ACTIVE
        assert await unit.contracts.of_customers([heir.id]) == {heir.id: []}
        (planned,) = await unit.contract_changes.planned_of(agreed.id)
    assert planned.effective == date(2026, 10, 16)
    today(office, date(2026, 11, 1))
    await office.bill()
    assert told(office) == expected


async def test_leaving_early_is_billed_as_a_one_time_fee(office: Office) -> None:
    _, agreed, _ = await office.customer(number="1")
    await do(office, ChangeContract, agreed, terms=Terms(binding_months=3))
    today(office, date(2026, 10, 10))
    await do(office, EndContract, agreed, end=date(2026, 11, 16))
    await office.bill()
    assert told(office) == ["1 periodic 2026-10-01..2026-11-01 199.00"]
    today(office, date(2026, 12, 1))
    await office.bill(NOVEMBER)
    # 15 of 30 days; then 15 of 30 days and December.
    assert sorted(told(office)) == [
        "1 one_time 2026-11-16..2027-01-01 298.50",
        "1 periodic 2026-11-01..2026-11-16 99.50",
    ]
    (fee,) = [each for each in office.invoices[0].lines if each.kind is LineKind.ONE_TIME]
    assert fee.text == "Mobile, återstående bindningstid till 2027-01-01"
    assert (await office.bill(NOVEMBER)).invoices == 0


async def test_an_end_back_in_time_gives_back_the_days_after_it_and_then_some_of_them_are_charged_again(
    office: Office,
) -> None:
    _, agreed, _ = await office.customer(number="1")
    await office.bill()
    today(office, date(2026, 11, 3))
    await do(office, ChangeContract, agreed, end=date(2026, 10, 20))
    await office.bill()
    # 19 of 31 days stay: 121.97.
    assert told(office) == ["1 correction 2026-10-20..2026-11-01 -77.03"]
    await do(office, ChangeContract, agreed, end=date(2026, 10, 25))
    await office.bill()
    # 24 of 31 days: 154.06.
    assert told(office) == ["1 correction 2026-10-20..2026-10-25 32.09"]
    async with office.begin() as unit:
        kept = await unit.contracts.claim(agreed.id)
        await unit.contracts.keep(replace(kept, end=None, state=ContractState.ACTIVE))
    await office.bill()
    assert told(office) == ["1 correction 2026-10-25..2026-11-01 44.94"]
    async with office.begin() as unit:
        kept = await unit.contracts.claim(agreed.id)
        await unit.contracts.keep(replace(kept, services=()))
    await office.bill()
    assert told(office) == ["1 correction 2026-10-01..2026-11-01 -199.00"]
    assert (await office.bill()).invoices == 0


async def test_what_is_left_of_the_binding_stands_on_the_bill_of_the_last_day(office: Office) -> None:
    _, agreed, _ = await office.customer(number="1")
    await do(office, ChangeContract, agreed, terms=Terms(binding_months=3))
    today(office, date(2026, 10, 10))
    await do(office, EndContract, agreed, end=date(2026, 11, 1))
    today(office, date(2026, 11, 1))
    await office.bill()
    assert told(office) == [
        "1 periodic 2026-10-01..2026-11-01 199.00",
        "1 one_time 2026-11-01..2027-01-01 398.00",
    ]
    assert (await office.bill()).invoices == 0
    assert (await office.bill(NOVEMBER)).invoices == 0


async def test_a_discount_given_back_in_time_corrects_the_bill(office: Office) -> None:
    _, agreed, _ = await office.customer(number="1")
    await office.bill()
    ten = Discount(start=date(2026, 10, 1), end=date(2026, 12, 1), percent=Decimal(10))
    await do(office, ChangeContract, agreed, discounts=(ten,))
    await office.bill(NOVEMBER)
    assert told(office) == [
        "1 correction 2026-10-01..2026-11-01 -19.90",
        "1 periodic 2026-11-01..2026-12-01 179.10",
    ]


async def test_a_subscription_that_is_pending_bills_nothing_until_it_is_active(office: Office) -> None:
    _, agreed, line = await office.customer(number="1")
    async with office.begin() as unit:
        kept = await unit.subscriptions.claim(line.id)
        await unit.subscriptions.keep(replace(kept, state=SubscriptionState.PENDING, activated_at=None))
    held = replace(agreed.services[0], subscription=line.id)
    await do(office, ChangeContract, agreed, services=(held,))
    assert (await office.bill()).invoices == 0
    async with office.begin() as unit:
        kept = await unit.subscriptions.claim(line.id)
        at = datetime(2026, 10, 14, 22, tzinfo=UTC)  # midnight in Stockholm, 15 October
        await unit.subscriptions.keep(replace(kept, state=SubscriptionState.ACTIVE, activated_at=at))
    await office.bill()
    assert told(office) == ["1 periodic 2026-10-15..2026-11-01 109.13"]
    (made,) = office.invoices[0].lines
    assert (made.subscription, made.label) == (line.id, "+46701740605")
    assert (await office.bill()).invoices == 0


async def test_account_and_vat_by_the_payers_country(office: Office) -> None:
    finland = CountryTax(country="FI", account="3106", vat_category="S", vat_percent=Decimal("25.5"))
    norway = CountryTax(country="NO", account="3305")
    made = await large(office, code="abroad", countries=(finland, norway))
    office.services["abroad"] = made
    person = {"kind": CustomerKind.PERSON, "service": "abroad"}
    await office.customer(number="1", **person)
    await office.customer(number="2", address=Address("Mannerheimintie 1", "00100", "Helsinki", "FI"), **person)
    await office.customer(number="3", address=Address("Karl Johans gate 1", "0154", "Oslo", "NO"), **person)
    await office.customer(
        number="4", address=Address("Mannerheimintie 1", "00100", "Helsinki", "FI"), service="abroad",
        vat_id="FI01120389",
    )  # fmt: skip
    await office.bill()
    found = {
        invoice.payer.number: [(line.account, line.vat.category, str(line.vat.percent)) for line in invoice.lines]
        for invoice in office.invoices
    }
    assert found == {
        "1": [("3041", "S", "25")],
        "2": [("3106", "S", "25.5")],
        "3": [("3305", "G", "0")],
        "4": [("3106", "AE", "0")],
    }
    async with office.begin() as unit:
        # 299 * 25.5 % is 76.245; VAT of another country has an account of its own.
        assert (await unit.ledger.balances())["2670", "SEK"] == -7625


async def test_a_draft_that_ends_was_never_paid_for(office: Office) -> None:
    async with office.begin() as unit:
        one = await unit.customers.add(worlds.customer(office.actor, number="1"))
        line = ContractService(service=office.services["mobile"].id, start=date(2026, 10, 1))
        drafts = [
            await unit.contracts.add(
                worlds.contract(one, start=date(2026, 10, 1), end=date(2026, 10, 20), services=(line,))
            )
            for _ in range(2)
        ]
    await do(office, ChangeContract, drafts[0], state=ContractState.ENDED)
    today(office, date(2026, 11, 1))
    assert (await office.bill()).invoices == 0
    async with office.begin() as unit:
        for draft in drafts:
            assert (await unit.contracts.get(draft.id)).state is ContractState.ENDED

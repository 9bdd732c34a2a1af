"""Bills of random payers, held to a reference that works each out again from the rules, in fractions and day by day."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.contracts.contract import Contract
from domain.ids import ContractId, ServiceId
from domain.invoicing.as_charged import numbers_of
from domain.invoicing.assembly import assemble
from domain.invoicing.bill import Bill, Doubt
from domain.invoicing.bill_run import FeeKey
from domain.invoicing.invoice import Invoice, LineKind
from domain.period import Period, later
from domain.usecases import correct_as_charged
from tests.invoicing import scenarios, slow_reference
from tests.invoicing.conftest import Office
from tests.invoicing.scenarios import Scenario


@pytest.mark.parametrize("seed", range(0, 160, 40))
def test_every_bill_is_what_the_rules_say(seed: int) -> None:
    corrections = 0
    for one in range(seed, seed + 40):
        made = Scenario.of(one)
        for _ in range(made.r.randrange(3, 8)):
            bill = made.bill()
            found = assemble(bill)
            if isinstance(found, Invoice) and (numbers := numbers_of(found)):
                bill = replace(bill, corrected={number: made.issued[number] for number in numbers})
                found = assemble(bill)
            slow_reference.check(bill, found)
            if isinstance(found, Invoice):
                made.keep(found)
                corrections += sum(line.kind is LineKind.CORRECTION for line in found.lines)
            if made.r.random() < 0.6:
                made.change()
    assert corrections, "agreements that change back in time have something to correct"


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_store_gives_bills_all_that_the_rules_need(
    office: Office, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run after run, with changes back in time, each bill that a run makes is held to the reference, too."""
    r, issued, held = random.Random(seed), dict[FeeKey, Decimal](), list[Contract]()
    real, bills = correct_as_charged.assemble, list[Bill]()

    def checked(bill: Bill) -> Invoice | Doubt | None:
        made = real(bill)
        slow_reference.check(bill, made)
        for fees in bill.billed.values():
            assert {key: one.net for key, one in fees.items()} == {key: issued[key] for key in fees}
        bills.append(bill)
        return made

    monkeypatch.setattr(correct_as_charged, "assemble", checked)
    async with office.begin() as unit:
        services = [
            await unit.services.add(replace(scenarios.service(r, ServiceId(0)), code=code, price_list=None))
            for code in ("A", "B")
        ]
    keys = tuple(one.id for one in services)
    parent = None
    for number in range(12):
        through: dict[str, Any] = {"parent": parent, "through_parent": True} if number % 4 == 3 else {}
        one, _, line = await office.customer(start=scenarios.FIRST, **through)
        parent = parent if through else one.id
        await office.use(line, *(r.randrange(10**8) for _ in range(3)), day=scenarios.day(r, 90))
        async with office.begin() as unit:
            agreed = replace(
                scenarios.contract(r, ContractId(0), one.id, keys), operator=office.actor.operator, number=f"R{number}"
            )
            plain = tuple(replace(one, subscription=None) for one in agreed.services)
            held.append(await unit.contracts.add(replace(agreed, services=plain)))
    start = scenarios.FIRST
    for _ in range(5):
        period = Period(start, start := later(start, 1))
        await office.bill(period)
        for line in (line for invoice in office.invoices for line in invoice.lines):
            if line.fee is not None:
                issued[line.fee] = issued.get(line.fee, Decimal(0)) + line.net
        for one in r.sample(held, 6):
            async with office.begin() as unit:
                now = await unit.contracts.claim(one.id)
                await unit.contracts.keep(scenarios.changed(r, now, keys))
    assert sum(key.one_time for key in issued) > 3
    assert any(bill.corrected for bill in bills)

"""Bills of random payers, held to a reference that works each out again from the rules, in fractions and day by day."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.contracts.contract import Contract
from domain.customers.customer import CustomerKind
from domain.ids import ContractId, ServiceId
from domain.invoicing.as_charged import numbers_of
from domain.invoicing.assembly import assemble
from domain.invoicing.bill import Bill, Doubt
from domain.invoicing.bill_run import FeeKey
from domain.invoicing.invoice import DocumentKind, Invoice, LineKind
from domain.period import Period, later
from domain.usecases import correct_as_charged
from domain.usecases.credit_invoice import CreditInvoice, credit_invoice
from domain.usecases.reconcile_run import reconcile_period, reconcile_run
from tests.invoicing import scenarios, slow_reference
from tests.invoicing.conftest import Office
from tests.invoicing.made import PAYER
from tests.invoicing.scenarios import Scenario


@pytest.mark.parametrize("seed", range(0, 160, 40))
def test_every_bill_is_what_the_rules_say(seed: int) -> None:
    corrections = 0
    for one in range(seed, seed + 40):
        made = Scenario.of(one)
        for _ in range(made.r.randrange(3, 8)):
            bill = made.bill()
            found = assemble(bill)
            if isinstance(found, Invoice) and (numbers := numbers_of(bill, found)):
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
        country = r.choice(("SE", "SE", "FI", "NO"))
        through |= {"address": replace(PAYER.address, country=country), "kind": r.choice(tuple(CustomerKind))}
        one, _, line = await office.customer(start=scenarios.FIRST, vat_id="FI20774740", **through)
        parent = through.get("parent", one.id)
        await office.use(line, *(r.randrange(10**8) for _ in range(3)), day=scenarios.day(r, 90))
        async with office.begin() as unit:
            agreed = replace(
                scenarios.contract(r, ContractId(0), one.id, keys), operator=office.actor.operator, number=f"R{number}"
            )
            plain = tuple(replace(one, subscription=None) for one in agreed.services)
            held.append(await unit.contracts.add(replace(agreed, services=plain)))
    start, invoices = scenarios.FIRST, list[Invoice]()
    for _ in range(5):
        period = Period(start, start := later(start, 1))
        run = await office.bill(period)
        around = {"actor": office.actor, "begin": office.world.begin}
        assert all(one.holds for one in await reconcile_run(run.id, **around))
        invoices += office.invoices
        for line in (line for invoice in office.invoices for line in invoice.lines):
            if line.fee is not None:
                issued[line.fee] = issued.get(line.fee, Decimal(0)) + line.net
        for one in r.sample(held, 6):
            async with office.begin() as unit:
                now = await unit.contracts.claim(one.id)
                await unit.contracts.keep(scenarios.changed(r, now, keys))
    assert {key.one_time for key in issued} == {True, False}
    assert any(bill.corrected for bill in bills)
    assert len({vat.treatment.category for one in invoices for vat in one.vat}) > 1
    for kind in DocumentKind:
        numbers = [int(one.number) for one in invoices if one.kind is kind]
        assert numbers == list(range(100_001, 100_001 + len(numbers)))
    given_back = {line.corrects for one in invoices for line in one.lines}
    whole = [one for one in invoices if one.kind is DocumentKind.INVOICE and one.number not in given_back]
    await _credited(office, r, [one for one in whole if one.total > 10])
    books = await reconcile_period(Period(scenarios.FIRST, later(scenarios.FIRST, 12)), **around)
    assert all(one.holds for one in books)


async def _credited(office: Office, r: random.Random, invoices: Sequence[Invoice]) -> None:
    """Credit some invoices in parts and issue others anew; what comes of it is what they came to."""
    around: dict[str, Any] = {"actor": office.actor, "begin": office.world.begin, "clock": office.world.clock}
    for invoice in invoices[:10]:
        on = invoice.issued_on
        part = Decimal(r.randrange(100, int(invoice.total * 100))).scaleb(-2)
        first = await credit_invoice(CreditInvoice(invoice=invoice.id, amount=part, issued_on=on), **around)
        assert first.total in {-part, -invoice.total}
        if first.total == -invoice.total:
            continue
        rest = await credit_invoice(CreditInvoice(invoice=invoice.id, issued_on=on), **around)
        assert first.total + rest.total == -invoice.total
        assert first.net + rest.net == -invoice.net

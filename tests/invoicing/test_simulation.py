"""Months of a made-up operator, by seed: usage comes late and early, runs are repeated, out of order, for one or for
all, payers are parked and mended, customers move under a parent. A model of three lines says what each run must bill.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from domain.customers.customer import Customer
from domain.invoicing.invoice import Invoice, LineKind, check
from domain.operators import Address
from domain.period import Period
from domain.ports.page import PageRequest
from tests.invoicing.conftest import Office
from tests.stores.worlds import PLACE

MONTHS = [Period(date(2026, month, 1), date(2026, month + 1, 1)) for month in (9, 10, 11)]
NOWHERE = Address("", "", "", "SE")


@dataclass
class Model:
    """Every event with its day and amount, and which of them were billed."""

    events: dict[int, list[tuple[date, int, int]]] = field(default_factory=lambda: defaultdict(list))
    billed: set[int] = field(default_factory=set)
    shown: dict[str, list[int]] = field(default_factory=dict)
    number: int = 0

    def use(self, customer: int, day: date, amounts: list[int]) -> None:
        for amount in amounts:
            self.number += 1
            self.events[customer].append((day, self.number, amount))

    def bill(self, customers: list[int], end: date) -> list[tuple[int, int]]:
        """Return (event, amount) of everything before ``end`` that nobody has billed, and bill it."""
        found = [
            (number, amount)
            for customer in customers
            for day, number, amount in self.events[customer]
            if day < end and number not in self.billed
        ]
        self.billed |= {number for number, _ in found}
        return found


@pytest.mark.parametrize("seed", range(5))
async def test_every_event_is_billed_once_and_by_the_right_run(office: Office, seed: int) -> None:
    draw = random.Random(seed)
    model = Model()
    known: dict[int, tuple[Customer, object]] = {}
    for index in range(4):
        one, _, line = await office.customer(number=str(index), start=date(2026, 9, draw.randint(1, 28)))
        known[one.id] = (one, line)
    for _ in range(24):
        key = draw.choice(list(known))
        match draw.randrange(6):
            case 0 | 1 | 2:
                day = date(2026, 8, 25) + timedelta(days=draw.randrange(110))
                amounts = [draw.choice([0, draw.randint(1, 9_999_999)]) for _ in range(draw.randint(1, 4))]
                model.use(key, day, amounts)
                await office.use(known[key][1], *amounts, day=day)
            case 3:
                await change(office, key, address=draw.choice([PLACE, PLACE, NOWHERE]))
            case 4:
                parent = draw.choice([other for other in known if other < key] or [None])
                await change(office, key, parent=parent, through_parent=parent is not None)
            case 5:
                chosen = draw.choice([None, None, (draw.choice(list(known)),)])
                await bill_and_compare(office, model, list(known), draw.choice(MONTHS), chosen)
    for key in known:
        await change(office, key, address=PLACE)
    for period in (MONTHS[-1], *MONTHS):
        await bill_and_compare(office, model, list(known), period, None)
    assert {number for each in model.events.values() for day, number, _ in each if day < MONTHS[-1].end} == model.billed
    await books(office, model)


async def change(office: Office, key: int, **changes: object) -> None:
    async with office.begin() as unit:
        await unit.customers.keep(replace(await unit.customers.claim(key), **changes))


async def bill_and_compare(office: Office, model: Model, keys: list[int], period: Period, chosen) -> None:
    async with office.begin() as unit:
        tree = await unit.customers.many(keys)
    expected: dict[int, list[tuple[int, int]]] = {}
    payers: dict[int, list[int]] = defaultdict(list)
    for key in keys:
        payers[payer_of(tree, key)].append(key)
    wanted = payers if chosen is None else {payer_of(tree, key) for key in chosen}
    for payer in sorted(wanted):
        if tree[payer].address != NOWHERE:
            expected[payer] = model.bill(payers[payer], period.end)
    run = await office.bill(period, customers=chosen)
    assert run.parked == sum(tree[payer].address == NOWHERE for payer in wanted)
    found = {invoice.customer: invoice for invoice in office.invoices}
    for payer, events in expected.items():
        billed = sum(line.amount_micro or 0 for line in found[payer].lines) if payer in found else 0
        assert billed == sum(amount for _, amount in events), (payer, period)
        if payer in found:
            model.shown[found[payer].kind + found[payer].number] = sorted(amount for _, amount in events if amount)
    assert set(found) <= set(expected)


def payer_of(tree, key: int) -> int:
    while tree[key].through_parent:
        key = tree[key].parent
    return key


async def books(office: Office, model: Model) -> None:
    """At the end every specification still shows its own events, numbers have no gap, and ledger = invoices = lines."""
    async with office.begin() as unit:
        kept: list[Invoice] = list((await unit.invoices.page(PageRequest(1000))).items)
        for invoice in kept:
            rows = [row.amount_micro async for block in unit.invoices.calls(invoice) for row in block]
            assert sorted(rows) == model.shown[invoice.kind + invoice.number], invoice.number
        balances = await unit.ledger.balances()
    numbers: dict[str, list[int]] = defaultdict(list)
    for invoice in kept:
        check(invoice)
        numbers[invoice.kind].append(int(invoice.number))
    assert all(sorted(each) == list(range(100_001, 100_001 + len(each))) for each in numbers.values())
    assert balances["1510", "SEK"] == sum(invoice.total for invoice in kept) * 100
    fees: dict[object, Decimal] = defaultdict(Decimal)
    for invoice in kept:
        for line in invoice.lines:
            if line.kind is not LineKind.USAGE:
                fees[line.fee] += line.net
    assert sum(balances.values()) == 0
    assert all(0 <= net <= 199 for net in fees.values())

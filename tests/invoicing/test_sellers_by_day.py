"""Whose commission it is: who sold by the terms of the day, whoever has the contract since; on both backings."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from domain.commissions.commission import Base, CommissionOn
from domain.contracts.terms import Terms
from domain.period import Period
from tests.invoicing.conftest import NOVEMBER, Office


async def test_a_seller_keeps_what_he_has_sold_when_another_gets_the_contract(office: Office) -> None:
    _, agreed, _ = await office.customer()
    async with office.begin() as unit:
        kept = await unit.contracts.claim(agreed.id)
        kept = await unit.contracts.keep(replace(kept, terms=Terms(seller="anna")))
    await office.bill()
    await office.bill(NOVEMBER)
    async with office.begin() as unit:
        kept = await unit.contracts.claim(agreed.id)
        await unit.contracts.keep(kept.agreed(replace(kept.terms, seller="bo"), None, date(2026, 11, 15)))
    async with office.begin() as unit:
        found = await unit.commissions.invoiced(Period(date(2026, 11, 1), date(2027, 1, 1)))
        begun = await unit.commissions.begun(Period(date(2026, 10, 1), date(2026, 11, 1)))
        sellers = [await unit.commissions.sellers([agreed.id], on=date(2026, 11, day)) for day in (14, 15)]
    fee = Base(
        on=CommissionOn.FEES, day=date(2026, 11, 1), salesperson="anna", reseller=None, count=1,
        amount=Decimal("199.00"),
    )  # fmt: skip
    later = replace(fee, day=date(2026, 12, 1), salesperson="bo")
    assert sorted(found, key=lambda one: one.day) == [fee, later]
    assert [(one.salesperson, one.count) for one in begun] == [("anna", 1)]
    assert sellers == [{agreed.id: ("anna", 0)}, {agreed.id: ("bo", 0)}]

"""What ends or withdraws a charge gives something away, as what adds a discount does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.access.limits import Ceiling, Limits
from domain.invoicing.charge import ChargeKind
from domain.refusal import NotAllowed
from domain.usecases.charge_customer import AddCharge, EndCharge, add_charge, end_charge
from tests.invoicing.conftest import Office


async def test_a_discount_that_lasts_longer_and_a_charge_withdrawn_count_against_the_level(office: Office) -> None:
    customer, *_ = await office.customer()
    around: dict[str, Any] = {"actor": office.actor, "begin": office.world.begin, "clock": office.world.clock}
    ceiling = Ceiling(currency="SEK", each=Decimal(50))
    clerk = around | {"actor": replace(office.actor, limits=Limits(amounts=(ceiling,)))}
    common: dict[str, Any] = {"customer": customer.id, "starts": date(2026, 10, 1), "interval_months": 1}
    off = await add_charge(
        AddCharge(
            kind=ChargeKind.DISCOUNT, text="Off", unit_price=Decimal(10), ends=date(2026, 12, 1), **common
        ),
        **clerk,
    )  # fmt: skip
    for ends in (date(2027, 12, 1), None):
        with pytest.raises(NotAllowed, match="your level"):
            await end_charge(EndCharge(charge=off.id, version=off.version, ends=ends), **clerk)
    shorter = await end_charge(EndCharge(charge=off.id, version=off.version, ends=date(2026, 11, 1)), **clerk)
    assert shorter.ends == date(2026, 11, 1)
    dear = await add_charge(AddCharge(text="Work", unit_price=Decimal(51), **common), **clerk)
    with pytest.raises(NotAllowed, match="your level"):
        await end_charge(EndCharge(charge=dear.id, version=dear.version, withdraw=True), **clerk)
    assert (await end_charge(EndCharge(charge=dear.id, version=dear.version, withdraw=True), **around)).withdrawn_at

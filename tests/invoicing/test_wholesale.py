"""What a reseller buys stands on the invoice of the customer he is billed as; the twin in memory as PostgreSQL does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from domain.money import Amount
from domain.rating.rated_event import Charge
from domain.resellers.reseller import Term
from persistence.memory import MemoryDatabase
from persistence.memory_invoices import UsageRow
from persistence.units import MemoryUnits
from tests.invoicing.conftest import NOVEMBER, Office, event, make_office
from tests.stores import worlds


@pytest.fixture
async def office() -> Office:
    memory = MemoryDatabase()
    return await make_office(MemoryUnits(memory), memory)


async def sold(office: Office, *micro: int, day: int, version: int = 1) -> None:
    """Let a customer of north's use the network on days of October; each event is bought for so much."""
    office.chunks += 1
    database = office.world.database
    assert isinstance(database, MemoryDatabase)
    rows = database.state.tables.setdefault("usage", {})
    (line,) = [one for one in database.state.tables["subscription"].values() if one.reseller is not None]
    for amount in micro:
        office.keys += 1
        one = event(line, datetime(2026, 10, day, 12, tzinfo=UTC), office.keys, office.chunks, 5_000_000)
        bought = Charge(amount=Amount.of_micro(amount, "SEK"), price_list="w", rate=2)
        told = replace(one, tiers=(office.world.north.reseller,), wholesale=(bought,), version=version)
        rows[told.ref] = UsageRow(line.operator, told, "Sverige mobil")


async def test_a_reseller_is_billed_once_from_the_day_he_has_a_customer(office: Office) -> None:
    world = office.world
    buyer, _, _ = await office.customer(name="North as a buyer", start=date(2027, 1, 1))
    async with world.begin(world.north) as unit:
        end = await unit.customers.add(worlds.customer(world.north))
        agreed = await unit.contracts.add(worlds.contract(end, start=date(2026, 10, 1)))
        await unit.subscriptions.add(worlds.subscription(agreed))
    async with world.begin(world.operator) as unit:
        since = datetime(2026, 10, 5, tzinfo=UTC)
        north = world.north.reseller
        assert north is not None
        await unit.resellers.put_term(Term(reseller=north, valid_from=since, customer=buyer.id))
    await sold(office, 9_000_000, day=4)  # before he was to be billed
    await sold(office, 2_000_000, 1_500_000, day=6)
    await office.bill()
    (invoice,) = [one for one in office.invoices if one.customer == buyer.id]
    (line,) = invoice.lines
    assert (line.net, line.events, line.contract, line.subscription) == (Decimal("3.50"), 2, None, None)
    assert invoice.sold_by is None
    assert {one.net for one in office.invoices if one.customer == end.id} == {Decimal("15.00")}
    await office.bill()
    assert office.invoices == []
    await sold(office, 1_000_000, day=7)
    await office.bill(NOVEMBER)
    (late,) = [one for one in office.invoices if one.customer == buyer.id]
    assert late.lines[0].net == Decimal("1.00")

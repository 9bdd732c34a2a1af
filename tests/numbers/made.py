"""Customers with lines and numbers of a made-up operator, for the tests of numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from domain.access.actor import Actor
from domain.contracts.identifiers import IdentifierKind
from domain.contracts.subscription import NumberAssignment, Subscription, SubscriptionKind
from domain.customers.customer import Customer
from domain.numbers.series import NumberKind, NumberSeries
from domain.numbers.stock import NumberStatus
from domain.usecases.add_subscription import AddSubscription, add_subscription
from domain.usecases.create_contract import CreateContract, create_contract
from domain.usecases.create_customer import create_customer
from domain.usecases.find_numbers import get_number
from domain.usecases.manage_series import CreateNumberSeries, create_number_series
from tests.stores.worlds import NOON, World
from tests.usecases.test_customers import new as new_customer

BEGAN = datetime(2026, 2, 1, tzinfo=UTC)
LATER = NOON + timedelta(days=10)
SERIES = ("08-123 456 00", "08-123 456 99")


def by(world: World, actor: Actor | None = None) -> dict[str, Any]:
    return {"actor": actor or world.operator, "begin": world.begin}


def at(world: World, actor: Actor | None = None) -> dict[str, Any]:
    return by(world, actor) | {"clock": world.clock}


def held(
    number: str,
    since: datetime = BEGAN,
    until: datetime | None = None,
    kind: IdentifierKind = IdentifierKind.NUMBER,
) -> NumberAssignment:
    return NumberAssignment(number=number, valid_from=since, valid_to=until, kind=kind)


async def customer(world: World, actor: Actor | None = None) -> Customer:
    return await create_customer(new_customer(), **by(world, actor))


async def line(
    world: World,
    *numbers: NumberAssignment,
    kind: SubscriptionKind = SubscriptionKind.FIXED,
    actor: Actor | None = None,
    of: Customer | None = None,
    pending: bool = False,
) -> Subscription:
    owner = of or await customer(world, actor)
    contract = await create_contract(CreateContract(customer=owner.id, start=date(2026, 1, 1)), **at(world, actor))
    cmd = AddSubscription(contract=contract.id, kind=kind, numbers=numbers, pending=pending)
    return await add_subscription(cmd, **at(world, actor))


async def series(world: World, **fields: Any) -> NumberSeries:
    first, last = SERIES
    values = {"name": "Stockholm", "kind": NumberKind.FIXED, "first_number": first, "last_number": last}
    return await create_number_series(CreateNumberSeries(**(values | {"quarantine_days": 30} | fields)), **by(world))


async def status(world: World, number: str, when: datetime | None = None) -> NumberStatus:
    return (await get_number(number, **by(world))).status_at(when or world.clock.now())

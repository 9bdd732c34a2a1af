"""One made-up world for the stores' and use cases' tests: two operators, a tree of resellers, and who calls."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from domain.access.actor import Action, Actor, system
from domain.contracts.contract import Contract
from domain.contracts.service import Service
from domain.contracts.subscription import Subscription, SubscriptionKind
from domain.customers.customer import Customer, CustomerKind
from domain.ids import ContractId, CustomerId, OperatorId, ResellerId, ServiceId, SubscriptionId
from domain.operators import Address, Operator
from domain.ports.unit import Begin
from domain.resellers.reseller import Reseller

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLACE = Address("Storgatan 1", "111 22", "Stockholm", "SE")
_numbers = itertools.count(1)


class StillClock:
    """A clock that is set by hand."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def pass_by(self, **how_long: float) -> datetime:
        self.at += timedelta(**how_long)
        return self.at


@dataclass
class World:
    """Two operators; under the first one the resellers north (with north-east below him) and south."""

    begin: Begin
    clock: StillClock
    operator: Actor
    other_operator: Actor
    north: Actor
    north_east: Actor
    south: Actor
    database: object = None

    @property
    def callers(self) -> dict[str, Actor]:
        return {
            "operator": self.operator,
            "own": self.north,
            "sibling": self.south,
            "other_operator": self.other_operator,
        }


def operator(code: str) -> Operator:
    return Operator(
        id=OperatorId(0),
        code=code,
        name=f"{code} AB",
        organisation_number="5560360793",
        vat_id="SE556036079301",
        address=PLACE,
    )


async def build(begin: Begin, database: object = None) -> World:
    nobody = system(OperatorId(0), "setup")
    async with begin(nobody, bulk=True) as unit:
        first = await unit.operators.add(operator(f"first-{next(_numbers)}"))
        second = await unit.operators.add(operator(f"second-{next(_numbers)}"))
    boss = system(first.id, "boss")
    async with begin(boss) as unit:
        north = await unit.resellers.add(reseller(first.id, "north"))
        south = await unit.resellers.add(reseller(first.id, "south"))
        east = await unit.resellers.add(reseller(first.id, "north-east", parent=north.id))
    return World(
        begin=begin,
        clock=StillClock(),
        operator=boss,
        other_operator=system(second.id, "stranger"),
        north=agent("north-client", first.id, north.id, east.id),
        north_east=agent("east-client", first.id, east.id),
        south=agent("south-client", first.id, south.id),
        database=database,
    )


def agent(client: str, operator_id: OperatorId, *resellers: ResellerId) -> Actor:
    """A reseller's client with every scope there is; what only the operator may do stays shut all the same."""
    return Actor(
        operator=operator_id, client=client, scopes=frozenset(Action), reseller=resellers[0], resellers=resellers
    )


def reseller(operator_id: OperatorId, code: str, parent: ResellerId | None = None) -> Reseller:
    return Reseller(id=ResellerId(0), operator=operator_id, code=code, name=code.title(), parent=parent)


def customer(actor: Actor, **fields: object) -> Customer:
    values: dict[str, object] = {
        "id": CustomerId(0),
        "operator": actor.operator,
        "number": f"C{next(_numbers)}",
        "kind": CustomerKind.ORGANISATION,
        "name": "Åsö Åkeri AB",
        "address": PLACE,
        "reseller": actor.reseller,
    }
    return Customer(**(values | fields))  # type: ignore[arg-type]  # a table of fields


def service(actor: Actor, **fields: object) -> Service:
    values: dict[str, object] = {
        "id": ServiceId(0),
        "operator": actor.operator,
        "code": f"S{next(_numbers)}",
        "name": "Mobile",
    }
    return Service(**(values | fields))  # type: ignore[arg-type]  # a table of fields


def contract(of: Customer, **fields: object) -> Contract:
    values: dict[str, object] = {
        "id": ContractId(0),
        "operator": of.operator,
        "customer": of.id,
        "number": f"K{next(_numbers)}",
        "start": date(2026, 1, 1),
        "reseller": of.reseller,
    }
    return Contract(**(values | fields))  # type: ignore[arg-type]  # a table of fields


def subscription(of: Contract, **fields: object) -> Subscription:
    values: dict[str, object] = {
        "id": SubscriptionId(0),
        "operator": of.operator,
        "customer": of.customer,
        "contract": of.id,
        "kind": SubscriptionKind.MOBILE,
        "reseller": of.reseller,
    }
    return Subscription(**(values | fields))  # type: ignore[arg-type]  # a table of fields

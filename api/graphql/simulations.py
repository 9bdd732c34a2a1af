"""What a past period would have earned by another tariff."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import key_of, read_number
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import Node, identified
from api.graphql.scalars import BigInt, JsonText
from api.graphql.showing import shows
from domain.catalogue.document import parse_json
from domain.ids import SimulationId
from domain.refusal import BadValue
from domain.rerating.simulation import Simulation
from domain.usecases.get_simulation import get_simulation, list_simulations
from domain.usecases.simulate_tariff import SimulateTariff, simulate_tariff


@strawberry.input(description="What one unit of a currency costs in the operator's, for the whole period.")
class ExchangeInput:
    """One entry of ``SimulateTariff.exchange``."""

    currency: str
    price: Decimal


@strawberry.input(
    description="The traffic with since <= start < until, rated by an open draft of the catalogue, whose prices hold"
    " from the beginning of the period, or by a tariff document of the whole catalogue."
)
class SimulateTariffInput:
    """``SimulateTariff``."""

    since: datetime
    until: datetime
    draft: str | None = strawberry.field(default=None, description="The name of an open draft.")
    document: JsonText | None = None
    exchange: list[ExchangeInput] = strawberry.field(
        default_factory=list, description="For a currency left out: the stored rate of each event's day."
    )
    first: int = 20


@strawberry.type(name="SimulationSide", description="Margin is revenue less cost.")
class SideType:
    """``domain.rerating.simulation.Side``."""

    events: BigInt
    revenue: Decimal
    margin: Decimal


@strawberry.type(name="SimulationRow", description="One of a kind, as it was and as it would have been.")
class ComparedType:
    """``domain.rerating.simulation.Compared``."""

    name: str
    before: SideType
    after: SideType


@strawberry.type(name="Simulation", description="What came of it; nothing but this is stored.")
class SimulationType(Node):
    """``domain.rerating.simulation.Simulation``."""

    id: strawberry.ID = identified()
    client: str
    created_at: datetime
    since: datetime
    until: datetime
    draft: str | None = strawberry.field(description="null: it was a tariff document.")
    currency: str
    events: BigInt
    unpriced: BigInt = strawberry.field(description="Events that would have had no retail price.")
    total: ComparedType
    lists: list[ComparedType]
    destinations: list[ComparedType]
    groups: list[ComparedType] = strawberry.field(description="Customers with everybody below them.")
    customers: list[ComparedType]

    is_type_of = shows(Simulation)


async def _simulate(info: Info, asked: Annotated[SimulateTariffInput, strawberry.argument(name="input")]) -> Any:
    prices = {one.currency: one.price for one in asked.exchange}
    if len(prices) < len(asked.exchange):
        raise BadValue("a currency is given twice", field="exchange")
    cmd = SimulateTariff(
        since=asked.since,
        until=asked.until,
        document=None if asked.document is None else parse_json(asked.document),
        draft=asked.draft,
        exchange=prices,
        first=asked.first,
    )
    wiring = info.context.wiring
    return await info.context.ask(simulate_tariff, cmd, clock=wiring.clock, raters=wiring.raters)


async def _one(info: Info, id: strawberry.ID) -> Any:
    return await info.context.ask(get_simulation, SimulationId(key_of(id, "Simulation", "id")))


async def _all(info: Info, first: int = FIRST_DEFAULT, after: str | None = None) -> Any:
    page = await info.context.ask(list_simulations, request(first, read_number(after, "Simulation")))
    return connect(page, "Simulation", after=after)


@strawberry.type
class SimulationQuery:
    """What would have been."""

    simulate_tariff: SimulationType = strawberry.field(
        resolver=_simulate, description="Rate a past period by another tariff: revenue and margin before and after."
    )
    simulation: SimulationType | None = strawberry.field(resolver=_one, description="A result, as it was told.")
    simulations: Connection[SimulationType] = strawberry.field(resolver=_all, description="Results by their key.")

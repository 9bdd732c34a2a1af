"""What a past period would have earned by another tariff."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql.context import Info
from api.graphql.scalars import BigInt, JsonText
from domain.catalogue.document import parse_json
from domain.refusal import BadValue
from domain.usecases.simulate_tariff import SimulateTariff, simulate_tariff


@strawberry.input(description="What one unit of a currency costs in the operator's.")
class ExchangeInput:
    """One entry of ``SimulateTariff.exchange``."""

    currency: str
    price: Decimal


@strawberry.input(description="The traffic with since <= start < until, and a tariff document of the whole catalogue.")
class SimulateTariffInput:
    """``SimulateTariff``."""

    since: datetime
    until: datetime
    document: JsonText
    exchange: list[ExchangeInput] = strawberry.field(default_factory=list)
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


@strawberry.type(name="Simulation", description="What came of it; nothing of it is stored.")
class SimulationType:
    """``domain.usecases.simulate_tariff.Simulation``."""

    currency: str
    events: BigInt
    unpriced: BigInt = strawberry.field(description="Events that would have had no retail price.")
    total: ComparedType
    lists: list[ComparedType]
    destinations: list[ComparedType]
    groups: list[ComparedType] = strawberry.field(description="Customers with everybody below them.")
    customers: list[ComparedType]


async def _simulate(info: Info, asked: Annotated[SimulateTariffInput, strawberry.argument(name="input")]) -> Any:
    prices = {one.currency: one.price for one in asked.exchange}
    if len(prices) < len(asked.exchange):
        raise BadValue("a currency is given twice", field="exchange")
    cmd = SimulateTariff(
        since=asked.since, until=asked.until, document=parse_json(asked.document), exchange=prices, first=asked.first
    )
    return await info.context.ask(simulate_tariff, cmd, raters=info.context.wiring.raters)


@strawberry.type
class SimulationQuery:
    """What would have been."""

    simulate_tariff: SimulationType = strawberry.field(
        resolver=_simulate, description="Rate a past period by another tariff: revenue and margin before and after."
    )

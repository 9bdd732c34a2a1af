"""Price lists and rates as GraphQL shows them: exact decimals of the list's currency, not scaled integers."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry

from api.graphql.nodes import identified
from api.graphql.scalars import BigInt
from api.graphql.showing import shows
from domain.catalogue.tariff import Adjustment, Rate
from domain.money import Rounding

strawberry.enum(Rounding, name="RoundingMode", description="How a remainder is settled.")


def _money(name: str) -> Any:
    """Return a field that shows nano-units as a decimal."""

    def resolve(root: strawberry.Parent[Any]) -> Decimal | None:
        value = getattr(root, name)
        return None if value is None else Decimal(value).scaleb(-9)

    return resolve


def _percent(root: strawberry.Parent[Adjustment]) -> Decimal | None:
    return None if root.percent is None else Decimal(root.percent).scaleb(-6)


@strawberry.type(name="Step", description="From unit start on: increments of next units at price per per units.")
class StepType:
    """``domain.catalogue.tariff.Step``."""

    start: BigInt
    next: BigInt
    price: Decimal = strawberry.field(resolver=_money("price"), graphql_type=Decimal)
    per: BigInt


@strawberry.type(name="Adjustment", description="A change of each step's price; one of the two is given.")
class AdjustmentType:
    """``domain.catalogue.tariff.Adjustment``."""

    percent: Decimal | None = strawberry.field(resolver=_percent)
    amount: Decimal | None = strawberry.field(resolver=_money("amount"))


@strawberry.type(name="Rate", description="One price of a list, or an adjustment of what its ancestors say.")
class RateType:
    """``domain.catalogue.tariff.Rate``."""

    id: strawberry.ID = identified()
    to: str = strawberry.field(description="A destination, group:NAME or *.")
    origin: str | None
    mode: str
    direction: str
    band: str | None
    zone: str | None
    setup: Decimal = strawberry.field(resolver=_money("setup"), graphql_type=Decimal)
    grace: BigInt
    min_charge: Decimal | None = strawberry.field(resolver=_money("min_charge"))
    max_charge: Decimal | None = strawberry.field(resolver=_money("max_charge"))
    first: BigInt
    steps: list[StepType]
    adjust: AdjustmentType | None
    valid_from: datetime | None
    valid_to: datetime | None
    recorded_at: datetime | None = strawberry.field(description="When this version became known.")

    is_type_of = shows(Rate)


@strawberry.type(name="RoundingRule", description="How an event's amount is rounded.")
class RoundingRuleType:
    """``domain.catalogue.tariff.RoundingRule``."""

    decimals: int
    mode: Rounding

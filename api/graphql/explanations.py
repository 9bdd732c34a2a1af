"""Why a stored event costs what it costs: each level's lists, the rate that decided, and the arithmetic."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import strawberry

from api.graphql.catalogue import RateType
from api.graphql.context import Info
from api.graphql.scalars import BigInt
from api.graphql.usage import UsageType, event_ref
from domain.rating.telling import text
from domain.usecases.explain_usage import ExplainedUsage, explain_usage


def _scaled(name: str, decimals: int) -> Any:
    """Return a field that shows an integer of 10 to the minus ``decimals`` as a decimal."""

    def resolve(root: strawberry.Parent[Any]) -> Decimal:
        return Decimal(getattr(root, name)).scaleb(-decimals)

    return resolve


@strawberry.type(name="ConsideredList", description="A list that was asked, and why it did or did not decide.")
class ConsideredType:
    """``domain.rating.explanation.Considered``."""

    price_list: str
    decided: bool
    why: str


@strawberry.type(name="PricedSegment", description="Units from begin until end at price per per units.")
class SegmentType:
    """``domain.rating.walked.Segment``."""

    begin: BigInt
    end: BigInt
    price_list: str | None
    band: str | None
    price: Decimal = strawberry.field(resolver=_scaled("price", 9), graphql_type=Decimal)
    per: BigInt
    amount: Decimal = strawberry.field(resolver=_scaled("amount", 9), graphql_type=Decimal)


@strawberry.type(name="RingEffect", description="What a discount took or added.")
class RingEffectType:
    """``domain.rating.explanation.Effected``."""

    ring: str
    share: Decimal = strawberry.field(resolver=_scaled("share", 6), graphql_type=Decimal)


@strawberry.type(name="LevelExplained", description="One level: retail, wholesale of a tier, or cost.")
class LevelType:
    """``domain.rating.explanation.LevelExplained``."""

    level: str
    tier: int
    status: str
    currency: str | None
    price_list: str | None
    band: str | None
    rate: RateType | None
    considered: list[ConsideredType]
    billed: BigInt
    setup: Decimal = strawberry.field(resolver=_scaled("setup", 9), graphql_type=Decimal)
    segments: list[SegmentType]
    limit: str | None
    rings: list[RingEffectType]
    amount: Decimal = strawberry.field(resolver=_scaled("amount", 6), graphql_type=Decimal)


def _text(root: strawberry.Parent[ExplainedUsage]) -> str:
    return text(root.explanation)


def _of(name: str) -> Any:
    def resolve(root: strawberry.Parent[ExplainedUsage]) -> Any:
        return getattr(root.explanation, name)

    return resolve


@strawberry.type(
    name="Explanation", description="As it was rated, whatever has changed since; it adds up to the charges."
)
class ExplanationType:
    """``domain.usecases.explain_usage.ExplainedUsage``."""

    event: UsageType
    destination: str | None = strawberry.field(resolver=_of("destination"))
    how: str = strawberry.field(resolver=_of("how"), graphql_type=str, description="What gave the destination.")
    levels: list[LevelType] = strawberry.field(
        resolver=_of("levels"), graphql_type=list[LevelType], description="Those that the caller may see."
    )
    text: str = strawberry.field(resolver=_text, description="The same in English sentences.")


async def _explanation(info: Info, event: strawberry.ID) -> Any:
    return await info.context.ask(explain_usage, event_ref(event), raters=info.context.wiring.raters)


@strawberry.type
class ExplanationQuery:
    """Why."""

    explanation: ExplanationType | None = strawberry.field(resolver=_explanation)

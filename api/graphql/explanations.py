"""Why an event costs what it costs, or is not rated: each level's lists, the rate that decided, and the arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.catalogues.explaining import in_words
from api.graphql.catalogue import RateType, RoundingRuleType
from api.graphql.context import Info
from api.graphql.ids import read_id
from api.graphql.inputs import command
from api.graphql.scalars import BigInt
from api.graphql.usage import PriceCallInput, UsageType, event_ref
from api.languages import told_in
from domain.catalogue.tariff import RoundingRule
from domain.money import MICRO, Rounding, plain
from domain.rating.explanation import Considered, Drawn, Explanation, LevelExplained, Margin
from domain.rating.rated_event import RatedEvent
from domain.telling.language import Language
from domain.telling.text import located_said, reason, text
from domain.usecases.explain_call import explain_call
from domain.usecases.explain_held import explain_held
from domain.usecases.explain_usage import explain_usage
from domain.usecases.price_call import PriceCall

_LANGUAGE = "en, sv, nb, da, fi or de; left out: as Accept-Language says, else the operator's."
_AS_OF = "By the catalogue as it was believed at this instant; left out: as it was rated."


@dataclass(frozen=True, slots=True)
class Told:
    """An explanation, its stored event if there is one, and the language it is told in."""

    explanation: Explanation
    event: RatedEvent | None
    language: Language


@dataclass(frozen=True, slots=True)
class Asked:
    """A list that was asked, on its level of its explanation."""

    considered: Considered
    level: LevelExplained
    told: Told


@dataclass(frozen=True, slots=True)
class Level:
    """A level of an explanation."""

    level: LevelExplained
    told: Told


def _scaled(name: str, decimals: int) -> Any:
    """Return a field that shows an integer of 10 to the minus ``decimals`` as a decimal."""

    def resolve(root: strawberry.Parent[Any]) -> Decimal:
        return Decimal(getattr(root, name)).scaleb(-decimals)

    return resolve


def _within(part: str, name: str) -> Any:
    """Return a field of a part of the root."""

    def resolve(root: strawberry.Parent[Any]) -> Any:
        return getattr(getattr(root, part), name)

    return resolve


def _money(name: str, decimals: int, description: str | None = None) -> Any:
    """Return a field of a level that shows a scaled integer as a decimal."""

    def resolve(root: strawberry.Parent[Level]) -> Decimal:
        return Decimal(getattr(root.level, name)).scaleb(-decimals)

    return strawberry.field(resolver=resolve, graphql_type=Decimal, description=description)


def _of_level(name: str, kind: Any, description: str | None = None) -> Any:
    return strawberry.field(resolver=_within("level", name), graphql_type=kind, description=description)


def _why(root: strawberry.Parent[Asked]) -> str:
    event = root.told.explanation.event
    return reason(root.considered, event.mode, event.direction, root.level.zone, root.told.language)


def _verdict(root: strawberry.Parent[Asked]) -> str:
    return root.considered.verdict.value


@strawberry.type(name="ConsideredList", description="A list of the chain, and why it did or did not decide.")
class ConsideredType:
    """``domain.rating.explanation.Considered``."""

    price_list: str = strawberry.field(resolver=_within("considered", "price_list"), graphql_type=str)
    decided: bool = strawberry.field(resolver=_within("considered", "decided"), graphql_type=bool)
    verdict: str = strawberry.field(
        resolver=_verdict,
        description="decides, adjusts, not_asked, no_list, or where its nearest rate failed: mode, destination, origin,"
        " network, validity, band.",
    )
    why: str = strawberry.field(resolver=_why, description="The same as a sentence.")
    rate: RateType | None = strawberry.field(
        resolver=_within("considered", "rate"),
        graphql_type=RateType | None,
        description="The rate of it that won, else the one that came nearest.",
    )


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


@strawberry.type(name="RingEffect", description="What a discount took or added; share: of the rounded amount.")
class RingEffectType:
    """``domain.rating.explanation.Effected``."""

    ring: str
    before: Decimal = strawberry.field(resolver=_scaled("before", 9), graphql_type=Decimal)
    change: Decimal = strawberry.field(resolver=_scaled("change", 9), graphql_type=Decimal)
    share: Decimal = strawberry.field(resolver=_scaled("share", 6), graphql_type=Decimal)


def _drawn(name: str) -> Any:
    def resolve(root: strawberry.Parent[Drawn]) -> Decimal:
        value = getattr(root, name)
        return Decimal(value).scaleb(-6) if root.unit == "money" else Decimal(value)

    return strawberry.field(resolver=resolve, graphql_type=Decimal)


@strawberry.type(name="BucketDraw", description="What a bucket gave and has left: units, or money of the level.")
class BucketDrawType:
    """``domain.rating.explanation.Drawn``."""

    bucket: str
    unit: str
    amount: Decimal = _drawn("amount")
    left: Decimal = _drawn("left")


def _considered(root: strawberry.Parent[Level]) -> Any:
    return [Asked(one, root.level, root.told) for one in root.level.considered]


def _rounding(root: strawberry.Parent[Level]) -> Any:
    return RoundingRule(decimals=root.level.decimals, mode=Rounding(root.level.mode))


@strawberry.type(name="LevelExplained", description="One level: retail, wholesale of a tier, or cost.")
class LevelType:
    """``domain.rating.explanation.LevelExplained``."""

    level: str = _of_level("level", str)
    tier: int = _of_level("tier", int)
    status: str = _of_level("status", str, "rated, no_rate or overflow.")
    currency: str | None = _of_level("currency", str | None)
    zone: str = _of_level("zone", str, "On whose clock bands are judged.")
    price_list: str | None = _of_level("price_list", str | None)
    band: str | None = _of_level("band", str | None)
    rate: RateType | None = _of_level("rate", RateType | None)
    considered: list[ConsideredType] = strawberry.field(
        resolver=_considered, graphql_type=list[ConsideredType], description="Every list of the chain, nearest first."
    )
    billed: BigInt = _of_level("billed", BigInt)
    billed_before: BigInt = _of_level("before", BigInt, "What earlier parts of the call were billed.")
    from_buckets: BigInt = _of_level("taken", BigInt, "Units that buckets gave.")
    overage: str | None = _of_level("overage", str | None, "The list that prices what buckets could not give.")
    segments: list[SegmentType] = _of_level("segments", list[SegmentType])
    setup: Decimal = _money("setup", 9)
    limit: str | None = _of_level("limit", str | None, "minimum or maximum, where it holds.")
    earlier_parts: Decimal = _money("earlier", 9, "What earlier parts of the call were charged, taken off.")
    charge: Decimal = _money("charge", 9, "Before discounts and rounding.")
    rings: list[RingEffectType] = _of_level("rings", list[RingEffectType])
    rounding: RoundingRuleType = strawberry.field(resolver=_rounding, graphql_type=RoundingRuleType)
    rounded: Decimal = _money("rounded", 6, "Before buckets of money pay.")
    buckets: list[BucketDrawType] = _of_level("buckets", list[BucketDrawType])
    amount: Decimal = _money("amount", 6)


@strawberry.type(name="LevelName", description="A level, and the tier of a wholesale one.")
class LevelNameType:
    """A side of a margin."""

    level: str
    tier: int


def _side(name: str) -> Any:
    def resolve(root: strawberry.Parent[Margin]) -> Any:
        level, tier = getattr(root, name)
        return LevelNameType(level=level, tier=tier)

    return strawberry.field(resolver=resolve, graphql_type=LevelNameType)


def _price(root: strawberry.Parent[Margin]) -> Decimal | None:
    return root.price_told


def _margin_amount(root: strawberry.Parent[Margin]) -> Decimal | None:
    return None if root.amount is None else Decimal(plain(root.amount, MICRO))


@strawberry.type(name="LevelMargin", description="What a level leaves over the one below it.")
class MarginType:
    """``domain.rating.explanation.Margin``."""

    above: LevelNameType = _side("above")
    below: LevelNameType = _side("below")
    currency: str
    amount: Decimal | None = strawberry.field(
        resolver=_margin_amount, description="null where the day's exchange rate is not known."
    )
    price: Decimal | None = strawberry.field(
        resolver=_price, description="What one unit of the currency below costs in currency that day."
    )


def _text(root: strawberry.Parent[Told]) -> str:
    return text(root.explanation, root.language)


def _of(name: str) -> Any:
    return _within("explanation", name)


def _how(root: strawberry.Parent[Told]) -> str:
    return located_said(root.explanation.located, root.language)


def _located(name: str) -> Any:
    def resolve(root: strawberry.Parent[Told]) -> Any:
        return getattr(root.explanation.located, name)

    return resolve


def _levels(root: strawberry.Parent[Told]) -> Any:
    return [Level(level, root) for level in root.explanation.levels]


def _language(root: strawberry.Parent[Told]) -> str:
    return root.language.code


@strawberry.type(
    name="Explanation", description="Why an event costs what it costs, or is not rated; it adds up to the charges."
)
class ExplanationType:
    """``Told``."""

    event: UsageType | None = strawberry.field(description="The rated event; null of one that is held, and of a call.")
    status: str = strawberry.field(
        resolver=_of("status"), graphql_type=str, description="rated, bad_event, no_party or no_destination."
    )
    detail: str | None = strawberry.field(resolver=_of("detail"), graphql_type=str | None)
    destination: str | None = strawberry.field(resolver=_of("destination"), graphql_type=str | None)
    how: str = strawberry.field(resolver=_how, description="What gave the destination, as a sentence.")
    prefix: str | None = strawberry.field(
        resolver=_located("prefix"), graphql_type=str | None, description="The prefix that matched."
    )
    ported_since: datetime | None = strawberry.field(resolver=_located("since"), graphql_type=datetime | None)
    levels: list[LevelType] = strawberry.field(
        resolver=_levels, graphql_type=list[LevelType], description="Those that the caller may see."
    )
    margins: list[MarginType] = strawberry.field(resolver=_of("margins"), graphql_type=list[MarginType])
    language: str = strawberry.field(resolver=_language)
    text: str = strawberry.field(resolver=_text, description="The same in sentences of the language.")


async def _explanation(
    info: Info,
    event: strawberry.ID,
    as_of: Annotated[datetime | None, strawberry.argument(description=_AS_OF)] = None,
    language: Annotated[str | None, strawberry.argument(description=_LANGUAGE)] = None,
) -> Any:
    context, raters = info.context, info.context.wiring.raters
    said = await told_in(language, context.accept_language, wiring=context.wiring, actor=context.actor)
    kind, key = read_id(event)
    if kind == "Suspended":
        held = await context.ask(explain_held, key, raters=raters, believed_at=as_of)
        return Told(in_words(held, said), None, said)
    found = await context.ask(explain_usage, event_ref(event), raters=raters, believed_at=as_of)
    return Told(in_words(found.explanation, said), found.event, said)


async def _explain_call(
    info: Info,
    asked: Annotated[PriceCallInput, strawberry.argument(name="input")],
    language: Annotated[str | None, strawberry.argument(description=_LANGUAGE)] = None,
) -> Any:
    context, wiring = info.context, info.context.wiring
    cmd = command(PriceCall, asked, {"subscription": "Subscription"})
    said = await told_in(language, context.accept_language, wiring=wiring, actor=context.actor)
    return Told(await context.ask(explain_call, cmd, clock=wiring.clock, raters=wiring.raters), None, said)


@strawberry.type
class ExplanationQuery:
    """Why."""

    explanation: ExplanationType | None = strawberry.field(
        resolver=_explanation, description="Of a rated event, or of a record in suspense."
    )
    explain_call: ExplanationType = strawberry.field(
        resolver=_explain_call, description="Of what priceCall says; nothing is kept."
    )

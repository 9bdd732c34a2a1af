"""What the law allows for paying late: its limits, and the rates that interest starts from."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import strawberry

import api.graphql.order_words  # noqa: F401  (names Bar in the schema)
from api.graphql.collection_rules import customer_kind_shown
from api.graphql.context import Info
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.collection.limits import LegalLimit, LimitKind, ReferenceRate
from domain.customers.customer import CustomerKind
from domain.usecases.manage_collection import (
    list_legal_limits,
    list_reference_rates,
    put_legal_limit,
    put_reference_rate,
)

strawberry.enum(LimitKind, name="LegalLimitKind", description="What the law limits.")


@strawberry.type(
    name="LegalLimit", description="What the law allows from a day on; version 0: it came with the program."
)
class LimitType:
    """``domain.collection.limits.LegalLimit``."""

    country: str
    kind: LimitKind
    customer_kind: CustomerKind | None = strawberry.field(resolver=customer_kind_shown)
    valid_from: date
    most: Decimal
    currency: str
    law: str
    source: str
    first_days: int
    between_days: int
    count: int | None
    agreed: bool
    version: int

    is_type_of = shows(LegalLimit)


@strawberry.type(name="ReferenceRate", description="The rate that a country's late interest starts from.")
class RateType:
    """``domain.collection.limits.ReferenceRate``."""

    country: str
    valid_from: date
    percent: Decimal
    source: str
    version: int

    is_type_of = shows(ReferenceRate)


@strawberry.input(description="What the law allows from a day on.")
class PutLegalLimitInput:
    """``LegalLimit``."""

    country: str
    kind: LimitKind
    valid_from: date
    most: Decimal
    currency: str
    law: str
    source: str = ""
    customer_kind: CustomerKind | None = None
    first_days: int = 0
    between_days: int = 0
    count: int | None = None
    agreed: bool = False
    version: int = 0
    idempotency_key: str | None = kept_key()


@strawberry.input(description="A country's reference rate from 1 January or 1 July on, per cent.")
class PutReferenceRateInput:
    """``ReferenceRate``."""

    country: str
    valid_from: date
    percent: Decimal
    source: str = ""
    version: int = 0
    idempotency_key: str | None = kept_key()


async def _limits(info: Info) -> Any:
    return await info.context.ask(list_legal_limits)


async def _rates(info: Info) -> Any:
    return await info.context.ask(list_reference_rates)


async def _put_limit(info: Info, input: PutLegalLimitInput) -> Any:
    same = (
        "country", "kind", "valid_from", "most", "currency", "law", "source", "customer_kind", "first_days",
        "between_days", "count", "agreed", "version",
    )  # fmt: skip
    return await info.context.ask(put_legal_limit, LegalLimit(**{name: getattr(input, name) for name in same}))


async def _put_rate(info: Info, input: PutReferenceRateInput) -> Any:
    same = ("country", "valid_from", "percent", "source", "version")
    return await info.context.ask(put_reference_rate, ReferenceRate(**{name: getattr(input, name) for name in same}))


@strawberry.type
class LegalLimitQuery:
    """The law's tables."""

    legal_limits: list[LimitType] = strawberry.field(
        resolver=_limits, description="What the law allows; of two rows of one day the later one holds."
    )
    reference_rates: list[RateType] = strawberry.field(resolver=_rates)


@strawberry.type
class LegalLimitMutation:
    """Keeping the law's tables."""

    put_legal_limit = strawberry.mutation(resolver=_put_limit, graphql_type=outcome("PutLegalLimitResult", LimitType))
    put_reference_rate = strawberry.mutation(
        resolver=_put_rate, graphql_type=outcome("PutReferenceRateResult", RateType)
    )

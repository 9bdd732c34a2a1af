"""Unusual usage: the rules that find it, and what was found."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql import order_words  # noqa: F401  (the bars' enumeration)
from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.credit_limits import bars_shown
from api.graphql.ids import key_of, read_number
from api.graphql.inputs import command
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified, keyed, owned
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.credit.fraud import FraudAlarm, FraudRule, Measure
from domain.credit.kinds import Kind
from domain.ids import CustomerId, FraudRuleId
from domain.provisioning.order import Bar
from domain.usecases.watch_usage import (
    PutFraudRule,
    list_fraud_rules,
    list_suspicions,
    put_fraud_rule,
    remove_fraud_rule,
)

ID = strawberry.ID
_AS_INPUT = strawberry.argument(name="input")

strawberry.enum(
    Measure, name="FraudMeasure", description="DESTINATION: how many that the line had never called before."
)


@strawberry.type(name="FraudRule", description="More than most of a measure by one line within any window is unusual.")
class FraudRuleType:
    """``domain.credit.fraud.FraudRule``."""

    id: strawberry.ID = identified()
    name: str
    measure: Measure
    most: Decimal
    window_seconds: int
    kind: Kind
    group: str | None
    bars: list[Bar] = strawberry.field(resolver=bars_shown, description="What the line is barred from at once.")
    active: bool
    version: int

    is_type_of = shows(FraudRule)


@strawberry.type(name="FraudSuspicion", description="A line passed a rule: by value, in the window up to lastAt.")
class SuspicionType:
    """``domain.credit.fraud.FraudAlarm``."""

    id: strawberry.ID = identified()
    customer: ID = owned()
    subscription: ID = keyed("Subscription", "subscription", always=True)
    rule: ID = keyed("FraudRule", "rule", always=True)
    value: Decimal
    since: datetime
    last_at: datetime
    seen_at: datetime

    is_type_of = shows(FraudAlarm)


@strawberry.input(description="rule and version: of the rule that is changed; null: a new one.")
class PutFraudRuleInput:
    """``PutFraudRule``."""

    name: str
    measure: Measure
    most: Decimal
    window_seconds: int
    kind: Kind | None = None
    group: str | None = None
    bars: list[Bar] | None = None
    active: bool | None = None
    rule: ID | None = None
    version: int | None = None
    idempotency_key: str | None = kept_key()


@strawberry.input(description="With what was found by it.")
class RemoveFraudRuleInput:
    """What ``remove_fraud_rule`` takes."""

    rule: ID
    version: int
    idempotency_key: str | None = kept_key()


async def _rules(info: Info) -> Any:
    return await info.context.ask(list_fraud_rules)


async def _suspicions(
    info: Info, first: int = FIRST_DEFAULT, after: str | None = None, customer: ID | None = None
) -> Any:
    whose = None if customer is None else CustomerId(key_of(customer, "Customer", "customer"))
    page = await info.context.ask(list_suspicions, request(first, read_number(after, "FraudSuspicion")), customer=whose)
    return connect(page, "FraudSuspicion", after=after)


async def _put_rule(info: Info, asked: Annotated[PutFraudRuleInput, _AS_INPUT]) -> Any:
    cmd = command(PutFraudRule, asked, {"rule": "FraudRule"})
    return await info.context.ask(put_fraud_rule, cmd, clock=info.context.wiring.clock)


async def _remove_rule(info: Info, asked: Annotated[RemoveFraudRuleInput, _AS_INPUT]) -> Any:
    key = FraudRuleId(key_of(asked.rule, "FraudRule", "rule"))
    return await info.context.ask(remove_fraud_rule, key, asked.version)


@strawberry.type
class FraudQuery:
    """Rules about unusual usage, and what they found."""

    fraud_rules: list[FraudRuleType] = strawberry.field(resolver=_rules, description="About unusual usage, by name.")
    fraud_suspicions: Connection[SuspicionType] = strawberry.field(resolver=_suspicions)


@strawberry.type
class FraudMutation:
    """Keeping the rules."""

    put_fraud_rule = strawberry.mutation(
        resolver=_put_rule,
        graphql_type=outcome("PutFraudRuleResult", FraudRuleType),
        description="Keep a rule about unusual usage; it is for usage that comes from then on.",
    )
    remove_fraud_rule = strawberry.mutation(
        resolver=_remove_rule, graphql_type=outcome("RemoveFraudRuleResult", FraudRuleType)
    )

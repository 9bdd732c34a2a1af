"""The rules of collection: which steps follow a due date."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import strawberry

import api.graphql.order_words  # noqa: F401  (names Bar in the schema)
from api.graphql.context import Info
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.collection.rules import Channel, CollectionRule, CollectionStep, StepKind
from domain.customers.customer import CustomerKind
from domain.ids import CollectionRuleId, OperatorId
from domain.provisioning.order import Bar
from domain.usecases.manage_collection import (
    list_collection_rules,
    put_collection_rule,
)

strawberry.enum(StepKind, name="CollectionStepKind", description="What a step does.")
strawberry.enum(Channel, name="CollectionChannel", description="How the payer is told.")


@strawberry.type(name="CollectionStep", description="A step of a rule, so many days after the due date.")
class StepType:
    """``domain.collection.rules.CollectionStep``."""

    kind: StepKind
    days: int
    fee: Decimal
    compensation: Decimal
    interest: bool
    channel: Channel
    bars: list[Bar]

    is_type_of = shows(CollectionStep)


def customer_kind_shown(root: strawberry.Parent[Any]) -> CustomerKind | None:
    """Resolve which kind of customer something is for, null: any."""
    found: CustomerKind | None = root.customer_kind
    return found


def _group(root: strawberry.Parent[CollectionRule]) -> str | None:
    return root.member_group


@strawberry.type(name="CollectionRule", description="Which steps follow a due date, of invoices issued from a day on.")
class RuleType:
    """``domain.collection.rules.CollectionRule``."""

    name: str
    currency: str
    valid_from: date
    country: str | None
    customer_kind: CustomerKind | None = strawberry.field(resolver=customer_kind_shown)
    group: str | None = strawberry.field(resolver=_group)
    steps: list[StepType]
    fees_agreed: bool
    minimum: Decimal
    pay_days: int
    agency: str | None
    active: bool
    version: int

    is_type_of = shows(CollectionRule)


@strawberry.input(name="CollectionStepInput")
class StepInput:
    """``CollectionStep``."""

    kind: StepKind
    days: int
    fee: Decimal = Decimal(0)
    compensation: Decimal = Decimal(0)
    interest: bool = False
    channel: Channel = Channel.LETTER
    bars: list[Bar] = strawberry.field(default_factory=list)


@strawberry.input(description="A new rule, or with version the whole of the one with this name and first day.")
class PutCollectionRuleInput:
    """``CollectionRule``."""

    name: str
    currency: str
    valid_from: date
    steps: list[StepInput]
    country: str | None = None
    customer_kind: CustomerKind | None = None
    group: str | None = None
    fees_agreed: bool = strawberry.field(default=False, description="The customers' terms say that reminders cost.")
    minimum: Decimal = Decimal(0)
    pay_days: int = 10
    agency: str | None = None
    active: bool = True
    version: int = 0
    idempotency_key: str | None = kept_key()


async def _rules(info: Info) -> Any:
    return await info.context.ask(list_collection_rules)


async def _put_rule(info: Info, input: PutCollectionRuleInput) -> Any:
    steps = tuple(
        CollectionStep(
            kind=step.kind,
            days=step.days,
            fee=step.fee,
            compensation=step.compensation,
            interest=step.interest,
            channel=step.channel,
            bars=tuple(step.bars),
        )
        for step in input.steps
    )
    same = (
        "name", "currency", "valid_from", "country", "customer_kind", "fees_agreed", "minimum", "pay_days", "agency",
        "active", "version",
    )  # fmt: skip
    rule = CollectionRule(
        id=CollectionRuleId(0),
        operator=OperatorId(0),
        steps=steps,
        member_group=input.group,
        **{name: getattr(input, name) for name in same},
    )
    return await info.context.ask(put_collection_rule, rule, clock=info.context.wiring.clock)


@strawberry.type
class CollectionRuleQuery:
    """What collection follows."""

    collection_rules: list[RuleType] = strawberry.field(resolver=_rules)


@strawberry.type
class CollectionRuleMutation:
    """Keeping rules."""

    put_collection_rule = strawberry.mutation(
        resolver=_put_rule,
        graphql_type=outcome("PutCollectionRuleResult", RuleType),
        description="More than the law allows is refused, with the law's name.",
    )

"""Credit limits, what is used of them, and what is set by hand instead."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql import order_words  # noqa: F401  (the bars' enumeration)
from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import global_id, key_of, read_number
from api.graphql.inputs import command
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified, keyed, owned
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.credit.kinds import Kind
from domain.credit.limit import CreditLimit, CreditOverride, shown
from domain.ids import CreditOverrideId, CustomerId
from domain.provisioning.order import Bar
from domain.usecases.limit_credit import (
    Exposure,
    OverrideCredit,
    RemoveCreditLimit,
    SetCreditLimit,
    end_override,
    list_credit_limits,
    override_credit,
    remove_credit_limit,
    set_credit_limit,
    show_credit,
)
from domain.usecases.top_up_credit import TopUpCredit, top_up_credit

ID = strawberry.ID
_AS_INPUT = strawberry.argument(name="input")
_KEYS = {"customer": "Customer", "subscription": "Subscription"}

strawberry.enum(Kind, name="CreditKind", description="Which usage is counted: ALL of it, or some alone.")


def amount_shown(name: str) -> Any:
    """Return a resolver of an attribute that counts in micro-units, shown as an amount."""

    def resolve(root: strawberry.Parent[Any]) -> Decimal | None:
        value = getattr(root, name)
        return None if value is None else shown(value)

    return resolve


def bars_shown(root: strawberry.Parent[Any]) -> list[Bar]:
    """Resolve what lines are barred from."""
    return list(root.bars)


def _warn_at(root: strawberry.Parent[CreditLimit]) -> list[int]:
    return list(root.warn_at)


@strawberry.type(
    name="CreditLimit",
    description="How much may be owed and used: by a line, a customer, each of a group, or each of the operator.",
)
class CreditLimitType:
    """``domain.credit.limit.CreditLimit``."""

    id: strawberry.ID = identified()
    customer: ID | None = keyed("Customer", "customer")
    subscription: ID | None = keyed("Subscription", "subscription")
    group: str | None
    each_line: bool = strawberry.field(description="Of a group or the operator: for each line, not each customer.")
    kind: Kind
    amount: Decimal = strawberry.field(resolver=amount_shown("amount"), graphql_type=Decimal)
    hard: bool = strawberry.field(description="Nothing is authorised beyond it.")
    warn_at: list[int] = strawberry.field(resolver=_warn_at, description="Per cents that are told once each.")
    bars: list[Bar] = strawberry.field(resolver=bars_shown, description="What lines are barred from beyond it.")
    grace_amount: Decimal = strawberry.field(resolver=amount_shown("grace_amount"), graphql_type=Decimal)
    grace_days: int
    mail: bool = strawberry.field(description="The customer is told by e-mail.")
    sms: bool = strawberry.field(description="The customer is told by text message.")
    version: int

    is_type_of = shows(CreditLimit)


@strawberry.type(name="CreditOverride", description="What was set by hand instead of limits; amount null: no limit.")
class CreditOverrideType:
    """``domain.credit.limit.CreditOverride``."""

    id: strawberry.ID = identified()
    customer: ID = owned()
    subscription: ID | None = keyed("Subscription", "subscription")
    kind: Kind | None = strawberry.field(description="null: every kind.")
    amount: Decimal | None = strawberry.field(resolver=amount_shown("amount"), graphql_type=Decimal | None)
    reason: str
    client: str
    made_at: datetime
    until: datetime | None
    ended_at: datetime | None

    is_type_of = shows(CreditOverride)


@strawberry.type(name="KindExposure", description="What is used of one kind, and the limit that holds.")
class KindExposureType:
    """``domain.usecases.limit_credit.KindExposure``."""

    kind: Kind
    unbilled: Decimal
    reserved: Decimal = strawberry.field(description="Set aside for calls that are going on, or not yet recorded.")
    used: Decimal = strawberry.field(description="Both, and of ALL of a customer what he owes.")
    limit: CreditLimitType | None
    amount: Decimal | None = strawberry.field(description="What holds: the limit's, or one set by hand; null: none.")
    left: Decimal | None
    percent: int | None


@strawberry.type(name="Exposure", description="What a customer, or one line of his, has used of his limits.")
class ExposureType:
    """``domain.usecases.limit_credit.Exposure``."""

    customer: ID = owned()
    subscription: ID | None = keyed("Subscription", "subscription")
    currency: str
    owed: Decimal = strawberry.field(description="By the ledger, less credit and what is disputed; of a line 0.")
    kinds: list[KindExposureType]
    watched: bool = strawberry.field(description="Kept up to date as usage comes; else it was added up just now.")
    bars: list[Bar] = strawberry.field(resolver=bars_shown, description="What was barred for a limit.")
    overrides: list[CreditOverrideType]

    is_type_of = shows(Exposure)


@strawberry.input(
    description="Of one subscription, one customer, each customer of a group, or (none of them) each of the operator."
)
class SetCreditLimitInput:
    """``SetCreditLimit``."""

    amount: Decimal
    kind: Kind | None = None
    customer: ID | None = None
    subscription: ID | None = None
    group: str | None = None
    each_line: bool | None = None
    hard: bool | None = None
    warn_at: list[int] | None = None
    bars: list[Bar] | None = strawberry.field(default=None, description="null: what fits the kind, of a hard limit.")
    grace_amount: Decimal | None = None
    grace_days: int | None = None
    mail: bool | None = None
    sms: bool | None = None
    version: int | None = strawberry.field(default=None, description="Of the limit that is changed; null: a new one.")
    idempotency_key: str | None = None


@strawberry.input(description="Whoever it held for has the next one that covers him, or none.")
class RemoveCreditLimitInput:
    """``RemoveCreditLimit``."""

    limit: ID
    version: int
    idempotency_key: str | None = kept_key()


@strawberry.input(description="amount null: no limit, so that nobody is barred; until null: for good.")
class OverrideCreditInput:
    """``OverrideCredit``."""

    customer: ID
    reason: str
    subscription: ID | None = None
    kind: Kind | None = None
    amount: Decimal | None = None
    until: datetime | None = None
    idempotency_key: str | None = None


@strawberry.input(description="The limits hold again.")
class EndCreditOverrideInput:
    """What ``end_override`` takes."""

    override: ID
    idempotency_key: str | None = kept_key()


@strawberry.input(
    description="Money that was paid for somebody who pays before he calls. reference: it is booked once."
)
class TopUpCreditInput:
    """``TopUpCredit``."""

    customer: ID
    amount: Decimal
    reference: str
    idempotency_key: str | None = kept_key()


@strawberry.type(name="ToppedUp", description="What the customer has to his credit now.")
class ToppedUpType:
    """The answer to a top-up."""

    customer: ID
    credit: Decimal


async def _set_limit(info: Info, asked: Annotated[SetCreditLimitInput, _AS_INPUT]) -> Any:
    return await info.context.ask(
        set_credit_limit, command(SetCreditLimit, asked, _KEYS), clock=info.context.wiring.clock
    )


async def _remove_limit(info: Info, asked: Annotated[RemoveCreditLimitInput, _AS_INPUT]) -> Any:
    cmd = command(RemoveCreditLimit, asked, {"limit": "CreditLimit"})
    return await info.context.ask(remove_credit_limit, cmd, clock=info.context.wiring.clock)


async def _override(info: Info, asked: Annotated[OverrideCreditInput, _AS_INPUT]) -> Any:
    return await info.context.ask(
        override_credit, command(OverrideCredit, asked, _KEYS), clock=info.context.wiring.clock
    )


async def _end_override(info: Info, asked: Annotated[EndCreditOverrideInput, _AS_INPUT]) -> Any:
    key = CreditOverrideId(key_of(asked.override, "CreditOverride", "override"))
    return await info.context.ask(end_override, key, clock=info.context.wiring.clock)


async def _top_up(info: Info, asked: Annotated[TopUpCreditInput, _AS_INPUT]) -> Any:
    cmd = command(TopUpCredit, asked, _KEYS)
    credit = await info.context.ask(top_up_credit, cmd, clock=info.context.wiring.clock)
    return ToppedUpType(customer=ID(global_id("Customer", cmd.customer)), credit=credit)


async def _exposures(info: Info, customer: ID) -> Any:
    key = CustomerId(key_of(customer, "Customer", "customer"))
    return await info.context.ask(show_credit, key, clock=info.context.wiring.clock)


async def _limits(info: Info, first: int = FIRST_DEFAULT, after: str | None = None, customer: ID | None = None) -> Any:
    whose = None if customer is None else CustomerId(key_of(customer, "Customer", "customer"))
    page = await info.context.ask(list_credit_limits, request(first, read_number(after, "CreditLimit")), customer=whose)
    return connect(page, "CreditLimit", after=after)


@strawberry.type
class CreditLimitQuery:
    """Limits, and what is used of them."""

    exposures: list[ExposureType] = strawberry.field(
        resolver=_exposures, description="Of a customer, and of those lines of his that a limit of lines covers."
    )
    credit_limits: Connection[CreditLimitType] = strawberry.field(resolver=_limits)


@strawberry.type
class CreditLimitMutation:
    """Setting limits."""

    set_credit_limit = strawberry.mutation(
        resolver=_set_limit,
        graphql_type=outcome("SetCreditLimitResult", CreditLimitType),
        description="Set a limit, or change the one there is. More credit counts against the level's ceiling.",
    )
    remove_credit_limit = strawberry.mutation(
        resolver=_remove_limit, graphql_type=outcome("RemoveCreditLimitResult", CreditLimitType)
    )
    override_credit = strawberry.mutation(
        resolver=_override,
        graphql_type=outcome("OverrideCreditResult", CreditOverrideType),
        description="Set by hand what holds instead of limits. Bars that it leaves no reason for are lifted.",
    )
    end_credit_override = strawberry.mutation(
        resolver=_end_override, graphql_type=outcome("EndCreditOverrideResult", CreditOverrideType)
    )
    top_up_credit = strawberry.mutation(resolver=_top_up, graphql_type=outcome("TopUpCreditResult", ToppedUpType))

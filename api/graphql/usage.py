"""Rated events, what each level pays for them, and what a call would cost."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql.connections import Connection, connect, size
from api.graphql.context import Info
from api.graphql.ids import global_id, key_of, read_cursor, read_id
from api.graphql.inputs import command
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import Node
from api.graphql.parties import ContractType, CustomerType, SubscriptionType
from api.graphql.scalars import BigInt
from api.graphql.showing import shows
from domain.ids import ContractId, CustomerId, SubscriptionId
from domain.ports.page import Page
from domain.rating.rated_event import EventRef, RatedEvent
from domain.refusal import NotFound
from domain.usecases.get_usage import get_usage
from domain.usecases.list_usage import ListUsage, list_usage, sum_usage
from domain.usecases.price_call import PriceCall, Quote, price_call

ID = strawberry.ID
_HIDDEN = "null where there is none, or the caller may not see it."


@strawberry.type(name="Money", description="An exact amount in one currency.")
class MoneyType:
    """``domain.money.Amount``."""

    value: Decimal
    currency: str


@strawberry.type(name="Charge", description="What one level pays, by which list and version of a rate.")
class ChargeType:
    """``domain.rating.rated_event.Charge``."""

    amount: MoneyType
    price_list: str
    rate: BigInt = strawberry.field(description="The key of the rate's version.")


def _margin(root: strawberry.Parent[RatedEvent]) -> Any:
    """Return what the operator keeps: what his outermost reseller or the customer pays him, less what he pays."""
    if root.cost is None:
        return None
    paid = root.wholesale[0] if root.wholesale else root.retail
    return paid.amount - root.cost.amount if paid.amount.currency == root.cost.amount.currency else None


def _usage_id(root: strawberry.Parent[RatedEvent]) -> ID:
    return ID(global_id("Usage", root.ref))


async def _customer(root: strawberry.Parent[RatedEvent], info: Info) -> Any:
    return await info.context.load.customers.load(root.customer)


async def _contract(root: strawberry.Parent[RatedEvent], info: Info) -> Any:
    return await info.context.load.contracts.load(root.contract)


async def _subscription(root: strawberry.Parent[RatedEvent], info: Info) -> Any:
    return await info.context.load.subscriptions.load(root.subscription)


@strawberry.type(name="Usage", description="One rated event: a call, a message, a data session.")
class UsageType(Node):
    """``domain.rating.rated_event.RatedEvent``."""

    id: ID = strawberry.field(resolver=_usage_id)
    start: datetime
    mode: str
    direction: str
    a: str = strawberry.field(description="Who called, E.164 digits where the number is one.")
    b: str
    destination: str
    used: BigInt = strawberry.field(description="Seconds, messages or kB.")
    billed: BigInt
    reference: str
    leg: str
    trunk: str | None
    cause: str | None
    visited: str | None
    flags: list[str] = strawberry.field(description="What a person may want to know of it, such as incomplete.")
    customer: CustomerType = strawberry.field(resolver=_customer)
    contract: ContractType = strawberry.field(resolver=_contract)
    subscription: SubscriptionType = strawberry.field(resolver=_subscription)
    retail: ChargeType
    wholesale: list[ChargeType] = strawberry.field(description="One per reseller tier that the caller may see.")
    cost: ChargeType | None = strawberry.field(description=f"What the operator pays; {_HIDDEN}")
    margin: MoneyType | None = strawberry.field(resolver=_margin, description=f"What the operator keeps; {_HIDDEN}")

    is_type_of = shows(RatedEvent)


@strawberry.type(name="UsageTotal", description="Events of one destination, mode and currency added up.")
class UsageTotalType:
    """One row of ``sum_usage``."""

    destination: str
    mode: str
    events: BigInt
    used: BigInt
    billed: BigInt
    retail: MoneyType


@strawberry.type(name="Quote", description="What a call would cost, by the prices as they are; nothing is kept.")
class QuoteType:
    """``domain.usecases.price_call.Quote``."""

    at: datetime
    destination: str | None
    billed: BigInt
    reason: str | None = strawberry.field(description="Why there is no retail price.")
    retail: ChargeType | None
    wholesale: list[ChargeType]
    cost: ChargeType | None = strawberry.field(description=f"What the operator would pay; {_HIDDEN}")

    is_type_of = shows(Quote)


@strawberry.input(description="A period, the start in it and the end not, and whose events; null: of any.")
class UsageFilterInput:
    """``ListUsage``."""

    since: datetime
    until: datetime
    customer: ID | None = None
    contract: ID | None = None
    subscription: ID | None = None


@strawberry.input(description="A call from the subscription to number, now where no time is given.")
class PriceCallInput:
    """``PriceCall``."""

    subscription: ID
    number: str
    at: datetime | None = None
    used: BigInt | None = None
    mode: str | None = None
    direction: str | None = None
    trunk: str | None = None
    visited: str | None = None
    believed_at: datetime | None = strawberry.field(
        default=None, description="By the catalogue as it was believed at this instant."
    )


def event_ref(text: str) -> EventRef:
    """Return the event that a global id names. Refuses with: NotFound."""
    kind, key = read_id(text)
    if kind != "Usage":
        raise NotFound("there is no Usage with this id", field="id")
    return EventRef.read(key)


async def _usage(
    info: Info,
    wanted: Annotated[UsageFilterInput, strawberry.argument(name="filter")],
    first: int = FIRST_DEFAULT,
    after: str | None = None,
) -> Any:
    behind = read_cursor(after, "Usage")
    query = _query(wanted, size(first), EventRef.read(behind) if behind else None)
    page = await info.context.ask(list_usage, query)
    return connect(Page(page.items, page.more), "Usage", after=after, key=lambda event: event.ref)


async def _one(info: Info, id: ID) -> Any:
    return await info.context.ask(get_usage, event_ref(id))


async def _totals(info: Info, wanted: Annotated[UsageFilterInput, strawberry.argument(name="filter")]) -> Any:
    return await info.context.ask(sum_usage, _query(wanted, 1, None))


async def _price_call(info: Info, asked: Annotated[PriceCallInput, strawberry.argument(name="input")]) -> Any:

    cmd = command(PriceCall, asked, {"subscription": "Subscription"})
    wiring = info.context.wiring
    return await info.context.ask(price_call, cmd, clock=wiring.clock, raters=wiring.raters)


def _query(wanted: UsageFilterInput, first: int, after: EventRef | None) -> ListUsage:
    return ListUsage(
        since=wanted.since,
        until=wanted.until,
        customer=CustomerId(key_of(wanted.customer, "Customer", "customer")) if wanted.customer else None,
        contract=ContractId(key_of(wanted.contract, "Contract", "contract")) if wanted.contract else None,
        subscription=(
            SubscriptionId(key_of(wanted.subscription, "Subscription", "subscription")) if wanted.subscription else None
        ),
        first=first,
        after=after,
    )


@strawberry.type
class UsageQuery:
    """What was used and what it costs."""

    usage: Connection[UsageType] = strawberry.field(resolver=_usage, description="In the order of their start.")
    event: UsageType | None = strawberry.field(resolver=_one)
    usage_totals: list[UsageTotalType] = strawberry.field(resolver=_totals)
    price_call: QuoteType = strawberry.field(resolver=_price_call)

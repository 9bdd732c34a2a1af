"""What buckets have left, and the groups that discounts tell customers apart by."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.graphql.context import Info
from api.graphql.ids import global_id, key_of
from api.graphql.inputs import given
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.customers.group import Membership
from domain.ids import ContractId, CustomerId, SubscriptionId
from domain.usecases.group_customers import JoinGroup, LeaveGroup, join_group, leave_group, list_groups
from domain.usecases.list_allowances import AllowanceLeft, ListAllowances, list_allowances

ID = strawberry.ID


def _owner(root: strawberry.Parent[AllowanceLeft]) -> ID:
    kind, _, key = root.owner.partition(":")
    return ID(global_id(kind.title(), key))


@strawberry.type(name="Allowance", description="granted = used + lost + left, where no more was used than granted.")
class AllowanceType:
    """``domain.usecases.list_allowances.AllowanceLeft``."""

    bucket: str = strawberry.field(description="Its id in the catalogue.")
    owner: ID = strawberry.field(resolver=_owner, description="The subscription, contract or customer that has it.")
    owner_name: str = strawberry.field(
        resolver=lambda root: root.owner, description="The owner as a tariff document names it, such as contract:9."
    )
    unit: str = strawberry.field(description="seconds, messages, kB or money")
    currency: str | None = strawberry.field(description="Of money; null: that of the retail list of who draws.")
    since: datetime
    until: datetime = strawberry.field(description="When the period it was granted for ends.")
    ends: datetime = strawberry.field(description="When it serves no more; after until where it rolls over.")
    granted: Decimal
    used: Decimal
    lost: Decimal = strawberry.field(description="What passed the rollover's cap.")
    given: Decimal = strawberry.field(description="Away to other subscriptions.")
    left: Decimal
    grant: ID | None = strawberry.field(
        resolver=lambda root: None if root.grant is None else ID(global_id("Grant", root.grant)),
        description="The grant beside plans that it is; null: a plan's.",
    )
    cap: Decimal | None = strawberry.field(description="What one line may take of it at most.")
    used_by_line: Decimal | None = strawberry.field(
        description="Of what is capped: what the subscription that was asked for has taken."
    )

    is_type_of = shows(AllowanceLeft)


@strawberry.type(name="GroupMembership", description="The customer is in the group in [validFrom, validTo).")
class MembershipType:
    """``domain.customers.group.Membership``."""

    name: str
    valid_from: datetime
    valid_to: datetime | None

    is_type_of = shows(Membership)


@strawberry.type(name="GroupMemberships", description="Every membership of a customer, past ones too.")
class MembershipsType:
    """What joining and leaving answer with."""

    memberships: list[MembershipType]


@strawberry.input(description="validTo left out: until the customer leaves.")
class JoinGroupInput:
    """``JoinGroup``."""

    customer: ID
    name: str
    valid_from: datetime
    valid_to: datetime | None = None
    version: int | None = strawberry.field(
        default=None, description="That of the groups that were read, groupsVersion; left out: whatever it is."
    )
    idempotency_key: str | None = kept_key()


@strawberry.input(description="No longer in the group from at on; a membership that would have begun later goes.")
class LeaveGroupInput:
    """``LeaveGroup``."""

    customer: ID
    name: str
    at: datetime
    version: int | None = strawberry.field(
        default=None, description="That of the groups that were read, groupsVersion; left out: whatever it is."
    )
    idempotency_key: str | None = kept_key()


async def _allowances(
    info: Info,
    customer: ID | None = None,
    contract: ID | None = None,
    subscription: ID | None = None,
    at: datetime | None = None,
) -> Any:
    cmd = ListAllowances(
        customer=None if customer is None else CustomerId(key_of(customer, "Customer", "customer")),
        contract=None if contract is None else ContractId(key_of(contract, "Contract", "contract")),
        subscription=None
        if subscription is None
        else SubscriptionId(key_of(subscription, "Subscription", "subscription")),
        at=at,
    )
    wiring = info.context.wiring
    return await info.context.ask(list_allowances, cmd, clock=wiring.clock, raters=wiring.raters)


async def _groups(info: Info, customer: ID) -> Any:
    return await info.context.ask(list_groups, CustomerId(key_of(customer, "Customer", "customer")))


async def _join(info: Info, asked: Annotated[JoinGroupInput, strawberry.argument(name="input")]) -> Any:
    fields = given(asked) | {"customer": CustomerId(key_of(asked.customer, "Customer", "customer"))}
    found = await info.context.ask(join_group, JoinGroup(**fields))
    return MembershipsType(memberships=found)


async def _leave(info: Info, asked: Annotated[LeaveGroupInput, strawberry.argument(name="input")]) -> Any:
    fields = given(asked) | {"customer": CustomerId(key_of(asked.customer, "Customer", "customer"))}
    found = await info.context.ask(leave_group, LeaveGroup(**fields))
    return MembershipsType(memberships=found)


@strawberry.type
class AllowanceQuery:
    """Buckets and groups."""

    allowances: list[AllowanceType] = strawberry.field(
        resolver=_allowances,
        description="What buckets have left, as of the last event that was rated, in the order of drawing; of a"
        " customer, a contract or a subscription, exactly one of them.",
    )
    customer_groups: list[MembershipType] = strawberry.field(resolver=_groups)


@strawberry.type
class GroupMutation:
    """Groups that discounts go by."""

    join_group = strawberry.mutation(resolver=_join, graphql_type=outcome("JoinGroupResult", MembershipsType))
    leave_group = strawberry.mutation(resolver=_leave, graphql_type=outcome("LeaveGroupResult", MembershipsType))

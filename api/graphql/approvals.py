"""Four eyes: what waits for a second person, and his decision."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from api.carrying import carrier
from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import key_of, read_number
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified
from api.graphql.once import kept_key
from api.graphql.refusals import outcome
from api.graphql.scalars import JsonText
from api.graphql.showing import shows
from domain.access.approval import Approval, ApprovalKind, ApprovalRule, ApprovalRules, ApprovalState
from domain.ids import ApprovalId
from domain.usecases.decide_approval import (
    DecideApproval,
    SetApprovalRules,
    decide_approval,
    get_approval,
    get_approval_rules,
    list_approvals,
    set_approval_rules,
    withdraw_approval,
)

ID = strawberry.ID

strawberry.enum(
    ApprovalKind,
    description="PRICES: putting prices into force. CREDIT: giving money or units away. BILL_RUN. PAYOUT: commissions."
    " PERIOD: opening a locked month. DEBIT: giving a file of direct debits to a bank.",
)
strawberry.enum(ApprovalState)


def _command(root: strawberry.Parent[Approval]) -> JsonText:
    return JsonText(json.dumps(root.command, ensure_ascii=False, sort_keys=True))


def _state(root: strawberry.Parent[Approval], info: Info) -> ApprovalState:
    return root.state_at(info.context.wiring.clock.now())


@strawberry.type(name="Approval", description="Something that one person asked for and another decides on.")
class ApprovalType:
    """``domain.access.approval.Approval``."""

    id: ID = identified()
    kind: ApprovalKind
    operation: str
    command: JsonText = strawberry.field(resolver=_command, description="What was asked for, as an object.")
    amount: Decimal | None = strawberry.field(description="In currency, where it has one.")
    currency: str | None = strawberry.field(description="null: the operator's own.")
    asker: str = strawberry.field(description="Who asked: user:12, or client:tw_x.")
    asked_at: datetime
    expires_at: datetime
    state: ApprovalState = strawberry.field(resolver=_state)
    decider: str | None
    decided_at: datetime | None
    reason: str
    fault: str | None = strawberry.field(description="Why it could not be done.")
    carried_out_at: datetime | None
    version: int

    is_type_of = shows(Approval)


@strawberry.type(name="ApprovalRule", description="This kind needs a second person; above an amount, or always.")
class ApprovalRuleType:
    """``domain.access.approval.ApprovalRule``."""

    kind: ApprovalKind
    above: Decimal | None

    is_type_of = shows(ApprovalRule)


@strawberry.type(name="ApprovalRules", description="What needs a second person; the rest one does alone.")
class ApprovalRulesType:
    """``domain.access.approval.ApprovalRules``."""

    rules: list[ApprovalRuleType] = strawberry.field(resolver=lambda root: list(root.rules))
    version: int

    is_type_of = shows(ApprovalRules)


@strawberry.input(description="above: for a CREDIT of more than this alone.")
class ApprovalRuleInput:
    """``domain.access.approval.ApprovalRule``."""

    kind: ApprovalKind
    above: Decimal | None = None


@strawberry.input(description="All the rules there will be. Here they only become stricter.")
class SetApprovalRulesInput:
    """``SetApprovalRules``."""

    version: int
    rules: list[ApprovalRuleInput]
    idempotency_key: str | None = kept_key()


@strawberry.input(description="approve: false says no, and wants a reason.")
class DecideApprovalInput:
    """``DecideApproval``."""

    approval: ID
    version: int
    approve: bool
    reason: str | None = None
    idempotency_key: str | None = kept_key()


def _key(text: str, field: str) -> ApprovalId:
    return ApprovalId(key_of(text, "Approval", field))


async def _approvals(
    info: Info, first: int = FIRST_DEFAULT, after: str | None = None, state: ApprovalState | None = None
) -> Any:
    page = await info.context.ask(list_approvals, request(first, read_number(after, "Approval")), state=state)
    return connect(page, "Approval", after=after)


async def _approval(info: Info, id: ID) -> Any:
    return await info.context.ask(get_approval, _key(id, "id"))


async def _rules(info: Info) -> Any:
    return await info.context.ask(get_approval_rules)


async def _decide(info: Info, asked: Annotated[DecideApprovalInput, strawberry.argument(name="input")]) -> Any:
    wiring = info.context.wiring
    cmd = DecideApproval(
        approval=_key(asked.approval, "approval"),
        version=asked.version,
        approve=asked.approve,
        reason=asked.reason or "",
    )
    return await info.context.ask(decide_approval, cmd, clock=wiring.clock, carry=carrier(wiring))


async def _withdraw(info: Info, approval: ID, version: int) -> Any:
    clock = info.context.wiring.clock
    return await info.context.ask(withdraw_approval, _key(approval, "approval"), version, clock=clock)


async def _set_rules(info: Info, asked: Annotated[SetApprovalRulesInput, strawberry.argument(name="input")]) -> Any:
    rules = tuple(ApprovalRule(kind=one.kind, above=one.above) for one in asked.rules)
    return await info.context.ask(set_approval_rules, SetApprovalRules(rules=rules, version=asked.version))


@strawberry.type
class ApprovalQuery:
    """What waits for a second person."""

    approvals: Connection[ApprovalType] = strawberry.field(
        resolver=_approvals, description="All for who may decide; for others what they asked for."
    )
    approval: ApprovalType | None = strawberry.field(resolver=_approval)
    approval_rules: ApprovalRulesType = strawberry.field(resolver=_rules)


@strawberry.type
class ApprovalMutation:
    """The second person's decision."""

    decide_approval = strawberry.mutation(
        resolver=_decide,
        graphql_type=outcome("DecideApprovalResult", ApprovalType),
        description="Approved, it is done at once in the name of who asked; the state says whether it could be.",
    )
    withdraw_approval = strawberry.mutation(
        resolver=_withdraw, graphql_type=outcome("WithdrawApprovalResult", ApprovalType)
    )
    set_approval_rules = strawberry.mutation(
        resolver=_set_rules, graphql_type=outcome("SetApprovalRulesResult", ApprovalRulesType)
    )

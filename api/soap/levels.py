"""User levels and approvals over SOAP."""

from __future__ import annotations

import json
from typing import Any, Final

from spyne import Boolean, DateTime, Decimal, Integer, ServiceBase, Unicode

from api.carrying import carrier
from api.catalogues import sentence
from api.soap.models import Model, _enum, many, needed
from api.soap.paging import key_after
from api.soap.service import operation
from domain.access import approval as eyes
from domain.access.limits import Ceiling, Limits
from domain.ids import ApprovalId, LevelId, ResellerId, UserId
from domain.ports.page import PAGE_MAX, PageRequest
from domain.usecases.decide_approval import (
    DecideApproval,
    SetApprovalRules,
    decide_approval,
    get_approval_rules,
    list_approvals,
    set_approval_rules,
    withdraw_approval,
)
from domain.usecases.list_operations import list_operations
from domain.usecases.manage_levels import (
    ChangeLevel,
    CreateLevel,
    change_level,
    create_level,
    list_levels,
    remove_level,
)
from domain.usecases.why_refused import Obstacle, WhyRefused, why_refused

PAGE: Final = 200
KindOfApproval = _enum(eyes.ApprovalKind, "ApprovalKind")
StateOfApproval = _enum(eyes.ApprovalState, "ApprovalState")
KindOfObstacle = _enum(Obstacle, "RefusalObstacle")


class AmountLimit(Model):
    """The most that is given away in a currency: by one operation, and in a day."""

    currency = needed(Unicode)
    each = needed(Decimal)
    day = Decimal


class LevelLimits(Model):
    """How far a level reaches. What is left out is no limit; groups of customers, and a reseller by his key."""

    amount = many(AmountLimit)
    group = many(Unicode)
    reseller = Integer


class NewUserLevel(Model):
    """A level to be, or a copy of another with what is given in the place of its own."""

    name = needed(Unicode)
    permission = many(Unicode)
    limits = LevelLimits
    requiresSecondFactor = Boolean
    copyOf = Integer
    reseller = Integer


class UserLevelChange(Model):
    """What is left out stays; permissions and limits that are given are all there will be."""

    level = needed(Integer)
    version = needed(Integer)
    name = Unicode
    permission = many(Unicode)
    limits = LevelLimits
    requiresSecondFactor = Boolean


class UserLevel(Model):
    """A named set of permissions: scopes, and names of single operations. Built-in ones are copied, not changed."""

    id = needed(Integer)
    name = needed(Unicode)
    builtIn = Unicode
    reseller = Integer
    permission = many(Unicode)
    limits = needed(LevelLimits)
    requiresSecondFactor = needed(Boolean)
    version = needed(Integer)


class UserLevelList(Model):
    """Levels by key."""

    level = many(UserLevel)


class OperationOffered(Model):
    """Something that can be done, and what it asks for: all of scope and, where there are any, one of anyOf."""

    name = needed(Unicode)
    scope = many(Unicode)
    anyOf = many(Unicode)
    description = needed(Unicode)


class OperationList(Model):
    """Everything that can be done at all."""

    operation = many(OperationOffered)


class RefusalReason(Model):
    """One thing that stands in the way, and the permission that is missing where it is one."""

    obstacle = needed(KindOfObstacle)
    message = needed(Unicode)
    permission = Unicode


class OperationJudged(Model):
    """Whether somebody may do an operation, and why not."""

    operation = needed(Unicode)
    allowed = needed(Boolean)
    reason = many(RefusalReason)


class Approval(Model):
    """Something that one person asked for and another decides on. ``command`` is a JSON object."""

    id = needed(Integer)
    kind = needed(KindOfApproval)
    operation = needed(Unicode)
    command = needed(Unicode)
    amount = Decimal
    currency = Unicode
    asker = needed(Unicode)
    askedAt = needed(DateTime)
    expiresAt = needed(DateTime)
    state = needed(StateOfApproval)
    decider = Unicode
    decidedAt = DateTime
    reason = needed(Unicode)
    fault = Unicode
    carriedOutAt = DateTime
    version = needed(Integer)


class ApprovalPage(Model):
    """Approvals by key. ``last`` is where to ask on from."""

    count = needed(Integer)
    approval = many(Approval)
    last = Unicode
    more = needed(Boolean)


class ApprovalRule(Model):
    """This kind needs a second person; a credit of more than ``above`` alone, where it is given."""

    kind = needed(KindOfApproval)
    above = Decimal


class ApprovalRules(Model):
    """All the rules there are."""

    version = needed(Integer)
    rule = many(ApprovalRule)


class UserLevels(ServiceBase):
    """What somebody may do, and what two must agree on."""

    __service_name__ = "Billing"

    @operation("ListOperations", returns=OperationList, result="operations")
    async def list_operations(ctx: Any) -> Any:
        """Return everything that can be done at all, by name."""
        return OperationList(
            operation=[
                OperationOffered(
                    name=one.name,
                    scope=[scope.value for scope in one.scopes],
                    anyOf=[scope.value for scope in one.any_of],
                    description=one.description,
                )
                for one in await ctx.udc.ask(list_operations)
            ]
        )

    @operation("ListUserLevels", returns=UserLevelList, result="levels")
    async def list_levels(ctx: Any) -> Any:
        """Return the levels, built-in ones too."""
        return UserLevelList(level=[_level(one) for one in await ctx.udc.ask(list_levels)])

    @operation("CreateUserLevel", needed(NewUserLevel), returns=UserLevel, result="level")
    async def create_level(ctx: Any, level: Any) -> Any:
        """Make a level; nobody puts more into one than he has himself."""
        cmd = CreateLevel(
            name=level.name,
            permissions=frozenset(level.permission) if level.permission else None,
            limits=None if level.limits is None else _limits(level.limits),
            requires_second_factor=level.requiresSecondFactor,
            copy_of=None if level.copyOf is None else LevelId(level.copyOf),
            reseller=None if level.reseller is None else ResellerId(level.reseller),
        )
        return _level(await ctx.udc.ask(create_level, cmd))

    @operation("ChangeUserLevel", needed(UserLevelChange), returns=UserLevel, result="level")
    async def change_level(ctx: Any, change: Any) -> Any:
        """Change a level at the version that was read; it holds for everybody who has it within seconds."""
        fields = {
            "name": change.name,
            "permissions": frozenset(change.permission) if change.permission else None,
            "limits": None if change.limits is None else _limits(change.limits),
            "requires_second_factor": change.requiresSecondFactor,
        }
        cmd = ChangeLevel(
            level=LevelId(change.level),
            version=change.version,
            **{name: value for name, value in fields.items() if value is not None},
        )
        return _level(await ctx.udc.ask(change_level, cmd))

    @operation("RemoveUserLevel", needed(Integer), needed(Integer), returns=needed(Unicode), result="name")
    async def remove_level(ctx: Any, level: int, version: int) -> Any:
        """Forget a level that nobody has."""
        return (await ctx.udc.ask(remove_level, LevelId(level), version)).name

    @operation("ExplainRefusal", needed(Unicode), Integer, Unicode, returns=OperationJudged, result="judged")
    async def why_refused(ctx: Any, operation: str, user: int | None, clientId: str | None) -> Any:
        """Say whether a user, a client or (neither) the caller himself may do an operation, and why not."""
        cmd = WhyRefused(operation=operation, user=None if user is None else UserId(user), client=clientId)
        judged = await ctx.udc.ask(why_refused, cmd)
        return OperationJudged(
            operation=judged.operation.name,
            allowed=judged.allowed,
            reason=[
                RefusalReason(
                    obstacle=one.obstacle.value,
                    message=sentence(one.said),
                    permission=None if one.permission is None else one.permission.value,
                )
                for one in judged.reasons
            ],
        )

    @operation(
        "ListApprovals", Integer(ge=1, le=PAGE_MAX), Unicode, StateOfApproval, returns=ApprovalPage, result="page"
    )
    async def list_approvals(ctx: Any, first: int | None, after: str | None, state: Any) -> Any:
        """List what waits or was decided: all for who may decide, for others what they asked for."""
        wanted = None if state is None else eyes.ApprovalState(str(state))
        page = await ctx.udc.ask(list_approvals, PageRequest(first or PAGE, key_after(after)), state=wanted)
        return ApprovalPage(
            count=len(page.items),
            approval=[_approval(ctx, one) for one in page.items],
            last=str(page.items[-1].id) if page.items else after,
            more=page.more,
        )

    @operation(
        *("DecideApproval", needed(Integer), needed(Integer), needed(Boolean), Unicode),
        returns=Approval,
        result="approval",
    )
    async def decide_approval(
        ctx: Any,
        approval: int,
        version: int,
        approve: bool,
        reason: str | None,
    ) -> Any:
        """Approve what somebody else asked for, which is done at once, or refuse it with a reason."""
        wiring = ctx.udc.wiring
        cmd = DecideApproval(approval=ApprovalId(approval), version=version, approve=approve, reason=reason or "")
        return _approval(ctx, await ctx.udc.ask(decide_approval, cmd, clock=wiring.clock, carry=carrier(wiring)))

    @operation("WithdrawApproval", needed(Integer), needed(Integer), returns=Approval, result="approval")
    async def withdraw_approval(ctx: Any, approval: int, version: int) -> Any:
        """Take back what one has asked for oneself."""
        clock = ctx.udc.wiring.clock
        return _approval(ctx, await ctx.udc.ask(withdraw_approval, ApprovalId(approval), version, clock=clock))

    @operation("GetApprovalRules", returns=ApprovalRules, result="rules")
    async def get_approval_rules(ctx: Any) -> Any:
        """Return what needs a second person."""
        return _rules(await ctx.udc.ask(get_approval_rules))

    @operation("SetApprovalRules", needed(ApprovalRules), returns=ApprovalRules, result="result")
    async def set_approval_rules(ctx: Any, rules: Any) -> Any:
        """Put these rules in the place of those of the version that was read; they only become stricter."""
        cmd = SetApprovalRules(
            rules=tuple(
                eyes.ApprovalRule(kind=eyes.ApprovalKind(str(one.kind)), above=one.above) for one in rules.rule or ()
            ),
            version=rules.version,
        )
        return _rules(await ctx.udc.ask(set_approval_rules, cmd))


def _limits(given: Any) -> Limits:
    return Limits(
        amounts=tuple(Ceiling(currency=one.currency, each=one.each, day=one.day) for one in given.amount or ()),
        groups=frozenset(given.group or ()),
        reseller=None if given.reseller is None else ResellerId(given.reseller),
    )


def _level(one: Any) -> Any:
    limits = LevelLimits(
        amount=[AmountLimit(currency=each.currency, each=each.each, day=each.day) for each in one.limits.amounts],
        group=sorted(one.limits.groups),
        reseller=one.limits.reseller,
    )
    return UserLevel(
        id=one.id,
        name=one.name,
        builtIn=one.built_in,
        reseller=one.reseller,
        permission=sorted(one.held),
        limits=limits,
        requiresSecondFactor=one.requires_second_factor,
        version=one.version,
    )


def _approval(ctx: Any, one: Any) -> Any:
    return Approval(
        id=one.id,
        kind=one.kind.value,
        operation=one.operation,
        command=json.dumps(one.command, ensure_ascii=False, sort_keys=True),
        amount=one.amount,
        currency=one.currency,
        asker=one.asker,
        askedAt=one.asked_at,
        expiresAt=one.expires_at,
        state=one.state_at(ctx.udc.wiring.clock.now()).value,
        decider=one.decider,
        decidedAt=one.decided_at,
        reason=one.reason,
        fault=one.fault,
        carriedOutAt=one.carried_out_at,
        version=one.version,
    )


def _rules(found: Any) -> Any:
    return ApprovalRules(
        version=found.version, rule=[ApprovalRule(kind=one.kind.value, above=one.above) for one in found.rules]
    )

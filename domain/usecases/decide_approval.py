"""The second person's part: see what waits, let it happen or not; and say what needs one."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, Protocol

from domain.access.actor import Action, Actor, allow
from domain.access.approval import REASON_MAX, Approval, ApprovalKind, ApprovalRule, ApprovalRules, ApprovalState
from domain.access.client import ApiClient
from domain.access.level import with_level
from domain.access.operations import DECLARED, operation
from domain.access.user import UserState
from domain.commands import check_texts
from domain.ids import ApprovalId, ResellerId
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotAllowed, NotFound, Refusal, Stale, WrongState
from domain.resellers.reseller import narrowest, subtree
from domain.usecases.four_eyes import asker_of, command_of

ABOVE_MAX: Final = Decimal(10) ** 12


class Carry(Protocol):
    """Does an approved command by the use case of its operation, with what that needs of the world."""

    def __call__(self, operation: str, command: object, actor: Actor) -> Awaitable[Any]:
        """Do it. Refuses with: what the use case does."""
        ...


# Who decides, and whoever may ask for something that waits for it: he sees what he asked for, and takes it back.
ASKING: Final = (
    Action.APPROVE,
    *(Action.WRITE_PRICES, Action.RUN_BILLS, Action.WRITE_CONTRACTS, Action.WRITE_COMMISSIONS),
    *(Action.WRITE_CUSTOMERS, Action.WRITE_PAYMENTS, Action.PAY_OUT, Action.MANAGE_CREDIT, Action.MANAGE_OPERATOR),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideApproval:
    """Let it happen, or (``approve`` false) not, which wants a reason. ``version`` is the one that was read."""

    approval: ApprovalId
    version: int
    approve: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetApprovalRules:
    """What needs a second person from now on; what is not named, one person does alone."""

    rules: tuple[ApprovalRule, ...]
    version: int


@operation(Action.APPROVE)
async def decide_approval(cmd: DecideApproval, *, actor: Actor, begin: Begin, clock: Clock, carry: Carry) -> Approval:
    """Approve or refuse what somebody else asked for; approved, it is done at once, in the name of who asked.

    What cannot be done any more ends as failed, with the reason. What was approved and broke off before it was done is
    approved once more, and carried out then. Who decides holds the permission for it himself.
    Refuses with: NotAllowed (he asked for it himself, through whichever client; he may not do it), NotFound, Stale,
    WrongState (decided, expired), BadValue (no reason).
    """
    check_texts(cmd)
    if len(cmd.reason) > REASON_MAX:
        raise BadValue("a reason has at most {most} characters", most=REASON_MAX, field="reason")
    if not cmd.approve and not cmd.reason.strip():
        raise BadValue("say why not", field="reason")
    now = clock.now()
    async with begin(actor) as unit:
        found = await unit.approvals.claim(cmd.approval)
        state = found.state_at(now)
        again = state is ApprovalState.APPROVED and cmd.approve
        if state is not ApprovalState.PENDING and not again:
            raise WrongState("the approval is {state}", state=state.value, field="approval")
        if found.version != cmd.version:
            raise Stale("the approval is at version {version}; read it again", version=found.version, field="version")
        await _check_other(unit, found, actor)
        for scope in _needed(found):
            allow(actor, scope, found.operation)
        decided = await unit.approvals.keep(
            replace(
                found,
                state=ApprovalState.APPROVED if cmd.approve else ApprovalState.REFUSED,
                decider=actor.person,
                decided_at=now,
                reason=cmd.reason,
            )
        )
        asker = await _as_he_is(unit, decided, clock) if cmd.approve else None
        detail = {"operation": found.operation, "asker": found.asker, "version": decided.version}
        action = "approve_command" if cmd.approve else "refuse_command"
        await unit.audit.write(action, f"approval:{found.id}", detail)
    if not cmd.approve:
        return decided
    if asker is None:
        return await _failed(decided, "who asked for it may not do it any more", actor, begin)
    try:
        await carry(decided.operation, command_of(decided), asker)
    except Refusal as no:
        return await _failed(decided, no.message, actor, begin)
    async with begin(actor) as unit:
        done = await unit.approvals.claim(decided.id)
        if done.state is not ApprovalState.APPROVED:
            return done
        # What was begun already, such as a bill run that goes on, took no mark.
        return await unit.approvals.keep(replace(done, state=ApprovalState.CARRIED_OUT, carried_out_at=clock.now()))


@operation(any_of=ASKING)
async def withdraw_approval(key: ApprovalId, version: int, *, actor: Actor, begin: Begin, clock: Clock) -> Approval:
    """Take back what one has asked for oneself. Refuses with: NotAllowed, NotFound, Stale, WrongState (decided)."""
    async with begin(actor) as unit:
        found = await unit.approvals.claim(key)
        if found.asker != actor.person:
            raise NotAllowed("only who asked for it takes it back", field="approval")
        if (state := found.state_at(clock.now())) is not ApprovalState.PENDING:
            raise WrongState("the approval is {state}", state=state.value, field="approval")
        if found.version != version:
            raise Stale("the approval is at version {version}; read it again", version=found.version, field="version")
        withdrawn = await unit.approvals.keep(replace(found, state=ApprovalState.WITHDRAWN))
        await unit.audit.write("withdraw_approval", f"approval:{key}", {"version": withdrawn.version})
    return withdrawn


@operation(any_of=ASKING)
async def list_approvals(
    request: PageRequest, *, state: ApprovalState | None = None, actor: Actor, begin: Begin
) -> Page[Approval]:
    """List what waits or was decided, by key: all for who may decide, for others what they asked for themselves.

    Refuses with: NotAllowed.
    """
    whose = None if actor.may(Action.APPROVE, "list_approvals") else actor.person
    async with begin(actor) as unit:
        return await unit.approvals.page(request, state=state, asker=whose)


@operation(any_of=ASKING)
async def get_approval(key: ApprovalId, *, actor: Actor, begin: Begin) -> Approval:
    """Return one, of others for who may decide alone. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        found = await unit.approvals.get(key)
        if found.asker != actor.person:
            allow(actor, Action.APPROVE, "get_approval")
    return found


@operation(any_of=(Action.APPROVE, Action.MANAGE_OPERATOR))
async def get_approval_rules(*, actor: Actor, begin: Begin) -> ApprovalRules:
    """Return what needs a second person. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.approvals.rules()


@operation(Action.MANAGE_OPERATOR)
async def set_approval_rules(
    cmd: SetApprovalRules, *, actor: Actor, begin: Begin, alone: bool = False
) -> ApprovalRules:
    """Say what needs a second person. Over the APIs rules only become stricter.

    ``alone``: the installation's own command line makes them looser, too; whoever could do that by himself over an API
    would need no second person at all. Refuses with: NotAllowed (looser), BadValue, Stale.
    """
    if len({rule.kind for rule in cmd.rules}) != len(cmd.rules):
        raise BadValue("a kind has one rule", field="rules")
    for place, rule in enumerate(cmd.rules):
        if rule.above is None:
            continue
        if rule.kind is not ApprovalKind.CREDIT:
            raise BadValue("only a credit has an amount to be above of", field=f"rules.{place}.above")
        if not 0 <= rule.above <= ABOVE_MAX:
            raise BadValue("an amount is 0 or more", field=f"rules.{place}.above")
    async with begin(actor) as unit:
        before = await unit.approvals.rules()
        if before.version != cmd.version:
            raise Stale("the rules are at version {version}; read them again", version=before.version, field="version")
        rules = replace(before, rules=tuple(sorted(cmd.rules, key=lambda rule: rule.kind.value)))
        if rules.looser(before) and not alone:
            raise NotAllowed(
                "what needs a second person stays so; tollwright approvals rules, on the installation's own machine,"
                " takes it away",
                field="rules",
            )
        if rules == before:
            return before
        kept = await unit.approvals.keep_rules(rules)
        detail = {"version": kept.version, "before": _told(before), "after": _told(kept)}
        await unit.audit.write("set_approval_rules", "approval_rules", detail)
    return kept


async def _check_other(unit: Unit, found: Approval, actor: Actor) -> None:
    """Look that it is another person: not he himself, nor a machine that he made, nor who made the one that asked."""
    if actor.factor == "api-key":
        raise NotAllowed("an API key approves nothing; somebody who signs in does, or a client", field="approval")
    if await unit.approvals.makers(actor.person) & await unit.approvals.makers(found.asker):
        raise NotAllowed("who asked for something does not approve it; somebody else does", field="approval")


async def _as_he_is(unit: Unit, approval: Approval, clock: Clock) -> Actor | None:
    """Return who asked with what he may by now; None where he may not do it any more."""
    asker = asker_of(approval)
    level = asker.level
    whose: ResellerId | None = None
    if asker.user is not None:
        user = await unit.users.get(asker.user)
        if user.state is not UserState.ACTIVE:
            return None
        level, whose = user.level, user.reseller
    elif asker.factor == "api-key":
        key = await unit.api_keys.find(asker.client)
        if not key.holds(clock.now()):
            return None
        whose = key.reseller
    elif (client := await _client(unit, asker.client)) is not None:
        if client.revoked_at is not None:
            return None
        level, whose, asker = client.level, client.reseller, replace(asker, scopes=asker.scopes & client.scopes)
    held = None if level is None else await unit.levels.get(level)
    asker = await _reaching(unit, asker if held is None else with_level(asker, held), whose)
    found = DECLARED[approval.operation]
    one = not found.any_of or any(asker.may(scope, approval.operation) for scope in found.any_of)
    return asker if one and all(asker.may(scope, approval.operation) for scope in found.scopes) else None


async def _reaching(unit: Unit, asker: Actor, whose: ResellerId | None) -> Actor:
    """Return who asked with the part of the resellers' tree that he reaches by now."""
    limited = asker.limits.reseller
    if whose is None and limited is None:
        return replace(asker, reseller=None, resellers=())
    tree = await unit.resellers.tree()
    below = () if whose is None else subtree(whose, tree)
    reseller, resellers = narrowest(whose, below, limited, () if limited is None else subtree(limited, tree))
    return replace(asker, reseller=reseller, resellers=resellers)


async def _client(unit: Unit, client_id: str) -> ApiClient | None:
    """Return a machine; None for the installation's own command line, which is none of the table."""
    try:
        return await unit.clients.claim(client_id)
    except NotFound:
        return None


def _needed(approval: Approval) -> tuple[Action, ...]:
    """Return the permissions for what waits. Of several of which one will do, the operator's own stands first."""
    found = DECLARED[approval.operation]
    return found.scopes + found.any_of[:1]


async def _failed(approval: Approval, fault: str, actor: Actor, begin: Begin) -> Approval:
    async with begin(actor) as unit:
        found = await unit.approvals.claim(approval.id)
        if found.state is not ApprovalState.APPROVED:
            return found  # its mark was made: what came after it is told by the thing itself
        failed = await unit.approvals.keep(replace(found, state=ApprovalState.FAILED, fault=fault[:REASON_MAX]))
        detail = {"operation": found.operation, "version": failed.version}
        await unit.audit.write("fail_command", f"approval:{found.id}", detail)
    return failed


def _told(rules: ApprovalRules) -> Mapping[str, str | None]:
    return {rule.kind.value: None if rule.above is None else str(rule.above) for rule in rules.rules}

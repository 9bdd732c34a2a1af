"""Say what stands between somebody and an operation: his level, a limit, the edition, or whose he is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from domain.access.actor import ABOUT_ALL, OPERATOR_ONLY, Action, Actor, allow
from domain.access.editions import editions_of, names
from domain.access.level import Level, with_level
from domain.access.operations import Operation
from domain.access.user import UserState
from domain.ids import UserId
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotAllowed, NotFound, Refusal
from domain.usecases.four_eyes import watched
from domain.usecases.list_operations import every

# What gives money or units away, by an amount that a level may be held to.
GIVING: Final = frozenset(
    {
        "credit_invoice", "grant_units", "withdraw_grant", "end_contract", "create_contract", "change_contract",
        "create_quote", "change_quote",
    }
)  # fmt: skip


class Obstacle(StrEnum):
    """What kind of thing stands in the way; the last two do not forbid it, and hold once it is done."""

    STATE = "state"
    EDITION = "edition"
    OPERATOR_ONLY = "operator_only"
    LEVEL = "level"
    CLIENT = "client"
    GROUPS = "groups"
    SECOND_FACTOR = "second_factor"
    LIMIT = "limit"
    APPROVAL = "approval"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyRefused:
    """Asked of a ``user``, or of a ``client``; of neither: of the caller himself."""

    operation: str
    user: UserId | None = None
    client: str | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing in the way, and the permission that is missing where it is one. ``said`` is its sentence."""

    obstacle: Obstacle
    said: Refusal
    permission: Action | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether somebody may do an operation, and what stands in the way or holds him to something."""

    operation: Operation
    allowed: bool
    reasons: tuple[Reason, ...]


async def why_refused(cmd: WhyRefused, *, actor: Actor, begin: Begin) -> Judged:
    """Say whether somebody may do an operation, and why not.

    Everybody may ask of himself; of others who may see users. A reseller's people are told what it is only where they
    look after levels or users themselves; the others only whether.
    Refuses with: NotAllowed, NotFound (operation, user, client), BadValue (both a user and a client).
    """
    found = every().get(cmd.operation)
    if found is None:
        raise NotFound("no operation {operation}", operation=cmd.operation[:80], field="operation")
    if cmd.user is not None and cmd.client is not None:
        raise BadValue("ask of a user or of a client", field="clientId")
    if cmd.user is not None or cmd.client is not None:
        allow(actor, Action.READ_USERS)
    async with begin(actor) as unit:
        whose, level, reasons = await _subject(unit, cmd, actor)
        reasons += list(_lacking(found, whose, level))
        forbidden = bool(reasons)
        reasons += await _held_to(unit, found, whose)
    return Judged(found, not forbidden, tuple(reasons) if actor.knows_permissions else ())


async def permissions(*, actor: Actor, begin: Begin) -> tuple[str, ...]:
    """Return the names of all operations that the caller may do himself: what a portal shows him."""
    del begin
    return tuple(sorted(name for name, one in every().items() if not list(_lacking(one, actor, None))))


async def _subject(unit: Unit, cmd: WhyRefused, actor: Actor) -> tuple[Actor, Level | None, list[Reason]]:
    """Return who is asked of as an actor, his level, and what of himself is in the way."""
    if cmd.client is not None:
        client = await unit.clients.claim(cmd.client)
        whose = Actor(
            operator=actor.operator,
            client=client.client_id,
            scopes=client.scopes,
            reseller=client.reseller,
            edition=actor.edition,
        )
        revoked = [] if client.revoked_at is None else [_of(Obstacle.STATE, NotAllowed("the client is revoked"))]
        if client.level is None:
            return whose, None, revoked
        level = (await unit.levels.many([client.level])).get(client.level)
        if level is None:  # one that the caller does not see is the operator's
            return replace(whose, scopes=frozenset()), None, revoked
        return with_level(whose, level), level, revoked
    if cmd.user is None:
        mine = None if actor.level is None else (await unit.levels.many([actor.level])).get(actor.level)
        return actor, mine, []
    user = await unit.users.get(cmd.user)
    found = (await unit.levels.many([user.level])).get(user.level)
    everything = Actor(
        operator=actor.operator,
        client="",
        scopes=frozenset(Action),
        reseller=user.reseller,
        edition=actor.edition,
        user=user.id,
    )
    whose = replace(everything, scopes=frozenset()) if found is None else with_level(everything, found)
    if found is not None and found.limits.reseller is not None:
        whose = replace(whose, reseller=found.limits.reseller)
    reasons = []
    if user.state is not UserState.ACTIVE:
        reasons.append(_of(Obstacle.STATE, NotAllowed("the user is {state}", state=user.state.value)))
    if found is not None and found.requires_second_factor and not user.second_factor:
        no = NotAllowed("the level {level} asks for a second factor, and he has none", level=found.name)
        reasons.append(_of(Obstacle.SECOND_FACTOR, no))
    return whose, found, reasons


def _lacking(found: Operation, whose: Actor, level: Level | None) -> Iterator[Reason]:
    """Yield what forbids an operation; where one of several permissions would do and there is none, all of them."""
    if found.any_of and not any(whose.may(scope, found.name) for scope in found.any_of):
        for scope in found.any_of:
            yield _missing(scope, found.name, whose, level)
    for scope in found.scopes:
        if not whose.may(scope, found.name):
            yield _missing(scope, found.name, whose, level)


def _missing(scope: Action, name: str, whose: Actor, level: Level | None) -> Reason:
    if whose.edition not in (editions := editions_of(scope.value)):
        no: Refusal = NotAllowed(
            "this is not in the operator's edition, {edition}: {permission} is in {editions}",
            edition=whose.edition.value,
            permission=scope.value,
            editions=names(editions),
        )
        return Reason(Obstacle.EDITION, no, scope)
    if whose.reseller is not None and scope in OPERATOR_ONLY:
        return Reason(
            Obstacle.OPERATOR_ONLY, NotAllowed("{permission} is the operator's alone", permission=scope.value), scope
        )
    if whose.limits.groups and scope in ABOUT_ALL:
        no = NotAllowed(
            "{permission} is about all customers, and the level reaches those of some groups alone",
            permission=scope.value,
        )
        return Reason(Obstacle.GROUPS, no, scope)
    if level is not None and scope not in level.scopes and name not in level.operations:
        no = NotAllowed(
            "the level {level} gives neither the permission {permission} nor the operation {operation}",
            level=level.name,
            permission=scope.value,
            operation=name,
        )
        return Reason(Obstacle.LEVEL, no, scope)
    no = NotAllowed(
        "the client {client} does not have the permission {permission}", client=whose.client, permission=scope.value
    )
    return Reason(Obstacle.CLIENT, no, scope)


async def _held_to(unit: Unit, found: Operation, whose: Actor) -> list[Reason]:
    """Return what does not forbid an operation, and holds once it is done: limits of amounts, a second person."""
    reasons = []
    if found.name in GIVING:
        for one in whose.limits.amounts:
            no = NotAllowed("up to {most} {currency} at a time", most=one.each, currency=one.currency)
            reasons.append(_of(Obstacle.LIMIT, no))
    kind = watched().get(found.name)
    rule = None if kind is None else (await unit.approvals.rules()).of(kind)
    if rule is not None:
        no = NotAllowed("somebody else approves it")
        if rule.above is not None:
            no = NotAllowed("somebody else approves it above {amount}", amount=rule.above)
        reasons.append(_of(Obstacle.APPROVAL, no))
    return reasons


def _of(obstacle: Obstacle, said: Refusal) -> Reason:
    return Reason(obstacle, said)

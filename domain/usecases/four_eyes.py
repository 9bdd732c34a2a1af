"""Keep a command that needs a second person, instead of doing it; and look that nobody gives away more than he may.

A use case that is watched says so by :func:`four_eyes` and asks :func:`agreed` in its own transaction, once it knows
the amount. Where a rule asks for a second person, that transaction is undone, the command is kept, and the caller is
told with ``NeedsApproval``. Once approved it runs again with ``Actor.approval``: then ``agreed`` takes the approval in
the same transaction, so that what was approved is done once, and only together with its mark.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import wraps
from inspect import unwrap
from typing import Any, Final, ParamSpec, TypeVar, cast, get_type_hints
from zoneinfo import ZoneInfo

from domain.access.actor import Action, Actor
from domain.access.approval import LIFETIME, Approval, ApprovalKind, ApprovalState, NeedsApproval, Unapproved
from domain.access.editions import Edition
from domain.access.frozen import freeze, thaw
from domain.access.limits import Limits
from domain.contracts.terms import Discount
from domain.ids import ApprovalId, LevelId, OperatorId, ResellerId, UserId
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import NotAllowed, NotFound, WrongState

P = ParamSpec("P")
R = TypeVar("R")

# What can wait: the use case by its name, and the type of its command.
_watched: Final[dict[str, tuple[ApprovalKind, Callable[..., Awaitable[Any]]]]] = {}


def four_eyes(kind: ApprovalKind) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Watch a use case whose first argument is its command: what a rule asks a second person for is kept."""

    def watch(use_case: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        name = use_case.__name__

        @wraps(use_case)
        async def watched(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return await use_case(*args, **kwargs)
            except Unapproved as asks:
                actor, begin = cast("Actor", kwargs["actor"]), cast("Begin", kwargs["begin"])
                clock = cast("Clock", kwargs["clock"])
                kept = await _kept(name, args[0], asks, actor, begin, clock)
                raise NeedsApproval(kept.id, approved=kept.state is ApprovalState.APPROVED) from None

        _watched[name] = (kind, watched)
        return watched

    return watch


def watched() -> Mapping[str, ApprovalKind]:
    """Return what can wait for a second person, of the modules that have been imported."""
    return {name: kind for name, (kind, _) in _watched.items()}


async def agreed(
    unit: Unit,
    actor: Actor,
    kind: ApprovalKind,
    command: object,
    *,
    now: datetime,
    amount: Decimal | None = None,
    currency: str | None = None,
) -> None:
    """Pass where one person may do this alone, or a second one has approved it: then the approval is used up.

    ``amount`` is in ``currency`` (None: the operator's own); None where it has none. What is in another currency is
    above every rule's amount. Raises Unapproved.
    Refuses with: WrongState (the approval was used already, or was for less).
    """
    foreign = currency
    if foreign is not None and foreign == (await unit.operators.own()).currency:
        foreign = None
    if actor.approval is not None:
        approval = await unit.approvals.claim(actor.approval)
        if approval.state is not ApprovalState.APPROVED or approval.content != content_of(command):
            raise WrongState("the approval was used already", field="approval")
        # "All of it" may have become more since somebody looked at it.
        more = amount is None or approval.amount is None or amount > approval.amount or foreign != approval.currency
        if approval.amount is not None and more:
            raise WrongState("it comes to more now than was approved: ask again", field="approval")
        await unit.approvals.keep(replace(approval, state=ApprovalState.CARRIED_OUT, carried_out_at=now))
        return
    rule = (await unit.approvals.rules()).of(kind)
    if rule is None or not rule.asks(amount if foreign is None else None):
        return
    # Sent again under its key, it is answered as it was when it was done; it does nothing a second time.
    keyed = getattr(command, "idempotency_key", None) is not None
    # Through another client the key is another one, and the effect would be a second one.
    if keyed and await unit.approvals.done_before(actor.person, actor.client, content_of(command)):
        return
    raise Unapproved(kind, amount, foreign)


async def given_away(unit: Unit, actor: Actor, amount: Decimal | None, currency: str, *, now: datetime) -> None:
    """Count what somebody gives away against his level's limits, in the transaction that gives it.

    None: what it comes to cannot be told, which is beyond every limit. Refuses with: NotAllowed, naming the limit.
    """
    if not actor.limits.amounts or (amount is not None and amount <= 0):
        return
    if amount is None:
        raise NotAllowed("your level has a limit, and what this comes to cannot be told", field="amount")
    ceiling = next((one for one in actor.limits.amounts if one.currency == currency), None)
    if ceiling is None:
        raise NotAllowed("your level gives nothing away in {currency}", currency=currency, field="amount")
    if amount > ceiling.each:
        raise NotAllowed(
            "your level gives away {most} {currency} at a time; this is {amount}",
            most=ceiling.each,
            currency=currency,
            amount=amount,
            field="amount",
        )
    day = now.astimezone(ZoneInfo((await unit.operators.own()).zone)).date()
    # A machine has no day of its own beside that of whoever made it.
    giver = await unit.approvals.answers_for(actor.person)
    total = await unit.approvals.give(giver, day, currency, amount)
    if ceiling.day is not None and total > ceiling.day:
        raise NotAllowed(
            "your level gives away {most} {currency} in a day; with this it would be {total}",
            most=ceiling.day,
            currency=currency,
            total=total,
            field="amount",
        )


async def discounts_given(
    unit: Unit, actor: Actor, discounts: Sequence[Discount], before: Sequence[Discount] = (), *, now: datetime
) -> None:
    """Look for the services of discounts that were not there before, and count them against the level's limits.

    One in per cent has no amount. Refuses with: NotFound (a service), NotAllowed, naming the limit.
    """
    new = [one for one in discounts if one not in before]
    services = [one.service for one in new if one.service is not None]
    known = await unit.services.many(services) if services else {}
    for key in services:
        if key not in known:
            raise NotFound("no service {key}", key=key, field="discounts")
    if new and actor.limits.amounts:
        currency = (await unit.operators.own()).currency
        for one in new:
            await given_away(unit, actor, one.amount, currency, now=now)


def content_of(command: object) -> bytes:
    """Return the SHA-256 of a command."""
    return hashlib.sha256(json.dumps([type(command).__name__, freeze(command)], sort_keys=True).encode()).digest()


def command_of(approval: Approval) -> object:
    """Return the command that was kept."""
    _, use_case = _watched[approval.operation]
    return thaw(_command_type(use_case), approval.command)


def asker_of(approval: Approval) -> Actor:
    """Return the one who asked, as he was, with the approval in his hand; a reseller's reaches nobody below him yet."""
    kept: Any = approval.asked
    reseller = None if kept.get("reseller") is None else ResellerId(kept["reseller"])
    return Actor(
        operator=OperatorId(approval.operator),
        client=kept["client"],
        scopes=frozenset(Action(scope) for scope in kept["scopes"]),
        address=kept["address"],
        edition=Edition(kept["edition"]),
        user=None if kept["user"] is None else UserId(kept["user"]),
        factor=kept["factor"],
        behalf=kept["behalf"],
        level=None if kept["level"] is None else LevelId(kept["level"]),
        operations=frozenset(kept["operations"]),
        limits=thaw(Limits, kept["limits"]),
        approval=approval.id,
        reseller=reseller,
        resellers=() if reseller is None else (reseller,),
    )


async def _kept(  # noqa: PLR0917  (what there is to keep)
    name: str, command: object, asks: Unapproved, actor: Actor, begin: Begin, clock: Clock
) -> Approval:
    now = clock.now()
    asked = {
        "client": actor.client,
        "scopes": sorted(scope.value for scope in actor.scopes),
        "operations": sorted(actor.operations),
        "address": actor.address,
        "edition": actor.edition.value,
        "user": actor.user,
        "factor": actor.factor,
        "behalf": actor.behalf,
        "level": actor.level,
        "limits": freeze(actor.limits),
        "reseller": actor.reseller,
    }
    async with begin(actor) as unit:
        kept, new = await unit.approvals.add(
            Approval(
                id=ApprovalId(0),
                operator=actor.operator,
                kind=asks.kind,
                operation=name,
                command=freeze(command),
                content=content_of(command),
                amount=asks.amount,
                currency=asks.currency,
                asker=actor.person,
                asked=asked,
                asked_at=now,
                expires_at=now + LIFETIME,
                reseller=actor.reseller,
            )
        )
        if new:
            detail = {"kind": kept.kind.value, "operation": name, "version": kept.version}
            await unit.audit.write("request_approval", f"approval:{kept.id}", detail)
    return kept


def _command_type(use_case: Callable[..., Any]) -> type[Any]:
    plain = unwrap(use_case)
    first = next(iter(plain.__code__.co_varnames))
    found: type[Any] = get_type_hints(plain)[first]
    return found

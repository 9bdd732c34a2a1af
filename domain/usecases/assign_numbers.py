"""Assign numbers, and what else a line is known by, to a subscription."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import check_texts
from domain.contracts.assigning import assigned
from domain.contracts.dialled import dialling
from domain.contracts.subscription import NumberAssignment, Subscription, check
from domain.ids import SubscriptionId
from domain.numbers.claiming import check_claims
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, Stale, WrongState


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignNumbers:
    """Numbers that become the subscription's, each from and until when it says. ``version``: the one that was read."""

    subscription: SubscriptionId
    numbers: tuple[NumberAssignment, ...]
    version: int | None = None


@operation(Action.WRITE_CONTRACTS)
async def assign_numbers(cmd: AssignNumbers, *, actor: Actor, begin: Begin, clock: Clock) -> Subscription:
    """Assign the numbers besides those it has; what it has in just this way already is left.

    Refuses with: NotAllowed, BadValue, NotFound (subscription, or a number that is not the caller's to give), Stale,
    WrongState (the subscription has ended), Overlap (a number is somebody's then), Conflict (a number that is kept for
    another, rests, is blocked or gone).
    """
    check_texts(cmd)
    async with begin(actor) as unit:
        subscription = await unit.subscriptions.claim(cmd.subscription)
        check_version(subscription, cmd.version)
        given = assigned(cmd.numbers, dialling(await unit.operators.own()))
        new = tuple(one for one in dict.fromkeys(given) if one not in subscription.numbers)
        changed = check(replace(subscription, numbers=(*subscription.numbers, *new)))
        if not new:
            return subscription
        check_life(subscription, new)
        await claim_numbers(unit, subscription, new, actor=actor, now=clock.now())
        kept = await unit.subscriptions.keep(changed)
        detail = {"numbers": [one.number for one in new], "version": kept.version, "changed": ["numbers"]}
        await unit.audit.write("assign_numbers", f"subscription:{kept.id}", detail)
    return kept


async def claim_numbers(
    unit: Unit, subscription: Subscription, new: Sequence[NumberAssignment], *, actor: Actor, now: datetime
) -> None:
    """Check with the stock that numbers may become the subscription's. Refuses with: NotFound, Conflict."""
    if not new:
        return
    standing = await unit.numbers.standing([one.number for one in new])
    if standing:
        tree = await unit.resellers.tree()
        check_claims(subscription, list(enumerate(new)), standing, actor=actor, tree=tree, now=now)


def check_life(subscription: Subscription, new: Sequence[NumberAssignment]) -> None:
    """Check that numbers are for the time in which the subscription lives. Refuses with: WrongState, BadValue."""
    if subscription.ended_at is None:
        return
    if subscription.activated_at is None:
        raise WrongState("the subscription has ended", field="subscription")
    for index, one in enumerate(new):
        if one.valid_to is None or one.valid_to > subscription.ended_at:
            raise BadValue(
                "the subscription ends at {end}; a number is its until then at most",
                end=subscription.ended_at.isoformat(),
                field=f"numbers.{index}.validTo",
            )


def check_version(subscription: Subscription, version: int | None) -> None:
    """Check that nobody has changed it since it was read. Refuses with: Stale."""
    if version is not None and version != subscription.version:
        raise Stale(
            "the subscription is at version {version}; read it again", version=subscription.version, field="version"
        )

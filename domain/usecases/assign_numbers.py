"""Assign numbers to a subscription."""

from __future__ import annotations

from dataclasses import dataclass, replace

from domain.access.actor import Action, Actor, allow
from domain.commands import check_texts
from domain.contracts.dialled import assigned
from domain.contracts.subscription import NumberAssignment, Subscription, check
from domain.ids import SubscriptionId
from domain.ports.unit import Begin


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignNumbers:
    """Numbers that become the subscription's, each from and until when it says."""

    subscription: SubscriptionId
    numbers: tuple[NumberAssignment, ...]


async def assign_numbers(cmd: AssignNumbers, *, actor: Actor, begin: Begin) -> Subscription:
    """Assign the numbers besides those it has; what it has in just this way already is left.

    Refuses with: NotAllowed, BadValue, NotFound (subscription), Overlap (a number is somebody's then).
    """
    allow(actor, Action.WRITE_CONTRACTS)
    check_texts(cmd)
    async with begin(actor) as unit:
        subscription = await unit.subscriptions.claim(cmd.subscription)
        given = assigned(cmd.numbers, (await unit.operators.own()).country)
        new = tuple(one for one in dict.fromkeys(given) if one not in subscription.numbers)
        changed = check(replace(subscription, numbers=(*subscription.numbers, *new)))
        if not new:
            return subscription
        kept = await unit.subscriptions.keep(changed)
        detail = {"numbers": [one.number for one in new]}
        await unit.audit.write("assign_numbers", f"subscription:{kept.id}", detail)
    return kept

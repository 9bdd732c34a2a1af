"""Release numbers of a subscription."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from domain.access.actor import Action, Actor, allow
from domain.commands import check_texts
from domain.contracts.dialled import as_kept
from domain.contracts.subscription import NumberAssignment, Subscription, check
from domain.ids import SubscriptionId
from domain.period import utc
from domain.ports.unit import Begin
from domain.refusal import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseNumbers:
    """Numbers that the subscription has no longer from ``at`` on."""

    subscription: SubscriptionId
    numbers: tuple[str, ...]
    at: datetime


async def release_numbers(cmd: ReleaseNumbers, *, actor: Actor, begin: Begin) -> Subscription:
    """End the assignments at an instant; one that would have begun later goes. What was before stays as it was.

    Refuses with: NotAllowed, BadValue, NotFound (subscription, or a number it does not have then or later).
    """
    allow(actor, Action.WRITE_CONTRACTS)
    check_texts(cmd)
    at = utc(cmd.at, field="at")
    async with begin(actor) as unit:
        subscription = await unit.subscriptions.claim(cmd.subscription)
        left = subscription.numbers
        released = as_kept(cmd.numbers, (await unit.operators.own()).country)
        for index, number in enumerate(released):
            if not any(one.number == number and _reaches(one, at) for one in left):
                raise NotFound(f"the subscription does not have {number} then or later", field=f"numbers.{index}")
            left = tuple(
                replace(one, valid_to=at) if one.number == number and _reaches(one, at) else one
                for one in left
                if one.number != number or one.valid_from < at
            )
        kept = await unit.subscriptions.keep(check(replace(subscription, numbers=left)))
        detail = {"numbers": released, "at": at.isoformat()}
        await unit.audit.write("release_numbers", f"subscription:{kept.id}", detail)
    return kept


def _reaches(assignment: NumberAssignment, at: datetime) -> bool:
    return assignment.valid_to is None or assignment.valid_to > at

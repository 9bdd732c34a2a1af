"""Release numbers of a subscription."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import check_texts
from domain.contracts.assigning import ended, reaches
from domain.contracts.dialled import as_kept, dialling
from domain.contracts.subscription import Subscription, check
from domain.ids import SubscriptionId
from domain.period import utc
from domain.ports.unit import Begin
from domain.refusal import NotFound
from domain.usecases.assign_numbers import check_version


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseNumbers:
    """Numbers that the subscription has no longer from ``at`` on. ``version``: the one that was read."""

    subscription: SubscriptionId
    numbers: tuple[str, ...]
    at: datetime
    version: int | None = None


@operation(Action.WRITE_CONTRACTS)
async def release_numbers(cmd: ReleaseNumbers, *, actor: Actor, begin: Begin) -> Subscription:
    """End the assignments at an instant; one that would have begun later goes. What was before stays as it was.

    Refuses with: NotAllowed, BadValue, NotFound (subscription, or a number it does not have then or later), Stale.
    """
    check_texts(cmd)
    at = utc(cmd.at, field="at")
    async with begin(actor) as unit:
        subscription = await unit.subscriptions.claim(cmd.subscription)
        check_version(subscription, cmd.version)
        kept_as = as_kept(cmd.numbers, dialling(await unit.operators.own()))
        released = [
            text if any(one.number == text for one in subscription.numbers) else number
            for text, number in zip((each.strip() for each in cmd.numbers), kept_as, strict=True)
        ]
        for index, number in enumerate(released):
            if not any(one.number == number and reaches(one, at) for one in subscription.numbers):
                raise NotFound(
                    "the subscription does not have {number} then or later", number=number, field=f"numbers.{index}"
                )
        chosen = set(released)
        left = ended(subscription.numbers, at, lambda one: one.number in chosen)
        kept = await unit.subscriptions.keep(check(replace(subscription, numbers=left)))
        detail = {"numbers": released, "at": at.isoformat(), "version": kept.version, "changed": ["numbers"]}
        await unit.audit.write("release_numbers", f"subscription:{kept.id}", detail)
    return kept

"""Get one subscription."""

from __future__ import annotations

from domain.access.actor import Action, Actor, allow
from domain.contracts.subscription import Subscription
from domain.ids import SubscriptionId
from domain.ports.unit import Begin
from domain.refusal import NotFound


async def get_subscription(key: SubscriptionId, *, actor: Actor, begin: Begin) -> Subscription:
    """Return a subscription with its numbers. Refuses with: NotAllowed, NotFound."""
    allow(actor, Action.READ_CONTRACTS)
    async with begin(actor) as unit:
        found = await unit.subscriptions.many([key])
    if key not in found:
        raise NotFound(f"no subscription {key}")
    return found[key]

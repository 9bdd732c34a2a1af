"""Get one subscription."""

from __future__ import annotations

from datetime import datetime

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.contracts.dialled import as_kept, dialling
from domain.contracts.subscription import Subscription
from domain.ids import SubscriptionId
from domain.ports.unit import Begin
from domain.refusal import NotFound


@operation(Action.READ_CONTRACTS)
async def get_subscription(key: SubscriptionId, *, actor: Actor, begin: Begin) -> Subscription:
    """Return a subscription with its numbers. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        found = await unit.subscriptions.many([key])
    if key not in found:
        raise NotFound("no subscription {key}", key=key, field="subscription")
    return found[key]


@operation(Action.READ_CONTRACTS)
async def owner_of_number(number: str, at: datetime, *, actor: Actor, begin: Begin) -> Subscription:
    """Return whose number it is at an instant, written as it is dialled or kept. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        written = number.strip().removeprefix("+")
        try:
            return await unit.subscriptions.owner_of(written, at)
        except NotFound:
            (dialled,) = as_kept([number], dialling(await unit.operators.own()))
            if dialled == written:
                raise
        return await unit.subscriptions.owner_of(dialled, at)

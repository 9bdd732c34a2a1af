"""Fetch one rated event."""

from __future__ import annotations

from domain.access.actor import Action, Actor
from domain.access.charges import shown
from domain.access.operations import operation
from domain.ports.unit import Begin
from domain.rating.rated_event import EventRef, RatedEvent


@operation(Action.READ_USAGE)
async def get_usage(ref: EventRef, *, actor: Actor, begin: Begin) -> RatedEvent:
    """Return the present version of an event, with the charges the caller may see.

    Refuses with: NotAllowed, NotFound.
    """
    async with begin(actor) as unit:
        return shown(await unit.usage.get(ref), actor)

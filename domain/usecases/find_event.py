"""Find a stored event by what a person calls it."""

from __future__ import annotations

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.intake.naming import keys_of
from domain.ports.unit import Begin
from domain.rating.rated_event import EventRef
from domain.refusal import NotFound


@operation(Action.READ_USAGE)
async def find_event(name: str, *, actor: Actor, begin: Begin) -> EventRef:
    """Return the event that an id of a usage list, or ``source/ref/leg/start/offset``, names.

    Refuses with: NotAllowed, BadValue, NotFound.
    """
    async with begin(actor) as unit:
        if "/" not in name:
            return (await unit.usage.get(EventRef.read(name))).ref
        start, keys = keys_of(name)
        found = await unit.usage.named(start, keys)
    if found is None:
        raise NotFound("no event {name}", name=name[:80], field="event")
    return found

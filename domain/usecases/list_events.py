"""List events: what was changed, in the order it was committed."""

from __future__ import annotations

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import EventId
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin
from domain.refusal import BadValue
from domain.webhooks.event import Event, is_pattern
from domain.webhooks.webhook import KINDS_MAX


@operation(Action.READ_EVENTS)
async def list_events(
    request: PageRequest, *, kinds: tuple[str, ...] = (), subject: str | None = None, actor: Actor, begin: Begin
) -> Page[Event]:
    """List the events that the caller may see, of kinds (patterns; none: any) and of one subject.

    Asked again behind the last event that came, it misses none. Refuses with: NotAllowed, BadValue.
    """
    check_kinds(kinds)
    async with begin(actor) as unit:
        return await unit.events.page(request, kinds=kinds, subject=subject)


@operation(Action.READ_EVENTS)
async def get_event(key: EventId, *, actor: Actor, begin: Begin) -> Event:
    """Return one. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        return await unit.events.get(key)


def check_kinds(kinds: tuple[str, ...]) -> None:
    """Check patterns. Refuses with: BadValue."""
    if len(kinds) > KINDS_MAX:
        raise BadValue("at most {most} kinds can be asked for", most=KINDS_MAX, field="kinds")
    for index, one in enumerate(kinds):
        if not is_pattern(one):
            raise BadValue(
                "{kind!r} is no kind of event: write customer.changed, customer.* or *",
                kind=one[:80],
                field=f"kinds.{index}",
            )

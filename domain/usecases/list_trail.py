"""Search the audit trail: who did what to what, when, from where, and what was before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.chain import Anchor, Recorded
from domain.access.operations import operation
from domain.ports.access import TrailFilter
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin
from domain.refusal import BadValue, NotAllowed

ANCHORS_MAX: Final = 1000
TEXT_MAX: Final = 200


@operation(Action.READ_AUDIT)
async def list_trail(
    request: PageRequest, wanted: TrailFilter | None = None, *, actor: Actor, begin: Begin
) -> Page[Recorded]:
    """List lines of the trail, the newest first; ``request.after`` is the line they are older than.

    A reseller finds what he and those below him did. Refuses with: NotAllowed, BadValue.
    """
    chosen = wanted or TrailFilter()
    for name in ("client", "action", "target", "outcome"):
        if len(getattr(chosen, name) or "") > TEXT_MAX:
            raise BadValue("at most {most} characters", most=TEXT_MAX, field=name)
    if chosen.since is not None and chosen.until is not None and chosen.since >= chosen.until:
        raise BadValue("since lies before until", field="until")
    async with begin(actor) as unit:
        return await unit.audit.page(request, chosen)


@operation(Action.READ_AUDIT)
async def list_anchors(first: int = 50, *, actor: Actor, begin: Begin) -> Sequence[Anchor]:
    """List the newest anchors of the trail's chain, signed, to be kept elsewhere.

    Refuses with: NotAllowed, BadValue.
    """
    if actor.reseller is not None:
        raise NotAllowed("only the operator himself sees the anchors of the whole trail")
    if not 1 <= first <= ANCHORS_MAX:
        raise BadValue("between 1 and {most} anchors can be asked for", most=ANCHORS_MAX, field="first")
    async with begin(actor) as unit:
        return await unit.audit.anchors(first)

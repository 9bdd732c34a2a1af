"""Look at drafts of the catalogue."""

from __future__ import annotations

from domain.access.actor import Action, Actor, allow
from domain.catalogue.draft import Draft
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin


async def list_drafts(page: PageRequest, *, actor: Actor, begin: Begin) -> Page[Draft]:
    """Return the operator's drafts by key, whatever became of them, without their changes. Refuses with: NotAllowed."""
    allow(actor, Action.WRITE_PRICES)
    async with begin(actor) as unit:
        return await unit.drafts.list(page)


async def get_draft(name: str, *, actor: Actor, begin: Begin) -> Draft:
    """Return the draft of this name that was made last, with its changes. Refuses with: NotAllowed, NotFound."""
    allow(actor, Action.WRITE_PRICES)
    async with begin(actor) as unit:
        return await unit.drafts.latest(name)

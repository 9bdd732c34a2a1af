"""Look at drafts of the catalogue."""

from __future__ import annotations

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.catalogue.draft import Draft
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin


@operation(Action.WRITE_PRICES)
async def list_drafts(page: PageRequest, *, actor: Actor, begin: Begin) -> Page[Draft]:
    """Return the operator's drafts by key, whatever became of them, without their changes. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.drafts.list(page)


@operation(Action.WRITE_PRICES)
async def get_draft(name: str, *, actor: Actor, begin: Begin) -> Draft:
    """Return the draft of this name that was made last, with its changes. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        return await unit.drafts.latest(name)

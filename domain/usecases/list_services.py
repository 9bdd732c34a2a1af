"""List services."""

from __future__ import annotations

from domain.access.actor import Action, Actor, allow
from domain.contracts.service import Service
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin


async def list_services(page: PageRequest, *, actor: Actor, begin: Begin) -> Page[Service]:
    """Return the operator's services by key. Refuses with: NotAllowed."""
    allow(actor, Action.READ_CONTRACTS)
    async with begin(actor) as unit:
        return await unit.services.page(page)

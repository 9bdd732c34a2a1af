"""List services."""

from __future__ import annotations

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.contracts.service import Service
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin


@operation(Action.READ_CONTRACTS)
async def list_services(page: PageRequest, *, actor: Actor, begin: Begin) -> Page[Service]:
    """Return the operator's services by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.services.page(page)

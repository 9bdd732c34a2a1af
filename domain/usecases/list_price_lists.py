"""List price lists."""

from __future__ import annotations

from domain.access.actor import Action, Actor, allow
from domain.catalogue.tariff import PriceList
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin


async def list_price_lists(page: PageRequest, *, actor: Actor, begin: Begin) -> Page[PriceList]:
    """Return the price lists the caller may use by key, without their rates. Refuses with: NotAllowed."""
    allow(actor, Action.READ_PRICES)
    async with begin(actor) as unit:
        return await unit.catalogue.lists(page)

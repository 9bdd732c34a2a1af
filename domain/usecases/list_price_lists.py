"""List price lists."""

from __future__ import annotations

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.catalogue.tariff import PriceList
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin


@operation(Action.READ_PRICES)
async def list_price_lists(page: PageRequest, *, actor: Actor, begin: Begin) -> Page[PriceList]:
    """Return the price lists the caller may use by key, without their rates. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.catalogue.lists(page)

"""List the rates of a price list."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.access.actor import Action, Actor, allow
from domain.catalogue.tariff import Rate
from domain.commands import check_texts
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRates:
    """A page of the rates that are written in one list; what it inherits stands in its parent."""

    price_list: str
    page: PageRequest = field(default_factory=PageRequest)


async def list_rates(query: ListRates, *, actor: Actor, begin: Begin) -> Page[Rate]:
    """Return the present versions of rates, those to come too, by key. Refuses with: NotAllowed, NotFound (list)."""
    allow(actor, Action.READ_PRICES)
    check_texts(query)
    async with begin(actor) as unit:
        return await unit.catalogue.rates(query.price_list, query.page)

"""List the rates of a price list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.catalogue.suppliers import parents_of, stands_on
from domain.catalogue.tariff import Rate
from domain.commands import check_texts
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRates:
    """A page of the rates that are written in one list; what it inherits stands in its parent."""

    price_list: str
    page: PageRequest = field(default_factory=PageRequest)


@operation(Action.READ_PRICES)
async def list_rates(query: ListRates, *, actor: Actor, begin: Begin) -> Page[Rate]:
    """Return the present versions of rates, those to come too, by key. Refuses with: NotAllowed, NotFound (list)."""
    check_texts(query)
    async with begin(actor) as unit:
        found = await unit.catalogue.rates(query.price_list, query.page)
        return (await shown_to(actor, unit, {query.price_list: found}))[query.price_list]


async def shown_to(actor: Actor, unit: Unit, found: Mapping[str, Page[Rate]]) -> Mapping[str, Page[Rate]]:
    """Return rates as the caller may see them.

    A reseller is not told by how much a list that he buys at differs from the one above it: of that and of his own
    price he could reckon what his seller pays (attack A5). What he pays himself, a quote tells. Nor is who may not see
    costs told by how much a list differs from a supplier's.
    """
    if actor.reseller is None:
        if not (costs := await unit.catalogue.unseen()):
            return found
        parents = parents_of((await unit.catalogue.outline()).price_lists)
        return {name: _bare(page) if stands_on(name, costs, parents) else page for name, page in found.items()}
    owners = await unit.catalogue.owners(list(found))
    return {name: page if owners.get(name) in actor.resellers else _bare(page) for name, page in found.items()}


def _bare(page: Page[Rate]) -> Page[Rate]:
    return page.map(lambda rate: replace(rate, adjust=None))

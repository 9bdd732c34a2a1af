"""What resellers buy for their customers, of a page of payers at once: services' fees, tier by tier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from domain.contracts.service import Service
from domain.ids import CustomerId, ServiceId
from domain.invoicing.bought import bought_fees
from domain.invoicing.elsewhere import both_of
from domain.invoicing.fees import FeeCharge, Window
from domain.invoicing.lines import spans_of
from domain.ports.invoices import PayerPage
from domain.ports.unit import Unit
from domain.resellers.buying import Buying

CONTRACTS_PER_PAGE: Final = 2000


async def with_bought(unit: Unit, page: PayerPage, window: Window, *, zone: str) -> PayerPage:
    """Return a page of a bill run with the fees that its payers pay as resellers, and the services they name.

    Nobody pays where no reseller is invoiced as one of them.
    """
    terms = await unit.resellers.terms()
    named = {term.customer for term in terms}
    members = sorted({member.id for members in page.members.values() for member in members} & named)
    if not members:
        return page
    buying = Buying(await unit.resellers.base(), terms, await unit.wholesale.prices(), zone=zone)
    found: dict[CustomerId, Sequence[FeeCharge]] = {}
    services: dict[ServiceId, Service] = {}
    for buyer in members:
        found[buyer], used = await _fees(unit, buyer, buying, window, zone)
        services |= used
    return replace(page, bought=found, services={**services, **page.services})


async def _fees(
    unit: Unit, buyer: CustomerId, buying: Buying, window: Window, zone: str
) -> tuple[list[FeeCharge], Mapping[ServiceId, Service]]:
    resellers = buying.below(buyer)
    until = max(window.fees_until, window.period.end)
    elsewhere = await unit.basis_fees.any()
    found: list[FeeCharge] = []
    used: dict[ServiceId, Service] = {}
    after, more = 0, True
    while more:
        sold = await unit.wholesale.sold(
            resellers, buyer, after=after, first=CONTRACTS_PER_PAGE, until=until, since=window.oldest
        )
        spans = spans_of(sold.subscriptions, zone)
        billed = sold.billed
        if elsewhere:
            keys = [contract.id for contract in sold.contracts]
            billed = both_of(billed, await unit.basis_fees.bought(buyer, keys, window.oldest))
        away = {key.service for fees in billed.values() for key in fees} - sold.services.keys()
        known = {**sold.services, **(await unit.services.many(sorted(away)) if away else {})}
        for contract in sold.contracts:
            made = bought_fees(
                contract,
                known,
                partial(buying.service, buyer, contract),
                billed.get(contract.id, {}),
                window,
                spans,
            )
            used |= {one.key.service: known[one.key.service] for one in made}
            found += made
        after, more = (sold.contracts[-1].id if sold.contracts else 0), sold.more
    return found, used

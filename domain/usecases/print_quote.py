"""Make the document of a quote, as its customer receives it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from zoneinfo import ZoneInfo

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import QuoteId
from domain.invoicing.invoice import Look
from domain.ports.clock import Clock
from domain.ports.documents import Documents
from domain.ports.unit import Begin
from domain.quotes.offer import offer
from domain.quotes.quote import Quote
from domain.refusal import NotFound
from domain.resellers.reseller import seller_above, selling


@operation(Action.READ_CONTRACTS)
async def print_quote(
    key: QuoteId | str, *, actor: Actor, begin: Begin, clock: Clock, documents: Documents
) -> tuple[Quote, bytes]:
    """Return a quote, by its id or its number, and its PDF: in the customer's language, in the brand of who sells.

    Refuses with: NotAllowed, NotFound, BadValue (VAT cannot be decided).
    """
    async with begin(actor) as unit:
        quote = await unit.quotes.by_number(key) if isinstance(key, str) else (await unit.quotes.many([key])).get(key)
        if quote is None:
            raise NotFound("no quote {key}", key=key, field="quote")
        customer = await unit.customers.get(quote.customer)
        operator = await unit.operators.own()
        services = await unit.services.related([line.service for line in quote.lines])
        parts = {part.service for one in services.values() for part in one.parts} - services.keys()
        services = {**services, **await unit.services.many(sorted(parts))}
    # Who sells may stand above the caller; it is his name and picture that the customer sees on every document.
    async with begin(replace(actor, reseller=None, resellers=())) as unit:
        reseller = seller_above(customer.reseller, await unit.resellers.tree())
        seller = None if reseller is None else reseller.seller
        picture = None if seller is None or seller.logo is None else await unit.resellers.logo(seller.logo)
        sold_by = None if reseller is None else reseller.id
        branding = await unit.brands.at(sold_by, clock.now().astimezone(ZoneInfo(operator.zone)).date())
        if branding is not None and branding.logo is not None:
            picture = await unit.resellers.logo(branding.logo)
    look = None if seller is None else Look(accent=seller.accent, logo=seller.logo, note=seller.note)
    day = (quote.sent_at or clock.now()).astimezone(ZoneInfo(operator.zone)).date()
    made = offer(
        quote,
        services,
        operator=operator if seller is None else selling(operator, seller),
        customer=customer,
        look=look,
        on=day,
    )
    return quote, await asyncio.to_thread(documents.quote, made, logo=picture, branding=branding)

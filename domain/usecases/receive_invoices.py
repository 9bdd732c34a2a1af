"""What a reseller's client reads of the invoices that he receives from the one he buys from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import CustomerId, InvoiceId
from domain.invoicing.invoice import DocumentKind, Invoice
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin, Unit
from domain.refusal import NotAllowed, NotFound


@operation(Action.READ_INVOICES)
async def list_received_invoices(request: PageRequest, *, actor: Actor, begin: Begin) -> Page[Invoice]:
    """Return the invoices and credit notes that the caller's reseller received for what he buys, by key.

    Refuses with: NotAllowed (a client of no reseller).
    """
    if actor.reseller is None:
        raise NotAllowed("only a reseller receives invoices for what he buys")
    async with begin(actor) as unit:
        buyers = await _buyers(unit, actor)
    if not buyers:
        return Page(items=(), more=False)
    async with begin(_whole(actor)) as unit:
        found = await unit.invoices.received(request, buyers)
    return replace(found, items=tuple(as_received(one) for one in found.items))


@operation(Action.READ_INVOICES)
async def reader_of(
    key: InvoiceId | str, *, actor: Actor, begin: Begin, kind: DocumentKind = DocumentKind.INVOICE
) -> Actor:
    """Return as whom an invoice is read: the caller, or for one that his reseller received, the operator.

    Whoever asks with the latter reads this invoice and nothing else. Refuses with: NotAllowed, NotFound.
    """
    if actor.reseller is None:
        return actor
    async with begin(actor) as unit:
        if await _found(unit, key, kind) is not None:
            return actor
        buyers = await _buyers(unit, actor)
    whole = _whole(actor)
    if buyers:
        async with begin(whole) as unit:
            one = await _found(unit, key, kind)
        if one is not None and one.customer in buyers and one.period.end > buyers[one.customer]:
            return whole
    raise NotFound("no invoice {key}", key=key)


def as_received(invoice: Invoice) -> Invoice:
    """Return an invoice as he reads it who received it: the accounts are the seller's own business."""
    return replace(invoice, run=None, lines=tuple(replace(line, account="") for line in invoice.lines))


async def _found(unit: Unit, key: InvoiceId | str, kind: DocumentKind) -> Invoice | None:
    if not isinstance(key, str):
        return (await unit.invoices.many([key])).get(key)
    try:
        return await unit.invoices.by_number(key, kind)
    except NotFound:
        return None


async def _buyers(unit: Unit, actor: Actor) -> Mapping[CustomerId, date]:
    """Return the customers as whom the caller's reseller is or was invoiced, each since its first day."""
    zone = ZoneInfo((await unit.operators.own()).zone)
    found: dict[CustomerId, date] = {}
    for term in await unit.resellers.terms():
        if term.reseller == actor.reseller and term.customer is not None:
            day = term.valid_from.astimezone(zone).date()
            found[term.customer] = min(day, found.get(term.customer, day))
    return found


def _whole(actor: Actor) -> Actor:
    return replace(actor, reseller=None, resellers=())

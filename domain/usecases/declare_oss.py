"""Write the return of the one-stop shop over the documents that were issued in a quarter."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.invoicing.oss_return import EURO, OssReturn
from domain.period import Period
from domain.ports.invoices import Chosen
from domain.ports.page import PageRequest
from domain.ports.unit import Begin
from domain.refusal import BadValue, NotAllowed
from domain.usecases.load_taxes import worth

_PER_PAGE = 500


@operation(Action.READ_INVOICES)
async def declare_oss(period: Period, *, actor: Actor, begin: Begin) -> str:
    """Return the file of a quarter; what is given back of an earlier one's sales is a correction of that.

    Refuses with: NotAllowed (a reseller's client), BadValue (no quarter, not a Swedish operator, a currency whose worth
    on the quarter's last day is not known).
    """
    if actor.reseller is not None:
        raise NotAllowed("only the operator himself declares his VAT")
    told, after, more = OssReturn(period), None, True
    chosen = Chosen(since=period.start, until=period.end)
    async with begin(actor) as unit:
        operator = await unit.operators.own()
    if operator.country != "SE":
        raise BadValue("this file is Skatteverket's, for Swedish operators", field="period")
    while more:
        async with begin(actor) as unit:
            page = await unit.invoices.page(PageRequest(first=_PER_PAGE, after=after), chosen=chosen)
            named = {one.original for one in page.items} | {
                line.corrects for one in page.items for line in one.lines if line.vat.country is not None
            }
            earlier = await unit.invoices.by_numbers(sorted(filter(None, named)))
        issued = {number: one.issued_on for number, one in earlier.items()}
        for invoice in page.items:
            if invoice.sold_by is None:
                told.add(invoice, issued)
            after = invoice.id
        more = page.more
    last = period.end - timedelta(days=1)
    euro = {EURO: Decimal(1)}
    async with begin(actor) as unit:
        for currency in told.currencies:
            if currency not in euro:
                rate = await worth(unit, currency, EURO, last)
                if rate is None:
                    raise BadValue(
                        "what {currency} is worth in EUR on {day} is not known: put the ECB's rate of that day",
                        currency=currency,
                        day=last,
                        field="period",
                    )
                euro[currency] = rate.factor
    return told.file(operator.vat_id, euro)

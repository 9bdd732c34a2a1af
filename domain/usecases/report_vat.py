"""Add up what is declared of VAT beside the return, over the documents that were issued in a period."""

from __future__ import annotations

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.invoicing.vat_reports import VatReport
from domain.operators import Operator
from domain.period import Period
from domain.ports.invoices import Chosen
from domain.ports.page import PageRequest
from domain.ports.unit import Begin
from domain.refusal import BadValue, NotAllowed

_PER_PAGE = 500
DAYS_MAX = 366


@operation(Action.READ_INVOICES)
async def report_vat(period: Period, *, actor: Actor, begin: Begin) -> tuple[Operator, VatReport]:
    """Return the operator and what he sold abroad in a period, by country, rate and VAT id.

    What a reseller sold in his own name is his to declare.

    Refuses with: NotAllowed (a reseller's client), BadValue (a period of more than a year).
    """
    if actor.reseller is not None:
        raise NotAllowed("only the operator himself declares his VAT")
    if period.days > DAYS_MAX:
        raise BadValue("a period has at most {most} days", most=DAYS_MAX, field="period")
    chosen = Chosen(since=period.start, until=period.end)
    report, after, more = VatReport(), None, True
    async with begin(actor) as unit:
        operator = await unit.operators.own()
    while more:
        async with begin(actor) as unit:
            page = await unit.invoices.page(PageRequest(first=_PER_PAGE, after=after), chosen=chosen)
        for invoice in page.items:
            if invoice.sold_by is None:
                report.add(invoice)
            after = invoice.id
        more = page.more
    return operator, report

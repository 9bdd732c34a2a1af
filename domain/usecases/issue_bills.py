"""Issue a page's invoices: number, keep, book, mark and announce them, together or not at all."""

from __future__ import annotations

from collections.abc import Mapping

from domain.credit.counting import recount
from domain.ids import CustomerId, ResellerId
from domain.invoicing.invoice import Invoice, numbered
from domain.invoicing.references import OcrLevel, payment_reference
from domain.invoicing.series import NumberSeries, SeriesKind, counted, referred
from domain.ledger.entry import Posting, of_invoice, postings_of
from domain.operators import Operator
from domain.ports.unit import Unit
from domain.resellers.reseller import selling
from domain.usecases.bill_elsewhere import keep_elsewhere
from domain.usecases.make_bills import PageDone

Booked = Mapping[CustomerId, tuple[Posting, ...]]


async def prepare_page(unit: Unit, page: PageDone) -> Booked:
    """Do what can be done of issuing while others issue pages before; return the postings of each payer's invoice."""
    await unit.invoices.prepare(page.invoices)
    return {draft.customer: postings_of(draft) for draft in page.invoices if draft.sold_by is None}


async def issue_page(unit: Unit, page: PageDone, operator: Operator, booked: Booked) -> list[Invoice]:
    """Give a page's invoices their numbers; keep, book, mark and announce them: together or not at all."""
    issued: list[Invoice] = []
    # In one order, so that two who issue at the same time wait for each other and never in a ring.
    for kind, seller in sorted({(draft.kind, draft.sold_by or ResellerId(0)) for draft in page.invoices}):
        mine = [draft for draft in page.invoices if (draft.kind, draft.sold_by or 0) == (kind, seller)]
        keys, numbers = await unit.invoices.draw(kind, len(mine), seller=seller or None, on=mine[0].issued_on)
        series = await unit.operators.series_of(SeriesKind(kind.value), seller or None)
        sells = await seller_named(unit, operator, seller or None)
        issued += [
            numbered(draft, id=key, number=number, reference=reference_of(sells, number, series))
            for draft, key, number in zip(mine, keys, numbers, strict=True)
        ]
    await unit.invoices.issue(issued)
    for invoice in issued:
        for buyer, fees in page.bought.get(invoice.customer, {}).items():
            await unit.wholesale.charged(invoice, buyer, fees)
    # What a reseller sells in his own name is in his books.
    await unit.ledger.post(
        [of_invoice(invoice, booked[invoice.customer]) for invoice in issued if invoice.sold_by is None]
    )
    await keep_elsewhere(unit, page.run, page.elsewhere)
    await unit.bill_runs.mark(page.run, page.billed_customers)
    await recount(unit, {customer for _, customer in page.billed_customers}, at=page.run.created_at)
    await unit.bill_runs.unpark(page.run, page.payers)
    await unit.bill_runs.park(page.parked)
    left = {one.customer for one in page.carried}
    sent = {invoice.customer for invoice in issued} | {fee.payer for fee in page.elsewhere.fees}
    await unit.bill_runs.carry(page.carried, sorted(sent - left))
    if issued:
        await unit.outbox.promise(
            "invoice.issued", {"invoices": [each.id for each in issued]}, subject=f"bill_run:{page.run.id}"
        )
    return issued


async def seller_named(unit: Unit, operator: Operator, reseller: ResellerId | None) -> Operator:
    """Return what the documents of a seller start from; None: the operator's own."""
    if reseller is None:
        return operator
    seller = (await unit.resellers.tree())[reseller].seller
    return operator if seller is None else selling(operator, seller)


def reference_of(operator: Operator, number: str, series: NumberSeries | None = None) -> str:
    """Return what the payer gives with the payment of an invoice of this number, as its series says."""
    own = None if series is None else referred(number, series)
    if own is not None:
        return own
    if series is not None and series.yearly:
        return payment_reference(operator.country, "".join(number.split("-")[-2:]), OcrLevel(operator.ocr_level))
    return payment_reference(operator.country, counted(number), OcrLevel(operator.ocr_level))

"""The journal of a bill run, or of everything that was issued in a period, for the books of another system."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import BillRunId
from domain.invoicing.invoice import Invoice
from domain.invoicing.tax_rules import currency_at_home
from domain.ledger.at_home import at_home
from domain.ledger.journal import Journal, Voucher
from domain.operators import Operator
from domain.period import Period
from domain.ports.invoices import Chosen
from domain.ports.page import PageRequest
from domain.ports.unit import Begin
from domain.refusal import BadValue
from domain.selfbilling.document import entry_of
from domain.usecases.load_taxes import worth

_PER_PAGE = 500
DAYS_MAX = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """``vouchers`` in ``currency``; ``left`` are the numbers of documents in another whose worth is not known."""

    operator: Operator
    currency: str
    invoices: int
    vouchers: list[Voucher]
    left: list[str]


def journal_currency(operator: Operator) -> str:
    """Return the currency that an operator keeps his books in: his country's, where that is known."""
    return currency_at_home(operator.country, date.max) or operator.currency


async def add_to(journal: Journal, invoices: AsyncIterator[Invoice]) -> list[str]:
    """Add the operator's own documents to a journal; return the numbers of those that cannot be."""
    left = []
    async for invoice in invoices:
        if invoice.sold_by is not None:
            continue  # it is in the books of the reseller who sells
        told = invoice if invoice.currency == journal.currency else at_home(invoice)
        if told.currency == journal.currency:
            journal.add(told)
        else:
            left.append(invoice.number)
    return left


@operation(Action.RUN_BILLS)
async def make_journal(
    *, actor: Actor, begin: Begin, run: BillRunId | None = None, period: Period | None = None
) -> Booked:
    """Return the vouchers of a run, or of all that was issued in a period: credit notes and charges with them.

    Those of a period are also of what was written for suppliers.

    Refuses with: NotAllowed, NotFound (run), BadValue (neither or both, more than a year).
    """
    if (run is None) == (period is None):
        raise BadValue("give a bill run or a period", field="billRun")
    if period is not None and period.days > DAYS_MAX:
        raise BadValue("a period has at most {most} days", most=DAYS_MAX, field="end")
    async with begin(actor) as unit:
        operator = await unit.operators.own()
        if run is not None:
            await unit.bill_runs.get(run)
    journal = Journal(journal_currency(operator))
    left = await add_to(journal, _issued(actor, begin, run, period))
    if period is not None:
        left += await _owed(journal, operator, actor, begin, period)
    name = f"run {run}" if run is not None else f"{period}"
    return Booked(
        operator=operator,
        currency=journal.currency,
        invoices=journal.count,
        vouchers=journal.vouchers(name),
        left=left,
    )


async def _owed(journal: Journal, operator: Operator, actor: Actor, begin: Begin, period: Period) -> list[str]:
    """Add what was written for suppliers; return the numbers of what is in a currency whose worth is not known."""
    left = []
    async with begin(actor) as unit:
        for one in await unit.self_billing.issued(period.start, period.end):
            told = one.invoice
            if told.currency != journal.currency:  # by the day's rate into the buyer's own, not the supplier's
                rate = await worth(unit, told.currency, journal.currency, told.issued_on)
                told = at_home(replace(told, home=rate))
            if told.currency == journal.currency:
                journal.owe(entry_of(told, operator))
            else:
                left.append(told.number)
    return left


async def _issued(actor: Actor, begin: Begin, run: BillRunId | None, period: Period | None) -> AsyncIterator[Invoice]:
    chosen = None if period is None else Chosen(since=period.start, until=period.end)
    after, more = None, True
    while more:
        async with begin(actor) as unit:
            page = await unit.invoices.page(PageRequest(first=_PER_PAGE, after=after), run=run, chosen=chosen)
        for invoice in page.items:
            after = invoice.id
            yield invoice
        more = page.more

"""Show that a bill run's invoices, its VAT, its journal and the ledger say the same to the öre."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import BillRunId
from domain.invoicing.invoice import decimals_of
from domain.ledger.entry import BAS
from domain.ledger.journal import Journal
from domain.period import Period
from domain.ports.invoices import Chosen
from domain.ports.page import PageRequest
from domain.ports.unit import Begin
from domain.refusal import BadValue

_PER_PAGE = 500
DAYS_MAX = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What each book says of a run in one currency. ``differences`` are by account: journal less ledger."""

    currency: str
    invoices: int
    total: Decimal
    vat: Mapping[str, Decimal]
    journal: Mapping[str, Decimal]
    ledger: Mapping[str, Decimal]
    differences: Mapping[str, Decimal]

    @property
    def holds(self) -> bool:
        """Tell whether invoices = VAT = journal = ledger."""
        vat_booked = -sum(
            (self.ledger.get(account, Decimal(0)) for account in {*BAS.vat.values(), BAS.foreign_vat}), Decimal(0)
        )
        receivable = self.ledger.get(BAS.receivable, Decimal(0))
        return not self.differences and receivable == self.total and vat_booked == sum(self.vat.values(), Decimal(0))


@operation(Action.RUN_BILLS)
async def reconcile_run(run: BillRunId, *, actor: Actor, begin: Begin) -> list[Reconciliation]:
    """Compare the books of a run, one answer a currency. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        await unit.bill_runs.get(run)
    return await _reconciled(actor, begin, run=run)


@operation(Action.RUN_BILLS)
async def reconcile_period(period: Period, *, actor: Actor, begin: Begin) -> list[Reconciliation]:
    """Compare the books of everything issued in a period: of runs, credit notes and what was issued anew.

    Refuses with: NotAllowed, BadValue (more than a year).
    """
    if period.days > DAYS_MAX:
        raise BadValue("a period has at most {most} days", most=DAYS_MAX, field="end")
    return await _reconciled(actor, begin, chosen=Chosen(since=period.start, until=period.end))


async def _reconciled(
    actor: Actor, begin: Begin, *, run: BillRunId | None = None, chosen: Chosen | None = None
) -> list[Reconciliation]:
    journals: dict[str, Journal] = {}
    ledger: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    after: int | None = None
    more = True
    async with begin(actor) as unit:
        while more:
            page = await unit.invoices.page(PageRequest(first=_PER_PAGE, after=after), run=run, chosen=chosen)
            for invoice in page.items:
                if invoice.sold_by is None:
                    journals.setdefault(invoice.currency, Journal(invoice.currency)).add(invoice)
                after = invoice.id
            keys = [f"{invoice.kind}:{invoice.number}" for invoice in page.items]
            for (account, currency), minor in (await unit.ledger.booked(keys)).items():
                ledger[currency][account] += minor
            more = page.more
    return [_compared(journals[currency], ledger[currency]) for currency in sorted(journals)]


def _compared(journal: Journal, ledger: Mapping[str, int]) -> Reconciliation:
    scale = -decimals_of(journal.currency)
    booked = {account: Decimal(minor).scaleb(scale) for account, minor in sorted(ledger.items()) if minor}
    told = {account: amount for account, amount in journal.booked().items() if amount}
    differences = {
        account: told.get(account, Decimal(0)) - booked.get(account, Decimal(0))
        for account in sorted(told.keys() | booked.keys())
        if told.get(account, Decimal(0)) != booked.get(account, Decimal(0))
    }
    return Reconciliation(
        currency=journal.currency,
        invoices=journal.count,
        total=journal.total,
        vat={f"{category} {percent:f}": tax for (category, percent), tax in sorted(journal.vat.items())},
        journal=told,
        ledger=booked,
        differences=differences,
    )

"""Show what a bill run came to in the form of the basis: the lines of its invoices, or what it gave another system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.basis.batch import BasisLine
from domain.basis.fee import BasisFee
from domain.ids import BillRunId, CustomerId, SubscriptionId
from domain.invoicing.invoice import Invoice
from domain.ports.unit import Begin, Unit

FEES_PER_PAGE = 5000


@operation(Action.RUN_BILLS)
async def basis_of_invoices(invoices: Sequence[Invoice], *, actor: Actor, begin: Begin) -> Sequence[BasisLine]:
    """Return the lines and buckets of invoices, each numbered as it stands there. Refuses with: NotAllowed."""
    fees: list[tuple[int, BasisFee]] = []
    for invoice in invoices:
        head = BasisFee(
            run=invoice.run or BillRunId(0), payer=invoice.customer, currency=invoice.currency, period=invoice.period
        )
        fees += [(one.position, replace(head, period=one.period, line=one)) for one in invoice.lines]
        behind = enumerate(invoice.buckets, len(invoice.lines) + 1)
        fees += [(position, replace(head, bucket=one)) for position, one in behind]
    async with begin(actor, bulk=True) as unit:
        return await _lines(unit, fees)


@operation(Action.RUN_BILLS)
async def basis_of_run(
    run: BillRunId, *, after: int = 0, actor: Actor, begin: Begin
) -> tuple[Sequence[BasisLine], int | None]:
    """Return the next of what a run charged those whom another system invoices, and where to go on; None: no more.

    Refuses with: NotAllowed, NotFound.
    """
    async with begin(actor, bulk=True) as unit:
        await unit.bill_runs.get(run)
        fees = await unit.basis_fees.of_run(run, first=FEES_PER_PAGE, after=after)
        lines = await _lines(unit, [(fee.id, fee) for fee in fees])
    return lines, fees[-1].id if len(fees) == FEES_PER_PAGE else None


async def _lines(unit: Unit, fees: Sequence[tuple[int, BasisFee]]) -> list[BasisLine]:
    named = {fee.customer for _, fee in fees} | {fee.payer for _, fee in fees}
    numbers: dict[CustomerId, str] = {
        key: one.number for key, one in (await unit.customers.many(sorted(named))).items()
    }
    return [_line(position, fee, numbers) for position, fee in fees]


def _line(position: int, fee: BasisFee, numbers: dict[CustomerId, str]) -> BasisLine:
    told = fee.line
    return BasisLine(
        position=position,
        customer=fee.customer,
        customer_key="",
        subscription=SubscriptionId((told and told.subscription) or 0),
        subscription_key="",
        period_start=fee.period.start,
        mode=(told and told.mode) or "",
        direction="",
        group=(told and told.group) or "",
        currency=fee.currency,
        events=(told and told.events) or 0,
        used=(told and told.used) or 0,
        amount_micro=(told and told.amount_micro) or 0,
        customer_number=numbers[fee.customer],
        payer_number=numbers[fee.payer],
        fee=fee,
    )

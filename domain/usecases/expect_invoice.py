"""Tell what a customer's next invoice would be by now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final, TypeVar

from domain.access.actor import Action, Actor, system
from domain.access.operations import operation
from domain.customers.customer import Customer
from domain.ids import CustomerId
from domain.intake.raters import Raters
from domain.invoicing.bill_run import BillKind, Parked
from domain.invoicing.invoice import Invoice
from domain.period import Period
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.refusal import BadValue
from domain.usecases.bill_customer import payer_above, up_to
from domain.usecases.fit_contract import day_in
from domain.usecases.make_bills import PageDone
from domain.usecases.run_bills import RunBills, run_bills

T = TypeVar("T")
AHEAD_MAX: Final = timedelta(days=400)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectInvoice:
    """Of whom, and with what is due until the end of which day; None: today's."""

    customer: CustomerId
    on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedInvoice:
    """What it would be: an invoice without a number, or who is parked; neither where there is nothing to bill."""

    payer: Customer
    period: Period
    invoice: Invoice | None = None
    parked: Parked | None = None


@operation(Action.READ_INVOICES)
async def expect_invoice(
    cmd: ExpectInvoice, *, actor: Actor, begin: Begin, clock: Clock, raters: Raters | None = None
) -> ExpectedInvoice:
    """Return the invoice that a customer's payer would get with what is unbilled and due by a day; nothing is kept.

    Usage is that of now; fees are those due by the day, which may lie ahead. Whom another system invoices is shown what
    no run has come to yet. Refuses with: NotAllowed, NotFound (the
    customer, or who pays for it), BadValue (too far ahead).
    """
    async with begin(actor) as unit:
        payer = await payer_above(unit, await unit.customers.get(cmd.customer))
        today = day_in(await unit.operators.own(), clock.now())
    on = cmd.on or today
    if not today - AHEAD_MAX <= on <= today + AHEAD_MAX:
        raise BadValue("a day at most {most} days from today", most=AHEAD_MAX.days, field="on")
    pages: list[PageDone] = []
    period = up_to(payer, on + timedelta(days=1))
    # The caller may see the payer, and so what he will be billed; what that is made of is the operator's own to read.
    await run_bills(
        RunBills(
            period=period,
            issued_on=on,
            customers=(payer.id,),
            dry_run=True,
            kind=BillKind.INTERIM,
            as_invoices=True,
        ),
        actor=system(actor.operator, actor.client),
        begin=begin,
        clock=clock,
        raters=raters,
        done=pages.append,
    )
    return ExpectedInvoice(
        payer=payer,
        period=period,
        invoice=_only([replace(one, bill_kind=BillKind.REGULAR) for page in pages for one in page.invoices]),
        parked=_only([one for page in pages for one in page.parked]),
    )


def _only(found: Sequence[T]) -> T | None:
    return found[0] if found else None

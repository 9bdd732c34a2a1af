"""What a page of bills is made of beside contracts and usage: charges, rules, and what stands in the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.invoicing.bill_run import BillRun
from domain.invoicing.fees import Window
from domain.payments.mandate import MandateState
from domain.ports.invoices import PayerPage
from domain.ports.unit import Unit


async def with_charges(unit: Unit, page: PayerPage, run: BillRun, window: Window, *, at: datetime) -> PayerPage:
    """Return a page of a bill run with what is charged to its members, and the rules of its payers at an instant."""
    members = sorted({member.id for members in page.members.values() for member in members})
    charges = await unit.charges.of_customers(members, before=max(window.fees_until, window.period.end))
    keys = [one.id for each in charges.values() for one in each]
    debited = [key for key in page.payers if page.members[key][0].direct_debit]
    mandates = await unit.giro.mandates.find(customer=debited, state=MandateState.ACTIVE) if debited else ()
    holders = {one.customer for one in mandates}
    return replace(
        page,
        charges=charges,
        charged=await unit.charges.billed(keys) if keys else {},
        unpriced=await unit.bill_runs.unpriced(run, members),
        rules=await unit.billing_rules.of(page.payers, at),
        carried=await unit.bill_runs.carried(page.payers),
        mandated={key: key in holders for key in debited},
    )

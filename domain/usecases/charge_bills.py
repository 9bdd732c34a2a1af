"""What a page of bills is made of beside contracts and usage: charges, rules, and what stands in the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from domain.ids import CustomerId
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
    due = await _due(unit, page, debited, run) if mandates else {}
    holders = {one.customer for one in mandates if one.debitable(due[one.customer])}
    return replace(
        page,
        charges=charges,
        charged=await unit.charges.billed(keys) if keys else {},
        unpriced=await unit.bill_runs.unpriced(run, members),
        rules=await unit.billing_rules.of(page.payers, at),
        carried=await unit.bill_runs.carried(page.payers),
        mandated={key: key in holders for key in debited},
    )


async def _due(unit: Unit, page: PayerPage, payers: Sequence[CustomerId], run: BillRun) -> Mapping[CustomerId, date]:
    """Return the day on which each payer is to be debited."""
    usual = (await unit.operators.own()).payment_terms_days
    terms = {key: page.members[key][0].payment_terms_days for key in payers}
    return {key: run.issued_on + timedelta(days=usual if days is None else days) for key, days in terms.items()}

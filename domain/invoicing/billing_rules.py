"""What an operator's invoices follow: the smallest that is sent, those of nothing, events without a price, the form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.customers.customer import BILLING_DAY_MAX
from domain.customers.group import GROUP_MAX
from domain.invoicing.bill_run import BillKind, BillRun, Carried
from domain.invoicing.invoice import Invoice
from domain.period import Period, later
from domain.refusal import BadValue

MINIMUM_MAX: Final = Decimal(10) ** 6
CARRY_MONTHS_MAX: Final = 24
RULES_MAX: Final = 1000


class Unpriced(StrEnum):
    """What becomes of a payer with events that wait for a price: parked, or billed without them."""

    PARK = "park"
    IGNORE = "ignore"


class BillForm(StrEnum):
    """Who makes the invoices: a bill run, or another system from the invoice basis."""

    INVOICE = "invoice"
    BASIS = "basis"


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingRules:
    """Those of a group of customers; ``group`` empty: of everybody in no such group.

    An invoice whose total is below ``minimum``, or nothing at all unless ``zero_invoices``, is carried over to the next
    period, for ``carry_months`` at most. A final, interim or on-demand invoice never is.
    """

    group: str = ""
    minimum: Decimal = Decimal(0)
    carry_months: int = 3
    zero_invoices: bool = False
    unpriced: Unpriced = Unpriced.PARK
    form: BillForm = BillForm.INVOICE
    version: int = 0


USUAL: Final = BillingRules()


def check(rules: BillingRules) -> BillingRules:
    """Return them. Refuses with: BadValue, naming the field."""
    if len(rules.group) > GROUP_MAX or rules.group != rules.group.strip():
        raise BadValue("a group's name has 1 to {group_max} characters", group_max=GROUP_MAX, field="group")
    if not (
        rules.minimum.is_finite() and 0 <= rules.minimum <= MINIMUM_MAX and round(rules.minimum, 2) == rules.minimum
    ):
        raise BadValue("a minimum is an amount from 0 to {most}", most=MINIMUM_MAX, field="minimum")
    if not 0 <= rules.carry_months <= CARRY_MONTHS_MAX:
        raise BadValue("invoices are carried over for 0 to {most} months", most=CARRY_MONTHS_MAX, field="carryMonths")
    return rules


def carried_over(invoice: Invoice, rules: BillingRules, run: BillRun, before: Carried | None) -> Carried | None:
    """Return what is carried over instead of sending an invoice; None: it is sent."""
    if run.kind is not BillKind.REGULAR:
        return None
    since = run.period.start if before is None else min(before.since, run.period.start)
    nothing = invoice.total == 0 and not rules.zero_invoices
    if not nothing:
        if abs(invoice.total) >= rules.minimum:
            return None
        if run.period.start >= later(since, rules.carry_months):
            return None
    return Carried(customer=invoice.customer, run=run.id, since=since, amount=invoice.total)


def beginning_on(month: Period, day: int) -> Period:
    """Return the month's period of payers whose periods begin on a day of it. Refuses with: BadValue.

    >>> str(beginning_on(Period.month("2026-10"), 15))
    '2026-10-15..2026-11-15'
    """
    if not 1 <= day <= BILLING_DAY_MAX:
        raise BadValue("a billing day is 1 to {most}", most=BILLING_DAY_MAX, field="cycle")
    start = month.start.replace(day=day)
    return Period(start, later(start, 1))


def billing_period(day: int, on: date) -> Period:
    """Return the period of a billing day that holds a day.

    >>> str(billing_period(15, date(2026, 11, 14))), str(billing_period(1, date(2026, 11, 14)))
    ('2026-10-15..2026-11-15', '2026-11-01..2026-12-01')
    """
    start = on.replace(day=day)
    if start > on:
        start = later(start, -1)
    return Period(start, later(start, 1))

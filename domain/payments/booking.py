"""What a payment books: the bank against the customer's receivable, or against unallocated receipts.

The bank's side is booked once, when the payment is taken in. Whose the money is can change afterwards: that moves it
between unallocated receipts and a receivable, never the bank.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from domain.ids import CustomerId
from domain.ledger.entry import BAS, Chart, Entry, Posting
from domain.payments.payment import Payment
from domain.payments.record import Kind

_OUT = frozenset({Kind.DEDUCTION, Kind.PAYOUT, Kind.RETURN})


def received(payment: Payment, customer: CustomerId | None, chart: Chart = BAS) -> Entry:
    """Book a payment: money in is a debit of the bank; a deduction, payout or return a credit."""
    amount = -payment.amount_minor if payment.kind in _OUT else payment.amount_minor
    other = chart.unallocated if customer is None else chart.receivable
    return Entry(
        key=f"payment:{payment.identity}",
        booked_on=payment.booked_on,
        text=f"{payment.kind.value} {payment.identity.partition(':')[0]}",
        postings=(Posting(chart.bank, payment.currency, amount), Posting(other, payment.currency, -amount)),
        customer=customer,
    )


def moved(payment: Payment, customer: CustomerId, amount: int, *, on: dt.date, turn: int, chart: Chart = BAS) -> Entry:
    """Move an amount from unallocated receipts to a customer; a negative one back. ``turn`` counts the moves."""
    return Entry(
        key=f"payment:{payment.identity}/{turn}",
        booked_on=on,
        text=f"payment {payment.id} {'to' if amount > 0 else 'from'} customer {customer}",
        postings=(
            Posting(chart.unallocated, payment.currency, amount),
            Posting(chart.receivable, payment.currency, -amount),
        ),
        customer=customer,
    )


def shares(parts: Sequence[tuple[object, CustomerId, int]]) -> dict[CustomerId, int]:
    """Return what each customer gets of a payment."""
    found: dict[CustomerId, int] = {}
    for _, customer, amount in parts:
        found[customer] = found.get(customer, 0) + amount
    return found

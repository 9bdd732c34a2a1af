"""What a payment books: the bank against the customer's receivable and credit, or against unallocated receipts.

The bank's side is booked once, when the payment is taken in. Whose the money is can change afterwards: that moves it
between unallocated receipts, a receivable and a customer's credit, never the bank.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from domain.ids import CustomerId
from domain.ledger.entry import BAS, Chart, Entry, Posting
from domain.payments.payment import Payment
from domain.payments.record import Kind

_OUT = frozenset({Kind.DEDUCTION, Kind.PAYOUT, Kind.RETURN})


@dataclass(frozen=True, slots=True)
class Share:
    """What a customer gets of a payment: ``applied`` to what he owes, and ``rest`` as his credit; minor units."""

    customer: CustomerId
    applied: int = 0
    rest: int = 0

    def __neg__(self) -> Share:
        """Return what takes it back."""
        return Share(self.customer, -self.applied, -self.rest)


def signed(payment: Payment) -> int:
    """Return what it comes to: money out is negative."""
    return -payment.amount_minor if payment.kind in _OUT else payment.amount_minor


def at_bank(payment: Payment, chart: Chart = BAS) -> tuple[Posting, ...]:
    """Return the bank's side of a payment: with its charge, and with what exchanges it into another currency."""
    sign = -1 if payment.kind in _OUT else 1
    bank = Posting(chart.bank, payment.bank_currency, sign * payment.bank_minor)
    if payment.paid_currency is None:
        return (bank,)
    if not payment.exchanged:
        return (bank, Posting(chart.bank_fees, payment.currency, sign * (payment.amount_minor - payment.bank_minor)))
    return (
        bank,
        Posting(chart.exchange, payment.paid_currency, -bank.amount_minor),
        Posting(chart.exchange, payment.currency, sign * payment.amount_minor),
    )


def received(payment: Payment, applied: int, *, on: dt.date | None = None, chart: Chart = BAS) -> Entry:
    """Book a payment: money in is a debit of the bank; a deduction, payout or return a credit.

    ``applied`` of it is a customer's debt, the rest his credit; of nobody all of it is unallocated.
    """
    amount = signed(payment)
    if payment.customer is None:
        others = [(chart.unallocated, amount)]
    else:
        others = [(chart.receivable, applied), (chart.credit, amount - applied)]
    return Entry(
        key=f"payment:{payment.identity}",
        booked_on=on or payment.booked_on,
        text=f"{payment.kind.value} {payment.identity.partition(':')[0]}",
        postings=(
            *at_bank(payment, chart),
            *(Posting(account, payment.currency, -part) for account, part in others if part),
        ),
        customer=payment.customer,
    )


def moved(payment: Payment, share: Share, *, on: dt.date, turn: int, held: bool = False, chart: Chart = BAS) -> Entry:
    """Move a share from unallocated receipts to a customer; a negative one back. ``turn`` counts the moves.

    ``held``: it is his already, and moves between his credit and what he owes.
    """
    total = share.applied + share.rest
    postings = [(chart.receivable, -share.applied), (chart.credit, -share.rest)]
    if held:
        postings = [(chart.credit, share.applied), (chart.receivable, -share.applied)]
    else:
        postings.insert(0, (chart.unallocated, total))
    way = "to" if total > 0 else "from"
    return Entry(
        key=f"payment:{payment.identity}/{turn}",
        booked_on=on,
        text=f"payment {payment.id} {way} customer {share.customer}",
        postings=tuple(Posting(account, payment.currency, amount) for account, amount in postings if amount),
        customer=share.customer,
    )


def shares(parts: Sequence[tuple[CustomerId, int]]) -> list[Share]:
    """Return what each customer gets of parts that are applied."""
    found: dict[CustomerId, int] = {}
    for customer, amount in parts:
        found[customer] = found.get(customer, 0) + amount
    return [Share(customer, applied) for customer, applied in found.items()]

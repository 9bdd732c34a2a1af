"""What a claim books: the customer's receivable against the income of reminders or of interest."""

from __future__ import annotations

from datetime import date
from typing import Final

from domain.ids import CustomerId
from domain.ledger.entry import BAS, Chart, Entry, Posting
from domain.payments.claim import ClaimKind

_INTEREST: Final = frozenset({ClaimKind.INTEREST})


def claimed(  # noqa: PLR0917  (what an entry says)
    key: str, kind: ClaimKind, customer: CustomerId, currency: str, amount_minor: int, on: date, chart: Chart = BAS
) -> Entry:
    """Book a claim; fees and interest are outside VAT."""
    income = chart.interest_income if kind in _INTEREST else chart.reminder_income
    return Entry(
        key=key,
        booked_on=on,
        text=kind.value,
        postings=(Posting(chart.receivable, currency, amount_minor), Posting(income, currency, -amount_minor)),
        customer=customer,
    )

"""Entries and postings, and the entry that issuing an invoice makes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from domain.ids import CustomerId
from domain.invoicing.invoice import Invoice, decimals_of


@dataclass(frozen=True, slots=True)
class Posting:
    """An amount on an account in minor units; debit is positive."""

    account: str
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One booked event. ``reverses`` is the key of the entry it undoes."""

    key: str
    booked_on: date
    text: str
    postings: tuple[Posting, ...]
    customer: CustomerId | None = None
    reverses: str | None = None

    def __post_init__(self) -> None:
        totals: dict[str, int] = defaultdict(int)
        for posting in self.postings:
            totals[posting.currency] += posting.amount_minor
        assert not any(totals.values()), f"{self.key} does not sum to zero: {dict(totals)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """An entry as it was kept."""

    entry: Entry
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Which accounts an invoice is booked on; the numbers are those of the Swedish BAS chart unless told otherwise.

    ``foreign_vat`` takes VAT at a rate that is not in ``vat``: another country's, declared by the one-stop shop (OSS).
    """

    receivable: str = "1510"
    bank: str = "1930"
    unallocated: str = "2999"
    credit: str = "2420"
    deferred: str = "2979"
    rounding: str = "3740"
    in_transit: str = "1519"
    payouts: str = "2429"
    bad_debt: str = "6351"
    bank_fees: str = "6570"
    reminder_income: str = "3591"
    interest_income: str = "8313"
    exchange: str = "1989"
    exchange_gain: str = "3960"
    exchange_loss: str = "7960"
    vat: Mapping[Decimal, str] = field(
        default_factory=lambda: {Decimal(25): "2611", Decimal(12): "2621", Decimal(6): "2631"}
    )
    foreign_vat: str = "2670"


BAS: Final = Chart()
# A customer's accounts: what he owes, what is on its way from his bank (BAS 1519), and what he has paid too much.
OWN: Final = (BAS.receivable, BAS.in_transit, BAS.credit)


def minor(value: Decimal, currency: str) -> int:
    """Return an amount on a document in minor units; it has no more decimals than its currency.

    >>> minor(Decimal("170.03"), "SEK")
    17003
    """
    scaled = value.scaleb(decimals_of(currency))
    assert scaled == int(scaled), f"{value} has more decimals than {currency} has"
    return int(scaled)


def of_invoice(invoice: Invoice, postings: tuple[Posting, ...] | None = None) -> Entry:
    """Book an issued invoice or credit note; ``postings``: those that were worked out before it had a number."""
    assert invoice.number, "only what is issued is booked"
    return Entry(
        key=f"{invoice.kind}:{invoice.number}",
        booked_on=invoice.issued_on,
        text=f"{invoice.kind} {invoice.number}",
        postings=postings_of(invoice) if postings is None else postings,
        customer=invoice.customer,
    )


def postings_of(invoice: Invoice, chart: Chart = BAS) -> tuple[Posting, ...]:
    """Return receivable against its lines' accounts, VAT and rounding."""
    sums: dict[str, int] = defaultdict(int)
    sums[chart.receivable] += minor(invoice.total, invoice.currency)
    for line in invoice.lines:
        sums[line.account] -= minor(line.net, invoice.currency)
    for each in invoice.vat:
        if each.tax:
            at_home = each.treatment.country is None
            account = chart.vat.get(each.treatment.percent, chart.foreign_vat) if at_home else chart.foreign_vat
            sums[account] -= minor(each.tax, invoice.currency)
    sums[chart.rounding] -= minor(invoice.rounding, invoice.currency)
    return tuple(Posting(account, invoice.currency, amount) for account, amount in sums.items() if amount)


def reversal(entry: Entry, *, key: str, on: date) -> Entry:
    """Return the entry that undoes another: the same postings with the other sign."""
    return Entry(
        key=key,
        booked_on=on,
        text=f"reversal of {entry.text}",
        postings=tuple(Posting(each.account, each.currency, -each.amount_minor) for each in entry.postings),
        customer=entry.customer,
        reverses=entry.key,
    )

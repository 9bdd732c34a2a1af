"""A payment that came in another currency than what it pays: what it comes to there, by a dated rate.

What moved on the bank's account stays beside it in the bank's currency. The rate is that of the day it was booked on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Final

from domain.invoicing.invoice import decimals_of
from domain.ledger.entry import BAS, Chart, Entry, Posting
from domain.margins.exchange import RATE_DECIMALS
from domain.money import divide
from domain.payments.allocating import Wanted, wanted_of
from domain.payments.booking import at_bank
from domain.payments.payment import OpenItem, Payment

_RATE: Final = 10**RATE_DECIMALS


def as_rate(factor: Fraction) -> Decimal:
    """Return a factor as the rate that is kept: 12 decimals, half away from zero."""
    return Decimal(divide(factor.numerator * _RATE, factor.denominator)).scaleb(-RATE_DECIMALS)


def exchanged(payment: Payment, currency: str, rate: Decimal) -> Payment:
    """Return a payment as an amount of another currency: one unit of the bank's is worth ``rate`` of it.

    What its bank took off it the payer has paid too; the charge is then within what is exchanged.
    """
    bank, amount = payment.bank_currency, payment.bank_minor
    plain = replace(payment, currency=bank, amount_minor=amount, paid_minor=None, paid_currency=None, rate=None)
    whole = with_charge(plain)
    if currency == bank:
        return whole
    worth = _converted(whole.amount_minor, bank, currency, rate)
    return replace(whole, currency=currency, amount_minor=worth, paid_minor=amount, paid_currency=bank, rate=rate)


def with_charge(payment: Payment) -> Payment:
    """Return a payment with what its bank took off it: the payer has paid it all, and the charge is ours."""
    told = Decimal(payment.record.get("deducted") or 0).scaleb(decimals_of(payment.currency))
    if not told or told != int(told):
        return payment
    whole = payment.amount_minor + int(told)
    one = Decimal(1)
    return replace(
        payment, amount_minor=whole, paid_minor=payment.amount_minor, paid_currency=payment.currency, rate=one
    )


def like(payment: Payment, original: Payment) -> Payment:
    """Return a return as what it takes back is: exchanged by the same rate, whatever the rate is now."""
    return replace(
        payment,
        amount_minor=original.amount_minor,
        currency=original.currency,
        paid_minor=original.paid_minor,
        paid_currency=original.paid_currency,
        rate=original.rate,
    )


def wanted(payment: Payment) -> tuple[Wanted, ...]:
    """Return the references of a payment with what was given for each, in the payment's currency.

    What an exchanged payment was split into is exchanged with it, so that the parts come to the whole.
    """
    bank = payment.bank_currency
    found = wanted_of(payment.record, 10 ** decimals_of(bank))
    if payment.rate is None:
        return found
    told = was = 0
    parts: list[Wanted] = []
    for one in found:
        if one.amount_minor is None:
            parts.append(one)
            continue
        told += one.amount_minor
        now = _converted(told, bank, payment.currency, payment.rate)
        parts.append(replace(one, amount_minor=now - was))
        was = now
    return tuple(parts)


def another(payment: Payment, items: Iterable[OpenItem]) -> str | None:
    """Return the one other currency that all documents a payment names are in; None where there is no such."""
    found = {item.currency for item in items}
    return next(iter(found)) if len(found) == 1 and payment.currency not in found else None


def booked(before: Payment, after: Payment, *, on: dt.date, turn: int, chart: Chart = BAS) -> Entry:
    """Book that a payment of nobody is exchanged after it was booked: all but the bank's own side anew."""
    return Entry(
        key=f"payment:{after.identity}/{turn}",
        booked_on=on,
        text=f"payment {after.id} exchanged",
        postings=(
            Posting(chart.unallocated, before.currency, before.amount_minor),
            *(Posting(one.account, one.currency, -one.amount_minor) for one in at_bank(before, chart)[1:]),
            *at_bank(after, chart)[1:],
            Posting(chart.unallocated, after.currency, -after.amount_minor),
        ),
    )


def _converted(amount: int, source: str, target: str, rate: Decimal) -> int:
    """Return minor units of one currency in those of another, half away from zero."""
    exact = Fraction(rate) * amount * 10 ** decimals_of(target) / 10 ** decimals_of(source)
    return divide(exact.numerator, exact.denominator)

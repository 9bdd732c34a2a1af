"""A correction has the VAT and the account of what it corrects, whatever its payer has become since.

What is given back of a supply, or charged anew for it, is taxed as the supply was (2006/112/EC art. 90): who has moved
abroad since gets back the VAT that he paid.
"""

from __future__ import annotations

from collections.abc import Callable

from domain.ids import CustomerId, ServiceId
from domain.invoicing.bill import Bill
from domain.invoicing.bill_run import FeeKey, UsageTotal
from domain.invoicing.invoice import Invoice, Line
from domain.invoicing.vat import VatTreatment

Taxed = tuple[VatTreatment, str]  # and the account


def numbers_of(bill: Bill, made: Invoice) -> set[str]:
    """Return the numbers of the invoices that lines of this one correct, and of all that charged the same fees."""
    found = set()
    for line in made.lines:
        if line.corrects is None:
            continue
        found.add(line.corrects)
        if line.fee is not None and (before := bill.billed.get(line.fee.contract, {}).get(line.fee)) is not None:
            found |= {part.invoice for part in before.parts}
    return found


def fee_as_charged(bill: Bill, number: str | None, fee: FeeKey) -> Taxed | None:
    """Return how a fee was charged on the invoice of a number; None where that is not known."""
    return _found(bill, number, lambda line: line.fee == fee)


def usage_as_charged(bill: Bill, total: UsageTotal) -> Taxed | None:
    """Return how such usage was charged on the invoice that it corrects; None where that is not known."""
    place = (total.customer, total.contract or None, total.subscription or None)

    def is_alike(line: Line) -> bool:
        return line.mode == total.mode and (line.customer, line.contract, line.subscription) == place

    return _found(bill, total.corrects, is_alike)


def bought_as_charged(bill: Bill, number: str | None, member: CustomerId, service: ServiceId) -> Taxed | None:
    """Return how a service that a reseller buys was charged on the invoice of a number; None where not known."""
    return _found(bill, number, lambda line: (line.customer, line.service, line.fee) == (member, service, None))


def _found(bill: Bill, number: str | None, is_alike: Callable[[Line], bool]) -> Taxed | None:
    charged = bill.corrected.get(number) if number is not None else None
    if charged is None:
        return None
    return next(((line.vat, line.account) for line in charged.lines if is_alike(line)), None)

"""Whether the ledger ties: to invoices, to payments, to claims, and to what was applied to what."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Rule(StrEnum):
    """What must be so. Amounts are minor units.

    ``balance``: all postings come to zero per currency. ``document``: each issued invoice and credit note is booked
    with what it comes to, on its customer, and nothing else is booked as one. ``payment``: each payment that moved
    money is booked on the bank with its amount. ``unallocated``: that account is what payments of nobody come to.
    ``in_transit``: what is on its way from payers' banks is what direct debits that were sent come to, and
    ``payouts``: what is on its way back to them, what refunds come to that wait or were sent.
    ``applied``: no document, claim or payment is applied further than it goes. ``customer``: what a customer owes on
    the ledger is what is open of his invoices and claims. ``credit``: his credit there is what he has paid and nothing
    has taken.
    """

    BALANCE = "balance"
    DOCUMENT = "document"
    PAYMENT = "payment"
    UNALLOCATED = "unallocated"
    IN_TRANSIT = "in_transit"
    PAYOUTS = "payouts"
    APPLIED = "applied"
    CUSTOMER = "customer"
    CREDIT = "credit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A place where two books differ. ``what`` names it, as ``invoice:100001`` or ``customer 12``."""

    rule: Rule
    what: str
    currency: str
    ledger_minor: int
    books_minor: int

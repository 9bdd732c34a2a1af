"""An operator's rules for payments: how far they are applied by themselves, and who he is to banks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from domain.ids import OperatorId
from domain.payments.orders import Creditor
from domain.refusal import BadValue

TOLERANCE_MAX: Final = 10_000
FEE_MAX: Final = 100_000
RETRIES_MAX: Final = 5
EXCHANGE_MAX: Final = 1_000  # ten per cent


class Order(StrEnum):
    """What a payment pays first where it names an invoice with fees and interest."""

    COSTS_INTEREST_PRINCIPAL = "costs_interest_principal"
    INTEREST_COSTS_PRINCIPAL = "interest_costs_principal"
    PRINCIPAL_FIRST = "principal_first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules. Amounts are minor units by currency; what is not named is off.

    ``tolerance``: how much a payment may miss an invoice by, the rest being rounding. ``oldest_first``: what names
    a customer and no invoice pays his oldest. ``use_credit``: what a customer has paid too much pays his next oldest
    invoice. ``retries``: how often a rejected debit is tried again, ``retry_days`` later. ``return_fee`` is claimed for
    a debit that came back; after ``block_after`` such the mandate is not debited (0: never). ``lead_days``: how many
    days before its due date an invoice is ordered. ``vat_relief``: a bad debt's VAT is taken back. ``exchange``: what
    is paid in another currency than the invoice's is exchanged by its day's rate; without it, it waits for somebody.
    ``exchange_tolerance``: by how much of what is open, in hundredths of a per cent, it may then miss an invoice; the
    difference is an exchange gain or loss.
    """

    tolerance: Mapping[str, int] = field(default_factory=dict)
    oldest_first: bool = False
    use_credit: bool = False
    order: Order = Order.COSTS_INTEREST_PRINCIPAL
    retries: int = 0
    retry_days: int = 7
    return_fee: Mapping[str, int] = field(default_factory=dict)
    block_after: int = 3
    lead_days: int = 5
    vat_relief: bool = False
    exchange: bool = False
    exchange_tolerance: int = 0
    creditor: Creditor = field(default_factory=lambda: Creditor(name=""))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRules:
    """The rules as they are kept; ``version`` counts their changes."""

    id: int
    operator: OperatorId
    rules: Rules
    version: int = 1


def check(rules: Rules) -> Rules:
    """Return rules that can be kept. Refuses with: BadValue, naming the field."""
    for name, amounts, most in (
        ("tolerance", rules.tolerance, TOLERANCE_MAX),
        ("returnFee", rules.return_fee, FEE_MAX),
    ):
        for currency, amount in amounts.items():
            if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
                raise BadValue("{code!r} is no currency", code=currency, field=name)
            if not 0 <= amount <= most:
                raise BadValue("it is 0 to {most} minor units", most=most, field=name)
    for name, number, most in (
        ("retries", rules.retries, RETRIES_MAX),
        ("retryDays", rules.retry_days, 60),
        ("blockAfter", rules.block_after, 100),
        ("leadDays", rules.lead_days, 30),
        ("exchangeTolerance", rules.exchange_tolerance, EXCHANGE_MAX),
    ):
        if not 0 <= number <= most:
            raise BadValue("it is 0 to {most}", most=most, field=name)
    return rules

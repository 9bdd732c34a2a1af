"""What is charged beside contracts: manual and project items, special charges, reminder fees, interest, discounts.

Once, or every so many months until a day. Each occurrence is billed once, by its first day; what was billed is taken
back by a credit note, never by changing or withdrawing the charge.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.ids import ChargeId, CustomerId, OperatorId, ResellerId
from domain.invoicing.invoice import LineKind, Unit
from domain.invoicing.proration import Priced, covers, fee_periods
from domain.money import round_to
from domain.period import Period
from domain.refusal import BadValue

TEXT_MAX: Final = 200
REFERENCE_MAX: Final = 100
AMOUNT_MAX: Final = Decimal(10) ** 12
PRICE_DECIMALS: Final = 6
QUANTITY_DECIMALS: Final = 3
INTERVALS: Final = frozenset({1, 2, 3, 6, 12})
EXEMPT: Final = frozenset({"E", "O"})


class ChargeKind(StrEnum):
    """What it is for."""

    MANUAL = "manual"
    PROJECT = "project"
    SPECIAL = "special"
    DISCOUNT = "discount"
    REMINDER_FEE = "reminder_fee"
    INTEREST = "interest"


LINE_KINDS: Final = {
    ChargeKind.DISCOUNT: LineKind.DISCOUNT,
    ChargeKind.REMINDER_FEE: LineKind.REMINDER_FEE,
    ChargeKind.INTEREST: LineKind.INTEREST,
}
# BAS: sales of services, other income, interest received from customers.
ACCOUNTS: Final = {ChargeKind.REMINDER_FEE: "3990", ChargeKind.INTEREST: "8313"}
ACCOUNT: Final = "3041"
# No VAT is charged on what paying late costs: interest is exempt, a reminder's fee makes good a loss.
PAID_LATE: Final = frozenset({ChargeKind.REMINDER_FEE, ChargeKind.INTEREST})


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """``quantity`` of ``unit`` at ``unit_price`` without VAT, in the operator's currency; below 0 it is given back.

    ``percent`` is taken off it. A discount takes ``percent`` off the invoice's lines, or an amount (``unit_price``)
    that is shared among them and is never more than they come to. ``starts`` is its day, and of one that comes again
    (``interval_months``) the first of its periods, in advance, until ``ends``. ``vat_percent`` is the rate of ordinary
    domestic supply; ``vat_category`` E (exempt) or O (outside the scope) goes before it. ``reference``: a project or an
    order, on the line. ``withdrawn_at``: what is not billed by then never is.
    """

    id: ChargeId
    operator: OperatorId
    customer: CustomerId
    reseller: ResellerId | None = None
    kind: ChargeKind = ChargeKind.MANUAL
    text: str
    quantity: Decimal = Decimal(1)
    unit: Unit = Unit.PIECE
    unit_price: Decimal | None = None
    percent: Decimal | None = None
    vat_percent: Decimal = Decimal(25)
    vat_category: str | None = None
    account: str = ACCOUNT
    starts: date
    ends: date | None = None
    interval_months: int | None = None
    reference: str | None = None
    created_at: datetime
    withdrawn_at: datetime | None = None
    version: int = 1

    @property
    def amount(self) -> Decimal:
        """What one occurrence comes to, unprorated and not rounded; of a discount what is taken off."""
        whole = self.quantity * (self.unit_price or Decimal(0))
        return whole if self.percent is None or self.kind is ChargeKind.DISCOUNT else whole * (100 - self.percent) / 100


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that a charge is due: the days it is for, and what it comes to."""

    period: Period
    amount: Decimal


def occurrences(charge: Charge, *, until: date, ahead: date, decimals: int = 2) -> Iterator[Occurrence]:
    """Yield what is due of a charge: once where it starts before ``until``, else what begins before ``ahead``."""
    if charge.interval_months is None:
        if charge.starts < until:
            day_after = date.fromordinal(charge.starts.toordinal() + 1)
            yield Occurrence(Period(charge.starts, charge.ends or day_after), round_to(charge.amount, decimals))
        return
    if charge.starts >= ahead:
        return
    price = Priced(charge.starts, charge.ends, charge.amount)
    for fee_period in fee_periods(charge.starts, charge.interval_months, Period(charge.starts, ahead)):
        for one in covers(fee_period, [price], decimals=decimals):
            if one.period.start < ahead:
                yield Occurrence(one.period, one.amount)


def holds(charge: Charge, until: date) -> bool:
    """Tell whether a discount in per cent is taken off an invoice of a period that ends before ``until``."""
    last = date.fromordinal(until.toordinal() - 1)
    return charge.starts <= last and (charge.ends is None or last < charge.ends)


def check(charge: Charge) -> Charge:
    """Return it with trimmed words. Refuses with: BadValue, naming the field."""
    if not charge.text.strip() or len(charge.text) > TEXT_MAX:
        raise BadValue("a text has 1 to {most} characters", most=TEXT_MAX, field="text")
    if charge.reference is not None and not 1 <= len(charge.reference.strip()) <= REFERENCE_MAX:
        raise BadValue("a reference has 1 to {most} characters", most=REFERENCE_MAX, field="reference")
    _check_numbers(charge)
    discount = charge.kind is ChargeKind.DISCOUNT
    if discount and (charge.percent is None) == (charge.unit_price is None):
        raise BadValue("a discount is per cent or an amount, and not both", field="percent")
    if not discount and charge.unit_price is None:
        raise BadValue("a charge has a price", field="unitPrice")
    if discount and (charge.unit_price or 1) < 0:
        raise BadValue("a discount's amount is what is taken off, above 0", field="unitPrice")
    if charge.vat_category is not None and charge.vat_category not in EXEMPT:
        raise BadValue("a VAT category is {listed}, or left out", listed=", ".join(sorted(EXEMPT)), field="vatCategory")
    if charge.interval_months is not None and charge.interval_months not in INTERVALS:
        listed = ", ".join(map(str, sorted(INTERVALS)))
        raise BadValue("an interval is {listed} months", listed=listed, field="intervalMonths")
    if charge.ends is not None and charge.ends <= charge.starts:
        raise BadValue("it ends after it begins", field="ends")
    if not (charge.account.isascii() and charge.account.isdigit() and 3 <= len(charge.account) <= 10):
        raise BadValue("an account has 3 to 10 digits", field="account")
    reference = charge.reference and charge.reference.strip()
    return replace(charge, text=charge.text.strip(), reference=reference)


def _check_numbers(charge: Charge) -> None:
    price, percent = charge.unit_price, charge.percent
    if not (charge.quantity.is_finite() and 0 < charge.quantity <= AMOUNT_MAX):
        raise BadValue("a quantity is above 0", field="quantity")
    if charge.quantity != round_to(charge.quantity, QUANTITY_DECIMALS):
        raise BadValue("a quantity has at most {most} decimals", most=QUANTITY_DECIMALS, field="quantity")
    if price is not None:
        if not price.is_finite() or abs(price * charge.quantity) > AMOUNT_MAX or price == 0:
            raise BadValue("a price is an amount other than 0", field="unitPrice")
        if price != round_to(price, PRICE_DECIMALS):
            raise BadValue("a price has at most {most} decimals", most=PRICE_DECIMALS, field="unitPrice")
    if percent is not None and not (percent.is_finite() and 0 < percent <= 100 and percent == round_to(percent, 4)):
        raise BadValue("per cent are above 0 and at most 100, with four decimals", field="percent")
    if not (charge.vat_percent.is_finite() and 0 <= charge.vat_percent <= 100):
        raise BadValue("a VAT rate is 0 to 100 per cent", field="vatPercent")

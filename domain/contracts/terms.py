"""What a contract agrees besides its services: binding, notice, renewal, discounts; and the phases it has been in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.contracts.service import INTERVALS, check_fee
from domain.ids import ServiceId
from domain.operators import Address
from domain.refusal import BadValue

MONTHS_MAX: Final = 120
DISCOUNTS_MAX: Final = 200


class Renewal(StrEnum):
    """How a contract goes on after its binding: until notice is given, bound anew for a time, or not at all."""

    OPEN = "open"
    RENEW = "renew"
    END = "end"


class DiscountOn(StrEnum):
    """What a discount is taken of."""

    ONE_TIME = "one_time"
    PERIODIC = "periodic"
    USAGE = "usage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What was agreed for a time.

    ``binding_months`` are counted from ``binding_from`` (None: the contract's first day); ``renewal_months`` is how
    long each renewal binds. ``binding_share``: per cent of the fees left in the binding that leaving early costs.
    ``interval_months``: how many months are billed at once, whatever a service's own interval (None). ``anniversary``:
    fee periods count from ``anchor`` (None: the contract's first day), or not (None: as the service says).
    ``pays_suspended``: whether fees run on while it is suspended. ``site``: where it is delivered.
    """

    binding_months: int = 0
    binding_from: date | None = None
    binding_share: Decimal = Decimal(100)
    notice_months: int = 0
    renewal: Renewal = Renewal.OPEN
    renewal_months: int = 0
    interval_months: int | None = None
    anniversary: bool | None = None
    anchor: date | None = None
    pays_suspended: bool = True
    conditions: str | None = None
    signatory: str | None = None
    signed_on: date | None = None
    seller: str | None = None
    site: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTerms:
    """Terms and price list that held until a day."""

    until: date
    terms: Terms
    price_list: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """A discount in ``[start, end)``: ``percent`` or ``amount``, exactly one, of one service's fees or of all (None).

    An amount is taken off each fee: per fee period of a line, in the operator's currency.
    """

    on: DiscountOn = DiscountOn.PERIODIC
    start: date
    end: date | None = None
    percent: Decimal | None = None
    amount: Decimal | None = None
    service: ServiceId | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a contract was ended: notice on ``noticed_on``; of what is left until ``bound_until`` ``share`` per cent."""

    noticed_on: date
    end: date
    bound_until: date | None
    share: Decimal


def check_terms(terms: Terms) -> Terms:
    """Return the terms. Refuses with: BadValue, naming the field."""
    for field, months in (
        ("bindingMonths", terms.binding_months),
        ("noticeMonths", terms.notice_months),
        ("renewalMonths", terms.renewal_months),
    ):
        if not 0 <= months <= MONTHS_MAX:
            raise BadValue("months are 0 to {most}", most=MONTHS_MAX, field=f"terms.{field}")
    if (terms.renewal is Renewal.RENEW) != (terms.renewal_months > 0):
        raise BadValue("how long a renewal binds goes with the renewal renew", field="terms.renewalMonths")
    if terms.renewal is not Renewal.OPEN and not terms.binding_months:
        raise BadValue("this renewal needs a binding period", field="terms.bindingMonths")
    if not terms.binding_share.is_finite() or not 0 <= terms.binding_share <= 100:
        raise BadValue("a share is 0 to 100 per cent", field="terms.bindingShare")
    if terms.interval_months is not None and terms.interval_months not in INTERVALS:
        raise BadValue("an interval is 1, 2, 3, 6 or 12 months", field="terms.intervalMonths")
    for field, text in (("signatory", terms.signatory), ("seller", terms.seller)):
        if text is not None and not 1 <= len(text.strip()) <= 200:
            raise BadValue("a name has 1 to {most} characters", most=200, field=f"terms.{field}")
    return terms


def check_discounts(discounts: tuple[Discount, ...]) -> None:
    """Check discounts. Refuses with: BadValue, naming the field."""
    if len(discounts) > DISCOUNTS_MAX:
        raise BadValue("a contract holds at most {most} discounts", most=DISCOUNTS_MAX, field="discounts")
    for index, one in enumerate(discounts):
        at = f"discounts.{index}"
        if (one.percent is None) == (one.amount is None):
            raise BadValue("a discount is a percent or an amount", field=f"{at}.percent")
        if one.percent is not None and (not one.percent.is_finite() or not 0 < one.percent <= 100):
            raise BadValue("a discount is more than 0 and at most 100 per cent", field=f"{at}.percent")
        if one.percent is not None and one.percent != round(one.percent, 6):
            raise BadValue("{percent} has more than six decimals", percent=one.percent, field=f"{at}.percent")
        if one.amount is not None:
            check_fee(one.amount, field=f"{at}.amount")
        if one.end is not None and one.end <= one.start:
            raise BadValue("a discount must end after it begins", field=f"{at}.end")
        if one.on is DiscountOn.USAGE and (one.percent is None or one.service is not None):
            raise BadValue("a discount on usage is a percent of all of it", field=f"{at}.percent")
        if one.text is not None and not 1 <= len(one.text.strip()) <= 200:
            raise BadValue("a text has 1 to {most} characters", most=200, field=f"{at}.text")

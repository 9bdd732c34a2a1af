"""A service: something sold, with its fees and how it is booked and taxed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from domain.ids import OperatorId, ServiceId
from domain.refusal import BadValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Fees are in the operator's currency without VAT; ``interval_months`` is 1, 2, 3, 6 or 12 calendar months.

    ``vat_percent`` is the rate of ordinary domestic supply; ``account`` the revenue account (BAS for Sweden).
    """

    id: ServiceId
    operator: OperatorId
    code: str
    name: str
    one_time_fee: Decimal = Decimal(0)
    periodic_fee: Decimal = Decimal(0)
    in_advance: bool = True
    interval_months: int = 1
    vat_percent: Decimal = Decimal(25)
    account: str = "3041"
    product_group: str | None = None


def check(service: Service) -> Service:
    """Return the service. Refuses with: BadValue, naming the field."""
    if not service.code.strip() or len(service.code) > 60:
        raise BadValue("a code has 1 to 60 characters", field="code")
    if not service.name.strip() or len(service.name) > 200:
        raise BadValue("a name has 1 to 200 characters", field="name")
    for field, fee in (("oneTimeFee", service.one_time_fee), ("periodicFee", service.periodic_fee)):
        check_fee(fee, field=field)
    if not service.vat_percent.is_finite() or not 0 <= service.vat_percent <= 100:
        raise BadValue("a VAT rate is 0 to 100 per cent", field="vatPercent")
    if not service.account.strip() or len(service.account) > 20:
        raise BadValue("an account has 1 to 20 characters", field="account")
    if service.interval_months not in {1, 2, 3, 6, 12}:
        raise BadValue("an interval is 1, 2, 3, 6 or 12 months", field="intervalMonths")
    return service


def check_fee(fee: Decimal, *, field: str) -> None:
    """Check that a fee is an amount one can bill. Refuses with: BadValue."""
    if not fee.is_finite() or fee < 0 or fee > Decimal(10) ** 12:
        raise BadValue(f"{fee} is not a fee between 0 and 10¹²", field=field)
    exponent = fee.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < -6:
        raise BadValue(f"{fee} has more than six decimals", field=field)

"""A service: something sold, with its fees, how it is booked and taxed, and what it can stand beside."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from domain.countries import check_country
from domain.fields.definition import Fields
from domain.ids import OperatorId, ServiceId
from domain.refusal import BadValue

INTERVALS: Final = frozenset({1, 2, 3, 6, 12})
RELATED_MAX: Final = 100
VAT_CATEGORIES: Final = frozenset({"S", "Z", "E", "AE", "G", "O"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePrice:
    """The default fees from a day on."""

    start: date
    one_time_fee: Decimal
    periodic_fee: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryTax:
    """How sales to payers of a country (ISO 3166-1 alpha-2) are booked and taxed; None: as everywhere else.

    ``vat_category`` is a UNCL 5305 code (S, Z, E, AE, G, O) with ``vat_percent`` of that country.
    """

    country: str
    account: str | None = None
    vat_category: str | None = None
    vat_percent: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BundlePart:
    """A service within a bundle, per one of the bundle. A fee of None is the part's own; otherwise it is free."""

    service: ServiceId
    quantity: int = 1
    one_time_fee: Decimal | None = Decimal(0)
    periodic_fee: Decimal | None = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Fees are in the operator's currency without VAT; ``interval_months`` is 1, 2, 3, 6 or 12.

    Fee periods follow the calendar, or with ``anniversary`` the contract's first day. ``vat_percent`` is the rate of
    ordinary domestic supply; ``account`` the revenue account (BAS for Sweden); ``countries`` says where it is another.
    ``price_list``: what usage of a contract with this service is rated by, where the contract names no own.
    ``prices``: default fees of later days, by day. ``parts``: what a bundle holds. ``needs``: services a contract must
    hold as long; ``excludes``: services it must not hold at the same time. Sold in ``[valid_from, valid_to)``.
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
    anniversary: bool = False
    price_list: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    prices: tuple[ServicePrice, ...] = ()
    countries: tuple[CountryTax, ...] = ()
    parts: tuple[BundlePart, ...] = ()
    needs: tuple[ServiceId, ...] = ()
    excludes: tuple[ServiceId, ...] = ()
    version: int = 1
    fields: Fields = ()

    def fees_on(self, day: date) -> tuple[Decimal, Decimal]:
        """Return the default one-time and periodic fee of a day."""
        held = (self.one_time_fee, self.periodic_fee)
        for price in self.prices:
            if price.start <= day:
                held = (price.one_time_fee, price.periodic_fee)
        return held

    def tax_in(self, country: str) -> CountryTax | None:
        """Return what is special about payers of a country."""
        return next((one for one in self.countries if one.country == country), None)


def check(service: Service) -> Service:
    """Return the service. Refuses with: BadValue, naming the field."""
    if not service.code.strip() or len(service.code) > 60:
        raise BadValue("a code has 1 to {most} characters", most=60, field="code")
    if not service.name.strip() or len(service.name) > 200:
        raise BadValue("a name has 1 to {most} characters", most=200, field="name")
    for field, fee in (("oneTimeFee", service.one_time_fee), ("periodicFee", service.periodic_fee)):
        check_fee(fee, field=field)
    check_percent(service.vat_percent, field="vatPercent")
    check_account(service.account, field="account")
    if service.interval_months not in INTERVALS:
        raise BadValue("an interval is 1, 2, 3, 6 or 12 months", field="intervalMonths")
    if service.product_group is not None and not 1 <= len(service.product_group.strip()) <= 100:
        raise BadValue("a product group has 1 to {most} characters", most=100, field="productGroup")
    if service.valid_from is not None and service.valid_to is not None and service.valid_to <= service.valid_from:
        raise BadValue("a service must end after it begins", field="validTo")
    _check_prices(service)
    _check_countries(service)
    _check_related(service)
    return service


def _check_prices(service: Service) -> None:
    if len(service.prices) > RELATED_MAX:
        raise BadValue("at most {most} of them", most=RELATED_MAX, field="prices")
    days = [price.start for price in service.prices]
    if days != sorted(set(days)):
        raise BadValue("prices stand in the order of their days, one for each", field="prices")
    for index, price in enumerate(service.prices):
        check_fee(price.one_time_fee, field=f"prices.{index}.oneTimeFee")
        check_fee(price.periodic_fee, field=f"prices.{index}.periodicFee")


def _check_countries(service: Service) -> None:
    if len(service.countries) > RELATED_MAX:
        raise BadValue("at most {most} of them", most=RELATED_MAX, field="countries")
    seen: set[str] = set()
    for index, tax in enumerate(service.countries):
        at = f"countries.{index}"
        check_country(tax.country, field=f"{at}.country")
        if tax.country in seen:
            raise BadValue("the country {country} stands twice", country=tax.country, field=f"{at}.country")
        seen.add(tax.country)
        if tax.account is not None:
            check_account(tax.account, field=f"{at}.account")
        if tax.vat_category is not None and tax.vat_category not in VAT_CATEGORIES:
            listed = ", ".join(sorted(VAT_CATEGORIES))
            raise BadValue("a VAT category is one of {listed}", listed=listed, field=f"{at}.vatCategory")
        if tax.vat_percent is not None:
            check_percent(tax.vat_percent, field=f"{at}.vatPercent")
            if tax.vat_percent and tax.vat_category not in {None, "S"}:
                raise BadValue("only category S has a rate above 0", field=f"{at}.vatPercent")
        if tax.vat_category == "S" and not tax.vat_percent:
            raise BadValue("category S needs a rate above 0", field=f"{at}.vatPercent")


def _check_related(service: Service) -> None:
    for field, found in (
        ("parts", [part.service for part in service.parts]),
        ("needs", list(service.needs)),
        ("excludes", list(service.excludes)),
    ):
        if len(found) > RELATED_MAX:
            raise BadValue("at most {most} of them", most=RELATED_MAX, field=field)
        if len(set(found)) != len(found):
            raise BadValue("each service stands once", field=field)
        if service.id and service.id in found:
            raise BadValue("a service does not name itself", field=field)
    if set(service.needs) & set(service.excludes):
        raise BadValue("what a service needs it cannot exclude", field="excludes")
    for index, part in enumerate(service.parts):
        if not 1 <= part.quantity <= 1_000_000:
            raise BadValue("a quantity is 1 to {most}", most=1_000_000, field=f"parts.{index}.quantity")
        for field, fee in (("oneTimeFee", part.one_time_fee), ("periodicFee", part.periodic_fee)):
            if fee is not None:
                check_fee(fee, field=f"parts.{index}.{field}")


def check_fee(fee: Decimal, *, field: str) -> None:
    """Check that a fee is an amount one can bill. Refuses with: BadValue."""
    if not fee.is_finite() or fee < 0 or fee > Decimal(10) ** 12:
        raise BadValue("{fee} is not a fee between 0 and 10¹²", fee=fee, field=field)
    exponent = fee.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < -6:
        raise BadValue("{fee} has more than six decimals", fee=fee, field=field)


_ACCOUNT: Final = re.compile("[0-9]{3,8}")


def check_percent(percent: Decimal, *, field: str) -> None:
    """Check a rate of VAT. Refuses with: BadValue."""
    if not percent.is_finite() or not 0 <= percent <= 100:
        raise BadValue("a VAT rate is 0 to 100 per cent", field=field)


def check_account(account: str, *, field: str) -> None:
    """Check a revenue account, as charts such as BAS, NS 4102 and SKR number them. Refuses with: BadValue."""
    if not _ACCOUNT.fullmatch(account):
        raise BadValue("an account is 3 to 8 digits, such as 3041", field=field)

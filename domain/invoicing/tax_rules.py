"""What an operator says of his VAT, and what is known of his customers' VAT ids when a bill is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from domain.countries import check_country
from domain.invoicing.vat import HomeRate, VatRate, in_eu
from domain.refusal import BadValue

RATES_MAX: Final = 500
GROUPS_MAX: Final = 50
DAYS_MAX: Final = 3650


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRules:
    """``oss_since``: sales to consumers in other member states are declared by the one-stop shop from that day on.

    ``require_checked``: a business of another member state is billed without VAT only where its VAT id was found valid
    within ``checked_days``. Of services in one of ``goods_groups`` (product groups: telephones, tablets, computers)
    more than ``goods_above`` on one invoice to a business at home is charged in reverse (ML 16:16). ``rates``: rates of
    VAT that go before those that come with the system.
    """

    oss_since: date | None = None
    require_checked: bool = False
    checked_days: int = 365
    goods_groups: tuple[str, ...] = ()
    goods_above: Decimal = Decimal(100_000)
    rates: tuple[VatRate, ...] = ()
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VatIdCheck:
    """What the register of a VAT id said of it at an instant. ``request`` is its proof of having been asked."""

    vat_id: str
    checked_at: datetime
    valid: bool
    name: str = ""
    address: str = ""
    source: str = ""
    request: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxes:
    """All that a bill's VAT is decided by: the rules, and the last check of each VAT id.

    ``home`` is None where the invoice is in the currency of the seller's country, or its worth is not known:
    ``home_currency`` tells which that is.
    """

    rules: TaxRules = TaxRules()
    checks: Mapping[str, VatIdCheck] = field(default_factory=dict)
    home: HomeRate | None = None
    home_currency: str | None = None

    def checked(self, vat_id: str, on: date) -> bool:
        """Tell whether a VAT id was found valid lately enough for a document of a day."""
        found = self.checks.get(vat_id)
        since = on - timedelta(days=self.rules.checked_days)
        return found is not None and found.valid and found.checked_at.date() >= since

    def oss(self, on: date) -> bool:
        """Tell whether the seller declares sales to consumers abroad by the one-stop shop that day."""
        return self.rules.oss_since is not None and self.rules.oss_since <= on


USUAL: Final = Taxes()
# The currencies of the countries that sellers are in; all other members of the euro area have the euro.
_HOME: Final = {
    "SE": "SEK",
    "NO": "NOK",
    "DK": "DKK",
    "IS": "ISK",
    "PL": "PLN",
    "CZ": "CZK",
    "HU": "HUF",
    "RO": "RON",
    "GB": "GBP",
    "CH": "CHF",
}


def currency_at_home(country: str, on: date) -> str | None:
    """Return the currency that a seller's VAT is told in; None where it is not known.

    >>> currency_at_home("SE", date(2026, 10, 1)), currency_at_home("FI", date(2026, 10, 1))
    ('SEK', 'EUR')
    """
    return _HOME.get(country) or ("EUR" if in_eu(country, on) else None)


def check(rules: TaxRules) -> TaxRules:
    """Return the rules. Refuses with: BadValue, naming the field."""
    if not 1 <= rules.checked_days <= DAYS_MAX:
        raise BadValue("a check of a VAT id holds for 1 to {most} days", most=DAYS_MAX, field="checkedDays")
    if not 0 <= rules.goods_above < Decimal(10) ** 12:
        raise BadValue("an amount is 0 or more, with up to 12 digits", field="goodsAbove")
    if len(rules.goods_groups) > GROUPS_MAX or any(not 0 < len(one) <= 100 for one in rules.goods_groups):
        raise BadValue(
            "there are at most {most} product groups, each of 1 to 100 characters", most=GROUPS_MAX, field="goodsGroups"
        )
    if len(rules.rates) > RATES_MAX:
        raise BadValue("there are at most {most} rates", most=RATES_MAX, field="rates")
    for place, one in enumerate(rules.rates):
        check_country(one.country, field=f"rates.{place}.country")
        if not 0 <= one.percent <= 100 or one.percent != round(one.percent, 3):
            raise BadValue("a rate is 0 to 100 per cent, with up to 3 decimals", field=f"rates.{place}.percent")
        if one.valid_to is not None and one.valid_to <= one.valid_from:
            raise BadValue("a rate ends after it begins", field=f"rates.{place}.validTo")
    return rules

"""VAT: which category and rate holds for a supply, from dated tables; and the sum per category.

Swedish VAT act (2023:200) 6 kap. (place of supply) and 9 kap. (rates); category codes are UNCL 5305 as EN 16931 uses
them: ``S`` standard and reduced rates, ``AE`` reverse charge, ``G`` export, ``E`` exempt, ``O`` outside scope, ``Z``
zero.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from domain.money import round_to
from domain.refusal import BadValue


@dataclass(frozen=True, slots=True)
class VatRate:
    """A standard or reduced rate of a country, ``[valid_from, valid_to)``."""

    country: str
    percent: Decimal
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class VatTreatment:
    """How a supply is taxed. ``reason`` is a VATEX code and ``words`` the law's, where no VAT is charged.

    ``country`` is whose VAT it is, where that is not the seller's own.
    """

    category: str
    percent: Decimal
    reason: str | None = None
    words: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class HomeRate:
    """What an invoice's currency is worth in that of the seller's country, in which VAT is told, too (ML 17:29)."""

    currency: str
    factor: Decimal
    day: date
    source: str


@dataclass(frozen=True, slots=True)
class VatSum:
    """What one category comes to on one invoice."""

    treatment: VatTreatment
    taxable: Decimal
    tax: Decimal


SWEDISH_RATES: Final = tuple(
    VatRate("SE", Decimal(percent), date(1996, 1, 1) if percent != 25 else date(1990, 7, 1)) for percent in (25, 12, 6)
)

# Council Directive 2006/112/EC art. 5: the members, with the day each joined or left.
EU_MEMBERS: Final[dict[str, tuple[date, date | None]]] = {
    **dict.fromkeys(("BE", "DE", "FR", "IT", "LU", "NL"), (date(1958, 1, 1), None)),
    **dict.fromkeys(("DK", "IE"), (date(1973, 1, 1), None)),
    "GB": (date(1973, 1, 1), date(2021, 1, 1)),
    "GR": (date(1981, 1, 1), None),
    **dict.fromkeys(("ES", "PT"), (date(1986, 1, 1), None)),
    **dict.fromkeys(("AT", "FI", "SE"), (date(1995, 1, 1), None)),
    **dict.fromkeys(("CY", "CZ", "EE", "HU", "LT", "LV", "MT", "PL", "SI", "SK"), (date(2004, 5, 1), None)),
    **dict.fromkeys(("BG", "RO"), (date(2007, 1, 1), None)),
    "HR": (date(2013, 7, 1), None),
}

REVERSE_CHARGE: Final = VatTreatment("AE", Decimal(0), "VATEX-EU-AE", "Omvänd betalningsskyldighet")
# Revenue of sales within the EU and out of it, BAS chart: it goes before a service's ordinary account.
SOLD_ABROAD: Final = {"AE": "3308", "G": "3305"}
EXPORT: Final = VatTreatment("G", Decimal(0), "VATEX-EU-G", "Försäljning utanför EU")
# What a seller outside of the Union sells abroad (in Norway, merverdiavgiftsloven 6-22).
EXPORTED: Final = VatTreatment("G", Decimal(0), "VATEX-EU-G", "Export")


def registered_in(vat_id: str) -> str:
    """Return the country that a VAT id is of.

    >>> registered_in("EL094259216"), registered_in("FI20774740")
    ('GR', 'FI')
    """
    return {"EL": "GR"}.get(vat_id[:2], vat_id[:2])


def in_eu(country: str, on: date) -> bool:
    """Tell whether the country is a member of the European Union that day."""
    if country not in EU_MEMBERS:
        return False
    joined, left = EU_MEMBERS[country]
    return joined <= on and (left is None or on < left)


@functools.lru_cache(maxsize=10_000)  # every line of an invoice asks the same
def treat(
    *,
    seller_country: str,
    buyer_country: str,
    buyer_is_business: bool,
    buyer_vat_id: str | None,
    percent: Decimal,
    on: date,
    rates: tuple[VatRate, ...] = SWEDISH_RATES,
    abroad: Decimal | None = None,
) -> VatTreatment:
    """Decide how a telecom service is taxed; ``percent`` is the service's rate of ordinary domestic supply.

    ``abroad`` is the rate of the buyer's country, where the seller declares sales to consumers there (OSS). Who sells
    from outside of the Union into it exports.

    Refuses with: BadValue where it cannot be decided (the caller parks the customer): a business in another member
    state without a VAT id of any but the seller's (sales lists take none of that), or a rate its country does not have
    that day.
    """
    if buyer_country == seller_country:
        valid = {rate.percent for rate in rates if rate.country == seller_country and _holds(rate, on)}
        if valid and percent not in valid and percent != 0:
            listed = ", ".join(f"{rate:f}" for rate in sorted(valid, reverse=True))
            raise BadValue(
                "{percent:f} % is not a VAT rate of {seller_country} on {on}; it has {listed}",
                percent=percent,
                seller_country=seller_country,
                on=on,
                listed=listed,
            )
        return VatTreatment("S", percent) if percent else VatTreatment("E", percent, None, "Undantag från moms")
    if not in_eu(buyer_country, on):
        return EXPORT
    if not buyer_is_business and abroad is not None:
        return VatTreatment("S", abroad, country=buyer_country)
    if not in_eu(seller_country, on):
        return EXPORTED  # from outside of the Union into it: only its members reverse the charge between them
    if not buyer_is_business:
        # Below the threshold for all such sales together the seller's own VAT holds (6 kap. 62 §).
        return VatTreatment("S", percent)
    if not buyer_vat_id or registered_in(buyer_vat_id) == seller_country:
        raise BadValue(
            "a business in {buyer_country} needs a VAT id for reverse charge; add it to the customer",
            buyer_country=buyer_country,
        )
    return REVERSE_CHARGE


def sums(nets: Iterable[tuple[VatTreatment, Decimal]], *, decimals: int = 2) -> tuple[VatSum, ...]:
    """Sum the lines per category and compute VAT once on each sum, half up, highest rate first.

    >>> [(str(s.taxable), str(s.tax)) for s in sums([(VatTreatment("S", Decimal(25)), Decimal("136.02"))])]
    [('136.02', '34.01')]
    """
    taxable: dict[VatTreatment, Decimal] = {}
    for treatment, net in nets:
        taxable[treatment] = taxable.get(treatment, Decimal(0)) + net
    order = sorted(taxable, key=lambda treatment: (-treatment.percent, treatment.category, treatment.country or ""))
    return tuple(VatSum(each, taxable[each], round_to(taxable[each] * each.percent / 100, decimals)) for each in order)


def _holds(rate: VatRate, on: date) -> bool:
    return rate.valid_from <= on and (rate.valid_to is None or on < rate.valid_to)

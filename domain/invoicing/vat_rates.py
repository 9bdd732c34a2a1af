"""The rates of VAT of the European Union's members by day: what applies to telecom services sold to consumers there.

European Commission, "VAT rates applied in the Member States"; telecom services have the standard rate everywhere. What
an operator keeps in his own table goes before these (``domain.invoicing.tax_rules``).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

from domain.invoicing.vat import VatRate

_SINCE: Final = date(2015, 1, 1)  # when telecom services to consumers came to be taxed where they live


def _course(country: str, first: str, *changes: tuple[date, str]) -> tuple[VatRate, ...]:
    """Return the rates of one country: the first, and those that followed it from a day on."""
    starts = [(_SINCE, first), *changes]
    ends = [start for start, _ in starts[1:]]
    return tuple(
        VatRate(country, Decimal(percent), start, ends[place] if place < len(ends) else None)
        for place, (start, percent) in enumerate(starts)
    )


STANDARD: Final[tuple[VatRate, ...]] = (
    *_course("AT", "20"),
    *_course("BE", "21"),
    *_course("BG", "20"),
    *_course("CY", "19"),
    *_course("CZ", "21"),
    *_course("DE", "19", (date(2020, 7, 1), "16"), (date(2021, 1, 1), "19")),
    *_course("DK", "25"),
    *_course("EE", "20", (date(2024, 1, 1), "22"), (date(2025, 7, 1), "24")),
    *_course("ES", "21"),
    *_course("FI", "24", (date(2024, 9, 1), "25.5")),
    *_course("FR", "20"),
    *_course("GR", "23", (date(2016, 6, 1), "24")),
    *_course("HR", "25"),
    *_course("HU", "27"),
    *_course("IE", "23", (date(2020, 9, 1), "21"), (date(2021, 3, 1), "23")),
    *_course("IT", "22"),
    *_course("LT", "21"),
    *_course("LU", "17", (date(2023, 1, 1), "16"), (date(2024, 1, 1), "17")),
    *_course("LV", "21"),
    *_course("MT", "18"),
    *_course("NL", "21"),
    *_course("PL", "23"),
    *_course("PT", "23"),
    *_course("RO", "24", (date(2016, 1, 1), "20"), (date(2017, 1, 1), "19"), (date(2025, 8, 1), "21")),
    *_course("SE", "25"),
    *_course("SI", "22"),
    *_course("SK", "20", (date(2025, 1, 1), "23")),
)


def standard_rate(country: str, on: date, own: tuple[VatRate, ...] = ()) -> Decimal | None:
    """Return the rate of a country that day, from an operator's own table first; None where it is not known.

    A table may hold reduced rates beside it: the standard rate is the highest that holds (2006/112/EC art. 98).

    >>> str(standard_rate("FI", date(2026, 10, 1))), str(standard_rate("EE", date(2025, 6, 30)))
    ('25.5', '22')
    """
    for rates in (own, STANDARD):
        held = [one for one in rates if one.country == country and one.valid_from <= on]
        held = [one for one in held if one.valid_to is None or on < one.valid_to]
        if held:
            return max(one.percent for one in held)
    return None

"""The reference rates of late interest that every installation starts with, by half-year, as they were published.

Only what its publisher, or who tells it after him, says stands here; a half-year that is missing is entered by the
operator (``putReferenceRate``), and until then no interest is charged for it. Norway's is the late interest itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from domain.collection.limits import ReferenceRate

# Per cent from 1 January and from 1 July of a year; None: not known here.
_Halves = tuple[str | None, str | None]

SE: Final[Mapping[int, _Halves]] = {
    2013: ("1.00", "1.00"), 2014: ("1.00", "1.00"), 2015: ("0.00", "0.00"), 2016: ("0.00", "-0.50"),
    2017: ("-0.50", "-0.50"), 2018: ("-0.50", "-0.50"), 2019: ("-0.50", "0.00"), 2020: ("0.00", "0.00"),
    2021: ("0.00", "0.00"), 2022: ("0.00", "0.50"), 2023: ("2.50", "3.50"), 2024: ("4.00", None),
}  # fmt: skip
NO: Final[Mapping[int, _Halves]] = {
    2013: ("8.50", "9.50"), 2014: ("9.50", "9.50"), 2015: ("9.25", "9.00"), 2016: ("8.75", "8.50"),
    2017: ("8.50", "8.50"), 2018: ("8.50", "8.50"), 2019: ("8.75", "9.25"), 2020: ("9.50", "8.00"),
    2021: ("8.00", "8.00"), 2022: ("8.50", "9.25"), 2023: ("10.75", "11.75"), 2024: ("12.50", None),
    2025: ("12.50", None), 2026: (None, "12.25"),
}  # fmt: skip
# The official lending rate that held on each of the two days.
DK: Final[Mapping[int, _Halves]] = {
    2021: (None, "-0.35"), 2023: ("1.90", "3.25"), 2024: ("3.75", "3.50"),
}  # fmt: skip
FI: Final[Mapping[int, _Halves]] = {
    2014: ("0.5", None), 2023: ("2.5", None), 2024: (None, "4.5"), 2025: ("3.5", None), 2026: ("2.5", None),
}  # fmt: skip
_VERIFY: Final = "secondary source; verify"
_SOURCES: Final = {
    "SE": "Riksbanken, referensränta",
    "NO": "forsinkelsesrente.net, lovdata.no",
    "DK": "global-rates.com, selandiaadvokater.dk, gaeldst.dk",
    "FI": "Suomen Pankki, korkolain viitekorko",
}


def _rows() -> Iterator[ReferenceRate]:
    for country, years in (("SE", SE), ("NO", NO), ("DK", DK), ("FI", FI)):
        for year, halves in years.items():
            for month, percent in zip((1, 7), halves, strict=True):
                if percent is not None:
                    yield ReferenceRate(
                        country=country,
                        valid_from=date(year, month, 1),
                        percent=Decimal(percent),
                        source=_VERIFY if (country, year) == ("NO", 2026) else _SOURCES[country],
                    )


RATES: Final = tuple(_rows())

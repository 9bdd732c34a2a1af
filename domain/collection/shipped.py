"""The legal rows that every installation starts with, each with the day it holds from and where it stands.

An operator enters what changes (each half-year's reference rate, a new maximum) as rows of his own, over the API.
Where a row's own first day is not known, it begins with the law that has it.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

from domain.collection.limits import InterestTerm, LegalLimit, LimitKind
from domain.customers.customer import CustomerKind

_SE: Final = "riksdagen.se, lag 1981:739"
_BUSINESS: Final = CustomerKind.ORGANISATION

LIMITS: Final = (
    LegalLimit(
        country="SE", kind=LimitKind.REMINDER_FEE, valid_from=date(2013, 3, 16), most=Decimal(60), currency="SEK",
        law="lag (1981:739) om ersättning för inkassokostnader m.m. 2 och 4 §§", source=_SE, agreed=True,
    ),
    LegalLimit(
        country="SE", kind=LimitKind.COMPENSATION, valid_from=date(2013, 3, 16), most=Decimal(450), currency="SEK",
        law="lag (1981:739) om ersättning för inkassokostnader m.m. 4 a §", source=_SE,
        customer_kind=_BUSINESS, count=1,
    ),
    LegalLimit(
        country="SE", kind=LimitKind.DEMAND_FEE, valid_from=date(2013, 3, 16), most=Decimal(180), currency="SEK",
        law="lag (1981:739) om ersättning för inkassokostnader m.m. 4 §", source=_SE, count=1,
    ),
    LegalLimit(
        country="SE", kind=LimitKind.INSTALMENT_FEE, valid_from=date(2013, 3, 16), most=Decimal(170), currency="SEK",
        law="lag (1981:739) om ersättning för inkassokostnader m.m. 4 §", source=_SE, count=1,
    ),
    LegalLimit(
        country="NO", kind=LimitKind.REMINDER_FEE, valid_from=date(2025, 1, 1), most=Decimal(35), currency="NOK",
        law="inkassoforskriften § 1-2", source="secondary source; verify", first_days=14, between_days=14, count=2,
    ),
    LegalLimit(
        country="NO", kind=LimitKind.REMINDER_FEE, valid_from=date(2026, 1, 1), most=Decimal(38), currency="NOK",
        law="inkassoforskriften § 1-2", source="secondary source; verify", first_days=14, between_days=14, count=2,
    ),
    LegalLimit(
        country="NO", kind=LimitKind.COMPENSATION, valid_from=date(2026, 7, 1), most=Decimal(430), currency="NOK",
        law="forsinkelsesrenteloven § 3 a", source="secondary source; verify", customer_kind=_BUSINESS, count=1,
    ),
    LegalLimit(
        country="NO", kind=LimitKind.DEMAND_FEE, valid_from=date(2026, 1, 1), most=Decimal(113), currency="NOK",
        law="inkassoforskriften", source="secondary source; verify", first_days=14, count=1,
    ),
    LegalLimit(
        country="DK", kind=LimitKind.REMINDER_FEE, valid_from=date(2013, 3, 1), most=Decimal(100), currency="DKK",
        law="renteloven § 9 b", source="debtia.dk", between_days=10, count=3,
    ),
    LegalLimit(
        country="DK", kind=LimitKind.COMPENSATION, valid_from=date(2013, 3, 1), most=Decimal(310), currency="DKK",
        law="renteloven § 9 a", source="secondary source; verify", customer_kind=_BUSINESS, count=1,
    ),
    LegalLimit(
        country="FI", kind=LimitKind.REMINDER_FEE, valid_from=date(2013, 3, 16), most=Decimal(5), currency="EUR",
        law="laki saatavien perinnästä (513/1999) 10 a §", source="kkv.fi", first_days=14, between_days=14,
    ),
    LegalLimit(
        country="FI", kind=LimitKind.COMPENSATION, valid_from=date(2013, 3, 16), most=Decimal(40), currency="EUR",
        law="laki saatavien perinnästä (513/1999) 10 e §", source="kkv.fi", customer_kind=_BUSINESS, count=1,
    ),
)  # fmt: skip

TERMS: Final = (
    InterestTerm(
        country="SE", valid_from=date(2002, 7, 1), points=Decimal(8), law="räntelagen (1975:635) 6 §",
        source="riksdagen.se",
    ),
    InterestTerm(
        country="NO", valid_from=date(2013, 1, 1), points=Decimal(0), law="forsinkelsesrenteloven § 3",
        source="the rate itself is set by half-year", years=3,
    ),
    InterestTerm(
        country="DK", valid_from=date(2013, 3, 1), points=Decimal(8), law="renteloven § 5",
        source="payments of 2013 on", years=3,
    ),
    InterestTerm(
        country="FI", valid_from=date(2013, 3, 16), points=Decimal(7), law="korkolaki (633/1982) 4 §",
        source="Suomen Pankki",
    ),
    InterestTerm(
        country="FI", valid_from=date(2013, 3, 16), points=Decimal(8), law="korkolaki (633/1982) 4 a §",
        source="Suomen Pankki", customer_kind=_BUSINESS,
    ),
)  # fmt: skip

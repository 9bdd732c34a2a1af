"""What the law lets a creditor charge for being paid late, and when: dated rows, each with its law and its source.

The rows that are shipped hold for every operator; his own rows stand before them, from their day on. A rate that is in
no row of its half-year is not known, and no interest is charged by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.customers.customer import CustomerKind
from domain.ids import LegalRowId, OperatorId

ROWS_MAX: Final = 500  # of an operator's own limits, and of his own rates
SHIPPED: Final = LegalRowId(0)  # the key of a row that came with the program
NOBODY: Final = OperatorId(0)


class LimitKind(StrEnum):
    """What is limited."""

    REMINDER_FEE = "reminder_fee"
    COMPENSATION = "compensation"
    DEMAND_FEE = "demand_fee"
    INSTALMENT_FEE = "instalment_fee"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalLimit:
    """From ``valid_from`` on a creditor in ``country`` charges at most ``most``.

    ``customer_kind``: of such customers alone; None: of all. ``first_days``: so many days after the due date at the
    earliest; ``between_days``: so many after the one before; ``count``: so often for one claim. ``agreed``: only where
    it was agreed when the debt arose.
    """

    country: str
    kind: LimitKind
    valid_from: date
    most: Decimal
    currency: str
    law: str
    source: str = ""
    customer_kind: CustomerKind | None = None
    first_days: int = 0
    between_days: int = 0
    count: int | None = None
    agreed: bool = False
    id: LegalRowId = SHIPPED
    operator: OperatorId = NOBODY
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceRate:
    """The rate a country's late interest starts from, per cent a year; of Norway it is the late interest itself."""

    country: str
    valid_from: date
    percent: Decimal
    source: str = ""
    id: LegalRowId = SHIPPED
    operator: OperatorId = NOBODY
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestTerm:
    """From ``valid_from`` on late interest is the country's reference rate and ``points`` more.

    ``years``: interest that is older is not asked for; None: no such limit.
    """

    country: str
    valid_from: date
    points: Decimal
    law: str
    source: str = ""
    customer_kind: CustomerKind | None = None
    years: int | None = None


def limit_of(
    limits: Iterable[LegalLimit], kind: LimitKind, *, country: str, customer: CustomerKind | None, on: date
) -> LegalLimit | None:
    """Return the limit that holds on a day: the latest, and of two of one day the later in order.

    ``customer`` None is a rule for all customers: the tightest of the limits that one of them has. None: there is no
    such charge in the country.
    """
    kinds = tuple(CustomerKind) if customer is None else (customer,)
    found = [_latest(limits, kind, country, one, on) for one in kinds]
    known = [one for one in found if one is not None]
    return min(known, key=lambda one: one.most) if len(known) == len(kinds) else None


def _latest(
    limits: Iterable[LegalLimit], kind: LimitKind, country: str, customer: CustomerKind, on: date
) -> LegalLimit | None:
    found = None
    for one in limits:
        meant = (one.country, one.kind) == (country, kind) and one.customer_kind in {None, customer}
        if meant and one.valid_from <= on and (found is None or one.valid_from >= found.valid_from):
            found = one
    return found


def term_of(terms: Iterable[InterestTerm], *, country: str, customer: CustomerKind, on: date) -> InterestTerm | None:
    """Return the interest term that holds on a day; one for this kind of customers goes before one for all."""
    found = None
    for one in terms:
        if one.country != country or one.customer_kind not in {None, customer} or one.valid_from > on:
            continue
        if found is None or _closeness(one) >= _closeness(found):
            found = one
    return found


def _closeness(term: InterestTerm) -> tuple[bool, date]:
    return term.customer_kind is not None, term.valid_from


def half_year(day: date) -> date:
    """Return the first day of a day's half-year.

    >>> half_year(date(2026, 6, 30)), half_year(date(2026, 7, 1))
    (datetime.date(2026, 1, 1), datetime.date(2026, 7, 1))
    """
    return date(day.year, 1 if day.month < 7 else 7, 1)


def rate_of(rates: Iterable[ReferenceRate], *, country: str, on: date) -> ReferenceRate | None:
    """Return the reference rate of a day's half-year; None where nobody has entered it yet."""
    found = None
    for one in rates:
        known = one.country == country and half_year(on) <= one.valid_from <= on
        if known and (found is None or one.valid_from >= found.valid_from):
            found = one
    return found

"""A series: a block of consecutive numbers that the operator holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import phonenumbers

from domain.contracts.dialled import as_kept, national_prefix
from domain.contracts.identifiers import IdentifierKind, written
from domain.ids import NumberSeriesId, OperatorId, ResellerId
from domain.mediation.profile import NumberPlan
from domain.refusal import BadValue

SIZE_MAX: Final = 1_000_000
QUARANTINE_DAYS_MAX: Final = 3650
NAME_MAX: Final = 100
_DIGITS: Final = re.compile(r"[1-9][0-9]{2,14}", re.ASCII)
_AREA: Final = re.compile(r"[0-9]{1,15}", re.ASCII)


class NumberKind(StrEnum):
    """Mobile numbers, fixed numbers with their area code, or special ones (short, premium, toll-free)."""

    MSISDN = "msisdn"
    FIXED = "fixed"
    SPECIAL = "special"


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberSeries:
    """The numbers from ``first_number`` to ``last_number``, both of them in it: E.164 digits of one length.

    A number that is given back rests for ``quarantine_days`` before it is free. ``reseller``: whose subtree it was
    given to when it was made.
    """

    id: NumberSeriesId
    operator: OperatorId
    name: str
    kind: NumberKind
    first_number: str
    last_number: str
    quarantine_days: int = 90
    reseller: ResellerId | None = None
    version: int = 1

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return int(self.last_number) - int(self.first_number) + 1


def check(series: NumberSeries) -> NumberSeries:
    """Return the series. Refuses with: BadValue, naming the field."""
    if not 1 <= len(series.name.strip()) <= NAME_MAX:
        raise BadValue("a name has 1 to {most} characters", most=NAME_MAX, field="name")
    check_quarantine(series.quarantine_days)
    if len(series.first_number) != len(series.last_number) or series.first_number > series.last_number:
        raise BadValue(
            "a series goes from its first number to a last one of the same length, {first} to {last} does not",
            first=series.first_number,
            last=series.last_number,
            field="lastNumber",
        )
    if series.size > SIZE_MAX:
        raise BadValue("a series has at most {most} numbers", most=SIZE_MAX, field="lastNumber")
    return series


def check_quarantine(days: int) -> None:
    """Check a time of rest. Refuses with: BadValue."""
    if not 0 <= days <= QUARANTINE_DAYS_MAX:
        raise BadValue("a number rests for 0 to {most} days", most=QUARANTINE_DAYS_MAX, field="quarantineDays")


def number_of(kind: NumberKind, text: str, plan: NumberPlan, *, field: str) -> str:
    """Return a number of the stock as it is kept. Refuses with: BadValue."""
    if kind is not NumberKind.SPECIAL:
        return written(IdentifierKind(kind.value), text, plan, field=field)
    digits = as_kept([text], plan)[0]
    if not _DIGITS.fullmatch(digits):
        raise BadValue("{text} is not a number of 3 to 15 digits", text=repr(text[:40]), field=field)
    return digits


def area_prefix(text: str, plan: NumberPlan, *, field: str = "area") -> str:
    """Return the beginning of E.164 that an area code or the beginning of a number stands for. Refuses with: BadValue.

    >>> [area_prefix(text, NumberPlan("SE")) for text in ("08", "070-12", "+46 8", "0046 8")]
    ['468', '467012', '468', '468']
    """
    digits = re.sub(r"[\s()-]", "", text)
    if not _AREA.fullmatch(digits.removeprefix("+")):
        raise BadValue("{text} is not an area code or the beginning of a number", text=repr(text[:40]), field=field)
    if digits.startswith("+"):
        return digits[1:]
    code = str(phonenumbers.country_code_for_region(plan.country) or "") if plan.country else ""
    national, abroad = national_prefix(plan), plan.international_prefix or "00"
    if digits.startswith(abroad):
        return digits.removeprefix(abroad)
    if national and digits.startswith(national):
        return code + digits.removeprefix(national)
    return digits if digits.startswith(code) else code + digits


def area_code(number: str) -> str | None:
    """Return the area code of a geographic number without its national prefix; None where it has none.

    >>> area_code("46812345678"), area_code("46701234567")
    ('8', None)
    """
    try:
        parsed = phonenumbers.parse(f"+{number}")
    except phonenumbers.NumberParseException:
        return None
    length = phonenumbers.length_of_geographical_area_code(parsed)
    return str(parsed.national_number)[:length] if length else None

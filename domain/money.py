"""Exact money: scaled integers while rating, exact decimals on documents, never a float.

Scales: *nano* (10⁻⁹ of the currency) inside one rating, *micro* (10⁻⁶) for a rated event, *minor* (öre, cent) in the
ledger. A text amount is a plain decimal such as ``"0.49"``; exponents, ``NaN``, signs other than a leading minus and
digits outside ASCII are refused, so that no two readers can understand it differently.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from domain.refusal import BadValue

NANO = 1_000_000_000
MICRO = 1_000_000
INT64_MAX = 2**63 - 1

_PLAIN = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


class Rounding(StrEnum):
    """How a remainder is settled: ``half_up`` is half away from zero; ``up`` away from zero; ``down`` towards it."""

    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    UP = "up"
    DOWN = "down"


def divide(numerator: int, denominator: int, mode: Rounding = Rounding.HALF_UP) -> int:
    """Divide two integers and round to an integer; the result for ``-n`` is the exact mirror of that for ``n``.

    >>> divide(5, 2), divide(-5, 2), divide(5, 2, Rounding.HALF_EVEN), divide(-1, 3, Rounding.UP)
    (3, -3, 2, -1)
    """
    assert denominator > 0
    quotient, rest = divmod(abs(numerator), denominator)
    match mode:
        case Rounding.HALF_UP:
            quotient += 2 * rest >= denominator
        case Rounding.HALF_EVEN:
            quotient += 2 * rest > denominator or (2 * rest == denominator and quotient % 2 == 1)
        case Rounding.UP:
            quotient += rest > 0
        case Rounding.DOWN:
            pass
    return quotient if numerator >= 0 else -quotient


def parse(text: str, *, decimals_max: int = 9) -> Decimal:
    """Read a plain decimal text exactly.

    Refuses with: BadValue (not a plain decimal, or more than ``decimals_max`` decimals that are not zero).

    >>> parse("0.490")
    Decimal('0.49')
    """
    if not isinstance(text, str) or not _PLAIN.fullmatch(text):
        raise BadValue(
            "{text!r} is not a plain decimal such as 12.50; write it as text without exponent or spaces", text=text
        )
    whole, _, part = text.partition(".")
    part = part.rstrip("0")
    if len(part) > decimals_max:
        raise BadValue("{text!r} has more than {decimals_max} decimals", text=text, decimals_max=decimals_max)
    return Decimal(f"{whole}.{part}" if part else whole)


def scaled(text: str, scale: int = NANO) -> int:
    """Read a plain decimal text as an integer of 1/``scale`` units.

    >>> scaled("-0.49", MICRO)
    -490000
    """
    decimals = len(str(scale)) - 1
    return int(parse(text, decimals_max=decimals).scaleb(decimals))


def plain(value: int, scale: int = MICRO) -> str:
    """Write a scaled integer as a plain decimal with all its decimals.

    >>> plain(-490000), plain(5, 100)
    ('-0.490000', '0.05')
    """
    decimals = len(str(scale)) - 1
    whole, part = divmod(abs(value), scale)
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}.{part:0{decimals}d}" if decimals else f"{sign}{whole}"


def currency(code: str) -> str:
    """Check an ISO 4217 alphabetic code's form. Refuses with: BadValue."""
    if not isinstance(code, str) or not _CURRENCY.fullmatch(code):
        raise BadValue("{code!r} is not a currency code such as SEK (ISO 4217)", code=code)
    return code


def round_to(value: Decimal | Fraction, decimals: int, mode: Rounding = Rounding.HALF_UP) -> Decimal:
    """Round an exact decimal or fraction to ``decimals`` places, half away from zero unless told otherwise.

    >>> round_to(Decimal("34.005"), 2), round_to(Decimal("-34.005"), 2)
    (Decimal('34.01'), Decimal('-34.01'))
    """
    numerator, denominator = value.as_integer_ratio()
    return Decimal(divide(numerator * 10**decimals, denominator, mode)).scaleb(-decimals)


@dataclass(frozen=True, slots=True)
class Amount:
    """An exact amount in one currency. Adding two currencies is a bug, not a conversion."""

    value: Decimal
    currency: str

    def __add__(self, other: Amount) -> Amount:
        assert self.currency == other.currency, f"{self.currency} + {other.currency}"
        return Amount(self.value + other.value, self.currency)

    def __sub__(self, other: Amount) -> Amount:
        return self + -other

    def __neg__(self) -> Amount:
        return Amount(-self.value, self.currency)

    def __str__(self) -> str:
        return f"{self.value:f} {self.currency}"

    @classmethod
    def of_micro(cls, micro: int, currency_code: str) -> Amount:
        """Make an amount of micro-units, exactly."""
        return cls(Decimal(micro).scaleb(-6), currency_code)

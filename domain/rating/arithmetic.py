"""Exact integer arithmetic of the kernel: every product is split or checked, nothing wraps.

A sum or product that does not fit is ``OVER`` (the smallest int64, which no amount ever is).
"""

from __future__ import annotations

from typing import Final

from domain.rating.compiled import compiled
from domain.rating.layout import MAX

OVER: Final = -(2**63)
FLOAT_EXACT: Final = 1 << 50
PERCENT_ONE: Final = 100_000_000  # 100 % in 10⁻⁶ per cent


@compiled
def added(one: int, other: int) -> int:
    """Add two amounts, or OVER."""
    if one == OVER or other == OVER:  # noqa: PLR1714  (a tuple here would be built for every sum)
        return OVER
    if other > 0 and one > MAX - other:
        return OVER
    if other < 0 and one < -MAX - other:
        return OVER
    return one + other


@compiled
def quotient(value: int, by: int) -> int:
    """Divide two positive integers and round down.

    A 64-bit division takes as long as a cache miss. Below 2⁵⁰ both numbers are exact in floating point, and so is the
    floor of their quotient: it lies at least 1 ÷ by below the next integer, which is more than the quotient's rounding.
    """
    if value >= FLOAT_EXACT or by >= FLOAT_EXACT:
        return value // by
    return int(float(value) / float(by))


@compiled
def proportion(price: int, units: int, per: int) -> int:
    """Return price × units ÷ per, half away from zero, or OVER; needs units ≥ 0 and |price| × per below 2⁶³."""
    size = abs(price)
    if size < 1 << 36 and units < 1 << 26 and per < 1 << 27:  # the products fit, as they nearly always do
        product = size * units
        part = quotient(product, per)
        if product - part * per >= per - (product - part * per):
            part += 1
        return part if price >= 0 else -part
    return wide_proportion(price, units, per)


@compiled
def wide_proportion(price: int, units: int, per: int) -> int:
    """Return the same for any size: with ``units = whole × per + rest`` every product fits, or is seen not to."""
    size = abs(price)
    if size != 0 and size > MAX // per:
        return OVER
    whole, rest = units // per, units % per
    if size != 0 and whole > MAX // size:
        return OVER
    product = size * rest
    part, left = product // per, product % per
    if left >= per - left:
        part += 1
    total = size * whole
    if total > MAX - part:
        return OVER
    total += part
    return total if price >= 0 else -total


@compiled
def per_minute(price: int, seconds: int) -> int:
    """Return price × seconds ÷ 60, half away from zero, or OVER; any price, seconds ≥ 0."""
    size, whole, rest = abs(price), seconds // 60, seconds % 60
    if size != 0 and whole > MAX // size:
        return OVER
    # size = 60 q + r: q × rest is below size, and r × rest below 3600.
    ones = (size % 60) * rest
    total = added(size * whole, (size // 60) * rest + (ones + 30) // 60)
    if total == OVER or price >= 0:
        return total
    return -total


@compiled
def percentage(amount: int, percent: int) -> int:
    """Return amount × percent (10⁻⁶ per cent), half away from zero, or OVER; amount ≥ 0, |percent| ≤ 9.2 × 10¹⁰."""
    return proportion(percent, amount, PERCENT_ONE)


@compiled
def rounded(nano: int, unit: int, bias: int, even: int) -> int:
    """Round a nano amount to micro-units and then to a list's unit of micro-units by its mode.

    ``bias`` is what its mode adds before rounding down; with ``even`` a result that was just half way must be even.
    """
    size = abs(nano)
    micro = size // 1000
    if size - micro * 1000 >= 500:
        micro += 1
    micro += bias
    whole = quotient(micro, unit)
    if even != 0 and whole * unit == micro:
        whole -= whole & 1
    return whole * unit if nano >= 0 else -whole * unit

"""Exact integer arithmetic of the kernel: every product is split or checked, nothing wraps.

A sum or product that does not fit is ``OVER`` (the smallest int64, which no amount ever is).
"""

from __future__ import annotations

from typing import Final

from domain.rating.compiled import compiled
from domain.rating.layout import DOWN, HALF_EVEN, HALF_UP, MAX, UP

OVER: Final = -(2**63)
PERCENT_ONE: Final = 100_000_000  # 100 % in 10⁻⁶ per cent
TENS: Final = (1_000_000, 100_000, 10_000, 1_000, 100, 10, 1)


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
def proportion(price: int, units: int, per: int) -> int:
    """Return price × units ÷ per, half away from zero, or OVER; needs units ≥ 0 and |price| × per below 2⁶³."""
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
def percentage(amount: int, percent: int) -> int:
    """Return amount × percent (10⁻⁶ per cent), half away from zero, or OVER; amount ≥ 0, |percent| ≤ 9.2 × 10¹⁰."""
    return proportion(percent, amount, PERCENT_ONE)


@compiled
def nearest(value: int, unit: int) -> int:
    """Divide by a unit, half away from zero."""
    size = abs(value)
    whole, rest = size // unit, size % unit
    if rest >= unit - rest:
        whole += 1
    return whole if value >= 0 else -whole


@compiled
def rounded(nano: int, decimals: int, mode: int) -> int:
    """Round a nano amount to micro-units and then, in micro-units, to the list's decimals by its mode."""
    micro = nearest(nano, 1000)
    unit = TENS[decimals]
    size = abs(micro)
    whole, rest = size // unit, size % unit
    if mode == HALF_UP:
        up = 2 * rest >= unit
    elif mode == HALF_EVEN:
        up = 2 * rest > unit or (2 * rest == unit and whole % 2 == 1)
    elif mode == UP:
        up = rest > 0
    else:
        up = mode != DOWN
    if up:
        whole += 1
    size = whole * unit
    return size if micro >= 0 else -size

"""The one rounding of an event in plain Python: nano-units to micro-units, then to a list's decimals by its mode."""

from __future__ import annotations

from domain.money import Rounding, divide


def rounded(nano: int, decimals: int, mode: str) -> int:
    """Return micro-units.

    >>> rounded(124_999_500, 2, "half_up"), rounded(-130_000_001, 2, "up")
    (130000, -130000)
    """
    micro = divide(nano, 1_000)
    unit: int = 10 ** (6 - decimals)
    return divide(micro, unit, Rounding(mode)) * unit

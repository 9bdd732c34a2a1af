"""The call specification: how a number is shown."""

from __future__ import annotations

MASK = "x"


def masked(number: str, digits: int) -> str:
    """Return a number with its last ``digits`` digits hidden.

    >>> masked("46701740605", 3), masked("46701740605", 0), masked("12", 4)
    ('46701740xxx', '46701740605', 'xx')
    """
    if digits <= 0:
        return number
    shown = max(len(number) - digits, 0)
    return number[:shown] + MASK * (len(number) - shown)

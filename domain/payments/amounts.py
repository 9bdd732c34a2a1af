"""Amounts as people write them, in a currency's own unit, and as they are kept, in minor units."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from domain.invoicing.invoice import decimals_of
from domain.refusal import BadValue

_MOST: Final = 10**17


def minor_of(amount: Decimal, currency: str, field: str) -> int:
    """Return an amount in minor units. Refuses with: BadValue (more decimals than the currency has, not finite)."""
    # Its size first: what is far too large cannot be written out.
    scaled = amount.scaleb(decimals_of(currency)) if amount.is_finite() and abs(amount) < _MOST else None
    if scaled is None or scaled != int(scaled) or abs(scaled) >= _MOST:
        raise BadValue("{amount} is no amount in {currency}", amount=amount, currency=currency, field=field)
    return int(scaled)


def major_of(minor: int, currency: str) -> Decimal:
    """Return an amount in the currency's own unit, with all its decimals."""
    return Decimal(minor).scaleb(-decimals_of(currency))

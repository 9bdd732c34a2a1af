"""A line of the basis as another system reads it, whichever way it asks."""

from __future__ import annotations

from typing import Any, Final

from domain.basis.batch import BasisLine

_SAME: Final = (
    "position", "customer_key", "subscription_key", "mode", "direction", "group", "currency", "events", "used",
)  # fmt: skip
COLUMNS: Final = (*_SAME, "period_start", "amount")


def row_of(line: BasisLine) -> dict[str, Any]:
    """Return a line by ``COLUMNS``: days and exact amounts as text."""
    found: dict[str, Any] = {name: getattr(line, name) for name in _SAME}
    return found | {"period_start": line.period_start.isoformat(), "amount": f"{line.amount:f}"}

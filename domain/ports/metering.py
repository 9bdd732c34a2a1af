"""The store of the meter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from domain.ids import OperatorId
from domain.metering.meter import MeterDay


class Meter(Protocol):
    """What the unit's operator has used."""

    async def days(self, since: date, until: date, *, zone: str) -> Sequence[MeterDay]:
        """Return every local day in ``[since, until)``."""
        ...

    async def add_calls(self, counts: Sequence[tuple[OperatorId, datetime, str, int]]) -> None:
        """Add calls of any operators: when, over which channel, how many. The unit begins with ``bulk=True``."""
        ...

"""Where rates are counted for all processes together, and what operators set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from domain.access.rate import Rate, RateLimit
from domain.ids import OperatorId


class Buckets(Protocol):
    """Buckets that every process draws from. Only the gate holds this."""

    async def take(self, key: str, wanted: int, rate: Rate) -> tuple[int, float]:
        """Take up to ``wanted`` whole tokens; return how many were there, and what is left."""
        ...

    async def limits(self, operator: OperatorId) -> Mapping[str, RateLimit]:
        """Return what an operator set, by client; the account's under the empty text."""
        ...


class RateLimits(Protocol):
    """What the unit's operator set in place of the installation's limits."""

    async def all(self) -> Sequence[RateLimit]:
        """Return them by client, the account's first."""
        ...

    async def keep(self, limit: RateLimit) -> RateLimit:
        """Write one: new with version 0, or a version further. Refuses with: Stale."""
        ...

    async def remove(self, client: str, *, version: int) -> RateLimit:
        """Take one away. Refuses with: NotFound, Stale."""
        ...

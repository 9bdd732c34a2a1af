"""How often somebody may ask: a bucket that fills at a rate and holds a burst (token bucket, as RFC 2698 meters)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from domain.ids import OperatorId
from domain.refusal import BadValue

PER_SECOND_MAX: Final = 100_000.0
PER_SECOND_MIN: Final = 0.01
BURST_MAX: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """``per_second`` in the long run, ``burst`` at once.

    >>> Rate(2, 10).wait(0.5)
    1
    """

    per_second: float
    burst: int

    def wait(self, tokens: float, *, wanted: int = 1) -> int:
        """Return the seconds until ``wanted`` tokens are there, of whom ``tokens`` are; at least one."""
        return max(1, math.ceil((wanted - tokens) / self.per_second))


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """What an operator set for his account (``client`` empty), or for one of his clients. Refuses with: BadValue."""

    operator: OperatorId
    client: str
    per_second: float
    burst: int
    version: int = 1

    def __post_init__(self) -> None:
        if not (math.isfinite(self.per_second) and PER_SECOND_MIN <= self.per_second <= PER_SECOND_MAX):
            raise BadValue(
                "a rate lies between {least} and {most} a second",
                least=PER_SECOND_MIN,
                most=PER_SECOND_MAX,
                field="perSecond",
            )
        if not 1 <= self.burst <= BURST_MAX:
            raise BadValue("a burst is 1 to {most} requests", most=BURST_MAX, field="burst")

    @property
    def rate(self) -> Rate:
        """The bucket it describes."""
        return Rate(self.per_second, self.burst)

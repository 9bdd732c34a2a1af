"""How large the demo is, and the dice that everything in it is drawn with."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Generic, TypeVar

from domain.period import Period
from domain.refusal import BadValue

T = TypeVar("T")

# October holds the night in which an hour comes twice, and its invoices are young.
MONTH = "2026-10"
ZONE = "Europe/Stockholm"
CUSTOMERS_MAX = 50_000
CALLS_MAX = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """``customers`` under contract and ``calls`` dialled in the month; another ``seed`` makes another operator.

    Refuses with: BadValue.
    """

    customers: int = 300
    calls: int = 50_000
    seed: int = 46

    def __post_init__(self) -> None:
        if not 10 <= self.customers <= CUSTOMERS_MAX:
            raise BadValue(
                "the demo has 10 to {customers_max} customers", customers_max=CUSTOMERS_MAX, field="customers"
            )
        if not 100 <= self.calls <= CALLS_MAX:
            raise BadValue("the demo has 100 to {calls_max} calls", calls_max=CALLS_MAX, field="calls")

    @property
    def period(self) -> Period:
        """The demo's month."""
        return Period.month(MONTH)


STANDARD = Size()
SMALL = Size(customers=10, calls=500)


class Dice:
    """Seeded integer draws. Each purpose has its own, so that a change in one part leaves the others as they are."""

    __slots__ = ("_random",)

    def __init__(self, seed: int, purpose: str) -> None:
        self._random = random.Random(f"{seed}/{purpose}")  # noqa: S311  (a repeatable world is wanted, not a secret)

    def below(self, end: int) -> int:
        """Draw from 0 to ``end``, not included."""
        return self._random.randrange(end)

    def between(self, first: int, last: int) -> int:
        """Draw from ``first`` to ``last``, both included."""
        return self._random.randrange(first, last + 1)

    def chance(self, per_mille: int) -> bool:
        """Tell whether something happens that does so ``per_mille`` times in a thousand."""
        return self._random.randrange(1000) < per_mille

    def pick(self, values: Sequence[T]) -> T:
        """Draw one of the values."""
        return values[self._random.randrange(len(values))]


class Wheel(Generic[T]):
    """Draws one of some values, each as often as its weight says."""

    __slots__ = ("_sums", "_values")

    def __init__(self, weighted: Sequence[tuple[T, int]]) -> None:
        self._values = [value for value, _ in weighted]
        self._sums = list(accumulate(weight for _, weight in weighted))

    def spin(self, dice: Dice) -> T:
        """Draw a value."""
        return self._values[bisect_right(self._sums, dice.below(self._sums[-1]))]

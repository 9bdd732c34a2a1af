"""Turns at asking network elements: in one process, a few orders at a time ask the same element.

So an element that is dead holds a part of its operator's places, and his other elements' orders go on. Several dead
ones hold a part of them together: of elements that are not known to answer quickly one alone has a second turn, and
those that were found slow have three turns among them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Final, TypeAlias

from domain.ids import OperatorId

ELEMENT_MAX: Final = 2
# For so long an order keeps its place and waits for a turn: where the element answers, one comes soon.
PATIENCE_SECONDS: Final = 0.25
# An element that has not answered by then is slow, until it answers quickly again.
SLOW_SECONDS: Final = 1.0
SLOW_MAX: Final = 3
Asked: TypeAlias = tuple[OperatorId, str]


class Turns:
    """Who asks which element, and since when."""

    def __init__(self) -> None:
        self._taken: dict[Asked, dict[Turn, float]] = {}
        self._quick: dict[Asked, bool] = {}  # whether it answered quickly the last time; all that were ever asked for
        self._given = asyncio.Event()

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Have a turn, if one is taken, until the end."""
        one = Turn(self)
        try:
            yield one
        finally:
            self.give(one)

    @property
    def full(self) -> Collection[Asked]:
        """The elements that nobody more may ask now."""
        return [asked for asked in {**self._quick, **self._taken} if not self._is_free(asked)]

    def _is_free(self, asked: Asked) -> bool:
        """Tell whether one more may ask an element."""
        here = len(self._taken.get(asked, ()))
        if here >= ELEMENT_MAX or self._is_quick(asked):
            return here < ELEMENT_MAX
        waiting = sum(len(one) for each, one in self._taken.items() if each[0] == asked[0] and not self._is_quick(each))
        if here:
            return waiting < ELEMENT_MAX
        return waiting < SLOW_MAX or asked not in self._quick

    def _is_quick(self, asked: Asked) -> bool:
        late = time.monotonic() - SLOW_SECONDS
        return self._quick.get(asked, False) and all(since > late for since in self._taken.get(asked, {}).values())

    def take(self, asked: Asked, one: Turn) -> bool:
        """Take a turn where there is one; True also for one who has it. Another that he has is given back."""
        taken = self._taken.get(asked, {})
        if one in taken:
            return True
        self.give(one)
        if not self._is_free(asked):
            return False
        self._taken.setdefault(asked, {})[one] = time.monotonic()
        return True

    def give(self, one: Turn) -> None:
        """Give back what one has."""
        for asked in [asked for asked, taken in self._taken.items() if one in taken]:
            self._quick[asked] = time.monotonic() - self._taken[asked].pop(one) <= SLOW_SECONDS
            if not self._taken[asked]:
                del self._taken[asked]
            self._given.set()
            self._given = asyncio.Event()

    async def wait(self, asked: Asked, one: Turn) -> bool:
        """Take a turn as soon as there is one; False, soon or at once, where who has them waits for long already."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not self.take(asked, one):
            if not (taken := self._taken.get(asked)):
                return False  # others that are slow keep its operator's places
            left = min(until, max(taken.values()) + PATIENCE_SECONDS) - time.monotonic()
            if left <= 0:
                return False
            with suppress(TimeoutError):
                await asyncio.wait_for(self._given.wait(), left)
        return True


class Turn:
    """An order's turn."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def take(self, operator: OperatorId, element: str) -> bool:
        """Take a turn at an element where there is one now; True also where this is one at it already."""
        return self._turns.take((operator, element), self)

    async def wait(self, operator: OperatorId, element: str) -> bool:
        """Take one that comes soon; False where none does."""
        return await self._turns.wait((operator, element), self)

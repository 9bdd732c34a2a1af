"""Answers that many subscriptions ask for at the same moment, worked out once."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final

ANSWERS_MAX: Final = 100


class Board:
    """The last answers of this process by what was asked, and for whom: what a caller may see is part of the key."""

    def __init__(self) -> None:
        self._answers: OrderedDict[Hashable, asyncio.Task[Any]] = OrderedDict()

    async def get(self, key: Hashable, make: Callable[[], Awaitable[Any]]) -> Any:
        """Return the answer to a question, asking only where nobody has; one that failed is asked again."""
        task = self._answers.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = asyncio.ensure_future(_made(make))
            self._answers[key] = task
            while len(self._answers) > ANSWERS_MAX:
                self._answers.popitem(last=False)
        # Whoever asked first may leave before the others have their answer.
        return await asyncio.shield(task)


async def _made(make: Callable[[], Awaitable[Any]]) -> Any:
    return await make()

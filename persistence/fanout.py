"""One stream of notices to many listeners in this process, each with a bounded queue of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Final

from domain.ids import OperatorId
from domain.ports.news import Notice, TooSlow

NOTICES_MAX: Final = 1000  # waiting for one listener; more, and he is told that he is too slow


class QueuedFeed:
    """Keeps ``domain.ports.news.Feed``."""

    def __init__(self, operator: OperatorId, kinds: Collection[str], *, notices_max: int = NOTICES_MAX) -> None:
        self._operator = operator
        self._kinds = frozenset(kinds)
        self._max = notices_max
        self._waiting: dict[Notice | None, None] = {}  # in order, each once
        self._something = asyncio.Event()
        self._overrun = False

    def put(self, notice: Notice | None) -> None:
        """Add a notice that is one of his; None: he may have missed some."""
        if notice is not None and (notice.operator != self._operator or notice.kind not in self._kinds):
            return
        if notice is None:
            self._waiting.clear()  # he looks at everything again anyway
        elif len(self._waiting) >= self._max and notice not in self._waiting:
            self._overrun = True
            self._waiting.clear()
        if not self._overrun:
            self._waiting[notice] = None
        self._something.set()

    async def next(self) -> Notice | None:
        """Wait for the next notice; None: some may have been lost. Raises ``TooSlow``."""
        await self._something.wait()
        if self._overrun:
            raise TooSlow(f"more than {self._max} notices were waiting")
        notice = next(iter(self._waiting))
        del self._waiting[notice]
        if not self._waiting:
            self._something.clear()
        return notice


class Fanout:
    """The listeners of this process."""

    def __init__(self) -> None:
        self._feeds: set[QueuedFeed] = set()

    def __len__(self) -> int:
        return len(self._feeds)

    def join(self, feed: QueuedFeed) -> None:
        """Add a listener."""
        self._feeds.add(feed)

    def leave(self, feed: QueuedFeed) -> None:
        """Let a listener go."""
        self._feeds.discard(feed)

    def tell(self, notice: Notice | None) -> None:
        """Give every listener what is his."""
        for feed in self._feeds:
            feed.put(notice)

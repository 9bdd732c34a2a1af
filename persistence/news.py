"""Notices by PostgreSQL's LISTEN: one connection per process, there while anybody listens, and its twin in memory.

They are sent by triggers and by ``tell(kind, operator, key)`` in the transaction that they tell of (migration 0010),
and arrive once it has committed. A connection that dies is made again, and whoever listens is told to look at
everything.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

import asyncpg

from domain.ids import OperatorId
from domain.ports.news import Feed, Notice
from persistence.away import DatabaseAway
from persistence.fanout import Fanout, QueuedFeed

CHANNEL: Final = "tollwright"
BEGIN_SECONDS: Final = 10.0
PROBE_SECONDS: Final = 30.0  # a connection that says nothing is asked whether it lives
PAUSES: Final = (0.1, 0.5, 2.0, 5.0)  # between attempts to connect again; the last one for ever

log = logging.getLogger("tollwright.news")


class StoredNews:
    """Keeps ``domain.ports.news.News`` on PostgreSQL."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._fanout = Fanout()
        self._listening = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def follow(self, operator: OperatorId, kinds: Collection[str]) -> AbstractAsyncContextManager[Feed]:
        """Listen. Raises ``DatabaseAway`` where the connection cannot be made."""
        return self._follow(QueuedFeed(operator, kinds))

    @asynccontextmanager
    async def _follow(self, feed: QueuedFeed) -> AsyncIterator[Feed]:
        self._fanout.join(feed)
        try:
            if self._task is None:
                self._task = asyncio.create_task(self._listen())
            try:
                async with asyncio.timeout(BEGIN_SECONDS):
                    await self._listening.wait()
            except TimeoutError:
                raise DatabaseAway("the database cannot be listened to: is it running?") from None
            yield feed
        finally:
            self._fanout.leave(feed)
            if not self._fanout and self._task is not None:
                ended, self._task, self._listening = self._task, None, asyncio.Event()
                ended.cancel()
                await asyncio.wait({ended})

    async def _listen(self) -> None:
        """Keep a listening connection until cancelled."""
        listening, attempt, before = self._listening, 0, False
        while True:
            try:
                connection = await asyncpg.connect(
                    self._url, timeout=BEGIN_SECONDS, server_settings={"application_name": "tollwright news"}
                )
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as trouble:
                log.warning("the database cannot be listened to (%s); trying again", type(trouble).__name__)
            else:
                try:
                    lost = asyncio.Event()
                    connection.add_termination_listener(lambda _, lost=lost: lost.set())
                    await connection.add_listener(CHANNEL, self._heard)
                    if before:
                        self._fanout.tell(None)
                    before, attempt = True, 0
                    listening.set()
                    await _alive(connection, lost)
                except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as trouble:
                    log.warning("the listening connection broke (%s); connecting again", type(trouble).__name__)
                finally:
                    listening.clear()
                    connection.terminate()
            await asyncio.sleep(PAUSES[min(attempt, len(PAUSES) - 1)])
            attempt += 1

    def _heard(self, connection: object, process: int, channel: str, payload: str) -> None:
        del connection, process, channel
        notice = Notice.read(payload)
        if notice is not None:  # another program's may come on the same channel
            self._fanout.tell(notice)


async def _alive(connection: Any, lost: asyncio.Event) -> None:
    """Return when the connection is lost; raises what asking it raised."""
    while not lost.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PROBE_SECONDS):
                await lost.wait()
        if not lost.is_set():
            await connection.execute("select", timeout=BEGIN_SECONDS)


class MemoryNews:
    """Keeps ``domain.ports.news.News`` in memory: whoever keeps the state tells it by ``tell``."""

    def __init__(self) -> None:
        self._fanout = Fanout()

    def tell(self, notice: Notice) -> None:
        """Tell of something committed."""
        self._fanout.tell(notice)

    def follow(self, operator: OperatorId, kinds: Collection[str]) -> AbstractAsyncContextManager[Feed]:
        """Listen."""
        return self._follow(QueuedFeed(operator, kinds))

    @asynccontextmanager
    async def _follow(self, feed: QueuedFeed) -> AsyncIterator[Feed]:
        self._fanout.join(feed)
        try:
            yield feed
        finally:
            self._fanout.leave(feed)

"""Counts calls in memory and adds them to the meter every few seconds; each process its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from datetime import datetime
from typing import Final

from domain.access.actor import Actor, system
from domain.ids import OperatorId
from domain.ports.clock import Clock
from domain.ports.unit import Begin

FLUSH_SECONDS: Final = 5.0
_CHANNELS: Final = {"/graphql": "graphql", "/soap": "soap"}
_FAULT: Final = 500

faults = logging.getLogger("tollwright.faults")


class CallMeter:
    """Counts what is answered. What a process that is killed had not yet added is lost: a few seconds of calls."""

    def __init__(self, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock
        self._counts: Counter[tuple[OperatorId, datetime, str]] = Counter()
        self._waiting: asyncio.Task[None] | None = None

    def count(self, actor: Actor, route: str, status: int) -> None:
        """Count one call that was answered; what failed on our side is nobody's."""
        if status >= _FAULT or not status:
            return
        minute = self._clock.now().replace(second=0, microsecond=0)
        self._counts[actor.operator, minute, _CHANNELS.get(route, "rest")] += 1
        if self._waiting is None or self._waiting.done():
            self._waiting = asyncio.get_running_loop().create_task(self._later())

    async def _later(self) -> None:
        await asyncio.sleep(FLUSH_SECONDS)
        await self.flush()

    async def flush(self) -> None:
        """Add what was counted; where that fails it is kept for the next time."""
        counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            async with self._begin(system(OperatorId(0), "meter"), bulk=True) as unit:
                await unit.meter.add_calls([(*key, count) for key, count in counts.items()])
        except Exception:  # noqa: BLE001  (whatever it was, the counts are kept, and nobody waits for this)
            faults.exception("the calls of the last seconds are not on the meter yet")
            self._counts.update(counts)

    async def close(self) -> None:
        """Add the rest, and end."""
        if self._waiting is not None:
            self._waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._waiting
        await self.flush()

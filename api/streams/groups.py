"""Group commit: records that arrive while others are being committed are committed together, as one file.

A caller is answered when its record is in the database for good, never before. What comes again is a duplicate by its
key, as in a file. Where the database cannot keep up the queue is full, and the caller is told to come back.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from api.wiring import Wiring
from domain.access.actor import Actor
from domain.refusal import BadValue, Unreadable
from domain.usecases.import_cdr import ImportCdr, Imported, import_cdr

RECORDS_PER_GROUP_MAX: Final = 5_000
BYTES_PER_GROUP_MAX: Final = 32 << 20
WAITING_MAX: Final = 20_000
WAITING_BYTES_MAX: Final = 128 << 20
AGAIN_SECONDS: Final = 2


class Busy(Exception):  # noqa: N818  (it says what the stream is)
    """More records wait than may: come back after ``AGAIN_SECONDS``."""


@dataclass(slots=True)
class _Lane:
    """What waits of one source of one caller. The same bytes twice in a group are one record with two waiting."""

    source: str
    actor: Actor
    waiting: dict[bytes, list[asyncio.Future[Imported]]] = field(default_factory=dict)
    at_work: asyncio.Task[None] | None = None


class Groups:
    """Takes records; ``suffix`` ends the names of the files they become."""

    def __init__(
        self,
        wiring: Wiring,
        *,
        records_max: int = RECORDS_PER_GROUP_MAX,
        waiting_max: int = WAITING_MAX,
        waiting_bytes_max: int = WAITING_BYTES_MAX,
        suffix: str = "",
    ) -> None:
        self._wiring = wiring
        self._records_max = records_max
        self._waiting_max = waiting_max
        self._bytes_max = waiting_bytes_max
        self._suffix = suffix
        self._lanes: dict[tuple[int, str, str], _Lane] = {}
        self._numbers = itertools.count(1)
        self.waiting = 0
        self.waiting_bytes = 0
        self.committed = 0
        self.groups = 0

    async def put(self, actor: Actor, source: str, record: bytes) -> Imported:
        """Return when the record is committed. Raises Busy; refuses with what ``import_cdr`` refuses with."""
        if self.waiting >= self._waiting_max or self.waiting_bytes + len(record) > self._bytes_max:
            raise Busy
        lane = self._lanes.setdefault((int(actor.operator), actor.client, source), _Lane(source, actor))
        lane.actor = actor
        done: asyncio.Future[Imported] = asyncio.get_running_loop().create_future()
        lane.waiting.setdefault(record, []).append(done)
        self.waiting += 1
        self.waiting_bytes += len(record)
        if lane.at_work is None:
            lane.at_work = asyncio.create_task(self._work(lane))
        # A caller that goes away takes nothing back: its record is committed with the others.
        return await asyncio.shield(done)

    async def close(self) -> None:
        """Commit what waits."""
        await asyncio.gather(*(lane.at_work for lane in self._lanes.values() if lane.at_work is not None))

    async def _work(self, lane: _Lane) -> None:
        while lane.waiting:
            group: dict[bytes, list[asyncio.Future[Imported]]] = {}
            size = 0
            for record in list(lane.waiting):
                if group and (len(group) >= self._records_max or size + len(record) > BYTES_PER_GROUP_MAX):
                    break
                group[record] = lane.waiting.pop(record)
                size += len(record)
            for record, waiting in group.items():
                self.waiting -= len(waiting)
                self.waiting_bytes -= len(waiting) * len(record)
            await self._commit(lane, group)
        lane.at_work = None

    async def _commit(self, lane: _Lane, group: dict[bytes, list[asyncio.Future[Imported]]]) -> None:
        try:
            done = await self._import(lane, list(group))
        except (Unreadable, BadValue) as no:
            if len(group) == 1:
                self._tell(group, no)
                return
            # One of them is unreadable and must not take the others with it.
            for record, waiting in group.items():
                await self._commit(lane, {record: waiting})
        except Exception as trouble:  # noqa: BLE001  (each caller gets what went wrong, the stream goes on)
            self._tell(group, trouble)
        else:
            self.committed += len(group)
            self.groups += 1
            self._tell(group, done)

    async def _import(self, lane: _Lane, records: list[bytes]) -> Imported:
        async def content() -> AsyncIterator[bytes]:
            for record in records:
                yield record

        wiring = self._wiring
        name = f"{lane.source}-{wiring.clock.now():%Y%m%dT%H%M%S.%f}Z-{next(self._numbers)}{self._suffix}"
        return await import_cdr(
            ImportCdr(source=lane.source, name=name, content=content(), size_max=2 * BYTES_PER_GROUP_MAX),
            actor=lane.actor,
            begin=wiring.begin,
            clock=wiring.clock,
            blobs=wiring.blobs,
            formats=wiring.formats,
            raters=wiring.raters,
        )

    @staticmethod
    def _tell(group: dict[bytes, list[asyncio.Future[Imported]]], outcome: Imported | Exception) -> None:
        for waiting in group.values():
            for one in waiting:
                if one.done():
                    continue
                if isinstance(outcome, Exception):
                    one.set_exception(outcome)
                    one.exception()  # whoever went away need not ask for it
                else:
                    one.set_result(outcome)

"""The queue in memory."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime

from domain.access.actor import system
from domain.ids import JobId, OperatorId
from domain.jobs.job import ERROR_MAX, Job, JobState, NewJob
from domain.ports.clock import Clock
from domain.ports.jobs import Presence
from domain.ports.page import Page, PageRequest
from domain.rating.clock import EPOCH
from domain.refusal import Conflict, NotFound
from persistence.memory import Draft, MemoryDatabase, page_of

OPEN = frozenset({JobState.WAITING, JobState.RUNNING})
LOST = "its worker was lost"


class MemoryJobs:
    """Keeps ``domain.ports.jobs.Jobs``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._operator = draft.actor.operator

    @property
    def _rows(self) -> dict[JobId, Job]:
        return self._draft.table("job")

    def _own(self) -> list[Job]:
        return [row for _, row in sorted(self._rows.items()) if row.operator == self._operator]

    def _same(self, kind: str, dedupe: str | None) -> Job | None:
        return next(
            (row for row in self._own() if dedupe and (row.kind, row.dedupe) == (kind, dedupe) and row.state in OPEN),
            None,
        )

    async def add(self, job: NewJob) -> Job:
        """Keep a new one; where one of its kind and ``dedupe`` word is open, return that one and keep none."""
        same = self._same(job.kind, job.dedupe)
        if same is not None:
            return same
        made = Job(
            id=JobId(self._draft.draw("job")),
            operator=self._operator,
            kind=job.kind,
            payload=dict(job.payload),
            dedupe=job.dedupe,
            priority=job.priority,
            state=JobState.WAITING,
            attempts=0,
            attempts_max=job.attempts_max,
            run_at=job.run_at or EPOCH,  # nothing here is told the time
            client=self._draft.actor.client,
            created_at=EPOCH,
        )
        self._rows[made.id] = made
        return made

    async def page(self, request: PageRequest, *, state: JobState | None = None, kind: str | None = None) -> Page[Job]:
        """List by key."""
        chosen = [row for row in self._own() if state in (None, row.state) and kind in (None, row.kind)]
        return page_of(chosen, request, lambda row: row.id)

    async def counts(self) -> Mapping[tuple[str, JobState], int]:
        """Return how many there are of each kind in each state."""
        found: dict[tuple[str, JobState], int] = {}
        for row in self._own():
            found[row.kind, row.state] = found.get((row.kind, row.state), 0) + 1
        return dict(sorted(found.items()))

    async def claim(self, key: JobId) -> Job:
        """Return one. Refuses with: NotFound."""
        row = self._rows.get(key)
        if row is None or row.operator != self._operator:
            raise NotFound("no job {key}", key=key, field="job")
        return row

    async def keep(self, job: Job) -> None:
        """Write its state, attempts, time, error and end. Refuses with: Conflict (one of its ``dedupe`` is open)."""
        same = self._same(job.kind, job.dedupe) if job.state in OPEN else None
        if same is not None and same.id != job.id:
            raise Conflict("another job does the same already", field="job")
        if self._rows[job.id].state is not JobState.RUNNING:
            self._rows[job.id] = job


class MemoryQueue:
    """Keeps ``domain.ports.jobs.Queue``; who leaves is gone, and his jobs are anybody's."""

    def __init__(self, database: MemoryDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._numbers = itertools.count(1)
        self.alive: set[int] = set()

    def present(self) -> AbstractAsyncContextManager[Presence]:
        """Be there for a while."""
        return self._present()

    @asynccontextmanager
    async def _present(self) -> AsyncIterator[Presence]:
        number = next(self._numbers)
        self.alive.add(number)
        try:
            yield MemoryPresence(self._database, self._clock, self.alive, number)
        finally:
            self.alive.discard(number)


class MemoryPresence:
    """Keeps ``domain.ports.jobs.Presence``."""

    def __init__(self, database: MemoryDatabase, clock: Clock, alive: set[int], number: int) -> None:
        self._database = database
        self._clock = clock
        self._alive = alive
        self._number = number
        self._stirred = asyncio.Event()

    @property
    def lost(self) -> bool:
        """Whether the queue takes this worker for gone."""
        return self._number not in self._alive

    async def _change(self, change: Callable[[dict[JobId, Job]], list[Job]]) -> list[Job]:
        draft = await self._database.enter(system(OperatorId(0), "worker"), bulk=True)
        done = False
        try:
            found = change(draft.table("job"))
            done = True
        finally:
            self._database.leave(draft, commit=done)
        return found

    async def claim(
        self,
        kinds: Collection[str],
        count: int,
        *,
        without: Collection[OperatorId] = (),
        full: Collection[tuple[OperatorId, str]] = (),
    ) -> Sequence[Job]:
        """Take up to so many jobs that are due, and those of workers who are gone, by priority and age."""
        now = self._clock.now()

        def change(rows: dict[JobId, Job]) -> list[Job]:
            for row in list(rows.values()):
                if row.state is JobState.RUNNING and row.worker not in self._alive:
                    state = JobState.DEAD if row.exhausted else JobState.WAITING
                    end = now if row.exhausted else None
                    rows[row.id] = replace(row, state=state, worker=None, error=LOST, run_at=now, finished_at=end)
            due = [r for r in rows.values() if r.state is JobState.WAITING and r.run_at <= now and r.kind in kinds]
            due = [row for row in due if row.operator not in without]
            due = [row for row in due if (row.operator, row.payload.get("element")) not in full]
            due.sort(key=lambda row: (-row.priority, row.run_at, row.id))
            taken = [
                replace(row, state=JobState.RUNNING, worker=self._number, attempts=row.attempts + 1, started_at=now)
                for row in due[:count]
            ]
            rows.update({row.id: row for row in taken})
            return taken

        return await self._change(change)

    async def finish(self, job: Job, result: Mapping[str, object]) -> None:
        """Say that a job is done; nothing happens where it is another's by now."""
        await self._end(job, state=JobState.DONE, result=dict(result), finished_at=self._clock.now())

    async def fail(self, job: Job, error: str, *, again_at: datetime | None) -> None:
        """Say that an attempt failed: the job waits until then, or is dead (None, or tried too often)."""
        if again_at is None or job.exhausted:
            await self._end(job, state=JobState.DEAD, error=error[:ERROR_MAX], finished_at=self._clock.now())
        else:
            await self._end(job, state=JobState.WAITING, error=error[:ERROR_MAX], run_at=again_at)

    async def release(self, job: Job) -> None:
        """Give a job back untried."""
        await self._end(job, state=JobState.WAITING, attempts=job.attempts - 1)

    async def put_off(self, job: Job, element: str) -> None:
        """Give a job back untried, known from now on as one that asks this element of its operator's."""
        payload = {**job.payload, "element": element}
        await self._end(job, state=JobState.WAITING, attempts=job.attempts - 1, payload=payload)

    async def _end(self, job: Job, **fields: object) -> None:
        def change(rows: dict[JobId, Job]) -> list[Job]:
            present = rows[job.id]
            if present.state is JobState.RUNNING and present.worker == self._number:
                rows[job.id] = replace(present, worker=None, **fields)  # type: ignore[arg-type]  # fields of Job
            return []

        await self._change(change)

    async def wait(self, seconds: float) -> None:
        """Return when the time is over, or ``stir`` was called."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stirred.wait(), min(seconds, 0.05))  # nobody tells of what is added
        self._stirred.clear()

    def stir(self) -> None:
        """Let ``wait`` return."""
        self._stirred.set()

    async def sweep(self) -> int:
        """Forget nothing: memory is short-lived."""
        return 0

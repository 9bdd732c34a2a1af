"""The queue: a store for who promises work, and what a worker asks of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from domain.ids import JobId, OperatorId
from domain.jobs.job import Job, JobState, NewJob
from domain.ports.page import Page, PageRequest


class Jobs(Protocol):
    """Jobs of the unit's operator. One that is added is there for a worker when the unit has committed."""

    async def add(self, job: NewJob) -> Job:
        """Keep a new one; where one of its kind and ``dedupe`` word is open, return that one and keep none."""
        ...

    async def page(self, request: PageRequest, *, state: JobState | None = None, kind: str | None = None) -> Page[Job]:
        """List by key."""
        ...

    async def counts(self) -> Mapping[tuple[str, JobState], int]:
        """Return how many there are of each kind in each state."""
        ...

    async def claim(self, key: JobId) -> Job:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        ...

    async def keep(self, job: Job) -> None:
        """Write its state, attempts, time, error and end. Refuses with: Conflict (one of its ``dedupe`` is open)."""
        ...


class Presence(Protocol):
    """A worker that is there: what it claims is its own until it answers or is gone. It serves every operator."""

    @property
    def lost(self) -> bool:
        """Whether the queue takes this worker for gone: what it runs is anybody's, and must be let go."""
        ...

    async def claim(
        self,
        kinds: Collection[str],
        count: int,
        *,
        without: Collection[OperatorId] = (),
        full: Collection[tuple[OperatorId, str]] = (),
    ) -> Sequence[Job]:
        """Take up to so many jobs that are due, and those of workers who are gone, by priority and age.

        ``without``: operators whose jobs are left for now; ``full``: elements whose jobs are, of those put off for one.
        """
        ...

    async def finish(self, job: Job, result: Mapping[str, object]) -> None:
        """Say that a job is done; nothing happens where it is another's by now."""
        ...

    async def fail(self, job: Job, error: str, *, again_at: datetime | None) -> None:
        """Say that an attempt failed: the job waits until then, or is dead (None, or tried too often)."""
        ...

    async def release(self, job: Job) -> None:
        """Give a job back untried."""
        ...

    async def put_off(self, job: Job, element: str) -> None:
        """Give a job back untried, known from now on as one that asks this element of its operator's."""
        ...

    async def wait(self, seconds: float) -> None:
        """Return when something may be due, the presence is lost, or the time is over."""
        ...

    def stir(self) -> None:
        """Let ``wait`` return."""
        ...

    async def sweep(self) -> int:
        """Forget jobs that were done long ago; dead ones stay. Return how many."""
        ...


class Queue(Protocol):
    """Where workers come to."""

    def present(self) -> AbstractAsyncContextManager[Presence]:
        """Be there for a while."""
        ...

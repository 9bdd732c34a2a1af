"""The queue as a person looks after it: what waits, runs and failed, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import JobId
from domain.jobs.job import Job, JobState
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin
from domain.refusal import NotFound, WrongState


@dataclass(frozen=True, slots=True, kw_only=True)
class ListJobs:
    """Which jobs: of a state, of a kind."""

    page: PageRequest
    state: JobState | None = None
    kind: str | None = None


@operation(Action.MANAGE_JOBS)
async def list_jobs(cmd: ListJobs, *, actor: Actor, begin: Begin) -> Page[Job]:
    """List jobs by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.jobs.page(cmd.page, state=cmd.state, kind=cmd.kind)


@operation(Action.MANAGE_JOBS)
async def get_job(key: JobId, *, actor: Actor, begin: Begin) -> Job:
    """Return one job. Refuses with: NotAllowed, NotFound."""
    if key > 0:
        async with begin(actor) as unit:
            for job in (await unit.jobs.page(PageRequest(first=1, after=key - 1))).items:
                if job.id == key:
                    return job
    raise NotFound("no job {job}", job=key, field="job")


@operation(Action.MANAGE_JOBS)
async def count_jobs(*, actor: Actor, begin: Begin) -> Mapping[tuple[str, JobState], int]:
    """Count jobs by kind and state. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.jobs.counts()


@operation(Action.MANAGE_JOBS)
async def retry_job(key: JobId, *, actor: Actor, begin: Begin, clock: Clock) -> Job:
    """Let a dead job be tried again, or one that waits at once; its error stays until it is done.

    Refuses with: NotAllowed, NotFound, WrongState (it runs, or is done), Conflict (another one does the same).
    """
    async with begin(actor) as unit:
        job = await unit.jobs.claim(key)
        if job.state not in {JobState.DEAD, JobState.WAITING}:
            raise WrongState("job {key} is {value}", key=key, value=job.state.value, field="job")
        again = replace(job, state=JobState.WAITING, attempts=0, run_at=clock.now(), finished_at=None)
        await unit.jobs.keep(again)
        await unit.audit.write("retry_job", f"job:{key}", {"kind": job.kind})
    return again


@operation(Action.MANAGE_JOBS)
async def cancel_job(key: JobId, *, actor: Actor, begin: Begin, clock: Clock) -> Job:
    """Let a job that waits be dead. Refuses with: NotAllowed, NotFound, WrongState (it runs, or has ended)."""
    async with begin(actor) as unit:
        job = await unit.jobs.claim(key)
        if job.state is not JobState.WAITING:
            raise WrongState("job {key} is {value}", key=key, value=job.state.value, field="job")
        cancelled = replace(job, state=JobState.DEAD, error=f"cancelled by {actor.client}", finished_at=clock.now())
        await unit.jobs.keep(cancelled)
        await unit.audit.write("cancel_job", f"job:{key}", {"kind": job.kind})
    return cancelled

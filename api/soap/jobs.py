"""The operations of the WSDL about the queue of jobs."""

from __future__ import annotations

import json
from typing import Any, Final

from spyne import DateTime, Integer, ServiceBase, Unicode

from api.soap.models import Model, _enum, many, needed
from api.soap.paging import key_after
from api.soap.service import operation
from domain.ids import JobId
from domain.jobs.job import Job, JobState
from domain.ports.page import PageRequest
from domain.usecases.manage_jobs import ListJobs, cancel_job, count_jobs, get_job, list_jobs, retry_job

PAGE: Final = 200
StateOfJob = _enum(JobState, "JobState")


class JobModel(Model):
    """Something that a worker does; payload and result are JSON, error is of the last attempt that failed."""

    __type_name__ = "Job"

    id = needed(Integer)
    kind = needed(Unicode)
    payload = needed(Unicode)
    state = needed(StateOfJob)
    priority = needed(Integer)
    attempts = needed(Integer)
    attemptsMax = needed(Integer)
    runAt = needed(DateTime)
    client = needed(Unicode)
    error = Unicode
    result = Unicode
    createdAt = needed(DateTime)
    startedAt = DateTime
    finishedAt = DateTime


class JobPage(Model):
    """A page of jobs; next asks for the following page."""

    count = needed(Integer)
    job = many(JobModel)
    next = Unicode


class JobCount(Model):
    """How many jobs of a kind are in a state."""

    kind = needed(Unicode)
    state = needed(StateOfJob)
    count = needed(Integer)


class JobCounts(Model):
    """The counts of all jobs."""

    entry = many(JobCount)


class Jobs(ServiceBase):
    """What waits, runs and failed; trying again and cancelling."""

    @operation("ListJobs", StateOfJob, Unicode, Unicode, returns=JobPage, result="page")
    async def list_jobs(ctx: Any, state: Any, kind: str | None, after: str | None) -> Any:
        """Return jobs by their id, 200 at most; after is the last page's next."""
        cmd = ListJobs(
            page=PageRequest(first=PAGE, after=key_after(after)),
            state=None if state is None else JobState(str(state)),
            kind=kind,
        )
        page = await ctx.udc.ask(list_jobs, cmd)
        jobs = [_job(one) for one in page.items]
        return JobPage(count=len(jobs), job=jobs, next=str(page.items[-1].id) if page.more else None)

    @operation("GetJob", needed(Integer), returns=JobModel, result="job")
    async def get_job(ctx: Any, job: int) -> Any:
        """Return one job."""
        return _job(await ctx.udc.ask(get_job, JobId(job)))

    @operation("CountJobs", returns=JobCounts, result="counts")
    async def count_jobs(ctx: Any) -> Any:
        """Return how many jobs there are, by kind and state."""
        counts = await ctx.udc.ask(count_jobs)
        return JobCounts(entry=[JobCount(kind=kind, state=state.value, count=n) for (kind, state), n in counts.items()])

    @operation("RetryJob", needed(Integer), returns=JobModel, result="job")
    async def retry_job(ctx: Any, job: int) -> Any:
        """Let a dead job wait again; one that waits is due at once."""
        return _job(await ctx.udc.ask(retry_job, JobId(job), clock=ctx.udc.wiring.clock))

    @operation("CancelJob", needed(Integer), returns=JobModel, result="job")
    async def cancel_job(ctx: Any, job: int) -> Any:
        """Let a job that waits be dead."""
        return _job(await ctx.udc.ask(cancel_job, JobId(job), clock=ctx.udc.wiring.clock))


def _job(one: Job) -> JobModel:
    return JobModel(
        id=one.id,
        kind=one.kind,
        payload=json.dumps(dict(one.payload), ensure_ascii=False),
        state=one.state.value,
        priority=one.priority,
        attempts=one.attempts,
        attemptsMax=one.attempts_max,
        runAt=one.run_at,
        client=one.client,
        error=one.error,
        result=None if one.result is None else json.dumps(dict(one.result), ensure_ascii=False),
        createdAt=one.created_at,
        startedAt=one.started_at,
        finishedAt=one.finished_at,
    )

"""The queue: what waits, runs and failed; trying again and cancelling."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import strawberry

from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import key_of, read_number
from api.graphql.limits import FIRST_DEFAULT
from api.graphql.nodes import identified
from api.graphql.refusals import outcome
from api.graphql.scalars import BigInt, JsonText
from api.graphql.showing import shows
from domain.ids import JobId
from domain.jobs.job import Job, JobState
from domain.usecases.manage_jobs import ListJobs, cancel_job, count_jobs, list_jobs, retry_job

ID = strawberry.ID

strawberry.enum(JobState, description="A dead job failed too often, or cannot succeed: it waits for a person.")


def _payload(root: strawberry.Parent[Job]) -> Any:
    return JsonText(json.dumps(root.payload, ensure_ascii=False))


def _result(root: strawberry.Parent[Job]) -> Any:
    return None if root.result is None else JsonText(json.dumps(root.result, ensure_ascii=False))


@strawberry.type(name="Job", description="Something that a worker does.")
class JobType:
    """``domain.jobs.job.Job``."""

    id: strawberry.ID = identified()
    kind: str
    payload: JsonText = strawberry.field(resolver=_payload)
    state: JobState
    priority: int
    attempts: int
    attempts_max: int
    run_at: datetime = strawberry.field(description="Not before.")
    client: str = strawberry.field(description="Who promised it.")
    error: str | None = strawberry.field(description="Of the last attempt that failed.")
    result: JsonText | None = strawberry.field(resolver=_result)
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    is_type_of = shows(Job)


@strawberry.type(name="JobCount", description="How many jobs of a kind are in a state.")
class JobCountType:
    """One of the counts."""

    kind: str
    state: JobState
    count: BigInt


async def _jobs(
    info: Info,
    first: int = FIRST_DEFAULT,
    after: str | None = None,
    state: JobState | None = None,
    kind: str | None = None,
) -> Any:
    query = ListJobs(page=request(first, read_number(after, "Job")), state=state, kind=kind)
    return connect(await info.context.ask(list_jobs, query), "Job", after=after)


async def _counts(info: Info) -> list[JobCountType]:
    counts = await info.context.ask(count_jobs)
    return [JobCountType(kind=kind, state=state, count=BigInt(count)) for (kind, state), count in counts.items()]


async def _retry(info: Info, job: ID) -> Any:
    return await info.context.ask(retry_job, JobId(key_of(job, "Job", "job")), clock=info.context.wiring.clock)


async def _cancel(info: Info, job: ID) -> Any:
    return await info.context.ask(cancel_job, JobId(key_of(job, "Job", "job")), clock=info.context.wiring.clock)


@strawberry.type
class JobQuery:
    """The queue."""

    jobs: Connection[JobType] = strawberry.field(resolver=_jobs)
    job_counts: list[JobCountType] = strawberry.field(resolver=_counts)


@strawberry.type
class JobMutation:
    """What becomes of a job."""

    retry_job = strawberry.mutation(
        resolver=_retry,
        graphql_type=outcome("RetryJobResult", JobType),
        description="A dead job waits again; one that waits is due at once.",
    )
    cancel_job = strawberry.mutation(
        resolver=_cancel, graphql_type=outcome("CancelJobResult", JobType), description="A job that waits is dead."
    )

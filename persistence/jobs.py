"""The queue in PostgreSQL.

A worker that is present holds a session's advisory lock under a number of its own. When it is killed, its machine dies
or the network parts, its session ends and the lock with it; then its jobs are given to others. So there is no lease to
be renewed, and nothing to wait for.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import datetime
from typing import Any, Final

import asyncpg

from domain.access.actor import Actor
from domain.ids import JobId, OperatorId
from domain.jobs.job import ERROR_MAX, Job, JobState, NewJob
from domain.ports.jobs import Presence
from domain.ports.page import Page, PageRequest
from domain.refusal import Conflict, NotFound
from persistence.engine import INGEST, Database, Transaction
from persistence.locks import WORKERS
from persistence.violations import beyond, refusing

CHANNEL: Final = "tollwright_job"
# The server gives a worker up that has not answered for some twenty seconds, where its machine or the network is dead.
ALIVE: Final = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "3", "tcp_keepalives_count": "3"}
KEPT_DAYS: Final = 7
LOST: Final = "its worker was lost"

_JOB: Final = (
    "operator, id, kind, payload, dedupe, priority, state, attempts, attempts_max, run_at, client, worker, error,"
    " result, created_at, started_at, finished_at"
)
_ADD: Final = (
    "insert into job (operator, kind, payload, dedupe, priority, run_at, attempts_max, client)"  # noqa: S608  (our own words)
    " values ($1, $2, $3, $4, $5, coalesce($6, now()), $7, $8)"
    " on conflict (operator, kind, dedupe) where state in ('waiting', 'running') and dedupe is not null"
    f" do nothing returning {_JOB}"
)
_OPEN: Final = (
    f"select {_JOB} from job where operator = $1 and kind = $2 and dedupe = $3 and state in ('waiting', 'running')"  # noqa: S608  (our own words)
)
# A number is in the jobs only after its lock was taken, so the jobs are read first: who has no lock then, is gone.
_RUNNING: Final = "select distinct worker from job where state = 'running'"
_ALIVE: Final = (
    "select objid::bigint from pg_locks where locktype = 'advisory' and objsubid = 2 and granted and classid = $1"
    " and database = (select oid from pg_database where datname = current_database())"
)
_REVIVE: Final = (
    "update job set state = case when attempts >= attempts_max then 'dead' else 'waiting' end, worker = null,"
    " error = $2, run_at = now(), finished_at = case when attempts >= attempts_max then now() end"
    " where state = 'running' and worker = any ($1)"
)
_CLAIM: Final = (
    "update job j set state = 'running', worker = $1, attempts = attempts + 1, started_at = now() from ("  # noqa: S608  (our own words)
    " select operator, id from job where state = 'waiting' and run_at <= now() and kind = any ($2)"
    " and operator <> all ($4::int[])"
    " and (operator, coalesce(payload ->> 'element', '')) not in (select * from unnest($5::int[], $6::text[]))"
    " order by priority desc, run_at, id limit $3 for update skip locked) due"
    f" where j.operator = due.operator and j.id = due.id returning {_JOB.replace('operator, id', 'j.operator, j.id')}"
)
_ENDED: Final = (
    "update job set state = $4, worker = null, finished_at = $5, error = coalesce($6, error), result = $7,"
    " run_at = coalesce($8, run_at), attempts = attempts - $9,"
    " payload = case when $10::text is null then payload else payload || jsonb_build_object('element', $10::text) end"
    " where operator = $1 and id = $2 and state = 'running' and worker = $3"
)


def job_of(row: Mapping[str, Any]) -> Job:
    """Make the job of a row."""
    fields = dict(row)
    result = fields["result"]
    fields |= {
        "id": JobId(row["id"]),
        "operator": OperatorId(row["operator"]),
        "payload": json.loads(row["payload"]),
        "state": JobState(row["state"]),
        "result": None if result is None else json.loads(result),
    }
    return Job(**fields)


class JobStore:
    """Keeps ``domain.ports.jobs.Jobs``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._actor = actor
        self._operator = int(actor.operator)

    async def add(self, job: NewJob) -> Job:
        """Keep a new one; where one of its kind and ``dedupe`` word is open, return that one and keep none."""
        payload = json.dumps(dict(job.payload), default=str, sort_keys=True)
        told = (job.kind, payload, job.dedupe, job.priority, job.run_at, job.attempts_max, self._actor.client)
        while True:
            row = await self._connection.fetchrow(_ADD, self._operator, *told)
            if row is not None:
                await self._connection.execute(f"notify {CHANNEL}")
                return job_of(row)
            row = await self._connection.fetchrow(_OPEN, self._operator, job.kind, job.dedupe)
            if row is not None:  # it may have ended between the two
                return job_of(row)

    async def page(self, request: PageRequest, *, state: JobState | None = None, kind: str | None = None) -> Page[Job]:
        """List by key."""
        rows = await self._connection.fetch(
            f"select {_JOB} from job where operator = $1 and id > $2 and ($3::text is null or state = $3)"  # noqa: S608  (our own words)
            " and ($4::text is null or kind = $4) order by id limit $5",
            *(self._operator, beyond(request.after), state and state.value, kind, request.first + 1),
        )
        return Page.of([job_of(row) for row in rows], request)

    async def counts(self) -> Mapping[tuple[str, JobState], int]:
        """Return how many there are of each kind in each state."""
        rows = await self._connection.fetch(
            "select kind, state, count(*) from job where operator = $1 group by 1, 2 order by 1, 2", self._operator
        )
        return {(row["kind"], JobState(row["state"])): row["count"] for row in rows}

    async def claim(self, key: JobId) -> Job:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        row = await self._connection.fetchrow(
            f"select {_JOB} from job where operator = $1 and id = $2 for update",  # noqa: S608  (our own words)
            *(self._operator, key),
        )
        if row is None:
            raise NotFound("no job {key}", key=key, field="job")
        return job_of(row)

    async def keep(self, job: Job) -> None:
        """Write its state, attempts, time, error and end. Refuses with: Conflict (one of its ``dedupe`` is open)."""
        with refusing({"job_open": Conflict("another job does the same already", field="job")}):
            await self._connection.execute(
                "update job set state = $3, attempts = $4, run_at = $5, error = $6, finished_at = $7"
                " where operator = $1 and id = $2 and state <> 'running'",
                *(self._operator, job.id, job.state.value, job.attempts, job.run_at, job.error, job.finished_at),
            )
        await self._connection.execute(f"notify {CHANNEL}")


class StoredQueue:
    """Keeps ``domain.ports.jobs.Queue``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def present(self) -> AbstractAsyncContextManager[Presence]:
        """Be there for a while. Raises DatabaseAway."""
        return self._present()

    @asynccontextmanager
    async def _present(self) -> AsyncIterator[Presence]:
        connection = await self._database.apart("tollwright worker", ALIVE)
        stirred = asyncio.Event()

        def stir(*_: object) -> None:
            stirred.set()

        try:
            number = await connection.fetchval("select nextval('worker_number')::int")
            await connection.fetchval("select pg_advisory_lock($1, $2)", WORKERS, number)
            await connection.add_listener(CHANNEL, stir)
            connection.add_termination_listener(stir)
            yield StoredPresence(self._database, connection, number, stirred)
        finally:
            connection.remove_termination_listener(stir)
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                await connection.close(timeout=5)


class StoredPresence:
    """Keeps ``domain.ports.jobs.Presence``."""

    def __init__(self, database: Database, connection: Any, number: int, stirred: asyncio.Event) -> None:
        self._database = database
        self._connection = connection
        self._number = number
        self._stirred = stirred

    @property
    def lost(self) -> bool:
        """Whether the session is gone, and the lock with it."""
        return bool(self._connection.is_closed())

    async def claim(
        self,
        kinds: Collection[str],
        count: int,
        *,
        without: Collection[OperatorId] = (),
        full: Collection[tuple[OperatorId, str]] = (),
    ) -> Sequence[Job]:
        """Take up to so many jobs that are due, and those of workers who are gone, by priority and age."""
        async with self._database.transaction(role=INGEST) as transaction:
            connection = transaction.connection
            running = {row["worker"] for row in await connection.fetch(_RUNNING)}
            if running - {self._number}:
                alive = {row["objid"] for row in await connection.fetch(_ALIVE, WORKERS)}
                if gone := running - alive:
                    await connection.execute(_REVIVE, list(gone), LOST)
            rows = await connection.fetch(
                _CLAIM,
                *(self._number, list(kinds), count, list(without)),
                *([operator for operator, _ in full], [element for _, element in full]),
            )
        return sorted(map(job_of, rows), key=lambda job: (-job.priority, job.run_at, job.id))

    async def finish(self, job: Job, result: Mapping[str, object]) -> None:
        """Say that a job is done; nothing happens where it is another's by now."""
        told = json.dumps(dict(result), default=str, sort_keys=True)
        await self._end(job, JobState.DONE, result=told)

    async def fail(self, job: Job, error: str, *, again_at: datetime | None) -> None:
        """Say that an attempt failed: the job waits until then, or is dead (None, or tried too often)."""
        dead = again_at is None or job.exhausted
        await self._end(job, JobState.DEAD if dead else JobState.WAITING, error=error[:ERROR_MAX], again_at=again_at)

    async def release(self, job: Job) -> None:
        """Give a job back untried."""
        await self._end(job, JobState.WAITING, tried=False)

    async def put_off(self, job: Job, element: str) -> None:
        """Give a job back untried, known from now on as one that asks this element of its operator's."""
        await self._end(job, JobState.WAITING, tried=False, element=element)

    async def _end(
        self,
        job: Job,
        state: JobState,
        *,
        error: str | None = None,
        result: str | None = None,
        again_at: datetime | None = None,
        tried: bool = True,
        element: str | None = None,
    ) -> None:
        over = state in {JobState.DONE, JobState.DEAD}
        async with self._database.transaction(role=INGEST) as transaction:
            now = await transaction.connection.fetchval("select now()")
            await transaction.connection.execute(
                _ENDED,
                *(int(job.operator), job.id, self._number, state.value, now if over else None),
                *(error, result, again_at, 0 if tried else 1, element),
            )
            if not over:
                await transaction.connection.execute(f"notify {CHANNEL}")

    async def wait(self, seconds: float) -> None:
        """Return when something may be due, the presence is lost, or the time is over."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stirred.wait(), seconds)
        self._stirred.clear()

    def stir(self) -> None:
        """Let ``wait`` return."""
        self._stirred.set()

    async def sweep(self) -> int:
        """Forget jobs that were done long ago; dead ones stay. Return how many."""
        async with self._database.transaction(role=INGEST) as transaction:
            said = await transaction.connection.execute(
                f"delete from job where state = 'done' and finished_at < now() - interval '{KEPT_DAYS} days'"  # noqa: S608  (our own words)
            )
        return int(said.split()[-1])

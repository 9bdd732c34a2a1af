"""A worker: takes jobs from the queue and does them, some at a time, until it is told to stop.

Where the database is away, it lets go what it runs and comes back as a new worker; what it ran is given to whoever is
there, also to itself. Told to stop, it gives its jobs back: an import goes on later behind its last chunk.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Final

from api.jobs import HANDLERS, Handler
from api.wiring import Wiring
from domain.access import letters
from domain.access.actor import system
from domain.credit import checking
from domain.ids import OperatorId
from domain.jobs.job import Job, PutOff, delay
from domain.ports.jobs import Presence
from domain.refusal import Refusal, WrongState
from domain.usecases import place_order
from persistence.away import DatabaseAway
from persistence.forgetting import forget_files

LOG: Final = logging.getLogger("tollwright.worker")
CLIENT: Final = "worker"
# The queue tells of new jobs; what fell due and who is gone nobody tells.
LOOK_SECONDS: Final = 1.0
AWAY_SECONDS_MAX: Final = 10.0
SWEEP_SECONDS: Final = 3600.0
TOLD_SECONDS: Final = 1.0  # a job that took so long is told in the log
# These wait for others' machines and do little here. They have places of their own, so that a slow element holds up no
# files, and a long file no orders.
ASKING: Final = frozenset({place_order.KIND, letters.LINK_JOB, letters.NOTICE_JOB, checking.CHECK, checking.NOTICE})
ASKING_MAX: Final = 8
# Of these places one operator has so many at most, so that his dead element leaves some to the others.
OPERATOR_MAX: Final = 5


class Worker:
    """Does up to ``jobs`` jobs at a time, and beside them up to ``ASKING_MAX`` that ask others."""

    def __init__(self, wiring: Wiring, *, jobs: int = 1, handlers: Mapping[str, Handler] | None = None) -> None:
        self._wiring = wiring
        self._jobs = jobs
        self._handlers = HANDLERS if handlers is None else handlers
        self._stopping = asyncio.Event()
        self._here: Presence | None = None
        self._swept = 0.0
        self._until_idle = False
        self._away = 0

    def stop(self) -> None:
        """Let ``run`` end soon; what it does is given back."""
        self._stopping.set()
        if self._here is not None:
            self._here.stir()

    async def run(self, *, until_idle: bool = False) -> None:
        """Work until ``stop``, or until nothing is due. A database that is away is waited for."""
        self._until_idle = until_idle
        while not self._stopping.is_set():
            try:
                async with self._wiring.queue.present() as here:
                    self._here = here
                    await self._serve(here)
            except (DatabaseAway, OSError) as trouble:
                self._away += 1
                seconds = min(0.1 * 2 ** min(self._away, 10), AWAY_SECONDS_MAX)
                LOG.warning("%s; looking again in %.1f s", trouble, seconds)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), seconds)
            finally:
                self._here = None

    async def _serve(self, here: Presence) -> None:
        running: dict[asyncio.Task[None], Job] = {}
        try:
            while not self._stopping.is_set() and not here.lost:
                taken = await self._claim(here, running.values())
                self._away = 0
                for job in taken:
                    task = asyncio.create_task(self._do(job, here))
                    task.add_done_callback(lambda _: here.stir())
                    running[task] = job
                if not taken:
                    if self._until_idle and not running:
                        self._stopping.set()
                        break
                    await self._sweep(here)
                    await here.wait(LOOK_SECONDS)
                for task in [one for one in running if one.done()]:
                    del running[task]
                    task.result()  # DatabaseAway ends this presence
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _claim(self, here: Presence, running: Collection[Job]) -> list[Job]:
        """Take what there is a place for."""
        asking = sum(job.kind in ASKING for job in running)
        kinds = self._handlers.keys()
        taken: list[Job] = []
        free = self._jobs - len(running) + asking
        if (wanted := kinds - ASKING) and free:
            taken += await here.claim(wanted, free)
        if wanted := kinds & ASKING:
            taken += await self._claim_asking(
                here, wanted, Counter(job.operator for job in running if job.kind in ASKING)
            )
        return taken

    async def _claim_asking(self, here: Presence, wanted: Collection[str], busy: Counter[OperatorId]) -> list[Job]:
        """Take jobs that ask others, so that no operator has more than his share of the places."""
        taken: list[Job] = []
        while free := ASKING_MAX - busy.total():
            full = [operator for operator, count in busy.items() if count >= OPERATOR_MAX]
            most = max((count for count in busy.values() if count < OPERATOR_MAX), default=0)
            found = await here.claim(wanted, min(free, OPERATOR_MAX - most), without=full, full=self._wiring.turns.full)
            busy.update(job.operator for job in found)
            taken += found
            if not found:
                break
        return taken

    async def _do(self, job: Job, here: Presence) -> None:
        """Do one job and say what came of it."""
        began = time.monotonic()
        actor = system(job.operator, CLIENT)
        try:
            result = await self._handlers[job.kind](self._wiring, actor, job)
        except asyncio.CancelledError:
            if not here.lost:
                await here.release(job)
            raise
        except DatabaseAway as trouble:
            if here.lost:
                raise
            # It is there and cannot do this one thing, as with a full disk: the job rests like any that failed.
            await self._again(job, here, str(trouble))
        except PutOff as later:
            await here.put_off(job, later.element)
        except WrongState as no:
            await self._again(job, here, no.message)
        except Refusal as no:
            LOG.warning("job %s (%s) is dead: %s", job.id, job.kind, no.message)
            await here.fail(job, no.message, again_at=None)
        except Exception as wrong:
            LOG.exception("job %s (%s) failed, attempt %s", job.id, job.kind, job.attempts)
            await self._again(job, here, f"{type(wrong).__name__}: {wrong}")
        else:
            await here.finish(job, result)
            seconds = time.monotonic() - began
            level = logging.INFO if seconds >= TOLD_SECONDS else logging.DEBUG  # hundreds of documents are no news
            LOG.log(level, "job %s (%s) is done in %.2f s", job.id, job.kind, seconds)

    async def _again(self, job: Job, here: Presence, error: str) -> None:
        rest = delay(job.attempts, jitter=random.random())  # noqa: S311  (spreads retries; no secret)
        LOG.warning("job %s (%s): %s%s", job.id, job.kind, error, "; it is dead" if job.exhausted else "")
        await here.fail(job, error, again_at=self._wiring.clock.now() + rest)

    async def _sweep(self, here: Presence) -> None:
        """Forget what was done long ago, now and then."""
        if time.monotonic() - self._swept > SWEEP_SECONDS or not self._swept:
            self._swept = time.monotonic()
            await here.sweep()
            settings, database = self._wiring.settings, self._wiring.database
            if settings.keep_files_days and database is not None:
                await forget_files(database, settings.files_dir, settings.keep_files_days)

"""Polling feeds: what a poll needs of the world, the job that does it, and the clock that promises it."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

from api.garbage import collecting_seldom
from api.wiring import Wiring
from domain.access.actor import Actor, system
from domain.feeds.run import Run
from domain.jobs.job import Job
from domain.ports.taking import Take
from domain.refusal import NotFound, Refusal, WrongState
from domain.usecases.carry_out_changes import carry_out_changes
from domain.usecases.poll_feed import Outside, PollFeed, poll_feed
from domain.usecases.schedule_bills import promise_bill_runs
from domain.usecases.schedule_polls import schedule_polls
from domain.usecases.take_feed_file import TakeCdr
from domain.usecases.take_payment_file import TakePayments
from domain.usecases.take_receipt_file import TakeReceipts
from domain.usecases.tend_credit import tend_credit
from domain.usecases.tend_orders import wake_orders
from domain.usecases.watch_feed import watch_feeds
from integrations.printing import receipts
from persistence.away import DatabaseAway

LOG: Final = logging.getLogger("tollwright.feeds")
CLIENT: Final = "scheduler"
LOOK_SECONDS: Final = 5.0
WATCH_EVERY: Final = 12  # looks


def outside(wiring: Wiring, actor: Actor) -> Outside:
    """Return what a poll needs besides the unit."""
    return Outside(
        transports=wiring.transports,
        vault=wiring.vault,
        formats=wiring.formats,
        blobs=wiring.blobs,
        archives=wiring.archives,
        take=_takers(wiring, actor),
        jitter=random.random,
    )


def _takers(wiring: Wiring, actor: Actor) -> Take:
    """Return what takes files, by their feed's source: receipts, payments, or usage."""
    usage = TakeCdr(
        actor=actor,
        begin=wiring.begin,
        clock=wiring.clock,
        blobs=wiring.blobs,
        formats=wiring.formats,
        raters=wiring.raters,
        size_max=wiring.settings.upload_max_bytes,
    )
    payments = TakePayments(
        usage,
        actor=actor,
        begin=wiring.begin,
        clock=wiring.clock,
        blobs=wiring.blobs,
        read=wiring.read_payments,
    )
    return TakeReceipts(
        payments, actor=actor, begin=wiring.begin, clock=wiring.clock, blobs=wiring.blobs, read=receipts.read
    )


async def poll(wiring: Wiring, actor: Actor, name: str, *, by: str, again: bool = False) -> Run:
    """Poll a feed now. Refuses as ``poll_feed`` does."""
    cmd = PollFeed(name=name, by=by, again=again, size_max=wiring.settings.upload_max_bytes)
    with collecting_seldom():
        return await poll_feed(cmd, outside(wiring, actor), actor=actor, begin=wiring.begin, clock=wiring.clock)


async def poll_job(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
    """Poll the feed ``payload["feed"]``; one that is removed by now is done. A run that failed is tried by schedule."""
    try:
        run = await poll(
            wiring, actor, str(job.payload["feed"]), by=f"job {job.id}", again=bool(job.payload.get("again"))
        )
    except NotFound:
        return {"state": "removed"}
    except WrongState as busy:
        return {"state": "busy", "fault": busy.message}  # whoever polls it now says when it is due again
    return {"state": run.state.value, "found": run.found, "taken": run.taken, "held": run.held, "fault": run.fault}


class Scheduler:
    """Promises the polls of every operator's feeds when they are due. Any number of processes may have one."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Let ``run`` end."""
        self._stopping.set()

    async def run(self) -> None:
        """Look every few seconds until ``stop``. A database that is away is waited for."""
        looks = 0
        while not self._stopping.is_set():
            try:
                await self.look(watching=looks % WATCH_EVERY == 0)
            except DatabaseAway as away:
                LOG.warning("%s", away)
            looks += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), LOOK_SECONDS)

    async def look(self, *, watching: bool = True) -> int:
        """Promise what is due, and see whether anything looks wrong; return how many polls were promised."""
        wiring, promised = self._wiring, 0
        for operator in await wiring.directory.operators():
            actor = system(operator.id, CLIENT)
            try:
                promised += await schedule_polls(actor=actor, begin=wiring.begin, clock=wiring.clock)
                await promise_bill_runs(actor=actor, begin=wiring.begin, clock=wiring.clock)
                await wake_orders(actor=actor, begin=wiring.begin, clock=wiring.clock)
                if watching:
                    await tend_credit(actor=actor, begin=wiring.begin, clock=wiring.clock)
                    await carry_out_changes(actor=actor, begin=wiring.begin, clock=wiring.clock)
                    await watch_feeds(actor=actor, begin=wiring.begin, clock=wiring.clock)
            except DatabaseAway:
                raise
            except Refusal as no:
                LOG.warning("feeds of %s: %s", operator.code, no.message)
            except Exception:
                LOG.exception("feeds of %s", operator.code)
        return promised


@asynccontextmanager
async def scheduling(wiring: Wiring) -> AsyncIterator[None]:
    """Promise due polls meanwhile."""
    scheduler = Scheduler(wiring)
    running = asyncio.ensure_future(scheduler.run())
    try:
        yield
    finally:
        scheduler.stop()
        await running

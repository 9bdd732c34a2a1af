"""Jobs of orders for banks: the run of a schedule, and files that go where they belong."""

from __future__ import annotations

from collections.abc import Mapping

from api.wiring import Wiring
from domain.access.actor import Actor
from domain.access.approval import NeedsApproval
from domain.ids import OrderFileId
from domain.jobs.job import Job
from domain.payments.orders import Scheme
from domain.usecases.schedule_debits import ReleaseOrders, put_orders, release_orders, run_debits


async def debit_job(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
    """Order what is due by the schedule of ``payload["scheme"]``."""
    told = await run_debits(
        Scheme(str(job.payload["scheme"])),
        int(str(job.payload["version"])),
        write=wiring.write_payments,
        actor=actor,
        begin=wiring.begin,
        clock=wiring.clock,
    )
    return {"told": told}


async def release_job(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
    """Let the file ``payload["file"]`` go, or ask a second person whether it may."""
    cmd = ReleaseOrders(file=OrderFileId(int(str(job.payload["file"]))))
    try:
        await release_orders(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock)
    except NeedsApproval as asks:
        return {"told": asks.message}
    return {"told": "released"}


async def put_job(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
    """Put the file ``payload["file"]`` into its target; one that cannot be reached is tried again, later and later."""
    done = await put_orders(
        OrderFileId(int(str(job.payload["file"]))),
        actor=actor,
        begin=wiring.begin,
        clock=wiring.clock,
        transports=wiring.transports,
        vault=wiring.vault,
    )
    return {"put": done}

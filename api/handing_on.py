"""The job that hands a payment file on to the operator's own other systems."""

from __future__ import annotations

from collections.abc import Mapping

from api.wiring import Wiring
from domain.access.actor import Actor
from domain.ids import PaymentFileId
from domain.jobs.job import Job
from domain.usecases.hand_on_payments import hand_on_payments


async def hand_on_job(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
    """Hand the file ``payload["file"]`` on; a target that cannot be reached is tried again, later and later."""
    done = await hand_on_payments(
        PaymentFileId(int(str(job.payload["file"]))),
        actor=actor,
        begin=wiring.begin,
        clock=wiring.clock,
        transports=wiring.transports,
        vault=wiring.vault,
        blobs=wiring.blobs,
    )
    return {"targets": done}

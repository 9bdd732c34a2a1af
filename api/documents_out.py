"""Documents on their way: what carries them, and the jobs that send and follow them."""

from __future__ import annotations

from collections.abc import Mapping

from api.wiring import Wiring
from domain.access.actor import Actor
from domain.ids import BillRunId, DispatchId, InvoiceId
from domain.jobs.job import Job
from domain.refusal import NotFound
from domain.usecases.carry_document import Carriers
from domain.usecases.send_document import follow_document, send_document
from domain.usecases.send_documents import QueueDocuments, queue_documents
from integrations.einvoice.smp import SmpDirectory


def carriers(wiring: Wiring) -> Carriers:
    """Return what carries documents here."""
    return Carriers(
        documents=wiring.documents,
        rules=wiring.rules,
        http=wiring.http,
        transports=wiring.transports,
        mailer=wiring.mailer,
        vault=wiring.vault,
        recipients=SmpDirectory(wiring.http),
    )


async def send_job(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
    """Send the document ``payload["dispatch"]``; the last attempt gives it up."""
    key = DispatchId(int(str(job.payload["dispatch"])))
    last = job.attempts >= job.attempts_max
    try:
        one = await send_document(key, carriers(wiring), last=last, actor=actor, begin=wiring.begin, clock=wiring.clock)
    except NotFound:
        return {"state": "gone"}
    return {"dispatch": one.id, "state": one.state.value, "fault": one.fault}


async def queue_job(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
    """Queue the documents of the run ``payload["run"]``, as many as there are, or those of ``payload["invoices"]``."""
    run, keys = job.payload.get("run"), job.payload.get("invoices")
    cmd, queued = QueueDocuments(run=BillRunId(int(str(run))) if run is not None else None), 0
    if isinstance(keys, list):
        cmd = QueueDocuments(invoices=tuple(InvoiceId(int(str(key))) for key in keys))
    while made := await queue_documents(cmd, actor=actor, begin=wiring.begin, clock=wiring.clock):
        queued += len(made)
    return {"queued": queued}


async def follow_job(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
    """Ask what became of the document ``payload["dispatch"]``."""
    key = DispatchId(int(str(job.payload["dispatch"])))
    try:
        one = await follow_document(key, carriers(wiring), actor=actor, begin=wiring.begin, clock=wiring.clock)
    except NotFound:
        return {"state": "gone"}
    return {"dispatch": one.id, "state": one.state.value}

"""What a worker can do: a handler per kind of job.

A handler may run twice for one job (a worker can die after the work and before its answer), so each is idempotent. It
returns what is kept as the job's result. A refusal ends the job as dead with its sentence, but ``WrongState``, which
may be over later; anything else that it raises is tried again with a growing delay.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import Final

from api.bulk import bulk_job
from api.collection_jobs import letter_job, message_job, paid_job, run_job
from api.crediting import check_job, fraud_job
from api.crediting import notice_job as credit_notice_job
from api.documents_out import follow_job, queue_job, send_job
from api.feeding import poll_job
from api.garbage import collecting_seldom
from api.handing_on import hand_on_job
from api.mailing import link_job, notice_job
from api.order_jobs import debit_job, put_job, release_job
from api.provisioning import order_job
from api.wiring import Wiring
from domain.access import letters
from domain.access.actor import Actor
from domain.bulk import run as bulk_run
from domain.collection.progress import PAID_JOB
from domain.credit import checking, fraud
from domain.ids import FileId
from domain.intake.telling import SWEEP
from domain.jobs.job import Job
from domain.refusal import BadValue, LimitExceeded, Unreadable
from domain.usecases import (
    hand_on_payments,
    hand_over,
    move_customer,
    place_order,
    run_collection,
    schedule_bills,
    schedule_debits,
    schedule_polls,
    send_documents,
    take_cdr,
    write_orders,
)
from domain.usecases.import_cdr import import_file
from domain.usecases.sweep_sessions import sweep_sessions

Handler = Callable[[Wiring, Actor, Job], Awaitable[Mapping[str, object]]]


async def _import_cdr(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
    """Import the file ``payload["file"]``. One that cannot be read is told on the file, and the job is done."""
    key = FileId(int(str(job.payload["file"])))
    try:
        with collecting_seldom():
            done = await import_file(
                key,
                actor=actor,
                begin=wiring.begin,
                clock=wiring.clock,
                blobs=wiring.blobs,
                formats=wiring.formats,
                raters=wiring.raters,
            )
    except (Unreadable, LimitExceeded, BadValue) as no:
        return {"file": key, "state": "refused", "fault": no.message}
    return {"file": key, "state": done.file.state.value, "rated": done.rated, "unrated": done.unrated}


async def _sweep_sessions(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
    """Tell of the sessions of ``payload["source"]`` whose time is out."""
    done = await sweep_sessions(
        actor=actor,
        begin=wiring.begin,
        clock=wiring.clock,
        raters=wiring.raters,
        formats=wiring.formats,
        source=str(job.payload["source"]),
    )
    return {"events": done.events, "rejects": done.rejects, "forgotten": done.forgotten}


async def _apply_moves(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
    """Let customers stand where today's moves put them."""
    del job
    return {"moved": await move_customer.apply_moves(actor=actor, begin=wiring.begin, clock=wiring.clock)}


async def _bill_run(wiring: Wiring, actor: Actor, job: Job) -> Mapping[str, object]:
    """Run the bills that ``payload["schedule"]`` promised for a day; an interrupted run is continued."""
    with collecting_seldom():
        told = await schedule_bills.run_scheduled(
            str(job.payload["schedule"]),
            date.fromisoformat(str(job.payload["on"])),
            actor=actor,
            begin=wiring.begin,
            clock=wiring.clock,
            raters=wiring.raters,
            hands=wiring.hands,
        )
    return {"told": told}


HANDLERS: Final[dict[str, Handler]] = {
    take_cdr.KIND: _import_cdr,
    SWEEP: _sweep_sessions,
    schedule_polls.KIND: poll_job,
    hand_on_payments.KIND: hand_on_job,
    schedule_debits.RUN_JOB: debit_job,
    write_orders.RELEASE_JOB: release_job,
    schedule_debits.PUT_JOB: put_job,
    bulk_run.JOB: bulk_job,
    place_order.KIND: order_job,
    move_customer.APPLY_MOVES: _apply_moves,
    schedule_bills.KIND: _bill_run,
    checking.CHECK: check_job,
    fraud.CHECK: fraud_job,
    checking.NOTICE: credit_notice_job,
    send_documents.QUEUE: queue_job,
    send_documents.SEND: send_job,
    send_documents.FOLLOW: follow_job,
    run_collection.RUN_JOB: run_job,
    run_collection.LETTER_JOB: letter_job,
    hand_over.MESSAGE_JOB: message_job,
    PAID_JOB: paid_job,
    letters.LINK_JOB: link_job,
    letters.NOTICE_JOB: notice_job,
}

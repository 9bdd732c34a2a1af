"""End a bill run that was interrupted and is not to be continued."""

from __future__ import annotations

from dataclasses import replace

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import BillRunId
from domain.invoicing.bill_run import BillRun, BillRunState
from domain.jobs.job import NewJob
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.refusal import WrongState
from domain.usecases.send_documents import QUEUE


@operation(Action.RUN_BILLS)
async def abandon_bill_run(key: BillRunId, *, actor: Actor, begin: Begin, clock: Clock) -> BillRun:
    """End a run where it stands. What it issued stays and is sent; whom it had not come to is billed by the next run.

    Refuses with: NotAllowed, NotFound, WrongState (it is done).
    """
    async with begin(actor, bulk=True) as unit:
        run = await unit.bill_runs.claim(key)
        if run.state is BillRunState.DONE:
            raise WrongState("bill run {key} is done", key=key, field="run")
        ended = replace(run, state=BillRunState.DONE, finished_at=clock.now())
        await unit.bill_runs.keep(ended)
        await unit.jobs.add(NewJob(kind=QUEUE, payload={"run": key}, dedupe=f"run:{key}"))
        await unit.audit.write("bills.abandon", f"bill_run:{key}", {"payers": run.payers})
    return ended

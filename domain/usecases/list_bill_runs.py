"""List bill runs, and whom one of them parked."""

from __future__ import annotations

from collections.abc import Sequence

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import BillRunId
from domain.invoicing.bill_run import BillRun, Parked
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin


@operation(Action.RUN_BILLS)
async def list_bill_runs(request: PageRequest, *, actor: Actor, begin: Begin) -> Page[BillRun]:
    """Return the operator's bill runs by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.bill_runs.page(request)


@operation(Action.RUN_BILLS)
async def list_parked(request: PageRequest, *, actor: Actor, begin: Begin) -> Page[Parked]:
    """List who is parked and was not billed since, of all runs, by customer. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.bill_runs.waiting(request)


@operation(Action.RUN_BILLS)
async def get_bill_run(key: BillRunId, *, actor: Actor, begin: Begin) -> tuple[BillRun, Sequence[Parked]]:
    """Return a run and the payers it parked, by customer number. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        return await unit.bill_runs.get(key), await unit.bill_runs.parked(key)

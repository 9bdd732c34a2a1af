"""Bill the pages of a run one after another: some at a time here, and any number in other processes beside."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.intake.raters import Raters
from domain.invoicing.bill_run import BillRun, BillRunState
from domain.jobs.job import NewJob
from domain.operators import Operator
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.usecases.issue_bills import issue_page, prepare_page
from domain.usecases.make_bills import PageDone, Told, made_page
from domain.usecases.send_documents import QUEUE

# Pages that one process does at a time: while PostgreSQL writes one, the next is made.
LANES: Final = 2


@dataclass(frozen=True, slots=True)
class _Around:
    """What every page of a run has in common."""

    operator: Operator
    actor: Actor
    begin: Begin
    clock: Clock
    raters: Raters
    done: Told
    total: int


@operation(Action.RUN_BILLS)
async def bill_pages(
    run: BillRun,
    total: int,
    *,
    actor: Actor,
    begin: Begin,
    clock: Clock,
    raters: Raters,
    done: Told,
) -> None:
    """Bill pages of a run whose usage is added up, until none of its ``total`` payers is left.

    ``done`` hears of each after it was committed. Refuses with: NotAllowed.
    """
    async with begin(actor, bulk=True) as unit:
        operator = await unit.operators.own()
    around = _Around(operator, actor, begin, clock, raters, done, total)
    lanes = [asyncio.create_task(_lane(run, around)) for _ in range(LANES)]
    try:
        await asyncio.gather(*lanes)
    finally:
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)


class _GivenUp(Exception):  # noqa: N818  (it only leaves the unit)
    """A page before this one was given up by who did it; it is done first."""


async def _lane(run: BillRun, around: _Around) -> None:
    """Bill page after page, beside others: each is made by itself, and issued in its turn."""
    while True:
        try:
            async with around.begin(around.actor, bulk=True) as unit:
                bounds = await unit.bill_runs.claim_page(run)
                if bounds is None:
                    return
                page = await made_page(unit, run, bounds, around.operator, around.total, around.raters)
                booked = await prepare_page(unit, page)
                if not await unit.bill_runs.turn(run, bounds):
                    raise _GivenUp  # noqa: TRY301  (nothing of it may be kept)
                now = await unit.bill_runs.claim(run.id)
                if now.state is BillRunState.DONE:
                    return  # it was ended meanwhile
                page = replace(page, run=now)
                invoices = await issue_page(unit, page, around.operator, booked)
                more = await unit.bill_runs.finish_page(run, bounds)
                after = after_page(page, more=more, clock=around.clock)
                await unit.bill_runs.keep(after)
                if not more:
                    queue = NewJob(kind=QUEUE, payload={"run": run.id}, dedupe=f"run:{run.id}")
                    await unit.jobs.add(queue)
        except _GivenUp:
            continue
        around.done(replace(page, run=after, invoices=invoices))


def after_page(page: PageDone, *, more: bool, clock: Clock) -> BillRun:
    """Return the run with a page added to its counts."""
    run = page.run
    made, parked = page.invoices, len(page.parked)
    return replace(
        run,
        position=page.payers[-1] if page.payers else run.position,
        payers=run.payers + len(page.payers),
        invoices=run.invoices + len(made),
        parked=run.parked + parked,
        nothing=run.nothing + len(page.payers) - len(made) - parked,
        carried=run.carried + len(page.carried),
        net=run.net + sum((invoice.net for invoice in made), Decimal(0)),
        vat=run.vat + sum((invoice.vat_total for invoice in made), Decimal(0)),
        total=run.total + sum((invoice.total for invoice in made), Decimal(0)),
        state=BillRunState.RUNNING if more else BillRunState.DONE,
        finished_at=None if more else clock.now(),
    )

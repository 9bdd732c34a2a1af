"""Settle buckets and counted discounts: what came out of order is drawn again in order, differences are written."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import polars as pl

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.buckets.keeping import keep_draws
from domain.buckets.opening import open_draws
from domain.buckets.settling import Settled, connected, settle
from domain.credit.counting import count_stored
from domain.ids import CustomerId, ReratingId
from domain.intake.rater import Rater
from domain.intake.raters import Raters
from domain.ports.clock import Clock
from domain.ports.intake import Collision
from domain.ports.unit import Begin, Unit
from domain.refusal import WrongState
from domain.rerating.rerating import Reason, Rerating, ReratingState, Selection, Tally

CUSTOMERS_PER_PAGE: Final = 200
ATTEMPTS_MAX: Final = 10
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleDraws:
    """Settle for ``customers``, None all. ``until`` is kept with the run: the end of the period that will be billed."""

    until: datetime
    customers: tuple[CustomerId, ...] | None = None


@operation(Action.RUN_BILLS)
async def settle_draws(
    cmd: SettleDraws, *, actor: Actor, begin: Begin, clock: Clock, raters: Raters, per_page: int = CUSTOMERS_PER_PAGE
) -> Tally:
    """Draw again, for every group of subscriptions that share buckets, where an event came out of order.

    One transaction per page of customers; what changes is written as re-rating. Doing it again changes nothing.
    Refuses with: NotAllowed, WrongState (others keep rating the same events).
    """
    tally, attempts = Tally(), 0
    while True:
        async with begin(actor, bulk=True) as unit:
            if not await unit.draws.disordered(cmd.customers, after=0, first=1):
                return tally
        rater = await raters.present(actor, begin)
        try:
            async with begin(actor, bulk=True) as unit:
                done = await settle_page(unit, rater, cmd, actor=actor, clock=clock, per_page=per_page)
        except Collision:
            attempts += 1
            if attempts == ATTEMPTS_MAX:
                raise WrongState("others keep rating the same events; try again when they are done") from None
            continue
        tally, attempts = tally + (done or Tally()), 0


async def settle_all(unit: Unit, rater: Rater, cmd: SettleDraws, *, actor: Actor, clock: Clock) -> None:
    """Settle for everybody within one unit, whose caller sees to it that nobody brings new events meanwhile."""
    while await settle_page(unit, rater, cmd, actor=actor, clock=clock) is not None:
        pass


async def settle_page(
    unit: Unit, rater: Rater, cmd: SettleDraws, *, actor: Actor, clock: Clock, per_page: int = CUSTOMERS_PER_PAGE
) -> Tally | None:
    """Settle for the next customers within a unit; None where nobody is left. Raises Collision."""
    page = await unit.draws.disordered(cmd.customers, after=0, first=per_page)
    if not page:
        return None
    await unit.draws.claim(page)
    work = await open_draws(unit, rater, page)
    lasts = work.standing.lasts
    disordered = set(lasts.filter("disordered")["subscription"].to_list())
    there = set(work.stored["subscription"].to_list())
    wanted = connected(work, rater, disordered)
    if gone := disordered - there:
        # Of a subscription without events nothing tells with whom it shares: everybody of its customer then.
        customers = lasts.filter(pl.col("subscription").is_in(list(gone)))["customer"]
        wanted |= set(work.stored.filter(pl.col("customer").is_in(customers.to_list()))["subscription"].to_list())
    done = await asyncio.to_thread(settle, work.of(wanted), rater)
    tally = tally_of(done, work.of(wanted).stored.height)
    if done.rows.height:
        run = await unit.reratings.start(_run(cmd, actor, clock))
        await unit.reratings.write(run, rater.subscribers.believed_at, done.rows, (), done.shares)
        await count_stored(unit, done.rows, rater, at=clock.now())
        await unit.reratings.keep(
            replace(run, state=ReratingState.DONE, finished_at=clock.now(), tally=run.tally + tally)
        )
        detail = {"until": cmd.until.isoformat(), "changed": tally.changed}
        await unit.audit.write("settle_draws", f"rerating:{run.id}", detail)
    settled = lasts.filter("disordered").with_columns(pl.lit(value=False).alias("disordered"))
    rest = settled.join(done.moved.lasts, on=["customer", "subscription"], how="anti")
    await keep_draws(unit, replace(done.moved, lasts=pl.concat([done.moved.lasts, rest])), at=clock.now())
    return tally


def tally_of(done: Settled, examined: int) -> Tally:
    """Return the counts of settling: everything that was drawn again is looked at."""
    unpriced = done.kept_as_is.height
    return Tally(
        examined=examined,
        same=examined - done.changed.height - unpriced,
        changed=done.changed.height,
        unpriced={"no_rate": unpriced} if unpriced else {},
    )


def _run(cmd: SettleDraws, actor: Actor, clock: Clock) -> Rerating:
    return Rerating(
        id=ReratingId(0),
        operator=actor.operator,
        reason=Reason.SETTLEMENT,
        selection=Selection(since=_BEGINNING, until=cmd.until),
        client=actor.client,
        state=ReratingState.RUNNING,
        created_at=clock.now(),
    )

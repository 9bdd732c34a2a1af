"""Rate events again, with today's catalogue and contracts: what differs is taken back and written anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.buckets.rerating import rated_again, released
from domain.credit.counting import count_stored
from domain.ids import ReratingId
from domain.intake.rater import Rater
from domain.intake.raters import Raters
from domain.intake.rows import DETAIL
from domain.period import utc
from domain.ports.clock import Clock
from domain.ports.intake import Collision
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotFound, WrongState
from domain.rerating.columns import STORED
from domain.rerating.comparing import Outcome
from domain.rerating.rerating import Reason, Rerating, ReratingState, Selection, Tally

EVENTS_PER_CHUNK: Final = 50_000
ATTEMPTS_MAX: Final = 10
SPAN_MAX: Final = timedelta(days=3660)

Progress = Callable[[Rerating], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerate:
    """Rate what ``selection`` names again. ``preview`` does everything and writes nothing."""

    selection: Selection
    reason: Reason
    preview: bool = False


@operation(Action.RERATE)
async def rerate(
    cmd: Rerate,
    *,
    actor: Actor,
    begin: Begin,
    clock: Clock,
    raters: Raters,
    progress: Progress = lambda _: None,
    events_per_chunk: int = EVENTS_PER_CHUNK,
) -> Rerating:
    """Rate events again and return the run with its counts; a preview's has the id 0. One transaction per chunk.

    An interrupted run is continued by the same command. Doing it twice changes nothing the second time.
    Refuses with: NotAllowed, BadValue (period, reason), NotFound (customer, contract, subscription, source,
    destination, list), WrongState (what the catalogue holds cannot be rated in chunks; others keep rating the same).
    """
    selection = _checked(cmd.selection, cmd.reason)
    run = Rerating(
        id=ReratingId(0),
        operator=actor.operator,
        reason=cmd.reason,
        selection=selection,
        client=actor.client,
        state=ReratingState.RUNNING,
        created_at=clock.now(),
    )
    async with begin(actor, bulk=True) as unit:
        await _named(selection, unit)
        if not cmd.preview:
            run = await unit.reratings.start(run)
            detail = {"reason": run.reason.value, **selection.told()}
            await unit.audit.write("rerate", f"rerating:{run.id}", detail)
    steps: tuple[Step, ...] = (_rated, _held)  # what is released is rated by now, and need not be looked at again
    around = _Around(cmd, actor, begin, raters, events_per_chunk)
    for step in steps:
        more = True
        while more and run.state is ReratingState.RUNNING:
            run, more = await _chunk(run, step, around)
            progress(run)
    return await _end(cmd, run, actor, begin, clock)


@operation(Action.RERATE)
async def list_reratings(request: PageRequest, *, actor: Actor, begin: Begin) -> Page[Rerating]:
    """List the runs by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.reratings.page(request)


def _checked(asked: Selection, reason: Reason) -> Selection:
    since, until = utc(asked.since, field="since"), utc(asked.until, field="until")
    if not since < until <= since + SPAN_MAX:
        raise BadValue("a period ends after it begins, and within ten years", field="until")
    if reason is Reason.SETTLEMENT:
        raise BadValue("a settlement is made before a period is billed; it is no reason to ask for", field="reason")
    if asked.unrated is not None and asked.unrated not in DETAIL:
        raise BadValue("an event is unrated for one of {listed}", listed=", ".join(sorted(DETAIL)), field="unrated")
    return replace(asked, since=since, until=until)


async def _named(selection: Selection, unit: Unit) -> None:
    """Refuse with NotFound what is not the operator's."""
    if selection.customer is not None:
        await unit.customers.get(selection.customer)
    if selection.contract is not None:
        await unit.contracts.get(selection.contract)
    if selection.subscription is not None and not await unit.subscriptions.many([selection.subscription]):
        raise NotFound("no subscription {subscription}", subscription=selection.subscription, field="subscription")
    if selection.source is not None:
        await unit.sources.by_name(selection.source)
    if selection.price_list is None and selection.destination is None:
        return
    # Also what is gone by now: events may still be rated by it.
    lists, destinations = await unit.reratings.known(selection.price_list, selection.destination)
    if selection.price_list is not None and not lists:
        raise NotFound("no price list {price_list!r}", price_list=selection.price_list, field="priceList")
    if selection.destination is not None and not destinations:
        raise NotFound("no destination {destination!r}", destination=selection.destination, field="destination")


Step = Callable[[Rerating, Unit, Rater, int, bool], Awaitable[tuple[Outcome, Rerating, bool]]]


async def _held(
    run: Rerating,
    unit: Unit,
    rater: Rater,
    first: int,
    write: bool,
) -> tuple[Outcome, Rerating, bool]:
    """Rate the next events in suspense; the last tells whether more may follow."""
    held = await unit.reratings.held(run.selection, run.held, first=first)
    outcome = await released(unit, held, rater, run.selection, at=run.created_at, write=write)
    if held.height:
        run = replace(run, held=held["id"][-1])
    return outcome, run, held.height == first


async def _rated(
    run: Rerating,
    unit: Unit,
    rater: Rater,
    first: int,
    write: bool,
) -> tuple[Outcome, Rerating, bool]:
    """Rate the next rated events again; the last tells whether more may follow."""
    if run.selection.unrated is not None:
        return Outcome(STORED.to_frame(), (), Tally()), run, False
    stored = await unit.reratings.stored(run.selection, run.position, first=first)
    outcome = await rated_again(unit, stored, rater, at=run.created_at, write=write)
    if stored.height:
        run = replace(run, position=stored.select("start", "source", "key").row(-1))
    return outcome, run, stored.height == first


@dataclass(frozen=True, slots=True)
class _Around:
    """What every chunk of one call has in common."""

    cmd: Rerate
    actor: Actor
    begin: Begin
    raters: Raters
    first: int


async def _chunk(run: Rerating, step: Step, around: _Around) -> tuple[Rerating, bool]:
    """Do one chunk. Where somebody else was quicker with one of its events, read and rate it anew."""
    cmd, first = around.cmd, around.first
    for _ in range(ATTEMPTS_MAX):
        rater = await around.raters.present(around.actor, around.begin)
        try:
            async with around.begin(around.actor, bulk=True) as unit:
                present = run if cmd.preview else await unit.reratings.claim(run.id)
                if present.state is ReratingState.DONE:
                    return present, False  # somebody else continued it at the same time
                outcome, after, more = await step(present, unit, rater, first, not cmd.preview)
                after = replace(after, tally=present.tally + outcome.tally)
                assert after.tally.balances(), f"an event was lost: {after.tally}"
                if not cmd.preview:
                    if outcome.rows.height:
                        believed = rater.subscribers.believed_at
                        await unit.reratings.write(after, believed, outcome.rows, outcome.released, outcome.shares)
                        await count_stored(unit, outcome.rows, rater, at=run.created_at)
                    await unit.reratings.keep(after)
                return after, more
        except Collision:
            continue
    raise WrongState("others keep rating the same events; try again when they are done")


async def _end(cmd: Rerate, run: Rerating, actor: Actor, begin: Begin, clock: Clock) -> Rerating:
    """Close the run and promise to tell of it."""
    if run.state is ReratingState.DONE:
        return run
    done = replace(run, state=ReratingState.DONE, finished_at=clock.now())
    if not cmd.preview:
        async with begin(actor, bulk=True) as unit:
            if (present := await unit.reratings.claim(run.id)).state is ReratingState.DONE:
                return present
            await unit.reratings.keep(done)
            counts = {"changed": done.tally.changed, "released": done.tally.released}
            await unit.audit.write("rerate", f"rerating:{done.id}", {"state": done.state.value, **counts})
            await unit.outbox.promise(
                "usage.rerated", {"reason": done.reason.value, **counts}, subject=f"rerating:{done.id}"
            )
    return done

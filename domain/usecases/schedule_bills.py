"""Run bills by themselves: schedules, the jobs they promise, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.approval import ApprovalKind, NeedsApproval
from domain.access.operations import operation
from domain.commands import check_texts
from domain.feeds.schedule import following
from domain.ids import BillScheduleId, ResellerId
from domain.intake.raters import Raters
from domain.invoicing.bill_schedule import BillSchedule, check
from domain.jobs.job import NewJob
from domain.period import later
from domain.ports.clock import Clock
from domain.ports.hands import NO_HANDS, Hands
from domain.ports.unit import Begin
from domain.refusal import NotFound, Refusal, Stale, WrongState
from domain.usecases.fit_contract import day_in
from domain.usecases.four_eyes import agreed, four_eyes
from domain.usecases.run_bills import RunBills, run_bills

KIND: Final = "bill_run"


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBillSchedule:
    """A new schedule, or with ``version`` the whole of a changed one, named by its name; see ``BillSchedule``."""

    name: str
    schedule: str
    cycle: int = 1
    group: str | None = None
    reseller: ResellerId | None = None
    months: int = 1
    fees_ahead_months: int = 0
    approval: bool = False
    active: bool = True
    version: int = 0


@operation(Action.RUN_BILLS)
@four_eyes(ApprovalKind.BILL_RUN)
async def put_bill_schedule(cmd: PutBillSchedule, *, actor: Actor, begin: Begin, clock: Clock) -> BillSchedule:
    """Keep when bills are run by themselves, of whom and for which period.

    Where runs need a second person, so does a schedule whose runs ask for none; one that was kept while they needed
    none asks from then on.
    Refuses with: NotAllowed, BadValue, NotFound (the schedule to change, reseller), Stale, Conflict (name).
    """
    check_texts(cmd)
    now = clock.now()
    async with begin(actor) as unit:
        known = {one.name: one for one in await unit.bill_schedules.every()}.get(cmd.name)
        if cmd.version and known is None:
            raise NotFound("no schedule {name}", name=cmd.name, field="name")
        if known is not None and known.version != cmd.version:
            raise Stale("the schedule has changed since it was read, or is there already", field="version")
        fields = {name: getattr(cmd, name) for name in PutBillSchedule.__dataclass_fields__}
        made = check(BillSchedule(id=known.id if known else BillScheduleId(0), operator=actor.operator, **fields))
        if not cmd.approval:
            await agreed(unit, actor, ApprovalKind.BILL_RUN, cmd, now=now)
        zone = (await unit.operators.own()).zone
        kept = await unit.bill_schedules.put(
            replace(
                made,
                agreed=not cmd.approval and actor.approval is not None,
                next_at=following(cmd.schedule, zone, now) if cmd.active else None,
            )
        )
        detail = {"name": kept.name, "version": kept.version, "schedule": kept.schedule, "active": kept.active}
        await unit.audit.write("put_bill_schedule", f"bill_schedule:{kept.id}", detail)
    return kept


@operation(Action.RUN_BILLS)
async def list_bill_schedules(*, actor: Actor, begin: Begin) -> Sequence[BillSchedule]:
    """Return when bills are run by themselves, by name. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.bill_schedules.every()


@operation(Action.RUN_BILLS)
async def promise_bill_runs(*, actor: Actor, begin: Begin, clock: Clock) -> int:
    """Put a job into the queue for each schedule that is due, and return how many; any number of processes may.

    Refuses with: NotAllowed.
    """
    now = clock.now()
    async with begin(actor) as unit:
        due = await unit.bill_schedules.due(now)
        operator = await unit.operators.own()
        for one in due:
            payload = {"schedule": one.name, "on": day_in(operator, now).isoformat()}
            await unit.jobs.add(NewJob(kind=KIND, payload=payload, dedupe=f"{one.id}:{payload['on']}", attempts_max=50))
            await unit.bill_schedules.move_on(one.id, following(one.schedule, operator.zone, now))
    return len(due)


@operation(Action.RUN_BILLS)
async def run_scheduled(
    name: str,
    on: date,
    *,
    actor: Actor,
    begin: Begin,
    clock: Clock,
    raters: Raters | None = None,
    hands: Hands = NO_HANDS,
) -> str:
    """Run what a schedule promised for a day, or ask a second person for it; return what came of it, in words.

    Refuses with: NotAllowed, WrongState (another run is not finished: it is tried again).
    """
    async with begin(actor) as unit:
        schedule = {one.name: one for one in await unit.bill_schedules.every()}.get(name)
    if schedule is None:
        return "the schedule is there no more"
    period = schedule.period(on)
    cmd = RunBills(
        period=period,
        fees_until=later(period.end, schedule.fees_ahead_months),
        issued_on=on,
        cycle=schedule.cycle,
        group=schedule.group,
        reseller=schedule.reseller,
    )
    try:
        run = await run_bills(
            cmd, actor=actor, begin=begin, clock=clock, raters=raters, hands=hands,
            decided=schedule.agreed, asking=schedule.approval,
        )  # fmt: skip
        told = f"bill run {run.id}: {run.invoices} invoices, {run.parked} parked"
    except NeedsApproval as asks:
        told = asks.message
    except WrongState as no:
        await _tell(schedule, no.message, begin, actor, clock)
        raise
    except Refusal as no:
        told = no.message
    await _tell(schedule, told, begin, actor, clock)
    return told


async def _tell(schedule: BillSchedule, told: str, begin: Begin, actor: Actor, clock: Clock) -> None:
    async with begin(actor) as unit:
        await unit.bill_schedules.tell(schedule.id, told, clock.now())

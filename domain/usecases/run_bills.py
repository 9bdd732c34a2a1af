"""Bill a period: every payer gets the invoice of what was used and agreed, once, or is parked with the reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from domain.access.actor import Action, Actor, system
from domain.access.approval import ApprovalKind, Unapproved
from domain.access.operations import operation
from domain.customers.customer import BILLING_DAY_MAX
from domain.ids import BillRunId, CustomerId, ResellerId
from domain.intake.rater import Rater
from domain.intake.raters import Raters
from domain.invoicing.bill_run import BillKind, BillRun, BillRunState
from domain.operators import Operator
from domain.period import Period
from domain.ports.clock import Clock
from domain.ports.hands import NO_HANDS, Hands
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotFound, WrongState
from domain.resellers.reseller import subtree
from domain.usecases.bill_elsewhere import give_back
from domain.usecases.bill_pages import after_page, bill_pages
from domain.usecases.carry_out_changes import carry_out_changes, rehearse_changes
from domain.usecases.fit_contract import day_in
from domain.usecases.four_eyes import agreed, four_eyes
from domain.usecases.make_bills import Told, made_page
from domain.usecases.settle_draws import SettleDraws, settle_all, settle_draws

PAYERS_PER_PAGE: Final = 500
CUSTOMERS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBills:
    """Bill ``period``. ``fees_until`` None is its end, ``issued_on`` None today in the operator's zone.

    ``customers`` None is everybody; a customer billed through another is billed with his payer. Else ``cycle`` (payers
    whose periods begin on this day of the month), ``group`` (of customers, when the period ends) and ``reseller`` (his
    part of the tree) choose payers, together or alone; or ``again``: those whom that run parked and nobody has billed
    since. ``dry_run`` does everything and keeps nothing; ``as_invoices``: and shows an invoice also of whom another
    system invoices.
    """

    period: Period
    fees_until: date | None = None
    issued_on: date | None = None
    customers: tuple[CustomerId, ...] | None = None
    dry_run: bool = False
    kind: BillKind = BillKind.REGULAR
    cycle: int | None = None
    group: str | None = None
    reseller: ResellerId | None = None
    again: BillRunId | None = None
    as_invoices: bool = False


class _Rehearsed(Exception):  # noqa: N818  (it only leaves the unit, so that nothing of it is kept)
    """Everything was done; now undo it."""


@operation(Action.RUN_BILLS)
@four_eyes(ApprovalKind.BILL_RUN)
async def run_bills(
    cmd: RunBills,
    *,
    actor: Actor,
    begin: Begin,
    clock: Clock,
    raters: Raters | None = None,
    hands: Hands = NO_HANDS,
    done: Told = lambda _: None,
    decided: bool = False,
    asking: bool = False,
) -> BillRun:
    """Bill a period and return the run with its totals. One transaction per page of payers.

    Any number may do the same run at once: each does pages of its own, numbered in the order of the payers. ``hands``
    are other processes that do so beside this one.
    ``decided``: a second person has agreed to runs of this kind already, so that none is asked for this one;
    ``asking``: one is, whatever the rules say.

    What is due of contracts is carried out first, and what drew on buckets out of order is settled, by the compiled
    ``raters`` where the caller has some.

    An interrupted run is continued by the same command. Running again bills only what is new since. ``done`` hears of
    every page after it was committed. Refuses with: NotAllowed, BadValue, NotFound (reseller, run), WrongState (another
    run is not finished; nobody waits to be billed again).
    """
    _check(cmd)
    if asking and actor.approval is None:
        raise Unapproved(ApprovalKind.BILL_RUN, None)
    raters = raters or Raters()
    if cmd.dry_run:
        return await _rehearse(cmd, actor, begin, clock, raters, done)
    async with begin(actor, bulk=True) as unit:
        operator = await unit.operators.own()
    await carry_out_changes(actor=system(actor.operator, actor.client), begin=begin, clock=clock)
    await settle_draws(_settling(cmd, operator), actor=actor, begin=begin, clock=clock, raters=raters)
    begun = await _begun(cmd, operator, actor, begin, clock, None, decided=decided)
    # What came out of order meanwhile is settled while nobody commits: little, or nothing.
    run = begun or await _begun(cmd, operator, actor, begin, clock, await raters.present(actor, begin), decided=decided)
    assert run is not None, "with a rater nothing stays out of order"
    async with begin(actor, bulk=True) as unit:
        run = await _collect(unit, await unit.bill_runs.claim(run.id), operator)
        total = run.payers + await unit.bill_runs.count_payers(run)
    async with hands.beside(run, actor, total, done):
        await bill_pages(run, total, actor=actor, begin=begin, clock=clock, raters=raters, done=done)
    async with begin(actor, bulk=True) as unit:
        return await _ended(unit, run.id, clock)


async def _ended(unit: Unit, key: BillRunId, clock: Clock) -> BillRun:
    """Return a run none of whose pages is left; one that had no payer at all ends here."""
    run = await unit.bill_runs.claim(key)
    if run.state is BillRunState.RUNNING and await unit.bill_runs.count_payers(run) == 0:
        run = replace(run, state=BillRunState.DONE, finished_at=clock.now())
        await unit.bill_runs.keep(run)
    return run


def _check(cmd: RunBills) -> None:
    """Refuses with: BadValue."""
    if cmd.customers is not None and not 0 < len(cmd.customers) <= CUSTOMERS_MAX:
        raise BadValue(
            "1 to {customers_max} customers can be named, or none for everybody",
            customers_max=CUSTOMERS_MAX,
            field="customers",
        )
    chosen = any(one is not None for one in (cmd.cycle, cmd.group, cmd.reseller))
    if (cmd.customers is not None) + chosen + (cmd.again is not None) > 1:
        raise BadValue(
            "name customers, choose them by cycle, group and reseller, or name a run: one of the three",
            field="customers",
        )
    if cmd.cycle is not None and not 1 <= cmd.cycle <= BILLING_DAY_MAX:
        raise BadValue("a billing day is 1 to {most}", most=BILLING_DAY_MAX, field="cycle")
    if cmd.kind is not BillKind.REGULAR and cmd.customers is None and cmd.again is None:
        raise BadValue("a final, interim or on-demand invoice is of customers that are named", field="kind")


async def _begun(  # noqa: PLR0917  (what its caller was given)
    cmd: RunBills,
    operator: Operator,
    actor: Actor,
    begin: Begin,
    clock: Clock,
    rater: Rater | None,
    *,
    decided: bool,
) -> BillRun | None:
    """Start the run, or go on with the one that is not finished; None where without a rater draws stay out of order."""
    async with begin(actor, bulk=True) as unit:
        free = await unit.draws.fence()
        if free and rater is not None:
            await settle_all(unit, rater, _settling(cmd, operator), actor=actor, clock=clock)
        elif free and await unit.draws.disordered(None, after=0, first=1):
            return None
        new = await _new(unit, cmd, actor, operator, clock)
        run = await unit.bill_runs.start(new)
        if run.created_at == new.created_at and not decided:  # one that is continued was agreed upon when it began
            await agreed(unit, actor, ApprovalKind.BILL_RUN, cmd, now=new.created_at)
        if free:
            _, until = run.period.instants(operator.zone)
            covered = await unit.bill_runs.covered(run)
            await unit.draws.close(covered, until=until, horizon=run.horizon)
        await unit.audit.write("bills.run", f"bill_run:{run.id}", {"period": str(run.period)})
        return run


def _settling(cmd: RunBills, operator: Operator) -> SettleDraws:
    return SettleDraws(until=cmd.period.instants(operator.zone)[1])


async def _rehearse(  # noqa: PLR0917  (what its caller was given)
    cmd: RunBills, actor: Actor, begin: Begin, clock: Clock, raters: Raters, done: Told
) -> BillRun:
    run: BillRun | None = None
    async with begin(actor, bulk=True) as unit:
        drawn = await unit.draws.disordered(None, after=0, first=1)
    rater = await raters.present(actor, begin) if drawn else None
    try:
        async with begin(actor, bulk=True) as unit:
            operator = await unit.operators.own()
            tomorrow = day_in(operator, clock.now()) + timedelta(days=1)
            await rehearse_changes(unit, max(tomorrow, cmd.period.end), clock=clock)
            if rater is not None:
                settling = _settling(cmd, operator)
                if cmd.customers is not None:  # nobody else's draws are held meanwhile
                    first = await unit.bill_runs.rehearse(await _new(unit, cmd, actor, operator, clock))
                    whose = await unit.bill_runs.covered(first)
                    settling = replace(settling, customers=None if whose is None else tuple(whose))
                await settle_all(unit, rater, settling, actor=actor, clock=clock)
            run = await unit.bill_runs.rehearse(await _new(unit, cmd, actor, operator, clock))
            run = await _collect(unit, run, operator)
            total = await unit.bill_runs.count_payers(run)
            while (bounds := await unit.bill_runs.claim_page(run)) is not None:
                page = await made_page(unit, run, bounds, operator, total, raters, as_invoices=cmd.as_invoices)
                more = await unit.bill_runs.finish_page(run, bounds)
                run = after_page(page, more=more, clock=clock)
                done(replace(page, run=run))
            run = replace(run, state=BillRunState.DONE, finished_at=run.finished_at or clock.now())
            raise _Rehearsed  # noqa: TRY301  (nothing of it may be kept)
    except _Rehearsed:
        assert run is not None
        return replace(run, id=BillRunId(0))


async def _new(unit: Unit, cmd: RunBills, actor: Actor, operator: Operator, clock: Clock) -> BillRun:
    now = clock.now()
    return BillRun(
        id=BillRunId(0),
        operator=actor.operator,
        period=cmd.period,
        fees_until=cmd.fees_until or cmd.period.end,
        issued_on=cmd.issued_on or now.astimezone(ZoneInfo(operator.zone)).date(),
        horizon=0,
        state=BillRunState.RUNNING,
        client=actor.client,
        created_at=now,
        customers=await chosen_payers(unit, cmd, operator),
        kind=cmd.kind,
        cycle=cmd.cycle,
        group=cmd.group,
        reseller=cmd.reseller,
        again=cmd.again,
    )


async def chosen_payers(unit: Unit, cmd: RunBills, operator: Operator) -> tuple[CustomerId, ...] | None:
    """Return whom a command chooses, by key; None: everybody. Refuses with: NotFound, WrongState (nobody waits)."""
    if cmd.customers is not None:
        return tuple(sorted(set(cmd.customers)))
    if cmd.again is not None:
        await unit.bill_runs.get(cmd.again)
        waiting = [one.customer for one in await unit.bill_runs.parked(cmd.again) if one.settled_by is None]
        if not waiting:
            raise WrongState("nobody whom bill run {run} parked waits to be billed", run=cmd.again, field="run")
        return tuple(sorted(waiting))
    if cmd.cycle is None and cmd.group is None and cmd.reseller is None:
        return None
    resellers = None
    if cmd.reseller is not None:
        tree = await unit.resellers.tree()
        if cmd.reseller not in tree:
            raise NotFound("no reseller {key}", key=cmd.reseller, field="reseller")
        resellers = subtree(cmd.reseller, tree)
    end = cmd.period.instants(operator.zone)[1] - timedelta(microseconds=1)
    last = cmd.period.end - timedelta(days=1)
    return tuple(await unit.bill_runs.chosen(cycle=cmd.cycle, group=cmd.group, resellers=resellers, at=end, on=last))


async def _collect(unit: Unit, run: BillRun, operator: Operator) -> BillRun:
    since, until = run.period.instants(operator.zone)
    await give_back(unit, run, at=until - timedelta(microseconds=1))
    run = await unit.bill_runs.collect(run, since=since, until=until, zone=operator.zone)
    return await unit.bill_runs.divide(run, size=PAYERS_PER_PAGE)

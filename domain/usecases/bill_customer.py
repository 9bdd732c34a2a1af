"""Bill one customer up to a day: the last invoice of who leaves, one in between, one on demand; or bill again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.contracts.contract import ContractState
from domain.customers.customer import Customer
from domain.ids import BillRunId, CustomerId
from domain.intake.raters import Raters
from domain.invoicing.bill_run import BillKind, BillRun
from domain.invoicing.billing_rules import billing_period
from domain.period import Period
from domain.ports.clock import Clock
from domain.ports.hands import NO_HANDS, Hands
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, WrongState
from domain.usecases.fit_contract import day_in
from domain.usecases.make_bills import Told
from domain.usecases.run_bills import RunBills, run_bills


@dataclass(frozen=True, slots=True, kw_only=True)
class BillCustomer:
    """Bill a customer's payer for what is due before ``until``; None: today's included.

    ``final``: everything until his last contract has ended. Such an invoice is never carried over.
    """

    customer: CustomerId
    kind: BillKind = BillKind.ON_DEMAND
    until: date | None = None
    issued_on: date | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BillAgain:
    """Bill whom a run parked and nobody has billed since, for the run's period."""

    run: BillRunId
    issued_on: date | None = None
    dry_run: bool = False


@operation(Action.RUN_BILLS)
async def bill_customer(
    cmd: BillCustomer,
    *,
    actor: Actor,
    begin: Begin,
    clock: Clock,
    raters: Raters | None = None,
    hands: Hands = NO_HANDS,
    done: Told = lambda _: None,
) -> BillRun:
    """Bill one customer up to a day, and return the run.

    Refuses with: NotAllowed, NotFound, BadValue (kind, day), WrongState (a contract that does not end; another run is
    not finished).
    """
    if cmd.kind is BillKind.REGULAR:
        raise BadValue(
            "a regular invoice comes of a run of its period; choose final, interim or on demand", field="kind"
        )
    async with begin(actor) as unit:
        payer = await payer_above(unit, await unit.customers.get(cmd.customer))
        today = day_in(await unit.operators.own(), clock.now())
        until = cmd.until or today + timedelta(days=1)
        if cmd.kind is BillKind.FINAL:
            until = max([until, *await _ends(unit, payer)])
    run = RunBills(
        period=up_to(payer, until),
        issued_on=cmd.issued_on,
        customers=(payer.id,),
        dry_run=cmd.dry_run,
        kind=cmd.kind,
    )
    return await run_bills(run, actor=actor, begin=begin, clock=clock, raters=raters, hands=hands, done=done)


@operation(Action.RUN_BILLS)
async def bill_again(
    cmd: BillAgain,
    *,
    actor: Actor,
    begin: Begin,
    clock: Clock,
    raters: Raters | None = None,
    hands: Hands = NO_HANDS,
    done: Told = lambda _: None,
) -> BillRun:
    """Bill the payers whom a run parked, once what stood in the way is mended, and return the new run.

    Refuses with: NotAllowed, NotFound, WrongState (nobody waits; another run is not finished).
    """
    async with begin(actor, bulk=True) as unit:
        before = await unit.bill_runs.get(cmd.run)
    run = RunBills(
        period=before.period,
        fees_until=before.fees_until,
        issued_on=cmd.issued_on,
        dry_run=cmd.dry_run,
        kind=before.kind,
        again=before.id,
    )
    return await run_bills(run, actor=actor, begin=begin, clock=clock, raters=raters, hands=hands, done=done)


async def payer_above(unit: Unit, customer: Customer) -> Customer:
    """Return who pays for a customer today. Refuses with: NotFound (the caller may not see that one)."""
    while customer.pays_through is not None:
        customer = await unit.customers.get(customer.pays_through)
    return customer


def up_to(payer: Customer, until: date) -> Period:
    """Return a payer's period from the beginning of the one that holds the day before ``until``."""
    return Period(billing_period(payer.billing_day or 1, until - timedelta(days=1)).start, until)


async def _ends(unit: Unit, payer: Customer) -> list[date]:
    """Return when the payer's contracts end. Refuses with: WrongState (one does not)."""
    found = []
    for contract in (await unit.contracts.of_customers([payer.id])).get(payer.id, ()):
        if contract.state is ContractState.DRAFT:
            continue
        if contract.end is None:
            raise WrongState(
                "contract {number} has no end: give notice of it first, the final invoice bills until then",
                number=contract.number,
                field="kind",
            )
        found.append(contract.end)
    return found

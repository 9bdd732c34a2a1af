"""Put a contract or a subscription on a price plan from a day on, or take it off; and tell who is on which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.catalogue.tariff import Bucket, Plan
from domain.commands import answered, check_texts, remember
from domain.contracts.contract import Contract, ContractState
from domain.contracts.subscription import Subscription, SubscriptionState
from domain.ids import ContractId, PlanAssignmentId, SubscriptionId
from domain.intake.raters import Raters
from domain.plans.assignment import PlanAssignment
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotFound, Stale, WrongState
from domain.usecases.fit_contract import midnight


@dataclass(frozen=True, slots=True, kw_only=True)
class PutOnPlan:
    """A contract (of a plan for several lines), or a subscription, is on ``plan`` from ``valid_from`` on.

    ``plan`` None: on none from that day on. ``valid_to`` None: until it is put on another. ``version``: that of the
    contract or subscription that was looked at; None: whatever it is.
    """

    contract: ContractId | None = None
    subscription: SubscriptionId | None = None
    plan: str | None
    valid_from: date
    valid_to: date | None = None
    version: int | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class OnPlans:
    """What a contract and its subscriptions are on and were, by subscription (the contract's own first) and day."""

    contract: ContractId
    assignments: Sequence[PlanAssignment]


@dataclass(frozen=True, slots=True)
class PlanTold:
    """A plan with the buckets of the catalogue that it grants."""

    plan: Plan
    buckets: Sequence[Bucket]


@operation(Action.WRITE_CONTRACTS)
async def put_on_plan(cmd: PutOnPlan, *, actor: Actor, begin: Begin) -> OnPlans:
    """Change the plan from a day on: what it was on ends there, and what would have begun later goes.

    What is rated already stays; rate it again to change it. What is granted for the month of the change is prorated as
    the buckets say. Refuses with: NotAllowed, BadValue, NotFound (contract, subscription, plan), WrongState (it has
    ended; a plan of the other kind), Stale, Overlap, Conflict (idempotency key).
    """
    check_texts(cmd)
    if (cmd.contract is None) == (cmd.subscription is None):
        raise BadValue("give a contract or a subscription", field="contract")
    if cmd.valid_to is not None and cmd.valid_to <= cmd.valid_from:
        raise BadValue("it ends after it begins", field="validTo")
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await _on(unit, ContractId(known))
        contract, line = await _claimed(unit, cmd)
        if cmd.plan is not None:
            await _check_plan(unit, cmd.plan, shares=line is None)
        await _make_room(unit, cmd, contract.id)
        if cmd.plan is not None:
            await unit.plans.add(
                PlanAssignment(
                    id=PlanAssignmentId(0),
                    operator=actor.operator,
                    customer=contract.customer,
                    contract=contract.id,
                    subscription=cmd.subscription,
                    plan=cmd.plan,
                    valid_from=cmd.valid_from,
                    valid_to=cmd.valid_to,
                )
            )
        kept: Contract | Subscription
        kept = await unit.contracts.keep(contract) if line is None else await unit.subscriptions.keep(line)
        await remember(unit.answers, cmd, contract.id)
        target = f"contract:{contract.id}" if line is None else f"subscription:{line.id}"
        days = {"validFrom": cmd.valid_from.isoformat(), "validTo": cmd.valid_to and cmd.valid_to.isoformat()}
        detail = {"plan": cmd.plan, "contract": contract.id, "version": kept.version, "changed": ["plan"], **days}
        await unit.audit.write("change_plan", target, detail)
        return await _on(unit, contract.id)


async def _claimed(unit: Unit, cmd: PutOnPlan) -> tuple[Contract, Subscription | None]:
    """Return the contract, and the subscription where one is meant, both locked."""
    line = None if cmd.subscription is None else await unit.subscriptions.claim(cmd.subscription)
    key = cmd.contract if line is None else line.contract
    assert key is not None
    contract = await unit.contracts.claim(key)
    if contract.state is ContractState.ENDED or (line is not None and await _is_over(unit, line, cmd.valid_from)):
        raise WrongState("it has ended", field="contract" if line is None else "subscription")
    version = contract.version if line is None else line.version
    if cmd.version is not None and cmd.version != version:
        raise Stale("it was changed since it was read; read it again", field="version")
    return contract, line


async def _is_over(unit: Unit, line: Subscription, day: date) -> bool:
    """Tell whether a line has ended, or will have when the day begins; an end that lies ahead of it is no hindrance."""
    if line.ended_at is None or line.state is SubscriptionState.ENDED:
        return line.ended_at is not None
    return line.ended_at <= midnight(await unit.operators.own(), day)


async def _check_plan(unit: Unit, name: str, *, shares: bool) -> None:
    plan = (await unit.catalogue.plans()).get(name)
    if plan is None:
        raise NotFound("there is no plan {name}", name=name, field="plan")
    if plan.price_list is not None:
        await unit.catalogue.named(plan.price_list, field="plan")
    if plan.shares and not shares:
        raise WrongState("{name} is a plan for several lines: put the contract on it", name=name, field="plan")
    if shares and not plan.shares:
        raise WrongState("{name} is a plan for one line: put the subscription on it", name=name, field="plan")


async def _make_room(unit: Unit, cmd: PutOnPlan, contract: ContractId) -> None:
    there = (await unit.plans.of_contracts([contract])).get(contract, ())
    for one in there:
        if one.subscription != cmd.subscription or (one.valid_to is not None and one.valid_to <= cmd.valid_from):
            continue
        await unit.plans.end(one, cmd.valid_from if one.valid_from < cmd.valid_from else None)


async def _on(unit: Unit, contract: ContractId) -> OnPlans:
    return OnPlans(contract, (await unit.plans.of_contracts([contract])).get(contract, ()))


@operation(Action.READ_CONTRACTS)
async def get_plan_assignments(key: ContractId, *, actor: Actor, begin: Begin) -> OnPlans:
    """Return what a contract and its subscriptions are on and were. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        await unit.contracts.get(key)
        return await _on(unit, key)


@operation(Action.READ_PRICES)
async def list_plans(*, actor: Actor, begin: Begin, raters: Raters) -> Sequence[PlanTold]:
    """Return the plans that the caller may use, by name, with what they grant. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        buckets, plans = await raters.buckets(unit)
        wanted = {one.price_list for one in plans.values() if one.price_list is not None}
        usable = await unit.catalogue.lists_by_name(sorted(wanted))
    return [
        PlanTold(plan, [one for one in buckets if one.plans is not None and name in one.plans])
        for name, plan in sorted(plans.items())
        if plan.price_list is None or plan.price_list in usable
    ]

"""Hand a contract over: another customer gets one that goes on as the old one was, with its lines and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from domain.contracts.changes import ChangeKind, ChangeState, ContractChange
from domain.contracts.contract import Contract, ContractService, ContractState, Phase, check
from domain.contracts.subscription import NumberAssignment, StateChange, Subscription, SubscriptionState
from domain.customers.customer import Customer
from domain.ids import ContractChangeId, ContractId, PlanAssignmentId, SubscriptionId
from domain.ports.unit import Unit
from domain.refusal import NotFound
from domain.usecases.fit_contract import midnight


async def handed_over(unit: Unit, contract: Contract, change: ContractChange, now: datetime) -> Contract:
    """Make the contract of whoever takes it over and move its lines; the old one is left to the caller.

    Binding and anniversaries go on as they were; nothing that was charged once is charged again. Each CDR finds its
    owner at its own time; events that were rated before a day back in time was known are to be rated again.
    Refuses with: NotFound (the customer), Conflict (number).
    """
    assert change.customer is not None
    customer = (await unit.customers.many([change.customer])).get(change.customer)
    if customer is None:
        raise NotFound("no customer {key}", key=change.customer, field="customer")
    day = change.effective
    at = midnight(await unit.operators.own(), day)
    number = change.number if change.number is not None else await unit.contracts.next_number()
    state = contract.state_on(day) if contract.state is not ContractState.DRAFT else ContractState.DRAFT
    successor = Contract(
        id=ContractId(0),
        operator=contract.operator,
        customer=customer.id,
        number=number,
        start=day,
        end=contract.end,
        state=state,
        price_list=contract.price_list,
        reseller=customer.reseller,
        terms=replace(
            contract.terms,
            binding_from=contract.binds_from,
            anchor=contract.anchor,
        ),
        phases=(Phase(start=day, state=state), *(one for one in contract.phases if one.start > day)),
        discounts=tuple(one for one in contract.discounts if one.end is None or one.end > day),
        ending=contract.ending,
        predecessor=contract.id,
        fields=contract.fields,
    )
    made = await unit.contracts.add(check(successor))
    moved = await _lines_moved(unit, contract, made, customer, at)
    await _plans_moved(unit, contract, made, moved)
    services = tuple(_goes_on(line, made, moved) for line in contract.services if line.end is None or line.end > day)
    kept = await unit.contracts.keep(replace(made, services=services)) if services else made
    begun = ContractChange(
        id=ContractChangeId(0),
        operator=kept.operator,
        owner=kept.customer,
        contract=kept.id,
        kind=ChangeKind.CREATE,
        effective=day,
        state=ChangeState.DONE,
        recorded_at=now,
        done_at=now,
        client=change.client,
        version=kept.version,
        reason=change.reason,
    )
    await unit.contract_changes.add(begun, kept)
    await _planned_moved(unit, contract, kept, change, moved, now)
    detail = {"number": kept.number, "customer": kept.customer, "version": kept.version, "changed": []}
    await unit.audit.write("create_contract", f"contract:{kept.id}", {**detail, "predecessor": contract.id})
    return kept


def _goes_on(line: ContractService, to: Contract, moved: Mapping[SubscriptionId, SubscriptionId]) -> ContractService:
    begun = line.start < to.start
    return replace(
        line,
        start=max(line.start, to.start),
        one_time_fee=Decimal(0) if begun else line.one_time_fee,
        subscription=None if line.subscription is None else moved[line.subscription],
    )


async def _lines_moved(
    unit: Unit, old: Contract, new: Contract, customer: Customer, at: datetime
) -> Mapping[SubscriptionId, SubscriptionId]:
    """Move the lines in the network with their numbers from an instant on; return which became which."""
    moved: dict[SubscriptionId, SubscriptionId] = {}
    wanted = {line.subscription for line in old.services if line.subscription is not None}
    for one in (await unit.subscriptions.of_contracts([old.id])).get(old.id, ()):
        if one.ended_at is not None and one.ended_at <= at and one.id not in wanted:
            continue
        stays, goes = _split(one, at)
        stopped = at if one.activated_at is not None and one.activated_at < at else one.activated_at
        over = one.ended_at is not None and one.ended_at <= at
        if not over:
            await unit.subscriptions.keep(
                replace(one, numbers=stays, state=SubscriptionState.ENDED, state_since=at, ended_at=stopped or at),
                StateChange(state=SubscriptionState.ENDED, since=at, reason="taken over"),
            )
        made = await unit.subscriptions.add(
            replace(
                one,
                id=SubscriptionId(0),
                customer=customer.id,
                contract=new.id,
                reseller=customer.reseller,
                numbers=goes,
                version=1,
            )
        )
        moved[one.id] = made.id
        detail = {"contract": new.id, "customer": customer.id, "version": made.version, "changed": ["contract"]}
        await unit.audit.write("move_subscription", f"subscription:{made.id}", {**detail, "before": one.id})
    return moved


async def _planned_moved(  # noqa: PLR0917  (what its caller has)
    unit: Unit,
    old: Contract,
    new: Contract,
    change: ContractChange,
    moved: Mapping[SubscriptionId, SubscriptionId],
    now: datetime,
) -> None:
    """Let what is planned for later days be carried out on the new contract."""
    for one in await unit.contract_changes.planned_of(old.id):
        if one.id == change.id:
            continue
        await unit.contract_changes.keep(
            replace(one, state=ChangeState.CANCELLED, done_at=now, fault="taken over"), None
        )
        gone, come = one.gone, one.new
        if gone is not None:
            line = None if gone.subscription is None else moved.get(gone.subscription)
            start = None if gone.start is not None and gone.start < new.start else gone.start
            gone = replace(gone, start=start, subscription=line)
        if come is not None and come.subscription is not None:
            come = replace(come, subscription=moved.get(come.subscription))
        again = replace(one, id=ContractChangeId(0), owner=new.customer, contract=new.id, gone=gone, new=come)
        await unit.contract_changes.add(again, None)


async def _plans_moved(
    unit: Unit, old: Contract, new: Contract, moved: Mapping[SubscriptionId, SubscriptionId]
) -> None:
    """Put the new contract and its lines on the plans that the old ones are on."""
    for one in (await unit.plans.of_contracts([old.id])).get(old.id, ()):
        line = None if one.subscription is None else moved.get(one.subscription)
        if (one.valid_to is not None and one.valid_to <= new.start) or (one.subscription is not None and line is None):
            continue
        await unit.plans.end(one, new.start if one.valid_from < new.start else None)
        await unit.plans.add(
            replace(
                one,
                id=PlanAssignmentId(0),
                customer=new.customer,
                contract=new.id,
                subscription=line,
                valid_from=max(one.valid_from, new.start),
            )
        )


def _split(one: Subscription, at: datetime) -> tuple[tuple[NumberAssignment, ...], tuple[NumberAssignment, ...]]:
    stays = tuple(
        replace(each, valid_to=at if each.valid_to is None else min(each.valid_to, at))
        for each in one.numbers
        if each.valid_from < at
    )
    goes = tuple(
        replace(each, valid_from=max(each.valid_from, at))
        for each in one.numbers
        if each.valid_to is None or each.valid_to > at
    )
    return stays, goes

"""Change a contract from a day on: its state, its services, where it is delivered, who has it.

What is of today or earlier is done at once, and bills are corrected by the next run; what is of a day to come is
planned, and carried out when that day has come.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, Protocol

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import answered, check_texts, remember
from domain.contracts.changes import (
    STEPS,
    ChangeKind,
    ChangeState,
    ContractChange,
    HeldLine,
    applied,
    held,
    kind_of,
    projected,
)
from domain.contracts.contract import Contract, ContractService, ContractState
from domain.contracts.ending import ended
from domain.ids import ContractChangeId, ContractId, CustomerId
from domain.operators import Address
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotFound, Stale, WrongState
from domain.usecases.fit_contract import day_in, fitted, services_of
from domain.usecases.four_eyes import given_away
from domain.usecases.take_over import handed_over


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContract:
    """Activate, suspend or resume a contract from a day on; None: today."""

    contract: ContractId
    version: int
    state: ContractState
    on: date | None = None
    reason: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeService:
    """From a day on: ``gone`` goes and ``new`` comes; one alone ends or adds a service.

    The start of ``new`` is the day, whatever it says.
    """

    contract: ContractId
    version: int
    on: date | None = None
    gone: HeldLine | None = None
    new: ContractService | None = None
    reason: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveContract:
    """Deliver a contract at another address from a day on, or put it under another customer of the tree."""

    contract: ContractId
    version: int
    on: date | None = None
    site: Address | None = None
    customer: CustomerId | None = None
    reason: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOverContract:
    """Let another customer have a contract from a day on, under ``number`` (None: one that is drawn)."""

    contract: ContractId
    version: int
    customer: CustomerId
    on: date | None = None
    number: str | None = None
    reason: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndContract:
    """Give notice (today, where no day is given) and end on ``end``, or (None) as soon as that costs nothing.

    ``free`` waives what is left of the binding; only the operator himself does that.
    """

    contract: ContractId
    version: int
    noticed_on: date | None = None
    end: date | None = None
    free: bool = False
    reason: str | None = None
    idempotency_key: str | None = None


# How the audit trail names what was done, whose words become the kinds of events.
_ACTIONS: Final = {
    ChangeKind.ADD_SERVICE: "change_contract",
    ChangeKind.END_SERVICE: "change_contract",
    ChangeKind.TAKEOVER: "hand_over_contract",
} | {
    kind: f"{kind.value}_contract"
    for kind in (
        ChangeKind.ACTIVATE,
        ChangeKind.SUSPEND,
        ChangeKind.RESUME,
        ChangeKind.END,
        ChangeKind.UPGRADE,
        ChangeKind.DOWNGRADE,
        ChangeKind.MOVE,
    )
}


class _Command(Protocol):
    """What the commands have in common; they are dataclasses."""

    @property
    def contract(self) -> ContractId: ...
    @property
    def version(self) -> int: ...
    @property
    def on(self) -> date | None: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def idempotency_key(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class _Who:
    """Who orders, and with what."""

    actor: Actor
    begin: Begin
    clock: Clock


@operation(Action.WRITE_CONTRACTS)
async def step_contract(cmd: StepContract, *, actor: Actor, begin: Begin, clock: Clock) -> ContractChange:
    """Activate, suspend or resume a contract.

    Refuses with: NotAllowed, NotFound, Stale, WrongState, BadValue, Conflict (idempotency key).
    """
    if cmd.state not in STEPS.values():
        raise BadValue("a contract is stepped to active or suspended; end it by its own command", field="state")
    kind = ChangeKind.ACTIVATE if cmd.state is ContractState.ACTIVE else ChangeKind.SUSPEND
    return await _ordered(cmd, _Who(actor, begin, clock), lambda one: replace(one, kind=kind))


@operation(Action.WRITE_CONTRACTS)
async def exchange_service(cmd: ExchangeService, *, actor: Actor, begin: Begin, clock: Clock) -> ContractChange:
    """Add, end, upgrade or downgrade a service.

    Refuses with: NotAllowed, NotFound (contract, service), Stale, WrongState, BadValue (also services that cannot stand
    together), Conflict (idempotency key).
    """
    if cmd.gone is None and cmd.new is None:
        raise BadValue("say which service goes, which comes, or both", field="new")
    return await _ordered(
        cmd,
        _Who(actor, begin, clock),
        lambda one: replace(one, kind=ChangeKind.ADD_SERVICE, gone=cmd.gone, new=cmd.new),
    )


@operation(Action.WRITE_CONTRACTS)
async def move_contract(cmd: MoveContract, *, actor: Actor, begin: Begin, clock: Clock) -> ContractChange:
    """Move a contract to another address, or to another customer of the tree, who takes it over.

    Refuses with: NotAllowed, NotFound (contract, customer), Stale, WrongState, BadValue, Conflict (idempotency key).
    """
    if (cmd.site is None) == (cmd.customer is None):
        raise BadValue("say where it is delivered, or which customer it belongs to", field="site")
    kind = ChangeKind.MOVE if cmd.customer is None else ChangeKind.TAKEOVER
    return await _ordered(
        cmd, _Who(actor, begin, clock), lambda one: replace(one, kind=kind, site=cmd.site, customer=cmd.customer)
    )


@operation(Action.WRITE_CONTRACTS)
async def take_over_contract(cmd: TakeOverContract, *, actor: Actor, begin: Begin, clock: Clock) -> ContractChange:
    """Let another customer take a contract over: the old one ends, the customer gets one that goes on as it was.

    Refuses with: NotAllowed, NotFound (contract, customer), Stale, WrongState, BadValue, Conflict (number, key).
    """
    return await _ordered(
        cmd,
        _Who(actor, begin, clock),
        lambda one: replace(one, kind=ChangeKind.TAKEOVER, customer=cmd.customer, number=cmd.number),
    )


@operation(Action.WRITE_CONTRACTS)
async def end_contract(cmd: EndContract, *, actor: Actor, begin: Begin, clock: Clock) -> ContractChange:
    """End a contract with notice; what is left of its binding is billed as a one-time fee.

    Refuses with: NotAllowed (free, by a reseller), NotFound, Stale, WrongState, BadValue (before the notice is over),
    Conflict (idempotency key).
    """
    check_texts(cmd)
    if cmd.free and actor.reseller is not None:
        raise BadValue("only the operator himself waives what is left of a binding", field="free")
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await unit.contract_changes.claim(ContractChangeId(known))
        contract = await _claimed(unit, cmd.contract, cmd.version)
        if contract.state is ContractState.ENDED:
            raise WrongState("the contract has ended", field="contract")
        now = clock.now()
        today = day_in(await unit.operators.own(), now)
        if cmd.free:
            await given_away(unit, actor, None, "", now=now)
        closing = ended(contract, cmd.noticed_on or today, cmd.end, free=cmd.free)
        day = closing.end
        assert day is not None
        for other in await unit.contract_changes.planned_of(contract.id):
            if other.effective >= day or other.kind is ChangeKind.END:
                raise WrongState(
                    "{kind} is planned for {day}; cancel that first", kind=other.kind, day=other.effective, field="end"
                )
        order = _order(contract, actor, now, day, cmd.reason)
        order = replace(order, kind=ChangeKind.END, ending=closing.ending, end_before=contract.end)
        order = replace(order, changed=("end", "state"))
        if day <= today:
            closing = applied(contract, order, {})
        kept = await unit.contracts.keep(closing)
        planned = day > today
        order = replace(
            order,
            version=kept.version,
            state=ChangeState.PLANNED if planned else ChangeState.DONE,
            done_at=None if planned else now,
        )
        made = await unit.contract_changes.add(order, kept)
        await remember(unit.answers, cmd, made.id)
        await _told(unit, made, action="plan_contract" if planned else None)
    return made


@operation(Action.WRITE_CONTRACTS)
async def cancel_change(key: ContractChangeId, *, actor: Actor, begin: Begin, clock: Clock) -> ContractChange:
    """Cancel what is planned. Refuses with: NotAllowed, NotFound, WrongState (it is done, or cancelled)."""
    async with begin(actor) as unit:
        change = await unit.contract_changes.claim(key)
        contract = await unit.contracts.claim(change.contract)
        if change.state is not ChangeState.PLANNED:
            raise WrongState("the change is {state}", state=change.state, field="change")
        if change.kind is ChangeKind.END:
            contract = replace(contract, end=change.end_before, ending=None)
        kept = await unit.contracts.keep(contract)
        cancelled = replace(change, state=ChangeState.CANCELLED, done_at=clock.now(), version=kept.version)
        await unit.contract_changes.keep(cancelled, kept)
        await _told(unit, cancelled, action="unplan_contract")
    return cancelled


async def carry_out(unit: Unit, change: ContractChange, contract: Contract, now: datetime) -> ContractChange:
    """Do a change that is due. Refuses with: what the contract or the world refuses by now."""
    services = await services_of(unit, contract.services, *([change.new.service] if change.new else []))
    after = applied(contract, change, services)
    if change.kind is ChangeKind.TAKEOVER:
        successor = await handed_over(unit, contract, change, now)
        after = replace(after, successor=successor.id)
        change = replace(change, successor=successor.id)
    elif after.services != contract.services:
        after = await fitted(unit, after, contract)
    kept = await unit.contracts.keep(after)
    finished = replace(change, state=ChangeState.DONE, done_at=now, version=kept.version)
    if finished.id:
        await unit.contract_changes.keep(finished, kept)
    else:
        finished = await unit.contract_changes.add(finished, kept)
    await _told(unit, finished)
    return finished


async def _ordered(cmd: _Command, who: _Who, of: Callable[[ContractChange], ContractChange]) -> ContractChange:
    """Do an order at once, or plan it. ``of`` says what it is."""
    check_texts(cmd)
    async with who.begin(who.actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await unit.contract_changes.claim(ContractChangeId(known))
        contract = await _claimed(unit, cmd.contract, cmd.version)
        now = who.clock.now()
        today = day_in(await unit.operators.own(), now)
        order = _order(contract, who.actor, now, cmd.on or today, cmd.reason)
        order = await _settled(unit, of(order), contract)
        if order.effective <= today:
            made = await carry_out(unit, order, contract, now)
        else:
            made = await _planned(unit, order, contract)
        await remember(unit.answers, cmd, made.id)
    return made


async def _settled(unit: Unit, order: ContractChange, contract: Contract) -> ContractChange:
    """Return the order with its kind and fields, after a look at whether it can be done on its day."""
    new = [order.new] if order.new is not None else []
    planned = await unit.contract_changes.planned_of(contract.id)
    coming = [one.new.service for one in planned if one.new is not None]
    services = await services_of(unit, [*contract.services, *new], *coming)
    then = projected(contract, planned, services, order.effective)
    match order.kind:
        case ChangeKind.ADD_SERVICE:
            gone = held(then, order.gone, order.effective) if order.gone is not None else None
            line = replace(order.new, start=order.effective) if order.new is not None else None
            order = replace(order, kind=kind_of(gone, line, services), changed=("services",))
        case ChangeKind.TAKEOVER:
            if order.customer == contract.customer:
                raise BadValue("it is this customer's already", field="customer")
            if order.customer not in await unit.customers.many([order.customer or CustomerId(0)]):
                raise NotFound("no customer {key}", key=order.customer, field="customer")
            order = replace(order, changed=("customer", "end", "state"))
        case ChangeKind.MOVE:
            order = replace(order, changed=("terms.site",))
        case _:
            if then.state_on(order.effective) is STEPS[order.kind] and contract.state is not ContractState.DRAFT:
                raise WrongState("the contract is {state} then", state=STEPS[order.kind], field="state")
            resumed = order.kind is ChangeKind.ACTIVATE and then.state is ContractState.SUSPENDED
            order = replace(order, kind=ChangeKind.RESUME if resumed else order.kind, changed=("state",))
    after = applied(then, order, services)
    if after.services != then.services:
        await fitted(unit, after, then)
    return order


async def _planned(unit: Unit, order: ContractChange, contract: Contract) -> ContractChange:
    kept = await unit.contracts.keep(contract)
    made = await unit.contract_changes.add(replace(order, version=kept.version), None)
    await _told(unit, made, action="plan_contract")
    return made


async def _claimed(unit: Unit, key: ContractId, version: int) -> Contract:
    contract = await unit.contracts.claim(key)
    if contract.version != version:
        raise Stale("the contract is at version {version}; read it again", version=contract.version, field="version")
    return contract


def _order(contract: Contract, actor: Actor, now: datetime, on: date, reason: str | None) -> ContractChange:
    return ContractChange(
        id=ContractChangeId(0),
        operator=contract.operator,
        owner=contract.customer,
        contract=contract.id,
        kind=ChangeKind.CHANGE,
        effective=on,
        state=ChangeState.PLANNED,
        recorded_at=now,
        client=actor.client,
        reason=reason,
    )


async def _told(unit: Unit, change: ContractChange, *, action: str | None = None) -> None:
    detail = {
        "change": change.id,
        "kind": change.kind.value,
        "on": change.effective.isoformat(),
        "state": change.state.value,
        "version": change.version,
        "changed": list(change.changed),
        "customer": change.owner,
    }
    if change.successor is not None:
        detail["successor"] = change.successor
    await unit.audit.write(action or _ACTIONS[change.kind], f"contract:{change.contract}", detail)

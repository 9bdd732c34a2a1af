"""Add a subscription to a contract."""

from __future__ import annotations

from dataclasses import dataclass, replace

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import answered, check_texts, remember
from domain.contracts.assigning import assigned
from domain.contracts.contract import ContractState
from domain.contracts.dialled import dialling
from domain.contracts.subscription import (
    NumberAssignment,
    Subscription,
    SubscriptionKind,
    SubscriptionState,
    check,
)
from domain.fields.definition import Aggregate, FieldChanges
from domain.ids import ContractId, SubscriptionId
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.refusal import NotFound, WrongState
from domain.usecases.assign_numbers import claim_numbers
from domain.usecases.define_fields import checked_fields


@dataclass(frozen=True, slots=True, kw_only=True)
class AddSubscription:
    """A new line under a contract, with its numbers as people of the operator's country write them.

    It is active at once, since the first of its numbers or else now; where it is ``pending``, an activation makes it
    so, and nothing of it is billed before.
    """

    contract: ContractId
    kind: SubscriptionKind
    label: str = ""
    numbers: tuple[NumberAssignment, ...] = ()
    pending: bool = False
    fields: FieldChanges = ()
    idempotency_key: str | None = None


@operation(Action.WRITE_CONTRACTS)
async def add_subscription(cmd: AddSubscription, *, actor: Actor, begin: Begin, clock: Clock) -> Subscription:
    """Add a line in the network.

    Refuses with: NotAllowed, BadValue, NotFound (contract, or a number that is not the caller's to give), WrongState
    (the contract has ended), Overlap (a number is another's then), Conflict (idempotency key, a number that is kept for
    another, rests, is blocked or gone).
    """
    check_texts(cmd)
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await unit.subscriptions.claim(SubscriptionId(known))
        contract = (await unit.contracts.many([cmd.contract])).get(cmd.contract)
        if contract is None:
            raise NotFound("no contract {contract}", contract=cmd.contract, field="contract")
        if contract.state is ContractState.ENDED:
            raise WrongState("the contract has ended", field="contract")
        plan = dialling(await unit.operators.own())
        numbers, now = assigned(cmd.numbers, plan), clock.now()
        bare = Subscription(
            id=SubscriptionId(0),
            operator=actor.operator,
            customer=contract.customer,
            contract=contract.id,
            kind=cmd.kind,
            label=cmd.label,
            reseller=contract.reseller,
            numbers=numbers,
            fields=await checked_fields(unit, Aggregate.SUBSCRIPTION, cmd.fields),
        )
        begins = min((one.valid_from for one in check(bare).numbers), default=now)
        if cmd.pending:
            subscription = replace(bare, state=SubscriptionState.PENDING, state_since=now)
        else:
            subscription = replace(bare, state_since=begins, activated_at=begins)
        await claim_numbers(unit, subscription, numbers, actor=actor, now=now)
        kept = await unit.subscriptions.add(subscription)
        await remember(unit.answers, cmd, kept.id)
        detail = {
            "contract": contract.id,
            "customer": contract.customer,
            "numbers": [one.number for one in kept.numbers],
            "state": kept.state.value,
            "version": kept.version,
        }
        await unit.audit.write("add_subscription", f"subscription:{kept.id}", detail)
    return kept

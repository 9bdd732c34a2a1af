"""Add a subscription to a contract."""

from __future__ import annotations

from dataclasses import dataclass

from domain.access.actor import Action, Actor, allow
from domain.commands import answered, check_texts, remember
from domain.contracts.contract import ContractState
from domain.contracts.dialled import assigned
from domain.contracts.subscription import NumberAssignment, Subscription, SubscriptionKind, check
from domain.ids import ContractId, SubscriptionId
from domain.ports.unit import Begin
from domain.refusal import NotFound, WrongState


@dataclass(frozen=True, slots=True, kw_only=True)
class AddSubscription:
    """A new line under a contract, with its numbers as people of the operator's country write them."""

    contract: ContractId
    kind: SubscriptionKind
    label: str = ""
    numbers: tuple[NumberAssignment, ...] = ()
    idempotency_key: str | None = None


async def add_subscription(cmd: AddSubscription, *, actor: Actor, begin: Begin) -> Subscription:
    """Add a line in the network.

    Refuses with: NotAllowed, BadValue, NotFound (contract), WrongState (the contract has ended), Overlap (a number is
    another's then), Conflict (idempotency key).
    """
    allow(actor, Action.WRITE_CONTRACTS)
    check_texts(cmd)
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await unit.subscriptions.claim(SubscriptionId(known))
        contract = (await unit.contracts.many([cmd.contract])).get(cmd.contract)
        if contract is None:
            raise NotFound(f"no contract {cmd.contract}", field="contract")
        if contract.state is ContractState.ENDED:
            raise WrongState("the contract has ended", field="contract")
        country = (await unit.operators.own()).country
        subscription = Subscription(
            id=SubscriptionId(0),
            operator=actor.operator,
            customer=contract.customer,
            contract=contract.id,
            kind=cmd.kind,
            label=cmd.label,
            reseller=contract.reseller,
            numbers=assigned(cmd.numbers, country),
        )
        kept = await unit.subscriptions.add(check(subscription))
        await remember(unit.answers, cmd, kept.id)
        detail = {"contract": contract.id, "numbers": [one.number for one in kept.numbers]}
        await unit.audit.write("add_subscription", f"subscription:{kept.id}", detail)
    return kept

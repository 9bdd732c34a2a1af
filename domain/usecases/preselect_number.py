"""Carrier preselection of fixed numbers: order, follow, end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.access.actor import Action, Actor, within
from domain.access.editions import Part
from domain.access.operations import operation
from domain.commands import answered, check_texts, remember
from domain.contracts.dialled import dialling
from domain.contracts.identifiers import IdentifierKind, written
from domain.contracts.subscription import SubscriptionKind, SubscriptionState
from domain.ids import NumberOrderId, OperatorId, SubscriptionId
from domain.numbers.ordering import (
    NumberOrder,
    OrderKind,
    OrderState,
    OrderStep,
    PreselectionScope,
    check,
    check_preselection,
)
from domain.period import utc
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.refusal import NotFound, WrongState
from domain.usecases.port_number import StepPort, advanced, claim_order, tell


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPreselection:
    """Calls of a fixed number go by the operator of ``prefix`` (in Sweden 95xx), by an order to the access operator."""

    subscription: SubscriptionId
    number: str
    prefix: str
    wanted_at: datetime
    scope: PreselectionScope = PreselectionScope.ALL
    access_operator: str | None = None
    reference: str | None = None
    note: str | None = None
    idempotency_key: str | None = None


@operation(Action.WRITE_CONTRACTS)
async def order_preselection(cmd: OrderPreselection, *, actor: Actor, begin: Begin, clock: Clock) -> NumberOrder:
    """Order a preselection.

    Refuses with: NotAllowed, BadValue, NotFound (subscription, or it does not have the number then), WrongState (the
    subscription has ended, or is no fixed line), Conflict (an order is open or active for the number, key).
    """
    within(actor, Part.PRESELECTION)
    check_texts(cmd)
    wanted_at = utc(cmd.wanted_at, field="wantedAt")
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await unit.number_orders.claim(NumberOrderId(known))
        subscription = await unit.subscriptions.claim(cmd.subscription)
        now = clock.now()
        if subscription.state_at(now) is SubscriptionState.ENDED:
            raise WrongState("the subscription has ended", field="subscription")
        if subscription.kind is not SubscriptionKind.FIXED:
            raise WrongState("only a fixed line is preselected", field="subscription")
        plan = dialling(await unit.operators.own())
        check_preselection(cmd.prefix, plan.country or "")
        number = written(IdentifierKind.FIXED, cmd.number, plan, field="number")
        if not subscription.holds(number, wanted_at):
            raise NotFound("the subscription does not have {number} then", number=number, field="number")
        order = NumberOrder(
            id=NumberOrderId(0),
            operator=OperatorId(actor.operator),
            customer=subscription.customer,
            subscription=subscription.id,
            reseller=subscription.reseller,
            kind=OrderKind.PRESELECTION,
            number=number,
            other=cmd.prefix,
            holder=cmd.access_operator,
            scope=cmd.scope,
            wanted_at=wanted_at,
            state=OrderState.ORDERED,
            reference=cmd.reference,
            note=cmd.note,
        )
        kept = await unit.number_orders.add(check(order), OrderStep(state=order.state, at=now))
        await remember(unit.answers, cmd, kept.id)
        await tell(unit, "order_preselection", kept, ["state"])
    return kept


@operation(Action.WRITE_CONTRACTS)
async def step_preselection(cmd: StepPort, *, actor: Actor, begin: Begin, clock: Clock) -> NumberOrder:
    """Take a preselection to its next state.

    Refuses with: NotAllowed, BadValue, NotFound, Stale, WrongState (the step is not possible), Conflict (key).
    """
    within(actor, Part.PRESELECTION)
    check_texts(cmd)
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await unit.number_orders.claim(NumberOrderId(known))
        order = await claim_order(unit, cmd.order, cmd.version, kinds=(OrderKind.PRESELECTION,))
        now = clock.now()
        changed = check(advanced(order, cmd, now))
        at = utc(cmd.moment, field="moment") if cmd.moment is not None else now
        if changed.state is OrderState.ACTIVE and changed.moment is not None:
            at = changed.moment
        step = OrderStep(state=changed.state, at=at, reason=cmd.reason.value if cmd.reason else None)
        kept = await unit.number_orders.keep(changed, step)
        await remember(unit.answers, cmd, kept.id)
        await tell(unit, f"{kept.state.value}_preselection", kept, ["state", "moment"])
    return kept

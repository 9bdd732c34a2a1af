"""Port numbers in and out: ask, confirm with a moment, complete, reject, cancel.

From its confirmation on an order is in the assignments: at the moment the number changes hands, whoever records that it
is done and when, so that every event finds its owner at its own time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import answered, check_texts, remember
from domain.contracts.assigning import ended
from domain.contracts.dialled import dialling
from domain.contracts.identifiers import IdentifierKind, written
from domain.contracts.stepping import Step
from domain.contracts.subscription import NumberAssignment, Subscription, SubscriptionKind, SubscriptionState
from domain.contracts.subscription import check as check_subscription
from domain.ids import NumberOrderId, OperatorId, SubscriptionId
from domain.numbers.ordering import (
    PORTS,
    NumberOrder,
    OrderKind,
    OrderState,
    OrderStep,
    RejectReason,
    check,
    check_step,
)
from domain.numbers.series import NumberKind
from domain.numbers.stock import NumberStatus, StockNumber
from domain.period import utc
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, Conflict, NotFound, Stale, WrongState
from domain.usecases.assign_numbers import check_life
from domain.usecases.step_subscription import take_step


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPort:
    """A number that comes to a subscription from ``other``, or goes from it to ``other``, wanted at an instant.

    ``holder``: whose block it is, where it is not the donor's. ``ends_subscription``: a port out takes the line along.
    """

    kind: OrderKind
    subscription: SubscriptionId
    number: str
    other: str
    wanted_at: datetime
    holder: str | None = None
    reference: str | None = None
    note: str | None = None
    ends_subscription: bool = False
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPort:
    """The next state of an order, at a ``moment`` where it is confirmed or done (None: the one known already)."""

    order: NumberOrderId
    state: OrderState
    moment: datetime | None = None
    reason: RejectReason | None = None
    note: str | None = None
    reference: str | None = None
    version: int | None = None
    idempotency_key: str | None = None


@operation(Action.WRITE_CONTRACTS)
async def request_port(cmd: RequestPort, *, actor: Actor, begin: Begin, clock: Clock) -> NumberOrder:
    """Order that a number is ported.

    Refuses with: NotAllowed, BadValue, NotFound (subscription, or it does not have the number then), WrongState (the
    subscription has ended), Conflict (an order is open for the number, it is ours and not ported out, key).
    """
    check_texts(cmd)
    wanted_at = utc(cmd.wanted_at, field="wantedAt")
    if cmd.kind not in PORTS:
        raise BadValue("a number is ported in or out", field="kind")
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await unit.number_orders.claim(NumberOrderId(known))
        subscription = await unit.subscriptions.claim(cmd.subscription)
        now = clock.now()
        if subscription.state_at(now) is SubscriptionState.ENDED:
            raise WrongState("the subscription has ended", field="subscription")
        plan = dialling(await unit.operators.own())
        number = written(_kind_of(subscription), cmd.number, plan, field="number")
        order = NumberOrder(
            id=NumberOrderId(0),
            operator=OperatorId(actor.operator),
            customer=subscription.customer,
            subscription=subscription.id,
            reseller=subscription.reseller,
            kind=cmd.kind,
            number=number,
            other=cmd.other,
            holder=cmd.holder,
            wanted_at=wanted_at,
            state=OrderState.REQUESTED,
            reference=cmd.reference,
            note=cmd.note,
            ends_subscription=cmd.ends_subscription and cmd.kind is OrderKind.PORT_OUT,
        )
        await _check_possible(unit, check(order), subscription, now)
        kept = await unit.number_orders.add(order, OrderStep(state=order.state, at=now))
        await remember(unit.answers, cmd, kept.id)
        await tell(unit, f"request_{kept.kind.value}", kept, ["state"])
    return kept


@operation(Action.WRITE_CONTRACTS)
async def step_port(cmd: StepPort, *, actor: Actor, begin: Begin, clock: Clock) -> NumberOrder:
    """Take an order to port to its next state.

    Refuses with: NotAllowed, BadValue, NotFound, Stale, WrongState (the step is not possible), Overlap (the number is
    another's at the moment), Conflict (idempotency key).
    """
    check_texts(cmd)
    async with begin(actor) as unit:
        if (known := await answered(unit.answers, cmd)) is not None:
            return await unit.number_orders.claim(NumberOrderId(known))
        order = await claim_order(unit, cmd.order, cmd.version, kinds=PORTS)
        now = clock.now()
        changed = check(advanced(order, cmd, now))
        subscription = await unit.subscriptions.claim(order.subscription)
        if changed.state in {OrderState.CONFIRMED, OrderState.DONE}:
            changed = await _move(unit, order, changed, subscription, now)
        elif order.state is OrderState.CONFIRMED:
            await _undo(unit, order, subscription, now)
        at = changed.moment if changed.state is OrderState.DONE and changed.moment is not None else now
        step = OrderStep(state=changed.state, at=at, reason=cmd.reason.value if cmd.reason else None)
        kept = await unit.number_orders.keep(changed, step)
        await remember(unit.answers, cmd, kept.id)
        await tell(unit, f"{kept.state.value}_{kept.kind.value}", kept, ["state", "moment"])
    return kept


def advanced(order: NumberOrder, cmd: StepPort, now: datetime) -> NumberOrder:
    """Return an order in its next state, with what the step brings. Refuses with: WrongState, BadValue."""
    check_step(order, cmd.state)
    if (cmd.state is OrderState.REJECTED) != (cmd.reason is not None):
        raise BadValue("a rejection has a reason, and nothing else has", field="reason")
    placed = {OrderState.CONFIRMED, OrderState.DONE, OrderState.ACTIVE, OrderState.LOST, OrderState.CEASED}
    if cmd.moment is not None and cmd.state not in placed:
        raise BadValue("there is no moment for this state", field="moment")
    moment = order.moment
    if cmd.state in {OrderState.CONFIRMED, OrderState.DONE, OrderState.ACTIVE}:
        moment = utc(cmd.moment, field="moment") if cmd.moment is not None else order.moment or order.wanted_at
        if cmd.state is not OrderState.CONFIRMED and moment > now:
            raise BadValue("the moment {moment} has not come yet", moment=moment.isoformat(), field="moment")
    return replace(
        order,
        state=cmd.state,
        moment=moment,
        reason=cmd.reason,
        note=cmd.note if cmd.note is not None else order.note,
        reference=cmd.reference if cmd.reference is not None else order.reference,
    )


async def claim_order(
    unit: Unit, key: NumberOrderId, version: int | None, *, kinds: tuple[OrderKind, ...]
) -> NumberOrder:
    """Return an order of these kinds, locked. Refuses with: NotFound, Stale."""
    order = await unit.number_orders.claim(key)
    if order.kind not in kinds:
        raise NotFound("no order {key}", key=key, field="order")
    if version is not None and version != order.version:
        raise Stale("the order is at version {version}; read it again", version=order.version, field="version")
    return order


async def tell(unit: Unit, action: str, order: NumberOrder, changed: list[str]) -> None:
    """Leave the line of audit of a step."""
    detail = {
        "number": order.number,
        "subscription": order.subscription,
        "customer": order.customer,
        "other": order.other,
        "state": order.state.value,
        "moment": order.moment.isoformat() if order.moment else None,
        "version": order.version,
        "changed": changed,
    }
    await unit.audit.write(action, f"number_order:{order.id}", detail)


async def _check_possible(unit: Unit, order: NumberOrder, subscription: Subscription, now: datetime) -> None:
    number, wanted_at = order.number, order.wanted_at
    if order.kind is OrderKind.PORT_OUT:
        if not subscription.holds(number, wanted_at):
            raise NotFound("the subscription does not have {number} then", number=number, field="number")
        return
    one = (await unit.numbers.standing([number])).get(number)
    gone = {NumberStatus.PORTED_OUT, NumberStatus.RETURNED}
    if one is not None and one.status_at(max(now, wanted_at)) not in gone:
        raise Conflict("the number {number} is ours already", number=number, field="number")


async def _move(
    unit: Unit, order: NumberOrder, changed: NumberOrder, subscription: Subscription, now: datetime
) -> NumberOrder:
    """Put the moment into the assignments, and the number's standing into the stock."""
    assert changed.moment is not None
    placed = order.state is OrderState.CONFIRMED  # by the confirmation, perhaps at another moment
    if order.kind is OrderKind.PORT_IN:
        if not placed or changed.moment != order.moment:
            await _come(unit, order, changed.moment, subscription, now)
        return changed
    if not placed or changed.moment != order.moment:
        changed = await _go(unit, order, changed, subscription)
        subscription = await unit.subscriptions.claim(subscription.id)
    if changed.state is OrderState.DONE and order.ends_subscription and changed.moment is not None:
        await take_step(unit, subscription, Step.END, at=changed.moment, now=now, reason="ported out")
    return changed


async def _come(unit: Unit, order: NumberOrder, moment: datetime, subscription: Subscription, now: datetime) -> None:
    kind = _kind_of(subscription)
    rest = tuple(one for one in subscription.numbers if not _placed(order, one))
    new = NumberAssignment(number=order.number, valid_from=moment, valid_to=subscription.ended_at, kind=kind)
    check_life(subscription, [new])
    found = (await unit.numbers.claim([order.number])).get(order.number)
    if found is None:
        found = StockNumber(
            operator=order.operator,
            number=order.number,
            kind=NumberKind.MSISDN if kind is IdentifierKind.MSISDN else NumberKind.FIXED,
            reseller=order.reseller,
            holder=order.holder or order.other,
            version=0,
        )
    if found.status_at(now) is not NumberStatus.ASSIGNED:
        # What follows from the assignment is written with it.
        await unit.numbers.keep([replace(found, status=NumberStatus.FREE, free_from=None, other=order.other)])
    await unit.subscriptions.keep(check_subscription(replace(subscription, numbers=(*rest, new))))


async def _go(unit: Unit, order: NumberOrder, changed: NumberOrder, subscription: Subscription) -> NumberOrder:
    moment = changed.moment
    assert moment is not None
    numbers = _restored(order, subscription) if order.moment is not None else subscription.numbers
    going = [
        one
        for one in numbers
        if one.number == order.number and one.valid_from < moment and (one.valid_to is None or one.valid_to >= moment)
    ]
    if not going:
        raise NotFound("the subscription does not have {number} then", number=order.number, field="moment")
    rest = tuple(one for one in numbers if one not in going)
    await unit.subscriptions.keep(replace(subscription, numbers=(*rest, *ended(going, moment))))
    found = (await unit.numbers.claim([order.number])).get(order.number)
    if found is not None and found.holder is None:
        left = replace(
            found, status=NumberStatus.PORTED_OUT, since=moment, until=None, free_from=None, other=order.other
        )
        await unit.numbers.keep([left])
    return replace(changed, restores_to=going[0].valid_to)


async def _undo(unit: Unit, order: NumberOrder, subscription: Subscription, now: datetime) -> None:
    """Take a confirmed order out of the assignments again."""
    found = (await unit.numbers.claim([order.number])).get(order.number)
    if order.kind is OrderKind.PORT_OUT:
        if found is not None and found.status is NumberStatus.PORTED_OUT:
            await unit.numbers.keep([replace(found, status=NumberStatus.FREE, other=None)])
        await unit.subscriptions.keep(replace(subscription, numbers=_restored(order, subscription)))
        return
    rest = tuple(one for one in subscription.numbers if not _placed(order, one))
    await unit.subscriptions.keep(replace(subscription, numbers=rest))
    found = (await unit.numbers.claim([order.number])).get(order.number)
    if found is not None and found.holder is None:
        # It is ours and stays out: only then was it to come in.
        out = replace(found, status=NumberStatus.PORTED_OUT, since=now, until=None, free_from=None)
        await unit.numbers.keep([out])


def _placed(order: NumberOrder, assignment: NumberAssignment) -> bool:
    return assignment.number == order.number and assignment.valid_from == order.moment


def _restored(order: NumberOrder, subscription: Subscription) -> tuple[NumberAssignment, ...]:
    return tuple(
        replace(one, valid_to=order.restores_to) if one.number == order.number and one.valid_to == order.moment else one
        for one in subscription.numbers
    )


def _kind_of(subscription: Subscription) -> IdentifierKind:
    mobile = subscription.kind in {SubscriptionKind.MOBILE, SubscriptionKind.DATA}
    return IdentifierKind.MSISDN if mobile else IdentifierKind.FIXED

"""What an order needs of its line before it begins, and what its line is when the network has confirmed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from domain.contracts.assigning import ended
from domain.contracts.stepping import Step
from domain.contracts.subscription import NumberAssignment, Subscription, SubscriptionState
from domain.provisioning.order import Bar, Barring, Order, OrderKind

_PENDING, _ACTIVE = SubscriptionState.PENDING, SubscriptionState.ACTIVE
_SUSPENDED, _ENDED = SubscriptionState.SUSPENDED, SubscriptionState.ENDED
# The states in which an order can be done.
NEEDS: Final[dict[OrderKind, frozenset[SubscriptionState]]] = {
    OrderKind.ACTIVATE: frozenset({_PENDING}),
    OrderKind.CHANGE: frozenset({_PENDING, _ACTIVE, _SUSPENDED}),
    OrderKind.SUSPEND: frozenset({_ACTIVE}),
    OrderKind.RESUME: frozenset({_SUSPENDED}),
    OrderKind.BAR: frozenset({_ACTIVE, _SUSPENDED}),
    OrderKind.UNBAR: frozenset({_ACTIVE, _SUSPENDED}),
    OrderKind.PORT_IN: frozenset({_PENDING, _ACTIVE, _SUSPENDED}),
    OrderKind.PORT_OUT: frozenset({_ACTIVE, _SUSPENDED}),
    OrderKind.END: frozenset({_PENDING, _ACTIVE, _SUSPENDED}),
}
STEPS: Final = {
    OrderKind.ACTIVATE: Step.ACTIVATE,
    OrderKind.SUSPEND: Step.SUSPEND,
    OrderKind.RESUME: Step.RESUME,
    OrderKind.END: Step.END,
}


@dataclass(frozen=True, slots=True)
class Effect:
    """What is to be written of a line: a step in its life, itself where its numbers change, bars set and lifted."""

    step: Step | None = None
    line: Subscription | None = None
    barrings: tuple[Barring, ...] = ()


def impossible(order: Order, line: Subscription, barred: Sequence[Barring], now: datetime) -> str | None:
    """Return why an order cannot be begun now, as a sentence; None where it can."""
    state = line.state_at(now)
    if state not in NEEDS[order.kind]:
        return f"the subscription is {state.value}"
    there = {one.bar for one in barred}
    if order.kind is OrderKind.BAR and there.issuperset(order.bars):
        return "the subscription is barred from that already"
    if order.kind is OrderKind.UNBAR and not there.intersection(order.bars or there):
        return "the subscription is not barred from that"
    if order.kind is OrderKind.PORT_OUT and not line.holds(order.parameters["number"], now):
        return "the subscription does not have this number"
    return None


def effect(order: Order, line: Subscription, barred: Sequence[Barring], now: datetime) -> Effect:
    """Return what a confirmed order makes of its line. What ends is barred from nothing any more."""
    if (step := STEPS.get(order.kind)) is not None:
        lifted = tuple(replace(one, until=now, lifted_by=order.id) for one in barred) if step is Step.END else ()
        return Effect(step=step, barrings=lifted)
    match order.kind:
        case OrderKind.BAR:
            return Effect(barrings=_set(order, line, {one.bar for one in barred}, now))
        case OrderKind.UNBAR:
            wanted = order.bars or tuple(one.bar for one in barred)
            lifted = tuple(replace(one, until=now, lifted_by=order.id) for one in barred if one.bar in wanted)
            return Effect(barrings=lifted)
        case OrderKind.PORT_IN:
            number = order.parameters["number"]
            if line.holds(number, now):
                return Effect()
            return Effect(line=replace(line, numbers=(*line.numbers, NumberAssignment(number=number, valid_from=now))))
        case OrderKind.PORT_OUT:
            number = order.parameters["number"]
            return Effect(line=replace(line, numbers=ended(line.numbers, now, lambda one: one.number == number)))
    return Effect()


def _set(order: Order, line: Subscription, there: set[Bar], now: datetime) -> tuple[Barring, ...]:
    return tuple(
        Barring(
            customer=line.customer,
            subscription=line.id,
            bar=bar,
            since=now,
            reason=order.reason,
            client=order.client,
            order=order.id,
        )
        for bar in order.bars
        if bar not in there
    )

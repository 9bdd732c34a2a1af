"""The steps of a subscription's life, and what its dated history says of a day.

Activation, suspension and resumption are steps of the present or the past; an end may be set ahead, and taken back
until it has come. What ends gives its identifiers back; what never was active never had them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.contracts.assigning import ended
from domain.contracts.subscription import NumberAssignment, StateChange, Subscription, SubscriptionState
from domain.period import utc
from domain.refusal import BadValue, WrongState

_PENDING, _ACTIVE = SubscriptionState.PENDING, SubscriptionState.ACTIVE
_SUSPENDED, _ENDED = SubscriptionState.SUSPENDED, SubscriptionState.ENDED


class Step(StrEnum):
    """What may happen to a subscription: fail ends one that was never active, keep takes back an end set ahead."""

    ACTIVATE = "activate"
    FAIL = "fail"
    SUSPEND = "suspend"
    RESUME = "resume"
    END = "end"
    KEEP = "keep"


STEPS: Final[dict[Step, tuple[frozenset[SubscriptionState], SubscriptionState | None]]] = {
    Step.ACTIVATE: (frozenset({_PENDING}), _ACTIVE),
    Step.FAIL: (frozenset({_PENDING}), _ENDED),
    Step.SUSPEND: (frozenset({_ACTIVE}), _SUSPENDED),
    Step.RESUME: (frozenset({_SUSPENDED}), _ACTIVE),
    Step.END: (frozenset({_PENDING, _ACTIVE, _SUSPENDED}), _ENDED),
    Step.KEEP: (frozenset({_ACTIVE, _SUSPENDED}), None),
}


def stepped(
    subscription: Subscription, step: Step, *, at: datetime, now: datetime, reason: str | None = None
) -> tuple[Subscription, StateChange]:
    """Return the subscription after a step that takes effect at ``at``, and the line of its history.

    Refuses with: WrongState (naming what is possible), BadValue (``at``).
    """
    at = utc(at, field="at")
    present = subscription.state_at(now)
    before, after = STEPS[step]
    if present not in before or (step is Step.KEEP and subscription.ended_at is None):
        possible = ", ".join(one.value for one in possible_steps(subscription, now)) or "nothing more"
        raise WrongState(
            "{step} is not possible for a subscription that is {state}; possible: {possible}",
            step=step.value,
            state=present.value,
            possible=possible,
            field="step",
        )
    if step is Step.KEEP:
        at = now
    _check_time(subscription, step, at, now)
    changed = _changed(subscription, step, after or present, at, now)
    return changed, StateChange(state=after or present, since=at, step=step.value, reason=reason)


def possible_steps(subscription: Subscription, now: datetime) -> tuple[Step, ...]:
    """Return the steps that are possible at present."""
    present = subscription.state_at(now)
    ahead = subscription.ended_at is not None
    return tuple(step for step, (before, _) in STEPS.items() if present in before and (step is not Step.KEEP or ahead))


def dated(changes: Sequence[StateChange]) -> tuple[StateChange, ...]:
    """Return what holds of a history in the order of recording: a later line overrules what began then or after it.

    An end stands until it is taken back or set anew, whatever happens before it.
    """
    held: list[StateChange] = []
    end: StateChange | None = None
    for change in changes:
        if change.step == Step.KEEP:
            end = None
        elif change.state is _ENDED:
            end = change
        else:
            held = [one for one in held if one.since < change.since]
            if not held or held[-1].state is not change.state:
                held.append(change)
    if end is None:
        return tuple(held)
    return (*(one for one in held if one.since < end.since), end)


def state_on(changes: Sequence[StateChange], at: datetime) -> SubscriptionState | None:
    """Return the state at an instant by a history in the order of recording; None before its beginning."""
    states = [one.state for one in dated(changes) if one.since <= at]
    return states[-1] if states else None


def _check_time(subscription: Subscription, step: Step, at: datetime, now: datetime) -> None:
    if at > now and step is not Step.END:
        raise BadValue("only an end is set ahead; {step} when it happens", step=step.value, field="at")
    first = subscription.state_since
    if first is not None and at < first and step is not Step.KEEP:
        raise BadValue(
            "the subscription came into its state at {since}; a step cannot lie before it",
            since=first.isoformat(),
            field="at",
        )


def _changed(
    subscription: Subscription, step: Step, after: SubscriptionState, at: datetime, now: datetime
) -> Subscription:
    if step is Step.KEEP:
        return replace(subscription, ended_at=None, numbers=_uncut(subscription))
    if after is not _ENDED:
        activated = at if step is Step.ACTIVATE else subscription.activated_at
        return replace(subscription, state=after, state_since=at, activated_at=activated)
    if subscription.state is _PENDING:
        return replace(subscription, state=_ENDED, state_since=at, ended_at=at, numbers=())
    numbers = ended(_uncut(subscription), at)
    if at > now:
        return replace(subscription, ended_at=at, numbers=numbers)
    return replace(subscription, state=_ENDED, state_since=at, ended_at=at, numbers=numbers)


def _uncut(subscription: Subscription) -> tuple[NumberAssignment, ...]:
    """Return the assignments without the end that was set ahead; one that ended then by itself goes on too."""
    if subscription.ended_at is None:
        return subscription.numbers
    return tuple(
        replace(one, valid_to=None) if one.valid_to == subscription.ended_at else one for one in subscription.numbers
    )

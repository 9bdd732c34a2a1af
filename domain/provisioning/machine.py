"""What becomes of an order next: a pure function of the order and the time, and how answers change it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.provisioning.order import Call, CallState, Order, OrderState, Step, Waiting

RETRY_SECONDS_MAX: Final = 3600
GRACE_SECONDS: Final = 5  # between the end of a request's time and its being taken for lost with its process
FAULT_MAX: Final = 500
REFERENCE_MAX: Final = 200
NO_ANSWER: Final = "no answer came in time"
NOT_UNDOABLE: Final = "this element undoes nothing"


class Said(StrEnum):
    """What an element says of a request: it is done, will be answered later, or could not be done."""

    DONE = "done"
    ACCEPTED = "accepted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An element's answer, or what is known where there was none. Its texts are made printable, and cut.

    ``reason`` is for whoever placed the order; ``detail``, such as an address, for the operator's log alone.
    ``lasting``: trying again does not help. ``uncertain``: nobody knows whether the request
    was done.
    """

    said: Said
    reason: str | None = None
    reference: str | None = None
    detail: str | None = None
    lasting: bool = False
    uncertain: bool = False

    def __post_init__(self) -> None:
        for name, most in (("reason", FAULT_MAX), ("detail", FAULT_MAX), ("reference", REFERENCE_MAX)):
            text: str | None = getattr(self, name)
            if text is not None:
                plain = "".join(one if one.isprintable() else " " for one in text[: 2 * most])
                object.__setattr__(self, name, " ".join(plain.split())[:most] or None)


class Heed(StrEnum):
    """What became of an answer."""

    TAKEN = "taken"
    AGAIN = "again"
    LATE = "late"
    CONTRADICTION = "contradiction"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Send:
    """Send the request of a step (counted from 0), or what undoes it."""

    step: int
    undo: bool = False


def advance(order: Order, now: datetime) -> tuple[Order, Send | None]:
    """Return the order as it is at this moment, and what is to be sent now, which it says already.

    Nothing to send: it has ended, is parked, or waits until ``wake_at`` (None: until something happens to it).
    """
    assert order.steps is not None
    if order.state is OrderState.COMPENSATING:
        return _compensate(order, now)
    for index, step in enumerate(order.steps):
        call, must_send = _move(step, step.deed, now, holding=order.cancelling)
        order = _with(order, index, replace(step, deed=call))
        if call.state is CallState.DONE:
            continue
        if call.state is CallState.FAILED:
            return _compensate(replace(order, state=OrderState.COMPENSATING, fault=call.fault), now)
        if order.cancelling and call.state is not CallState.SENT:
            return _compensate(replace(order, state=OrderState.COMPENSATING), now)
        return _waiting(order, call), Send(index) if must_send else None
    if order.cancelling:
        return _compensate(replace(order, state=OrderState.COMPENSATING), now)
    return replace(order, state=OrderState.CONFIRMED, waiting_for=None, wake_at=None, fault=None, finished_at=now), None


def _compensate(order: Order, now: datetime) -> tuple[Order, Send | None]:
    """Undo what was done or may have been, the last first."""
    undone = False
    for index in reversed(range(len(order.steps or ()))):
        step = (order.steps or ())[index]
        if step.deed.state is not CallState.DONE and not step.deed.uncertain and step.undo is None:
            continue
        undone = True
        undo = step.undo or Call()
        if not step.undoable:
            undo = replace(undo, state=CallState.FAILED, fault=NOT_UNDOABLE)
        call, must_send = _move(step, undo, now, holding=False)
        order = _with(order, index, replace(step, undo=call))
        if call.state is CallState.DONE:
            continue
        if call.state is CallState.FAILED:
            fault = f"{order.fault or 'it was cancelled'}; and it could not be undone: {call.fault}"[:FAULT_MAX]
            return replace(order, state=OrderState.PARKED, waiting_for=Waiting.PERSON, wake_at=None, fault=fault), None
        waited = _waiting(order, call)
        return replace(waited, state=OrderState.COMPENSATING), Send(index, undo=True) if must_send else None
    end = OrderState.COMPENSATED if undone else OrderState.CANCELLED if order.cancelling else OrderState.FAILED
    return replace(order, state=end, waiting_for=None, wake_at=None, finished_at=now), None


def _move(step: Step, call: Call, now: datetime, *, holding: bool) -> tuple[Call, bool]:
    """Return a call as it is now, and whether it is to be sent. ``holding``: nothing new is to be sent."""
    if call.state is CallState.SENT and call.due_at is not None and call.due_at <= now:
        call = again(step, replace(call, uncertain=True), NO_ANSWER, now)
    due = call.state is CallState.PENDING or (
        call.state is CallState.RETRYING and call.due_at is not None and call.due_at <= now
    )
    if not due or holding:
        return call, False
    if step.manual:
        return replace(call, state=CallState.PERSON, sent_at=now, due_at=None), False
    until = now + timedelta(seconds=step.request_seconds + GRACE_SECONDS)
    return replace(call, state=CallState.SENT, tries=call.tries + 1, sent_at=now, due_at=until), True


def again(step: Step, call: Call, fault: str | None, now: datetime) -> Call:
    """Return a call that is tried again after a rest, twice as long each time, or has failed for good."""
    fault = (fault or "it failed")[:FAULT_MAX]
    if call.tries >= step.tries_max:
        return replace(call, state=CallState.FAILED, due_at=None, fault=fault)
    rest = min(step.retry_seconds * 2 ** min(max(call.tries - 1, 0), 20), RETRY_SECONDS_MAX)
    return replace(call, state=CallState.RETRYING, due_at=now + timedelta(seconds=rest), fault=fault)


def _waiting(order: Order, call: Call) -> Order:
    """Return an order that waits for a call."""
    word = {CallState.SENT: Waiting.ANSWER, CallState.PERSON: Waiting.PERSON}.get(call.state, Waiting.RETRY)
    state = OrderState.SENT if call.state is CallState.SENT else OrderState.WAITING
    return replace(order, state=state, waiting_for=word, wake_at=call.due_at)


def _with(order: Order, index: int, step: Step) -> Order:
    steps = list(order.steps or ())
    steps[index] = step
    return replace(order, steps=tuple(steps))


def find(order: Order, request: str) -> Send | None:
    """Return which of the order's requests has this id."""
    for index in range(len(order.steps or ())):
        for undo in (False, True):
            if order.request_id(index, undo=undo) == request:
                return Send(index, undo=undo)
    return None


def answer(order: Order, place: Send, said: Answer, now: datetime) -> tuple[Order, Heed]:
    """Return the order with an answer in it, and what became of the answer.

    One that comes twice changes nothing. One that comes after its request was given up counts all the same: what is
    done after all goes on while the order does, and is undone where the order goes back or has failed.
    """
    assert order.steps is not None
    step = order.steps[place.step]
    call = step.undo if place.undo else step.deed
    if call is None or call.state is CallState.PENDING:
        return order, Heed.UNKNOWN
    if call.state is CallState.DONE:
        return order, Heed.CONTRADICTION if said.said is Said.FAILED else Heed.AGAIN
    if call.state is CallState.FAILED:
        return _too_late(order, place, said, now)
    if call.state is CallState.RETRYING and said.said is Said.FAILED and not said.lasting:
        return order, Heed.LATE  # an earlier try of the same request; it is tried again anyway
    told = replace(
        call, answered_at=now, reference=said.reference or call.reference, uncertain=call.uncertain or said.uncertain
    )
    reason = (said.reason or "the network said no")[:FAULT_MAX]
    if said.said is Said.DONE:
        told = replace(told, state=CallState.DONE, due_at=None, fault=None, uncertain=False)
    elif said.said is Said.ACCEPTED:
        told = replace(told, state=CallState.SENT, due_at=now + timedelta(seconds=step.answer_seconds))
    elif said.lasting:
        told = replace(told, state=CallState.FAILED, due_at=None, fault=reason)
    else:
        told = again(step, told, reason, now)
    changed = replace(step, undo=told) if place.undo else replace(step, deed=told)
    return _with(order, place.step, changed), Heed.TAKEN


def _too_late(order: Order, place: Send, said: Answer, now: datetime) -> tuple[Order, Heed]:
    """Heed what is said of a request that was given up: done after all, it must not stay so."""
    assert order.steps is not None
    step = order.steps[place.step]
    if said.said is not Said.DONE:
        return order, Heed.LATE
    if place.undo:
        if order.state is not OrderState.PARKED or step.undo is None:
            return order, Heed.LATE
        done = replace(step, undo=replace(step.undo, state=CallState.DONE, answered_at=now, fault=None))
        return replace(_with(order, place.step, done), state=OrderState.COMPENSATING, wake_at=now), Heed.TAKEN
    if step.undo is not None:
        return order, Heed.LATE  # it is being undone, or was
    known = _with(order, place.step, replace(step, deed=replace(step.deed, uncertain=True, answered_at=now)))
    return replace(known, state=OrderState.COMPENSATING, finished_at=None, wake_at=now), Heed.LATE


def completed(order: Order, place: Send, *, done: bool, note: str, now: datetime) -> Order:
    """Return the order with what a person has done, or could not do, of a step that waits for one."""
    assert order.steps is not None
    step = order.steps[place.step]
    call = (step.undo if place.undo else step.deed) or Call()
    state = CallState.DONE if done else CallState.FAILED
    told = replace(
        call, state=state, answered_at=now, fault=None if done else note[:FAULT_MAX] or "it could not be done"
    )
    return _with(order, place.step, replace(step, undo=told) if place.undo else replace(step, deed=told))


def at_person(order: Order) -> Send | None:
    """Return the step that waits for a person."""
    for index, step in enumerate(order.steps or ()):
        for undo, call in ((False, step.deed), (True, step.undo)):
            if call is not None and call.state is CallState.PERSON:
                return Send(index, undo=undo)
    return None


def retried(order: Order, now: datetime) -> Order:
    """Return a parked order that undoes what could not be undone once more, or one that retries at once."""
    steps = []
    for step in order.steps or ():
        deed, undo = step.deed, step.undo
        if deed.state is CallState.RETRYING:
            deed = replace(deed, due_at=now)
        if undo is not None and undo.state in {CallState.FAILED, CallState.RETRYING}:
            undo = replace(undo, state=CallState.RETRYING, tries=0, due_at=now)
        steps.append(replace(step, deed=deed, undo=undo))
    state = order.state
    if state is OrderState.PARKED:
        state = OrderState.COMPENSATING if any(step.undo for step in steps) else OrderState.WAITING
    return replace(order, steps=tuple(steps), state=state, wake_at=now)

"""What people and elements do to orders on their way: answers, steps by hand, cancelling, retrying, giving up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.alarms.alarm import AlarmState
from domain.commands import check_texts
from domain.ids import OrderId
from domain.ports.clock import Clock
from domain.ports.transports import TransportFault, Vault
from domain.ports.unit import Begin, Unit
from domain.provisioning.machine import Answer, Heed, Send, at_person, completed, find, retried
from domain.provisioning.order import REASON_MAX, Order, OrderNote, OrderState
from domain.refusal import BadValue, NotAllowed, NotFound, Stale, WrongState
from domain.usecases.drive_order import PARKED, heed
from domain.usecases.place_order import promise
from domain.webhooks.signature import verified

SIGNING: Final = "secret"  # the name of the credential


@dataclass(frozen=True, slots=True, kw_only=True)
class TendOrder:
    """What is to become of an order. ``version`` is the one that was read; ``reason`` goes into its log."""

    order: OrderId
    version: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteStep:
    """What a person has done, or could not do (``done`` False), of the step that waits for somebody."""

    order: OrderId
    version: int
    done: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """An answer as it came over the network: its headers in lower case, and its body."""

    element: str
    headers: Mapping[str, str]
    body: bytes


async def check_signature(came: Signed, *, actor: Actor, begin: Begin, clock: Clock, vault: Vault) -> None:
    """Let an element's own answer pass. Refuses with: NotAllowed, whatever is wrong with it."""
    async with begin(actor) as unit:
        element = next((one for one in await unit.elements.all() if one.name == came.element), None)
    known = None if element is None else element.credentials.get(SIGNING)
    if element is not None and known is not None:
        try:
            secret = (
                vault.refer(known.reference, operator=element.operator)
                if known.reference is not None
                else vault.open(known.sealed or b"", about=element.about(SIGNING))
            )
            if verified(secret, came.headers, came.body, now=int(clock.now().timestamp())):
                return
        except (TransportFault, BadValue):
            pass  # a secret that cannot be read lets nobody pass
    raise NotAllowed("the answer is not signed by a network element of this operator, or is too old")


@operation(Action.MANAGE_NETWORK)
async def take_answer(
    request: str, said: Answer, element: str, *, actor: Actor, begin: Begin, clock: Clock
) -> tuple[Order, Heed]:
    """Take an element's answer to one of its requests, whenever it comes and however often.

    Refuses with: NotAllowed, NotFound (no request of this element has the id).
    """
    now = clock.now()
    async with begin(actor) as unit:
        key = await unit.orders.by_request(request.partition(".")[0])
        order = None if key is None else await unit.orders.claim(key)
        place = None if order is None else find(order, request)
        if order is None or place is None or (order.steps or ())[place.step].element != element:
            raise NotFound("no request has this id", field="id")
        outcome = await heed(unit, order, place, said, actor=actor, now=now)
        kept = await unit.orders.get(order.id)
        if kept.version != order.version:
            await promise(unit, kept)
    return kept, outcome


@operation(Action.MANAGE_NETWORK)
async def complete_step(cmd: CompleteStep, *, actor: Actor, begin: Begin, clock: Clock) -> Order:
    """Say that the step which waits for a person is done, or could not be; the order goes on, or back.

    Refuses with: NotAllowed, NotFound, Stale, WrongState (nothing of it waits for a person), BadValue.
    """
    check_texts(cmd)
    now = clock.now()
    async with begin(actor) as unit:
        order = await _claim(unit, cmd.order, cmd.version, cmd.note, field="note")
        place = at_person(order)
        if place is None or order.ended:
            raise WrongState("no step of the order waits for a person", field="order")
        told = completed(order, place, done=cmd.done, note=cmd.note, now=now)
        kept = await unit.orders.keep(replace(told, wake_at=now))
        await _told(unit, kept, "completed", (actor, clock), place=place, done=cmd.done, reason=cmd.note)
        await _audited(unit, "complete_step", kept, ["steps"])
        await promise(unit, kept)
    return kept


@operation(Action.WRITE_CONTRACTS)
async def cancel_order(cmd: TendOrder, *, actor: Actor, begin: Begin, clock: Clock) -> Order:
    """Cancel an order: at once where nothing was sent, otherwise once what is under way is answered and undone.

    Refuses with: NotAllowed, NotFound, Stale, WrongState (it has ended, or goes back already).
    """
    check_texts(cmd)
    now = clock.now()
    async with begin(actor) as unit:
        order = await _claim(unit, cmd.order, cmd.version, cmd.reason)
        if order.ended or order.cancelling or order.state in {OrderState.PARKED, OrderState.COMPENSATING}:
            raise WrongState("the order is {state}", state=order.state.value, field="order")
        fault = cmd.reason or f"cancelled by {actor.client}"
        told = replace(order, cancelling=True, fault=fault, wake_at=min(order.wake_at or now, now))
        if order.steps is None:
            told = replace(told, state=OrderState.CANCELLED, waiting_for=None, wake_at=None, finished_at=now)
        kept = await unit.orders.keep(told)
        await _told(unit, kept, "cancelled" if kept.ended else "cancelling", (actor, clock), reason=cmd.reason)
        await _audited(unit, "cancel_order", kept, ["state", "cancelling", "fault"])
        await promise(unit, kept)
        if kept.ended:
            for follower in await unit.orders.waiting_on(kept):
                await promise(unit, await unit.orders.get(follower))
    return kept


@operation(Action.MANAGE_NETWORK)
async def retry_order(cmd: TendOrder, *, actor: Actor, begin: Begin, clock: Clock) -> Order:
    """Let a parked order be tried again, or one that rests between two tries at once.

    Refuses with: NotAllowed, NotFound, Stale, WrongState.
    """
    check_texts(cmd)
    async with begin(actor) as unit:
        order = await _claim(unit, cmd.order, cmd.version, cmd.reason)
        if order.ended:
            raise WrongState("the order is {state}: place a new one", state=order.state.value, field="order")
        if order.state not in {OrderState.PARKED, OrderState.WAITING, OrderState.COMPENSATING}:
            raise WrongState("the order is {state}", state=order.state.value, field="order")
        kept = await unit.orders.keep(retried(order, clock.now()))
        await _told(unit, kept, "retried", (actor, clock), reason=cmd.reason)
        await _audited(unit, "retry_order", kept, ["state", "steps"])
        await _unalarm(unit, kept, actor, clock)
        await promise(unit, kept)
    return kept


@operation(Action.MANAGE_NETWORK)
async def abandon_order(cmd: TendOrder, *, actor: Actor, begin: Begin, clock: Clock) -> Order:
    """End a parked order as failed: a person has seen to what the network still has of it.

    Refuses with: NotAllowed, NotFound, Stale, WrongState (it is not parked), BadValue (no reason).
    """
    check_texts(cmd)
    now = clock.now()
    async with begin(actor) as unit:
        order = await _claim(unit, cmd.order, cmd.version, cmd.reason)
        if order.state is not OrderState.PARKED:
            raise WrongState("the order is {state}", state=order.state.value, field="order")
        if not cmd.reason:
            raise BadValue("say what was done about it", field="reason")
        ended = replace(order, state=OrderState.FAILED, waiting_for=None, fault=cmd.reason, finished_at=now)
        kept = await unit.orders.keep(ended)
        await _told(unit, kept, "abandoned", (actor, clock), reason=cmd.reason)
        await _audited(unit, "abandon_order", kept, ["state", "fault"])
        await _unalarm(unit, kept, actor, clock)
        for follower in await unit.orders.waiting_on(kept):
            await promise(unit, await unit.orders.get(follower))
    return kept


async def wake_orders(*, actor: Actor, begin: Begin, clock: Clock) -> int:
    """Let workers look at the orders whose time has come: retries, time-outs, orders set ahead. Return how many."""
    async with begin(actor) as unit:
        due = await unit.orders.overdue(clock.now())
        for order in (await unit.orders.many(due)).values():
            await promise(unit, order)
    return len(due)


async def _claim(unit: Unit, key: OrderId, version: int, reason: str, *, field: str = "reason") -> Order:
    if len(reason) > REASON_MAX:
        raise BadValue("a reason has at most {most} characters", most=REASON_MAX, field=field)
    order = await unit.orders.claim(key)
    if order.version != version:
        raise Stale("the order is at version {version}; read it again", version=order.version, field="version")
    return order


async def _told(
    unit: Unit, order: Order, event: str, who: tuple[Actor, Clock], *, place: Send | None = None, **detail: object
) -> None:
    """Write a line into an order's log; what is empty is left out."""
    actor, clock = who
    said = {name: value for name, value in detail.items() if value not in {None, ""}}
    step = None if place is None else place.step + 1
    await unit.orders.note(order, OrderNote(at=clock.now(), client=actor.client, event=event, step=step, detail=said))


async def _audited(unit: Unit, action: str, order: Order, changed: list[str]) -> None:
    detail = {
        "order": order.id,
        "subscription": order.subscription,
        "customer": order.customer,
        "kind": order.kind.value,
        "state": order.state.value,
        "version": order.version,
        "changed": changed,
    }
    await unit.audit.write(action, f"order:{order.id}", detail)


async def _unalarm(unit: Unit, order: Order, actor: Actor, clock: Clock) -> None:
    alarm = await unit.alarms.claim_open(PARKED, f"order {order.id}")
    if alarm is not None:
        await unit.alarms.keep(replace(alarm, state=AlarmState.CLOSED, closed_by=actor.client, closed_at=clock.now()))

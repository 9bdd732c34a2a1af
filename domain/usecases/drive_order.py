"""Do an order: look what is next, ask the network, and write down what it answered. A worker's work.

What is sent is written down before it is sent, so that a process that dies leaves a request that is taken for lost
when its time is over, and sent again under the same id. Nothing is locked while the network is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.access.actor import Actor
from domain.alarms.alarm import Raised
from domain.contracts.subscription import Subscription, check
from domain.credit.checking import checks
from domain.ids import OperatorId, OrderId
from domain.jobs.job import PutOff
from domain.ports.clock import Clock
from domain.ports.provisioning import Network, Turn, Turns
from domain.ports.transports import TransportFault, Vault
from domain.ports.unit import Begin, Unit
from domain.provisioning.effects import effect, impossible
from domain.provisioning.element import ElementKind, NetworkElement, steps
from domain.provisioning.machine import Answer, Heed, Said, Send, advance, answer
from domain.provisioning.order import ENDED, Order, OrderNote, OrderState, Waiting
from domain.provisioning.request import NetworkRequest, request_of
from domain.refusal import Refusal
from domain.usecases.place_order import promise
from domain.usecases.step_subscription import take_step

SENDS_MAX: Final = 50  # in one job; the next one goes on
LOOK_AGAIN: Final = timedelta(minutes=10)  # at what waits for other orders, should nobody have told of their end
PARKED: Final = "order_parked"
UNASKED: Final = "the network cannot be asked"
CONTRADICTED: Final = "order_contradicted"


@dataclass(frozen=True, slots=True)
class Outside:
    """What doing orders needs besides the unit. ``callback``: where an element sends its answers to."""

    network: Network
    turns: Turns
    vault: Vault
    callback: Callable[[OperatorId, str], str]


@dataclass(frozen=True, slots=True)
class _Task:
    """A request that is to be sent now. ``element`` None: it is gone."""

    send: Send
    request: NetworkRequest
    element: NetworkElement | None


class _NotKept(Exception):  # noqa: N818  (the transaction is given up, and another says why)
    """What a confirmed order would make of its line is refused."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class _NoTurn(Exception):  # noqa: N818  (the transaction is given up, and begun again with a turn)
    """Enough others ask the element that is next."""

    def __init__(self, operator: OperatorId, element: str) -> None:
        super().__init__(element)
        self.operator = operator
        self.element = element


async def drive_order(key: OrderId, outside: Outside, *, actor: Actor, begin: Begin, clock: Clock) -> Order:
    """Take an order as far as it goes now, and return it. Refuses with: NotFound.

    Raises PutOff, with nothing changed since its last answer, where the next element has no turn for it.
    """
    for _ in range(SENDS_MAX):
        with outside.turns.turn() as turn:
            try:
                order, task = await _next(key, outside, turn, actor=actor, begin=begin, clock=clock)
            except _NotKept as no:
                return await _park(key, no.why, actor=actor, begin=begin, now=clock.now())
            if task is None:
                return order
            said = await _ask(task, outside)
        async with begin(actor) as unit:
            await heed(unit, await unit.orders.claim(key), task.send, said, actor=actor, now=clock.now())
    async with begin(actor) as unit:
        order = await unit.orders.get(key)
        await promise(unit, order)
    return order


async def heed(unit: Unit, order: Order, place: Send, said: Answer, *, actor: Actor, now: datetime) -> Heed:
    """Write an answer into a claimed order. Who calls sees to it that the order goes on."""
    told, outcome = answer(order, place, said, now)
    detail: dict[str, object] = {
        "said": said.said.value,
        "reason": said.reason,
        "reference": said.reference,
        "heed": outcome.value,
    }
    if said.uncertain:
        detail["uncertain"] = True
    if said.detail is not None:
        detail["detail"] = said.detail
    kept = await unit.orders.keep(told) if told != order else order
    step = place.step + 1
    event = "undo_answered" if place.undo else "answered"
    await unit.orders.note(kept, OrderNote(at=now, client=actor.client, event=event, step=step, detail=detail))
    if kept is not order:
        await _audit(unit, "answer_order", order, kept, step=step, said=said.said.value)
    if outcome is Heed.CONTRADICTION:
        text = f"order {order.id} was done, and then the network said that it failed"
        data = {"order": order.id, "request": order.request_id(place.step, undo=place.undo), "reason": said.reason}
        await unit.alarms.raise_all(
            [Raised(kind=CONTRADICTED, subject=f"order {order.id}", text=text, data=data)], at=now
        )
    return outcome


async def _ask(task: _Task, outside: Outside) -> Answer:
    """Send a request and return what is known of it."""
    element = task.element
    if element is None:
        return Answer(said=Said.FAILED, reason=UNASKED, detail="the element is not there any more", lasting=True)
    try:
        secrets = {
            name: outside.vault.refer(one.reference, operator=element.operator)
            if one.reference is not None
            else outside.vault.open(one.sealed or b"", about=element.about(name))
            for name, one in element.credentials.items()
        }
    except TransportFault as fault:
        return Answer(said=Said.FAILED, reason=UNASKED, detail=fault.message, lasting=True)
    return await outside.network.send(element, secrets, task.request)


async def _next(
    key: OrderId, outside: Outside, turn: Turn, *, actor: Actor, begin: Begin, clock: Clock
) -> tuple[Order, _Task | None]:
    """Take an order to what it waits for, or to its next request. Raises PutOff."""
    while True:
        try:
            return await _look(key, outside, turn, actor=actor, begin=begin, now=clock.now())
        except _NoTurn as no:
            if not await turn.wait(no.operator, no.element):
                raise PutOff(no.element) from None


async def _look(
    key: OrderId, outside: Outside, turn: Turn, *, actor: Actor, begin: Begin, now: datetime
) -> tuple[Order, _Task | None]:
    """Take an order to what it waits for, or to its next request, which is then written down as sent."""
    async with begin(actor) as unit:
        order = await unit.orders.claim(key)
        if order.ended or order.state is OrderState.PARKED:
            return order, None
        line = await unit.subscriptions.claim(order.subscription)
        ready = order if order.steps is not None else await _begun(unit, order, line, now)
        moved, send = (ready, None) if ready.steps is None else advance(ready, now)
        if moved == order:
            return order, None
        element = None if send is None else await _element(unit, moved, send, turn)
        kept = await unit.orders.keep(moved)
        if replace(moved, wake_at=order.wake_at) == order:
            return kept, None  # it waits on, which is no news
        await _tell(unit, order, kept, send, actor=actor, now=now)
        if kept.state is OrderState.CONFIRMED:
            await _apply(unit, kept, line, now)
        if kept.ended:
            for follower in await unit.orders.waiting_on(kept):
                await promise(unit, await unit.orders.get(follower))
        elif kept.state is OrderState.PARKED:
            await _alarm(unit, kept, now)
        if send is None:
            return kept, None
        assert kept.steps is not None
        name = kept.steps[send.step].element
        customer = (await unit.customers.many([line.customer]))[line.customer]
        contract = (await unit.contracts.many([line.contract]))[line.contract]
        request = request_of(
            kept,
            send,
            line,
            customer=customer.number,
            contract=contract.number,
            callback=outside.callback(kept.operator, name),
            now=now,
        )
    return kept, _Task(send, request, element)


async def _element(unit: Unit, order: Order, send: Send, turn: Turn) -> NetworkElement | None:
    """Return the element that is asked next; None: it is gone. Raises _NoTurn where others of the operator are kept up.

    Where it is the only one there is to ask, it has no others to leave places to.
    """
    assert order.steps is not None
    name = order.steps[send.step].element
    present = {one.name: one for one in await unit.elements.all()}
    others = [one for one in present.values() if one.name != name and one.active and one.kind is not ElementKind.MANUAL]
    if name in present and others and not turn.take(order.operator, name):
        raise _NoTurn(order.operator, name)
    return present.get(name)


async def _begun(unit: Unit, order: Order, line: Subscription, now: datetime) -> Order:
    """Return an order with its steps, or what it waits for, or why it cannot be done."""
    if order.run_at is not None and order.run_at > now:
        return replace(order, state=OrderState.WAITING, waiting_for=Waiting.TIME, wake_at=order.run_at)
    needed = [one for _, one in sorted((await unit.orders.many(order.after)).items())]
    for one in needed:
        if one.state in ENDED and one.state is not OrderState.CONFIRMED:
            return _failed(order, f"order {one.id}, which it waits for, is {one.state.value}", now)
    unconfirmed = any(one.state is not OrderState.CONFIRMED for one in needed)
    if unconfirmed or await unit.orders.before(order, at=now) is not None:
        if order.waiting_for is Waiting.ORDERS and order.wake_at is not None and order.wake_at > now:
            return order
        wake_at = now + LOOK_AGAIN
        return replace(order, state=OrderState.WAITING, waiting_for=Waiting.ORDERS, wake_at=wake_at)
    barred = (await unit.orders.barrings([line.id], at=now))[line.id]
    if (why := impossible(order, line, barred, now)) is not None:
        return _failed(order, why, now)
    return replace(order, steps=steps(await unit.elements.all(), order, line.kind))


def _failed(order: Order, why: str, now: datetime) -> Order:
    return replace(order, state=OrderState.FAILED, fault=why, waiting_for=None, wake_at=None, finished_at=now)


async def _apply(unit: Unit, order: Order, line: Subscription, now: datetime) -> None:
    """Make of the line what the network has confirmed. Raises _NotKept."""
    barred = (await unit.orders.barrings([line.id], at=now))[line.id]
    done = effect(order, line, barred, now)
    try:
        if done.step is not None:
            await take_step(unit, line, done.step, at=now, now=now, reason=order.reason or None)
        elif done.line is not None and done.line != line:
            kept = await unit.subscriptions.keep(check(done.line))
            detail = {
                "version": kept.version,
                "changed": ["numbers"],
                "number": order.parameters["number"],
                "contract": kept.contract,
                "customer": kept.customer,
                "order": order.id,
            }
            await unit.audit.write(f"{order.kind.value}_number", f"subscription:{line.id}", detail)
    except Refusal as no:
        raise _NotKept(no.message) from None
    if done.barrings:
        await unit.orders.keep_barrings(done.barrings)
        bars = sorted(one.bar.value for one in done.barrings)
        detail = {"version": line.version, "changed": ["barring"], "bars": bars, "order": order.id}
        action = "unbar_subscription" if done.barrings[0].until is not None else "bar_subscription"
        await unit.audit.write(action, f"subscription:{line.id}", detail)
        if done.barrings[0].until is not None and (await unit.credit.accounts([line.customer]))[line.customer]:
            # Where somebody else's bar stood, none was placed for a limit that is passed.
            for job in checks([line.customer]):
                await unit.jobs.add(job)


async def _park(key: OrderId, why: str, *, actor: Actor, begin: Begin, now: datetime) -> Order:
    """Park an order that the network has done and the books refuse."""
    async with begin(actor) as unit:
        order = await unit.orders.claim(key)
        fault = f"the network has done it, but it cannot be recorded: {why}"[:500]
        parked = replace(order, state=OrderState.PARKED, waiting_for=Waiting.PERSON, wake_at=None, fault=fault)
        kept = await unit.orders.keep(parked)
        await _tell(unit, order, kept, None, actor=actor, now=now)
        await _alarm(unit, kept, now)
    return kept


async def _alarm(unit: Unit, order: Order, now: datetime) -> None:
    text = f"order {order.id} ({order.kind.value}) needs a person: {order.fault}"[:500]
    data = {"order": order.id, "subscription": order.subscription}
    found = Raised(kind=PARKED, subject=f"order {order.id}", text=" ".join(text.split()), data=data)
    await unit.alarms.raise_all([found], at=now)


async def _tell(unit: Unit, before: Order, after: Order, send: Send | None, *, actor: Actor, now: datetime) -> None:
    """Write what an order has become into its log and the trail."""
    if send is not None:
        event = "undo_sent" if send.undo else "sent"
        detail: dict[str, object] = {"request": after.request_id(send.step, undo=send.undo)}
        step: int | None = send.step + 1
    else:
        event, step = "awaiting" if after.state is OrderState.SENT else after.state.value, None
        until = after.wake_at.isoformat() if after.wake_at else None
        detail = {"waitingFor": after.waiting_for and after.waiting_for.value, "until": until}
        detail = {name: value for name, value in detail.items() if value is not None}
    if after.fault is not None and after.fault != before.fault:
        detail["fault"] = after.fault
    await unit.orders.note(after, OrderNote(at=now, client=actor.client, event=event, step=step, detail=detail))
    action = "send_order" if send is not None else _ACTIONS.get(after.state, "change_order")
    await _audit(unit, action, before, after, step=step)


_ACTIONS: Final = {
    OrderState.CONFIRMED: "confirm_order",
    OrderState.FAILED: "fail_order",
    OrderState.COMPENSATED: "compensate_order",
    OrderState.CANCELLED: "cancel_order",
    OrderState.PARKED: "park_order",
}


async def _audit(unit: Unit, action: str, before: Order, after: Order, **more: object) -> None:
    names = {"state": "state", "waiting_for": "waitingFor", "steps": "steps", "fault": "fault"}
    changed = [word for name, word in names.items() if getattr(before, name) != getattr(after, name)]
    detail = {
        "order": after.id,
        "subscription": after.subscription,
        "customer": after.customer,
        "kind": after.kind.value,
        "state": after.state.value,
        "version": after.version,
        "changed": changed,
        **{name: value for name, value in more.items() if value is not None},
    }
    await unit.audit.write(action, f"order:{after.id}", detail)

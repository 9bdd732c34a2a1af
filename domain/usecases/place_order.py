"""Place an order on a subscription."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.commands import answered, check_texts, remember
from domain.contracts.dialled import as_kept, dialling
from domain.contracts.subscription import Subscription
from domain.ids import OrderId, SubscriptionId
from domain.jobs.job import NewJob
from domain.period import utc
from domain.ports.clock import Clock
from domain.ports.unit import Begin, Unit
from domain.provisioning.effects import impossible
from domain.provisioning.order import Bar, Order, OrderKind, OrderNote, check
from domain.refusal import NotFound, WrongState

KIND = "drive_order"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """What the network is to do for a subscription.

    ``bars``: what to bar or unbar (none of an order that unbars: everything); ``parameters`` go to the network as they
    are (porting needs ``number``); ``run_at``: not before; ``after``: orders that must be confirmed first.
    """

    subscription: SubscriptionId
    kind: OrderKind
    bars: tuple[Bar, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    run_at: datetime | None = None
    after: tuple[OrderId, ...] = ()
    idempotency_key: str | None = None


@operation(Action.WRITE_CONTRACTS)
async def place_order(cmd: PlaceOrder, *, actor: Actor, begin: Begin, clock: Clock) -> Order:
    """Place an order; a worker does it, after the orders of the same subscription that were placed before.

    Refuses with: NotAllowed, BadValue, NotFound (subscription, an order to wait for), WrongState (the line is not in a
    state for it, and no earlier order may change that), Conflict (idempotency key).
    """
    check_texts(cmd)
    async with begin(actor) as unit:
        return await place_within(unit, cmd, actor=actor, now=clock.now())


async def place_within(unit: Unit, cmd: PlaceOrder, *, actor: Actor, now: datetime) -> Order:
    """Place an order in a unit of the caller's, who may do it. Refuses with: as ``place_order``."""
    run_at = None if cmd.run_at is None else utc(cmd.run_at, field="runAt")
    if (known := await answered(unit.answers, cmd)) is not None:
        return await unit.orders.get(OrderId(known))
    line = (await unit.subscriptions.many([cmd.subscription])).get(cmd.subscription)
    if line is None:
        raise NotFound("no such subscription", field="subscription")
    order = check(
        Order(
            id=OrderId(0),
            operator=actor.operator,
            customer=line.customer,
            contract=line.contract,
            subscription=line.id,
            reseller=line.reseller,
            kind=cmd.kind,
            bars=cmd.bars,
            parameters=await _parameters(cmd, unit),
            reason=cmd.reason,
            run_at=run_at if run_at is not None and run_at > now else None,
            after=tuple(dict.fromkeys(cmd.after)),
            wake_at=now,
            client=actor.client,
            requested_at=now,
        )
    )
    if len(await unit.orders.many(order.after)) != len(order.after):
        raise NotFound("no such order to wait for", field="after")
    kept = await unit.orders.add(order)
    await _refuse_impossible(unit, kept, line, now)
    await promise(unit, kept)
    await remember(unit.answers, cmd, kept.id)
    await unit.orders.note(kept, OrderNote(at=now, client=actor.client, event="placed"))
    detail = {
        "order": kept.id,
        "subscription": kept.subscription,
        "customer": kept.customer,
        "kind": kept.kind.value,
        "version": kept.version,
        "changed": ["state"],
    }
    await unit.audit.write("place_order", f"order:{kept.id}", detail)
    return kept


async def promise(unit: Unit, order: Order) -> None:
    """Let a worker look at an order soon. Any number of them may: an order is done by one at a time."""
    word = f"{order.id}:{order.version}"
    await unit.jobs.add(NewJob(kind=KIND, payload={"order": order.id}, dedupe=word, priority=10))


async def _parameters(cmd: PlaceOrder, unit: Unit) -> dict[str, str]:
    """Return the parameters; the number that is ported as it is kept."""
    parameters = dict(cmd.parameters)
    if cmd.kind in {OrderKind.PORT_IN, OrderKind.PORT_OUT} and (number := parameters.get("number")):
        (parameters["number"],) = as_kept([number], dialling(await unit.operators.own()))
    return parameters


async def _refuse_impossible(unit: Unit, order: Order, line: Subscription, now: datetime) -> None:
    """Refuse what could not be begun at once; what waits for something is looked at when it begins."""
    if order.run_at is not None or order.after or await unit.orders.before(order, at=now) is not None:
        return
    barred = (await unit.orders.barrings([line.id], at=now))[line.id]
    if (why := impossible(order, line, barred, now)) is not None:
        raise WrongState("the order is not possible: {why}", why=why, field="kind")

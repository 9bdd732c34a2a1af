"""Get and list orders about numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.contracts.dialled import as_kept, dialling
from domain.ids import CustomerId, NumberOrderId, SubscriptionId
from domain.numbers.ordering import PORTS, NumberOrder, OrderKind, OrderState, OrderStep
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin
from domain.refusal import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class ListNumberOrders:
    """A page of orders of these kinds, of a number, a state, a subscription or a customer where it is named."""

    kinds: tuple[OrderKind, ...] = PORTS
    number: str | None = None
    state: OrderState | None = None
    subscription: SubscriptionId | None = None
    customer: CustomerId | None = None
    page: PageRequest = field(default_factory=PageRequest)


@operation(Action.READ_CONTRACTS)
async def list_number_orders(query: ListNumberOrders, *, actor: Actor, begin: Begin) -> Page[NumberOrder]:
    """Return the orders the caller may see, by key. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        number = query.number
        if number is not None:
            number = as_kept([number], dialling(await unit.operators.own()))[0]
        return await unit.number_orders.page(
            query.page,
            kinds=query.kinds,
            number=number,
            state=None if query.state is None else query.state.value,
            subscription=query.subscription,
            customer=query.customer,
        )


@operation(Action.READ_CONTRACTS)
async def get_number_order(
    key: NumberOrderId, *, kinds: tuple[OrderKind, ...], actor: Actor, begin: Begin
) -> NumberOrder:
    """Return one of these kinds. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        found = (await unit.number_orders.many([key])).get(key)
    if found is None or found.kind not in kinds:
        raise NotFound("no order {key}", key=key, field="id")
    return found


@operation(Action.READ_CONTRACTS)
async def steps_of_orders(
    keys: Sequence[NumberOrderId], *, actor: Actor, begin: Begin
) -> Mapping[NumberOrderId, Sequence[OrderStep]]:
    """Return what happened to each order, in the order of recording. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.number_orders.steps(keys)

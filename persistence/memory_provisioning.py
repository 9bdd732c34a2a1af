"""Network elements, orders, their log and what lines are barred from, in memory."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from domain.ids import CustomerId, ElementId, OrderId, SubscriptionId
from domain.ports.page import Page, PageRequest
from domain.provisioning.element import NetworkElement
from domain.provisioning.order import Barring, Order, OrderKind, OrderNote, OrderState, Waiting
from domain.refusal import NotFound, Stale
from persistence.memory import Draft, page_of
from persistence.provisioning import NOTES_MAX, OVERDUE_MAX, REQUEST_BYTES


class MemoryElements:
    """Keeps ``domain.ports.provisioning.Elements``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    @property
    def _rows(self) -> dict[ElementId, NetworkElement]:
        return self._draft.table("network_element")

    async def all(self) -> Sequence[NetworkElement]:
        """Return them by name."""
        if self._draft.actor.reseller is not None:
            return []
        own = [one for one in self._rows.values() if one.operator == self._draft.actor.operator]
        return sorted(own, key=lambda one: one.name)

    async def claim(self, name: str) -> NetworkElement | None:
        """Return one; the unit has everything locked."""
        return next((one for one in await self.all() if one.name == name), None)

    async def put(self, element: NetworkElement) -> NetworkElement:
        """Keep a new one or a changed one."""
        kept = element if element.id else replace(element, id=ElementId(self._draft.draw("network_element")))
        self._rows[kept.id] = kept
        return kept

    async def remove(self, element: NetworkElement) -> None:
        """Forget one with its secrets."""
        del self._rows[element.id]


class MemoryOrders:
    """Keeps ``domain.ports.provisioning.Orders``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _own(self) -> list[Order]:
        rows: list[Order] = self._draft.seen("network_order")
        lines = self._draft.table("subscription")  # an order is of whoever has the line by now
        return [replace(one, customer=lines[one.subscription].customer) for one in rows]

    async def add(self, order: Order) -> Order:
        """Keep a new one and draw the beginning of its requests' ids."""
        key = OrderId(self._draft.draw("network_order"))
        kept = replace(order, id=key, request=secrets.token_hex(REQUEST_BYTES), version=1)
        self._draft.table("network_order")[key] = kept
        return kept

    async def get(self, key: OrderId) -> Order:
        """Return one. Refuses with: NotFound."""
        found = (await self.many([key])).get(key)
        if found is None:
            raise NotFound("no such order", field="order")
        return found

    async def claim(self, key: OrderId) -> Order:
        """Return one; the unit has everything locked. Refuses with: NotFound."""
        return await self.get(key)

    async def by_request(self, request: str) -> OrderId | None:
        """Return whose requests' ids begin so."""
        return next((one.id for one in self._own() if one.request == request), None)

    async def keep(self, order: Order) -> Order:
        """Write a changed one and return it with its next version."""
        if (await self.get(order.id)).version != order.version:
            raise Stale("the order was changed by somebody else; read it again", field="version")
        kept = replace(order, version=order.version + 1)
        self._draft.table("network_order")[order.id] = kept
        return kept

    async def page(
        self,
        request: PageRequest,
        *,
        subscription: SubscriptionId | None = None,
        customer: CustomerId | None = None,
        state: OrderState | None = None,
        kind: OrderKind | None = None,
    ) -> Page[Order]:
        """List by key."""
        chosen = [
            one
            for one in self._own()
            if subscription in {None, one.subscription}
            and customer in {None, one.customer}
            and state in {None, one.state}
            and kind in {None, one.kind}
        ]
        return page_of(chosen, request, lambda one: one.id)

    async def many(self, keys: Sequence[OrderId]) -> Mapping[OrderId, Order]:
        """Return those that exist and may be seen."""
        wanted = set(keys)
        return {one.id: one for one in self._own() if one.id in wanted}

    async def before(self, order: Order, *, at: datetime) -> Order | None:
        """Return an order of the same subscription that goes first."""
        first = [
            one
            for one in self._line(order)
            if one.steps is not None or (one.id < order.id and (one.run_at is None or one.run_at <= at))
        ]
        return first[-1] if first else None

    def _line(self, order: Order) -> list[Order]:
        """Return the other orders of its subscription that have not ended."""
        open_ones = [one for one in self._own() if one.subscription == order.subscription and not one.ended]
        return [one for one in open_ones if one.id != order.id]

    async def waiting_on(self, order: Order) -> Sequence[OrderId]:
        """Return the orders that may go on when this one has ended: those that name it, and its line's next one due."""
        waiting = {OrderState.REQUESTED, OrderState.WAITING}
        named = {one.id for one in self._own() if one.state in waiting and order.id in one.after}
        due = [one for one in self._line(order) if one.state in waiting and one.waiting_for is not Waiting.TIME]
        return sorted(named | {one.id for one in due[:1]})

    async def overdue(self, at: datetime) -> Sequence[OrderId]:
        """Return orders that should have been looked at by then, a page of them."""
        late = [
            (one.wake_at, one.id)
            for one in self._own()
            if one.wake_at is not None and one.wake_at <= at and not one.ended and one.state is not OrderState.PARKED
        ]
        return [key for _, key in sorted(late)][:OVERDUE_MAX]

    async def note(self, order: Order, note: OrderNote) -> None:
        """Add a line to an order's log."""
        self._draft.table("network_order_note")[order.id, self._draft.draw("network_order_note")] = note

    async def notes(self, keys: Sequence[OrderId]) -> Mapping[OrderId, Sequence[OrderNote]]:
        """Return the log of each order, the oldest first."""
        seen, rows = await self.many(keys), self._draft.table("network_order_note")
        return {
            key: [rows[place] for place in sorted(rows) if place[0] == key and key in seen][:NOTES_MAX] for key in keys
        }

    async def barrings(
        self, keys: Sequence[SubscriptionId], *, at: datetime | None
    ) -> Mapping[SubscriptionId, Sequence[Barring]]:
        """Return what lines are barred from at a moment (None: all there ever was), by since."""
        lines = {one.id for one in self._draft.seen("subscription")}
        rows: list[Barring] = list(self._draft.table("subscription_barring").values())
        rows = [
            one
            for one in rows
            if one.subscription in lines and (at is None or (one.since <= at and (one.until is None or one.until > at)))
        ]
        rows.sort(key=lambda one: (one.since, one.bar, one.order))
        return {key: [one for one in rows if one.subscription == key] for key in keys}

    async def keep_barrings(self, barrings: Sequence[Barring]) -> None:
        """Write new ones, and the ends of those that are there."""
        for one in barrings:
            place = (one.subscription, one.bar, one.since, one.order)
            self._draft.table("subscription_barring")[place] = one


def forget_orders(draft: Draft, customer: CustomerId) -> None:
    """Empty what orders, their logs and bars say of a person who is erased."""
    lines = {key for key, line in draft.table("subscription").items() if line.customer == customer}
    orders, notes = draft.table("network_order"), draft.table("network_order_note")
    forgotten = {key for key, one in orders.items() if one.subscription in lines}
    for key in forgotten:
        orders[key] = replace(orders[key], parameters={}, reason="", fault=None)
    for place in [place for place in notes if place[0] in forgotten]:
        notes[place] = replace(notes[place], detail={})
    bars = draft.table("subscription_barring")
    for place in [place for place in bars if place[0] in lines]:
        bars[place] = replace(bars[place], reason="")

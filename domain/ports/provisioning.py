"""Stores of network elements and orders, and the network itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from domain.ids import CustomerId, OperatorId, OrderId, SubscriptionId
from domain.ports.page import Page, PageRequest
from domain.provisioning.element import NetworkElement
from domain.provisioning.machine import Answer
from domain.provisioning.order import Barring, Order, OrderKind, OrderNote, OrderState
from domain.provisioning.request import NetworkRequest


class Elements(Protocol):
    """The operator's network elements. A reseller sees none."""

    async def all(self) -> Sequence[NetworkElement]:
        """Return them by name."""
        ...

    async def claim(self, name: str) -> NetworkElement | None:
        """Return one locked until the unit ends."""
        ...

    async def put(self, element: NetworkElement) -> NetworkElement:
        """Keep a new one (its ``id`` is 0) or a changed one."""
        ...

    async def remove(self, element: NetworkElement) -> None:
        """Forget one with its secrets."""
        ...


class Orders(Protocol):
    """Orders of subscriptions that the actor may see."""

    async def add(self, order: Order) -> Order:
        """Keep a new one (its ``id`` is 0) and draw the beginning of its requests' ids."""
        ...

    async def get(self, key: OrderId) -> Order:
        """Return one. Refuses with: NotFound."""
        ...

    async def claim(self, key: OrderId) -> Order:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        ...

    async def by_request(self, request: str) -> OrderId | None:
        """Return whose requests' ids begin so."""
        ...

    async def keep(self, order: Order) -> Order:
        """Write a changed one and return it with its next version."""
        ...

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
        ...

    async def many(self, keys: Sequence[OrderId]) -> Mapping[OrderId, Order]:
        """Return those that exist and may be seen."""
        ...

    async def before(self, order: Order, *, at: datetime) -> Order | None:
        """Return an order of the same subscription that goes first: placed before this one, or begun, and not ended.

        One whose time has not come by ``at``, and that was not begun, holds up nobody.
        """
        ...

    async def waiting_on(self, order: Order) -> Sequence[OrderId]:
        """Return the orders that may go on when this one has ended: those that name it, and its line's next one due."""
        ...

    async def overdue(self, at: datetime) -> Sequence[OrderId]:
        """Return orders that should have been looked at by then, a page of them."""
        ...

    async def note(self, order: Order, note: OrderNote) -> None:
        """Add a line to an order's log."""
        ...

    async def notes(self, keys: Sequence[OrderId]) -> Mapping[OrderId, Sequence[OrderNote]]:
        """Return the log of each order, the oldest first."""
        ...

    async def barrings(
        self, keys: Sequence[SubscriptionId], *, at: datetime | None
    ) -> Mapping[SubscriptionId, Sequence[Barring]]:
        """Return what lines are barred from at a moment (None: all there ever was), by since."""
        ...

    async def keep_barrings(self, barrings: Sequence[Barring]) -> None:
        """Write new ones, and the ends of those that are there."""
        ...


class Network(Protocol):
    """The network elements themselves."""

    async def check(self, element: NetworkElement) -> None:
        """Look at an element before it is kept: its address, its WSDL. Refuses with: BadValue."""
        ...

    async def send(self, element: NetworkElement, secrets: Mapping[str, str], request: NetworkRequest) -> Answer:
        """Send a request, once, and return what is known of it then. Never raises for what the other side does."""
        ...


class Turn(Protocol):
    """One order's turn at asking a network element."""

    def take(self, operator: OperatorId, element: str) -> bool:
        """Take a turn at an element where there is one now; True also where this is one at it already."""
        ...

    async def wait(self, operator: OperatorId, element: str) -> bool:
        """Take one that comes soon; False where none does."""
        ...


class Turns(Protocol):
    """How many ask one element at a time, so that a dead one leaves the operator's others places."""

    def turn(self) -> AbstractContextManager[Turn]:
        """Have a turn, if one is taken, until the end."""
        ...

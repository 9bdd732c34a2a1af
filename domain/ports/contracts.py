"""Stores of services, contracts, subscriptions and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from domain.contracts.contract import Contract
from domain.contracts.service import Service
from domain.contracts.subscription import NumberAssignment, StateChange, Subscription
from domain.ids import ContractId, CustomerId, ServiceId, SubscriptionId
from domain.ports.page import Page, PageRequest


class Services(Protocol):
    """The operator's services."""

    async def many(self, keys: Sequence[ServiceId]) -> Mapping[ServiceId, Service]:
        """Return those that exist."""
        ...

    async def related(self, keys: Sequence[ServiceId]) -> Mapping[ServiceId, Service]:
        """Return those that exist, with the parts of bundles and what they need."""
        ...

    async def by_code(self, code: str) -> Service:
        """Return one. Refuses with: NotFound."""
        ...

    async def by_codes(self, codes: Sequence[str]) -> Mapping[str, Service]:
        """Return those that exist, by code."""
        ...

    async def claim(self, key: ServiceId) -> Service:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        ...

    async def keep(self, service: Service) -> Service:
        """Write a changed one where the stored version is its own. Refuses with: Stale, Conflict (code taken)."""
        ...

    async def page(self, request: PageRequest) -> Page[Service]:
        """List by key."""
        ...

    async def add(self, service: Service) -> Service:
        """Keep a new one. Refuses with: Conflict (code taken)."""
        ...


class Contracts(Protocol):
    """Contracts of customers the actor may see."""

    async def get(self, key: ContractId) -> Contract:
        """Return one. Refuses with: NotFound."""
        ...

    async def by_number(self, number: str) -> Contract:
        """Return the one with this contract number. Refuses with: NotFound."""
        ...

    async def many(self, keys: Sequence[ContractId]) -> Mapping[ContractId, Contract]:
        """Return those that exist and may be seen."""
        ...

    async def of_customers(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, Sequence[Contract]]:
        """Return the contracts of each customer, by key."""
        ...

    async def page(self, request: PageRequest, *, customer: CustomerId | None = None) -> Page[Contract]:
        """List by key."""
        ...

    async def add(self, contract: Contract) -> Contract:
        """Keep a new one with its services. Refuses with: Conflict (number taken)."""
        ...

    async def claim(self, key: ContractId) -> Contract:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        ...

    async def keep(self, contract: Contract) -> Contract:
        """Write a changed one and its services where the stored version is its own. Refuses with: Stale."""
        ...

    async def over(self, day: date, *, first: int) -> Sequence[Contract]:
        """Return contracts whose end has come by a day though they are not ended, locked until the unit ends."""
        ...

    async def next_number(self) -> str:
        """Draw the next contract number of the operator's series."""
        ...


class Subscriptions(Protocol):
    """Lines in the network and their numbers."""

    async def many(self, keys: Sequence[SubscriptionId]) -> Mapping[SubscriptionId, Subscription]:
        """Return those that exist and may be seen."""
        ...

    async def of_contracts(self, keys: Sequence[ContractId]) -> Mapping[ContractId, Sequence[Subscription]]:
        """Return the subscriptions of each contract with their numbers, by key."""
        ...

    async def page(
        self,
        request: PageRequest,
        *,
        customer: CustomerId | None = None,
        contract: ContractId | None = None,
        number: str | None = None,
    ) -> Page[Subscription]:
        """List by key; ``number``: those that have or had it."""
        ...

    async def owner_of(self, number: str, at: datetime) -> Subscription:
        """Return whose number it is at an instant; an address is also found by its prefix. Refuses with: NotFound."""
        ...

    async def add(self, subscription: Subscription) -> Subscription:
        """Keep a new one with its numbers. Refuses with: Overlap (a number is another's at that time)."""
        ...

    async def claim(self, key: SubscriptionId) -> Subscription:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        ...

    async def keep(self, subscription: Subscription, change: StateChange | None = None) -> Subscription:
        """Write a changed one, its numbers and the line of its history. Refuses with: Stale, Overlap."""
        ...

    async def holders(self, numbers: Sequence[str]) -> Mapping[str, Sequence[tuple[SubscriptionId, NumberAssignment]]]:
        """Return who has or had each number, by time, as far as the actor may see them."""
        ...

    async def history(self, keys: Sequence[SubscriptionId]) -> Mapping[SubscriptionId, Sequence[StateChange]]:
        """Return what was recorded of each one's states, in the order of recording."""
        ...

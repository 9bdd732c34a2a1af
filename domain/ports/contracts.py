"""Stores of services, contracts, subscriptions and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from domain.contracts.contract import Contract
from domain.contracts.service import Service
from domain.contracts.subscription import Subscription
from domain.ids import ContractId, CustomerId, ServiceId, SubscriptionId
from domain.ports.page import Page, PageRequest


class Services(Protocol):
    """The operator's services."""

    async def many(self, keys: Sequence[ServiceId]) -> Mapping[ServiceId, Service]:
        """Return those that exist."""
        ...

    async def by_code(self, code: str) -> Service:
        """Return one. Refuses with: NotFound."""
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
        self, request: PageRequest, *, customer: CustomerId | None = None, contract: ContractId | None = None
    ) -> Page[Subscription]:
        """List by key."""
        ...

    async def owner_of(self, number: str, at: datetime) -> Subscription:
        """Return whose number it is at an instant. Refuses with: NotFound."""
        ...

    async def add(self, subscription: Subscription) -> Subscription:
        """Keep a new one with its numbers. Refuses with: Overlap (a number is another's at that time)."""
        ...

    async def claim(self, key: SubscriptionId) -> Subscription:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        ...

    async def keep(self, subscription: Subscription) -> Subscription:
        """Write a changed one and its numbers. Refuses with: Stale, Overlap."""
        ...

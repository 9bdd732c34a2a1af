"""The store of limits, of what is used of them, and of what is set aside for calls that are going on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import polars as pl

from domain.contracts.subscription import SubscriptionState
from domain.credit.account import Account
from domain.credit.kinds import Home
from domain.credit.limit import CreditLimit, CreditOverride
from domain.credit.reservation import Reservation
from domain.ids import (
    ContractId,
    CreditLimitId,
    CreditOverrideId,
    CreditReservationId,
    CustomerId,
    OrderId,
    ResellerId,
    SubscriptionId,
)
from domain.intake.subscribers import Revision
from domain.ports.page import Page, PageRequest
from domain.provisioning.order import Bar


@dataclass(frozen=True, slots=True)
class Watching:
    """That somebody is watched. ``customers``: who; None: too many to name."""

    home: Home
    customers: Sequence[int] | None


@dataclass(frozen=True, slots=True)
class CreditBar:
    """What a line was barred from for its limit, and the order that did it."""

    customer: CustomerId
    subscription: SubscriptionId
    bar: Bar
    order: OrderId
    placed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditStanding:
    """All that it takes to say how much a line may use now.

    ``accounts``: the customer's (None) and the line's own, where they are watched. ``owed``: by currency, in minor
    units. ``own_number``: one that the line has. ``live``: what is set aside for lines of the customer and is over its
    time, takes from buckets or names a call. ``revision``: of catalogue and subscribers.
    """

    customer: CustomerId
    contract: ContractId
    subscription: SubscriptionId
    reseller: ResellerId | None
    state: SubscriptionState
    ended_at: datetime | None
    currency: str
    home: Home
    accounts: Mapping[SubscriptionId | None, Account]
    limits: Sequence[CreditLimit]
    overrides: Sequence[CreditOverride]
    groups: frozenset[str]
    owed: Mapping[str, int]
    own_number: str
    bars: frozenset[Bar]
    live: Sequence[Reservation] = field(default_factory=tuple)
    revision: Revision = ()


class Credit(Protocol):
    """Limits and exposures of customers that the actor may see."""

    # Counting, in the transaction of a chunk.

    async def watching(self) -> Watching | None:
        """Tell whether anybody is watched; None: nobody, and there is nothing to count."""
        ...

    async def move(self, sums: pl.DataFrame) -> Sequence[CustomerId]:
        """Add sums (``domain.credit.kinds.counted``) to what is unbilled of those that are watched.

        Returns customers of whom somebody must look: a mark is passed, or less is used where something was told.
        Their rows stay locked until the unit ends; raises ``Collision`` where others hold them crosswise.
        """
        ...

    async def live_of(self, subscriptions: Collection[int]) -> Sequence[Reservation]:
        """Return what is set aside for lines."""
        ...

    # Who is watched.

    async def fence(self) -> None:
        """Wait until nobody is committing a chunk, and hold them off until the unit ends."""
        ...

    async def open(self, customer: CustomerId, lines: Collection[SubscriptionId]) -> bool:
        """Begin to watch a customer and lines of his; False where all of them are watched already."""
        ...

    async def missing(self, *, first: int) -> Mapping[CustomerId, Sequence[SubscriptionId]]:
        """Return customers whom a limit covers and who are not watched yet, with the lines that it covers."""
        ...

    async def watched(self, *, after: int, first: int) -> Sequence[CustomerId]:
        """Return customers who are watched, by key."""
        ...

    async def accounts(self, customers: Sequence[CustomerId]) -> Mapping[CustomerId, Sequence[Account]]:
        """Return what is kept of those that are watched."""
        ...

    async def claim(self, customers: Sequence[CustomerId]) -> Mapping[CustomerId, Sequence[Account]]:
        """Return what is kept of those that are watched, locked until the unit ends."""
        ...

    async def unbilled(self, customers: Sequence[CustomerId]) -> pl.DataFrame:
        """Return the usage of customers that no bill run has billed: ``ROWS``, and the ``rate`` that priced it.

        Of a double that was merged into one of them it counts as that one's.
        """
        ...

    async def put_unbilled(self, customers: Sequence[CustomerId], sums: pl.DataFrame) -> None:
        """Write what is unbilled of watched customers, in whose place whatever was counted goes."""
        ...

    async def keep(self, account: Account) -> None:
        """Write an account's marks and what was told."""
        ...

    async def owed(self, customers: Sequence[CustomerId]) -> Mapping[CustomerId, Mapping[str, int]]:
        """Return what customers owe by the ledger, less their credit and what they dispute: minor units by currency.

        What is owed by a double that was merged into one of them, that one owes.
        """
        ...

    # Limits.

    async def limits(self, customers: Sequence[CustomerId]) -> Sequence[CreditLimit]:
        """Return the limits of these customers, of groups and of the operator."""
        ...

    async def limit(self, key: CreditLimitId) -> CreditLimit:
        """Return one. Refuses with: NotFound."""
        ...

    async def page(self, request: PageRequest, *, customer: CustomerId | None = None) -> Page[CreditLimit]:
        """List by key; of a customer, or all."""
        ...

    async def put(self, limit: CreditLimit) -> CreditLimit:
        """Keep a new one (its ``id`` is 0) or a changed one. Refuses with: Conflict (there is one of its subject)."""
        ...

    async def remove(self, limit: CreditLimit) -> None:
        """Forget one."""
        ...

    async def overrides(self, customers: Sequence[CustomerId]) -> Sequence[CreditOverride]:
        """Return what was set by hand and not ended, also what is over its time, by key."""
        ...

    async def override(self, key: CreditOverrideId) -> CreditOverride:
        """Return one. Refuses with: NotFound."""
        ...

    async def put_override(self, one: CreditOverride) -> CreditOverride:
        """Keep a new one (its ``id`` is 0), or the end of one."""
        ...

    async def groups(self, customer: CustomerId, at: datetime) -> frozenset[str]:
        """Return the groups that a customer is in."""
        ...

    # Bars that were set for a limit.

    async def bars(self, customer: CustomerId) -> Sequence[CreditBar]:
        """Return those of a customer's lines."""
        ...

    async def add_bar(self, one: CreditBar) -> None:
        """Keep one."""
        ...

    async def drop_bar(self, one: CreditBar) -> None:
        """Forget one."""
        ...

    # Reservations.

    async def standing(
        self, subscription: SubscriptionId, *, at: datetime, lock: bool = False
    ) -> CreditStanding | None:
        """Return how a line stands; None: it is not there. ``lock``: its accounts stay locked until the unit ends."""
        ...

    async def reservation(self, key: CreditReservationId) -> Reservation:
        """Return one. Refuses with: NotFound."""
        ...

    async def reservations(
        self, request: PageRequest, *, customer: CustomerId | None = None, live: bool = False
    ) -> Page[Reservation]:
        """List by key."""
        ...

    async def due(self, at: datetime, *, first: int, customer: CustomerId | None = None) -> Sequence[Reservation]:
        """Return what is set aside and over its time, of a customer or all."""
        ...

    async def reserve(self, one: Reservation) -> Reservation:
        """Keep a new one, and set aside what it takes."""
        ...

    async def change(self, before: Reservation, after: Reservation) -> Reservation:
        """Write a changed one, whose customer's accounts are locked, and set aside what it takes now."""
        ...

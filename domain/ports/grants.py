"""The stores of grants, gifts and how balances moved; and of who is on which plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

import polars as pl

from domain.buckets.grant import GiftRules, Given, Grant
from domain.ids import ContractId, CustomerId, GrantId, PlanAssignmentId, SubscriptionId
from domain.plans.assignment import PlanAssignment


@dataclass(frozen=True, slots=True)
class Move:
    """What was drawn of a balance moved by ``amount`` to ``drawn``."""

    bucket: str
    owner: str
    since: datetime
    moved_at: datetime
    amount: int
    drawn: int


@dataclass(frozen=True, slots=True)
class Crossing:
    """A balance reached ``percent`` of what it holds, or (``up`` false) is below that again."""

    bucket: str
    owner: str
    since: datetime
    percent: int
    up: bool
    drawn: int
    granted: int
    crossed_at: datetime


class Grants(Protocol):
    """Grants of customers the actor may see."""

    async def add(self, grant: Grant) -> Grant:
        """Keep a new one."""
        ...

    async def gift(self, key: GrantId) -> Sequence[Grant]:
        """Return a grant, and those of the same gift, by key."""
        ...

    async def claim(self, key: GrantId) -> Grant:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        ...

    async def keep(self, grant: Grant) -> Grant:
        """Write that one was withdrawn."""
        ...

    async def of(self, customer: CustomerId) -> Sequence[Grant]:
        """Return a customer's, by key."""
        ...

    async def give(self, given: Given) -> None:
        """Keep that something was given away; the giver's balance says so too (``Draws.put``)."""
        ...

    async def given_by(self, giver: SubscriptionId, since: datetime) -> Sequence[Given]:
        """Return what a subscription gave since an instant."""
        ...

    async def given(self, customer: CustomerId) -> Sequence[Given]:
        """Return what a customer's subscriptions gave."""
        ...

    async def received(self, customers: Sequence[CustomerId]) -> Sequence[GrantId]:
        """Return those of these customers' grants that are gifts."""
        ...

    async def rules(self) -> GiftRules | None:
        """Return the operator's rules; None: nobody gives."""
        ...

    async def put_rules(self, rules: GiftRules | None) -> None:
        """Put the operator's rules."""
        ...

    async def moves(self, customer: CustomerId, since: datetime, until: datetime, *, first: int) -> Sequence[Move]:
        """Return how balances moved in a time, the newest first."""
        ...

    async def crossings(
        self, customer: CustomerId, since: datetime, until: datetime, *, first: int
    ) -> Sequence[Crossing]:
        """Return the thresholds that were crossed in a time, the newest first."""
        ...

    async def charges(
        self, contracts: Sequence[ContractId], since: date, until: date
    ) -> Mapping[ContractId, Sequence[Grant]]:
        """Return the grants with a price that are charged to each contract on days in ``[since, until)``, by day."""
        ...


class Plans(Protocol):
    """Who is on which plan."""

    async def columns(self) -> pl.DataFrame:
        """Return all of the operator as ``domain.plans.assignment.ASSIGNED``, by key."""
        ...

    async def of_customer(self, customer: CustomerId) -> Sequence[PlanAssignment]:
        """Return those of a customer's contracts and subscriptions, by key."""
        ...

    async def of_contracts(self, keys: Sequence[ContractId]) -> Mapping[ContractId, Sequence[PlanAssignment]]:
        """Return those of each contract and its subscriptions, by time."""
        ...

    async def add(self, one: PlanAssignment) -> PlanAssignment:
        """Keep a new one. Refuses with: Overlap."""
        ...

    async def end(self, one: PlanAssignment, day: date | None) -> None:
        """Let one end on a day; None: it is gone."""
        ...

    async def get(self, key: PlanAssignmentId) -> PlanAssignment:
        """Return one. Refuses with: NotFound."""
        ...

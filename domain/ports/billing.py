"""Stores of what is charged beside contracts, of what invoices follow, and of when bills are run by themselves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from domain.ids import BillScheduleId, ChargeId, CustomerId
from domain.invoicing.bill_schedule import BillSchedule
from domain.invoicing.billing_rules import BillingRules
from domain.invoicing.charge import Charge
from domain.ports.page import Page, PageRequest


class Charges(Protocol):
    """What is charged to customers that the actor may see."""

    async def add(self, charge: Charge) -> Charge:
        """Keep a new one (its ``id`` is 0). Refuses with: NotFound (customer)."""
        ...

    async def get(self, key: ChargeId) -> Charge:
        """Return one. Refuses with: NotFound."""
        ...

    async def many(self, keys: Sequence[ChargeId]) -> Mapping[ChargeId, Charge]:
        """Return those that exist and may be seen."""
        ...

    async def keep(self, charge: Charge) -> Charge:
        """Write when it ends or was withdrawn, where the stored version is its own. Refuses with: Stale."""
        ...

    async def page(self, request: PageRequest, *, customer: CustomerId | None = None) -> Page[Charge]:
        """List by key, withdrawn ones too."""
        ...

    async def of_customers(self, keys: Sequence[CustomerId], *, before: date) -> Mapping[CustomerId, Sequence[Charge]]:
        """Return those that are not withdrawn and start before a day, by customer and key."""
        ...

    async def billed(self, keys: Sequence[ChargeId]) -> Mapping[ChargeId, Collection[date]]:
        """Return the first days of what was billed of each."""
        ...


class RulesOfBilling(Protocol):
    """What the operator's invoices follow."""

    async def every(self) -> Sequence[BillingRules]:
        """Return the rules that were set, by group."""
        ...

    async def put(self, rules: BillingRules) -> BillingRules:
        """Keep those of a group where the stored version is theirs, 0 of new ones. Refuses with: Stale."""
        ...

    async def drop(self, group: str, version: int) -> None:
        """Let a group have none. Refuses with: NotFound, Stale."""
        ...

    async def of(self, customers: Sequence[CustomerId], at: datetime) -> Mapping[CustomerId, BillingRules]:
        """Return what holds for each: those of the first of its groups then that has some, or the operator's."""
        ...


class BillSchedules(Protocol):
    """When bills are run by themselves."""

    async def every(self) -> Sequence[BillSchedule]:
        """Return them by name."""
        ...

    async def due(self, now: datetime) -> Sequence[BillSchedule]:
        """Return the active ones whose time has come, held until the unit ends; one that another unit holds is not."""
        ...

    async def put(self, schedule: BillSchedule) -> BillSchedule:
        """Keep one where the stored version is its own, 0 of a new one. Refuses with: Stale, Conflict (name)."""
        ...

    async def tell(self, key: BillScheduleId, told: str, at: datetime) -> None:
        """Keep what came of it."""
        ...

    async def move_on(self, key: BillScheduleId, next_at: datetime) -> None:
        """Keep when it is due again."""
        ...

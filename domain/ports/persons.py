"""The store of what is done to a whole person: merging doubles, telling everything, erasing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from domain.ids import CustomerId


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """A line of the audit trail about a person: ``detail`` is a JSON object, or nothing; memory keeps no times."""

    at: datetime | None
    client: str
    action: str
    target: str
    detail: Mapping[str, object] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long a country's law keeps invoices: ``years`` after the end of the year of issue."""

    years: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """What keeps a customer from being closed, as counts."""

    contracts: int
    unbilled_events: bool
    numbers: int


class Persons(Protocol):
    """Customers of the unit's operator that the actor may see, with everything that hangs on them."""

    async def hand_over(self, double: CustomerId, survivor: CustomerId, *, at: datetime) -> Mapping[str, int]:
        """Give a customer's contracts, lines, numbers, buckets and groups to another; return how many of each."""
        ...

    async def doubles(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, Sequence[CustomerId]]:
        """Return which customers were merged into each, also over several steps."""
        ...

    def trail(self, targets: Sequence[str]) -> AsyncIterator[Sequence[Trail]]:
        """Yield the lines of audit about things in blocks, by time."""
        ...

    def usage(self, customer: CustomerId) -> AsyncIterator[Sequence[Mapping[str, object]]]:
        """Yield a customer's rated events in blocks, by time: what a person may know of them, without costs."""
        ...

    async def payments(self, customer: CustomerId) -> Sequence[Mapping[str, object]]:
        """Return the payments that were booked for a customer."""
        ...

    async def still_open(self, customer: CustomerId, *, at: datetime) -> Open:
        """Return what is not finished: contracts that have not ended, numbers still held, usage not yet invoiced."""
        ...

    async def retention(self, country: str, on: date) -> Retention:
        """Return the rule of a country on a day; that for all others where it has none."""
        ...

    async def erase(self, customer: CustomerId, *, name: str, at: datetime) -> Mapping[str, int]:
        """Anonymise a person in place and return how many rows of each kind were changed.

        Gone are notes, contacts, groups, own fields, the labels and texts of lines; the other side's number in usage
        loses its end, and one's own number what tells whose it was. Invoices and the ledger stay.
        """
        ...

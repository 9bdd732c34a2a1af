"""The stores of the dated tree of customers and of notes about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

from domain.customers.note import Note
from domain.customers.place import Place
from domain.ids import CustomerId
from domain.ports.page import Page, PageRequest


class Places(Protocol):
    """Where customers that the actor may see stood, stand and will stand in the tree."""

    async def of(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, Sequence[Place]]:
        """Return the dated places of each in order; none for who was never moved."""
        ...

    async def put(self, customer: CustomerId, places: Sequence[Place]) -> None:
        """Write all places of a customer in the place of those there are."""
        ...

    async def above(self, key: CustomerId, on: date) -> Sequence[CustomerId]:
        """Return the customer and those above it on a day, nearest first, as far as may be seen."""
        ...

    async def below(self, key: CustomerId, on: date) -> Mapping[CustomerId, tuple[int, CustomerId | None]]:
        """Return everybody below a customer on a day: how many levels, and through whom other than its parent it pays.

        The customer itself is among them at level 0.
        """
        ...

    async def days(self, since: date) -> Sequence[date]:
        """Return the days after one on which anybody is moved, of the operator's whole tree."""
        ...

    async def due(self, on: date, *, first: int) -> Sequence[CustomerId]:
        """Return customers whose own row does not say what holds on a day."""
        ...

    async def invoiced_until(self, key: CustomerId) -> date | None:
        """Return the end of the last period that was billed to the customer or for it; None: none was."""
        ...


class Notes(Protocol):
    """Notes about customers that the actor may see."""

    async def page(self, customer: CustomerId, request: PageRequest) -> Page[Note]:
        """List a customer's by key, which is their order in time."""
        ...

    async def add(self, note: Note) -> Note:
        """Keep a new one (its ``id`` is 0)."""
        ...

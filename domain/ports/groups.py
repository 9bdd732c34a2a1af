"""The store of customers' groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.customers.group import Membership
from domain.ids import CustomerId


class Groups(Protocol):
    """Memberships of customers that the actor may see; who changes one has looked the customer up."""

    async def of(self, customer: CustomerId) -> Sequence[Membership]:
        """Return a customer's, by name and time."""
        ...

    async def known(self, names: Sequence[str]) -> frozenset[str]:
        """Return which of these names a group has that somebody is, was or will be in."""
        ...

    async def add(self, one: Membership) -> None:
        """Keep a new one. Refuses with: Overlap (the customer is in the group then)."""
        ...

    async def end(self, one: Membership, ended: Membership | None) -> None:
        """Put an earlier end in the place of one, or nothing."""
        ...

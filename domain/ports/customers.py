"""Stores of customers and resellers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from domain.customers.customer import Customer
from domain.ids import CustomerId, ResellerId
from domain.ports.page import Page, PageRequest
from domain.resellers.reseller import Reseller, Term


class Customers(Protocol):
    """Customers of the unit's operator that its actor may see."""

    async def get(self, key: CustomerId) -> Customer:
        """Return one. Refuses with: NotFound."""
        ...

    async def many(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, Customer]:
        """Return those that exist and may be seen."""
        ...

    async def by_number(self, number: str) -> Customer:
        """Return the one with this customer number. Refuses with: NotFound."""
        ...

    async def page(
        self,
        request: PageRequest,
        *,
        text: str | None = None,
        parent: CustomerId | None = None,
        country: str | None = None,
    ) -> Page[Customer]:
        """List by key, or with a text by the word that was found (``domain.customers.searching``).

        ``country`` is where the text's national numbers are from. Refuses with: BadValue (``after`` is not found).
        """
        ...

    async def children(self, keys: Sequence[CustomerId]) -> Mapping[CustomerId, Sequence[Customer]]:
        """Return the direct sub-customers of each."""
        ...

    async def above(self, key: CustomerId) -> Sequence[Customer]:
        """Return the customer and those above it, nearest first, as far as may be seen and ``TREE_DEPTH_MAX``."""
        ...

    async def hold_tree(self) -> None:
        """Let no other unit move a customer in the tree until this one ends."""
        ...

    async def add(self, customer: Customer) -> Customer:
        """Keep a new one (its ``id`` is 0) and return it with its key. Refuses with: Conflict (number taken)."""
        ...

    async def claim(self, key: CustomerId) -> Customer:
        """Return one locked until the unit ends. Refuses with: NotFound."""
        ...

    async def keep(self, customer: Customer) -> Customer:
        """Write a changed one where the stored version is its own; return it with the next. Refuses with: Stale."""
        ...

    async def next_number(self) -> str:
        """Draw the next customer number of the operator's series."""
        ...


class Resellers(Protocol):
    """The operator's tree of resellers."""

    async def tree(self) -> Mapping[ResellerId, Reseller]:
        """Return every reseller of the operator (a reseller's actor sees his subtree)."""
        ...

    async def base(self) -> Mapping[ResellerId, Reseller]:
        """Return the resellers as they are before the first of their terms; a unit of the operator's own."""
        ...

    async def terms(self) -> Sequence[Term]:
        """Return every term of the resellers that may be seen, by reseller and time."""
        ...

    async def hold_tree(self) -> None:
        """Let no other unit change who buys from whom until this one ends."""
        ...

    async def put_term(self, term: Term) -> None:
        """Keep a term, in the place of one of the same instant. Refuses with: NotFound (customer)."""
        ...

    async def drop_terms(self, reseller: ResellerId, since: datetime) -> int:
        """Take back the terms of a reseller that begin at or after an instant; return how many there were."""
        ...

    async def add(self, reseller: Reseller) -> Reseller:
        """Keep a new one (its ``id`` is 0); a reseller's actor sees it at once. Refuses with: Conflict (code taken)."""
        ...

    async def keep(self, reseller: Reseller) -> Reseller:
        """Write name, code and seller where the stored version is its own. Refuses with: Stale, Conflict (code)."""
        ...

    async def put_logo(self, sha256: str, content: bytes) -> None:
        """Keep a picture under its content."""
        ...

    async def logo(self, sha256: str) -> bytes | None:
        """Return a picture; None where there is none."""
        ...

"""A store of one kind of row that is kept and changed by version, whatever the rows are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from domain.ports.page import Page, PageRequest

Row = TypeVar("Row")


class Shelf(Protocol[Row]):
    """Rows of the operator. Criteria are fields by name: a value, several values (any of them), or None."""

    async def add(self, row: Row) -> Row:
        """Keep a new row; its ``id`` is 0. Refuses with: Conflict (a row that excludes it is there)."""
        ...

    async def add_all(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Keep new rows, in their order. Refuses with: Conflict."""
        ...

    async def get(self, key: int) -> Row:
        """Return one, locked until the unit ends. Refuses with: NotFound."""
        ...

    async def put(self, row: Row) -> Row:
        """Write a row at the version it was read at, and return it with the next. Refuses with: Stale, Conflict."""
        ...

    async def find(self, **criteria: Any) -> Sequence[Row]:
        """Return the rows that meet all criteria, by key."""
        ...

    async def page(self, request: PageRequest, **criteria: Any) -> Page[Row]:
        """List rows that meet all criteria, by key; a criterion that is None asks for nothing here."""
        ...

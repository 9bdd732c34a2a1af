"""The store of what fields of the operator's own there are, and the search by their values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.fields.definition import Aggregate, FieldDefinition
from domain.ports.page import Page, PageRequest


class FieldDefinitions(Protocol):
    """Definitions of the unit's operator; all his resellers see them."""

    async def all(self, aggregate: Aggregate | None = None) -> Sequence[FieldDefinition]:
        """Return those of an aggregate, or all, by aggregate and name; ended ones too."""
        ...

    async def now(self) -> datetime:
        """Return the instant at which definitions are in force or not: that of the unit."""
        ...

    async def add(self, definition: FieldDefinition) -> FieldDefinition:
        """Keep a new one. Refuses with: Conflict (the name is taken)."""
        ...

    async def keep(self, definition: FieldDefinition) -> FieldDefinition:
        """Write a changed one where the stored version is its own. Refuses with: Stale."""
        ...

    async def owners(self, aggregate: Aggregate, name: str, value: str, request: PageRequest) -> Page[int]:
        """List the keys of those whose field begins with a value, in small letters; by key."""
        ...

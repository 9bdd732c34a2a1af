"""The store of user levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from domain.access.level import Level
from domain.ids import LevelId


class Levels(Protocol):
    """Levels that the unit's actor may see: the operator's people all, a reseller's his own and the built-in ones."""

    async def all(self) -> Sequence[Level]:
        """Return those that are not removed, by key."""
        ...

    async def many(self, keys: Sequence[LevelId]) -> Mapping[LevelId, Level]:
        """Return those that exist and may be seen, removed ones too."""
        ...

    async def get(self, key: LevelId) -> Level:
        """Return one that is not removed. Refuses with: NotFound."""
        ...

    async def claim(self, key: LevelId) -> Level:
        """Return one that is not removed, locked until the unit ends. Refuses with: NotFound."""
        ...

    async def built_in(self, name: str) -> Level:
        """Return a built-in one by its key, such as ``administrator``. Refuses with: NotFound."""
        ...

    async def add(self, level: Level) -> Level:
        """Keep a new one. Refuses with: Conflict (name taken), NotFound (reseller)."""
        ...

    async def keep(self, level: Level) -> Level:
        """Write a changed one, a version further. Refuses with: Stale, Conflict (name taken)."""
        ...

    async def holders(self, key: LevelId) -> int:
        """Return how many users and clients have it, those that are shut out not counted."""
        ...

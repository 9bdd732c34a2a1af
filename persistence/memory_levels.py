"""User levels in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from domain.access.level import BUILT_IN, TWICE, Level
from domain.ids import LevelId, OperatorId
from domain.refusal import Conflict, NotFound, Stale
from persistence.memory import Draft

_NAMES: Final = {
    "read_only": "Read-only",
    **{key: key.replace("_", " ").capitalize() for key in BUILT_IN if key != "read_only"},
}


def add_built_in(draft: Draft, operator: OperatorId) -> None:
    """Give a new operator the built-in levels, as a trigger of the table ``operator`` does."""
    rows = draft.table("user_level")
    for key in BUILT_IN:
        one = Level(
            id=LevelId(draft.draw("user_level")),
            operator=operator,
            name=_NAMES[key],
            built_in=key,
            requires_second_factor=key in TWICE,
        )
        rows[one.id] = one


class MemoryLevels:
    """Keeps ``domain.ports.levels.Levels`` in memory."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _seen(self) -> list[Level]:
        draft = self._draft
        return [
            row
            for _, row in sorted(draft.table("user_level").items())
            if row.operator == draft.actor.operator and (draft.sees(row) or (row.built_in or "").startswith("reseller"))
        ]

    async def all(self) -> Sequence[Level]:
        """Return those that are not removed, by key."""
        return [one for one in self._seen() if not one.removed]

    async def many(self, keys: Sequence[LevelId]) -> Mapping[LevelId, Level]:
        """Return those that exist and may be seen, removed ones too."""
        return {one.id: one for one in self._seen() if one.id in set(keys)}

    async def get(self, key: LevelId) -> Level:
        """Return one that is not removed. Refuses with: NotFound."""
        for one in await self.all():
            if one.id == key:
                return one
        raise NotFound("no level {level}", level=key, field="level")

    async def claim(self, key: LevelId) -> Level:
        """Return one; the unit has everything locked. Refuses with: NotFound."""
        return await self.get(key)

    async def built_in(self, name: str) -> Level:
        """Return a built-in one by its key. Refuses with: NotFound."""
        for one in self._seen():
            if one.built_in == name:
                return one
        raise NotFound("no built-in level {level}", level=name, field="level")

    def _check_name(self, level: Level) -> None:
        for other in self._draft.table("user_level").values():
            same = (other.operator, other.reseller) == (level.operator, level.reseller) and not other.removed
            if same and other.id != level.id and other.name.lower() == level.name.lower() and not level.removed:
                raise Conflict("there is a level {name} already", name=level.name, field="name")

    async def add(self, level: Level) -> Level:
        """Keep a new one. Refuses with: Conflict (name taken)."""
        self._check_name(level)
        kept = replace(level, id=LevelId(self._draft.draw("user_level")), version=1)
        self._draft.table("user_level")[kept.id] = kept
        return kept

    async def keep(self, level: Level) -> Level:
        """Write a changed one, a version further. Refuses with: Stale, Conflict (name taken)."""
        rows = self._draft.table("user_level")
        if rows[level.id].version != level.version:
            raise Stale("the level was changed by somebody else; read it again", field="version")
        self._check_name(level)
        rows[level.id] = replace(level, version=level.version + 1)
        return replace(level, version=level.version + 1)

    async def holders(self, key: LevelId) -> int:
        """Return how many users and clients have it, those that are shut out not counted."""
        users = [one for one in self._draft.table("app_user").values() if one.state != "disabled"]
        clients = [one for one in self._draft.table("api_client").values() if one.revoked_at is None]
        return len([one for one in (*users, *clients) if one.level == key])

"""User levels in PostgreSQL, and as their limits are written there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from domain.access.actor import Actor
from domain.access.level import Level
from domain.access.limits import Ceiling, Limits
from domain.ids import LevelId, OperatorId, ResellerId
from domain.refusal import Conflict, NotFound, Stale
from persistence.engine import Transaction
from persistence.violations import possible, refusing

COLUMNS: Final = (
    "operator, id, name, built_in, reseller, permissions, limits, requires_second_factor, version, removed_at"
)


def level_from_row(row: Mapping[str, Any]) -> Level:
    """Make the level of a row."""
    return Level(
        id=LevelId(row["id"]),
        operator=OperatorId(row["operator"]),
        name=row["name"],
        built_in=row["built_in"],
        reseller=None if row["reseller"] is None else ResellerId(row["reseller"]),
        permissions=frozenset(row["permissions"]),
        limits=read_limits(row["limits"]),
        requires_second_factor=row["requires_second_factor"],
        removed=row["removed_at"] is not None,
        version=row["version"],
    )


def read_limits(text: str) -> Limits:
    """Read limits as they are kept."""
    kept = json.loads(text)
    return Limits(
        amounts=tuple(
            Ceiling(
                currency=one["currency"],
                each=Decimal(one["each"]),
                day=None if one.get("day") is None else Decimal(one["day"]),
            )
            for one in kept.get("amounts", ())
        ),
        groups=frozenset(kept.get("groups", ())),
        reseller=None if kept.get("reseller") is None else ResellerId(kept["reseller"]),
    )


def write_limits(limits: Limits) -> str:
    """Write limits as they are kept."""
    amounts = [
        {"currency": one.currency, "each": str(one.each), "day": None if one.day is None else str(one.day)}
        for one in limits.amounts
    ]
    return json.dumps({"amounts": amounts, "groups": sorted(limits.groups), "reseller": limits.reseller})


class LevelStore:
    """Keeps ``domain.ports.levels.Levels`` in PostgreSQL."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = int(actor.operator)

    async def _some(self, where: str, *arguments: object) -> list[Level]:
        rows = await self._transaction.connection.fetch(
            f"select {COLUMNS} from user_level where operator = $1 and {where}",  # noqa: S608  (our own words)
            *(self._operator, *arguments),
        )
        return [level_from_row(row) for row in rows]

    async def all(self) -> Sequence[Level]:
        """Return those that are not removed, by key."""
        return await self._some("removed_at is null order by id")

    async def many(self, keys: Sequence[LevelId]) -> Mapping[LevelId, Level]:
        """Return those that exist and may be seen, removed ones too."""
        return {one.id: one for one in await self._some("id = any ($2::bigint[])", possible(keys))}

    async def get(self, key: LevelId) -> Level:
        """Return one that is not removed. Refuses with: NotFound."""
        return _only(await self._some("removed_at is null and id = any ($2::bigint[])", possible([key])), key)

    async def claim(self, key: LevelId) -> Level:
        """Return one that is not removed, locked until the unit ends. Refuses with: NotFound."""
        where = "removed_at is null and id = any ($2::bigint[])"
        found = _only(await self._some(where, possible([key])), key)
        if found.built_in is not None:
            return found  # nobody changes it
        return _only(await self._some(f"{where} for update", [key]), key)

    async def built_in(self, name: str) -> Level:
        """Return a built-in one by its key. Refuses with: NotFound."""
        found = await self._some("built_in = $2", name)
        if not found:
            raise NotFound("no built-in level {level}", level=name, field="level")
        return found[0]

    async def add(self, level: Level) -> Level:
        """Keep a new one. Refuses with: Conflict (name taken), NotFound (reseller)."""
        no_reseller = NotFound("no reseller {reseller}", reseller=level.reseller, field="reseller")
        with refusing({"user_level_name": _taken(level), "user_level_operator_reseller_fkey": no_reseller}):
            key = await self._transaction.connection.fetchval(
                "insert into user_level (operator, name, reseller, permissions, limits, requires_second_factor)"
                " values ($1, $2, $3, $4, $5, $6) returning id",
                *(self._operator, level.name, level.reseller, sorted(level.permissions)),
                *(write_limits(level.limits), level.requires_second_factor),
            )
        return replace(level, id=LevelId(key), version=1)

    async def keep(self, level: Level) -> Level:
        """Write a changed one, a version further. Refuses with: Stale, Conflict (name taken)."""
        with refusing({"user_level_name": _taken(level)}):
            key = await self._transaction.connection.fetchval(
                "update user_level set name = $4, permissions = $5, limits = $6, requires_second_factor = $7,"
                " removed_at = case when $8 then now() end, version = version + 1"
                " where operator = $1 and id = $2 and version = $3 returning id",
                *(self._operator, level.id, level.version, level.name, sorted(level.permissions)),
                *(write_limits(level.limits), level.requires_second_factor, level.removed),
            )
        if key is None:
            raise Stale("the level was changed by somebody else; read it again", field="version")
        return replace(level, version=level.version + 1)

    async def holders(self, key: LevelId) -> int:
        """Return how many users and clients have it, those that are shut out not counted."""
        return int(
            await self._transaction.connection.fetchval(
                "select (select count(*) from app_user where operator = $1 and level = $2 and state <> 'disabled')"
                " + (select count(*) from api_client where operator = $1 and level = $2 and revoked_at is null)",
                *(self._operator, key),
            )
        )


def _only(found: Sequence[Level], key: LevelId) -> Level:
    if not found:
        raise NotFound("no level {level}", level=key, field="level")
    return found[0]


def _taken(level: Level) -> Conflict:
    return Conflict("there is a level {name} already", name=level.name, field="name")

"""Versions of what stands in many rows, or in none: in PostgreSQL and in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.access.actor import Actor
from domain.ports.versions import Versioned
from domain.refusal import Stale
from persistence.engine import Transaction
from persistence.memory import Draft


class VersionStore:
    """Keeps ``domain.ports.versions.Versions``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._transaction = transaction
        self._operator = actor.operator

    async def of(self, kind: Versioned, keys: Sequence[object]) -> Mapping[str, int]:
        """Return the version of each key."""
        texts = [str(key) for key in keys]
        rows = await self._transaction.connection.fetch(
            "select key, version from aggregate_version where operator = $1 and kind = $2 and key = any($3::text[])",
            *(self._operator, kind.value, texts),
        )
        return dict.fromkeys(texts, 1) | {row["key"]: row["version"] for row in rows}

    async def advance(self, kind: Versioned, key: object, expected: int | None) -> int:
        """Count a change. Refuses with: Stale."""
        version = await self._transaction.connection.fetchval(
            "insert into aggregate_version as known (operator, kind, key, version) values ($1, $2, $3, 2)"
            " on conflict (operator, kind, key) do update set version = known.version + 1 returning version",
            *(self._operator, kind.value, str(key)),
        )
        return _checked(int(version), expected)

    async def advance_all(self, kind: Versioned, keys: Sequence[object]) -> None:
        """Count a change of each."""
        await self._transaction.connection.execute(
            "insert into aggregate_version as known (operator, kind, key, version)"
            " select $1, $2, key, 2 from unnest($3::text[]) key order by key"
            " on conflict (operator, kind, key) do update set version = known.version + 1",
            *(self._operator, kind.value, sorted({str(key) for key in keys})),
        )


class MemoryVersions:
    """Keeps ``domain.ports.versions.Versions``."""

    def __init__(self, draft: Draft) -> None:
        self._rows = draft.table("aggregate_version")
        self._operator = draft.actor.operator

    async def of(self, kind: Versioned, keys: Sequence[object]) -> Mapping[str, int]:
        """Return the version of each key."""
        return {str(key): self._rows.get((self._operator, kind, str(key)), 1) for key in keys}

    async def advance(self, kind: Versioned, key: object, expected: int | None) -> int:
        """Count a change. Refuses with: Stale."""
        place = (self._operator, kind, str(key))
        version = self._rows.get(place, 1) + 1
        self._rows[place] = version
        return _checked(version, expected)

    async def advance_all(self, kind: Versioned, keys: Sequence[object]) -> None:
        """Count a change of each."""
        for key in keys:
            await self.advance(kind, key, None)


def _checked(version: int, expected: int | None) -> int:
    if expected is not None and version - 1 != expected:
        raise Stale("it was changed since; read it again", field="version")
    return version

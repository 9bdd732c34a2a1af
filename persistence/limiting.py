"""Rates in PostgreSQL: one row a bucket, filled as it is drawn from; and in memory, for the twin."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from domain.access.actor import Actor
from domain.access.rate import Rate, RateLimit
from domain.ids import OperatorId
from domain.refusal import NotFound, Stale
from persistence.engine import INGEST, Database, Transaction
from persistence.memory import Draft, MemoryDatabase

# The row is locked while it is drawn from, so no token is given twice, whoever asks at the same moment. One time for
# the whole statement; it may have waited for another that came later, and then nothing was filled in between.
_FULL: Final = "least($4::int, b.tokens + $3 * greatest(0, extract(epoch from statement_timestamp() - b.at)))"
_GIVEN: Final = f"floor(greatest(0, least($2::int, {_FULL})))"
_TAKE: Final = f"""
insert into rate_bucket as b (key, tokens, granted, at)
values ($1, $4::int - least($2::int, $4::int), least($2::int, $4::int), statement_timestamp())
on conflict (key) do update set granted = {_GIVEN}::int, tokens = {_FULL} - {_GIVEN},
    at = greatest(b.at, statement_timestamp())
returning granted, tokens"""  # noqa: S608  (our own words)
_COLUMNS: Final = "operator, client, per_second, burst, version"


class StoredBuckets:
    """Keeps ``domain.ports.limiting.Buckets``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, key: str, wanted: int, rate: Rate) -> tuple[int, float]:
        """Take up to ``wanted`` whole tokens; return how many were there, and what is left."""
        async with self._database.transaction(role=INGEST) as unit:
            # What is lost with a crash fills the buckets, and nobody waits for a disk here.
            await unit.connection.execute("set local synchronous_commit = off")
            row = await unit.connection.fetchrow(_TAKE, key, wanted, float(rate.per_second), rate.burst)
        return row["granted"], row["tokens"]

    async def limits(self, operator: OperatorId) -> Mapping[str, RateLimit]:
        """Return what an operator set, by client."""
        async with self._database.transaction(role=INGEST, readonly=True) as unit:
            rows = await unit.connection.fetch(
                f"select {_COLUMNS} from rate_limit where operator = $1",  # noqa: S608  (our own words)
                operator,
            )
        return {row["client"]: _of(row) for row in rows}


class RateLimitStore:
    """Keeps ``domain.ports.limiting.RateLimits``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    async def all(self) -> Sequence[RateLimit]:
        """Return them by client, the account's first."""
        rows = await self._connection.fetch(
            f"select {_COLUMNS} from rate_limit where operator = $1 order by client",  # noqa: S608  (our own words)
            self._operator,
        )
        return [_of(row) for row in rows]

    async def keep(self, limit: RateLimit) -> RateLimit:
        """Write one: new with version 0, or a version further. Refuses with: Stale."""
        row = await self._connection.fetchrow(
            "insert into rate_limit as r (operator, client, per_second, burst) select $1, $2, $3, $4 where $5::int = 0"
            " on conflict do nothing returning version"
            if limit.version == 0
            else "update rate_limit set per_second = $3, burst = $4, version = version + 1"
            " where operator = $1 and client = $2 and version = $5 returning version",
            *(self._operator, limit.client, limit.per_second, limit.burst, limit.version),
        )
        if row is None:
            raise Stale("the limit was changed by somebody else; read it again", field="version")
        return replace(limit, version=row["version"])

    async def remove(self, client: str, *, version: int) -> RateLimit:
        """Take one away. Refuses with: NotFound, Stale."""
        found = {one.client: one for one in await self.all()}.get(client)
        _check(found, client, version)
        assert found is not None
        await self._connection.execute(
            "delete from rate_limit where operator = $1 and client = $2", self._operator, client
        )
        return found


class MemoryRateLimits:
    """The same, in memory."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._operator = draft.actor.operator

    async def all(self) -> Sequence[RateLimit]:
        """Return them by client."""
        rows = self._draft.table("rate_limit")
        return [rows[key] for key in sorted(rows) if key[0] == self._operator]

    async def keep(self, limit: RateLimit) -> RateLimit:
        """Write one. Refuses with: Stale."""
        rows, place = self._draft.table("rate_limit"), (limit.operator, limit.client)
        if (rows[place].version if place in rows else 0) != limit.version:
            raise Stale("the limit was changed by somebody else; read it again", field="version")
        rows[place] = replace(limit, version=limit.version + 1)
        kept: RateLimit = rows[place]
        return kept

    async def remove(self, client: str, *, version: int) -> RateLimit:
        """Take one away. Refuses with: NotFound, Stale."""
        found = {one.client: one for one in await self.all()}.get(client)
        _check(found, client, version)
        assert found is not None
        del self._draft.table("rate_limit")[self._operator, client]
        return found


class MemoryBuckets:
    """Buckets of this process alone."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database
        self._buckets: dict[str, tuple[float, float]] = {}

    async def take(self, key: str, wanted: int, rate: Rate) -> tuple[int, float]:
        """Take up to ``wanted`` whole tokens."""
        now = time.monotonic()
        tokens, at = self._buckets.get(key, (float(rate.burst), now))
        tokens = min(float(rate.burst), tokens + rate.per_second * (now - at))
        granted = int(max(0.0, min(float(wanted), tokens)))
        self._buckets[key] = (tokens - granted, now)
        return granted, tokens - granted

    async def limits(self, operator: OperatorId) -> Mapping[str, RateLimit]:
        """Return what an operator set, by client."""
        rows = self._database.state.tables.get("rate_limit", {})
        return {client: one for (owner, client), one in rows.items() if owner == operator}


def _check(found: RateLimit | None, client: str, version: int) -> None:
    if found is None:
        raise NotFound("no limit is set for {client!r}", client=client, field="client")
    if found.version != version:
        raise Stale("the limit was changed by somebody else; read it again", field="version")


def _of(row: Mapping[str, Any]) -> RateLimit:
    return RateLimit(
        operator=OperatorId(row["operator"]),
        client=row["client"],
        per_second=row["per_second"],
        burst=row["burst"],
        version=row["version"],
    )

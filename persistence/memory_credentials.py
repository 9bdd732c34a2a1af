"""Callers and signing keys in memory, over the state as it was last committed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from domain.access.editions import Edition
from domain.access.level import Level
from domain.ids import ApiKeyId, OperatorId, ResellerId
from domain.ports.credentials import Known, KnownKey, KnownPerson, SigningKey
from domain.resellers.reseller import Reach, narrowest
from persistence.credentials import outlived
from persistence.memory import MemoryDatabase


class MemoryCredentials:
    """The port ``Credentials`` in memory."""

    def __init__(self, memory: MemoryDatabase) -> None:
        self._memory = memory
        self._keys: list[SigningKey] = []
        self._said: dict[tuple[str, bytes], datetime] = {}
        self._lock = asyncio.Lock()

    def _table(self, name: str) -> dict[Any, Any]:
        return self._memory.state.tables.get(name, {})

    def _edition(self, operator: OperatorId) -> Edition:
        found = self._table("operator").get(operator)
        return Edition.RETAIL if found is None else found.edition

    def _below(self, reseller: ResellerId | None) -> tuple[ResellerId, ...]:
        if reseller is None:
            return ()
        reached, rows = [reseller], self._table("reseller")
        for one in reached:  # the list grows while it is walked, tier by tier
            reached += sorted(key for key, row in rows.items() if row.parent == one and key not in reached)
        return tuple(reached)

    async def find(self, client_id: str) -> Known | None:
        """Return a client, revoked ones too; None where there is none."""
        client = self._table("api_client").get(client_id)
        if client is None:
            return None
        level = None if client.level is None else self._table("user_level")[client.level]
        whose, below = self._reach(client.reseller, level)
        return Known(replace(client, reseller=whose), below, self._edition(client.operator), level)

    def _reach(self, own: ResellerId | None, level: Level | None) -> Reach:
        limited = None if level is None else level.limits.reseller
        return narrowest(own, self._below(own), limited, self._below(limited))

    async def person(self, sid: str) -> KnownPerson | None:
        """Return who signed in, by his session's name, ended ones too; None where there is none."""
        for session in self._table("user_session").values():
            if session.sid == sid:
                user = self._table("app_user")[session.user]
                level = self._table("user_level")[user.level]
                whose, below = self._reach(user.reseller, level)
                return KnownPerson(
                    session=session,
                    state=user.state,
                    language=user.language,
                    email=user.email,
                    name=user.name,
                    level=level,
                    portal=self._table("api_client")[session.client_id],
                    edition=self._edition(session.operator),
                    reseller=whose,
                    resellers=below,
                )
        return None

    async def api_key(self, sha256: bytes) -> KnownKey | None:
        """Return an API key, ended ones too; None where there is none."""
        for key in self._table("api_key").values():
            if key.sha256 == sha256:
                return KnownKey(key=key, edition=self._edition(key.operator), resellers=self._below(key.reseller))
        return None

    async def used(self, key: ApiKeyId, operator: OperatorId, *, at: datetime) -> None:
        """Record when an API key was used last."""
        del operator
        rows = self._table("api_key")
        rows[key] = replace(rows[key], last_used_at=at)

    async def portals_of(self, origin: str) -> frozenset[str]:
        """Return the client ids of the portals whose pages have an origin, without those that are revoked."""
        return frozenset(
            client.client_id
            for client in self._table("api_client").values()
            if client.revoked_at is None and client.portal is not None and origin in client.portal.origins
        )

    async def once(self, owner: str, sha256: bytes, *, until: datetime, now: datetime) -> bool:
        """Record that an owner has said something; False where he had said it before, and it still counts."""
        known = self._said.get((owner, sha256))
        if known is not None and known > now:
            return False
        self._said[owner, sha256] = until
        return True

    async def operator_of_attempt(self, state_sha256: bytes) -> OperatorId | None:
        """Return whose sign-in comes back from an identity provider."""
        found = self._table("provider_attempt").get(state_sha256)
        return None if found is None else OperatorId(found[0])

    async def sweep(self, *, now: datetime, ended_before: datetime) -> int:
        """Forget what counts no more, and sessions that ended before a time; return how many rows."""
        gone = list(self._old(now))
        for one in gone:
            del self._said[one]
        sessions = self._table("user_session")
        old = [key for key, session in sessions.items() if session.ends_at <= ended_before]
        for key in old:
            del sessions[key]
        return len(gone) + len(old)

    def _old(self, now: datetime) -> Iterator[tuple[str, bytes]]:
        return (place for place, until in self._said.items() if until <= now)

    async def keys(self, make: Callable[[], SigningKey]) -> Sequence[SigningKey]:
        """Return the signing keys, making the first one."""
        async with self._lock:
            if not self._keys:
                self._keys.append(make())
            return tuple(self._keys)

    async def set_aside(self) -> Sequence[str]:
        """Return none: nothing is sealed in memory."""
        return []

    async def add_key(
        self, make: Callable[[Sequence[SigningKey]], SigningKey | None], *, retire_before: datetime
    ) -> Sequence[SigningKey]:
        """Keep the key that ``make`` returns, if any, and return them all, the newest first; retire old ones."""
        async with self._lock:
            old = outlived(self._keys, retire_before)
            if (key := make(tuple(self._keys))) is not None:
                self._keys.insert(0, key)
            self._keys = [replace(one, retired_at=retire_before) if one.kid in old else one for one in self._keys]
            return tuple(self._keys)

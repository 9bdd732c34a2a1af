"""Clients and signing keys as authentication reads them: as the owner, because no operator is known yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from domain.access.actor import Action
from domain.access.client import ApiClient
from domain.access.editions import Edition
from domain.ids import OperatorId, ResellerId
from domain.ports.credentials import Known, SigningKey
from domain.resellers.reseller import TIERS_MAX
from persistence.engine import OWNER, Database

# One number of PostgreSQL's advisory locks: whoever makes the first signing key holds it.
_FIRST_KEY_LOCK = 0x746F6C6C6B6579

_CLIENT = """
select c.client_id, c.operator, c.name, c.secret_sha256, c.scopes, c.reseller, c.created_at, c.revoked_at, o.edition
  from api_client c join operator o on o.id = c.operator where c.client_id = $1
"""
# Himself first, then everyone below him; the depth guards against a cycle that nothing should have let in.
_SUBTREE = """
with recursive tree as materialized (select * from reseller_at(now()) where operator = $1),
below as (
    select id, 0 as depth from tree where id = $2
    union all
    select r.id, b.depth + 1 from tree r join below b on r.parent = b.id where b.depth < $3
)
select id from below order by depth, id
"""


class StoredCredentials:
    """The port ``Credentials`` on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, client_id: str) -> Known | None:
        """Return a client, revoked ones too; None where there is none."""
        async with self._database.transaction(role=OWNER, readonly=True) as unit:
            row = await unit.connection.fetchrow(_CLIENT, client_id)
            if row is None:
                return None
            client = ApiClient(
                client_id=row["client_id"],
                operator=OperatorId(row["operator"]),
                name=row["name"],
                secret_sha256=row["secret_sha256"],
                scopes=_scopes(row["scopes"]),
                reseller=None if row["reseller"] is None else ResellerId(row["reseller"]),
                created_at=row["created_at"],
                revoked_at=row["revoked_at"],
            )
            edition = Edition(row["edition"])
            if client.reseller is None:
                return Known(client, edition=edition)
            below = await unit.connection.fetch(_SUBTREE, client.operator, client.reseller, TIERS_MAX)
        return Known(client, tuple(ResellerId(one["id"]) for one in below), edition)

    async def keys(self, make: Callable[[], SigningKey]) -> Sequence[SigningKey]:
        """Return the signing keys, the newest first, making the first one under a lock."""
        async with self._database.transaction(role=OWNER) as unit:
            await unit.connection.execute("select pg_advisory_xact_lock($1)", _FIRST_KEY_LOCK)
            query = "select kid, private_pem, created_at, retired_at from signing_key order by created_at desc, kid"
            rows = await unit.connection.fetch(query)
            if not rows:
                key = make()
                await unit.connection.execute(
                    "insert into signing_key (kid, private_pem, created_at) values ($1, $2, $3)",
                    key.kid,
                    key.private_pem,
                    key.created_at,
                )
                return [key]
        return [SigningKey(**dict(row)) for row in rows]


class MemoryCredentials:
    """The port ``Credentials`` in memory, over mappings of clients, each reseller's parent, and operators' editions."""

    def __init__(
        self,
        clients: Mapping[str, ApiClient],
        parents: Mapping[ResellerId, ResellerId | None] | None = None,
        editions: Mapping[OperatorId, Edition] | None = None,
    ) -> None:
        self._clients = clients
        self._editions = {} if editions is None else editions
        self._parents = {} if parents is None else parents  # which may be empty now and grow
        self._keys: list[SigningKey] = []
        self._lock = asyncio.Lock()

    async def find(self, client_id: str) -> Known | None:
        """Return a client, revoked ones too; None where there is none."""
        client = self._clients.get(client_id)
        if client is None:
            return None
        edition = self._editions.get(client.operator, Edition.RETAIL)
        if client.reseller is None:
            return Known(client, edition=edition)
        reached = [client.reseller]
        for one in reached:  # the list grows while it is walked, tier by tier
            reached += sorted(key for key, parent in self._parents.items() if parent == one and key not in reached)
        return Known(client, tuple(reached), edition)

    async def keys(self, make: Callable[[], SigningKey]) -> Sequence[SigningKey]:
        """Return the signing keys, making the first one."""
        async with self._lock:
            if not self._keys:
                self._keys.append(make())
            return tuple(self._keys)


def _scopes(texts: Sequence[str]) -> frozenset[Action]:
    """Read stored scopes. One that this release no longer knows gives no permission."""
    known = {action.value: action for action in Action}
    return frozenset(known[text] for text in texts if text in known)

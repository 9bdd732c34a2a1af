"""Callers and signing keys as authentication reads them: as the owner, because no operator is known yet."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from domain.access.editions import Edition
from domain.access.level import Level
from domain.access.user import UserState
from domain.ids import ApiKeyId, OperatorId, ResellerId
from domain.ports.credentials import Known, KnownKey, KnownPerson, SigningKey
from domain.ports.transports import Unopenable, Vault
from domain.resellers.reseller import TIERS_MAX, Reach, narrowest
from persistence.access import client_from_row
from persistence.engine import OWNER, Database, Transaction
from persistence.levels import COLUMNS, level_from_row
from persistence.sealing import PREFIX, key_about, open_text, sealed_text
from persistence.sign_ins import key_of_row, session_of

# One number of PostgreSQL's advisory locks: whoever makes a signing key holds it.
_KEY_LOCK: Final = 0x746F6C6C6B6579

_LEVEL: Final = ", ".join(f"l.{name.strip()} as level_{name.strip()}" for name in COLUMNS.split(","))
_CLIENT: Final = f"""
select c.*, o.edition, {_LEVEL} from api_client c join operator o on o.id = c.operator
  left join user_level l on l.operator = c.operator and l.id = c.level
 where c.client_id = $1
"""  # noqa: S608  (our own words)
_PERSON: Final = f"""
select s.*, u.state, u.language, u.email, u.name, u.reseller as whose, o.edition, {_LEVEL}
  from user_session s join operator o on o.id = s.operator
  join app_user u on u.operator = s.operator and u.id = s.user_id
  join user_level l on l.operator = u.operator and l.id = u.level
 where s.sid = $1
"""  # noqa: S608  (our own words)
# Himself first, then everyone below him; the depth guards against a cycle that nothing should have let in.
_SUBTREE: Final = """
with recursive tree as materialized (select * from reseller_at(now()) where operator = $1),
below as (
    select id, 0 as depth from tree where id = $2
    union all
    select r.id, b.depth + 1 from tree r join below b on r.parent = b.id where b.depth < $3
)
select id from below order by depth, id
"""
_KEYS: Final = (
    "select kid, private_pem, created_at, signs_from, retired_at, set_aside_at from signing_key"
    " order by signs_from desc, kid"
)


class StoredCredentials:
    """The port ``Credentials`` on PostgreSQL. ``vault`` seals the private halves of signing keys."""

    def __init__(self, database: Database, vault: Vault | None = None) -> None:
        self._database = database
        self._vault = vault

    async def find(self, client_id: str) -> Known | None:
        """Return a client, revoked ones too; None where there is none."""
        if "\0" in client_id:
            return None
        async with self._database.transaction(role=OWNER, readonly=True) as unit:
            row = await unit.connection.fetchrow(_CLIENT, client_id)
            if row is None:
                return None
            level = _level(row) if row["level_id"] is not None else None
            limited = None if level is None else level.limits.reseller
            whose, below = await _reach(unit, row["operator"], row["reseller"], limited)
        return Known(replace(client_from_row(row), reseller=whose), below, Edition(row["edition"]), level)

    async def person(self, sid: str) -> KnownPerson | None:
        """Return who signed in, by his session's name, ended ones too; None where there is none."""
        async with self._database.transaction(role=OWNER, readonly=True) as unit:
            row = await unit.connection.fetchrow(_PERSON, sid)
            if row is None:
                return None
            portal = await unit.connection.fetchrow("select * from api_client where client_id = $1", row["client_id"])
            level = _level(row)
            whose, below = await _reach(unit, row["operator"], row["whose"], level.limits.reseller)
        return KnownPerson(
            session=session_of(row),
            state=UserState(row["state"]),
            language=row["language"],
            email=row["email"],
            name=row["name"],
            level=level,
            portal=client_from_row(portal),
            edition=Edition(row["edition"]),
            reseller=whose,
            resellers=below,
        )

    async def api_key(self, sha256: bytes) -> KnownKey | None:
        """Return an API key, ended ones too; None where there is none."""
        async with self._database.transaction(role=OWNER, readonly=True) as unit:
            row = await unit.connection.fetchrow(
                "select k.*, o.edition from api_key k join operator o on o.id = k.operator where k.sha256 = $1", sha256
            )
            if row is None:
                return None
            below = await _below(unit, row["operator"], row["reseller"])
        return KnownKey(key=key_of_row(row), edition=Edition(row["edition"]), resellers=below)

    async def used(self, key: ApiKeyId, operator: OperatorId, *, at: datetime) -> None:
        """Record when an API key was used last, roughly."""
        async with self._database.transaction(role=OWNER) as unit:
            await unit.connection.execute(
                "update api_key set last_used_at = $3 where operator = $1 and id = $2 and (last_used_at is null"
                " or last_used_at < $3)",
                *(operator, key, at),
            )

    async def portals_of(self, origin: str) -> frozenset[str]:
        """Return the client ids of the portals whose pages have an origin, without those that are revoked."""
        async with self._database.transaction(role=OWNER, readonly=True) as unit:
            rows = await unit.connection.fetch(
                "select client_id from api_client where portal->'origins' ? $1 and revoked_at is null", origin
            )
        return frozenset(row["client_id"] for row in rows)

    async def once(self, owner: str, sha256: bytes, *, until: datetime, now: datetime) -> bool:
        """Record that an owner has said something; False where he had said it before, and it still counts."""
        async with self._database.transaction(role=OWNER) as unit:
            new = await unit.connection.fetchval(
                "insert into said_once (owner, sha256, until) values ($1, $2, $3) on conflict (owner, sha256)"
                " do update set until = excluded.until where said_once.until <= $4 returning true",
                *(owner, sha256, until, now),
            )
        return bool(new)

    async def operator_of_attempt(self, state_sha256: bytes) -> OperatorId | None:
        """Return whose sign-in comes back from an identity provider."""
        async with self._database.transaction(role=OWNER, readonly=True) as unit:
            found = await unit.connection.fetchval(
                "select operator from provider_attempt where state_sha256 = $1", state_sha256
            )
        return None if found is None else OperatorId(found)

    async def sweep(self, *, now: datetime, ended_before: datetime) -> int:
        """Forget what counts no more, and sessions that ended before a time; return how many rows."""
        async with self._database.transaction(role=OWNER) as unit:
            gone = 0
            for statement, value in (
                ("delete from said_once where until <= $1", now),
                ("delete from provider_attempt where expires_at <= $1", now),
                ("delete from user_session where ends_at <= $1", ended_before),
            ):
                gone += int((await unit.connection.execute(statement, value)).rpartition(" ")[2])
        return gone

    async def keys(self, make: Callable[[], SigningKey]) -> Sequence[SigningKey]:
        """Return the signing keys, the newest first, making one under a lock where none can be used."""
        async with self._database.transaction(role=OWNER, readonly=True) as unit:
            rows = await unit.connection.fetch(_KEYS)
        if self._vault is None or all(row["private_pem"].startswith(PREFIX) for row in rows):
            there = self._opened(rows)
            if any(key.retired_at is None for key in there):
                return there
        async with self._database.transaction(role=OWNER) as unit:
            await unit.connection.execute("select pg_advisory_xact_lock($1)", _KEY_LOCK)
            if all(key.retired_at is not None for key in self._opened(await unit.connection.fetch(_KEYS))):
                await self._keep(unit, make())
            await self._seal(unit)
            return self._opened(await unit.connection.fetch(_KEYS))

    async def set_aside(self) -> Sequence[str]:
        """Record which signing keys the master key does not open, and return the kids of those that are new."""
        async with self._database.transaction(role=OWNER) as unit:
            rows = await unit.connection.fetch(_KEYS)
            known = {key.kid for key in self._opened(rows)}
            lost = [row["kid"] for row in rows if row["kid"] not in known and row["set_aside_at"] is None]
            if lost:
                await unit.connection.execute(
                    "update signing_key set set_aside_at = now() where kid = any ($1::text[])", lost
                )
        return lost

    async def add_key(
        self, make: Callable[[Sequence[SigningKey]], SigningKey | None], *, retire_before: datetime
    ) -> Sequence[SigningKey]:
        """Keep the key that ``make`` returns, if any, and return them all, the newest first; retire old ones."""
        async with self._database.transaction(role=OWNER) as unit:
            await unit.connection.execute("select pg_advisory_xact_lock($1)", _KEY_LOCK)
            there = self._opened(await unit.connection.fetch(_KEYS))
            if (key := make(there)) is not None:
                await self._keep(unit, key)
            for kid in outlived(there, retire_before):
                await unit.connection.execute("update signing_key set retired_at = now() where kid = $1", kid)
            return self._opened(await unit.connection.fetch(_KEYS))

    def _opened(self, rows: Sequence[Mapping[str, Any]]) -> list[SigningKey]:
        """Return the keys that the master key opens; the others sign nothing here, and stay as they are."""
        found = []
        for row in rows:
            with suppress(Unopenable):
                found.append(self._key(row))
        return found

    def _key(self, row: Mapping[str, Any]) -> SigningKey:
        fields = dict(row)
        del fields["set_aside_at"]
        if self._vault is not None:
            fields["private_pem"] = open_text(self._vault, row["private_pem"], about=key_about(row["kid"]))
        return SigningKey(**fields)

    async def _keep(self, unit: Transaction, key: SigningKey) -> None:
        pem = key.private_pem
        if self._vault is not None:
            pem = sealed_text(self._vault, pem, about=key_about(key.kid))
        await unit.connection.execute(
            "insert into signing_key (kid, private_pem, created_at, signs_from) values ($1, $2, $3, $4)",
            *(key.kid, pem, key.created_at, key.begins),
        )

    async def _seal(self, unit: Transaction) -> None:
        """Seal what an earlier release kept in the clear."""
        if self._vault is None:
            return
        for row in await unit.connection.fetch(_KEYS):
            if not row["private_pem"].startswith(PREFIX):
                pem = sealed_text(self._vault, row["private_pem"], about=key_about(row["kid"]))
                await unit.connection.execute("update signing_key set private_pem = $2 where kid = $1", row["kid"], pem)


async def _below(unit: Transaction, operator: int, reseller: int | None) -> tuple[ResellerId, ...]:
    if reseller is None:
        return ()
    rows = await unit.connection.fetch(_SUBTREE, operator, reseller, TIERS_MAX)
    return tuple(ResellerId(one["id"]) for one in rows)


async def _reach(unit: Transaction, operator: int, own: int | None, limited: int | None) -> Reach:
    below = await _below(unit, operator, own)
    return narrowest(own, below, limited, () if limited is None else await _below(unit, operator, limited))


def outlived(keys: Sequence[SigningKey], before: datetime) -> list[str]:
    """Return the kids, of keys that are the newest first, whose follower has signed since before a time."""
    return [
        older.kid for newer, older in itertools.pairwise(keys) if newer.begins <= before and older.retired_at is None
    ]


def _level(row: Mapping[str, Any]) -> Level:
    return level_from_row(
        {name.removeprefix("level_"): value for name, value in row.items() if name.startswith("level_")}
    )

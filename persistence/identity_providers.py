"""Operators' own identity providers, the sign-ins that are there now, and who is who, in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

from domain.access.actor import Actor
from domain.access.identity_provider import IdentityProvider, LevelRule
from domain.ids import IdentityProviderId, LevelId, OperatorId, ResellerId, UserId
from domain.ports.sign_ins import Attempt
from domain.refusal import Conflict, NotFound, Stale
from persistence.engine import Transaction
from persistence.violations import KEY_MAX, refusing

_PROVIDER: Final = (
    "id, operator, reseller, name, issuer, client_id, sealed_secret, scopes, rules, makes_users, asks_twice, active,"
    " version, created_at"
)


def provider_of(row: Mapping[str, Any]) -> IdentityProvider:
    """Make the provider of a row."""
    return IdentityProvider(
        id=IdentityProviderId(row["id"]),
        operator=OperatorId(row["operator"]),
        reseller=None if row["reseller"] is None else ResellerId(row["reseller"]),
        sealed_secret=None if row["sealed_secret"] is None else bytes(row["sealed_secret"]),
        scopes=tuple(row["scopes"]),
        rules=tuple(
            LevelRule(claim=one["claim"], value=one["value"], level=LevelId(one["level"]))
            for one in json.loads(row["rules"])
        ),
        **{
            name: row[name]
            for name in ("name", "issuer", "client_id", "makes_users", "asks_twice", "active", "version", "created_at")
        },
    )


def _values(one: IdentityProvider) -> tuple[object, ...]:
    return (
        *(one.reseller, one.name, one.issuer, one.client_id, one.sealed_secret, list(one.scopes)),
        *(json.dumps([asdict(rule) for rule in one.rules]), one.makes_users, one.asks_twice, one.active, one.version),
    )


def taken(one: IdentityProvider) -> Conflict:
    """Return what is said of a name that another has."""
    return Conflict("the name {name} is taken", name=one.name, field="name")


class IdentityProviderStore:
    """Keeps ``domain.ports.sign_ins.IdentityProviders``."""

    def __init__(self, transaction: Transaction, actor: Actor) -> None:
        self._connection = transaction.connection
        self._operator = int(actor.operator)

    def _rules(self, one: IdentityProvider) -> dict[str, Any]:
        return {
            "identity_provider_operator_name_key": taken(one),
            "identity_provider_operator_reseller_fkey": NotFound(
                "no reseller {key}", key=one.reseller, field="reseller"
            ),
        }

    async def add(self, provider: IdentityProvider) -> IdentityProvider:
        """Keep a new one. Refuses with: Conflict (name taken)."""
        with refusing(self._rules(provider)):
            row = await self._connection.fetchrow(
                "insert into identity_provider (operator, reseller, name, issuer, client_id, sealed_secret, scopes,"  # noqa: S608  (our own words)
                " rules, makes_users, asks_twice, active, version, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8,"
                f" $9, $10, $11, $12, $13) returning {_PROVIDER}",
                *(self._operator, *_values(provider), provider.created_at),
            )
        return provider_of(row)

    async def all(self) -> Sequence[IdentityProvider]:
        """Return them by name."""
        rows = await self._connection.fetch(
            f"select {_PROVIDER} from identity_provider where operator = $1 order by name",  # noqa: S608  (our own words)
            self._operator,
        )
        return [provider_of(row) for row in rows]

    async def claim(self, key: IdentityProviderId) -> IdentityProvider:
        """Return one locked. Refuses with: NotFound."""
        row = None
        if 0 <= key <= KEY_MAX:
            row = await self._connection.fetchrow(
                f"select {_PROVIDER} from identity_provider where operator = $1 and id = $2 for update",  # noqa: S608  (our own words)
                *(self._operator, key),
            )
        if row is None:
            raise NotFound("no identity provider {key}", key=key, field="provider")
        return provider_of(row)

    async def by_name(self, name: str) -> IdentityProvider:
        """Return one. Refuses with: NotFound."""
        row = await self._connection.fetchrow(
            f"select {_PROVIDER} from identity_provider where operator = $1 and name = $2",  # noqa: S608  (our own words)
            *(self._operator, name),
        )
        if row is None:
            raise NotFound("no identity provider {key}", key=name[:80], field="provider")
        return provider_of(row)

    async def keep(self, provider: IdentityProvider) -> IdentityProvider:
        """Write a changed one, a version further. Refuses with: Stale, Conflict (name taken)."""
        kept = replace(provider, version=provider.version + 1)
        with refusing(self._rules(provider)):
            done = await self._connection.fetchval(
                "update identity_provider set reseller = $3, name = $4, issuer = $5, client_id = $6,"
                " sealed_secret = $7, scopes = $8, rules = $9, makes_users = $10, asks_twice = $11, active = $12,"
                " version = $13 where operator = $1 and id = $2 and version = $14 returning true",
                *(self._operator, provider.id, *_values(kept), provider.version),
            )
        if not done:
            raise Stale("the identity provider was changed by somebody else; read it again", field="version")
        return kept

    async def remove(self, key: IdentityProviderId) -> None:
        """Forget one, with who its people are there."""
        await self._connection.execute(
            "delete from identity_provider where operator = $1 and id = $2", self._operator, key
        )

    async def forget_people(self, key: IdentityProviderId) -> None:
        """Forget who its people are there."""
        await self._connection.execute(
            "delete from provider_subject where operator = $1 and provider = $2", self._operator, key
        )

    async def begin(self, attempt: Attempt) -> None:
        """Keep a sign-in that goes to the provider."""
        await self._connection.execute(
            "insert into provider_attempt (state_sha256, operator, provider, nonce, sealed_verifier, asked, expires_at)"
            " values ($1, $2, $3, $4, $5, $6, $7)",
            *(attempt.state_sha256, self._operator, attempt.provider, attempt.nonce, attempt.sealed_verifier),
            *(json.dumps(dict(attempt.asked)), attempt.expires_at),
        )

    async def take(self, state_sha256: bytes) -> Attempt | None:
        """Return a sign-in that comes back, and forget it; None where there is none."""
        row = await self._connection.fetchrow(
            "delete from provider_attempt where state_sha256 = $1 and operator = $2 returning *",
            *(state_sha256, self._operator),
        )
        if row is None:
            return None
        return Attempt(
            state_sha256=state_sha256,
            provider=IdentityProviderId(row["provider"]),
            nonce=row["nonce"],
            sealed_verifier=bytes(row["sealed_verifier"]),
            asked=json.loads(row["asked"]),
            expires_at=row["expires_at"],
        )

    async def user_of(self, provider: IdentityProviderId, subject: str) -> UserId | None:
        """Return who a subject is here."""
        found = await self._connection.fetchval(
            "select user_id from provider_subject where operator = $1 and provider = $2 and subject = $3",
            *(self._operator, provider, subject),
        )
        return None if found is None else UserId(found)

    async def know(self, provider: IdentityProviderId, subject: str, user: UserId) -> None:
        """Record who a subject is here."""
        await self._connection.execute(
            "insert into provider_subject (operator, provider, subject, user_id) values ($1, $2, $3, $4)"
            " on conflict (operator, provider, subject) do update set user_id = excluded.user_id",
            *(self._operator, provider, subject, user),
        )

"""What authentication reads before it is known for which operator a caller acts: clients, people, keys, tiers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.access.api_key import ApiKey
from domain.access.client import ApiClient
from domain.access.editions import Edition
from domain.access.level import Level
from domain.access.session import UserSession
from domain.access.user import UserState
from domain.ids import ApiKeyId, OperatorId, ResellerId


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A private key that access tokens are signed with (ES256, PKCS#8 PEM). ``kid`` names its public half.

    It is published at once, signs from ``signs_from`` on (None: from ``created_at``) until the next one does, and is
    believed until ``retired_at``.
    """

    kid: str
    private_pem: str = field(repr=False)
    created_at: datetime
    signs_from: datetime | None = None
    retired_at: datetime | None = None

    @property
    def begins(self) -> datetime:
        """From when on it signs."""
        return self.signs_from or self.created_at


@dataclass(frozen=True, slots=True)
class Known:
    """A client as it is now, its operator's edition, the level it is tied to, and the resellers it may reach.

    Those are none for the operator's own.
    """

    client: ApiClient
    resellers: tuple[ResellerId, ...] = ()
    edition: Edition = Edition.RETAIL
    level: Level | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPerson:
    """Who signed in, as he is now: his session, his portal, his level, and the resellers he may reach.

    ``reseller`` is whose person he is, or the one that his level limits him to. ``portal_resellers``: where the portal
    is a reseller's, what it may reach.
    """

    session: UserSession
    state: UserState
    language: str
    email: str
    name: str
    level: Level
    portal: ApiClient
    edition: Edition = Edition.RETAIL
    reseller: ResellerId | None = None
    resellers: tuple[ResellerId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """An API key as it is now."""

    key: ApiKey
    edition: Edition = Edition.RETAIL
    resellers: tuple[ResellerId, ...] = ()


class Credentials(Protocol):
    """Callers of every operator, and the keys that sign their tokens. Only authentication holds this."""

    async def find(self, client_id: str) -> Known | None:
        """Return a client, revoked ones too; None where there is none."""
        ...

    async def person(self, sid: str) -> KnownPerson | None:
        """Return who signed in, by his session's name, ended ones too; None where there is none."""
        ...

    async def api_key(self, sha256: bytes) -> KnownKey | None:
        """Return an API key, ended ones too; None where there is none."""
        ...

    async def used(self, key: ApiKeyId, operator: OperatorId, *, at: datetime) -> None:
        """Record when an API key was used last."""
        ...

    async def portals_of(self, origin: str) -> frozenset[str]:
        """Return the client ids of the portals whose pages have an origin, without those that are revoked."""
        ...

    async def once(self, owner: str, sha256: bytes, *, until: datetime, now: datetime) -> bool:
        """Record that an owner has said something; False where he had said it before, and it still counts.

        Of several who say it at once, one is told True.
        """
        ...

    async def operator_of_attempt(self, state_sha256: bytes) -> OperatorId | None:
        """Return whose sign-in comes back from an identity provider."""
        ...

    async def sweep(self, *, now: datetime, ended_before: datetime) -> int:
        """Forget what counts no more, and sessions that ended before a time; return how many rows."""
        ...

    async def keys(self, make: Callable[[], SigningKey]) -> Sequence[SigningKey]:
        """Return the signing keys, the newest first; where there is none, keep the one that ``make`` returns.

        Two processes that ask at once get the same key. One that the master key does not open is none of them.
        """
        ...

    async def set_aside(self) -> Sequence[str]:
        """Record which signing keys the master key does not open, and return the kids of those that are new.

        They stay as they are: with the key that sealed them they are believed again.
        """
        ...

    async def add_key(
        self, make: Callable[[Sequence[SigningKey]], SigningKey | None], *, retire_before: datetime
    ) -> Sequence[SigningKey]:
        """Keep the key that ``make`` returns for those there are, if any, and return them all, the newest first.

        A key that stopped signing before ``retire_before`` is retired. Of several who do this, one at a time does.
        """
        ...

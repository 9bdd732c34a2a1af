"""Stores of people's sessions, of API keys, and of operators' own identity providers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.access.api_key import ApiKey
from domain.access.identity_provider import IdentityProvider
from domain.access.session import AuthorizationCode, UserSession
from domain.ids import ApiKeyId, IdentityProviderId, SessionId, UserId
from domain.ports.page import Page, PageRequest


@dataclass(frozen=True, slots=True)
class Shown:
    """A one-use secret that somebody showed: whether this was its first time, and the session it is of."""

    first: bool
    session: UserSession
    code: AuthorizationCode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A sign-in that is at an identity provider now. ``asked``: what the portal wanted, as JSON."""

    state_sha256: bytes
    provider: IdentityProviderId
    nonce: str
    sealed_verifier: bytes = field(repr=False)
    asked: Mapping[str, str]
    expires_at: datetime


class SignIns(Protocol):
    """Sessions of people, as far as the actor reaches: a reseller's sees those of his part of the tree."""

    async def add(self, session: UserSession) -> UserSession:
        """Keep a new one (its ``id`` is 0)."""
        ...

    async def add_code(self, code: AuthorizationCode) -> None:
        """Keep a new code."""
        ...

    async def show_code(self, sha256: bytes, client_id: str, *, at: datetime) -> Shown | None:
        """Use up a client's code, and return it with its session, locked; None where there is no such code.

        Of several who show it at once, one is first.
        """
        ...

    async def add_refresh(self, session: SessionId, sha256: bytes, *, at: datetime) -> None:
        """Keep a new refresh token."""
        ...

    async def show_refresh(self, sha256: bytes, client_id: str, *, at: datetime) -> Shown | None:
        """Use up a client's refresh token, and return its session, locked; None where there is no such token."""
        ...

    async def renew(self, session: SessionId, *, at: datetime) -> None:
        """Record that a session was used."""
        ...

    async def claim(self, sid: str) -> UserSession:
        """Return one locked, whether it lives or not. Refuses with: NotFound."""
        ...

    async def claim_by_key(self, key: SessionId) -> UserSession:
        """Return one locked, whether it lives or not. Refuses with: NotFound."""
        ...

    async def finish(self, session: SessionId, *, at: datetime, why: str) -> bool:
        """End one; tell whether it lived."""
        ...

    async def end(self, user: UserId, *, at: datetime, why: str, except_sid: str | None = None) -> int:
        """End all of a person's that live, but one; return how many."""
        ...

    async def forget_places(self, user: UserId) -> None:
        """Forget where a person signed in from."""
        ...

    async def page(self, request: PageRequest, *, user: UserId | None = None, living_at: datetime) -> Page[UserSession]:
        """List those that live, by key, of one person or of all."""
        ...


class ApiKeys(Protocol):
    """API keys of the operator, as far as the actor reaches: a reseller's sees those of his part of the tree."""

    async def add(self, key: ApiKey) -> ApiKey:
        """Keep a new one (its ``id`` is 0). Refuses with: NotFound (reseller)."""
        ...

    async def page(self, request: PageRequest) -> Page[ApiKey]:
        """List by key, those that have ended too."""
        ...

    async def claim(self, key: ApiKeyId) -> ApiKey:
        """Return one locked. Refuses with: NotFound."""
        ...

    async def find(self, prefix: str) -> ApiKey:
        """Return one by its public beginning. Refuses with: NotFound."""
        ...

    async def keep(self, key: ApiKey) -> ApiKey:
        """Write a changed one."""
        ...


class IdentityProviders(Protocol):
    """Identity providers of the operator, as far as the actor reaches."""

    async def add(self, provider: IdentityProvider) -> IdentityProvider:
        """Keep a new one (its ``id`` is 0). Refuses with: Conflict (name taken)."""
        ...

    async def all(self) -> Sequence[IdentityProvider]:
        """Return them by name."""
        ...

    async def claim(self, key: IdentityProviderId) -> IdentityProvider:
        """Return one locked. Refuses with: NotFound."""
        ...

    async def by_name(self, name: str) -> IdentityProvider:
        """Return one. Refuses with: NotFound."""
        ...

    async def keep(self, provider: IdentityProvider) -> IdentityProvider:
        """Write a changed one, a version further. Refuses with: Stale, Conflict (name taken)."""
        ...

    async def remove(self, key: IdentityProviderId) -> None:
        """Forget one, with who its people are there."""
        ...

    async def forget_people(self, key: IdentityProviderId) -> None:
        """Forget who its people are there."""
        ...

    async def begin(self, attempt: Attempt) -> None:
        """Keep a sign-in that goes to the provider."""
        ...

    async def take(self, state_sha256: bytes) -> Attempt | None:
        """Return a sign-in that comes back, and forget it; None where there is none. It comes back once."""
        ...

    async def user_of(self, provider: IdentityProviderId, subject: str) -> UserId | None:
        """Return who a subject is here."""
        ...

    async def know(self, provider: IdentityProviderId, subject: str, user: UserId) -> None:
        """Record who a subject is here."""
        ...

"""Sessions of people, API keys and identity providers in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from domain.access.api_key import ApiKey
from domain.access.identity_provider import IdentityProvider
from domain.access.session import AuthorizationCode, UserSession
from domain.ids import ApiKeyId, IdentityProviderId, SessionId, UserId
from domain.ports.page import Page, PageRequest
from domain.ports.sign_ins import Attempt, Shown
from domain.refusal import NotFound, Stale
from persistence.identity_providers import taken
from persistence.memory import Draft, page_of
from persistence.memory_customers import exists


class MemorySignIns:
    """Keeps ``domain.ports.sign_ins.SignIns``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def add(self, session: UserSession) -> UserSession:
        """Keep a new one."""
        kept = replace(session, id=SessionId(self._draft.draw("user_session")))
        self._draft.table("user_session")[kept.id] = kept
        return kept

    async def add_code(self, code: AuthorizationCode) -> None:
        """Keep a new code."""
        self._draft.table("authorization_code")[code.sha256] = (code, None)

    async def show_code(self, sha256: bytes, client_id: str, *, at: datetime) -> Shown | None:
        """Use up a client's code, and return it with its session; None where there is no such code."""
        rows = self._draft.table("authorization_code")
        code, used = rows.get(sha256, (None, None))
        if code is None or code.client_id != client_id:
            return None
        session = self._draft.table("user_session")[code.session]
        if not self._draft.sees(session):
            return None
        rows[sha256] = (code, used or at)
        return Shown(used is None, session, code)

    async def add_refresh(self, session: SessionId, sha256: bytes, *, at: datetime) -> None:
        """Keep a new refresh token."""
        del at
        self._draft.table("refresh_token")[sha256] = (session, None)

    async def show_refresh(self, sha256: bytes, client_id: str, *, at: datetime) -> Shown | None:
        """Use up a client's refresh token, and return its session; None where there is no such token."""
        rows = self._draft.table("refresh_token")
        key, used = rows.get(sha256, (None, None))
        session = self._draft.table("user_session").get(key)
        if session is None or session.client_id != client_id or not self._draft.sees(session):
            return None
        rows[sha256] = (key, used or at)
        return Shown(used is None, session)

    async def renew(self, session: SessionId, *, at: datetime) -> None:
        """Record that a session was used."""
        rows = self._draft.table("user_session")
        rows[session] = replace(rows[session], renewed_at=at)

    async def claim(self, sid: str) -> UserSession:
        """Return one. Refuses with: NotFound."""
        for one in self._seen():
            if one.sid == sid:
                return one
        raise NotFound("no such session", field="session")

    async def claim_by_key(self, key: SessionId) -> UserSession:
        """Return one. Refuses with: NotFound."""
        for one in self._seen():
            if one.id == key:
                return one
        raise NotFound("no such session", field="session")

    def _seen(self) -> list[UserSession]:
        return self._draft.seen("user_session")

    async def finish(self, session: SessionId, *, at: datetime, why: str) -> bool:
        """End one; tell whether it lived."""
        rows = self._draft.table("user_session")
        one = rows[session]
        if one.ended_at is not None or one.ends_at <= at:
            return False
        rows[session] = replace(one, ended_at=at, ended_why=why)
        return True

    async def end(self, user: UserId, *, at: datetime, why: str, except_sid: str | None = None) -> int:
        """End all of a person's that live, but one; return how many."""
        wanted = [one for one in self._seen() if one.user == user and one.sid != except_sid]
        return sum([await self.finish(one.id, at=at, why=why) for one in wanted])

    async def forget_places(self, user: UserId) -> None:
        """Forget where a person signed in from."""
        rows = self._draft.table("user_session")
        for one in self._seen():
            if one.user == user:
                rows[one.id] = replace(one, address=None)

    async def page(self, request: PageRequest, *, user: UserId | None = None, living_at: datetime) -> Page[UserSession]:
        """List those that live, by key, of one person or of all."""
        rows = [
            one for one in self._seen() if one.ended_at is None and one.ends_at > living_at and user in (None, one.user)
        ]
        return page_of(rows, request, lambda one: one.id)


class MemoryApiKeys:
    """Keeps ``domain.ports.sign_ins.ApiKeys``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    async def add(self, key: ApiKey) -> ApiKey:
        """Keep a new one. Refuses with: NotFound (reseller)."""
        if not exists(self._draft, "reseller", key.reseller, key.operator):
            raise NotFound("no reseller {key}", key=key.reseller, field="reseller")
        kept = replace(key, id=ApiKeyId(self._draft.draw("api_key")))
        self._draft.table("api_key")[kept.id] = kept
        return kept

    async def page(self, request: PageRequest) -> Page[ApiKey]:
        """List by key, those that have ended too."""
        return page_of(self._draft.seen("api_key"), request, lambda one: one.id)

    def _one(self, name: str, value: object, shown: object) -> ApiKey:
        for one in self._draft.seen("api_key"):
            if getattr(one, name) == value:
                found: ApiKey = one
                return found
        raise NotFound("no API key {key}", key=shown, field="key")

    async def claim(self, key: ApiKeyId) -> ApiKey:
        """Return one. Refuses with: NotFound."""
        return self._one("id", key, key)

    async def find(self, prefix: str) -> ApiKey:
        """Return one by its public beginning. Refuses with: NotFound."""
        return self._one("prefix", prefix, prefix[:80])

    async def keep(self, key: ApiKey) -> ApiKey:
        """Write a changed one."""
        self._draft.table("api_key")[key.id] = key
        return key


class MemoryIdentityProviders:
    """Keeps ``domain.ports.sign_ins.IdentityProviders``."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def _check(self, provider: IdentityProvider) -> None:
        rows = self._draft.table("identity_provider").values()
        if any(
            one.operator == provider.operator and one.name == provider.name and one.id != provider.id for one in rows
        ):
            raise taken(provider)
        if not exists(self._draft, "reseller", provider.reseller, provider.operator):
            raise NotFound("no reseller {key}", key=provider.reseller, field="reseller")

    async def add(self, provider: IdentityProvider) -> IdentityProvider:
        """Keep a new one. Refuses with: Conflict (name taken)."""
        self._check(provider)
        kept = replace(provider, id=IdentityProviderId(self._draft.draw("identity_provider")))
        self._draft.table("identity_provider")[kept.id] = kept
        return kept

    async def all(self) -> Sequence[IdentityProvider]:
        """Return them by name."""
        return sorted(self._draft.seen("identity_provider"), key=lambda one: str(one.name))

    async def claim(self, key: IdentityProviderId) -> IdentityProvider:
        """Return one. Refuses with: NotFound."""
        for one in await self.all():
            if one.id == key:
                return one
        raise NotFound("no identity provider {key}", key=key, field="provider")

    async def by_name(self, name: str) -> IdentityProvider:
        """Return one. Refuses with: NotFound."""
        for one in await self.all():
            if one.name == name:
                return one
        raise NotFound("no identity provider {key}", key=name[:80], field="provider")

    async def keep(self, provider: IdentityProvider) -> IdentityProvider:
        """Write a changed one, a version further. Refuses with: Stale, Conflict (name taken)."""
        self._check(provider)
        if (await self.claim(provider.id)).version != provider.version:
            raise Stale("the identity provider was changed by somebody else; read it again", field="version")
        kept = replace(provider, version=provider.version + 1)
        self._draft.table("identity_provider")[kept.id] = kept
        return kept

    async def remove(self, key: IdentityProviderId) -> None:
        """Forget one, with who its people are there."""
        self._draft.table("identity_provider").pop(key, None)
        for name in ("provider_subject", "provider_attempt"):
            rows = self._draft.table(name)
            for place in [place for place, row in rows.items() if _provider(place, row) == key]:
                del rows[place]

    async def forget_people(self, key: IdentityProviderId) -> None:
        """Forget who its people are there."""
        rows = self._draft.table("provider_subject")
        for place in [place for place in rows if place[0] == key]:
            del rows[place]

    async def begin(self, attempt: Attempt) -> None:
        """Keep a sign-in that goes to the provider."""
        self._draft.table("provider_attempt")[attempt.state_sha256] = (self._draft.actor.operator, attempt)

    async def take(self, state_sha256: bytes) -> Attempt | None:
        """Return a sign-in that comes back, and forget it; None where there is none."""
        operator, attempt = self._draft.table("provider_attempt").get(state_sha256, (None, None))
        if operator != self._draft.actor.operator:
            return None
        del self._draft.table("provider_attempt")[state_sha256]
        found: Attempt | None = attempt
        return found

    async def user_of(self, provider: IdentityProviderId, subject: str) -> UserId | None:
        """Return who a subject is here."""
        found: UserId | None = self._draft.table("provider_subject").get((provider, subject))
        return found

    async def know(self, provider: IdentityProviderId, subject: str, user: UserId) -> None:
        """Record who a subject is here."""
        self._draft.table("provider_subject")[provider, subject] = user


def _provider(place: Any, row: Any) -> object:
    return place[0] if isinstance(place, tuple) else row[1].provider

"""Ways in over SOAP: API keys, and people's sessions."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, Final

from spyne import DateTime, Integer, ServiceBase, Unicode

from api.soap.models import Model, many, needed
from api.soap.paging import key_after
from api.soap.service import Call, operation
from domain.access.actor import Action
from domain.ids import ApiKeyId, ResellerId, UserId
from domain.ports.page import PAGE_MAX, PageRequest
from domain.refusal import BadValue, NotFound
from domain.usecases.end_session import end_sessions, list_sessions
from domain.usecases.list_resellers import list_resellers
from domain.usecases.manage_api_keys import (
    CreateApiKey,
    RotateApiKey,
    create_api_key,
    find_api_key,
    list_api_keys,
    revoke_api_key,
    rotate_api_key,
)

PAGE: Final = 200
_SCOPES: Final = {action.value: action for action in Action}


class ApiKey(Model):
    """A key for a program that cannot fetch tokens. ``text`` is there once, when it is new."""

    prefix = needed(Unicode)
    name = needed(Unicode)
    scope = many(Unicode)
    reseller = Integer
    createdAt = needed(DateTime)
    createdBy = needed(Unicode)
    endsAt = needed(DateTime)
    revokedAt = DateTime
    lastUsedAt = DateTime
    text = Unicode


class ApiKeyPage(Model):
    """API keys by age."""

    count = needed(Integer)
    apiKey = many(ApiKey)
    next = Unicode


class NewApiKey(Model):
    """A key to be. ``reseller`` is the code of the one it acts for; left out: the caller's own."""

    name = needed(Unicode)
    scope = many(Unicode)
    endsAt = needed(DateTime)
    reseller = Unicode


class UserSession(Model):
    """Somebody who is signed in at a portal."""

    id = needed(Integer)
    user = needed(Integer)
    clientId = needed(Unicode)
    factor = needed(Unicode)
    address = Unicode
    createdAt = needed(DateTime)
    renewedAt = needed(DateTime)
    endsAt = needed(DateTime)


class UserSessionPage(Model):
    """Sessions by age."""

    count = needed(Integer)
    userSession = many(UserSession)
    next = Unicode


class Access(ServiceBase):
    """Who may come in, and who is in."""

    __service_name__ = "Billing"

    @operation("ListApiKeys", Integer(ge=1, le=PAGE_MAX), Unicode, returns=ApiKeyPage, result="page")
    async def list_api_keys(ctx: Any, first: int | None, after: str | None) -> Any:
        """Return the API keys, those that have ended too."""
        page = await ctx.udc.ask(list_api_keys, PageRequest(first or PAGE, key_after(after)))
        following = str(page.items[-1].id) if page.more else None
        return ApiKeyPage(count=len(page.items), apiKey=[_key(one) for one in page.items], next=following)

    @operation("CreateApiKey", needed(NewApiKey), returns=ApiKey, result="apiKey")
    async def create_api_key(ctx: Any, apiKey: Any) -> Any:
        """Make an API key, and tell its text, which nobody can read again."""
        words = list(apiKey.scope or ())
        for word in words:
            if word not in _SCOPES:
                raise BadValue("{scope!r} is no scope", scope=word[:80], field="scope")
        cmd = CreateApiKey(
            name=apiKey.name,
            scopes=frozenset(_SCOPES[word] for word in words),
            ends_at=apiKey.endsAt,
            reseller=await _reseller(ctx.udc, apiKey.reseller),
        )
        made = await ctx.udc.ask(create_api_key, cmd, clock=ctx.udc.wiring.clock, draw=secrets.token_urlsafe)
        return _key(made.key, made.text)

    @operation("RotateApiKey", needed(Unicode), DateTime, DateTime, returns=ApiKey, result="apiKey")
    async def rotate_api_key(
        ctx: Any,
        prefix: str,
        oldEndsAt: datetime | None,
        endsAt: datetime | None,
    ) -> Any:
        """Replace an API key; both are good until oldEndsAt, and without it the old one ends at once."""
        old = await ctx.udc.ask(find_api_key, prefix)
        cmd = RotateApiKey(key=ApiKeyId(old.id), old_ends_at=oldEndsAt, ends_at=endsAt)
        made = await ctx.udc.ask(rotate_api_key, cmd, clock=ctx.udc.wiring.clock, draw=secrets.token_urlsafe)
        return _key(made.key, made.text)

    @operation("RevokeApiKey", needed(Unicode), returns=ApiKey, result="apiKey")
    async def revoke_api_key(ctx: Any, prefix: str) -> Any:
        """Shut an API key out for good."""
        found = await ctx.udc.ask(find_api_key, prefix)
        return _key(await ctx.udc.ask(revoke_api_key, ApiKeyId(found.id), clock=ctx.udc.wiring.clock))

    @operation("ListUserSessions", Integer, Integer(ge=1, le=PAGE_MAX), Unicode, returns=UserSessionPage, result="page")
    async def list_user_sessions(ctx: Any, user: int | None, first: int | None, after: str | None) -> Any:
        """Return who is signed in: of one person, or of everybody."""
        whose = None if user is None else UserId(user)
        request = PageRequest(first or PAGE, key_after(after))
        page = await ctx.udc.ask(list_sessions, whose, request, clock=ctx.udc.wiring.clock)
        following = str(page.items[-1].id) if page.more else None
        shown = [_session(one) for one in page.items]
        return UserSessionPage(count=len(shown), userSession=shown, next=following)

    @operation("EndUserSessions", needed(Integer), returns=needed(Integer), result="count")
    async def end_user_sessions(ctx: Any, user: int) -> Any:
        """End all sessions of a person."""
        return await ctx.udc.ask(end_sessions, UserId(user), clock=ctx.udc.wiring.clock)


async def _reseller(call: Call, code: str | None) -> ResellerId | None:
    if code is None:
        return None
    for one in await call.ask(list_resellers):
        if one.code == code:
            return ResellerId(one.id)
    raise NotFound("no reseller {key}", key=code[:80], field="reseller")


def _key(one: Any, text: str | None = None) -> Any:
    return ApiKey(
        prefix=one.prefix,
        name=one.name,
        scope=sorted(action.value for action in one.scopes),
        reseller=one.reseller,
        createdAt=one.created_at,
        createdBy=one.created_by,
        endsAt=one.ends_at,
        revokedAt=one.revoked_at,
        lastUsedAt=one.last_used_at,
        text=text,
    )


def _session(one: Any) -> Any:
    return UserSession(
        id=one.id,
        user=one.user,
        clientId=one.client_id,
        factor=one.factor,
        address=one.address,
        createdAt=one.created_at,
        renewedAt=one.renewed_at,
        endsAt=one.ends_at,
    )

"""Ways in: portals, clients' proofs, API keys, people's sessions, and operators' own identity providers."""

from __future__ import annotations

import json
import secrets
from datetime import datetime
from typing import Annotated, Any

import strawberry

from api.auth.client_keys import read_keys
from api.auth.elsewhere import around
from api.graphql.clients import ClientType
from api.graphql.connections import Connection, connect, request
from api.graphql.context import Info
from api.graphql.ids import global_id, key_of, read_number
from api.graphql.inputs import command
from api.graphql.nodes import identified
from api.graphql.once import kept_key
from api.graphql.parties import ResellerType
from api.graphql.refusals import outcome
from api.graphql.scalars import JsonText
from api.graphql.showing import shows
from domain.access.actor import Action
from domain.access.api_key import ApiKey
from domain.access.identity_provider import IdentityProvider, LevelRule
from domain.access.session import UserSession
from domain.ids import ApiKeyId, IdentityProviderId, LevelId, ResellerId, SessionId, UserId
from domain.refusal import BadValue
from domain.usecases.change_portal import ChangePortal, change_portal
from domain.usecases.create_portal import (
    CreatePortal,
    RenewClientSecret,
    SetClientKeys,
    create_portal,
    renew_client_secret,
    set_client_keys,
)
from domain.usecases.end_session import end_own_session, end_sessions, list_sessions, own_sessions
from domain.usecases.manage_api_keys import (
    CreateApiKey,
    RotateApiKey,
    create_api_key,
    list_api_keys,
    revoke_api_key,
    rotate_api_key,
)
from domain.usecases.manage_identity_providers import (
    ChangeIdentityProvider,
    CreateIdentityProvider,
    change_identity_provider,
    create_identity_provider,
    list_identity_providers,
    remove_identity_provider,
)
from domain.usecases.sign_in_elsewhere import BeginElsewhere, begin_elsewhere

ID = strawberry.ID
_SCOPES = {action.value: action for action in Action}


def _scopes(root: strawberry.Parent[Any]) -> list[str]:
    return sorted(action.value for action in root.scopes)


async def _reseller(root: strawberry.Parent[Any], info: Info) -> Any:
    return await info.context.load.resellers.load(root.reseller) if root.reseller is not None else None


@strawberry.type(name="NewPortal", description="A client with its secret, which nobody can read again.")
class NewPortalType:
    """``domain.usecases.create_portal.NewPortal``."""

    client: ClientType
    secret: str | None = strawberry.field(description="null for a portal that runs in a browser.")


@strawberry.type(name="ApiKey", description="A key for a program that cannot fetch tokens. Its text is told once.")
class ApiKeyType:
    """``domain.access.api_key.ApiKey``."""

    id: ID = identified()
    prefix: str = strawberry.field(description="The beginning of its text, which is no secret.")
    name: str
    scopes: list[str] = strawberry.field(resolver=_scopes)
    reseller: ResellerType | None = strawberry.field(resolver=_reseller)
    created_at: datetime
    created_by: str
    ends_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None = strawberry.field(description="To a minute.")

    is_type_of = shows(ApiKey)


@strawberry.type(name="NewApiKey", description="A key with its text, which nobody can read again.")
class NewApiKeyType:
    """``domain.usecases.manage_api_keys.NewApiKey``."""

    key: ApiKeyType
    text: str = strawberry.field(description="Send it as Authorization: Bearer tw_…")


def _user(root: strawberry.Parent[UserSession]) -> ID:
    return ID(global_id("User", root.user))


def _current(root: strawberry.Parent[UserSession], info: Info) -> bool:
    return info.context.actor.session == root.sid


@strawberry.type(name="UserSession", description="Somebody who is signed in at a portal.")
class UserSessionType:
    """``domain.access.session.UserSession``."""

    id: ID = identified()
    user_id: ID = strawberry.field(resolver=_user)
    client_id: str = strawberry.field(description="The portal's.")
    factor: str = strawberry.field(description="How he proved who he is, as password+totp.")
    address: str | None = strawberry.field(description="Where he signed in from.")
    created_at: datetime
    renewed_at: datetime
    ends_at: datetime
    ended_at: datetime | None
    current: bool = strawberry.field(resolver=_current, description="It is the one that this is asked in.")

    is_type_of = shows(UserSession)


@strawberry.type(name="LevelRule", description="Who has this value in this claim gets this level.")
class LevelRuleType:
    """``domain.access.identity_provider.LevelRule``."""

    claim: str
    value: str = strawberry.field(description="* for any.")
    level_id: ID = strawberry.field(resolver=lambda root: ID(global_id("UserLevel", root.level)))


@strawberry.type(name="IdentityProvider", description="An operator's own OpenID Connect provider.")
class IdentityProviderType:
    """``domain.access.identity_provider.IdentityProvider``."""

    id: ID = identified()
    name: str
    issuer: str
    client_id: str
    has_secret: bool = strawberry.field(resolver=lambda root: root.sealed_secret is not None)
    scopes: list[str]
    rules: list[LevelRuleType]
    makes_users: bool
    asks_twice: bool
    active: bool
    reseller: ResellerType | None = strawberry.field(resolver=_reseller)
    version: int

    is_type_of = shows(IdentityProvider)


@strawberry.type(name="Ended", description="How many sessions were ended.")
class EndedType:
    """A count."""

    sessions: int


@strawberry.type(name="Elsewhere", description="Where the portal sends the browser.")
class ElsewhereType:
    """An address."""

    url: str


@strawberry.input(description="scopes: the most that anybody can do through it, whatever his level.")
class CreatePortalInput:
    """``CreatePortal``."""

    name: str
    scopes: list[str]
    redirect_uris: list[str]
    origins: list[str] = strawberry.field(default_factory=list)
    login_url: str | None = None
    public: bool = True
    reseller: ID | None = None
    idempotency_key: str | None = kept_key()


@strawberry.input(description="What is left out stays; a list takes the place of the whole list. loginUrl null: none.")
class ChangePortalInput:
    """``ChangePortal``."""

    client_id: str
    version: int = strawberry.field(description="The client's portalVersion, as it was read.")
    name: strawberry.Maybe[str]
    redirect_uris: strawberry.Maybe[list[str]]
    origins: strawberry.Maybe[list[str]]
    login_url: strawberry.Maybe[str | None]
    idempotency_key: str | None = kept_key()


@strawberry.input(description="A key lives for two years at most; a reseller's reaches his subtree.")
class CreateApiKeyInput:
    """``CreateApiKey``."""

    name: str
    scopes: list[str]
    ends_at: datetime
    reseller: ID | None = None
    idempotency_key: str | None = kept_key()


@strawberry.input(description="Both keys are good until oldEndsAt; without it the old one ends at once.")
class RotateApiKeyInput:
    """``RotateApiKey``."""

    key: ID
    old_ends_at: datetime | None = None
    ends_at: datetime | None = None
    idempotency_key: str | None = kept_key()


@strawberry.input(description="The first rule that fits gives the level. value * fits whoever has the claim.")
class LevelRuleInput:
    """``LevelRule``."""

    claim: str
    value: str
    level: ID


@strawberry.input(description="issuer: as its discovery document says it.")
class CreateIdentityProviderInput:
    """``CreateIdentityProvider``."""

    name: str
    issuer: str
    client_id: str
    secret: str | None = None
    scopes: list[str] | None = None
    rules: list[LevelRuleInput] = strawberry.field(default_factory=list)
    makes_users: bool = False
    asks_twice: bool = False
    reseller: ID | None = None
    idempotency_key: str | None = kept_key()


@strawberry.input(description="What is left out stays.")
class ChangeIdentityProviderInput:
    """``ChangeIdentityProvider``."""

    provider: ID
    version: int
    issuer: strawberry.Maybe[str]
    client_id: strawberry.Maybe[str]
    secret: strawberry.Maybe[str | None]
    scopes: strawberry.Maybe[list[str]]
    rules: strawberry.Maybe[list[LevelRuleInput]]
    makes_users: strawberry.Maybe[bool]
    asks_twice: strawberry.Maybe[bool]
    active: strawberry.Maybe[bool]
    idempotency_key: str | None = kept_key()


@strawberry.input(description="As login; state is the portal's own, and comes back to its redirectUri with the code.")
class SignInElsewhereInput:
    """``BeginElsewhere``."""

    client_id: str
    provider: str
    redirect_uri: str
    code_challenge: str
    state: str
    scope: str | None = None
    nonce: str | None = None


def _read_scopes(words: list[str]) -> frozenset[Action]:
    for word in words:
        if word not in _SCOPES:
            raise BadValue("{scope!r} is no scope", scope=word[:80], field="scopes")
    return frozenset(_SCOPES[word] for word in words)


def _read_reseller(given: ID | None) -> ResellerId | None:
    return None if given is None else ResellerId(key_of(given, "Reseller", "reseller"))


def _read_rules(rules: list[LevelRuleInput]) -> tuple[LevelRule, ...]:
    return tuple(
        LevelRule(
            claim=one.claim, value=one.value, level=LevelId(key_of(one.level, "UserLevel", f"rules.{index}.level"))
        )
        for index, one in enumerate(rules)
    )


async def _create_portal(info: Info, asked: Annotated[CreatePortalInput, strawberry.argument(name="input")]) -> Any:
    cmd = CreatePortal(
        name=asked.name,
        scopes=_read_scopes(asked.scopes),
        redirect_uris=asked.redirect_uris,
        origins=asked.origins,
        login_url=asked.login_url,
        public=asked.public,
        reseller=_read_reseller(asked.reseller),
    )
    clock = info.context.wiring.clock
    made = await info.context.ask(create_portal, cmd, clock=clock, draw=secrets.token_urlsafe)
    return NewPortalType(client=made.client, secret=made.secret)


async def _change_portal(info: Info, asked: Annotated[ChangePortalInput, strawberry.argument(name="input")]) -> Any:
    return await info.context.ask(change_portal, command(ChangePortal, asked))


async def _renew_secret(info: Info, client_id: str, for_digest: bool = False) -> Any:
    cmd = RenewClientSecret(client_id=client_id, for_digest=for_digest)
    vault = info.context.wiring.vault
    made = await info.context.ask(renew_client_secret, cmd, draw=secrets.token_urlsafe, vault=vault)
    return NewPortalType(client=made.client, secret=made.secret)


async def _set_keys(info: Info, client_id: str, keys: JsonText) -> Any:
    try:
        read = json.loads(keys)
    except (ValueError, RecursionError):
        raise BadValue("this is not JSON", field="keys") from None
    if not isinstance(read, dict):
        raise BadValue("this is no object", field="keys")
    cmd = SetClientKeys(client_id=client_id, keys=read)
    return await info.context.ask(set_client_keys, cmd, read_keys=read_keys)


async def _api_keys(info: Info, first: int = 50, after: str | None = None) -> Any:
    page = await info.context.ask(list_api_keys, request(first, read_number(after, "ApiKey")))
    return connect(page, "ApiKey", after=after)


async def _create_key(info: Info, asked: Annotated[CreateApiKeyInput, strawberry.argument(name="input")]) -> Any:
    cmd = CreateApiKey(
        name=asked.name,
        scopes=_read_scopes(asked.scopes),
        ends_at=asked.ends_at,
        reseller=_read_reseller(asked.reseller),
    )
    clock = info.context.wiring.clock
    made = await info.context.ask(create_api_key, cmd, clock=clock, draw=secrets.token_urlsafe)
    return NewApiKeyType(key=made.key, text=made.text)


async def _rotate_key(info: Info, asked: Annotated[RotateApiKeyInput, strawberry.argument(name="input")]) -> Any:
    cmd = command(RotateApiKey, asked, {"key": "ApiKey"})
    clock = info.context.wiring.clock
    made = await info.context.ask(rotate_api_key, cmd, clock=clock, draw=secrets.token_urlsafe)
    return NewApiKeyType(key=made.key, text=made.text)


async def _revoke_key(info: Info, key: ID) -> Any:
    cmd = ApiKeyId(key_of(key, "ApiKey", "key"))
    return await info.context.ask(revoke_api_key, cmd, clock=info.context.wiring.clock)


async def _my_sessions(info: Info, first: int = 50, after: str | None = None) -> Any:
    clock = info.context.wiring.clock
    page = await info.context.ask(own_sessions, request(first, read_number(after, "UserSession")), clock=clock)
    return connect(page, "UserSession", after=after)


async def _sessions(info: Info, user: ID | None = None, first: int = 50, after: str | None = None) -> Any:
    whose = None if user is None else UserId(key_of(user, "User", "user"))
    clock = info.context.wiring.clock
    page = await info.context.ask(list_sessions, whose, request(first, read_number(after, "UserSession")), clock=clock)
    return connect(page, "UserSession", after=after)


async def _end_session(info: Info, session: ID) -> Any:
    key = SessionId(key_of(session, "UserSession", "session"))
    return await info.context.ask(end_own_session, key, clock=info.context.wiring.clock)


async def _logout(info: Info) -> Any:
    return await info.context.ask(end_own_session, None, clock=info.context.wiring.clock)


async def _end_sessions(info: Info, user: ID) -> Any:
    whose = UserId(key_of(user, "User", "user"))
    return EndedType(sessions=await info.context.ask(end_sessions, whose, clock=info.context.wiring.clock))


async def _providers(info: Info) -> Any:
    return await info.context.ask(list_identity_providers)


async def _create_provider(
    info: Info, asked: Annotated[CreateIdentityProviderInput, strawberry.argument(name="input")]
) -> Any:
    cmd = CreateIdentityProvider(
        name=asked.name,
        issuer=asked.issuer,
        client_id=asked.client_id,
        secret=asked.secret,
        rules=_read_rules(asked.rules),
        makes_users=asked.makes_users,
        asks_twice=asked.asks_twice,
        reseller=_read_reseller(asked.reseller),
        **({} if asked.scopes is None else {"scopes": tuple(asked.scopes)}),
    )
    wiring = info.context.wiring
    return await info.context.ask(
        create_identity_provider, cmd, clock=wiring.clock, vault=wiring.vault, oidc=wiring.oidc
    )


async def _change_provider(
    info: Info, asked: Annotated[ChangeIdentityProviderInput, strawberry.argument(name="input")]
) -> Any:
    said: dict[str, Any] = {}
    for name in ("issuer", "client_id", "secret", "makes_users", "asks_twice", "active"):
        if (some := getattr(asked, name)) is not None:
            said[name] = some.value
    if asked.scopes is not None:
        said["scopes"] = tuple(asked.scopes.value)
    if asked.rules is not None:
        said["rules"] = _read_rules(asked.rules.value)
    key = IdentityProviderId(key_of(asked.provider, "IdentityProvider", "provider"))
    cmd = ChangeIdentityProvider(provider=key, version=asked.version, **said)
    wiring = info.context.wiring
    return await info.context.ask(change_identity_provider, cmd, vault=wiring.vault, oidc=wiring.oidc)


async def _remove_provider(info: Info, provider: ID, version: int) -> Any:
    key = IdentityProviderId(key_of(provider, "IdentityProvider", "provider"))
    return await info.context.ask(remove_identity_provider, key, version=version)


async def _elsewhere(info: Info, asked: Annotated[SignInElsewhereInput, strawberry.argument(name="input")]) -> Any:
    cmd = command(BeginElsewhere, asked)
    context = info.context
    url = await begin_elsewhere(cmd, address=context.actor.address, around=around(context.wiring))
    return ElsewhereType(url=url)


@strawberry.type
class AccessQuery:
    """Who may come in, and who is in."""

    api_keys: Connection[ApiKeyType] = strawberry.field(resolver=_api_keys)
    my_sessions: Connection[UserSessionType] = strawberry.field(resolver=_my_sessions)
    user_sessions: Connection[UserSessionType] = strawberry.field(
        resolver=_sessions, description="Of one person, or of everybody."
    )
    identity_providers: list[IdentityProviderType] = strawberry.field(resolver=_providers)


@strawberry.type
class AccessMutation:
    """Opening and shutting ways in."""

    create_portal = strawberry.mutation(
        resolver=_create_portal, graphql_type=outcome("CreatePortalResult", NewPortalType)
    )
    change_portal = strawberry.mutation(
        resolver=_change_portal,
        graphql_type=outcome("ChangePortalResult", ClientType),
        description="Its name and its addresses; who is signed in stays so.",
    )
    renew_client_secret = strawberry.mutation(
        resolver=_renew_secret,
        graphql_type=outcome("RenewClientSecretResult", NewPortalType),
        description="The old one ends at once. forDigest: it is good for WS-Security's PasswordDigest too.",
    )
    set_client_keys = strawberry.mutation(
        resolver=_set_keys,
        graphql_type=outcome("SetClientKeysResult", ClientType),
        description="A JWK set of public keys that the client signs assertions with (RFC 7523); its secret ends.",
    )
    create_api_key = strawberry.mutation(
        resolver=_create_key, graphql_type=outcome("CreateApiKeyResult", NewApiKeyType)
    )
    rotate_api_key = strawberry.mutation(
        resolver=_rotate_key, graphql_type=outcome("RotateApiKeyResult", NewApiKeyType)
    )
    revoke_api_key = strawberry.mutation(resolver=_revoke_key, graphql_type=outcome("RevokeApiKeyResult", ApiKeyType))
    logout = strawberry.mutation(
        resolver=_logout,
        graphql_type=outcome("LogoutResult", UserSessionType),
        description="End the session that this is called in.",
    )
    end_session = strawberry.mutation(
        resolver=_end_session,
        graphql_type=outcome("EndSessionResult", UserSessionType),
        description="One of one's own.",
    )
    end_user_sessions = strawberry.mutation(
        resolver=_end_sessions, graphql_type=outcome("EndUserSessionsResult", EndedType)
    )
    create_identity_provider = strawberry.mutation(
        resolver=_create_provider, graphql_type=outcome("CreateIdentityProviderResult", IdentityProviderType)
    )
    change_identity_provider = strawberry.mutation(
        resolver=_change_provider, graphql_type=outcome("ChangeIdentityProviderResult", IdentityProviderType)
    )
    remove_identity_provider = strawberry.mutation(
        resolver=_remove_provider, graphql_type=outcome("RemoveIdentityProviderResult", IdentityProviderType)
    )
    sign_in_elsewhere = strawberry.mutation(
        resolver=_elsewhere,
        graphql_type=outcome("SignInElsewhereResult", ElsewhereType),
        description="Sign in at an identity provider; without a token.",
    )

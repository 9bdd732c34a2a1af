"""API clients: machines that authenticate by client credentials."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Annotated, Any

import strawberry

from api.graphql.context import Info
from api.graphql.ids import global_id, key_of
from api.graphql.once import kept_key
from api.graphql.parties import ResellerType
from api.graphql.refusals import outcome
from api.graphql.showing import shows
from domain.access.actor import Action
from domain.access.client import ApiClient, Portal
from domain.ids import LevelId, ResellerId
from domain.refusal import BadValue
from domain.usecases.create_client import CreateClient, create_client
from domain.usecases.list_clients import list_clients
from domain.usecases.revoke_client import revoke_client

ID = strawberry.ID


def _id(root: strawberry.Parent[ApiClient]) -> ID:
    return ID(global_id("Client", root.client_id))


def _scopes(root: strawberry.Parent[ApiClient]) -> list[str]:
    return sorted(action.value for action in root.scopes)


def _level(root: strawberry.Parent[ApiClient]) -> ID | None:
    return None if root.level is None else ID(global_id("UserLevel", root.level))


async def _reseller(root: strawberry.Parent[ApiClient], info: Info) -> Any:
    return await info.context.load.resellers.load(root.reseller) if root.reseller is not None else None


@strawberry.type(name="Portal", description="What makes a client a portal, through which people sign in.")
class PortalType:
    """``domain.access.client.Portal``."""

    redirect_uris: list[str] = strawberry.field(description="Where codes may be sent; compared letter by letter.")
    origins: list[str] = strawberry.field(description="Whose pages may call from a browser (CORS).")
    login_url: str | None = strawberry.field(description="Where /oauth/authorize leads to.")
    public: bool = strawberry.field(description="It runs in a browser and has no secret.")

    is_type_of = shows(Portal)


def _kids(root: strawberry.Parent[ApiClient]) -> list[str] | None:
    return None if root.jwks is None else [str(key["kid"]) for key in root.jwks["keys"]]


async def _portal_version(root: strawberry.Parent[ApiClient], info: Info) -> int | None:
    return None if root.portal is None else int(await info.context.load.portal_versions.load(root.client_id))


@strawberry.type(name="Client", description="An API client. Its secret is told once, when it is made.")
class ClientType:
    """``domain.access.client.ApiClient``."""

    id: ID = strawberry.field(resolver=_id)
    client_id: str
    name: str
    scopes: list[str] = strawberry.field(resolver=_scopes)
    reseller: ResellerType | None = strawberry.field(resolver=_reseller)
    level_id: ID | None = strawberry.field(resolver=_level, description="The level that it is tied to.")
    portal: PortalType | None = strawberry.field(description="There for a client through which people sign in.")
    portal_version: int | None = strawberry.field(resolver=_portal_version, description="What changePortal goes by.")
    keys: list[str] | None = strawberry.field(
        resolver=_kids, description="The names of the keys that it signs assertions with, instead of a secret."
    )
    created_at: datetime
    revoked_at: datetime | None

    is_type_of = shows(ApiClient)


@strawberry.input(
    description="scopes as the discovery document lists them; with a reseller it reaches his subtree alone."
)
class CreateClientInput:
    """``CreateClient``."""

    name: str
    scopes: list[str] | None = None
    reseller: ID | None = None
    level: ID | None = strawberry.field(
        default=None, description="It may what its scopes and the level both say; without scopes, what the level says."
    )
    idempotency_key: str | None = kept_key()


@strawberry.type(name="NewClient", description="The client and its secret, which nobody can read again.")
class NewClientType:
    """``domain.usecases.create_client.NewClient``."""

    client: ClientType
    secret: str


async def _clients(info: Info) -> Any:
    return await info.context.ask(list_clients)


async def _create(info: Info, asked: Annotated[CreateClientInput, strawberry.argument(name="input")]) -> Any:
    known = {action.value: action for action in Action}
    for scope in asked.scopes or ():
        if scope not in known:
            raise BadValue("{scope!r} is no scope", scope=scope[:80], field="scopes")
    cmd = CreateClient(
        name=asked.name,
        scopes=frozenset(known[scope] for scope in asked.scopes or ()),
        level=LevelId(key_of(asked.level, "UserLevel", "level")) if asked.level else None,
        reseller=ResellerId(key_of(asked.reseller, "Reseller", "reseller")) if asked.reseller else None,
    )
    made = await info.context.ask(create_client, cmd, clock=info.context.wiring.clock, draw=secrets.token_urlsafe)
    return NewClientType(client=made.client, secret=made.secret)


async def _revoke(info: Info, client_id: str) -> Any:
    return await info.context.ask(revoke_client, client_id, clock=info.context.wiring.clock)


@strawberry.type
class ClientQuery:
    """Who may call."""

    clients: list[ClientType] = strawberry.field(resolver=_clients)


@strawberry.type
class ClientMutation:
    """Letting callers in and shutting them out."""

    create_client = strawberry.mutation(resolver=_create, graphql_type=outcome("CreateClientResult", NewClientType))
    revoke_client = strawberry.mutation(
        resolver=_revoke,
        graphql_type=outcome("RevokeClientResult", ClientType),
        description="Its tokens are refused within seconds.",
    )

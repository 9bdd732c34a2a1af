"""Make a client through which people sign in, and change how a client proves who it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from domain.access.actor import OPERATOR_ONLY, Action, Actor, allow
from domain.access.client import ApiClient, Portal
from domain.access.editions import editions_of
from domain.access.giving import narrower
from domain.access.limits import NO_LIMITS
from domain.access.operations import operation
from domain.commands import check_texts
from domain.ids import ResellerId
from domain.ports.clock import Clock
from domain.ports.transports import Vault
from domain.ports.unit import Begin, Unit
from domain.refusal import BadValue, NotAllowed, NotFound, WrongState

SECRET_BYTES = 32
NAME_MAX = 100
KEYS_MAX = 5


class ReadKeys(Protocol):
    """Reads a client's public keys."""

    def __call__(self, keys: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a JWK set (RFC 7517) of what may sign assertions, and nothing private. Refuses with: BadValue."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePortal:
    """A new portal. ``scopes``: the most that anybody can do through it, whatever his level.

    A reseller's portal (``reseller``, or made by his administrator) lets in his own people and those below him.
    """

    name: str
    scopes: frozenset[Action]
    redirect_uris: Sequence[str]
    origins: Sequence[str] = ()
    login_url: str | None = None
    public: bool = True
    reseller: ResellerId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPortal:
    """A portal, and its secret, which nobody can read again; None: it runs in a browser and has none."""

    client: ApiClient
    secret: str | None


@operation(Action.MANAGE_CLIENTS)
async def create_portal(
    cmd: CreatePortal, *, actor: Actor, begin: Begin, clock: Clock, draw: Callable[[int], str]
) -> NewPortal:
    """Make a client through which people sign in. Its secret, where it has one, is told once, in the answer.

    Refuses with: NotAllowed (also for a scope the caller does not hold himself), BadValue, NotFound (reseller).
    """
    check_texts(cmd)
    if not cmd.name.strip() or len(cmd.name) > NAME_MAX:
        raise BadValue("a name has 1 to {name_max} characters", name_max=NAME_MAX, field="name")
    if not cmd.scopes:
        raise BadValue("a client without a scope can do nothing; name at least one", field="scopes")
    portal = Portal(
        redirect_uris=tuple(cmd.redirect_uris),
        origins=tuple(cmd.origins),
        login_url=cmd.login_url,
        public=cmd.public,
    )
    reseller = actor.reseller if cmd.reseller is None else cmd.reseller
    for scope in sorted(cmd.scopes):
        if reseller is not None and scope in OPERATOR_ONLY:
            raise BadValue("a reseller's client cannot hold {scope}", scope=scope.value, field="scopes")
        allow(actor, scope)
    if actor.limits != NO_LIMITS:
        raise NotAllowed("your own level has limits, which a portal cannot have")
    secret = draw(SECRET_BYTES)
    async with begin(actor) as unit:
        if reseller is not None and reseller not in await unit.resellers.tree():
            raise NotFound("no reseller {key}", key=reseller, field="reseller")
        client = ApiClient(
            made_by=actor.person,
            client_id=f"portal_{draw(12)}",
            operator=actor.operator,
            name=cmd.name.strip(),
            secret_sha256=hashlib.sha256(secret.encode()).digest(),
            scopes=cmd.scopes,
            reseller=reseller,
            created_at=clock.now(),
            portal=portal,
        )
        await unit.clients.add(client)
        detail = {
            "name": client.name,
            "scopes": sorted(scope.value for scope in client.scopes),
            "redirect_uris": list(portal.redirect_uris),
            "origins": list(portal.origins),
        }
        await unit.audit.write("create_portal", f"client:{client.client_id}", detail)
    return NewPortal(client=client, secret=None if portal.public else secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewClientSecret:
    """Give a client a new secret; the old one ends at once. ``for_digest``: it is also kept sealed.

    That is needed for WS-Security's PasswordDigest alone, which cannot be checked against a hash.
    """

    client_id: str
    for_digest: bool = False


@operation(Action.MANAGE_CLIENTS)
async def renew_client_secret(
    cmd: RenewClientSecret, *, actor: Actor, begin: Begin, draw: Callable[[int], str], vault: Vault
) -> NewPortal:
    """Give a client a new secret, which is told once; from then on it proves itself by that one alone.

    Refuses with: NotAllowed (also for a client that holds what the caller does not), NotFound, WrongState (revoked, or
    a portal in a browser).
    """
    secret = draw(SECRET_BYTES)
    async with begin(actor) as unit:
        client = await changeable(unit, cmd.client_id, actor)
        if client.portal is not None and client.portal.public:
            raise WrongState("a portal that runs in a browser has no secret")
        sealed = vault.seal(secret, about=about(client)) if cmd.for_digest else None
        changed = replace(
            client,
            secret_sha256=hashlib.sha256(secret.encode()).digest(),
            sealed_secret=sealed,
            jwks=None,
            made_by=await _answering(unit, client, actor),
        )
        await unit.clients.keep(changed)
        detail = {"before": {"for_digest": client.sealed_secret is not None}, "after": {"for_digest": cmd.for_digest}}
        await unit.audit.write("renew_client_secret", f"client:{client.client_id}", detail)
    return NewPortal(client=changed, secret=secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetClientKeys:
    """Let a client sign assertions (RFC 7523) with these keys, a JWK set of public ones; its secret ends."""

    client_id: str
    keys: Mapping[str, Any]


@operation(Action.MANAGE_CLIENTS)
async def set_client_keys(cmd: SetClientKeys, *, actor: Actor, begin: Begin, read_keys: ReadKeys) -> ApiClient:
    """Let a client prove itself by signed assertions instead of a secret; two keys at once make a change of them easy.

    Refuses with: NotAllowed (also for a client that holds what the caller does not), NotFound, BadValue (a key that is
    weak, private or of another kind), WrongState (revoked, or a portal in a browser).
    """
    keys = read_keys(cmd.keys)
    async with begin(actor) as unit:
        client = await changeable(unit, cmd.client_id, actor)
        if client.portal is not None and client.portal.public:
            raise WrongState("a portal that runs in a browser has no secret")
        made_by = await _answering(unit, client, actor)
        changed = await unit.clients.keep(replace(client, jwks=keys, sealed_secret=None, made_by=made_by))
        detail = {"before": {"keys": kids(client.jwks)}, "after": {"keys": kids(keys)}}
        await unit.audit.write("set_client_keys", f"client:{client.client_id}", detail)
    return changed


def about(client: ApiClient) -> str:
    """Return what a client's sealed secret is bound to."""
    return f"secret of client {client.client_id}"


def kids(keys: Mapping[str, Any] | None) -> list[str]:
    """Return the names of the keys of a set."""
    return [] if keys is None else [str(key["kid"]) for key in keys["keys"]]


async def _answering(unit: Unit, client: ApiClient, actor: Actor) -> str | None:
    """Return who answers for a client from now on: who has its secret, unless it or what it made renews itself."""
    himself = f"client:{client.client_id}" in await unit.approvals.makers(actor.person)
    return client.made_by if himself else actor.person


async def changeable(unit: Unit, client_id: str, actor: Actor) -> ApiClient:
    """Return a client whose proof the caller may change: whoever gets its secret can do what it can, and as far."""
    client = await unit.clients.claim(client_id)
    for scope in sorted(client.scopes):
        if actor.edition in editions_of(scope):  # what is not in the edition opens nothing
            allow(actor, scope)  # all of it: one operation of his own is not all that the client has
    if actor.limits != NO_LIMITS:
        level = None if client.level is None else (await unit.levels.many([client.level])).get(client.level)
        if level is None or not narrower(level.limits, actor.limits):
            raise NotAllowed(
                "nobody gives more than he has; your own level is limited more than this", field="clientId"
            )
    if client.revoked_at is not None:
        raise WrongState("the client is revoked")
    return client

"""Create an API client."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from domain.access.actor import OPERATOR_ONLY, Action, Actor, allow
from domain.access.client import ApiClient
from domain.access.giving import check_gives
from domain.access.level import asked_by
from domain.access.limits import NO_LIMITS
from domain.access.operations import operation
from domain.commands import check_texts
from domain.ids import LevelId, ResellerId
from domain.ports.clock import Clock
from domain.ports.unit import Begin
from domain.refusal import BadValue, NotAllowed, NotFound

SECRET_BYTES = 32
NAME_MAX = 100
_CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateClient:
    """A new API client with what it may do; a reseller's reaches his subtree. Without ``client_id`` one is drawn.

    With a ``level`` it may what both say; without scopes beside it, what the level says.

    A reseller's administrator makes clients for his own part of the tree; without ``reseller`` for himself.
    """

    name: str
    scopes: frozenset[Action]
    reseller: ResellerId | None = None
    client_id: str | None = None
    level: LevelId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClient:
    """A client with its secret, which nobody can read again."""

    client: ApiClient
    secret: str


@operation(Action.MANAGE_CLIENTS)
async def create_client(
    cmd: CreateClient, *, actor: Actor, begin: Begin, clock: Clock, draw: Callable[[int], str]
) -> NewClient:
    """Create an API client. ``draw(n)`` returns a text of n random bytes; the secret is told once, in the answer.

    Refuses with: NotAllowed (also for a scope the caller does not hold himself, or a level beyond his own), BadValue,
    NotFound (reseller, level), Conflict (client id).
    """
    check_texts(cmd)
    if not cmd.name.strip() or len(cmd.name) > NAME_MAX:
        raise BadValue("a name has 1 to {name_max} characters", name_max=NAME_MAX, field="name")
    if cmd.client_id is not None and not _CLIENT_ID.fullmatch(cmd.client_id):
        raise BadValue("a client id has 1 to 64 letters, digits, dots, hyphens or underscores", field="clientId")
    if not cmd.scopes and cmd.level is None:
        raise BadValue("a client without a scope can do nothing; name at least one", field="scopes")
    reseller = actor.reseller if cmd.reseller is None else cmd.reseller
    for scope in sorted(cmd.scopes):
        if reseller is not None and scope in OPERATOR_ONLY:
            raise BadValue("a reseller's client cannot hold {scope}", scope=scope.value, field="scopes")
        allow(actor, scope)
    if cmd.level is None and actor.limits != NO_LIMITS:
        raise NotAllowed("your own level has limits: name a level for the client that has them too", field="level")
    secret = draw(SECRET_BYTES)
    async with begin(actor) as unit:
        if reseller is not None and reseller not in await unit.resellers.tree():
            raise NotFound("no reseller {key}", key=reseller, field="reseller")
        level = None if cmd.level is None else await unit.levels.get(cmd.level)
        if level is not None:
            check_gives(actor, level)
        client = ApiClient(
            client_id=cmd.client_id or f"tw_{draw(12)}",
            operator=actor.operator,
            name=cmd.name.strip(),
            secret_sha256=hashlib.sha256(secret.encode()).digest(),
            scopes=cmd.scopes or (frozenset() if level is None else asked_by(level)),
            reseller=reseller,
            level=cmd.level,
            made_by=actor.person,
            created_at=clock.now(),
        )
        await unit.clients.add(client)
        detail = {"name": client.name, "scopes": sorted(scope.value for scope in client.scopes)}
        await unit.audit.write("create_client", f"client:{client.client_id}", detail)
    return NewClient(client=client, secret=secret)

"""API keys: made, listed, replaced without an interruption, and revoked."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.access.actor import OPERATOR_ONLY, Action, Actor, allow
from domain.access.api_key import DAYS_MAX, NAME_MAX, ApiKey
from domain.access.editions import editions_of
from domain.access.limits import NO_LIMITS
from domain.access.operations import operation
from domain.access.session import digest
from domain.commands import check_texts
from domain.ids import ApiKeyId, ResellerId
from domain.period import utc
from domain.ports.clock import Clock
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin
from domain.refusal import BadValue, NotAllowed, NotFound, WrongState

SECRET_BYTES = 32
_PLAIN = re.compile(r"[A-Za-z0-9]")


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateApiKey:
    """A new key with what it may do and when it ends, within two years; a reseller's reaches his subtree.

    A reseller's administrator makes keys for his own part of the tree; without ``reseller`` for himself.
    """

    name: str
    scopes: frozenset[Action]
    ends_at: datetime
    reseller: ResellerId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiKey:
    """A key and its text, which nobody can read again."""

    key: ApiKey
    text: str


@operation(Action.MANAGE_CLIENTS)
async def create_api_key(
    cmd: CreateApiKey, *, actor: Actor, begin: Begin, clock: Clock, draw: Callable[[int], str]
) -> NewApiKey:
    """Make an API key. ``draw(n)`` returns a text of n random bytes; the key is told once, in the answer.

    Refuses with: NotAllowed (also for a scope the caller does not hold himself), BadValue, NotFound (reseller).
    """
    check_texts(cmd)
    if not cmd.name.strip() or len(cmd.name) > NAME_MAX:
        raise BadValue("a name has 1 to {name_max} characters", name_max=NAME_MAX, field="name")
    if not cmd.scopes:
        raise BadValue("a key without a scope can do nothing; name at least one", field="scopes")
    reseller = actor.reseller if cmd.reseller is None else cmd.reseller
    _check_scopes(cmd.scopes, reseller, actor)
    now = clock.now()
    ends_at = _ends(cmd.ends_at, now, field="endsAt")
    async with begin(actor) as unit:
        if reseller is not None and reseller not in await unit.resellers.tree():
            raise NotFound("no reseller {key}", key=reseller, field="reseller")
        made = drawn(
            draw,
            ApiKey(
                id=ApiKeyId(0),
                operator=actor.operator,
                reseller=reseller,
                prefix="",
                name=cmd.name.strip(),
                sha256=b"",
                scopes=cmd.scopes,
                created_at=now,
                created_by=actor.caller,
                ends_at=ends_at,
            ),
        )
        kept = await unit.api_keys.add(made.key)
        await unit.audit.write("create_api_key", f"api_key:{kept.id}", _told(kept))
    return NewApiKey(key=kept, text=made.text)


@operation(Action.MANAGE_CLIENTS)
async def list_api_keys(request: PageRequest, *, actor: Actor, begin: Begin) -> Page[ApiKey]:
    """Return the API keys, those that have ended too: the operator's, or those of the caller's part of the tree.

    Refuses with: NotAllowed.
    """
    async with begin(actor) as unit:
        return await unit.api_keys.page(request)


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateApiKey:
    """Make a key that follows one; the old one ends at ``old_ends_at`` (None: at once), the new one at ``ends_at``.

    Without ``ends_at`` the new one lives as long as the old one was made for.
    """

    key: ApiKeyId
    old_ends_at: datetime | None = None
    ends_at: datetime | None = None


@operation(Action.MANAGE_CLIENTS)
async def rotate_api_key(
    cmd: RotateApiKey, *, actor: Actor, begin: Begin, clock: Clock, draw: Callable[[int], str]
) -> NewApiKey:
    """Replace an API key without an interruption: both are good until the old one ends. The new one is told once.

    Refuses with: NotAllowed (also for a key that holds what the caller does not), NotFound, BadValue (a time that is
    past, or when the old one has ended anyhow), WrongState (it has ended).
    """
    now = clock.now()
    async with begin(actor) as unit:
        old = await unit.api_keys.claim(cmd.key)
        if not old.holds(now):
            raise WrongState("the key has ended; make a new one", field="key")
        _check_scopes(old.scopes, old.reseller, actor, follows=True)
        ends_at = now + (old.ends_at - old.created_at) if cmd.ends_at is None else cmd.ends_at
        ended = now if cmd.old_ends_at is None else utc(cmd.old_ends_at, field="oldEndsAt")
        if not now <= ended <= old.ends_at:
            raise BadValue("the old key can end from now on until when it ends anyhow", field="oldEndsAt")
        follower = replace(
            old,
            id=ApiKeyId(0),
            created_at=now,
            created_by=actor.caller,
            ends_at=_ends(ends_at, now, field="endsAt"),
            last_used_at=None,
            replaces=old.id,
        )
        made = drawn(draw, follower)
        kept = await unit.api_keys.add(made.key)
        await unit.api_keys.keep(replace(old, ends_at=ended))
        detail = {"before": _told(old), "after": {**_told(kept), "old_ends_at": ended.isoformat()}}
        await unit.audit.write("rotate_api_key", f"api_key:{kept.id}", detail)
    return NewApiKey(key=kept, text=made.text)


@operation(Action.MANAGE_CLIENTS)
async def revoke_api_key(key: ApiKeyId, *, actor: Actor, begin: Begin, clock: Clock) -> ApiKey:
    """Shut an API key out for good, within seconds. Revoking it again changes nothing.

    Refuses with: NotAllowed, NotFound.
    """
    async with begin(actor) as unit:
        found = await unit.api_keys.claim(key)
        if found.revoked_at is not None:
            return found
        revoked = await unit.api_keys.keep(replace(found, revoked_at=clock.now()))
        await unit.audit.write("revoke_api_key", f"api_key:{key}", {"prefix": found.prefix})
    return revoked


@operation(Action.MANAGE_CLIENTS)
async def find_api_key(prefix: str, *, actor: Actor, begin: Begin) -> ApiKey:
    """Return an API key by its public beginning.

    Refuses with: NotAllowed, NotFound.
    """
    async with begin(actor) as unit:
        return await unit.api_keys.find(prefix)


def drawn(draw: Callable[[int], str], key: ApiKey) -> NewApiKey:
    """Give a key its text: a public beginning of eight letters and digits, and 256 random bits."""
    public = ""
    while len(public) < 8:
        public += "".join(_PLAIN.findall(draw(16)))
    prefix = f"tw_{public[:8]}"
    text = f"{prefix}_{draw(SECRET_BYTES)}"
    return NewApiKey(key=replace(key, prefix=prefix, sha256=digest(text)), text=text)


def _check_scopes(
    scopes: frozenset[Action], reseller: ResellerId | None, actor: Actor, *, follows: bool = False
) -> None:
    """Let somebody pass who can do all that the key can, as far. Refuses with: NotAllowed, BadValue."""
    for scope in sorted(scopes):
        if follows and actor.edition not in editions_of(scope):
            continue  # what is not in the edition opens nothing
        if reseller is not None and scope in OPERATOR_ONLY:
            raise BadValue("a reseller's client cannot hold {scope}", scope=scope.value, field="scopes")
        allow(actor, scope)  # all of it: one operation of his own is not all that the key has
    if actor.limits != NO_LIMITS:
        raise NotAllowed("your own level has limits, which an API key cannot have")


def _ends(at: datetime, now: datetime, *, field: str) -> datetime:
    ends = utc(at, field=field)
    if not now < ends <= now + timedelta(days=DAYS_MAX):
        raise BadValue("a key ends after now, and within {days} days", days=DAYS_MAX, field=field)
    return ends


def _told(key: ApiKey) -> dict[str, object]:
    return {
        "prefix": key.prefix,
        "name": key.name,
        "scopes": sorted(scope.value for scope in key.scopes),
        "ends_at": key.ends_at.isoformat(),
    }

"""Change a portal: its name, where codes may be sent, whose pages may call, and its own page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from domain.access.actor import Action, Actor
from domain.access.client import ApiClient, Portal
from domain.access.operations import operation
from domain.commands import UNCHANGED, Change, camel, check_texts, given
from domain.ports.unit import Begin
from domain.ports.versions import Versioned
from domain.refusal import BadValue, WrongState
from domain.usecases.create_portal import NAME_MAX, changeable

_ADDRESSES = ("redirect_uris", "origins", "login_url")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePortal:
    """A change of what is given; a list takes the place of the whole list. ``login_url`` None: it has none."""

    client_id: str
    version: int
    name: Change[str] = UNCHANGED
    redirect_uris: Change[Sequence[str]] = UNCHANGED
    origins: Change[Sequence[str]] = UNCHANGED
    login_url: Change[str | None] = UNCHANGED


@operation(Action.MANAGE_CLIENTS)
async def change_portal(cmd: ChangePortal, *, actor: Actor, begin: Begin) -> ApiClient:
    """Change a portal's name and addresses. Who is signed in stays so; codes go to an address of before no more.

    Refuses with: NotAllowed (also for a portal that holds what the caller does not), NotFound, Stale, BadValue,
    WrongState (revoked, or no portal).
    """
    check_texts(cmd)
    changes: dict[str, Any] = given(cmd, "name", *_ADDRESSES)
    async with begin(actor) as unit:
        client = await changeable(unit, cmd.client_id, actor)
        if client.portal is None:
            raise WrongState("{client} is no portal", client=client.client_id, field="clientId")
        name = str(changes.pop("name", client.name)).strip()
        if not name or len(name) > NAME_MAX:
            raise BadValue("a name has 1 to {name_max} characters", name_max=NAME_MAX, field="name")
        plain: dict[str, Any] = {key: tuple(one) if key != "login_url" else one for key, one in changes.items()}
        changed = replace(client, name=name, portal=replace(client.portal, **plain))
        version = await unit.versions.advance(Versioned.PORTALS, client.client_id, cmd.version)
        await unit.clients.keep(changed)
        detail = {"version": version, "before": _told(client), "after": _told(changed)}
        detail["changed"] = sorted(
            camel(key) for key in (*_ADDRESSES, "name") if _one(client, key) != _one(changed, key)
        )
        await unit.audit.write("change_portal", f"client:{client.client_id}", detail)
    return changed


def _told(client: ApiClient) -> Mapping[str, object]:
    return {camel(key): _one(client, key) for key in ("name", *_ADDRESSES)}


def _one(client: ApiClient, key: str) -> object:
    portal: Portal | None = client.portal
    found = client.name if key == "name" else getattr(portal, key)
    return list(found) if isinstance(found, tuple) else found

"""Revoke an API client."""

from __future__ import annotations

from dataclasses import replace

from domain.access.actor import Action, Actor
from domain.access.client import ApiClient
from domain.access.operations import operation
from domain.ports.clock import Clock
from domain.ports.unit import Begin


@operation(Action.MANAGE_CLIENTS)
async def revoke_client(client_id: str, *, actor: Actor, begin: Begin, clock: Clock) -> ApiClient:
    """Shut a client out for good; its tokens are refused within seconds. Revoking it again changes nothing.

    Refuses with: NotAllowed, NotFound.
    """
    async with begin(actor) as unit:
        client = await unit.clients.claim(client_id)
        if client.revoked_at is not None:
            return client
        revoked = await unit.clients.keep(replace(client, revoked_at=clock.now()))
        await unit.audit.write("revoke_client", f"client:{client_id}")
    return revoked

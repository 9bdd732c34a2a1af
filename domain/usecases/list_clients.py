"""List API clients."""

from __future__ import annotations

from collections.abc import Sequence

from domain.access.actor import Action, Actor
from domain.access.client import ApiClient
from domain.access.operations import operation
from domain.ports.unit import Begin


@operation(Action.MANAGE_CLIENTS)
async def list_clients(*, actor: Actor, begin: Begin) -> Sequence[ApiClient]:
    """Return the API clients by client id, revoked ones too: the operator's, or those of the caller's part of the tree.

    Refuses with: NotAllowed.
    """
    async with begin(actor) as unit:
        return await unit.clients.all()

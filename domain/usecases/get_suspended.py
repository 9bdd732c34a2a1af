"""Read one record in suspense. It may be anybody's call, so it is the operator's alone."""

from __future__ import annotations

from domain.access.actor import Action, Actor, allow
from domain.ids import SuspenseId
from domain.mediation.files import Suspended
from domain.ports.unit import Begin


async def get_suspended(key: SuspenseId, *, actor: Actor, begin: Begin) -> Suspended:
    """Return an open one. Refuses with: NotAllowed, NotFound."""
    allow(actor, Action.IMPORT_CDR)
    async with begin(actor) as unit:
        return await unit.suspense.get(key)

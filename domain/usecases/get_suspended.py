"""Read one record in suspense. It may be anybody's call, so it is the operator's alone."""

from __future__ import annotations

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import SuspenseId
from domain.mediation.files import Suspended
from domain.ports.unit import Begin


@operation(Action.IMPORT_CDR)
async def get_suspended(key: SuspenseId, *, actor: Actor, begin: Begin) -> Suspended:
    """Return an open one. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        return await unit.suspense.get(key)

"""List resellers."""

from __future__ import annotations

from collections.abc import Sequence

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ports.unit import Begin
from domain.resellers.reseller import Reseller


@operation(Action.READ_CUSTOMERS)
async def list_resellers(*, actor: Actor, begin: Begin) -> Sequence[Reseller]:
    """Return the resellers the caller may see, by key: all of the operator's, or his own subtree.

    Refuses with: NotAllowed.
    """
    async with begin(actor) as unit:
        return list((await unit.resellers.tree()).values())

"""Add up what events come to on the three levels."""

from __future__ import annotations

from collections.abc import Sequence

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ports.unit import Begin
from domain.ports.usage import LevelTotals, UsageFilter


@operation(Action.READ_USAGE, Action.READ_COSTS)
async def sum_levels(chosen: UsageFilter, *, actor: Actor, begin: Begin) -> Sequence[LevelTotals]:
    """Return retail, wholesale, cost and margin per currency, by currency. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.usage.levels(chosen)

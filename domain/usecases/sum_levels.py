"""Add up what events come to on the three levels."""

from __future__ import annotations

from collections.abc import Sequence

from domain.access.actor import Action, Actor, allow
from domain.ports.unit import Begin
from domain.ports.usage import LevelTotals, UsageFilter


async def sum_levels(chosen: UsageFilter, *, actor: Actor, begin: Begin) -> Sequence[LevelTotals]:
    """Return retail, wholesale, cost and margin per currency, by currency. Refuses with: NotAllowed."""
    allow(actor, Action.READ_USAGE)
    allow(actor, Action.READ_COSTS)
    async with begin(actor) as unit:
        return await unit.usage.levels(chosen)

"""Read again what simulations came to."""

from __future__ import annotations

from domain.access.actor import Action, Actor, allow
from domain.ids import SimulationId
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin
from domain.rerating.simulation import Simulation


async def get_simulation(key: SimulationId, *, actor: Actor, begin: Begin) -> Simulation:
    """Return one. Refuses with: NotAllowed (it shows costs), NotFound."""
    allow(actor, Action.READ_COSTS)
    allow(actor, Action.WRITE_PRICES)
    async with begin(actor) as unit:
        return await unit.simulations.get(key)


async def list_simulations(request: PageRequest, *, actor: Actor, begin: Begin) -> Page[Simulation]:
    """List by key, the oldest first. Refuses with: NotAllowed."""
    allow(actor, Action.READ_COSTS)
    allow(actor, Action.WRITE_PRICES)
    async with begin(actor) as unit:
        return await unit.simulations.page(request)

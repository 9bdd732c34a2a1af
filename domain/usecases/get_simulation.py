"""Read again what simulations came to."""

from __future__ import annotations

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import SimulationId
from domain.ports.page import Page, PageRequest
from domain.ports.unit import Begin
from domain.rerating.simulation import Simulation


@operation(Action.READ_COSTS, Action.WRITE_PRICES)
async def get_simulation(key: SimulationId, *, actor: Actor, begin: Begin) -> Simulation:
    """Return one. Refuses with: NotAllowed (it shows costs), NotFound."""
    async with begin(actor) as unit:
        return await unit.simulations.get(key)


@operation(Action.READ_COSTS, Action.WRITE_PRICES)
async def list_simulations(request: PageRequest, *, actor: Actor, begin: Begin) -> Page[Simulation]:
    """List by key, the oldest first. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return await unit.simulations.page(request)

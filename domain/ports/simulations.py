"""The store of what simulations came to."""

from __future__ import annotations

from typing import Protocol

from domain.ids import SimulationId
from domain.ports.page import Page, PageRequest
from domain.rerating.simulation import Simulation


class Simulations(Protocol):
    """Results of the unit's operator; they never change."""

    async def add(self, done: Simulation) -> Simulation:
        """Keep a result (its ``id`` is 0)."""
        ...

    async def get(self, key: SimulationId) -> Simulation:
        """Return one. Refuses with: NotFound."""
        ...

    async def page(self, request: PageRequest) -> Page[Simulation]:
        """List by key."""
        ...

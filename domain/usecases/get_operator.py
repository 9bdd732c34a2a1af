"""Get the caller's operator."""

from __future__ import annotations

from domain.access.actor import Actor
from domain.operators import Operator
from domain.ports.unit import Begin


async def get_operator(*, actor: Actor, begin: Begin) -> Operator:
    """Return the caller's own operator; every authenticated caller may know for whom it works."""
    async with begin(actor) as unit:
        return await unit.operators.own()

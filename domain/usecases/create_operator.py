"""Create an operator."""

from __future__ import annotations

from dataclasses import replace

from domain.access.actor import system
from domain.commands import check_texts
from domain.ids import OperatorId
from domain.operators import Operator, check
from domain.ports.unit import Begin


async def create_operator(operator: Operator, *, begin: Begin, client: str = "system") -> Operator:
    """Keep a new operator with its number series and an empty catalogue. Its ``id`` is given, whatever it says.

    Nobody of an operator may do this: it is asked for on the installation's own machine, in the name of ``client``.
    Refuses with: BadValue, Conflict (code).
    """
    check_texts(operator)
    new = check(replace(operator, id=OperatorId(0)))
    async with begin(system(OperatorId(0), client), bulk=True) as unit:
        return await unit.operators.add(new)

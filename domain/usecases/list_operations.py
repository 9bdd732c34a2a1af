"""List what can be done at all, and with which permission: what a level may be made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

import domain.usecases
from domain.access.actor import Action, Actor
from domain.access.operations import DECLARED, Operation, operation
from domain.ports.unit import Begin


@cache
def every() -> Mapping[str, Operation]:
    """Return every operation by name; none is missing, whatever has been imported so far."""
    for module in iter_modules(domain.usecases.__path__):
        import_module(f"domain.usecases.{module.name}")
    return DECLARED


@operation(Action.MANAGE_LEVELS)
async def list_operations(*, actor: Actor, begin: Begin) -> Sequence[Operation]:
    """Return every operation by name, with the scopes it asks for. Refuses with: NotAllowed."""
    del actor, begin
    return [every()[name] for name in sorted(every())]

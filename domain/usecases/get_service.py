"""Get one service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.contracts.service import Service
from domain.ids import ServiceId
from domain.ports.unit import Begin
from domain.refusal import NotFound


@operation(Action.READ_CONTRACTS)
async def get_service(key: ServiceId | str, *, actor: Actor, begin: Begin) -> Service:
    """Return a service by its id or, given a text, by its code. Refuses with: NotAllowed, NotFound."""
    async with begin(actor) as unit:
        if isinstance(key, str):
            return await unit.services.by_code(key)
        if key not in (found := await unit.services.many([key])):
            raise NotFound("no service {key}", key=key, field="service")
        return found[key]


@operation(Action.READ_CONTRACTS)
async def services_by_codes(codes: Sequence[str], *, actor: Actor, begin: Begin) -> Mapping[str, Service]:
    """Return the services with these codes. Refuses with: NotAllowed, NotFound (one that is not there)."""
    async with begin(actor) as unit:
        found = await unit.services.by_codes(sorted(set(codes)))
    for code in codes:
        if code not in found:
            raise NotFound("no service {key}", key=code, field="serviceCode")
    return found

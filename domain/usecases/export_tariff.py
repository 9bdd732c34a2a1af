"""Export the catalogue as a tariff document."""

from __future__ import annotations

from datetime import datetime

from domain.access.actor import Action, Actor, allow
from domain.access.charges import sees_cost_lists
from domain.access.operations import operation
from domain.catalogue.writing import write_tariff
from domain.period import utc
from domain.ports.unit import Begin
from domain.refusal import NotAllowed


@operation(Action.READ_PRICES)
async def export_tariff(as_of: datetime | None, *, actor: Actor, begin: Begin) -> dict[str, object]:
    """Return the whole catalogue, as it was believed at ``as_of`` (None: now), as a tariff document without parties.

    Imported again it changes nothing. It holds every list, costs too, so it is for who may see those or writes prices,
    and a reseller does not get it.
    Refuses with: NotAllowed, BadValue (a time without offset).
    """
    if actor.reseller is not None:
        raise NotAllowed("the whole catalogue is the operator's own, and {client} is a reseller's", client=actor.client)
    if not sees_cost_lists(actor):
        allow(actor, Action.READ_COSTS)
    at = None if as_of is None else utc(as_of, field="asOf")
    async with begin(actor) as unit:
        return write_tariff(await unit.catalogue.tariff(as_of=at))

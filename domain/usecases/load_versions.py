"""Load the versions of what is changed as one thing and stands in many rows, or in none, for a batch of one request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.access.actor import Action, Actor
from domain.access.operations import operation
from domain.ids import CustomerId, ResellerId
from domain.ports.unit import Begin
from domain.ports.versions import Versioned


@operation(Action.READ_PRICES)
async def price_versions(names: Sequence[str], *, actor: Actor, begin: Begin) -> Mapping[str, int]:
    """Return the version of the prices of each list that may be seen. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        seen = await unit.catalogue.lists_by_name(names)
        return await unit.versions.of(Versioned.PRICES, list(seen))


@operation(Action.READ_CUSTOMERS)
async def terms_versions(keys: Sequence[ResellerId], *, actor: Actor, begin: Begin) -> Mapping[ResellerId, int]:
    """Return the version of the terms of each reseller that may be seen. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        seen = [key for key in await unit.resellers.tree() if key in set(keys)]
        found = await unit.versions.of(Versioned.RESELLER_TERMS, seen)
        return {key: found[str(key)] for key in seen}


@operation(Action.READ_CUSTOMERS)
async def groups_versions(keys: Sequence[CustomerId], *, actor: Actor, begin: Begin) -> Mapping[CustomerId, int]:
    """Return the version of the groups of each customer that may be seen. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        seen = list(await unit.customers.many(keys))
        found = await unit.versions.of(Versioned.CUSTOMER_GROUPS, seen)
        return {key: found[str(key)] for key in seen}


@operation(Action.MANAGE_CLIENTS)
async def portal_versions(names: Sequence[str], *, actor: Actor, begin: Begin) -> Mapping[str, int]:
    """Return the version of each portal that may be seen, by client id. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        wanted = set(names)
        seen = [one.client_id for one in await unit.clients.all() if one.client_id in wanted]
        return await unit.versions.of(Versioned.PORTALS, seen)


@operation(Action.READ_CONTRACTS)
async def gift_rules_version(*, actor: Actor, begin: Begin) -> int:
    """Return the version of the operator's rules for gifts. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return (await unit.versions.of(Versioned.GIFT_RULES, [""]))[""]


@operation(Action.READ_COSTS)
async def margin_rules_version(*, actor: Actor, begin: Begin) -> int:
    """Return the version of how margins are watched. Refuses with: NotAllowed."""
    async with begin(actor) as unit:
        return (await unit.versions.of(Versioned.MARGIN_RULES, [""]))[""]

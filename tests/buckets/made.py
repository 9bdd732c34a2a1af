"""Catalogues with buckets and counted discounts for the intake's world, and what they come to."""

from __future__ import annotations

from typing import Any

from api.wiring import Wiring
from domain.catalogue.document import read_tariff
from domain.ports.usage import UsageFilter
from domain.rating.rated_event import RatedEvent
from tests.intake import world as made

MARCH = ["2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00"]
# 0.01 SEK a second and nothing else, so that amounts tell seconds.
PLAIN = {
    "retail": made.plist(made.rate("*", "0.60"), made.rate("Norway", "1.20")),
    "other": made.plist(made.rate("*", "6")),
}


def bucket(name: str, owner: str, amount: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "owner": owner, "unit": "seconds", "amount": amount, "period": MARCH} | more


def volume_ring(name: str, since: str, percent: str, **more: Any) -> dict[str, Any]:
    when = {"volume_from": since, "volume_unit": "units"} | more.pop("when", {})
    return {"id": name, "priority": 1, "effect": {"percent": percent}, "when": when, "volume_period": MARCH} | more


async def publish(wiring: Wiring, world: made.World, **parts: Any) -> None:
    document = made.TARIFF | {"price_lists": {**made.TARIFF["price_lists"], **PLAIN}} | parts  # type: ignore[dict-item]
    async with wiring.begin(world.actor) as unit:
        await unit.catalogue.publish(read_tariff(document), recorded_at=made.NOW)


async def events(wiring: Wiring, world: made.World) -> list[RatedEvent]:
    """Return every event, in the order of their starts."""
    async with wiring.begin(world.actor) as unit:
        found, _ = await unit.usage.page(UsageFilter(since=made.BEGAN, until=made.NOW), first=10_000)
    return list(found)


async def balances(wiring: Wiring, world: made.World, *customers: int) -> dict[tuple[str, str], int]:
    """Return what was drawn, by bucket and owner."""
    async with wiring.begin(world.actor) as unit:
        standing = await unit.draws.standing(customers or world.customers)
    return {(row["bucket"], row["owner"]): row["drawn"] for row in standing.balances.iter_rows(named=True)}


def micro(event: RatedEvent) -> int:
    return int(event.retail.amount.value.scaleb(6))

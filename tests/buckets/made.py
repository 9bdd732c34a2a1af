"""Catalogues with buckets and counted discounts for the intake's world, and what they come to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import polars as pl

from api.wiring import Wiring
from domain.catalogue.document import read_tariff
from domain.contracts.subscription import NumberAssignment
from domain.ids import SubscriptionId
from domain.ports.usage import UsageFilter
from domain.rating.rated_event import RatedEvent
from domain.rerating.rerating import Tally
from domain.usecases.settle_draws import SettleDraws, settle_draws
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


async def add_line(wiring: Wiring, world: made.World, index: int, number: str) -> SubscriptionId:
    """Give the contract of a subscription of the world another line."""
    async with wiring.begin(world.actor) as unit:
        there = (await unit.subscriptions.many([world.subscriptions[index]]))[world.subscriptions[index]]
        new = await unit.subscriptions.add(
            replace(
                there,
                id=SubscriptionId(0),
                numbers=(NumberAssignment(number=number, valid_from=made.BEGAN),),
            )
        )
    return new.id


async def settle(wiring: Wiring, world: made.World, **options: Any) -> Tally:
    return await settle_draws(
        SettleDraws(until=datetime(2026, 3, 31, 22, tzinfo=UTC)),
        actor=world.actor,
        begin=wiring.begin,
        clock=wiring.clock,
        raters=wiring.raters,
        **options,
    )


async def told(wiring: Wiring, world: made.World) -> list[Any]:
    """Return what each event costs on every level and what it drew, and what is left, free of keys."""
    found = await events(wiring, world)
    refs = pl.DataFrame(
        [(one.ref.start_us, int(one.ref.source), one.ref.key, one.version) for one in found],
        schema={"start": pl.Int64, "source": pl.Int32, "key": pl.Int64, "version": pl.Int16},
        orient="row",
    )
    async with wiring.begin(world.actor) as unit:
        kept = await unit.draws.shares(refs)
        standing = await unit.draws.standing(world.customers)
    # A grant's number is the database's, and another in another world.
    plainly = pl.col("name").str.replace(r"#\d+$", "#")
    kept, balances_ = kept.with_columns(plainly), standing.balances.rename({"bucket": "name"}).with_columns(plainly)
    what = ["start", "key", "kind", "slot", "name", "since", "amount"]
    drawn = balances_.rename({"name": "bucket"}).filter(pl.col("drawn") != 0)
    sums = drawn.select("bucket", "since", "granted", "drawn").sort("bucket", "since", "drawn")
    counted = standing.volumes.filter(pl.col("counted") != 0).select("ring", "slot", "counted").sort("ring", "counted")
    rows = [
        (one.start, one.reference, one.billed, micro(one), [each.amount for each in one.wholesale]) for one in found
    ]
    return [rows, kept.select(what).sort(what).rows(), sums.rows(), counted.rows()]

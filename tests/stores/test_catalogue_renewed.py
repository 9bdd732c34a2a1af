"""A catalogue read from where an earlier one stood is the catalogue read whole, after every kind of change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.catalogue.tariff import Destination, PriceList, Tariff
from persistence.catalogue import CatalogueStore
from tests.stores.test_catalogue import NOON, rate, whole
from tests.stores.worlds import World

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def changes() -> list[Tariff]:
    """Catalogues that follow one another, each differing from the one before in one thing."""
    made = [whole()]

    def then(**fields: object) -> None:
        made.append(replace(made[-1], **fields))  # type: ignore[arg-type]  # a table of fields

    lists = made[-1].price_lists
    then(price_lists={**lists, "gold": replace(lists["gold"], rates=(rate("*", price=5),))})
    then(price_lists={**made[-1].price_lists, "silver": PriceList(name="silver", parent="gold", rates=())})
    then(price_lists={**made[-1].price_lists, "silver": PriceList(name="silver", parent="master", rates=())})
    then(price_lists={name: one for name, one in made[-1].price_lists.items() if name != "silver"})
    then(price_lists={**made[-1].price_lists, "gold": replace(lists["gold"], rates=())})
    then(destinations={**made[-1].destinations, "NO": Destination(name="NO", prefixes=("47",))})
    moved = replace(made[-1].destinations["SE-mobile"], prefixes=("4673", "4676"))
    then(destinations={**made[-1].destinations, "SE-mobile": moved})
    then(ported=())
    then(rings=made[-1].rings[:1], buckets=())
    then(zones={**made[-1].zones, "X": replace(made[-1].zones["EU"], name="X")})
    return made


async def test_what_was_renewed_is_what_is_read_whole(world: World) -> None:
    at, before, since = NOON, Tariff(), EPOCH
    kept = []
    for tariff in changes():
        at += timedelta(hours=1)
        async with world.begin(world.operator) as unit:
            await unit.catalogue.publish(tariff, recorded_at=at)
        async with world.begin(world.operator) as unit:
            full = await unit.catalogue.tariff()
            assert await unit.catalogue.renewed(before, since) == full
            for old, then in kept:
                assert await unit.catalogue.renewed(old, then) == full
            before, since = full, at
        kept.append((before, since))


async def test_only_the_changed_list_is_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = changes()[:2]
    async with world.begin(world.operator) as unit:
        await unit.catalogue.publish(first, recorded_at=NOON)
        before = await unit.catalogue.tariff()
        await unit.catalogue.publish(second, recorded_at=NOON + timedelta(hours=1))
    async with world.begin(world.operator) as unit:
        store = unit.catalogue
        if not isinstance(store, CatalogueStore):
            pytest.skip("in memory nothing is read")
        asked = []
        real = store._rates

        async def seen(names, as_of):
            asked.append(list(names))
            return await real(names, as_of)

        monkeypatch.setattr(store, "_rates", seen)
        monkeypatch.setattr(store, "_destinations", lambda _: pytest.fail("no destination has changed"))
        made = await store.renewed(before, NOON)
    assert asked == [["gold"]]
    assert made.destinations is before.destinations
    assert made.price_lists["master"].rates is before.price_lists["master"].rates

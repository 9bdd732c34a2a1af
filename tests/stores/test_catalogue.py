"""The catalogue's store, as its port promises: what is the same stays, what differs ends, and both are remembered."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from domain.catalogue.tariff import (
    Adjustment,
    Band,
    Bucket,
    Destination,
    Effect,
    Ported,
    PriceList,
    Rate,
    Ring,
    RoundingRule,
    Step,
    Tariff,
    Trunk,
    Zone,
)
from domain.ids import ResellerId
from domain.money import Rounding
from domain.ports.page import PageRequest
from domain.refusal import Conflict, NotFound
from persistence.catalogue import CatalogueStore
from tests.stores.worlds import NOON, World, contract, customer

SPRING = datetime(2026, 4, 1, tzinfo=UTC)
SUMMER = datetime(2026, 6, 1, tzinfo=UTC)


def rate(to: str = "SE-mobile", price: int = 690_000_000, **fields: object) -> Rate:
    values: dict[str, object] = {"to": to, "mode": "voice", "steps": (Step(price=price, next=60, per=60),)}
    return Rate(**(values | fields))  # type: ignore[arg-type]  # a table of fields


def whole() -> Tariff:
    """Return a tariff with something of everything but parties."""
    master = PriceList(
        name="master",
        currency="SEK",
        zone="Europe/Stockholm",
        band_policy="split",
        rounding=RoundingRule(decimals=4, mode=Rounding.HALF_EVEN),
        rates=(
            rate(
                band="peak",
                zone="EU",
                origin="group:Nordic",
                direction="in",
                setup=490_000_000,
                grace=2,
                min_charge=1,
                max_charge=2**62,
                first=60,
                steps=(Step(price=1, next=60, per=60), Step(start=600, price=0)),
                valid_from=SPRING,
                valid_to=SUMMER,
            ),
            rate("*", mode="data"),
        ),
    )
    gold = PriceList(
        name="gold",
        parent="master",
        rates=(
            rate(steps=(), adjust=Adjustment(percent=-10_000_000)),
            rate("group:Nordic", steps=(), adjust=Adjustment(amount=-5)),
        ),
    )
    effect = Effect(price=(Step(price=3),), setup=1, first=2)
    ring = Ring(id="evening", priority=1, effect=effect, groups=("SME",), volume_period=(SPRING, SUMMER), volume_from=5)
    return Tariff(
        bands={"peak": Band(name="peak", days=frozenset({1, 5}), start=1, end=2, except_holidays="SE", rank=3)},
        holidays={"SE": (date(2026, 1, 1), date(2026, 1, 6))},
        destinations={
            "SE-mobile": Destination(name="SE-mobile", prefixes=("4670", "4673"), groups=("Nordic mobile", "Nordic")),
            "DE": Destination(name="DE", prefixes=("49",), valid_from=SPRING, valid_to=SUMMER),
        },
        ported=(Ported(number="46701234567", to="DE", valid_from=SPRING),),
        zones={"EU": Zone(name="EU", countries=("DE", "FR"), rank=2)},
        price_lists={"master": master, "gold": gold},
        rings=(ring, Ring(id="x", priority=2, effect=Effect(percent=-1))),
        buckets=(Bucket(id="b", owner="s", unit="seconds", amount=10, period=(SPRING, SUMMER), modes=("voice",)),),
        trunks={"T1": Trunk(name="T1", cost="master"), "T2": Trunk(name="T2")},
    )


def bare(tariff: Tariff) -> Tariff:
    """Return a tariff without keys and times of recording."""
    return replace(
        tariff,
        destinations={name: replace(one, id=0) for name, one in tariff.destinations.items()},
        price_lists={
            name: replace(one, id=0, rates=tuple(replace(r, id=0, recorded_at=None) for r in one.rates))
            for name, one in tariff.price_lists.items()
        },
    )


async def test_a_tariff_comes_back_as_it_was_published(world: World) -> None:
    async with world.begin(world.operator) as unit:
        assert await unit.catalogue.tariff() == Tariff()
        changed = await unit.catalogue.publish(whole(), recorded_at=NOON)
    # 2 destinations, 3 prefixes, 2 lists, 4 rates, 7 parts
    assert (changed.began, changed.ended) == (18, 0)
    async with world.begin(world.operator) as unit:
        kept = await unit.catalogue.tariff()
    assert bare(kept) == whole()
    keys = [one.id for one in (*kept.destinations.values(), *kept.price_lists.values())]
    assert all(keys)
    assert len({r.id for one in kept.price_lists.values() for r in one.rates}) == 4
    assert {r.recorded_at for one in kept.price_lists.values() for r in one.rates} == {NOON}


async def test_the_outline_is_the_catalogue_without_what_is_long(world: World) -> None:
    async with world.begin(world.operator) as unit:
        await unit.catalogue.publish(whole(), recorded_at=NOON)
        outline, full = await unit.catalogue.outline(), await unit.catalogue.tariff()
    assert outline == Tariff(
        bands=full.bands,
        holidays=full.holidays,
        zones=full.zones,
        trunks=full.trunks,
        destinations={
            name: replace(one, prefixes=(), valid_from=None, valid_to=None) for name, one in full.destinations.items()
        },
        price_lists={name: replace(one, rates=()) for name, one in full.price_lists.items()},
    )


async def test_publishing_the_same_again_changes_nothing(world: World) -> None:
    async with world.begin(world.operator) as unit:
        await unit.catalogue.publish(whole(), recorded_at=NOON)
    async with world.begin(world.operator) as unit:
        before, revision = await unit.catalogue.tariff(), await unit.catalogue.revision()
        changed = await unit.catalogue.publish(whole(), recorded_at=NOON + timedelta(hours=1))
        assert (changed.began, changed.ended) == (0, 0)
        assert await unit.catalogue.tariff() == before
        assert await unit.catalogue.revision() == revision


async def test_what_is_the_same_keeps_its_key_and_what_was_is_remembered(world: World) -> None:
    first = whole()
    dearer = rate("*", price=7, mode="data")
    second = replace(
        first,
        destinations={
            "SE-mobile": replace(first.destinations["SE-mobile"], prefixes=("4673", "4676")),
            "NO": Destination(name="NO", prefixes=("47",)),
        },
        price_lists={
            "master": replace(first.price_lists["master"], rates=(first.price_lists["master"].rates[0], dearer)),
            "silver": PriceList(name="silver", parent="master", rates=()),
        },
        zones={},
    )
    later = NOON + timedelta(days=1)
    async with world.begin(world.operator) as unit:
        await unit.catalogue.publish(first, recorded_at=NOON)
        old = await unit.catalogue.tariff()
    async with world.begin(world.operator) as unit:
        changed = await unit.catalogue.publish(second, recorded_at=later)
        new = await unit.catalogue.tariff()
    assert bare(new) == second
    assert new.destinations["SE-mobile"].id == old.destinations["SE-mobile"].id
    assert new.price_lists["master"].id == old.price_lists["master"].id
    assert new.price_lists["master"].rates[0] == old.price_lists["master"].rates[0]
    assert new.price_lists["master"].rates[1].id not in {r.id for r in old.price_lists["master"].rates}
    # began: prefix 4676, NO and its prefix, silver, a rate, zones; ended: 4670, DE and its prefix, gold with 2, a rate
    assert (changed.began, changed.ended) == (6, 7)
    async with world.begin(world.operator) as unit:
        assert await unit.catalogue.tariff(as_of=later - timedelta(microseconds=1)) == old
        assert await unit.catalogue.tariff(as_of=NOON) == old
        assert await unit.catalogue.tariff(as_of=later) == new
        assert await unit.catalogue.tariff(as_of=NOON - timedelta(microseconds=1)) == Tariff()


async def test_other_groups_or_another_validity_begin_anew(world: World) -> None:
    first = whole()
    moved = replace(
        first,
        destinations={
            "SE-mobile": replace(first.destinations["SE-mobile"], groups=("Nordic",)),
            "DE": replace(first.destinations["DE"], valid_to=None),
        },
    )
    async with world.begin(world.operator) as unit:
        await unit.catalogue.publish(first, recorded_at=NOON)
        old = await unit.catalogue.tariff()
        changed = await unit.catalogue.publish(moved, recorded_at=NOON + timedelta(hours=1))
        new = await unit.catalogue.tariff()
        assert await unit.catalogue.tariff(as_of=NOON) == old
    assert bare(new).destinations == moved.destinations
    assert new.destinations["SE-mobile"].id != old.destinations["SE-mobile"].id
    assert new.destinations["DE"].id == old.destinations["DE"].id
    assert (changed.began, changed.ended) == (4, 4)


async def test_changes_are_recorded_one_after_the_other_whatever_the_clock(world: World) -> None:
    async with world.begin(world.operator) as unit:
        await unit.catalogue.publish(whole(), recorded_at=NOON)
        first = await unit.catalogue.tariff()
        await unit.catalogue.publish(replace(whole(), zones={}), recorded_at=NOON - timedelta(hours=1))
        assert await unit.catalogue.tariff(as_of=NOON) == first
        assert (await unit.catalogue.tariff(as_of=NOON + timedelta(microseconds=1))).zones == {}
        assert await unit.catalogue.revision() == 2


async def test_what_is_committed_while_a_tariff_is_read_is_left_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader takes several statements; another's change between two of them does not tear the tariff."""
    async with world.begin(world.operator) as unit:
        await unit.catalogue.publish(whole(), recorded_at=NOON)
        before = await unit.catalogue.tariff()

    async def change() -> None:
        async with world.begin(world.operator) as unit:
            await unit.catalogue.publish(Tariff(), recorded_at=NOON + timedelta(hours=1))

    async with world.begin(world.operator) as unit:
        store = unit.catalogue
        if not isinstance(store, CatalogueStore):
            pytest.skip("in memory one unit follows the other")
        first = store._changed_at

        async def interrupted() -> datetime | None:
            at = await first()
            await asyncio.create_task(change())
            return at

        monkeypatch.setattr(store, "_changed_at", interrupted)
        assert await store.tariff() == before
    async with world.begin(world.operator) as unit:
        assert await unit.catalogue.tariff() == Tariff()


async def published(world: World) -> None:
    async with world.begin(world.operator) as unit:
        await unit.catalogue.publish(whole(), recorded_at=NOON)


async def test_a_new_rate_ends_the_one_before_where_it_begins(world: World) -> None:
    await published(world)
    async with world.begin(world.operator) as unit:
        kept = await unit.catalogue.put_rates(
            "master", [rate("*", price=9, mode="data")], valid_from=SPRING, recorded_at=NOON + timedelta(hours=1)
        )
        page = await unit.catalogue.rates("master", PageRequest())
        was = await unit.catalogue.tariff(as_of=NOON)
    assert [(r.valid_from, r.valid_to) for r in kept] == [(None, SPRING), (SPRING, None)]
    assert [r.steps[0].price for r in kept] == [690_000_000, 9]
    assert [r.to for r in page.items] == ["SE-mobile", "*", "*"]
    assert list(page.items[1:]) == list(kept)
    assert [(r.valid_from, r.valid_to) for r in was.price_lists["master"].rates if r.to == "*"] == [(None, None)]


async def test_a_rate_for_a_while_leaves_what_is_before_and_after(world: World) -> None:
    await published(world)
    campaign = rate("*", price=1, mode="data", valid_to=SUMMER)
    async with world.begin(world.operator) as unit:
        kept = await unit.catalogue.put_rates("master", [campaign], valid_from=SPRING, recorded_at=NOON)
        again = await unit.catalogue.put_rates("master", [campaign], valid_from=SPRING, recorded_at=NOON)
    spans = [(r.valid_from, r.valid_to, r.steps[0].price) for r in kept]
    assert spans == [(None, SPRING, 690_000_000), (SUMMER, None, 690_000_000), (SPRING, SUMMER, 1)]
    assert again == []


async def test_another_selector_is_another_rate(world: World) -> None:
    await published(world)
    async with world.begin(world.operator) as unit:
        kept = await unit.catalogue.put_rates(
            "master", [rate("*", mode="data", band="peak")], valid_from=SPRING, recorded_at=NOON
        )
        with pytest.raises(NotFound):
            await unit.catalogue.put_rates("none", [rate()], valid_from=SPRING, recorded_at=NOON)
    assert [(r.valid_from, r.band) for r in kept] == [(SPRING, "peak")]


async def test_a_list_is_added_once(world: World) -> None:
    await published(world)
    silver = PriceList(name="silver", parent="master", rates=(rate(steps=(), adjust=Adjustment(percent=1)),))
    async with world.begin(world.operator) as unit:
        revision = await unit.catalogue.revision()
        kept = await unit.catalogue.add_list(silver, recorded_at=NOON + timedelta(hours=1))
        assert await unit.catalogue.revision() > revision
        assert list((await unit.catalogue.rates("silver", PageRequest())).items) == list(kept.rates)
        assert (await unit.catalogue.named("silver", field="x")) == replace(kept, rates=())
    with pytest.raises(Conflict):
        async with world.begin(world.operator) as unit:
            await unit.catalogue.add_list(silver, recorded_at=NOON + timedelta(hours=2))


async def test_pages_of_lists_and_rates_follow_the_key(world: World) -> None:
    await published(world)
    async with world.begin(world.operator) as unit:
        first = await unit.catalogue.lists(PageRequest(1))
        assert ([one.name for one in first.items], first.more) == (["master"], True)
        rest = await unit.catalogue.lists(PageRequest(1, first.items[0].id))
        assert ([one.name for one in rest.items], rest.more) == (["gold"], False)
        page = await unit.catalogue.rates("gold", PageRequest(1))
        following = await unit.catalogue.rates("gold", PageRequest(1, page.items[0].id))
        assert (page.more, following.more) == (True, False)
        assert {one.to for one in (*page.items, *following.items)} == {"SE-mobile", "group:Nordic"}


async def test_the_first_rates_of_many_lists_come_at_once(world: World) -> None:
    await published(world)
    async with world.begin(world.operator) as unit:
        pages = await unit.catalogue.rates_of(["master", "gold", "none"], first=1)
        for name in ("master", "gold"):
            assert pages[name] == await unit.catalogue.rates(name, PageRequest(1))
        assert set(pages) == {"master", "gold"}
        whole_pages = await unit.catalogue.rates_of(["gold"], first=2)
        assert (len(whole_pages["gold"].items), whole_pages["gold"].more) == (2, False)
        assert await unit.catalogue.rates_of([], first=1) == {}
    async with world.begin(world.south) as unit:
        assert await unit.catalogue.rates_of(["master", "gold"], first=1) == {}


async def test_a_reseller_meets_the_lists_his_subtree_has_and_no_others(world: World) -> None:
    await published(world)
    assert world.north.reseller is not None
    async with world.begin(world.operator) as unit:
        for name, owner in (("norths", world.north.reseller), ("souths", world.south.reseller)):
            one = PriceList(name=name, parent="master", rates=())
            await unit.catalogue.add_list(one, recorded_at=NOON, reseller=ResellerId(owner or 0))
        norths = await unit.customers.add(customer(world.operator, reseller=world.north.reseller, price_list="gold"))
        await unit.contracts.add(contract(norths, price_list="master"))

    async def seen(who: str) -> list[str]:
        async with world.begin(getattr(world, who)) as unit:
            named = await unit.catalogue.lists_by_name(["master", "gold", "norths", "souths"])
            page = await unit.catalogue.lists(PageRequest())
            assert set(named) == {one.name for one in page.items}
            for name in {"master", "gold", "norths", "souths"} - set(named):
                with pytest.raises(NotFound):
                    await unit.catalogue.rates(name, PageRequest())
            return sorted(named)

    assert await seen("operator") == ["gold", "master", "norths", "souths"]
    assert await seen("north") == ["gold", "master", "norths"]
    assert await seen("north_east") == []
    assert await seen("south") == ["souths"]
    assert await seen("other_operator") == []
    async with world.begin(world.operator) as unit:
        assert await unit.catalogue.lists_in_use() == {"gold", "master"}
    # Publishing a document that has the list still leaves it to its owner.
    changed = replace(
        whole(),
        price_lists={
            **whole().price_lists,
            "norths": PriceList(name="norths", parent="gold", rates=()),
            "souths": PriceList(name="souths", parent="master", rates=()),
        },
    )
    async with world.begin(world.operator) as unit:
        await unit.catalogue.publish(changed, recorded_at=NOON)
    assert await seen("north") == ["gold", "master", "norths"]
    assert await seen("south") == ["souths"]

"""Drafts: edited freely, validated with the place of each fault, published from a moment on, never changed again."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from domain.catalogue.document import BadTariff
from domain.catalogue.draft import Draft, DraftState
from domain.catalogue.tariff import Rate
from domain.ports.page import PageRequest
from domain.rating.book import compile_book
from domain.refusal import BadValue, Conflict, NotAllowed, NotFound, Stale, WrongState
from domain.usecases.check_draft import DraftChecked, check_draft
from domain.usecases.discard_draft import discard_draft
from domain.usecases.export_tariff import export_tariff
from domain.usecases.import_tariff import ImportTariff, import_tariff
from domain.usecases.list_drafts import get_draft, list_drafts
from domain.usecases.publish_draft import DraftPublished, PublishDraft, publish_draft
from domain.usecases.put_draft import PutDraft, put_draft
from tests.stores.worlds import NOON, World
from tests.usecases.trail import trail

SUMMER = datetime(2026, 6, 1, tzinfo=UTC)


def price(to: str, amount: str, **more: Any) -> dict[str, Any]:
    return {"to": to, "mode": "voice", "steps": [{"price": amount, "next": 60, "per": 60}]} | more


def document() -> dict[str, Any]:
    return {
        "bands": {"peak": {"days": "1-5", "from": "08:00", "to": "18:00"}},
        "destinations": {
            "SE": {"prefixes": ["46"], "groups": ["Nordic"]},
            "NO": {"prefixes": ["47"], "groups": ["Nordic"]},
            "DE": {"prefixes": ["49"]},
        },
        "price_lists": {
            "master": {"currency": "SEK", "rates": [price("SE", "0.69"), price("NO", "0.99"), price("DE", "1.20")]},
            "gold": {"parent": "master", "rates": [{"to": "SE", "mode": "voice", "adjust": {"percent": "-10"}}]},
            "supplier": {"currency": "SEK", "rates": [price("*", "0.40")]},
        },
        "trunks": {"T1": {"cost": "supplier"}},
    }


async def load(world: World) -> None:
    cmd = ImportTariff(document=document())
    await import_tariff(cmd, actor=world.operator, begin=world.begin, clock=world.clock)


async def put(world: World, changes: Any, name: str = "spring", **more: Any) -> Draft:
    cmd = PutDraft(name=name, changes=changes, **more)
    return await put_draft(cmd, actor=world.operator, begin=world.begin, clock=world.clock)


async def look(world: World, at: datetime | None = None) -> DraftChecked:
    return await check_draft("spring", at, actor=world.operator, begin=world.begin, clock=world.clock)


async def publish(world: World, **more: Any) -> DraftPublished:
    cmd = PublishDraft(**({"name": "spring", "accept_warnings": False} | more))
    return await publish_draft(cmd, actor=world.operator, begin=world.begin, clock=world.clock)


async def tariff(world: World) -> Any:
    async with world.begin(world.operator) as unit:
        return await unit.catalogue.tariff()


async def rates(world: World, name: str, to: str) -> list[Rate]:
    found = [rate for rate in (await tariff(world)).price_lists[name].rates if rate.to == to]
    return sorted(found, key=lambda rate: (rate.valid_from is not None, rate.valid_from))


async def write_to(world: World, draft: Draft) -> None:
    async with world.begin(world.operator) as unit:
        await unit.drafts.put(draft, {"bands": {"a": {}}}, at=NOON)


async def test_a_draft_changes_nothing_until_it_is_published_and_then_all_at_once(world: World) -> None:
    await load(world)
    before = await tariff(world)
    await put(world, {"price_lists": {"master": {"change": [price("SE", "0.79")]}}})
    edited = await put(world, {"price_lists": {"new": {"parent": "master", "rates": [price("NO", "0.89")]}}})
    assert (edited.version, edited.state) == (3, DraftState.OPEN)
    assert await tariff(world) == before
    checked = await look(world, SUMMER)
    assert (list(checked.faults), list(checked.warnings)) == ([], [])
    done = await publish(world, valid_from=SUMMER)
    assert (done.draft.state, done.draft.valid_from, done.draft.revision) == (DraftState.PUBLISHED, SUMMER, 2)
    old, new = await rates(world, "master", "SE")
    assert (old.valid_to, new.valid_from, new.valid_to) == (SUMMER, SUMMER, None)
    assert (old.steps[0].price, new.steps[0].price) == (690_000_000, 790_000_000)
    assert [rate.valid_from for rate in await rates(world, "new", "NO")] == [SUMMER]
    assert len(await rates(world, "master", "NO")) == 1
    compile_book(await tariff(world))
    assert [line[1:] for line in await trail(world)][-2:] == [
        ("put_draft", "draft:spring"),
        ("publish_draft", "draft:spring"),
    ]


async def test_what_is_published_is_never_edited_and_its_name_is_free_again(world: World) -> None:
    await load(world)
    await put(world, {"price_lists": {"master": {"change": [price("SE", "0.79")]}}})
    done = await publish(world)
    with pytest.raises(WrongState, match="published already"):
        await publish(world)
    again = await put(world, {"bands": {"night": {"from": "22:00", "to": "06:00"}}})
    assert again.id != done.draft.id
    assert again.version == 2
    assert "price_lists" not in again.changes
    with pytest.raises((AssertionError, asyncpg.IntegrityConstraintViolationError)):
        await write_to(world, done.draft)
    page = await list_drafts(PageRequest(), actor=world.operator, begin=world.begin)
    assert [one.state for one in page.items] == [DraftState.PUBLISHED, DraftState.OPEN]


async def test_groups_of_modes_and_destinations_are_expanded_at_publishing(world: World) -> None:
    await load(world)
    one = price("destinations:North", "0.50") | {"mode": "modes:talk"}
    groups = {"mode_groups": {"talk": ["voice", "video"]}, "destination_groups": {"North": ["SE", "NO"]}}
    await put(world, groups | {"price_lists": {"master": {"change": [one]}}})
    assert list((await look(world)).faults) == []
    await publish(world, accept_warnings=True)
    found = (await tariff(world)).price_lists["master"].rates
    made = {(rate.to, rate.mode) for rate in found if rate.valid_to is None and rate.steps[0].price == 500_000_000}
    assert made == {("SE", "voice"), ("SE", "video"), ("NO", "voice"), ("NO", "video")}


async def test_of_two_who_publish_at_once_one_does(world: World) -> None:
    await load(world)
    await put(world, {"price_lists": {"master": {"change": [price("SE", "0.79")]}}})
    found = await asyncio.gather(*(publish(world) for _ in range(3)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in found) == ["DraftPublished", "WrongState", "WrongState"]
    assert len(await rates(world, "master", "SE")) == 2


FAULTS = [
    ({"price_lists": {"master": {"change": [price("XX", "1")]}}}, "$.price_lists.master.change[0].to"),
    ({"price_lists": {"master": {"change": [price("SE", "1"), price("SE", "2")]}}}, "$.price_lists.master.change[1]"),
    ({"price_lists": {"master": {"change": [price("SE", "x")]}}}, "$.price_lists.master.change[0].steps[0].price"),
    ({"price_lists": {"master": {"parent": "gold", "change": []}}}, "$.price_lists.master.parent"),
    ({"price_lists": {"lost": {"change": []}}}, "$.price_lists.lost"),
    ({"price_lists": {"supplier": None}}, "$.trunks.T1.cost"),
    ({"price_lists": {"gold": {"rates": [], "end": []}}}, "$.price_lists.gold"),
    ({"destinations": {"SE2": {"prefixes": ["46"]}}}, "$.destinations.SE2.prefixes[0]"),
    ({"destinations": {"DE": None}}, "$.price_lists.master.rates[2].to"),
    ({"bands": {"peak": {"days": "9"}}}, "$.bands.peak.days"),
    ({"bands": {"nothing": None}}, "$.bands.nothing"),
    ({"discount_rings": {"r": {"priority": 1, "effect": {}}}}, "$.discount_rings.r.effect"),
    ({"discount_rings": {"r": {"priority": 1, "effect": {"percent": "-1"}, "when": {"band": "x"}}}}, ".r.when.band"),
    ({"mode_groups": {"talk": []}}, "$.mode_groups.talk"),
    ({"price_lists": {"master": {"change": [price("destinations:X", "1")]}}}, "$.price_lists.master.change[0].to"),
    ({"price_lists": {"master": {"end": [{"to": "SE"}]}}}, "$.price_lists.master.end[0].mode"),
]


@pytest.mark.parametrize(("changes", "place"), FAULTS)
async def test_each_fault_has_its_place_and_nothing_is_published(world: World, changes: Any, place: str) -> None:
    await load(world)
    before = await tariff(world)
    await put(world, changes)
    paths = [fault.path for fault in (await look(world)).faults]
    assert any(path.endswith(place) for path in paths), paths
    with pytest.raises(BadTariff):
        await publish(world, accept_warnings=True)
    assert await tariff(world) == before


async def test_under_cost_is_found_in_the_price_in_what_adjusts_it_and_in_the_suppliers_list(world: World) -> None:
    await load(world)
    await put(world, {"price_lists": {"master": {"change": [price("SE", "0.39")]}}})
    (warning,) = (await look(world)).warnings
    assert warning.path == "$.price_lists.master.change[0]"
    assert "0.39 a minute" in warning.message
    assert "trunk T1 (supplier)" in warning.message
    with pytest.raises(Conflict):
        await publish(world)
    half = {"to": "SE", "mode": "voice", "adjust": {"percent": "-50"}}
    await put(world, {"price_lists": {"gold": {"change": [half]}}}, withdraw=("price_lists.master",))
    (warning,) = (await look(world)).warnings
    assert warning.path == "$.price_lists.gold.change[0]"
    dear = price("NO", "1.10")
    await put(world, {"price_lists": {"supplier": {"change": [dear]}}}, withdraw=("price_lists.gold",))
    (warning,) = (await look(world)).warnings
    assert warning.path == "$.price_lists.master"
    assert "to NO" in warning.message
    assert (await publish(world, accept_warnings=True)).draft.state is DraftState.PUBLISHED


async def test_a_suppliers_price_that_comes_later_is_compared_with_what_holds_then(world: World) -> None:
    await load(world)
    dear = price("NO", "1.10", valid_from="2026-07-01T00:00:00Z")
    await put(world, {"price_lists": {"supplier": {"change": [dear]}}})
    (warning,) = (await look(world)).warnings
    assert warning.path == "$.price_lists.master"
    assert "to NO" in warning.message
    raised = price("NO", "1.50", valid_from="2026-07-01T00:00:00Z")
    await put(world, {"price_lists": {"master": {"change": [raised]}}})
    assert list((await look(world)).warnings) == []


async def test_gaps_in_time_and_in_place_are_warnings(world: World) -> None:
    await load(world)
    first = price("SE", "0.79", valid_to="2026-06-01T00:00:00Z")
    later = price("SE", "0.89", valid_from="2026-07-01T00:00:00Z")
    half = {"currency": "SEK", "rates": [price("group:Nordic", "1")]}
    whole = {"currency": "SEK", "rates": [first, later, price("NO", "1"), price("DE", "1")]}
    await put(world, {"price_lists": {"master": whole, "half": half}})
    found = {warning.path: warning.message for warning in (await look(world)).warnings}
    assert "2026-06-01" in found["$.price_lists.master.rates[1].valid_from"]
    assert found["$.price_lists.half"].endswith("1 destinations: DE")


async def test_a_whole_list_ends_what_it_leaves_out_at_the_moment(world: World) -> None:
    await load(world)
    whole = {"currency": "SEK", "rates": [price("*", "0.69"), price("SE", "0.69")]}
    await put(world, {"price_lists": {"master": whole}})
    done = await publish(world, valid_from=SUMMER)
    assert [rate.valid_to for rate in await rates(world, "master", "NO")] == [SUMMER]
    assert [rate.valid_to for rate in await rates(world, "master", "SE")] == [None]  # the same price: left alone
    assert done.began == 3  # NO and DE with their end, and the new one


async def test_a_list_put_as_it_stands_changes_nothing(world: World) -> None:
    await load(world)
    await put(world, {"price_lists": {"master": {"change": [price("SE", "0.79"), price("NO", "0.79")]}}})
    await publish(world, valid_from=SUMMER)
    before = await tariff(world)
    exported: Any = await export_tariff(None, actor=world.operator, begin=world.begin)
    await put(world, {"price_lists": exported["price_lists"]})
    assert (await publish(world)).began == 0
    assert await tariff(world) == before


async def test_what_cannot_wait_is_refused_for_a_later_moment(world: World) -> None:
    await load(world)
    changes = {"bands": {"peak": {"days": "1-7"}}, "destinations": {"FI": {"prefixes": ["358"]}}}
    await put(world, changes)
    assert [fault.path for fault in (await look(world, SUMMER)).faults] == ["$.bands.peak"]
    assert list((await look(world)).faults) == []
    await put(world, {}, withdraw=("bands.peak",))
    await publish(world, valid_from=SUMMER)
    assert (await tariff(world)).destinations["FI"].valid_from == SUMMER


async def test_rings_and_buckets_come_back_from_the_catalogue_and_can_be_removed(world: World) -> None:
    await load(world)
    ring = {"priority": 1, "when": {"to": ["group:Nordic"]}, "effect": {"percent": "-20"}}
    period = ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"]
    bucket = {"owner": "sub-1", "unit": "seconds", "amount": "600", "period": period}
    await put(world, {"discount_rings": {"evening": ring}, "buckets": {"b1": bucket}})
    await publish(world)
    found = await tariff(world)
    assert [one.id for one in found.rings] == ["evening"]
    assert [(one.id, one.amount) for one in found.buckets] == [("b1", 600)]
    exported = await export_tariff(None, actor=world.operator, begin=world.begin)
    assert (len(exported["discount_rings"]), len(exported["buckets"])) == (1, 1)  # type: ignore[arg-type]
    again = await import_tariff(
        ImportTariff(document=exported), actor=world.operator, begin=world.begin, clock=world.clock
    )
    assert (again.began, again.ended) == (0, 0)
    await put(world, {"discount_rings": {"evening": None}})
    await publish(world)
    assert (await tariff(world)).rings == ()


async def test_an_edit_of_what_was_read_before_is_stale(world: World) -> None:
    first = await put(world, {"bands": {}})
    await put(world, {"bands": {"a": {}}}, version=first.version)
    with pytest.raises(Stale):
        await put(world, {"bands": {"b": {}}}, version=first.version)


DEEP = json.loads("[" * 900 + "]" * 900)
NO_DRAFTS = [
    {"ported": {}},
    {"bands": []},
    {"bands": {"": {}}},
    {"bands": {"a\x00": {}}},
    {"bands": {"a": DEEP}},
    {"bands": {"a": float("inf")}},
    7,
]


@pytest.mark.parametrize("changes", NO_DRAFTS, ids=range(len(NO_DRAFTS)))
async def test_what_is_no_draft_is_refused_at_once(world: World, changes: Any) -> None:
    with pytest.raises(BadValue):
        await put(world, changes)


async def test_a_discarded_draft_stays_to_be_read(world: World) -> None:
    await put(world, {"bands": {"a": {}}})
    gone = await discard_draft("spring", actor=world.operator, begin=world.begin, clock=world.clock)
    assert await get_draft("spring", actor=world.operator, begin=world.begin) == gone
    with pytest.raises(NotFound):
        await discard_draft("spring", actor=world.operator, begin=world.begin, clock=world.clock)


async def test_nobody_but_the_operator_works_on_his_catalogue(world: World) -> None:
    await put(world, {"bands": {"a": {}}})
    where: dict[str, Any] = {"begin": world.begin}
    timed = where | {"clock": world.clock}
    for caller in (world.north, world.north_east, world.south):
        for call in (
            put_draft(PutDraft(name="spring"), actor=caller, **timed),
            check_draft("spring", None, actor=caller, **timed),
            publish_draft(PublishDraft(name="spring"), actor=caller, **timed),
            discard_draft("spring", actor=caller, **timed),
            get_draft("spring", actor=caller, **where),
            list_drafts(PageRequest(), actor=caller, **where),
            export_tariff(None, actor=caller, **where),
        ):
            with pytest.raises(NotAllowed):
                await call
    with pytest.raises(NotFound):
        await get_draft("spring", actor=world.other_operator, **where)
    with pytest.raises(NotFound):
        await publish_draft(PublishDraft(name="spring"), actor=world.other_operator, **timed)
    assert (await list_drafts(PageRequest(), actor=world.other_operator, **where)).items == []


async def test_export_shows_what_was_believed(world: World) -> None:
    await load(world)
    at = world.clock.pass_by(hours=1)
    await put(world, {"price_lists": {"master": {"change": [price("SE", "0.79")]}}})
    await publish(world)
    then = await export_tariff(at - timedelta(minutes=1), actor=world.operator, begin=world.begin)
    now = await export_tariff(None, actor=world.operator, begin=world.begin)
    assert len(then["price_lists"]["master"]["rates"]) == 3  # type: ignore[index]
    assert len(now["price_lists"]["master"]["rates"]) == 4  # type: ignore[index]

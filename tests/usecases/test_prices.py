"""Price lists, rates and tariff documents: what the use cases promise, for each who may call."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.access.actor import Action, Actor
from domain.catalogue.document import BadTariff
from domain.catalogue.tariff import Adjustment, Rate, RoundingRule, Step
from domain.ids import ResellerId
from domain.ports.page import PageRequest
from domain.refusal import BadValue, Conflict, NotAllowed, NotFound
from domain.usecases.change_prices import ChangePrices, change_prices
from domain.usecases.change_reseller_terms import ChangeResellerTerms, change_reseller_terms
from domain.usecases.create_customer import create_customer
from domain.usecases.create_price_list import CreatePriceList, create_price_list
from domain.usecases.import_tariff import ImportTariff, TariffImported, import_tariff
from domain.usecases.list_price_lists import list_price_lists
from domain.usecases.list_rates import ListRates, list_rates
from domain.usecases.load_batches import price_lists_by_names
from tests.stores.worlds import World, customer
from tests.usecases.test_customers import new as new_customer
from tests.usecases.trail import trail

SPRING = datetime(2026, 4, 1, tzinfo=UTC)


def document() -> dict[str, object]:
    """Return a small tariff document: two destinations in one group, a band, a master list and one below it."""
    first = {"to": "SE-mobile", "mode": "voice", "steps": [{"price": "0.69", "next": 60, "per": 60}]}
    return {
        "bands": {"peak": {"days": "1-5", "from": "08:00", "to": "18:00"}},
        "destinations": {
            "SE-mobile": {"prefixes": ["467"], "groups": ["Nordic"]},
            "NO": {"prefixes": ["47"], "groups": ["Nordic"]},
        },
        "price_lists": {
            "master": {"currency": "SEK", "zone": "Europe/Stockholm", "rates": [first]},
            "gold": {
                "parent": "master",
                "rates": [{"to": "SE-mobile", "mode": "voice", "adjust": {"percent": "-10"}}],
            },
        },
    }


def rate(to: str = "NO", **fields: object) -> Rate:
    values: dict[str, object] = {"to": to, "mode": "voice", "steps": (Step(price=5),)}
    return Rate(**(values | fields))  # type: ignore[arg-type]  # a table of fields


async def load(world: World, actor: str = "operator") -> TariffImported:
    cmd = ImportTariff(document=document())
    return await import_tariff(cmd, actor=getattr(world, actor), begin=world.begin, clock=world.clock)


async def create(world: World, **fields: object) -> object:
    cmd = CreatePriceList(**({"name": "silver", "parent": "master"} | fields))  # type: ignore[arg-type]  # a table of fields
    return await create_price_list(cmd, actor=world.operator, begin=world.begin, clock=world.clock)


async def change(world: World, *rates: Rate, price_list: str = "master", valid_from: datetime = SPRING) -> list[Rate]:
    cmd = ChangePrices(price_list=price_list, rates=rates, valid_from=valid_from)
    return list(await change_prices(cmd, actor=world.operator, begin=world.begin, clock=world.clock))


async def test_a_document_becomes_the_catalogue_and_again_changes_nothing(world: World) -> None:
    answer = await load(world)
    assert (answer.destinations, answer.prefixes, answer.price_lists, answer.rates) == (2, 2, 2, 2)
    assert (answer.began, answer.ended, answer.revision) == (9, 0, 1)
    assert (await trail(world))[-1] == ("boss", "import_tariff", "catalogue")
    lines = len(await trail(world))
    again = await load(world)
    assert (again.began, again.ended, again.revision) == (0, 0, 1)
    assert len(await trail(world)) == lines


async def test_a_document_with_a_fault_is_refused_whole(world: World) -> None:
    bad = document()
    bad["price_lists"]["gold"]["parent"] = "none"  # type: ignore[index]  # a JSON object
    with pytest.raises(BadTariff):
        await import_tariff(ImportTariff(document=bad), actor=world.operator, begin=world.begin, clock=world.clock)
    nul = document()
    nul["destinations"]["a\x00b"] = {"prefixes": ["1"]}  # type: ignore[index]  # a JSON object
    with pytest.raises(BadValue):
        await import_tariff(ImportTariff(document=nul), actor=world.operator, begin=world.begin, clock=world.clock)
    assert not (await list_price_lists(PageRequest(), actor=world.operator, begin=world.begin)).items


async def test_a_list_in_use_cannot_be_left_out(world: World) -> None:
    await load(world)
    await create_customer(new_customer(price_list="gold"), actor=world.operator, begin=world.begin)
    less = document()
    del less["price_lists"]["gold"]  # type: ignore[attr-defined]  # a JSON object
    with pytest.raises(Conflict, match="gold"):
        await import_tariff(ImportTariff(document=less), actor=world.operator, begin=world.begin, clock=world.clock)


async def test_a_list_that_is_being_given_to_somebody_cannot_be_taken_away(world: World) -> None:
    await load(world)
    less = document()
    del less["price_lists"]["gold"]  # type: ignore[attr-defined]  # a JSON object
    cmd = ImportTariff(document=less)
    async with world.begin(world.operator) as unit:
        gold = await unit.catalogue.named("gold", field="priceList")
        taking = asyncio.create_task(import_tariff(cmd, actor=world.operator, begin=world.begin, clock=world.clock))
        await asyncio.sleep(0.2)
        assert not taking.done()
        await unit.customers.add(customer(world.operator, price_list=gold.name))
    with pytest.raises(Conflict, match="gold"):
        await taking


async def test_a_list_is_created_and_read(world: World) -> None:
    await load(world)
    world.clock.pass_by(hours=1)
    made = await create(world, rates=(rate(steps=(), adjust=Adjustment(percent=-5_000_000)),), currency="SEK")
    seen = await price_lists_by_names(["silver"], actor=world.operator, begin=world.begin)
    assert seen == {"silver": made}
    rates = await list_rates(ListRates(price_list="silver"), actor=world.operator, begin=world.begin)
    assert [(one.to, one.adjust) for one in rates.items] == [("NO", Adjustment(percent=-5_000_000))]
    assert [one.recorded_at for one in rates.items] == [world.clock.now()]
    assert (await trail(world))[-1] == ("boss", "create_price_list", "price_list:silver")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"parent": "none"}, "parent"),
        ({"parent": "silver"}, "parent"),
        ({"parent": None}, "currency"),
        ({"currency": "EUR"}, "currency"),
        ({"zone": "Europe/Nowhere"}, "zone"),
        ({"zone": "../etc"}, "zone"),
        ({"band_policy": "never"}, "bandPolicy"),
        ({"rounding": RoundingRule(decimals=7)}, "rounding.decimals"),
        ({"reseller": ResellerId(4711)}, "reseller"),
        ({"rates": (rate(), rate("none"))}, "rates.1.to"),
        ({"rates": (rate("group:None"),)}, "rates.0.to"),
        ({"rates": (rate(band="none"),)}, "rates.0.band"),
        ({"rates": (rate(zone="none"),)}, "rates.0.zone"),
        ({"rates": (rate(origin="none"),)}, "rates.0.from"),
        ({"rates": (rate(), rate("SE-mobile"), rate())}, "rates.2"),
        ({"rates": (rate(to=""),)}, "rates.0.to"),
        ({"rates": (rate(mode=""),)}, "rates.0.mode"),
        ({"rates": (rate(direction="up"),)}, "rates.0.direction"),
        ({"rates": (rate(setup=-1),)}, "rates.0.setup"),
        ({"rates": (rate(setup=2**63),)}, "rates.0.setup"),
        ({"rates": (rate(first=0),)}, "rates.0.first"),
        ({"rates": (rate(steps=()),)}, "rates.0.steps"),
        ({"rates": (rate(steps=(Step(price=-1),)),)}, "rates.0.steps.0"),
        ({"rates": (rate(steps=(Step(price=2**62, per=2),)),)}, "rates.0.steps.0.price"),
        ({"rates": (rate(steps=(Step(price=1, start=1),)),)}, "rates.0.steps.0.from"),
        ({"rates": (rate(steps=(Step(price=1), Step(price=1))),)}, "rates.0.steps.1.from"),
        ({"rates": (rate(adjust=Adjustment(percent=1)),)}, "rates.0.adjust"),
        ({"rates": (rate(steps=(), adjust=Adjustment()),)}, "rates.0.adjust"),
        ({"rates": (rate(valid_from=SPRING.replace(tzinfo=None)),)}, "rates.0.validFrom"),
        ({"rates": (rate(valid_from=SPRING, valid_to=SPRING),)}, "rates.0.validTo"),
        (
            {"parent": None, "currency": "SEK", "rates": (rate(steps=(), adjust=Adjustment(percent=1)),)},
            "rates.0.adjust",
        ),
    ],
)
async def test_a_bad_list_is_refused_by_the_field(world: World, fields: dict[str, object], field: str) -> None:
    await load(world)
    with pytest.raises((BadValue, NotFound)) as no:
        await create(world, **fields)
    assert no.value.field == field
    page = await list_price_lists(PageRequest(), actor=world.operator, begin=world.begin)
    assert [one.name for one in page.items] == ["master", "gold"]


async def test_a_list_is_created_once(world: World) -> None:
    await load(world)
    first = await create(world, idempotency_key="k")
    assert await create(world, idempotency_key="k") == first
    with pytest.raises(Conflict) as taken:
        await create(world)
    assert taken.value.field == "name"
    both = await asyncio.gather(create(world, name="a"), create(world, name="a"), return_exceptions=True)
    assert sorted(type(one).__name__ for one in both) == ["Conflict", "PriceList"]


async def test_a_price_holds_from_its_day_on(world: World) -> None:
    await load(world)
    world.clock.pass_by(hours=1)
    begun = await change(world, rate("SE-mobile", steps=(Step(price=990_000_000, next=60, per=60),)))
    assert [(one.valid_from, one.valid_to) for one in begun] == [(None, SPRING), (SPRING, None)]
    assert (await trail(world))[-1] == ("boss", "change_prices", "price_list:master")
    assert await change(world, rate("SE-mobile", steps=(Step(price=990_000_000, next=60, per=60),))) == []
    page = await list_rates(ListRates(price_list="master"), actor=world.operator, begin=world.begin)
    assert [(one.steps[0].price, one.valid_from) for one in page.items] == [(690_000_000, None), (990_000_000, SPRING)]


@pytest.mark.parametrize(
    ("rates", "price_list", "valid_from", "field"),
    [
        ((), "master", SPRING, "rates"),
        ((rate(),), "none", SPRING, "priceList"),
        ((rate(),), "master", SPRING.replace(tzinfo=None), "validFrom"),
        ((rate(), rate("none")), "master", SPRING, "rates.1.to"),
        ((rate(), rate(band="none")), "master", SPRING, "rates.1.band"),
        ((rate(), rate(steps=(Step(price=7),))), "master", SPRING, "rates.1"),
        ((rate(valid_to=SPRING),), "master", SPRING, "rates.0.validTo"),
        ((rate(steps=(), adjust=Adjustment(percent=1)),), "master", SPRING, "rates.0.adjust"),
    ],
)
async def test_a_bad_change_is_refused_by_the_field(
    world: World, rates: tuple[Rate, ...], price_list: str, valid_from: datetime, field: str
) -> None:
    await load(world)
    with pytest.raises((BadValue, NotFound)) as no:
        await change(world, *rates, price_list=price_list, valid_from=valid_from)
    assert no.value.field == field
    assert len((await list_rates(ListRates(price_list="master"), actor=world.operator, begin=world.begin)).items) == 1


async def test_four_callers(world: World) -> None:
    await load(world)
    await create(world, name="norths", reseller=world.north.reseller)
    may = {"operator": ["gold", "master", "norths"], "own": ["norths"], "sibling": [], "other_operator": []}
    for name, caller in world.callers.items():
        page = await list_price_lists(PageRequest(), actor=caller, begin=world.begin)
        assert sorted(one.name for one in page.items) == may[name], name
        every = await price_lists_by_names(["gold", "master", "norths"], actor=caller, begin=world.begin)
        assert sorted(every) == may[name], name
        for one in ("gold", "norths"):
            query = ListRates(price_list=one)
            if one in may[name]:
                await list_rates(query, actor=caller, begin=world.begin)
            else:
                with pytest.raises(NotFound):
                    await list_rates(query, actor=caller, begin=world.begin)
        if name in {"own", "sibling"}:
            with pytest.raises(NotAllowed):
                await import_tariff(
                    ImportTariff(document=document()), actor=caller, begin=world.begin, clock=world.clock
                )
            with pytest.raises(BadValue):  # from nothing he would set prices that nobody above him has
                await create_price_list(
                    CreatePriceList(name="x", currency="SEK"), actor=caller, begin=world.begin, clock=world.clock
                )
    foreign = ChangePrices(price_list="master", rates=(rate("*"),), valid_from=SPRING)
    with pytest.raises(NotFound):
        await change_prices(foreign, actor=world.other_operator, begin=world.begin, clock=world.clock)


async def test_a_reseller_manages_his_own_lists_below_those_he_may_use(world: World) -> None:
    await load(world)
    await create(world, name="norths", reseller=world.north.reseller)

    async def makes(caller: Actor, name: str, parent: str) -> None:
        cmd = CreatePriceList(name=name, parent=parent)
        await create_price_list(cmd, actor=caller, begin=world.begin, clock=world.clock)

    async def changes(caller: Actor, name: str) -> None:
        cmd = ChangePrices(price_list=name, rates=(rate("*"),), valid_from=SPRING)
        await change_prices(cmd, actor=caller, begin=world.begin, clock=world.clock)

    await makes(world.north, "norths own", "norths")
    await changes(world.north, "norths own")
    await changes(world.north, "norths")
    for caller in (world.south, world.north_east, world.other_operator):
        for call in (makes(caller, "y", "norths"), changes(caller, "norths own")):
            with pytest.raises(NotFound):
                await call
    with pytest.raises(NotFound):
        await makes(world.north, "y", "master")
    # What he buys at he sees and does not change.
    terms = ChangeResellerTerms(reseller=world.south.resellers[0], price_list="gold")
    await change_reseller_terms(terms, actor=world.operator, begin=world.begin, clock=world.clock)
    await makes(world.south, "souths", "gold")
    with pytest.raises(NotAllowed):
        await changes(world.south, "gold")
    await changes(world.south, "souths")
    for scopes in (frozenset[Action](), frozenset({Action.WRITE_PRICES})):
        with pytest.raises(NotAllowed):
            await makes(replace(world.south, scopes=scopes), "z", "gold")


async def test_a_reseller_gives_his_customers_his_own_lists_alone(world: World) -> None:
    await load(world)
    await create(world, name="norths", reseller=world.north.reseller)
    kept = await create_customer(new_customer(price_list="norths"), actor=world.north, begin=world.begin)
    assert kept.price_list == "norths"
    for caller in (world.south, world.north_east):
        with pytest.raises(NotFound) as no:
            await create_customer(new_customer(price_list="norths"), actor=caller, begin=world.begin)
        assert no.value.field == "priceList"


async def test_without_the_permission_nothing_is_read(world: World) -> None:
    bare = replace(world.operator, scopes=frozenset(Action) - {Action.READ_PRICES})
    for call in (
        list_price_lists(PageRequest(), actor=bare, begin=world.begin),
        list_rates(ListRates(price_list="x"), actor=bare, begin=world.begin),
        price_lists_by_names(["x"], actor=bare, begin=world.begin),
    ):
        with pytest.raises(NotAllowed):
            await call

"""Past traffic by another tariff: the sums on both sides, and that nothing is stored."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from api.graphql.context import Context
from api.graphql.schema import make_schema
from domain.access.actor import Action
from domain.catalogue.document import BadTariff
from domain.margins.exchange import DayRate
from domain.ports.page import PageRequest
from domain.refusal import BadValue, NotAllowed, NotFound
from domain.rerating.simulation import DIMENSIONS_TOLD, NO_PRICE
from domain.usecases.get_simulation import get_simulation, list_simulations
from domain.usecases.list_usage import ListUsage, list_usage
from domain.usecases.put_draft import PutDraft, put_draft
from domain.usecases.simulate_tariff import SimulateTariff, simulate_tariff
from tests.intake import world as made
from tests.rerating.conftest import SINCE, UNTIL, dearer, publish, tariff
from tests.rerating.test_protocols import call, installation

__all__ = ["call", "installation"]

FIXED, NORWAY = "46850000000", "4722000000"
EUR = {"EUR": Decimal(10)}


@pytest.fixture
async def loaded(load):
    """Each of the four customers called Sweden for a minute, and customer 0 Norway."""
    rows = [made.row(n, a=made.number(n), b=FIXED) for n in range(4)]
    return await load(made.lines(*rows, made.row(4, a=made.number(0), b=NORWAY)))


@pytest.fixture
def simulated(wiring, world):
    async def one(document, *, actor=None, **more):
        cmd = SimulateTariff(**({"since": SINCE, "until": UNTIL, "document": document, "exchange": EUR} | more))
        chunk = {} if "events_per_chunk" not in more else {"events_per_chunk": more.pop("events_per_chunk")}
        return await simulate_tariff(
            cmd, actor=actor or world.actor, begin=wiring.begin, clock=wiring.clock, raters=wiring.raters, **chunk
        )

    return one


def told(rows):
    return {one.name: (one.before.events, str(one.before.revenue), str(one.after.revenue)) for one in rows}


async def test_the_same_tariff_changes_nothing(loaded, simulated):
    done = await simulated(made.TARIFF)
    assert (done.events, done.unpriced, done.currency) == (5, 0, "SEK")
    assert done.total.before == done.total.after
    for rows in (done.lists, done.destinations, done.groups, done.customers):
        assert all(one.before == one.after for one in rows)
    # The operator's own customer pays 0.79 and 1.89, the two resellers 0.12 each; the sibling has no list.
    assert str(done.total.before.revenue) == "2.920000"
    # Five minutes at 0.005 EUR.
    assert str(done.total.before.margin) == "2.670000"


async def test_a_change_is_told_per_list_destination_group_and_customer(wiring, world, loaded, simulated):
    before = (await list_usage(ListUsage(since=SINCE, until=UNTIL), actor=world.actor, begin=wiring.begin)).items

    def change(document):
        dearer(document)
        document["price_lists"]["wholesale"] = made.plist(made.rate("*", "0.20"))

    done = await simulated(tariff(change))
    # What the sibling's customer called costs something, and nobody pays for it.
    assert told(done.lists) == {
        "retail": (2, "2.680000", "3.280000"),
        "wholesale": (2, "0.240000", "0.400000"),
        NO_PRICE: (0, "0.000000", "0.000000"),
    }
    assert told(done.destinations) == {
        "Sweden fixed": (3, "1.030000", "1.790000"),
        "Norway": (1, "1.890000", "1.890000"),
    }
    assert next(iter(told(done.customers).items())) == ("K0 Kund 0", (2, "2.680000", "3.280000"))
    assert told(done.groups) == told(done.customers)
    assert done.total.after.margin - done.total.before.margin == Decimal("0.760000")
    after = (await list_usage(ListUsage(since=SINCE, until=UNTIL), actor=world.actor, begin=wiring.begin)).items
    assert after == before
    # Published and rated again, it is what was foretold.
    await publish(wiring, world, change)
    again = await simulated(tariff(change))
    assert again.total == done.total


async def test_what_would_have_no_price_is_counted(loaded, simulated):
    def gone(document):
        del document["price_lists"]["retail"]["rates"][2]

    done = await simulated(tariff(gone))
    assert done.unpriced == 1
    assert [(one.name, one.before.events, one.after.events) for one in done.destinations] == [
        ("Norway", 1, 0),
        ("Sweden fixed", 3, 3),
    ]


async def test_no_traffic_is_nothing(loaded, simulated):
    done = await simulated(made.TARIFF, since=UNTIL, until=UNTIL + timedelta(days=1))
    assert (done.events, done.total.before.events, list(done.lists)) == (0, 0, [])


async def test_four_callers(wiring, world, loaded, simulated):
    for actor in (
        world.of_reseller(world.reseller, world.below),
        world.of_reseller(world.below),
        world.of_reseller(world.sibling, scopes=[Action.READ_COSTS, Action.WRITE_PRICES]),
    ):
        with pytest.raises(NotAllowed):
            await simulated(made.TARIFF, actor=actor)
    stranger = await made.with_source(wiring, f"s{world.operator}")
    assert (await simulated(made.TARIFF, actor=stranger.actor)).events == 0


@pytest.mark.parametrize(
    ("more", "refused"),
    [
        ({"until": SINCE}, BadValue),
        ({"exchange": {}}, BadValue),
        ({"exchange": {"EUR": Decimal(0)}}, BadValue),
        ({"first": 0}, BadValue),
        ({"document": None}, BadValue),
        ({"draft": "x"}, BadValue),
        ({"document": None, "draft": "x"}, NotFound),
        ({"exchange": {"eur": Decimal(1)}}, BadValue),
        ({"document": {"price_lists": 7}}, BadTariff),
        ({"document": {"destinations": {}, "price_lists": {}}}, NotFound),
    ],
)
async def test_what_cannot_be_simulated_is_refused(loaded, simulated, more, refused):
    with pytest.raises(refused):
        await simulated(**({"document": made.TARIFF} | more))


SIMULATE = """query($input: SimulateTariffInput!) { simulateTariff(input: $input) {
  currency events total { before { revenue margin } after { revenue margin } } lists { name } } }"""


async def test_graphql(wiring, world, loaded):
    asked = {
        "since": SINCE.isoformat(),
        "until": UNTIL.isoformat(),
        "document": json.dumps(tariff(dearer)),
        "exchange": [{"currency": "EUR", "price": "10"}],
    }
    schema = make_schema()
    answer = await schema.execute(SIMULATE, {"input": asked}, context_value=Context(wiring, world.actor))
    assert answer.errors is None
    found = answer.data["simulateTariff"]
    assert found["total"] == {
        "before": {"revenue": "2.920000", "margin": "2.670000"},
        "after": {"revenue": "3.520000", "margin": "3.270000"},
    }
    reseller = Context(wiring, world.of_reseller(world.reseller))
    refused = await schema.execute(SIMULATE, {"input": asked}, context_value=reseller)
    assert refused.errors[0].extensions["code"] == "NOT_ALLOWED"


async def test_the_command(installation, call):
    draft = installation / "draft.json"
    draft.write_text(json.dumps(tariff(dearer)))
    asked = ("simulate", "--tariff", str(draft), "--from", "2026-03-01", "--to", "2026-04-01")
    code, (total, *rows), err = await call(*asked, "--exchange", "EUR=10")
    told = json.loads(err[-1])
    key = told.pop("simulation")
    assert (code, told) == (0, {"events": 1, "unpriced": 0, "currency": "SEK"})
    assert await call("simulate", "--again", str(key)) == (0, [total, *rows], [err[-1]])
    assert (await call("simulate", "--again", "999"))[0] == 2
    assert (total["of"], total["before"]["revenue"], total["after"]["revenue"]) == ("total", "0.790000", "1.390000")
    assert [one["of"] for one in rows] == ["list", "destination", "group", "customer"]
    code, out, err = await call(*asked)
    assert (code, out, len(err)) == (2, [], 1)
    draft.write_text('{"price_lists": 7}')
    code, out, err = await call(*asked)
    assert (code, out) == (2, [])
    assert "$.price_lists" in err[0]


async def test_a_draft_is_simulated_from_the_beginning_of_the_period(wiring, world, loaded, simulated):
    rate = made.rate("Sweden fixed", "0.90", setup="0.49") | {"valid_from": "2027-01-01T00:00:00+01:00"}
    later = made.rate("Sweden fixed", "9.00") | {"valid_from": "2028-01-01T00:00:00+01:00"}
    changes = {"price_lists": {"retail": {"change": [later, rate]}}}
    around = {"actor": world.actor, "begin": wiring.begin, "clock": wiring.clock}
    await put_draft(PutDraft(name="autumn", changes=changes), **around)
    by_draft, by_document = await simulated(None, draft="autumn"), await simulated(tariff(dearer))
    assert by_draft.total == by_document.total
    assert (by_draft.draft, by_document.draft) == ("autumn", None)
    wrong = {"price_lists": {"retail": {"change": [rate | {"to": "Nowhere"}]}}}
    await put_draft(PutDraft(name="wrong", changes=wrong), **around)
    with pytest.raises(BadTariff, match=r"price_lists\.retail\.change"):
        await simulated(None, draft="wrong")


async def test_amounts_in_another_currency_take_their_days_rate(wiring, world, load, simulated):
    await load(made.lines(made.row(1, a=made.number(0), b=FIXED), made.row(24_700, a=made.number(0), b=FIXED)))
    days = [(made.FIRST + timedelta(days=n)).date() for n in (0, 2)]
    rates = [DayRate(day, "EUR", "SEK", Decimal(price), "test") for day, price in zip(days, ("10", "12"), strict=True)]
    async with wiring.begin(world.actor) as unit:
        await unit.exchange.put(rates, replace=False, at=made.NOW)
    done = await simulated(made.TARIFF, exchange={})
    # 0.79 twice, less 0.005 EUR at 10 and at 12.
    assert str(done.total.before.margin) == str(done.total.after.margin) == "1.470000"
    fixed = await simulated(made.TARIFF, exchange=EUR)
    assert str(fixed.total.before.margin) == "1.480000"


async def test_a_result_is_kept_and_never_changes(wiring, world, loaded, simulated):
    done = await simulated(tariff(dearer))
    around = {"begin": wiring.begin}
    assert await get_simulation(done.id, actor=world.actor, **around) == replace(
        done, **{name: list(getattr(done, name)) for name in DIMENSIONS_TOLD}
    )
    page = await list_simulations(PageRequest(), actor=world.actor, **around)
    assert [one.id for one in page.items] == [done.id]
    with pytest.raises(NotAllowed):
        await get_simulation(done.id, actor=world.of_reseller(world.reseller), **around)
    stranger = await made.with_source(wiring, f"s{world.operator}")
    with pytest.raises(NotFound):
        await get_simulation(done.id, actor=stranger.actor, **around)
    assert not (await list_simulations(PageRequest(), actor=stranger.actor, **around)).items

"""Resellers' terms, series, the meter, commissions and batches, as their ports promise, in memory and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from domain.commissions.commission import Base, CommissionLine, CommissionOn, Rule, Salesperson, Statement, lines_of
from domain.ids import ResellerId
from domain.invoicing.invoice import DocumentKind
from domain.invoicing.series import SeriesKind
from domain.metering.meter import Measure, UnitPrice, basis, read_prices
from domain.period import Period
from domain.ports.page import PageRequest
from domain.refusal import BadValue, Conflict, NotFound, Overlap, Stale
from domain.resellers.reseller import Term
from tests.stores.worlds import NOON, World

SPRING = datetime(2026, 4, 1, tzinfo=UTC)
MARCH = Period(date(2026, 3, 1), date(2026, 4, 1))


async def test_terms_hold_from_their_instant_and_the_present_is_the_latest(world: World) -> None:
    north, east = world.north.resellers
    (south,) = world.south.resellers
    ahead = datetime(2999, 1, 1, tzinfo=UTC)
    async with world.begin(world.operator) as unit:
        await unit.resellers.hold_tree()
        await unit.resellers.put_term(Term(reseller=east, valid_from=NOON, parent=south))
        await unit.resellers.put_term(Term(reseller=east, valid_from=ahead, parent=None))
    async with world.begin(world.operator) as unit:
        assert (await unit.resellers.tree())[east].parent == south
        assert (await unit.resellers.base())[east].parent == north
        assert [one.parent for one in await unit.resellers.terms()] == [south, None]
        assert await unit.resellers.drop_terms(east, NOON) == 2
        assert (await unit.resellers.tree())[east].parent == north
    with pytest.raises(NotFound):
        async with world.begin(world.operator) as unit:
            await unit.resellers.put_term(Term(reseller=east, valid_from=NOON, customer=4711))  # type: ignore[arg-type]  # nobody's
    async with world.begin(world.south) as unit:
        assert list(await unit.resellers.terms()) == []


async def test_a_reseller_is_kept_at_his_version(world: World) -> None:
    async with world.begin(world.operator) as unit:
        one = (await unit.resellers.tree())[world.north.resellers[0]]
        kept = await unit.resellers.keep(replace(one, name="Norr"))
        assert kept.version == 2
        with pytest.raises(Stale):
            await unit.resellers.keep(one)
    with pytest.raises(Conflict):
        async with world.begin(world.operator) as unit:
            await unit.resellers.keep(replace(kept, code="south"))


async def test_series_begin_and_go_on_by_their_seller(world: World) -> None:
    seller = world.north.resellers[0]
    async with world.begin(world.operator) as unit:
        own = await unit.operators.claim_series(SeriesKind.INVOICE, None, expected=100_001)
        his = await unit.operators.claim_series(SeriesKind.INVOICE, seller, expected=100_001)
        assert (own.prefix, his.prefix) == ("", f"R{seller}-")
        await unit.operators.keep_series(replace(his, prefix="N-", next=7_000_000))
    with pytest.raises(Conflict):
        async with world.begin(world.operator) as unit:
            await unit.operators.keep_series(replace(own, prefix="N-"))
    with pytest.raises(Stale):
        async with world.begin(world.operator) as unit:
            await unit.operators.claim_series(SeriesKind.INVOICE, seller, expected=100_001)
    async with world.begin(world.operator, bulk=True) as unit:
        _, numbers = await unit.invoices.draw(DocumentKind.INVOICE, 2, seller=seller)
        assert numbers == ["N-7000000", "N-7000001"]


async def test_calls_add_up_over_flushes_and_zones(world: World) -> None:
    own, other = world.operator.operator, world.other_operator.operator
    midnight = datetime(2026, 3, 1, 22, 59, tzinfo=UTC), datetime(2026, 3, 1, 23, 1, tzinfo=UTC)
    counts = [(own, midnight[0], "graphql", 3), (own, midnight[1], "graphql", 4), (other, midnight[0], "soap", 1)]
    for _ in range(2):
        async with world.begin(world.operator, bulk=True) as unit:
            await unit.meter.add_calls(counts)
    async with world.begin(world.operator) as unit:
        days = await unit.meter.days(date(2026, 3, 1), date(2026, 3, 3), zone="Europe/Stockholm")
    assert [(one.day.day, dict(one.calls)) for one in days] == [(1, {"graphql": 6}), (2, {"graphql": 8})]
    lines = basis(days, Period(date(2026, 3, 1), date(2026, 3, 3)), read_prices({"calls": {"price": "1", "per": 3}}))
    assert {line.measure: line.amount for line in lines}[Measure.CALLS] == Decimal("4.67")
    assert read_prices({"events": "0.002"}) == (UnitPrice(measure=Measure.EVENTS, price=Decimal("0.002")),)
    for bad in ({"x": "1"}, {"events": {"price": "1", "per": 0}}, {"events": "-1"}):
        with pytest.raises(BadValue):
            read_prices(bad)


def rule(world: World, name: str, **fields: object) -> Rule:
    values: dict[str, object] = {
        "id": 0,
        "operator": world.operator.operator,
        "name": name,
        "basis": CommissionOn.USAGE,
        "percent": Decimal(10),
        "valid_from": date(2026, 1, 1),
    }
    return Rule(**(values | fields))  # type: ignore[arg-type]  # a table of fields


async def test_people_rules_and_statements_are_kept(world: World) -> None:
    north = world.north.resellers[0]
    operator = world.operator.operator
    async with world.begin(world.operator) as unit:
        anna = await unit.commissions.put_person(Salesperson(id=0, operator=operator, code="anna", name="Anna"))
        bo = await unit.commissions.put_person(
            Salesperson(id=0, operator=operator, code="bo", name="Bo", reseller=north)
        )
        again = await unit.commissions.put_person(replace(anna, team="A"))
        assert again.version == 2
        with pytest.raises(Stale):
            await unit.commissions.put_person(replace(anna, team="B"))
        kept = await unit.commissions.put_rule(rule(world, "usage"))
        assert list(await unit.commissions.rules()) == [kept]
    for taken in (Salesperson(id=0, operator=operator, code="anna", name="x"),):
        with pytest.raises(Conflict):
            async with world.begin(world.operator) as unit:
                await unit.commissions.put_person(taken)
    line = CommissionLine(
        reseller=None, salesperson="anna", team="A", rule="usage", basis=CommissionOn.USAGE, count=1,
        base=Decimal(6), rate=Decimal(10), commission=Decimal("0.60"),
    )  # fmt: skip
    lines = (line, replace(line, reseller=north, salesperson="bo"))
    made = Statement(
        id=0, operator=operator, period=MARCH, currency="SEK", made_at=NOON, client="boss", horizon=1, lines=lines
    )
    async with world.begin(world.operator) as unit:
        assert await unit.commissions.claim_period(MARCH) is None
        statement = await unit.commissions.add(made)
    async with world.begin(world.operator) as unit:
        assert await unit.commissions.claim_period(MARCH) == statement
        with pytest.raises(Overlap):
            await unit.commissions.claim_period(Period(date(2026, 3, 31), date(2026, 4, 30)))
    sees = ((world.operator, lines), (world.north, lines[1:]), (world.south, None), (world.other_operator, None))
    for actor, expected in sees:
        async with world.begin(actor) as unit:
            page = await unit.commissions.page(PageRequest())
            assert [one.lines for one in page.items] == ([] if expected is None else [expected])
            codes = [one.code for one in await unit.commissions.people()]
            assert ("bo" in codes) == (expected is not None)
            if actor.reseller is not None:
                assert list(await unit.commissions.rules()) == []
    assert bo.reseller == north


def test_every_rule_that_fits_is_paid_by_itself_and_rounded_once(world: World) -> None:
    people = {"anna": Salesperson(id=1, operator=world.operator.operator, code="anna", name="A", team="T")}
    day = date(2026, 3, 2)
    base = Base(on=CommissionOn.USAGE, day=day, salesperson="anna", reseller=None, count=1, amount=Decimal("0.335"))
    rules = [
        rule(world, "a", id=1),
        rule(world, "of the team", id=2, team="T", percent=Decimal(1)),
        rule(world, "of another", id=3, team="U"),
        rule(world, "before", id=4, valid_to=day),
        rule(world, "fees", id=5, basis=CommissionOn.FEES),
        rule(world, "of a reseller", id=6, reseller=ResellerId(1)),
        rule(world, "each", id=7, basis=CommissionOn.CONTRACT, percent=None, amount=Decimal("12.50")),
    ]
    begun = replace(base, on=CommissionOn.CONTRACT, count=3, amount=Decimal(0))
    found = lines_of(rules, people, [base, base, replace(base, salesperson=""), begun])
    assert {line.rule: (line.base, line.commission) for line in found} == {
        "a": (Decimal("0.670000"), Decimal("0.07")),
        "of the team": (Decimal("0.670000"), Decimal("0.01")),
        "each": (Decimal("0.000000"), Decimal("37.50")),
    }


async def test_a_batch_waits_until_it_is_acknowledged(world: World) -> None:
    async with world.begin(world.operator, bulk=True) as unit:
        assert await unit.basis.open() is None
        made = await unit.basis.make(made_at=NOON, zone="Europe/Stockholm")
        assert made.lines == 0
    async with world.begin(world.operator) as unit:
        assert await unit.basis.open() == made
        done = await unit.basis.acknowledge(made.id, at=NOON)
        assert await unit.basis.acknowledge(made.id, at=SPRING) == done
        assert await unit.basis.open() is None
        await unit.basis.put_key("customer", "A", 1, b"1")
        await unit.basis.put_key("customer", "A", 1, b"2")
        assert await unit.basis.keys("customer", ["A", "B"]) == {"A": (1, b"2")}
    async with world.begin(world.other_operator) as unit:
        with pytest.raises(NotFound):
            await unit.basis.get(made.id)
        with pytest.raises(NotFound):
            await unit.basis.acknowledge(made.id, at=NOON)
        assert await unit.basis.keys("customer", ["A"]) == {}

"""Putting rates into force, and writing a tariff's parts field by field: what holds for every input."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as some

from domain.catalogue.tariff import Band, Bucket, Effect, Ported, Rate, Ring, Step, Tariff, Trunk, Zone
from domain.catalogue.versions import put, selector
from persistence.catalogue_changes import between, counted
from persistence.catalogue_rows import part_from_json, part_to_json

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 12
days = some.integers(0, DAYS)


def at(day: int | None) -> datetime | None:
    return None if day is None else FIRST + timedelta(days=day)


@some.composite
def standing(draw: some.DrawFn) -> list[Rate]:
    """Return rates of two selectors, none of which meet: the days are cut, and a piece is left out or not."""
    found = []
    for to in ("A", "B"):
        cuts = sorted(draw(some.sets(some.integers(1, DAYS - 1), max_size=4)))
        edges: list[int | None] = [None, *cuts, None]
        for start, end in pairwise(edges):
            if draw(some.booleans()):
                price = draw(some.integers(0, 3))
                found.append(_rate(to, price, start, end, key=len(found) + 1))
    return found


def _rate(to: str, price: int, start: int | None, end: int | None, key: int = 0) -> Rate:
    return Rate(to=to, mode="voice", steps=(Step(price=price),), valid_from=at(start), valid_to=at(end), id=key)


def price_on(rates: list[Rate], to: str, day: int) -> int | None:
    """Return the price in force at noon of a day; two at one time are an error."""
    noon = FIRST + timedelta(days=day, hours=12)
    held = [
        rate.steps[0].price
        for rate in rates
        if rate.to == to
        and (rate.valid_from is None or rate.valid_from <= noon)
        and (rate.valid_to is None or rate.valid_to > noon)
    ]
    assert len(held) <= 1, "two rates hold at one time"
    return held[0] if held else None


@settings(deadline=None)
@given(standing(), some.integers(0, DAYS - 1), some.none() | days, some.integers(0, 3))
def test_a_put_rate_holds_in_its_time_and_nothing_else_changes(
    present: list[Rate], start: int, end: int | None, price: int
) -> None:
    if end is not None and end <= start:
        end = None
    new = _rate("A", price, None, end)
    begins = FIRST + timedelta(days=start)
    ended, begun = put(present, [new], begins)
    after = [rate for rate in present if rate not in ended] + begun
    for day in range(-1, DAYS + 1):
        inside = day >= start and (end is None or day < end)
        assert price_on(after, "A", day) == (price if inside else price_on(present, "A", day))
        assert price_on(after, "B", day) == price_on(present, "B", day)
    assert {selector(rate) for rate in ended} <= {selector(new)}
    assert not any(rate.id for rate in begun)
    # The same again changes nothing.
    assert put(after, [new], begins) == ([], [])


texts = some.text(some.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=8)
instants = some.datetimes(datetime(1971, 1, 1), datetime(2099, 1, 1), timezones=some.just(UTC))  # noqa: DTZ001  (bounds; the zone is given)
names = some.none() | some.lists(texts, max_size=2).map(tuple)
effects = some.one_of(
    some.builds(Effect, percent=some.integers()),
    some.builds(Effect, price=some.lists(some.builds(Step, price=some.integers(0)), max_size=2).map(tuple)),
)
PARTS = {
    "bands": some.dictionaries(
        texts, max_size=3, values=some.builds(Band, name=texts, days=some.frozensets(some.integers(1, 7)))
    ),
    "holidays": some.dictionaries(texts, some.lists(some.dates(date(1970, 1, 1)), max_size=3).map(tuple), max_size=3),
    "zones": some.dictionaries(
        texts, some.builds(Zone, name=texts, countries=some.lists(texts, max_size=2).map(tuple))
    ),
    "trunks": some.dictionaries(texts, max_size=3, values=some.builds(Trunk, name=texts, cost=some.none() | texts)),
    "ported": some.lists(some.builds(Ported, number=texts, to=texts, valid_from=instants), max_size=3).map(tuple),
    "discount_rings": some.lists(
        some.builds(
            Ring,
            id=texts,
            priority=some.integers(),
            effect=effects,
            groups=names,
            valid_from=some.none() | instants,
            volume_period=some.none() | some.tuples(instants, instants),
            volume_from=some.integers(0),
        ),
        max_size=3,
    ).map(tuple),
    "buckets": some.lists(
        some.builds(
            Bucket,
            id=texts,
            owner=texts,
            unit=texts,
            amount=some.integers(),
            period=some.tuples(instants, instants),
            to=names,
        ),
        max_size=3,
    ).map(tuple),
}


@settings(max_examples=40, deadline=None)
@given(some.data())
def test_every_part_comes_back_as_it_was_written(data: some.DataObject) -> None:
    for part, values in PARTS.items():
        value = data.draw(values, label=part)
        text = part_to_json(value)
        assert part_from_json(part, text) == value
        assert part_from_json(part, json.dumps(json.loads(text), sort_keys=True)) == value


def test_the_same_tariff_has_no_changes() -> None:
    assert not between(Tariff(), Tariff()).any
    assert counted(between(Tariff(), Tariff())).began == 0

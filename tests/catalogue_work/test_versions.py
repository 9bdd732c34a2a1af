"""From a moment on a list says what was published, before it what it said; no two versions meet. For every input."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as some

from domain.catalogue.checking import overlaps
from domain.catalogue.tariff import Rate
from domain.catalogue.versions import put_all, selector, stop, whole
from tests.stores.test_catalogue_changes import DAYS, at, standing

moments = some.integers(1, DAYS - 1)


def said(rates: Sequence[Rate], to: str, moment: datetime) -> list[int]:
    """Prices in force, as numbers of their steps and limits."""
    return [
        hash((rate.steps, rate.setup, rate.adjust))
        for rate in rates
        if rate.to == to
        and (rate.valid_from is None or rate.valid_from <= moment)
        and (rate.valid_to is None or rate.valid_to > moment)
    ]


def whole_days() -> list[datetime]:
    found = [at(day) for day in range(DAYS + 1)]
    return [day for day in found if day is not None]


def apart(rates: Sequence[Rate]) -> bool:
    by: dict[object, list[tuple[int, tuple[datetime | None, datetime | None]]]] = {}
    for number, rate in enumerate(rates):
        by.setdefault(selector(rate), []).append((number, (rate.valid_from, rate.valid_to)))
    return all(not overlaps(claims) for claims in by.values())


@settings(deadline=None)
@given(standing(), standing(), moments)
def test_a_whole_list_holds_from_the_moment_on(old: list[Rate], new: list[Rate], day: int) -> None:
    moment = at(day)
    assert moment is not None
    made = whole(old, new, moment)
    assert apart(made)
    for instant in whole_days():
        for to in ("A", "B"):
            assert said(made, to, instant) == said(old if instant < moment else new, to, instant)


@settings(deadline=None)
@given(standing(), moments)
def test_put_as_it_stands_nothing_changes(old: list[Rate], day: int) -> None:
    moment = at(day)
    assert moment is not None
    assert set(whole(old, old, moment)) == set(old)


@settings(deadline=None)
@given(standing(), moments)
def test_what_is_stopped_holds_until_then(old: list[Rate], day: int) -> None:
    moment = at(day)
    assert moment is not None
    made = stop(old, {selector(rate) for rate in old if rate.to == "A"}, moment)
    for instant in whole_days():
        assert said(made, "A", instant) == (said(old, "A", instant) if instant < moment else [])
        assert said(made, "B", instant) == said(old, "B", instant)


@settings(deadline=None)
@given(standing(), standing(), moments)
def test_prices_that_are_put_go_before_what_stands(old: list[Rate], new: list[Rate], day: int) -> None:
    moment = at(day)
    assert moment is not None
    # What would end before it begins is a fault of the draft and never comes here.
    new = [rate for rate in new if rate.valid_to is None or rate.valid_to > (rate.valid_from or moment)]
    made = put_all(old, new, moment)
    assert apart(made)
    for instant in whole_days():
        for to in ("A", "B"):
            begun = [rate for rate in new if (rate.valid_from or moment) <= instant]
            if said(begun, to, instant):
                assert said(made, to, instant) == said(begun, to, instant)

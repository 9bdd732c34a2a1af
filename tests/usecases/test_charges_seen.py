"""What a caller may see of a charge: nothing of the lists of whom a reseller buys from."""

from __future__ import annotations

from dataclasses import replace

from domain.access.charges import within_lists
from domain.catalogue.tariff import Adjustment, Rate, Step
from domain.rating.explanation import Considered, LevelExplained, Verdict
from domain.rating.walked import Segment

UPSTREAM = Rate(to="*", mode="voice", steps=(Step(price=100_000_000),), id=7)
MARKUP = Rate(to="*", mode="voice", adjust=Adjustment(percent=100_000_000), id=8)


def _level(own: Considered, above: Considered, decides: str) -> LevelExplained:
    piece = Segment(0, 60, decides, None, 200_000_000, 60, 200_000_000)
    return LevelExplained(
        level="wholesale", tier=1, considered=[own, above], price_list=decides, rate=UPSTREAM, segments=[piece]
    )


def test_what_a_markup_lies_on_cannot_be_reckoned():
    own = Considered("East", Verdict.ADJUSTS, MARKUP, 1)
    told = within_lists(_level(own, Considered("Wholesale", Verdict.DECIDES, UPSTREAM, 1), "East"), {"East"})
    assert told.considered == [Considered("East", Verdict.DECIDES, Rate(to="*", mode="voice"), 1)]
    assert (told.rate, told.price_list, told.segments[0].price) == (None, "East", 200_000_000)


def test_an_inherited_price_is_told_as_that_of_the_list_that_inherits_it():
    own = Considered("East", Verdict.DESTINATION)
    level = _level(own, Considered("Wholesale", Verdict.DECIDES, UPSTREAM, 1), "Wholesale")
    told = within_lists(level, {"East"})
    assert told.considered == [Considered("East", Verdict.DECIDES, Rate(to="*", mode="voice"), 1)]
    assert (told.rate, told.price_list, told.segments[0].price_list) == (None, "East", "East")
    assert told.segments[0].price == level.segments[0].price  # what he pays is his to know


def test_a_list_that_was_not_asked_is_not_named_and_a_known_one_stays():
    own = Considered("East", Verdict.DECIDES, UPSTREAM, 1)
    level = _level(own, Considered("Wholesale", Verdict.NOT_ASKED), "East")
    assert within_lists(level, {"East"}) == replace(level, considered=[own])
    assert within_lists(level, {"East", "Wholesale"}) == level

"""Mediation finds in the demo's files what the generator says it wrote, record by record."""

import tomllib
from collections import Counter

import polars as pl
import pytest

from domain.demo.size import SMALL, STANDARD
from domain.demo.traffic import MALMO
from domain.demo.world import make_world
from domain.demo.written import Truth
from domain.usecases.mediate import Run, mediate
from integrations.cdr.registry import profile as read_profile
from integrations.cdr.registry import reader as reader_of


def mediated(world):
    """Return the truth, what mediation counted and the frames of events and rejects, over every file of each source."""
    truth, found, rejects, events = Truth(), Counter(), Counter(), []
    runs = {source.name: (read_profile(source.profile), Run()) for source in world.sources}
    for file in world.files():
        profile, run = runs[file.source]
        truth.counts += file.truth.counts
        for batch in mediate([file.data], profile, reader_of(profile), run=run):
            counts = batch.balance.as_dict()
            found.update({f"ignored:{why}": count for why, count in counts.pop("ignored").items()})
            found.update(counts)
            rejects.update(batch.rejects["reason"].to_list())
            events.append(batch.events)
    return truth, found, rejects, pl.concat(events)


@pytest.fixture(scope="module", params=[SMALL, STANDARD], ids=["small", "standard"])
def result(request):
    return mediated(make_world(request.param))


def test_every_record_ends_where_the_generator_says(result):
    truth, found, rejects, _ = result
    assert found["records"] == truth.records
    assert dict(rejects) == truth.of("reject")
    # A row that is left out and delivered twice is left out and a duplicate: either count is true.
    left_out = sum(count for why, count in found.items() if why.startswith("ignored:"))
    assert found["duplicates"] >= truth.counts["duplicate"]
    assert found["duplicates"] + left_out == truth.counts["duplicate"] + sum(truth.of("ignored").values())
    assert found["events"] == truth.events
    assert found["merged"] == found["pending"] == 0


def test_the_hour_that_comes_twice_is_told_apart_or_flagged(result):
    *_, events = result
    hour = 1792886400 * 1_000_000
    night = events.filter(pl.col("start").is_between(hour, hour + 2 * 3_600_000_000, closed="left"))
    asterisk = night.filter(pl.col("source") != MALMO)
    assert asterisk.filter(pl.col("start") >= hour + 3_600_000_000).height > 0
    assert asterisk["flags"].list.contains("dst_ambiguous").sum() == 0
    switch = night.filter(pl.col("source") == MALMO)
    assert switch["flags"].list.contains("dst_ambiguous").sum() == switch.height


def test_numbers_and_trunks_are_those_that_were_dialled(result):
    *_, events = result
    assert set(events["trunk_out"].drop_nulls()) | set(events["trunk_in"].drop_nulls()) == {
        "transit-nord",
        "transit-syd",
    }
    assert events.filter(pl.col("direction") == "in").height > 20
    assert events.filter(pl.col("a").str.starts_with("0")).height == 0
    assert events.filter(~pl.col("a").str.contains(r"^[0-9]{10,15}$")).height == 0


def test_the_profiles_are_documents_of_their_own():
    for source in make_world(SMALL).sources:
        assert tomllib.loads(source.profile)["name"] == source.name

"""More events than are held: put away, rated by parts of time, and the same to the last cell."""

from __future__ import annotations

import json
import random
from pathlib import Path

import polars as pl
import pytest

from api.cli.spool import DiskSpool, spooling
from domain.catalogue.document import read_tariff
from domain.ports.spool import Spool
from domain.rating.answered import Answered, Chunk
from domain.rating.answers import Answers
from domain.rating.requests import Directory, read_event, to_events
from domain.rating.streaming import RateRun
from tests.buckets.test_plans import PLAN, document
from tests.rating import generated, wild


def told(tariff: object, events: list[dict], size: int, spool: Spool | None, held_max: int) -> list[str]:
    """The answers of events fed in chunks of a size, in the order in which they came."""
    run = RateRun(read_tariff(tariff), spool, held_max=held_max)
    found: list[Answered] = []
    for first in range(0, len(events), size):
        requests = [read_event(event) for event in events[first : first + size]]
        reasons = {place: one.bad for place, one in enumerate(requests) if one.bad is not None}
        ids = pl.Series("id", [one.id for one in requests], pl.String)
        found += run.feed(Chunk(to_events(run.book, Directory.of(run.book), requests), ids, reasons))
    found += run.finish()
    return [
        json.dumps(answer, sort_keys=True, default=str)
        for one in found
        for answer in Answers(run.book, run.parties, one.rated).all(
            one.chunk.ids.to_list(), [one.chunk.reasons.get(place) for place in range(len(one.chunk.ids))]
        )
    ]


def both(tariff: object, events: list[dict], size: int, held_max: int, folder: Path) -> None:
    held = told(tariff, events, len(events), None, 10**9)
    assert len(held) == len(events)
    assert told(tariff, events, size, DiskSpool(folder), held_max) == held
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("made", [generated, wild], ids=["generated", "wild"])
def test_put_away_or_held_is_the_same(made, seed: int, tmp_path: Path) -> None:
    tariff, events = json.loads(json.dumps(made.tariff(seed))), made.events(seed, 80)
    both(tariff, events, 1 + seed % 7, 5 + seed % 11, tmp_path)


def test_a_plan_that_rolls_over_with_a_cap_goes_on_from_part_to_part(tmp_path: Path) -> None:
    draw = random.Random(3)
    events = [
        {
            "id": f"{place:04}",
            "party": draw.choice("abd"),
            "mode": "voice",
            "b": "46850",
            "start": f"2026-{draw.randint(1, 6):02}-{draw.randint(1, 28):02}T{draw.randint(0, 23):02}:00:00Z",
            "used": draw.randint(1, 60),
        }
        for place in range(300)
    ]
    both(document(PLAN), events, 13, 20, tmp_path)


def test_events_of_one_instant_stay_together(tmp_path: Path) -> None:
    events = [
        {"id": f"{place:03}", "party": "a", "mode": "voice", "b": "46850", "start": "2026-02-01T00:00:00Z", "used": 9}
        for place in reversed(range(40))
    ]
    both(document(PLAN), events, 7, 5, tmp_path)


def test_a_spool_is_gone_at_the_end_also_after_an_error() -> None:
    kept: list[Path] = []

    def work() -> None:
        with spooling() as spool:
            spool.put("a", [1])
            kept.append(spool._folder)
            assert spool.take("a") == [1]
            spool.put("b", [2])
            raise KeyError

    with pytest.raises(KeyError):
        work()
    assert not kept[0].exists()

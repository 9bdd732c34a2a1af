"""The ingest benchmark runs, on a small file, and tells every figure."""

from __future__ import annotations

from datetime import timedelta

import pytest

from api.cli import DONE
from api.cli import run as command
from benchmarks import ingest


@pytest.mark.slow
def test_the_benchmark_measures_the_import_beside_the_raw_copy(monkeypatch):
    monkeypatch.setattr(ingest, "DESTINATIONS", 20)
    monkeypatch.setattr(ingest, "SMALL_FILES", 2)
    told: list[str] = []
    figures = ingest.run(told.append, rows=3_000, subscriptions=300, rounds=3)
    rounds = [line for line in told if line.startswith("  round ")]
    assert len(rounds) == 3
    ratios = sorted(int(line.rpartition("ratio ")[2].removesuffix(" %")) for line in rounds)
    assert round(100 * figures["ratio"]) == ratios[1] > 0
    assert figures["rows_per_second"] > 0
    assert figures["raw_rows_per_second"] > 0
    assert figures["small_ms"] > 0


def test_rounds_have_months_of_their_own_apart_from_what_warms():
    begun = [ingest.FIRST + timedelta(seconds=ingest._month(number)) for number in range(ingest.ROUNDS_MAX)]
    assert {one.day for one in begun} == {1}
    assert len({(one.year, one.month) for one in begun}) == ingest.ROUNDS_MAX
    warmed = ingest.FIRST + timedelta(seconds=ingest.WARM_SHIFT + ingest.MONTH_SECONDS)
    assert warmed < min(begun)


def test_the_command_takes_rounds(monkeypatch):
    asked: dict[str, int] = {}
    monkeypatch.setattr(ingest, "run", lambda out, **options: asked.update(options))
    assert command(["bench", "ingest", "--rows", "2000", "--rounds", "5"]) == DONE
    assert asked == {"rows": 2000, "rounds": 5}

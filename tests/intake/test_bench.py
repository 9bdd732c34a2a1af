"""The ingest benchmark runs, on a small file, and tells every figure."""

from __future__ import annotations

import pytest

from benchmarks import ingest


@pytest.mark.slow
def test_the_benchmark_measures_the_import_beside_the_raw_copy(monkeypatch):
    monkeypatch.setattr(ingest, "DESTINATIONS", 20)
    monkeypatch.setattr(ingest, "SMALL_FILES", 2)
    told: list[str] = []
    figures = ingest.run(told.append, rows=3_000, subscriptions=300)
    assert figures["ratio"] == figures["rows_per_second"] / figures["raw_rows_per_second"] > 0
    assert figures["small_ms"] > 0
    assert any("ratio" in line for line in told)

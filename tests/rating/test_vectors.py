from __future__ import annotations

import json
from pathlib import Path

import pytest

from domain.catalogue.document import parse_json
from domain.rating.vectors import check_vectors, rate_document

FILES = ("increments", "bands", "prices", "discounts", "buckets", "levels", "rounding", "roaming")


@pytest.mark.shared
@pytest.mark.parametrize("name", FILES)
def test_every_vector_costs_what_it_must(shared: Path, name: str) -> None:
    checked = check_vectors(parse_json((shared / "vectors" / f"{name}.json").read_bytes()))
    assert checked.vectors > 5
    assert checked.differences == ()


@pytest.mark.shared
@pytest.mark.parametrize("name", ["101", "202"])
def test_the_random_sets_cost_what_they_must(shared: Path, name: str) -> None:
    folder = shared / "vectors" / "random" / name
    events = [parse_json(line) for line in (folder / "events.jsonl").read_bytes().splitlines()]
    expected = [json.loads(line) for line in (folder / "expected.jsonl").read_bytes().splitlines()]
    answers = rate_document(parse_json((folder / "tariff.json").read_bytes()), events)
    assert len(answers) == len(expected) == 1500
    # An answer says more: null for an absent level, and why an event is bad.
    wrong = [
        (want["id"], want, got)
        for want, got in zip(expected, answers, strict=True)
        if want != {key: value for key, value in got.items() if key in want or (key != "detail" and value is not None)}
    ]
    assert wrong == []

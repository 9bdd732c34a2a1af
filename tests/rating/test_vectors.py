from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from domain.catalogue.document import parse_json
from domain.rating.vectors import check_vectors, rate_document
from domain.refusal import Unreadable

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


def test_a_plan_grants_its_months_to_a_document_s_own_events():
    rates = [{"to": "*", "mode": "voice", "steps": [{"price": "1", "per": 60}]}]
    plan = {"id": "plan", "owner": "p", "unit": "seconds", "amount": "100"}
    document = {
        "destinations": {"SE": {"prefixes": ["46"]}},
        "price_lists": {"m": {"currency": "SEK", "rates": rates}},
        "parties": {"p": {"retail": "m"}},
        "buckets": [{**plan, "period": {"every": "month", "from": "2026-01-01", "zone": "UTC"}}],
    }
    event = {"id": "e", "party": "p", "mode": "voice", "b": "4670", "start": "2026-02-05T09:00:00Z", "used": 60}
    assert [one["retail"]["buckets"] for one in rate_document(document, [event])] == [{"plan@2026-02": "60"}]


@pytest.mark.parametrize(
    ("vector", "path"),
    [
        (1, "$.vectors[0]"),
        ({"id": "v"}, "$.vectors[0].tariff"),
        ({"id": "v", "tariff": {}, "events": []}, "$.vectors[0].expect"),
        ({"id": "v", "tariff": {}, "events": [], "expect": [{}]}, "$.vectors[0].expect[0]"),
    ],
)
def test_what_is_no_vector_is_refused_with_its_place(vector, path):
    with pytest.raises(Unreadable, match=re.escape(path + ":")):
        check_vectors({"vectors": [vector]})

"""Whatever stands in a document or an event: refused with every fault and its place, or a bad event, never a crash."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.catalogue.document import BadTariff, read_tariff
from domain.catalogue.reading import Fault
from domain.rating.vectors import rate_document

from . import generated

DOCUMENT = json.loads(json.dumps(generated.tariff(3)))
EVENT = {
    "id": "e",
    "party": "p0",
    "mode": "voice",
    "direction": "out",
    "a": "46701111111",
    "b": "4670999",
    "trunk": "T1",
    "visited": None,
    "start": "2026-10-25T12:00:00Z",
    "used": 61,
    "offset": 0,
}
ODD = (
    "2026-10-25T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00",
    "in",
    "p0",
    "\u0661",
    "",
    "\0",
    "1e9",
)
LEAF = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(ODD)
)
JSON = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
KEYS = st.sampled_from([*EVENT, "c", "source", "ref", "leg", "answered", "seized", "flags", "raw_line", "bogus"])
EVENTS = st.lists(JSON | st.dictionaries(KEYS, JSON, max_size=4).map(lambda odd: {**EVENT, **odd}), max_size=6)
CALM = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def places(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [above, *(place for key, one in inner for place in places(one, (*above, key)))]


PLACES = [place for place in places(DOCUMENT) if place]


@CALM
@given(EVENTS)
def test_a_bad_event_says_why_and_the_rest_are_rated(odd: list[Any]) -> None:
    answers = rate_document(DOCUMENT, [*json.loads(json.dumps(odd)), EVENT])
    assert len(answers) == len(odd) + 1
    assert answers[-1]["retail"] is not None
    for answer in answers:
        if answer.get("unrated") == "bad_event":
            assert answer["detail"]
    json.dumps(answers)


@CALM
@given(st.lists(st.tuples(st.sampled_from(PLACES), JSON), min_size=1, max_size=3))
def test_a_changed_document_is_refused_with_places_or_rates(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    document = json.loads(json.dumps(DOCUMENT))
    for place, value in changes:
        here = document
        try:
            for key in place[:-1]:
                here = here[key]
            here[place[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    faults: tuple[Fault, ...] = ()
    try:
        read_tariff(document)
    except BadTariff as refused:
        faults = refused.faults
    assert all(fault.path.startswith("$") and fault.message for fault in faults)
    assert faults or len(rate_document(document, [EVENT])) == 1


def test_every_fault_is_told_at_once_each_with_its_place_and_name() -> None:
    rate = {"to": "Norway", "mode": "voice", "steps": [{"price": "1"}]}
    document = {
        "bogus": 1,
        "bands": {"x": {"from": "25:00"}},
        "destinations": {"Norway": {"prefixes": ["47"]}, "Oslo": {"prefixes": ["4722", "47"]}},
        "price_lists": {
            "a": {
                "currency": "SEK",
                "zone": "Mars/Base",
                "parent": "b",
                "rates": [rate, rate, rate | {"steps": [{"price": 0.5, "next": -3}]}, rate | {"to": "Atlantis"}],
            },
            "b": {"parent": "a", "rates": []},
        },
    }
    with pytest.raises(BadTariff) as refused:
        read_tariff(document)
    told = {fault.path: fault.message for fault in refused.value.faults}
    assert {
        "$.bogus",
        "$.bands.x.from",
        "$.destinations.Oslo.prefixes[1]",
        "$.price_lists.a.zone",
        "$.price_lists.a.parent",
        "$.price_lists.b.parent",
        "$.price_lists.a.rates[1]",
        "$.price_lists.a.rates[2].steps[0].price",
        "$.price_lists.a.rates[2].steps[0].next",
        "$.price_lists.a.rates[3].to",
    } <= told.keys()
    assert told["$.destinations.Oslo.prefixes[1]"] == "prefix 47 belongs to 'Norway' at the same time"
    assert told["$.price_lists.a.rates[1]"].startswith("voice to Norway is equal to rates[0]")
    assert "'Atlantis'" in told["$.price_lists.a.rates[3].to"]


def test_half_a_character_is_a_bad_event_and_the_rest_is_rated():
    for key in ("id", "party", "b", "source", "nonsense\ud800"):
        event, whole = {**EVENT, key: "x\udc00"}, {**EVENT, "id": "whole"}
        bad, good = rate_document(DOCUMENT, [event, whole])
        assert bad["unrated"] == "bad_event"
        assert good["id"] == "whole"
        assert good.get("unrated") != "bad_event"
        json.dumps([bad, good], ensure_ascii=False).encode()


def test_a_name_of_half_a_character_is_a_fault_with_its_place():
    with pytest.raises(BadTariff) as refused:
        read_tariff({"trunks": {"\ud800": {}}, "parties": {"p": {"numbers": ["1"], "groups": ["\udfff"]}}})
    assert [one.path for one in refused.value.faults] == ["$.trunks['\ud800']", "$.parties.p.groups[0]"]

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from domain.catalogue.document import BadTariff, parse_json, read_tariff, write_tariff
from domain.refusal import Unreadable
from tests.rating.generated import tariff

GOOD = {
    "bands": {"peak": {"days": "1-5", "from": "08:00", "to": "18:00", "except_holidays": "SE"}},
    "holidays": {"SE": ["2026-01-01"]},
    "destinations": {"M": {"prefixes": ["467"], "groups": ["N"]}, "F": {"prefixes": ["468"]}},
    "zones": {"EU": ["DE"]},
    "ported": [{"number": "46701234567", "to": "F", "from": "2026-05-04T08:00:00Z"}],
    "price_lists": {
        "m": {
            "currency": "SEK",
            "zone": "Europe/Stockholm",
            "rates": [{"to": "*", "mode": "voice", "steps": [{"price": "1"}]}],
        },
        "c": {"parent": "m", "rates": [{"to": "M", "mode": "voice", "adjust": {"percent": "-10"}}]},
        "e": {"currency": "EUR", "rates": []},
    },
    "discount_rings": [{"id": "r", "priority": 1, "when": {"band": "peak"}, "effect": {"percent": "-20"}}],
    "buckets": [
        {
            "id": "b",
            "owner": "s",
            "unit": "seconds",
            "amount": "600",
            "period": ["2026-01-01T00:00:00+01:00", "2026-02-01T00:00:00+01:00"],
        }
    ],
    "trunks": {"T": {"cost": "e"}},
    "parties": {"s": {"retail": "c", "numbers": ["46850000000"]}, "t": {"retail": "m"}},
}
RATE = ("price_lists", "m", "rates", 0)
BUCKET = ("buckets", 0)

FAULTS = [
    (("colour",), "red", "$.colour"),
    ((*RATE, "colour"), "red", "$.price_lists.m.rates[0].colour"),
    ((*RATE, "steps", 0, "price"), 1, "$.price_lists.m.rates[0].steps[0].price"),
    ((*RATE, "steps", 0, "price"), 0.5, "$.price_lists.m.rates[0].steps[0].price"),
    ((*RATE, "steps", 0, "price"), "-1", "$.price_lists.m.rates[0].steps[0].price"),
    ((*RATE, "steps", 0, "price"), "1e3", "$.price_lists.m.rates[0].steps[0].price"),
    ((*RATE, "steps", 0, "price"), "0.1234567891", "$.price_lists.m.rates[0].steps[0].price"),
    ((*RATE, "steps", 0, "per"), 10**10, "$.price_lists.m.rates[0].steps[0].price"),
    ((*RATE, "steps", 0, "next"), -1, "$.price_lists.m.rates[0].steps[0].next"),
    ((*RATE, "steps", 0, "next"), 1.0, "$.price_lists.m.rates[0].steps[0].next"),
    ((*RATE, "steps", 0, "from"), 5, "$.price_lists.m.rates[0].steps[0].from"),
    ((*RATE, "steps"), [], "$.price_lists.m.rates[0].steps"),
    ((*RATE, "first"), 0, "$.price_lists.m.rates[0].first"),
    ((*RATE, "to"), "nowhere", "$.price_lists.m.rates[0].to"),
    ((*RATE, "to"), "group:X", "$.price_lists.m.rates[0].to"),
    ((*RATE, "band"), "noon", "$.price_lists.m.rates[0].band"),
    ((*RATE, "zone"), "Moon", "$.price_lists.m.rates[0].zone"),
    ((*RATE, "valid_from"), "2026-01-01", "$.price_lists.m.rates[0].valid_from"),
    (("price_lists", "m", "zone"), "Europe/Atlantis", "$.price_lists.m.zone"),
    (("price_lists", "m", "parent"), "c", "$.price_lists.m.parent"),
    (("price_lists", "m", "parent"), "x", "$.price_lists.m.parent"),
    (("price_lists", "c", "currency"), "EUR", "$.price_lists.c.currency"),
    (("price_lists", "c", "rates", 0, "adjust"), {"percent": "1", "amount": "1"}, "$.price_lists.c.rates[0].adjust"),
    (("price_lists", "c", "rates", 0, "setup"), "1", "$.price_lists.c.rates[0].setup"),
    (("price_lists", "m", "rounding"), {"decimals": 7}, "$.price_lists.m.rounding.decimals"),
    (("destinations", "F", "prefixes"), ["467"], "$.destinations.F.prefixes[0]"),
    (("destinations", "F", "prefixes"), ["+46"], "$.destinations.F.prefixes[0]"),
    (("ported", 0, "to"), "X", "$.ported[0].to"),
    (("bands", "peak", "from"), "25:00", "$.bands.peak.from"),
    (("bands", "peak", "days"), "0-5", "$.bands.peak.days"),
    (("holidays", "SE"), ["2026-02-30"], "$.holidays.SE[0]"),
    (("zones", "home"), ["SE"], "$.zones.home"),
    (("discount_rings", 0, "effect"), {"percent": "-1", "per_event": "1"}, "$.discount_rings[0].effect"),
    (("discount_rings", 0, "effect"), {"percent": "-0.1234567"}, "$.discount_rings[0].effect.percent"),
    ((*BUCKET, "currency"), "SEK", "$.buckets[0].currency"),
    ((*BUCKET, "when_empty"), {"price_list": "e"}, "$.buckets[0].when_empty.price_list"),
    ((*BUCKET, "amount"), "1.5", "$.buckets[0].amount"),
    ((*BUCKET, "period"), ["2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z"], "$.buckets[0].period"),
    (("parties", "t", "numbers"), ["46850000000"], "$.parties.t.numbers[0]"),
    (("parties", "t", "retail"), "x", "$.parties.t.retail"),
    (("parties", "t", "deviations"), "e", "$.parties.t.deviations"),
    (("trunks", "T", "cost"), "x", "$.trunks.T.cost"),
]


def changed(path: tuple[object, ...], value: object) -> object:
    document = copy.deepcopy(GOOD)
    here: object = document
    for key in path[:-1]:
        here = here[key]  # type: ignore[index]
    here[path[-1]] = value  # type: ignore[index]
    return document


def test_the_good_document_is_good() -> None:
    assert read_tariff(copy.deepcopy(GOOD)).price_lists["c"].parent == "m"


@pytest.mark.parametrize(("path", "value", "place"), FAULTS)
def test_a_fault_is_refused_with_its_place(path: tuple[object, ...], value: object, place: str) -> None:
    with pytest.raises(BadTariff) as refused:
        read_tariff(changed(path, value))
    assert place in {fault.path for fault in refused.value.faults}, refused.value.faults


def test_two_equal_rates_at_one_time_are_refused_but_not_after_each_other() -> None:
    rate = {"to": "M", "mode": "voice", "steps": [{"price": "1"}]}
    early = {**rate, "valid_to": "2026-02-01T00:00:00Z"}
    late = {**rate, "valid_from": "2026-02-01T00:00:00Z"}
    read_tariff(changed(("price_lists", "m", "rates"), [early, late]))
    with pytest.raises(BadTariff) as refused:
        read_tariff(
            changed(("price_lists", "m", "rates"), [early, late, {**rate, "valid_from": "2026-01-31T00:00:00Z"}])
        )
    assert len(refused.value.faults) == 2


def test_a_repeated_key_is_not_lost() -> None:
    with pytest.raises(BadTariff) as refused:
        read_tariff(parse_json('{"zones": {"EU": ["DE"], "EU": ["FR"]}}'))
    assert str(refused.value.faults[0]) == "$.zones.EU: stands twice in this object"


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}"])
def test_what_is_not_json_is_unreadable(text: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_json(text)


@pytest.mark.parametrize("value", [None, [], 7, "x"])
def test_what_is_no_document_is_refused(value: object) -> None:
    with pytest.raises(BadTariff):
        read_tariff(value)


@pytest.mark.parametrize("seed", range(30))
def test_a_written_tariff_reads_back_the_same(seed: int) -> None:
    read = read_tariff(json.loads(json.dumps(tariff(seed))))
    assert read_tariff(json.loads(json.dumps(write_tariff(read)))) == read


@pytest.mark.shared
def test_a_large_document_is_written_and_read_back_the_same(shared: Path) -> None:
    read = read_tariff(parse_json((shared / "vectors" / "random" / "101" / "tariff.json").read_bytes()))
    assert read_tariff(write_tariff(read)) == read

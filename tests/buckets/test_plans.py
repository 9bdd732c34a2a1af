"""Plans in a tariff document: read and written back, refused with their place, rated and explained by it alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.catalogue.document import BadTariff, read_tariff, write_tariff
from domain.rating.answered import Chunk
from domain.rating.answers import Answers
from domain.rating.explain import Explainer
from domain.rating.requests import Directory, asked, read_event, to_events
from domain.rating.streaming import RateRun

PLAN = {
    "id": "p",
    "owner": "each contract",
    "of": ["list"],
    "unit": "seconds",
    "amount": "100",
    "period": {"every": "month", "from": "2026-01-01", "zone": "Europe/Stockholm"},
    "rollover": {"periods": 1, "cap": "30"},
}


def document(*buckets: dict[str, Any], **more: Any) -> dict[str, Any]:
    steps = [{"price": "1", "next": 1}]
    lists = {
        name: {"currency": "SEK", "zone": "UTC", "rates": [{"to": "SE", "mode": "voice", "steps": steps}]}
        for name in ("list", "other")
    }
    parties = {
        "a": {"retail": "list", "shares": ["contract:1"]},
        "b": {"retail": "list", "shares": ["contract:1"]},
        "c": {"retail": "other", "shares": ["contract:1"]},
        "d": {"retail": "list", "shares": ["contract:2"]},
    }
    return {
        "destinations": {"SE": {"prefixes": ["46"]}},
        "price_lists": lists,
        "buckets": list(buckets),
        "parties": parties,
    } | more


def event(place: int, party: str, start: datetime, used: int) -> dict[str, Any]:
    return {
        "id": f"{place:03}",
        "party": party,
        "mode": "voice",
        "b": "46850",
        "start": start.isoformat(),
        "used": used,
    }


def rated(tariff: dict[str, Any], events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    run = RateRun(read_tariff(json.loads(json.dumps(tariff))))
    requests = [read_event(one) for one in events]
    directory = Directory.of(run.book)
    chunk = Chunk(to_events(run.book, directory, requests), pl.Series("id", [one.id for one in requests]))
    found = [*run.feed(chunk), *run.finish()]
    return [
        answer
        for one in found
        for answer in Answers(run.book, run.parties, one.rated).all(
            one.chunk.ids.to_list(), [None] * len(one.chunk.ids)
        )
    ]


def test_what_is_read_is_written_back():
    plans = [
        PLAN,
        PLAN | {"id": "q", "unit": "money", "amount": "9.5", "rollover": {"periods": 2, "cap": "0.5"}},
        {key: value for key, value in PLAN.items() if key not in {"rollover", "of"}}
        | {"id": "r", "period": PLAN["period"] | {"to": "2026-07-01", "prorate": False}, "owner": "contract:1"},
    ]
    tariff = read_tariff(document(*plans))
    assert read_tariff(write_tariff(tariff)) == tariff
    written = write_tariff(tariff)["buckets"]
    assert written[0]["period"] == PLAN["period"]
    assert written[0]["rollover"] == PLAN["rollover"]
    assert written[2]["period"]["prorate"] is False


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"period": {"every": "week", "from": "2026-01-01", "zone": "UTC"}}, "period.every"),
        ({"period": {"every": "month", "from": "2026-01-02", "zone": "UTC"}}, "period.from"),
        ({"period": {"every": "month", "from": "2026-01-01", "zone": "Mars"}}, "period.zone"),
        ({"period": {"every": "month", "from": "2026-01-01"}}, "period.zone"),
        ({"period": {"every": "month", "from": "2026-02-01", "to": "2026-01-01", "zone": "UTC"}}, "period.to"),
        ({"period": PLAN["period"] | {"each": 1}}, "period.each"),
        ({"period": PLAN["period"] | {"prorate": "no"}}, "period.prorate"),
        ({"rollover": {"periods": 0}}, "rollover.periods"),
        ({"rollover": {"cap": "1.5"}}, "rollover.cap"),
        ({"rollover": {"most": "1"}}, "rollover.most"),
        ({"of": ["nowhere"]}, "of[0]"),
        ({"of": []}, "of"),
        ({"owner": "a"}, "of"),
        ({"period": ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"]}, "rollover"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(change, place):
    with pytest.raises(BadTariff) as refused:
        read_tariff(document(PLAN | change))
    assert f"$.buckets[0].{place}" in {fault.path for fault in refused.value.faults}


def test_months_roll_over_for_those_who_share():
    january, february = datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 2, 10, tzinfo=UTC)
    events = [
        event(0, "a", january, 40),
        event(1, "b", january, 40),
        event(2, "c", january, 5),
        event(3, "a", february, 25),
        event(4, "b", february, 110),
        event(5, "d", february, 10),
    ]
    found = rated(document(PLAN), events[::-1])[::-1]
    assert [one["retail"]["buckets"] for one in found] == [
        {"p@2026-01/contract:1": "40"},
        {"p@2026-01/contract:1": "40"},
        {},
        {"p@2026-01/contract:1": "20", "p@2026-02/contract:1": "5"},
        {"p@2026-02/contract:1": "95"},
        {"p@2026-01/contract:2": "10"},
    ]
    assert [one["retail"]["amount"] for one in found] == [
        "0.000000",
        "0.000000",
        "5.000000",
        "0.000000",
        "15.000000",
        "0.000000",
    ]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 24 * 150), st.integers(0, 90)), min_size=1, max_size=15),
    st.integers(1, 3),
    st.one_of(st.none(), st.integers(0, 120)),
)
def test_the_kernel_and_the_explanation_agree(calls, periods, cap):
    rollover = {"periods": periods} | ({} if cap is None else {"cap": str(cap)})
    tariff = document(
        PLAN | {"rollover": rollover},
        PLAN
        | {
            "id": "m",
            "unit": "money",
            "amount": "7",
            "owner": "each subscription",
            "priority": 1,
            "rollover": rollover,
        },
    )
    tariff["buckets"][0]["amount"] = "60"
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    rows = sorted((hours, n, party, used) for n, (party, hours, used) in enumerate(calls))
    events = [event(n, party, begin + timedelta(hours=hours), used) for hours, n, party, used in rows]
    found = rated(tariff, events)
    explainer = Explainer(read_tariff(tariff))
    for one, answer in zip(events, found, strict=True):
        (level, *_) = explainer.explain(asked(read_event(one))).levels
        gave = {part.bucket: part.amount for part in level.buckets}
        said = {
            name: int(Decimal(text).scaleb(6 if name.startswith("m@") else 0))
            for name, text in answer["retail"]["buckets"].items()
        }
        assert (level.amount, gave) == (int(Decimal(answer["retail"]["amount"]).scaleb(6)), said)

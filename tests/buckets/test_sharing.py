"""Caps of what one line may take of a shared bucket, volumes that lines count together, and who is on a plan."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.catalogue.document import BadTariff, read_tariff, write_tariff
from domain.rating.explain import Explainer
from domain.rating.requests import asked, read_event
from tests.buckets.test_plans import PLAN, document, event, rated

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
CAPPED = PLAN | {"per_subscription": "60", "rollover": None}
TOGETHER = {
    "id": "much",
    "priority": 1,
    "effect": {"percent": "-50"},
    "when": {"volume_from": "100", "volume_unit": "units", "volume_shared": "contract"},
}


def test_a_line_takes_no_more_than_its_cap_of_what_it_shares():
    at = [BEGIN + timedelta(days=n) for n in range(5)]
    calls = [event(0, "a", at[0], 80), event(1, "b", at[1], 30), event(2, "a", at[2], 5), event(3, "b", at[3], 30)]
    found = rated(document(CAPPED), calls)
    assert [one["retail"]["buckets"] for one in found] == [
        {"p@2026-01/contract:1": "60"},
        {"p@2026-01/contract:1": "30"},
        {},
        {"p@2026-01/contract:1": "10"},
    ]
    assert [one["retail"]["amount"] for one in found] == ["20.000000", "0.000000", "5.000000", "20.000000"]


def test_lines_count_a_volume_together():
    at = [BEGIN + timedelta(days=n) for n in range(4)]
    calls = [event(0, "a", at[0], 60), event(1, "b", at[1], 40), event(2, "a", at[2], 10), event(3, "d", at[3], 10)]
    found = rated(document(discount_rings=[TOGETHER]), calls)
    assert [one["retail"]["amount"] for one in found] == ["60.000000", "40.000000", "5.000000", "10.000000"]


def test_what_is_shared_is_written_back():
    plans = {"Family": {"kind": "multi", "price_list": "list"}, "Solo": {"kind": "single"}}
    buckets = [
        CAPPED | {"plans": ["Family"], "thresholds": [80]},
        PLAN | {"id": "s", "owner": "each subscription", "plans": ["Solo"], "thresholds": []},
        {
            "id": "t",
            "owner": "top-up",
            "unit": "money",
            "amount": "50",
            "period": ["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"],
            "top_up": {"days": 30, "price": "99.5", "service": "TOP"},
        },
    ]
    given = document(*buckets, plans=plans, discount_rings=[TOGETHER])
    tariff = read_tariff(given)
    assert read_tariff(write_tariff(tariff)) == tariff
    assert tariff.buckets[2].top_up is not None
    assert (tariff.buckets[2].top_up.price, tariff.buckets[1].thresholds) == (99_500_000, ())
    assert write_tariff(tariff)["plans"]["Family"] == {"kind": "multi", "price_list": "list"}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"per_subscription": "x"}, "per_subscription"),
        ({"per_subscription": "5", "owner": "each subscription"}, "per_subscription"),
        ({"thresholds": [80, 50]}, "thresholds"),
        ({"thresholds": [0]}, "thresholds"),
        ({"thresholds": [101]}, "thresholds"),
        ({"thresholds": "80"}, "thresholds"),
        ({"plans": ["nowhere"]}, "plans[0]"),
        ({"plans": []}, "plans"),
        ({"plans": ["Solo"]}, "plans[0]"),
        ({"plans": ["Family"], "owner": "a", "of": None}, "plans"),
        ({"top_up": {"days": 3}}, "top_up"),
        ({"owner": "top-up", "of": None, "rollover": None}, "top_up"),
        ({"owner": "top-up", "of": None, "rollover": None, "top_up": {"days": 1}}, "period"),
        ({"owner": "top-up", "of": None, "rollover": None, "top_up": {"days": 0}}, "top_up.days"),
        ({"owner": "top-up", "of": None, "rollover": None, "top_up": {"price": "5"}}, "top_up.service"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(change: dict[str, Any], place: str):
    plans = {"Family": {"kind": "multi"}, "Solo": {}}
    with pytest.raises(BadTariff) as refused:
        read_tariff(document(PLAN | change, plans=plans))
    assert f"$.buckets[0].{place}" in {fault.path for fault in refused.value.faults}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 24 * 90), st.integers(0, 90)), min_size=1, max_size=15),
    st.integers(0, 80),
)
def test_the_kernel_and_the_explanation_agree(calls: list[tuple[str, int, int]], cap: int):
    money = {"id": "m", "unit": "money", "amount": "70", "per_subscription": "25", "priority": 1}
    tariff = document(
        PLAN | {"per_subscription": str(cap)}, PLAN | money | {"rollover": None}, discount_rings=[TOGETHER]
    )
    rows = sorted((hours, n, party, used) for n, (party, hours, used) in enumerate(calls))
    events = [event(n, party, BEGIN + timedelta(hours=hours), used) for hours, n, party, used in rows]
    explainer = Explainer(read_tariff(tariff))
    for one, answer in zip(events, rated(tariff, events), strict=True):
        (level, *_) = explainer.explain(asked(read_event(one))).levels
        said = {
            name: int(Decimal(text).scaleb(6 if name.startswith("m@") else 0))
            for name, text in answer["retail"]["buckets"].items()
        }
        gave = {part.bucket: part.amount for part in level.buckets}
        assert (level.amount, gave) == (int(Decimal(answer["retail"]["amount"]).scaleb(6)), said)

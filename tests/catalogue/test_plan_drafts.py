"""Price plans in drafts: put, changed and removed with what names them."""

from __future__ import annotations

from datetime import UTC, datetime

from domain.catalogue.document import read_tariff
from domain.catalogue.drafting import edited
from domain.catalogue.tariff import Tariff
from tests.buckets.test_plans import PLAN, document

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FAMILY = {"kind": "multi", "price_list": "list"}


def laid(before: Tariff, **changes: object) -> tuple[Tariff, set[str]]:
    made = edited(before, changes, at=NOW, now=NOW)  # type: ignore[arg-type]  # parts as a draft has them
    return made.after, {fault.path for fault in made.faults}


def test_a_plan_is_drafted_with_the_buckets_that_name_it() -> None:
    before = read_tariff(document())
    bucket = {key: value for key, value in PLAN.items() if key != "id"} | {"plans": ["Family"]}
    after, faults = laid(before, plans={"Family": FAMILY}, buckets={"p": bucket})
    assert faults == set()
    assert (after.plans["Family"].shares, after.buckets[0].plans) == (True, ("Family",))
    alone, faults = laid(before, buckets={"p": bucket})
    assert faults == {"$.buckets.p.plans[0]"}
    del alone
    # A plan that a bucket names cannot go without it.
    _, faults = laid(after, plans={"Family": None})
    assert faults == {"$.buckets.p.plans[0]"}
    gone, faults = laid(after, plans={"Family": None}, buckets={"p": None})
    assert (faults, gone.plans, gone.buckets) == (set(), {}, ())


def test_what_is_wrong_with_a_plan_has_its_place() -> None:
    before = read_tariff(document())
    for body, place in (
        (FAMILY | {"price_list": "nowhere"}, "$.plans.Family.price_list"),
        (FAMILY | {"kind": "duo"}, "$.plans.Family.kind"),
        (FAMILY | {"buckets": []}, "$.plans.Family.buckets"),
    ):
        _, faults = laid(before, plans={"Family": body})
        assert faults == {place}
    ring = {"effect": {"percent": "-5"}, "when": {"groups": ["plan:Family"]}}
    _, faults = laid(before, discount_rings={"r": ring})
    assert faults == {"$.discount_rings.r.when.groups[0]"}

"""docs/tariff-document.md names every key that the reader knows, and no other; its example is a good document."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from domain.catalogue.document import BadTariff, read_tariff
from domain.catalogue.reading import Place

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tariff-document.md"
TEXT = PAGE.read_text(encoding="utf-8")
STEPS: dict[str, Any] = {"steps": [{}]}
# An object in every place where there may be one, so that the reader asks each for every key it knows.
HOLLOW: dict[str, Any] = {
    "bands": {"NAME": {}},
    "destinations": {"NAME": {}},
    "ported": [{}],
    "zones": {"NAME": {}},
    "price_lists": {"NAME": {"rounding": {}, "rates": [STEPS, {"adjust": {}}]}},
    "discount_rings": [{"when": {}, "effect": {"price": STEPS}}],
    "buckets": [{"scope": {}, "when_empty": {}, "period": {}, "rollover": {}, "top_up": {}}],
    "plans": {"NAME": {}},
    "trunks": {"NAME": {}},
    "parties": {"NAME": {}},
}


def told() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for part in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        found[heading.strip("` ")] = set(re.findall(r"^\| `(\w+)` \|", body, re.MULTILINE))
    return found


def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    close = Place.close

    def closing(place: Place) -> None:
        found[re.sub(r"\[\d+\]", "[]", place.path)] |= place.known
        close(place)

    monkeypatch.setattr(Place, "close", closing)
    with pytest.raises(BadTariff):
        read_tariff(HOLLOW)
    return dict(found)


def test_every_key_of_the_reader_stands_on_the_page_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = known(monkeypatch)
    ring_steps = asked.pop("$.discount_rings[].effect.price.steps[]")
    assert ring_steps == asked["$.price_lists.NAME.rates[].steps[]"]
    assert told() == asked


def test_the_example_is_a_good_document() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    tariff = read_tariff(json.loads(example))
    assert tariff.rings
    assert tariff.buckets

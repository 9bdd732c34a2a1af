"""A tariff that is written as a document and read again is the same tariff."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from domain.catalogue.document import parse_json, read_tariff
from domain.catalogue.writing import write_tariff

WORDS = ("bands", "prices", "discounts", "buckets", "levels", "rounding", "roaming", "increments")


@pytest.mark.shared
@pytest.mark.parametrize("name", WORDS)
def test_every_tariff_of_the_vectors_survives(shared: Path, name: str) -> None:
    vectors = json.loads((shared / "vectors" / f"{name}.json").read_text())["vectors"]
    assert vectors
    for vector in vectors:
        tariff = read_tariff(vector["tariff"])
        written = json.dumps(write_tariff(tariff))
        assert read_tariff(parse_json(written)) == tariff, vector["id"]


@pytest.mark.shared
def test_large_tariffs_of_all_rules_survive(shared: Path) -> None:
    for path in sorted((shared / "vectors" / "random").glob("*/tariff.json")):
        tariff = read_tariff(parse_json(path.read_bytes()))
        assert read_tariff(write_tariff(tariff)) == tariff, path

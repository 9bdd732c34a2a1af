"""What the readers' bench measures is read as what it is: good records, of every profile that is shipped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.readers import CASES, measured
from integrations.cdr import registry


def test_every_shipped_profile_is_measured() -> None:
    assert set(CASES) == set(registry.names())


@pytest.mark.parametrize("name", CASES)
def test_every_record_of_the_bench_is_good(name: str) -> None:
    case = replace(CASES[name], count=60)
    data = case.data()
    assert measured(case, name, data) > 0
    assert case.bare(data) > 0

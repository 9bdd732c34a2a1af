"""The kernel against the page written out slowly, on random tariffs that mix every rule."""

from __future__ import annotations

import json

import pytest

from domain.rating.vectors import differences, rate_document

from . import wild
from .generated import events, tariff
from .reference import Reference


def differing(seed: int) -> list[str]:
    document, asked = json.loads(json.dumps(tariff(seed))), events(seed)
    found = []
    for expected, answer in zip(Reference(document).run(asked), rate_document(document, asked), strict=True):
        found += differences(expected, answer, f"seed {seed}: {expected['id']}")
    return found


@pytest.mark.parametrize("seed", range(40))
def test_the_kernel_agrees_with_the_page_written_out(seed: int) -> None:
    assert differing(seed) == []


@pytest.mark.parametrize("seed", [*range(12), 1062])
def test_the_kernel_agrees_on_tariffs_of_another_cut(seed: int) -> None:
    document, asked = json.loads(json.dumps(wild.tariff(seed))), wild.events(seed)
    for expected, answer in zip(Reference(document).run(asked), rate_document(document, asked), strict=True):
        assert list(differences(expected, answer, expected["id"])) == []

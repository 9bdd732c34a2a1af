"""The explanation adds up to what the kernel charged, on random tariffs that mix every rule."""

from __future__ import annotations

import json

import pytest

from domain.catalogue.document import read_tariff
from domain.rating.explain import Explainer
from domain.rating.requests import asked, read_event
from domain.rating.vectors import rate_document

from .generated import events, tariff


@pytest.mark.parametrize("seed", range(1000, 1025))
def test_an_explanation_adds_up_to_the_kernels_amount(seed: int) -> None:
    document, given = json.loads(json.dumps(tariff(seed))), events(seed)
    answers = {answer["id"]: answer for answer in rate_document(document, given)}
    explainer = Explainer(read_tariff(document))
    requests = [read_event(event) for event in given]
    for request in sorted(requests, key=lambda r: (r.start, r.offset, r.id)):
        explained, answer = explainer.explain(asked(request)), answers[request.id]
        if explained.status != "rated":
            assert explained.status == answer["unrated"]
            continue
        assert explained.destination == answer["destination"]
        levels = [answer["retail"], *(answer["wholesale"] or []), answer["cost"]]
        for level, kernel in zip(explained.levels, [level for level in levels if level is not None], strict=True):
            if level.status != "rated":
                assert kernel == {"unrated": level.status}
                continue
            assert f"{level.amount / 10**6:.6f}" == kernel["amount"], (request.id, level)
            assert (level.billed, level.price_list, level.band) == tuple(
                kernel[k] for k in ("billed", "price_list", "band")
            )
            # Charge, shares and money sum exactly.
            money = sum(part.amount for part in level.buckets if part.unit == "money")
            assert level.rounded == level.amount + money
            if level.rings:
                assert level.charge + sum(effect.change for effect in level.rings) >= 0
